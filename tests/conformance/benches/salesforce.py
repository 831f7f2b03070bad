"""Salesforce on the bench: the simulated org of tests/systems/salesfloor.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from cosell.core.errors import (
    Gone,
    NotAllowed,
    Rejected,
    Retryable,
    SchemaDrift,
    SignedOut,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.core.records import Values
from cosell.core.values import Person, Solution, State, Value
from cosell.crm.installing import Act, Wish
from cosell.http import Request
from cosell.sandbox.frame import Answer
from cosell.systems.salesforce.system import Salesforce
from cosell.wiring.quality import quality_of
from tests.conformance.bench import Away, Lack, Late, Outcome, Setup
from tests.conformance.samples import samples
from tests.systems.installs import bare
from tests.systems.salesfloor import REFERRAL, SOLUTION, Floor, creation, opened

from .served import Served

PACKAGE = "cosell.systems.salesforce"
BOOKKEEPING = {"SystemModstamp", "LastModifiedDate", "LastModifiedById", "Cosell_Stamp__c", "Audit__c"}
WISH = Wish(page="Opportunity Layout", data=True)
SLOW = 600.0
"""Seconds a transaction may last (salesforce-api.md 10.2)."""
COLUMNS: Mapping[str, Collection[str]] = {
    "name": ("Name",),
    "deal_value": ("Amount", "ExpectedRevenue"),
    "currency": ("CurrencyIsoCode",),
    "close_date": ("CloseDate", "FiscalQuarter", "FiscalYear", "Fiscal", "PushCount"),
    "notes": ("Description",),
    "visible": ("Referral_visible_to_Microsoft__c",),
    "help": ("How_can_Microsoft_help__c",),
    "microsoft_id": ("Microsoft_CRM_Identifier__c",),
    "program": ("Referral_Program__c",),
    "contacts": ("contacts",),
    "solutions": ("solutions",),
}
EDITS = {"notes": "Description", "deal_value": "Amount", "name": "Name"}


class Unprepared:
    """An org that nobody prepared, and what installs into it."""

    def __init__(self) -> None:
        self._yard = bare(leads=True)

    def traces(self) -> object:
        objects = self._yard.org.schema.objects
        fields = {name: sorted(one.fields) for name, one in objects.items()}
        held = ("PermissionSet", "PermissionSetAssignment", "FieldPermissions", "ObjectPermissions")
        return fields, {name: len(self._yard.rows(name)) for name in held}

    async def install(self) -> None:
        await self._yard.install(WISH)

    async def remove(self) -> None:
        await self._yard.installer().uninstall(WISH, self._yard.told.append)
        # What the page shows is told by the difference it would take.
        assert (await self._yard.installer().removal(WISH))[0].act is Act.KEEP


def _table(floor: Floor) -> dict[str, Outcome]:
    """salesforce-api.md 3, row by row as the vendor answers it."""
    ready = floor.org.faults
    both: dict[str, type[Any]] = {
        "INVALID_SESSION_ID": SignedOut,
        "SESSION_NOT_FOR_REST": SignedOut,
        "REQUEST_LIMIT_EXCEEDED": Throttled,
        "CONCURRENT_LIMIT_EXCEEDED": Throttled,
        "API_DISABLED_FOR_ORG": NotAllowed,
        "API_CURRENTLY_DISABLED": NotAllowed,
        "INSUFFICIENT_ACCESS_OR_READONLY": Rejected,
        "UNABLE_TO_LOCK_ROW": Retryable,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Rejected,
        "QUERY_TIMEOUT": Retryable,
        "INVALID_QUERY_LOCATOR": Retryable,
        "SERVER_UNAVAILABLE": Unavailable,
    }
    found = {name: Outcome(ready[name], kind, kind) for name, kind in both.items()}
    found["UNKNOWN_EXCEPTION"] = Outcome(ready["UNKNOWN_EXCEPTION"], Unavailable, Uncertain)
    statuses: dict[int, tuple[type[Any], type[Any]]] = {
        300: (Rejected, Rejected),
        400: (Rejected, Rejected),
        401: (SignedOut, SignedOut),
        403: (NotAllowed, NotAllowed),
        404: (Gone, Gone),
        405: (Rejected, Rejected),
        409: (Rejected, Rejected),
        410: (SchemaDrift, SchemaDrift),
        412: (Stale, Stale),
        414: (Rejected, Rejected),
        415: (Rejected, Rejected),
        420: (Unavailable, Unavailable),
        428: (Rejected, Rejected),
        429: (Throttled, Throttled),
        431: (Rejected, Rejected),
        500: (Unavailable, Uncertain),
        502: (Unavailable, Uncertain),
        503: (Unavailable, Unavailable),
    }
    return found | {str(code): Outcome(Answer(code), *kinds) for code, kinds in statuses.items()}


class SalesforceBench(Served):
    """One org and one connection to it."""

    lossy, longest = quality_of(PACKAGE).lossy, quality_of(PACKAGE).longest
    quality = PACKAGE

    def __init__(self, floor: Floor) -> None:
        super().__init__(floor.frame, "salesforce", _is_write)
        self.floor = floor
        self.system = self._connected()
        self.outcomes = _table(floor)
        settings = floor.org.settings
        self.lacks = {
            "permission": Lack(
                lambda: setattr(settings, "readonly_fields", frozenset({"Opportunity.Referral_Link__c"})),
                "may not write Opportunity.Referral_Link__c",
            ),
            "field": Lack(
                lambda: setattr(settings, "hidden_fields", frozenset({"Opportunity.Audit__c"})), "Audit__c"
            ),
            "licence": Lack(self._without_api, "Professional Edition needs the API add-on"),
        }

        hidden = frozenset({"Opportunity.Description"})
        self.away: Away | None = Away(
            "notes",
            lambda: setattr(settings, "hidden_fields", hidden),
            lambda: setattr(settings, "hidden_fields", frozenset()),
        )

    def _connected(self) -> Salesforce:
        return Salesforce(self.floor.options, transport=self.line, clock=self.floor.clock)

    def _without_api(self) -> None:
        self.floor.fault("answer", "/services/data", times=9, answer="API_DISABLED_FOR_ORG")

    def unprepared(self) -> Setup:
        return Unprepared()

    def deal(self, **changes: Value) -> Values:
        known: dict[str, Value] = {"currency": "EUR", "region": "Utrecht", "team": self._users()}
        return creation(REFERRAL, **known | changes).values

    def samples(self, key: str) -> tuple[Value, ...] | None:
        if key == "team":
            return (self._users(), (*self._users(), *self._strangers()))
        if key == "state":
            return (State.ACTIVE, State.PENDING, State.WON, State.LOST, State.DECLINED)
        if key == "contacts":
            return (*samples(key), samples(key)[0])
        if key == "solutions":
            return (*samples(key), (Solution("SOL-10001-AAA", Decimal(2), Decimal("1.005")),))
        return None

    def _users(self) -> tuple[Person, ...]:
        row = next(one for one in self.floor.rows("User") if one["Id"] == self.floor.org._org.default_seller)
        words = (row[name] or "" for name in ("Email", "FirstName", "LastName", "Phone"))
        return (Person(*words),)

    @staticmethod
    def _strangers() -> tuple[Person, ...]:
        return (Person("nobody.here@elsewhere.example", "Nobody", "Here", "+31205550199"),)

    async def person_makes(self, count: int = 1) -> list[str]:
        return [self.floor.deal(Name=f"Deal {at}", Description="As made.") for at in range(count)]

    async def person_edits(self, record_id: str, **values: Value) -> None:
        self.floor.edit(record_id, **{EDITS[key]: _plain(value) for key, value in values.items()})

    async def begin_late(self, record_id: str) -> Late:
        slow = self.floor.org.open_transaction()
        slow.update("Opportunity", record_id, {"Description": "Slow."})

        async def finish() -> None:
            slow.commit()

        return Late(record_id, SLOW, finish)

    def stored(self, record_id: str) -> Mapping[str, Any]:
        row = {key: value for key, value in self.floor.row(record_id).items() if key not in BOOKKEEPING}
        roles = self.floor.rows("OpportunityContactRole")
        solutions = [one for one in self.floor.rows(SOLUTION) if one["Opportunity__c"] == record_id]
        people = [
            self.floor.row(one["ContactId"], "Contact") for one in roles if one["OpportunityId"] == record_id
        ]
        return row | {
            "contacts": sorted((one["Email"], one["LastName"], one["Phone"]) for one in people),
            "solutions": sorted(
                (one["Solution_Identifier__c"], one["Quantity__c"] or 0, one["Price__c"] or 0)
                for one in solutions
            ),
            "account": self.floor.row(row["AccountId"], "Account") if row["AccountId"] else None,
        }

    def places(self, key: str) -> Collection[str]:
        return COLUMNS[key]

    async def later(self, seconds: float) -> None:
        self.floor.later(seconds)

    async def restart(self) -> None:
        await self.system.aclose()
        self.system = self._connected()

    def index_lags(self) -> None:
        """A query shows what was committed at once (salesforce-api.md 5)."""

    def expire_tokens(self) -> None:
        self.floor.org.expire_sessions()

    def private(self) -> Collection[str]:
        lines = self.floor.org.private_key_pem.splitlines()
        return [line for line in lines if line and not line.startswith("-----")]


def _is_write(request: Request) -> bool | None:
    """Records are written by composites or by a PATCH of their own, and read by queries, in either form."""
    if "/oauth2/" in request.url or "/describe" in request.url:
        return None
    bare = request.body.replace(b" ", b"")
    if request.method == "PATCH" or b'"method":"PATCH"' in bare or b'"method":"POST"' in bare:
        return True
    return False if "/query" in request.url or b"/query" in bare else None


def _plain(value: Value) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


@asynccontextmanager
async def salesforce(**options: Any) -> AsyncIterator[SalesforceBench]:
    """An org with small pages, and a connection signed in by JWT."""
    async with opened(**{"poll_page": 5, "walk_page": 3, "leads": True, **options}) as floor:
        bench = SalesforceBench(floor)
        try:
            yield bench
        finally:
            await bench.system.aclose()
            await bench.line.aclose()
