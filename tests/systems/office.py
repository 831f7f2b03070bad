"""A Partner Center connection against the simulators, and against answers written by hand."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from cosell.core.errors import CosellError
from cosell.core.records import Snapshot, Values
from cosell.core.values import Person, Solution
from cosell.http import AiohttpTransport, AsgiTransport
from cosell.ports import Creation, Invitation, Update, Written
from cosell.sandbox.entra import PARTNER_CENTER, WEBHOOKS
from cosell.sandbox.frame import Answer, Fault, send_answer
from cosell.systems.partner_center.auth import StaticTokens
from cosell.systems.partner_center.connection import Connection, open_connection
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.system import PartnerCenter
from tests.sandbox.microsoft import Json, Microsoft, served_microsoft

ANNA = Person("anna.smit@contoso.example", "Anna", "Smit", "+31205550111")
BORIS = Person("boris.vos@fabrikam.example", "Boris", "Vos", "+31205550112")
ADVISOR = Solution("SOL-10001-AAA", name="Contoso Fleet Optimizer")


class OwnClock:
    """Real wall time, and waiting time that a test moves."""

    def __init__(self) -> None:
        self.offset = 0.0
        self.wall = time.time()

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.offset

    async def sleep(self, seconds: float) -> None:
        self.offset += seconds


@dataclass(slots=True)
class Drawer:
    """A keyring whose writes can be made to fail, and which remembers their order."""

    kept: dict[str, str] = field(default_factory=dict)
    broken: bool = False

    async def get(self, name: str) -> str | None:
        return self.kept.get(name)

    async def put(self, name: str, secret: str) -> None:
        if self.broken:
            raise OSError("disk full")
        self.kept[name] = secret


@dataclass(slots=True)
class Office:
    """The simulators and a connection to them."""

    microsoft: Microsoft
    connection: Connection
    clock: OwnClock
    keyring: Drawer
    options: Options
    others: list[Connection] = field(default_factory=list)

    @property
    def system(self) -> PartnerCenter:
        return self.connection.system

    def calls(self, method: str | None = None) -> int:
        """Requests Partner Center has seen."""
        counted = self.microsoft.frame.calls.items()
        return sum(n for (name, verb, _), n in counted if name == "partner_center" and method in (None, verb))

    def forget_calls(self) -> None:
        self.microsoft.frame.calls.clear()

    def fault(self, kind: Any, method: str = "*", *, times: int = 1, answer: str | Answer = "") -> None:
        """The next matching requests to Partner Center meet a misfortune."""
        ready = self.microsoft.partner_center.faults[answer] if isinstance(answer, str) and answer else answer
        self.microsoft.frame.faults.append(
            Fault("partner_center", kind, method, times=times, answer=ready or None)
        )

    def newcomer(self, **changes: Any) -> Connection:
        """A second connection that has seen nothing yet and was handed its tokens."""
        tokens = {PARTNER_CENTER: self.microsoft.token, WEBHOOKS: self.microsoft.webhooks_token}
        connection = open_connection(
            options_for(self.microsoft, **changes),
            transport=AiohttpTransport(),
            keyring=self.keyring,
            clock=self.clock,
            tokens=StaticTokens(tokens),
        )
        self.others.append(connection)
        return connection

    async def read(self, referral_id: str) -> Snapshot:
        """A read that must succeed."""
        found = (await self.system.get_many([referral_id]))[referral_id]
        assert isinstance(found, Snapshot), found
        return found

    async def write(self, seen: Snapshot, **changes: Any) -> Written:
        """One update of `seen`; `guard` and `external_id` are taken out of the changes."""
        return (await self.system.update_many([update(seen, **changes)]))["w1"]

    async def cosell(self, help_code: str = "ProofOfConceptOrDemo", **changes: Any) -> Snapshot:
        """A deal of ours that Microsoft was asked to join."""
        made = await self.system.create(Creation("w", "006CRM", deal(help=help_code, **changes)))
        return await self.system.invite(Invitation("w", made, help_code, "Please join."))

    def edit(self, referral_id: str, **changes: Any) -> None:
        """Somebody edits the referral in the portal."""
        self.microsoft.partner_center.referrals.edit(
            referral_id, {path.replace("__", "."): value for path, value in changes.items()}, by="partner"
        )


def update(seen: Snapshot, **changes: Any) -> Update:
    guard, external_id = changes.pop("guard", True), changes.pop("external_id", None)
    return Update("w1", seen.id, changes, seen, guard, external_id=external_id)


def deal(**changes: Any) -> Values:
    """The values of a deal that may be created."""
    return {
        "name": "Cold chain rollout",
        "deal_value": Decimal("50000.5"),
        "currency": "EUR",
        "close_date": date(2027, 3, 31),
        "notes": "First call went well.",
        "visible": False,
        "help": None,
        "customer_name": "Fabrikam Logistics",
        "address_line": "12 Harbour Road",
        "city": "Rotterdam",
        "region": None,
        "postal_code": "3011 AA",
        "country": "NL",
        "contacts": (BORIS,),
        "team": (ANNA,),
        "solutions": (ADVISOR,),
        **changes,
    }


@asynccontextmanager
async def office(keyring: Drawer | None = None, **changes: Any) -> AsyncIterator[Office]:
    """Simulators over real HTTP and a connection that signs in to them."""
    async with served_microsoft() as microsoft:
        options = options_for(microsoft, **changes)
        clock, drawer = OwnClock(), keyring or Drawer()
        connection = open_connection(
            options,
            transport=AiohttpTransport(),
            keyring=drawer,
            clock=clock,
            refresh_token=microsoft.entra.refresh_token,
            client_secret=microsoft.entra.client_secret,
        )
        made = Office(microsoft, connection, clock, drawer, options)
        try:
            yield made
        finally:
            for one in (connection, *made.others):
                await one.aclose()


def options_for(microsoft: Microsoft, **changes: Any) -> Options:
    known: dict[str, Any] = {
        "base_url": microsoft.partner_center.base_url,
        "webhooks_url": microsoft.webhooks.base_url,
        "authority": microsoft.entra.base_url,
        "tenant": microsoft.entra.tenant,
        "client_id": microsoft.entra.client_id,
        "organization_id": microsoft.partner_center.organization_id,
        "certificate_origins": (microsoft.webhooks.base_url,),
        "certificate_roots": microsoft.webhooks.root_certificate_pem,
        "certificate_subjects": ("*.sandbox.example",),
    }
    return Options(**{**known, **changes})


# --- answers written by hand -----------------------------------------------------------------------

ORIGIN = "https://partner.test"
Answers = Callable[[str, str, bytes], Answer]


@dataclass(slots=True)
class Script:
    """A Partner Center that answers what the test says, in the test's own thread."""

    answer: Answers
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        search = scope["query_string"].decode()
        path = scope["path"] + (f"?{search}" if search else "")
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        self.asked.append((scope["method"], path, headers, body))
        await send_answer(send, self.answer(scope["method"], path, body))

    @property
    def requests(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.asked]


