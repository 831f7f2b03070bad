"""The fakes of the worlds on the bench: what is proven with them rests on their being true."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cosell.core.mapping import DEFAULT
from cosell.core.records import Side, Values
from cosell.core.values import Person, Solution, State, Value
from tests.conformance.bench import Away, Late, To, Trouble
from tests.world import crm, partner_center
from tests.world.client import Client
from tests.world.fakes import Record, Server
from tests.world.faults import READ_FATES, Faults
from tests.world.ledger import Ledger
from tests.world.loop import VirtualLoop
from tests.world.process import Process, Reaper
from tests.world.sometimes import Sometimes
from tests.world.story import Story

FATES: Mapping[tuple[Trouble, str], str] = {
    ("throttled", "read"): "throttled",
    ("throttled", "write"): "throttled",
    ("throttled_with_wait", "read"): "throttled",
    ("throttled_with_wait", "write"): "throttled",
    ("answer_lost", "write"): "answer_lost",
    ("out_of_reach", "read"): "read_failed",
    ("out_of_reach", "write"): "unavailable",
}


class Chosen(random.Random):
    """Chance that gives what the test wants."""

    wait: float | None = None

    def choice(self, seq: Any) -> Any:
        return self.wait


class Planned(Faults):
    """Faults that come when they are asked for."""

    def __init__(self) -> None:
        self.dice = Chosen(1)
        super().__init__({}, self.dice)
        self.next: dict[str, str] = {}

    def fate(self, kinds: tuple[str, ...]) -> str | None:
        return self.next.pop("read" if kinds is READ_FATES else "write", None)


class FakeBench:
    """One fake and a connection to it, on virtual time."""

    longest: Mapping[str, int] = {}

    def __init__(self, side: Side, precondition: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self._loop, self._story, seen = loop, Story(loop), Sometimes()
        ledger = Ledger(DEFAULT, loop, self._story, seen)
        can = crm.capabilities(precondition if side is Side.CRM else "second")
        pc_can = partner_center.capabilities(precondition if side is Side.PARTNER_CENTER else "version")
        servers: dict[Side, Server] = {
            Side.CRM: crm.Crm(can, ledger, loop, self._story, seen),
            Side.PARTNER_CENTER: partner_center.PartnerCenter(pc_can, ledger, loop, self._story, seen),
        }
        ledger.servers = servers
        self.server = servers[side]
        self.lossy = LOSSY[side]
        self.faults = Planned()
        self.system = self._connected()

    def _connected(self) -> Client:
        process = Process("a", Reaper(frozenset()), self._loop, self._story, died=lambda _: None)
        return Client(self.server, process, self.faults, random.Random(2))

    @property
    def away(self) -> Away | None:
        if self.server.side is Side.PARTNER_CENTER:
            return None
        lost = self.server.lost
        return Away("notes", lambda: lost.update(notes="gone"), lambda: lost.clear())

    def deal(self, **changes: Value) -> Values:
        return {
            "name": "Cold chain rollout",
            "deal_value": Decimal("50000.5"),
            "currency": "EUR",
            "close_date": date(2027, 3, 31),
            "notes": "First call went well.",
            "state": State.ACTIVE,
            "visible": False,
            "customer_name": "Fabrikam Logistics",
            "address_line": "12 Harbour Road",
            "city": "Rotterdam",
            "postal_code": "3011 AA",
            "country": "NL",
            "contacts": (Person("boris.vos@fabrikam.example", "Boris", "Vos"),),
            "team": (Person("anna.smit@contoso.example", "Anna", "Smit"),),
            "solutions": (Solution("SOL-10001-AAA", Decimal(1)),),
            **changes,
        }

    def samples(self, key: str) -> tuple[Value, ...] | None:
        if key == "state" and self.server.side is Side.CRM:
            return (State.PENDING, State.ACTIVE, State.WON, State.LOST, State.DECLINED)
        return None

    async def person_makes(self, count: int = 1) -> list[str]:
        add = self.server.add  # type: ignore[attr-defined]
        return [add(at, self.deal(name=f"Deal {at}")).id for at in range(count)]

    async def person_edits(self, record_id: str, **values: Value) -> None:
        self.server.edit(self._record(record_id), values)

    async def begin_late(self, record_id: str) -> Late:
        began = self._loop.now

        async def finish() -> None:
            self.server.edit(self._record(record_id), {"notes": "Slow."}, at=began)

        return Late(record_id, 40.0, finish)

    def stored(self, record_id: str) -> Mapping[str, Any]:
        return dict(self._record(record_id).values)

    def places(self, key: str) -> Collection[str]:
        return (key,)

    async def later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def restart(self) -> None:
        self.system = self._connected()

    def index_lags(self) -> None:
        """A search lags always."""

    def strike(self, trouble: Trouble, to: To) -> None:
        self.faults.next[to] = FATES[trouble, to]
        self.faults.dice.wait = 3.0 if trouble == "throttled_with_wait" else None

    def _record(self, record_id: str) -> Record:
        found = self.server.find_record(record_id)
        assert found is not None
        return found


LOSSY: Mapping[Side, Mapping[str, str]] = {
    Side.CRM: {
        "name": "length: a name ends after 120 characters.",
        "deal_value": "rounding: two decimals.",
        "state": "choice: every unhappy end is a lost deal.",
    },
    Side.PARTNER_CENTER: {"notes": "length: notes end after 400 characters."},
}
