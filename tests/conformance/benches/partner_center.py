"""Partner Center on the bench: Microsoft's simulators of tests/systems/office.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from cosell.core.errors import (
    Gone,
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
from cosell.core.values import Solution, State, Value
from cosell.http import Request
from cosell.sandbox.frame import Answer
from cosell.systems.partner_center.connection import Connection, open_connection
from cosell.systems.partner_center.system import PartnerCenter
from cosell.wiring.quality import quality_of
from tests.conformance.bench import Away, Lack, Late, Outcome
from tests.sandbox.microsoft import private_deal
from tests.systems.office import Office, deal, office

from .served import Served

PACKAGE = "cosell.systems.partner_center"
LAG, LATE = 25.0, 300.0
BOOKKEEPING = {"eTag", "updatedDateTime", "lastModifiedVia", "lastRunId", "externalReferenceId"}
PATHS = {
    "deal_value": "details.dealValue",
    "currency": "details.currency",
    "close_date": "details.closingDateTime",
    "notes": "details.notes",
    "visible": "consent.consentToShareReferralWithMicrosoftSellers",
    "contacts": "customerProfile.team",
    "team": "team",
    "solutions": "details.requirements.solutions",
    "program": "referralProgram",
}


def _table(pc: Office) -> dict[str, Outcome]:
    """partner-center-api.md 2.8, row by row; a deal that is known is read by the list of its engagement."""
    statuses: dict[int, tuple[type[Any], type[Any]]] = {
        400: (Rejected, Rejected),
        401: (SignedOut, SignedOut),
        403: (NotAllowed, Rejected),
        404: (Misconfigured, Gone),
        405: (Rejected, Rejected),
        406: (Rejected, Rejected),
        409: (Stale, Stale),
        410: (Misconfigured, Gone),
        411: (Rejected, Rejected),
        412: (Stale, Stale),
        413: (Rejected, Rejected),
        415: (Rejected, Rejected),
        416: (Rejected, Rejected),
        422: (Rejected, Rejected),
        423: (Unavailable, Unavailable),
        429: (Throttled, Throttled),
        500: (Unavailable, Uncertain),
        501: (Rejected, Rejected),
        502: (Unavailable, Uncertain),
        503: (Unavailable, Uncertain),
        504: (Unavailable, Uncertain),
        507: (Rejected, Rejected),
        509: (Throttled, Throttled),
    }
    found = {str(code): Outcome(Answer(code), *kinds) for code, kinds in statuses.items()}
    bodies = {**dict.fromkeys(("401", "900421"), SignedOut), **dict.fromkeys(("429", "429-empty"), Throttled)}
    bodies["503"] = Throttled
    ready = pc.microsoft.partner_center.faults
    found |= {f"{name} as captured": Outcome(ready[name], kind, kind) for name, kind in bodies.items()}
    found["504 as captured"] = Outcome(ready["504"], Unavailable, Uncertain)
    return found


class PartnerCenterBench(Served):
    """One partner account and one connection to it."""

    away: Away | None = None

    lossy, longest = quality_of(PACKAGE).lossy, quality_of(PACKAGE).longest
    quality = PACKAGE

    def __init__(self, pc: Office) -> None:
        super().__init__(pc.microsoft.frame, "partner_center", _is_write)
        self.pc = pc
        self._connection = self._connected()
        self.outcomes = _table(pc)
        self.lacks = {"permission": Lack(self._without_role, "Referrals admin")}
        self._referrals = pc.microsoft.partner_center.referrals
        self._switches = pc.microsoft.partner_center.switches
        self._switches.page_size = 3

    @property
    def system(self) -> PartnerCenter:
        return self._connection.system

    def _connected(self) -> Connection:
        entra = self.pc.microsoft.entra
        return open_connection(
            self.pc.options,
            transport=self.line,
            keyring=self.pc.keyring,
            clock=self.pc.clock,
            refresh_token=entra.refresh_token,
            client_secret=entra.client_secret,
        )

    def _without_role(self) -> None:
        refusal = self.pc.microsoft.partner_center.faults["403"]
        self.pc.fault("answer", "GET", times=9, answer=refusal)

    def deal(self, **changes: Value) -> Values:
        return deal(**{"region": "Zuid-Holland", "program": "Solution Assessment", **changes})

    def samples(self, key: str) -> tuple[Value, ...] | None:
        if key == "state":
            return (State.ACTIVE, State.WON, State.LOST)
        if key == "solutions":
            plain = Solution("SOL-10001-AAA", name="Contoso Fleet Optimizer")
            return ((plain,), (plain, Solution("SOL-10002-BBB", name="Contoso Cold Chain Monitor")))
        return None

    async def person_makes(self, count: int = 1) -> list[str]:
        now = self.pc.microsoft.frame.clock.now() - timedelta(seconds=1)
        deals = [private_deal(name=f"Deal {at}") for at in range(count)]
        return [self._referrals.create_outbound_in_portal(one, at=now)["id"] for one in deals]

    async def person_edits(self, record_id: str, **values: Value) -> None:
        self._referrals.edit(record_id, {PATHS[key]: one for key, one in values.items()}, by="partner")

    async def begin_late(self, record_id: str) -> Late:
        """An edit is listed at once; a new referral carries its time and is listed later (2.1)."""
        self._switches.index_lag = LATE
        (late,) = await self.person_makes()
        self._switches.index_lag = 0.0

        async def finish() -> None:
            """It was listed by itself."""

        return Late(late, LATE, finish)

    def stored(self, record_id: str) -> Mapping[str, Any]:
        body = self._referrals.get(record_id)
        assert body is not None
        return {key: value for key, value in _flat(body, "") if key not in BOOKKEEPING}

    def places(self, key: str) -> Collection[str]:
        return (PATHS[key],)

    async def later(self, seconds: float) -> None:
        self.pc.microsoft.frame.clock.advance(seconds)
        self.pc.clock.wall += seconds
        self.pc.clock.offset += seconds

    async def restart(self) -> None:
        await self._connection.aclose()
        self._connection = self._connected()

    def index_lags(self) -> None:
        self._switches.index_lag = LAG

    def expire_tokens(self) -> None:
        self.pc.microsoft.entra.expire_access_tokens()

    def private(self) -> Collection[str]:
        return [self.pc.microsoft.entra.client_secret, self.pc.microsoft.entra.refresh_token]

    async def aclose(self) -> None:
        await self._connection.aclose()
        await self.line.aclose()


def _flat(inner: Mapping[str, Any], path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in inner.items():
        place = f"{path}.{key}".lstrip(".")
        found += _flat(value, place) if isinstance(value, dict) else [(place, value)]
    return found


def _is_write(request: Request) -> bool | None:
    if "/referrals" not in request.url:
        return None
    return request.method != "GET"


@asynccontextmanager
async def partner_center(**options: Any) -> AsyncIterator[PartnerCenterBench]:
    """Simulators with small pages, and a connection that signs in to them."""
    async with office(**{"top": 3, "pages_at_once": 1, **options}) as pc:
        bench = PartnerCenterBench(pc)
        try:
            yield bench
        finally:
            await bench.aclose()