def always(status: int, body: object = b"", **headers: str) -> Answers:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda *_: Answer(status, raw, named)


def scripted(answer: Answers, *, listening: bool = True, **changes: Any) -> tuple[PartnerCenter, Script]:
    """A system over a hand-written Partner Center."""
    script = Script(answer)
    options = Options(base_url=ORIGIN, **changes)
    connection = open_connection(
        options,
        transport=AsgiTransport({ORIGIN: script} if listening else {}),
        keyring=Drawer(),
        clock=OwnClock(),
        tokens=StaticTokens({PARTNER_CENTER: "token-one", WEBHOOKS: "token-two"}),
    )
    return connection.system, script


async def error_of(system: PartnerCenter, referral_id: str) -> CosellError:
    """The error a read ends in."""
    found = (await system.get_many([referral_id]))[referral_id]
    assert isinstance(found, CosellError), found
    return found


def listing(records: Iterable[Mapping[str, Any]], follow: str | None = None) -> Json:
    page: Json = {"value": list(records)}
    if follow is not None:
        page["@odata.nextLink"] = follow
    return page


def referral(number: int = 1, **changes: Any) -> Json:
    """A private deal as the wire shows it; dotted names go deeper with `__`."""
    record: Json = {
        "id": f"a0000000-0000-4000-8000-{number:012d}",
        "engagementId": f"e0000000-0000-4000-8000-{number:012d}",
        "name": "Warehouse programme",
        "organizationId": "7d23e5ca-0000-4000-8000-00000000a001",
        "externalReferenceId": None,
        "createdDateTime": "2026-01-13T08:00:00.1234567Z",
        "updatedDateTime": "2026-01-15T10:30:12.7654321Z",
        "status": "Active",
        "substatus": "Accepted",
        "qualification": "SalesQualified",
        "type": "Independent",
        "direction": "Outgoing",
        "eTag": '"84001c9d-0000-0100-0000-6788b2340000"',
        "target": [],
        "customerProfile": {"name": "Fabrikam", "address": {"country": "NL"}, "team": []},
        "consent": {"consentToShareReferralWithMicrosoftSellers": False},
        "details": {
            "dealValue": 180000,
            "currency": "EUR",
            "closingDateTime": "2026-03-31T00:00:00Z",
            "requirements": {"solutions": []},
        },
        "team": [],
        "inviteContext": {"assistanceRequestCode": "Unknown", "invitedBy": {}},
    }
    for path, value in changes.items():
        *steps, last = path.split("__")
        place = record
        for step in steps:
            place = place[step]
        place[last] = value
    return record
