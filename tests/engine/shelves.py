"""Two systems that are shelves of snapshots, and an engine between them whose time a test owns."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from cosell.core.errors import CosellError, Gone, Rejected
from cosell.core.fields import FIELDS
from cosell.core.guards import Policy
from cosell.core.mapping import DEFAULT
from cosell.core.matching import Account
from cosell.core.records import Link, LinkState, Pair, Side, Snapshot
from cosell.core.values import State, Value
from cosell.engine import Engine, Pace
from cosell.ports import (
    Budget,
    Capabilities,
    Changes,
    Creation,
    Finding,
    Invitation,
    Poke,
    Read,
    Update,
    Written,
)
from cosell.store import SqlStore, memory, open_store

PC, CRM = Side.PARTNER_CENTER, Side.CRM
MICROSOFTS = frozenset({"help", "microsoft_id", "microsoft_state"})
ALL = frozenset(FIELDS)
VALUES: Mapping[str, Value] = {**dict.fromkeys(FIELDS), "name": "Quay", "deal_value": Decimal(5)}


class Hands:
    """Clock, dice and alerts in the hands of a test."""

    def __init__(self) -> None:
        self.time = 1_767_225_600.0
        self.raised: set[str] = set()
        self.slept: list[float] = []
        self._tokens = itertools.count(1)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        return f"t{next(self._tokens)}"

    async def raise_(self, code: str, message: str, advice: str = "") -> None:
        self.raised.add(code)

    async def clear(self, code: str) -> None:
        self.raised.discard(code)


@dataclass
class Shelf:
    """One system; its lists show what is open, `page` records at a time."""

    side: Side
    page: int = 4
    cut: frozenset[str] = frozenset()
    """What a list page leaves out of a record."""
    records: dict[str, Snapshot] = field(default_factory=dict)
    pages_of_their_own: list[Snapshot] = field(default_factory=list)
    """Reads that a list brings beside the records, as Microsoft's own referrals are."""
    calls: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    broken: list[CosellError] = field(default_factory=list)
    """What the next calls are answered with."""

    @property
    def name(self) -> str:
        return str(self.side)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            create="by_key",
            precondition="version",
            stamp=False,
            touched_by=False,
            readable=ALL,
            creatable=ALL,
            updatable=ALL - MICROSOFTS,
            guarded=ALL - MICROSOFTS,
            read_size=3,
            write_size=3,
        )

    @property
    def requests(self) -> int:
        return self.calls.total()

    def _called(self, verb: str) -> None:
        self.calls[verb] += 1
        if self.broken:
            raise self.broken.pop(0)

    async def check(self, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
        return ()

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        self._called("get_many")
        self.largest = max(self.largest, len(ids))
        return {one: self.records.get(one) or Gone("It is not there.") for one in ids}

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        self._called("find")
        return [one for one in self.records.values() if one.partner_id == partner_id]

    async def accounts(self, values: Mapping[str, Value], duns: str | None) -> Sequence[Account]:
        return ()

    async def create(self, creation: Creation) -> Snapshot:
        raise Rejected("Nothing is created here.")

    async def update_many(self, updates: Sequence[Update]) -> Mapping[str, Written]:
        self._called("update_many")
        return {one.write_id: self._stored(one) for one in updates}

    def _stored(self, update: Update) -> Snapshot:
        return self.edit(update.record_id, **update.values)

    async def invite(self, invitation: Invitation) -> Snapshot:
        raise Rejected("Nobody is invited here.")

    async def changes(self, cursor: str | None) -> Changes:
        self._called("changes")
        shown = [self._shown(one) for one in self.records.values() if self._open(one)]
        shown += self.pages_of_their_own
        at = int(cursor or 0)
        return Changes(
            tuple(shown[at : at + self.page]), (), str(at + self.page), more=at + self.page < len(shown)
        )

    def _shown(self, one: Snapshot) -> Snapshot:
        left = {key: value for key, value in one.values.items() if key not in self.cut}
        return replace(one, values=left, complete=not self.cut)

    @staticmethod
    def _open(one: Snapshot) -> bool:
        state = one.values.get("state")
        return one.enrolled and not (isinstance(state, State) and state.terminal)

    def budget(self) -> Budget:
        return Budget()

    async def aclose(self) -> None:
        """Holds nothing."""

    def edit(self, record_id: str, **values: Value) -> Snapshot:
        """Changes a record and its version; nobody is told."""
        one = self.records[record_id]
        version = str(int(one.version or 0) + 1)
        self.records[record_id] = replace(one, values={**one.values, **values}, version=version)
        return self.records[record_id]


@dataclass
class Town:
    """Everything at hand, and links that are in step from the start."""

    engine: Engine
    store: SqlStore
    hands: Hands
    referrals: Shelf
    opportunities: Shelf

    async def linked(self, number: int, **changes: Any) -> str:
        """One deal in step on both sides; answers the key of its link. `values` are what both sides say."""
        values = {**VALUES, "state": State.ACTIVE, **changes.pop("values", {})}
        referral, opportunity = f"R{number}", f"O{number}"
        for shelf, own, other in (
            (self.referrals, referral, opportunity),
            (self.opportunities, opportunity, referral),
        ):
            shelf.records[own] = Snapshot(
                shelf.side, own, values, version="1", partner_id=other, engagement_id=f"E{number}"
            )
        await self.store.poke([Poke(PC, referral, "test", f"E{number}")], self.hands.now())
        (taken,) = await self.store.take(1, "test", self.hands.now(), 60.0)
        link = replace(
            taken.link,
            crm_id=opportunity,
            state=LinkState.LINKED,
            base={key: Pair(value, value) for key, value in values.items()},
            mark="ok",
            partner_center_version="1",
            crm_version="1",
            changed_at=self.hands.now() - 1000.0,
            synced_at=self.hands.now() - 1000.0,
        )
        await self.store.save(taken, replace(link, **changes))
        await self.store.done(taken, self.hands.now())
        return taken.key

    async def link(self, key: str) -> Link:
        found = await self.store.link(key)
        assert found is not None
        return found

    async def due(self) -> int:
        return (await self.store.load(self.hands.now())).due


@contextlib.asynccontextmanager
async def town(**pace: Any) -> AsyncIterator[Town]:
    """A fresh one on a database in memory."""
    hands = Hands()
    store = open_store(memory(), environment="test", dice=hands)
    referrals, opportunities = Shelf(PC), Shelf(CRM)
    try:
        yield Town(
            again(store, hands, referrals, opportunities, **pace), store, hands, referrals, opportunities
        )
    finally:
        await store.aclose()


def again(store: SqlStore, hands: Hands, referrals: Shelf, opportunities: Shelf, **pace: Any) -> Engine:
    """Another process on the same database."""
    return Engine(
        store=store,
        partner_center=referrals,
        crm=opportunities,
        rules=DEFAULT,
        policy=Policy(),
        pace=Pace(**pace),
        clock=hands,
        dice=hands,
        alerts=hands,
        owner=hands.token(),
    )
