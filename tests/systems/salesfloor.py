"""A Salesforce connection against the simulator, and against answers written by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution, State
from cosell.http import AiohttpTransport, AsgiTransport
from cosell.ports import Changes, Creation, Marks, Update, Written
from cosell.sandbox.frame import Answer, Fault, Frame, SandboxClock, Watched, send_answer
from cosell.sandbox.salesforce import Salesforce as Org
from cosell.systems.salesforce.options import ClientSecret, FixedToken, Jwt, Options, Stages
from cosell.systems.salesforce.system import Salesforce
from tests.sandbox.microsoft import free_socket, serving

from .office import OwnClock

SOLUTION = "Microsoft_Partner_Center_Solution__c"
REFERRAL = "0f1e2d3c-0000-4000-8000-000000000001"
ANNA = Person("anna.smit@contoso.example", "Anna", "Smit", "+31 20 555 0111")
BORIS = Person("boris.vos@contoso.example", "Boris", "Vos", "+31 20 555 0112")
OPTIONS = Options(
    "https://login.salesforce.com", "client", FixedToken("token"), stages=Stages(on_hold=("On hold",))
)


class Still(SandboxClock):
    """Time that stands still unless it is moved, so that no test depends on where a second ends."""

    def __init__(self) -> None:
        super().__init__()
        self._moment = datetime.now(UTC).replace(microsecond=400_000)

    def now(self) -> datetime:
        return self._moment

    def advance(self, seconds: float) -> None:
        self._moment += timedelta(seconds=seconds)


@dataclass(slots=True)
class Floor:
    """The simulated org, a connection to it, and the clock of both."""

    frame: Frame
    org: Org
    system: Salesforce
    clock: OwnClock
    options: Options
    cursor: str | None = None

    # --- the org -----------------------------------------------------------------------------------

    def deal(self, **fields: Any) -> str:
        """A seller's opportunity with its account, enrolled unless told otherwise."""
        seller = self.org.as_seller
        account = {"Name": "Contoso Foods", "BillingCity": "Utrecht", "BillingPostalCode": "3511 AB"}
        country = "BillingCountryCode" if self.org.settings.state_country_picklists else "BillingCountry"
        account_id = fields.pop("AccountId", None) or seller.create("Account", {**account, country: "NL"})
        row = {
            "Name": "Cold chain",
            "StageName": "Qualification",
            "CloseDate": "2027-03-31",
            "Amount": 1000,
            "AccountId": account_id,
            "Sync_with_Partner_Center__c": True,
        }
        return seller.create("Opportunity", {**row, **fields})

    def solution(self, deal_id: str, solution_id: str = "SOL-10001-AAA", **fields: Any) -> str:
        row = {"Opportunity__c": deal_id, "Solution_Identifier__c": solution_id, "Name": solution_id}
        return self.org.as_seller.create(SOLUTION, {**row, **fields})

    def contact(self, deal_id: str, person: Person = ANNA) -> tuple[str, str]:
        """A contact of the deal's account and its role on the deal."""
        words = {"FirstName": person.first_name, "LastName": person.last_name, "Email": person.email}
        account = self.row(deal_id)["AccountId"]
        row = {**words, "Phone": person.phone, "AccountId": account}
        contact = self.org.as_seller.create("Contact", row)
        role = {"OpportunityId": deal_id, "ContactId": contact}
        return contact, self.org.as_seller.create("OpportunityContactRole", role)

    def edit(self, deal_id: str, **fields: Any) -> None:
        """A seller edits the opportunity."""
        self.org.as_seller.update("Opportunity", deal_id, fields)

    def row(self, deal_id: str, sobject: str = "Opportunity") -> dict[str, Any]:
        return self.org.as_seller.get(sobject, deal_id)

    def rows(self, sobject: str = "Opportunity") -> list[dict[str, Any]]:
        return self.org.as_seller.rows(sobject)

    def later(self, seconds: float = 2.0) -> None:
        """Time passes for everybody."""
        self.frame.clock.advance(seconds)
        self.clock.wall += seconds
        self.clock.offset += seconds

    def fault(self, kind: Any, path: str = "", *, times: int = 1, answer: str | Answer = "") -> None:
        """The next matching requests meet a misfortune."""
        ready = self.org.faults[answer] if isinstance(answer, str) and answer else answer
        self.frame.faults.append(Fault("salesforce", kind, "*", path, times=times, answer=ready or None))

    def calls(self, path: str = "") -> int:
        """Requests the org has seen since the last `forget`."""
        return sum(n for (_, _, where), n in self.frame.calls.items() if path in where)

    def forget(self) -> None:
        self.frame.calls.clear()

    # --- the connection ----------------------------------------------------------------------------

    def another(self, **options: Any) -> Salesforce:
        """One more connection to the same org."""
        return Salesforce(replace(self.options, **options), transport=AiohttpTransport(), clock=self.clock)

    async def restart(self) -> None:
        """The connector ends and begins again, with nothing in memory."""
        await self.system.aclose()
        self.system = self.another(login=by_secret(self))

    async def read(self, deal_id: str) -> Snapshot:
        """A read that must succeed."""
        found = (await self.system.get_many([deal_id]))[deal_id]
        assert isinstance(found, Snapshot), found
        return found

    async def firm(self, deal_id: str) -> Snapshot:
        """A read after the second of the last change is over."""
        self.later()
        return await self.read(deal_id)

    async def write(self, seen: Snapshot, **changes: Any) -> Written:
        """One update of `seen`."""
        wanted = update(seen, **changes)
        return (await self.system.update_many([wanted]))[wanted.write_id]

    async def poll(self) -> Changes:
        """The next look for changes, going on where the last one ended."""
        found = await self.system.changes(self.cursor)
        self.cursor = found.cursor
        return found

    async def settle(self) -> None:
        """Polls until there is no news."""
        for _ in range(10):
            found = await self.poll()
            self.later()
            if not (found.snapshots or found.gone or found.more):
                return
        raise AssertionError("the polls do not come to rest")


