"""A whole Dataverse connection against the simulated environment, and the sellers who work in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.types import ASGIApp

from cosell.core.records import RecordKind, Snapshot
from cosell.core.values import Person, Solution, State
from cosell.http import AsgiTransport, Reply, Request, Timeouts
from cosell.ports import Changes, Creation, Marks, Update, Written
from cosell.sandbox.dataverse import Dataverse as Org
from cosell.sandbox.dataverse import Settings
from cosell.sandbox.frame import Answer, Fault, Frame, Watched
from cosell.systems.dataverse.options import FixedToken, Options
from cosell.systems.dataverse.system import Dataverse

from .dynamicsdesk import AUTHORITY, ORG, place
from .office import OwnClock
from .salesfloor import ANNA, BORIS, REFERRAL, Still, dated, update

__all__ = ["ANNA", "BORIS", "REFERRAL", "Floor", "creation", "opened", "stored", "update"]

HELP = 727_000_003
"""«Quotes or Licensing» among the choices of the connector's own column."""


@dataclass(slots=True)
class Floor:
    """The simulated environment, a connection to it, and the clock of both."""

    frame: Frame
    org: Org
    system: Dataverse
    clock: OwnClock
    transport: AsgiTransport
    options: Options
    cursor: str | None = None

    @property
    def settings(self) -> Settings:
        return self.org.settings

    # --- the environment ---------------------------------------------------------------------------

    def account(self, **columns: Any) -> str:
        row = {
            "name": "Contoso Foods",
            "address1_city": "Utrecht",
            "address1_postalcode": "3511 AB",
            "address1_country": "NL",
        }
        return self.org.as_seller.create("account", {**row, **columns})

    def deal(self, **columns: Any) -> str:
        """A seller's opportunity with its account, enrolled unless told otherwise."""
        customer = columns.pop("customerid", None) or ("account", self.account())
        row = {
            "name": "Cold chain",
            "estimatedclosedate": "2027-03-31",
            "estimatedvalue": 1000,
            "customerid": customer,
            "transactioncurrencyid": self.currency("EUR"),
            "cosell_syncwithpartnercenter": True,
        }
        return self.org.as_seller.create("opportunity", {**row, **columns})

    def currency(self, code: str) -> str:
        found = self.rows("transactioncurrency")
        return str(next(one["transactioncurrencyid"] for one in found if one["isocurrencycode"] == code))

    def solution(self, deal_id: str, solution_id: str = "SOL-10001-AAA", **columns: Any) -> str:
        row = {
            "cosell_opportunityid": deal_id,
            "cosell_solutionidentifier": solution_id,
            "cosell_name": solution_id,
        }
        return self.org.as_seller.create("cosell_opportunitysolution", {**row, **columns})

    def contact(self, deal_id: str | None, person: Person = ANNA) -> str:
        """A contact of the deal's account, and its primary contact; without a deal of no account."""
        row: dict[str, Any] = {
            "firstname": person.first_name,
            "lastname": person.last_name,
            "emailaddress1": person.email,
            "telephone1": person.phone,
        }
        if deal_id is not None:
            row["parentcustomerid"] = self.row(deal_id)["customerid"]
        made = self.org.as_seller.create("contact", row)
        if deal_id is not None:
            self.edit(deal_id, parentcontactid=made)
        return made

    def lead(self, **columns: Any) -> str:
        row = {
            "subject": "Cold chain",
            "companyname": "Contoso Foods",
            "firstname": "Anna",
            "lastname": "Smit",
            "emailaddress1": ANNA.email,
            "cosell_referralidentifier": REFERRAL,
            "cosell_syncwithpartnercenter": True,
        }
        return self.org.as_seller.create("lead", {**row, **columns})

    def edit(self, row_id: str, table: str = "opportunity", **columns: Any) -> None:
        """A seller edits a row."""
        self.org.as_seller.update(table, row_id, columns)

    def row(self, row_id: str, table: str = "opportunity") -> dict[str, Any]:
        return self.org.as_seller.get(table, row_id)

    def rows(self, table: str = "opportunity") -> list[dict[str, Any]]:
        return self.org.as_seller.rows(table)

    def later(self, seconds: float = 2.0) -> None:
        """Time passes for everybody."""
        self.frame.clock.advance(seconds)
        self.clock.wall += seconds
        self.clock.offset += seconds

    def fault(self, kind: Any, path: str = "", *, times: int = 1, answer: str | Answer = "") -> None:
        """The next matching requests meet a misfortune."""
        ready = self.org.faults[answer] if isinstance(answer, str) and answer else answer
        self.frame.faults.append(Fault("dataverse", kind, "*", path, times=times, answer=ready or None))

    def calls(self, path: str = "") -> int:
        """Requests the environment has seen since the last `forget`."""
        return sum(
            n for (name, _, where), n in self.frame.calls.items() if name == "dataverse" and path in where
        )

    def forget(self) -> None:
        self.frame.calls.clear()

    # --- the connection ----------------------------------------------------------------------------

    def another(self, **options: Any) -> Dataverse:
        """One more connection to the same environment."""
        return Dataverse(replace(self.options, **options), transport=self.transport, clock=self.clock)

    def restart(self, **options: Any) -> None:
        """The connector ends and begins again, with nothing in memory."""
        self.system = self.another(**options)

    def over(self, send: Send) -> Dataverse:
        """One more connection, whose requests travel by `send`."""
        return Dataverse(self.options, transport=_By(send), clock=self.clock)

    async def prepare(self) -> None:
        """Signed in, and from here on calls are counted."""
        await self.system.prepare()
        self.forget()

    async def read(self, record_id: str) -> Snapshot:
        """A read that must succeed."""
        return stored((await self.system.get_many([record_id]))[record_id])

    async def write(self, seen: Snapshot, **changes: Any) -> Written:
        """One update of `seen`."""
        wanted: Update = update(seen, **changes)
        return (await self.system.update_many([wanted]))[wanted.write_id]

    async def poll(self) -> Changes:
        """The next look for changes, going on where the last one ended."""
        found = await self.system.changes(self.cursor)
        self.cursor = found.cursor
        return found

    async def settle(self) -> None:
        """Polls until there is no news."""
        for _ in range(20):
            found = await self.poll()
            self.later()
            if not (found.snapshots or found.gone or found.more):
                return
        raise AssertionError("the polls do not come to rest")


