"""Dynamics 365 on the bench: the simulated environment of tests/systems/dynamicsfloor.py, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any, cast

from cosell.core.errors import (
    Misconfigured,
    NotAllowed,
    Rejected,
    SignedOut,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.core.records import Values
from cosell.core.values import Person, Solution, State, Value
from cosell.crm.installing import Wish
from cosell.http import AsgiTransport, Request
from cosell.sandbox.dataverse import Dataverse as Org
from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Answer, Frame, Watched
from cosell.systems.dataverse.options import ClientSecret, Options
from cosell.systems.dataverse.system import Dataverse
from cosell.wiring.quality import quality_of
from tests.conformance.bench import Away, Lack, Late, Outcome, Setup
from tests.conformance.line import Line
from tests.conformance.samples import samples
from tests.sandbox.microsoft import free_socket, serving
from tests.systems.dynamicsfloor import REFERRAL, Floor, creation
from tests.systems.dynamicsyard import FORM, yard
from tests.systems.office import OwnClock
from tests.systems.salesfloor import Still, dated

from .served import Served

PACKAGE = "cosell.systems.dataverse"
BOOKKEEPING = {"versionnumber", "modifiedon", "modifiedby", "cosell_stamp", "cosell_audit"}
SLOW = 600.0
SOLUTIONS = "cosell_opportunitysolution"
MONEY = ("estimatedvalue", "estimatedvalue_base")
COLUMNS: Mapping[str, Collection[str]] = {
    "name": ("name",),
    "deal_value": MONEY,
    "currency": ("transactioncurrencyid", "exchangerate", *MONEY),
    "close_date": ("estimatedclosedate",),
    "notes": ("description",),
    "visible": ("cosell_visibletomicrosoft",),
    "help": ("cosell_howcanmicrosofthelp",),
    "microsoft_id": ("cosell_microsoftcrmidentifier",),
    "program": ("cosell_referralprogram",),
    "contacts": ("contacts", "parentcontactid"),
    "solutions": ("solutions",),
}
EDITS = {"notes": "description", "deal_value": "estimatedvalue", "name": "name"}


def _table(org: Org) -> dict[str, Outcome]:
    """dataverse-api.md 9 and 2.11, row by row as the vendor answers it."""
    ready = org.faults
    both: dict[str, type[Any]] = {
        "UNAUTHORIZED": SignedOut,
        "NOT_A_MEMBER": NotAllowed,
        "NO_ROLES": NotAllowed,
        "PRIVILEGE_DENIED": NotAllowed,
        "ACCESS_DENIED": Rejected,
        "NOT_ON_BEHALF": NotAllowed,
        "VERSION_MISMATCH": Stale,
        "DUPLICATE_RECORD": Rejected,
        "DUPLICATES_FOUND": Rejected,
        "PLUGIN_ABORTED": Rejected,
        "PLUGIN_CRASHED": Rejected,
        "TOO_LARGE": Rejected,
        "THROTTLED_REQUESTS": Throttled,
        "THROTTLED_TIME": Throttled,
        "THROTTLED_CONCURRENCY": Throttled,
    }
    doubtful = ("UNEXPECTED", "BAD_GATEWAY", "UNAVAILABLE", "GATEWAY_TIMEOUT")
    found = {name: Outcome(ready[name], kind, kind) for name, kind in both.items() if name in ready}
    found |= {name: Outcome(ready[name], Unavailable, Uncertain) for name in doubtful}
    statuses: dict[int, tuple[type[Any], type[Any]]] = {
        400: (Rejected, Rejected),
        401: (SignedOut, SignedOut),
        403: (NotAllowed, NotAllowed),
        404: (Misconfigured, Misconfigured),
        405: (Rejected, Rejected),
        412: (Stale, Stale),
        413: (Rejected, Rejected),
        429: (Throttled, Throttled),
        500: (Unavailable, Uncertain),
        501: (Rejected, Rejected),
        503: (Unavailable, Uncertain),
    }
    return found | {str(code): Outcome(Answer(code), *kinds) for code, kinds in statuses.items()}


class Unprepared:
    """An environment that nobody prepared, and what installs into it."""

    def __init__(self) -> None:
        self._yard = yard()

    def traces(self) -> object:
        tables = self._yard.org.schema.tables
        columns = {name: sorted(table.columns) for name, table in tables.items()}
        keys = {name: sorted(key.name for key in table.keys) for name, table in tables.items()}
        rows = {name: len(self._yard.rows(name)) for name in ("role", "savedquery", "solution", "publisher")}
        pages = [one["formxml"] for one in self._yard.rows("systemform")]
        return columns, keys, rows, pages

    async def install(self) -> None:
        await self._yard.install(Wish(page=FORM))

    async def remove(self) -> None:
        await self._yard.uninstall(Wish(data=True))


class DataverseBench(Served):
    """One environment and one connection to it."""

    lossy, longest = quality_of(PACKAGE).lossy, quality_of(PACKAGE).longest
    quality = PACKAGE

    def __init__(self, frame: Frame, entra: Entra, org: Org, line: Line) -> None:
        super().__init__(frame, "dataverse", _is_write)
        self.line = line
        self._entra = entra
        clock = OwnClock()
        chosen = Options(
            org.base_url,
            org.client_id,
            ClientSecret(org.client_secret),
            tenant=org.tenant,
            authority=entra.base_url,
            walk_page=3,
        )
        self.system = Dataverse(chosen, transport=line, clock=clock)
        self.floor = Floor(frame, org, self.system, clock, cast(AsgiTransport, line), chosen)
        self.outcomes = _table(org)
        self.lacks = {
            "permission": Lack(
                lambda: setattr(org.settings, "missing_privileges", frozenset({"prvReadOpportunity"})),
                "prvReadOpportunity",
            ),
            "field": Lack(lambda: org.schema.drop_column("opportunity", "cosell_audit"), "cosell_audit"),
        }
        schema, column = org.schema, org.schema.tables["opportunity"].columns["description"]

        def take() -> None:
            del schema.tables["opportunity"].columns["description"]
            schema.touch()

        self.away: Away | None = Away("notes", take, lambda: schema.add_column("opportunity", column))

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
        row = next(one for one in self.floor.rows("systemuser") if one["address1_telephone1"])
        names = ("internalemailaddress", "firstname", "lastname", "address1_telephone1")
        return (Person(*(row[name] or "" for name in names)),)

    @staticmethod
    def _strangers() -> tuple[Person, ...]:
        return (Person("nobody.here@elsewhere.example", "Nobody", "Here", "+31205550199"),)

    async def person_makes(self, count: int = 1) -> list[str]:
        return [self.floor.deal(name=f"Deal {at}", description="As made.") for at in range(count)]

    async def person_edits(self, record_id: str, **values: Value) -> None:
        self.floor.edit(record_id, **{EDITS[key]: _plain(value) for key, value in values.items()})

    async def begin_late(self, record_id: str) -> Late:
        slow = self.floor.org.open_transaction()
        slow.update("opportunity", record_id, {"description": "Slow."})

        async def finish() -> None:
            slow.commit()

        return Late(record_id, SLOW, finish)

    def stored(self, record_id: str) -> Mapping[str, Any]:
        row = {key: value for key, value in self.floor.row(record_id).items() if key not in BOOKKEEPING}
        customer = row["customerid"]
        solutions = [one for one in self.floor.rows(SOLUTIONS) if one["cosell_opportunityid"] == record_id]
        people = [one for one in self.floor.rows("contact") if one["parentcustomerid"] == customer]
        return row | {
            "contacts": sorted(
                (one["emailaddress1"] or "", one["lastname"] or "", one["telephone1"] or "") for one in people
            ),
            "solutions": sorted(
                (one["cosell_solutionidentifier"], one["cosell_quantity"] or 0, one["cosell_price"] or 0)
                for one in solutions
            ),
        }

    def places(self, key: str) -> Collection[str]:
        return COLUMNS[key]

    async def later(self, seconds: float) -> None:
        self.floor.later(seconds)

    async def restart(self) -> None:
        await self.system.aclose()
        self.system = self.floor.another()

    def index_lags(self) -> None:
        """A read shows what was committed at once (dataverse-api.md 2.3)."""

    def expire_tokens(self) -> None:
        self._entra.expire_access_tokens()

    def private(self) -> Collection[str]:
        return ()


def _is_write(request: Request) -> bool | None:
    """Records are written by POST and PATCH, of their own or in a batch, and read by GET, in either form."""
    if "/api/data/" not in request.url or "EntityDefinitions" in request.url:
        return None
    if "$batch" not in request.url:
        return request.method != "GET"
    if b"\nPATCH " in request.body or b"\nPOST " in request.body or b"\nDELETE " in request.body:
        return True
    return None if b"EntityDefinitions" in request.body else False


def _plain(value: Value) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


@asynccontextmanager
async def dataverse(**settings: Any) -> AsyncIterator[DataverseBench]:
    """An environment and its directory on free ports, and a connection signed in with a secret."""
    (entra_socket, authority), (sock, url) = free_socket(), free_socket()
    frame = Frame(seed=5)
    frame.clock = Still()
    entra = Entra(frame, base_url=authority)
    org = Org(frame, base_url=url, entra=entra)
    for name, value in settings.items():
        setattr(org.settings, name, value)
    served = dated(Watched(org.app, "dataverse", frame), frame)
    async with serving(entra.app, entra_socket), serving(served, sock):
        bench = DataverseBench(frame, entra, org, Line())
        try:
            yield bench
        finally:
            await bench.system.aclose()
            await bench.line.aclose()