def update(seen: Snapshot, **changes: Any) -> Update:
    """An update of one read; `write_id`, `guard` and `marks` are taken out of the changes."""
    write_id, guard = changes.pop("write_id", "w1"), changes.pop("guard", True)
    return Update(write_id, seen.id, changes, seen, guard, changes.pop("marks", Marks()))


def creation(partner_id: str = REFERRAL, **changes: Any) -> Creation:
    """A deal from Partner Center."""
    marks = changes.pop("marks", Marks(referral_id=partner_id, enroll=True))
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
    return Creation("w1", partner_id, {k: v for k, v in values.items() if v is not None}, marks)


def dated(app: ASGIApp, frame: Frame) -> ASGIApp:
    """The application with the org's own time in the Date header."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(frame.clock.now(), usegmt=True).encode()
                kept = [(name, value) for name, value in message.get("headers", []) if name != b"date"]
                message = {**message, "headers": [*kept, (b"date", date)]}
            await send(message)

        await app(scope, receive, stamped)

    return wrapped


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Floor]:
    """An org on a free port, and a connection signed in by JWT."""
    sock, url = free_socket()
    frame = Frame(seed=5)
    frame.clock = Still()
    org = Org(frame, base_url=url)
    clock = OwnClock()
    stages = Stages(active=("Qualification",), on_hold=("On hold",))
    chosen = Options(url, org.client_id, Jwt(org.username, org.private_key_pem), stages=stages)
    chosen = replace(chosen, **options)
    async with serving(dated(Watched(org.app, "salesforce", frame), frame), sock):
        system = Salesforce(chosen, transport=AiohttpTransport(), clock=clock)
        floor = Floor(frame, org, system, clock, chosen)
        try:
            yield floor
        finally:
            await floor.system.aclose()


def by_secret(floor: Floor) -> ClientSecret:
    return ClientSecret(floor.org.client_secret)


# --- answers written by hand -----------------------------------------------------------------------

Scripted = Callable[[str, str, Any], Answer | Awaitable[Answer] | None]


@dataclass(slots=True)
class Script:
    """Answers requests of one connection by hand; what it does not answer is 404."""

    answers: list[tuple[str, Answer]] = field(default_factory=list)
    asked: list[tuple[str, str, Mapping[str, str], Any]] = field(default_factory=list)

    def on(
        self, path: str, body: Any, status: int = 200, *, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """The next request whose path contains `path` gets this answer; the last one stays."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        self.answers.append((path, Answer(status, raw, {"content-type": "application/json", **headers})))

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        raw = message.get("body", b"")
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        path = scope["path"] + "?" + scope["query_string"].decode()
        body = orjson.loads(raw) if raw[:1] in b"{[" and raw else raw
        self.asked.append((scope["method"], path, headers, body))
        await send_answer(send, self._answer(path))

    def _answer(self, path: str) -> Answer:
        fitting = [one for one in self.answers if one[0] in path]
        if not fitting:
            return Answer(404, b'[{"errorCode":"NOT_FOUND","message":"?"}]')
        if sum(1 for one in self.answers if one[0] == fitting[0][0]) > 1:
            self.answers.remove(fitting[0])
        return fitting[0][1]

    def system(self, **options: Any) -> Salesforce:
        """A connection that gets these answers."""
        chosen = replace(OPTIONS, **options)
        origins = {chosen.login_url: self.app, "https://acme.my.salesforce.com": self.app}
        return Salesforce(chosen, transport=AsgiTransport(origins), clock=OwnClock())