Send = Callable[[Request, Timeouts, int], Awaitable[Reply]]


@dataclass(slots=True)
class _By:
    by: Send

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        return await self.by(request, timeouts, max_body)

    async def aclose(self) -> None:
        pass


def stored(answer: object) -> Snapshot:
    assert isinstance(answer, Snapshot), answer
    return answer


def creation(partner_id: str = REFERRAL, **changes: Any) -> Creation:
    """A deal from Partner Center; `account_id`, `kind` and `marks` are taken out of the changes."""
    marks = changes.pop("marks", Marks(referral_id=partner_id, enroll=True))
    account_id, kind = changes.pop("account_id", None), changes.pop("kind", RecordKind.OPPORTUNITY)
    values = {
        "name": "Cold chain rollout",
        "deal_value": Decimal("50000.5"),
        "currency": "EUR",
        "close_date": date(2027, 3, 31),
        "notes": "First call went well.",
        "state": State.ACTIVE,
        "visible": True,
        "help": "ProofOfConceptOrDemo",
        "customer_name": "Contoso Foods",
        "address_line": "Stationsplein 1",
        "city": "Utrecht",
        "postal_code": "3511 ED",
        "country": "NL",
        "contacts": (ANNA, BORIS),
        "solutions": (Solution("SOL-10001-AAA", Decimal(2), Decimal("99.5")), Solution("SOL-10002-BBB")),
        **changes,
    }
    told = {k: v for k, v in values.items() if v is not None}
    return Creation("w1", partner_id, told, marks, kind, account_id)


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Floor]:
    """A fresh environment in the test's own thread, and a connection with a lasting token."""
    made = place()
    made.frame.clock = Still()
    token = FixedToken(made.org.access_token)
    chosen = replace(Options(ORG, made.org.client_id, token, tenant=made.org.tenant), **options)
    environment = dated(Watched(made.org.app, "dataverse", made.frame), made.frame)
    apps: dict[str, ASGIApp] = {ORG: environment, AUTHORITY: made.entra.app}
    transport, clock = AsgiTransport(apps), OwnClock()
    system = Dataverse(chosen, transport=transport, clock=clock)
    floor = Floor(made.frame, made.org, system, clock, transport, chosen)
    try:
        yield floor
    finally:
        await floor.system.aclose()
