"""The sweep: every link compared on both sides, page by page, and only what differs poked (INV-21).

Both systems are walked once. A page of Partner Center is held against what the links remember
of that side; a page of the CRM completes the picture, and the pure plan says whether anything is to be done.
What neither walk brings is read in bulk at the end. No read outlives its page, except those of links that are
poked: they are the polled reads of the reconciles to come.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeVar

from cosell.core import agreement, backoff, guards
from cosell.core.errors import CosellError, Gone, Retryable, SchemaDrift, Throttled
from cosell.core.records import Link, LinkState, Side, Snapshot
from cosell.engine import brake, conversion, schema, swept
from cosell.engine.room import Room
from cosell.engine.sighting import Sightings
from cosell.engine.swept import Report
from cosell.ports import Counting, LinkFilter, Poke, Read

T = TypeVar("T")
log = logging.getLogger("cosell.engine")

AT_ONCE = 250
"""Links taken out of the store together: others want it too."""
TRIES = 5
"""Times one call is tried again before the sweep gives up."""


class Found(StrEnum):
    """What became of one link; the words are those of the report."""

    AGREED = "agreed"
    HELD = "held"
    REPAIRED = "repaired"
    GONE = "gone"
    HALF = "half"
    CLOSED = "closed"
    RESTING = "resting"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class _Half:
    """One read and when it was asked for, epoch seconds."""

    snapshot: Snapshot
    asked_at: float


class Sweep:
    """One full comparison of all links."""

    def __init__(self, room: Room, wake: Callable[[], None]) -> None:
        self.room, self._wake = room, wake
        self._ground = room.ground()
        self._found: dict[str, Found] = {}
        self._seen = Sightings()
        self._strangers: set[str] = set()
        self._pokes: list[Poke] = []
        self._keys: list[str] = []

    async def run(self, began: float) -> Report:
        """Sweeps and keeps the report; where it must give up, the report says why and the error is raised."""
        room, started, before = self.room, self.room.clock.monotonic(), self._requests()
        links = await brake.begin_sweep(room)
        await schema.recall(room)
        self._ground = room.ground()

        async def kept(error: str) -> Report:
            after = self._requests()
            report = Report(
                began,
                room.clock.monotonic() - started,
                links,
                unknown=len(self._strangers),
                calls={name: after[name] - before[name] for name in after},
                error=error,
                **Counter(map(str, self._found.values())),
            )
            await room.store.set_setting(swept.REPORT, swept.told(report), "cosell", room.clock.now())
            return report

        try:
            await self._walk(Side.PARTNER_CENTER)
            self._seen.listed = True
            await self._walk(Side.CRM)
            await self._rest()
        except CosellError as error:
            await kept(error.message)
            raise
        report = await kept("")
        log.info("sweep.done", extra={"links": report.links, "repaired": report.repaired})
        return report

    def _requests(self) -> dict[str, int]:
        systems = [desk.system for desk in self.room.desks.values()]
        return {one.name: one.requests for one in systems if isinstance(one, Counting)}

    # --- the two walks ---------------------------------------------------------------------------

    async def _walk(self, side: Side) -> None:
        """Everything open on one side; a page is durable as pokes before the next is asked for."""
        desk, clock = self.room.desk(side), self.room.clock
        cursor: str | None = None
        while True:
            asked_at = clock.now()
            changes = await self._patiently(partial(desk.changes, cursor))
            for some in _chunks(changes.snapshots, AT_ONCE):
                await self._page(side, [_Half(one, asked_at) for one in some])
            await self._vanished(side, changes.gone)
            self.room.forget_stale()
            if not changes.more:
                return
            cursor = changes.cursor

    async def _page(self, side: Side, halves: Sequence[_Half]) -> None:
        known = await conversion.known(self.room, side, [one.snapshot for one in halves])
        doubtful: list[tuple[Link, _Half]] = []
        for half in halves:
            link = known.get(half.snapshot.id)
            if conversion.gone_on(known, half.snapshot):
                continue
            if link is None:
                await self._stranger(half)
            elif link.key not in self._found and not self._compare(link, half):
                doubtful.append((link, half))
        for some in _chunks(doubtful, self.room.desk(side.other).system.capabilities.read_size):
            await self._second_look(some)
        await self._flush()

    def _compare(self, link: Link, half: _Half) -> bool:
        """Takes in one read of a known link; False where it cannot be judged without the other side."""
        match link.state:
            case LinkState.LINKED if half.snapshot.side is Side.CRM:
                self._from_crm(link, half)
            case LinkState.LINKED:
                return self._from_partner_center(link, half)
            case LinkState.NEW | LinkState.HELD:
                self._look_again(link, half)
            case LinkState.IGNORED if _wants_in(half.snapshot):
                self._look_again(link, half)
            case LinkState.PAUSED if half.snapshot.side is Side.CRM:
                self._from_paused(link, half)
            case _:
                pass
        return True

    def _from_partner_center(self, link: Link, half: _Half) -> bool:
        snapshot = half.snapshot
        if snapshot.id != link.partner_center_id:
            # Microsoft's own referral of the engagement, alone on its page.
            if agreement.stands(link, snapshot):
                self._seen.stands(link, snapshot)
            else:
                self._settle(link, Found.REPAIRED, ())
            return True
        if agreement.stands(link, snapshot) and self._covered(link):
            self._seen.stands(link, snapshot)
            return True
        return False

    def _from_crm(self, link: Link, half: _Half) -> None:
        if self._seen.whole(link, Side.PARTNER_CENTER):
            self._judge(link, {Side.CRM: half})
        elif agreement.stands(link, half.snapshot):
            self._seen.stands(link, half.snapshot)

    def _from_paused(self, link: Link, half: _Half) -> None:
        self._settle(link, Found.REPAIRED if half.snapshot.enrolled else Found.RESTING, (half,))

    def _covered(self, link: Link) -> bool:
        """Whether every field both sides have is remembered; one that is not must be compared directly."""
        return self.room.common_fields() <= link.base.keys() | link.holds.keys()

    async def _second_look(self, doubtful: Sequence[tuple[Link, _Half]]) -> None:
        """Holds reads that differ from what is remembered against fresh ones of their other halves."""
        side = doubtful[0][1].snapshot.side.other
        asked_at, read = self.room.clock.now(), await self._read(side, [link for link, _ in doubtful])
        for link, half in doubtful:
            match read.get(link.id_of(side) or ""):
                case Gone():
                    self._settle(link, Found.GONE, ())
                case Snapshot() as other:
                    self._judge(link, {half.snapshot.side: half, side: _Half(other, asked_at)})
                case _:
                    # It does differ, and the page that told so will not come again.
                    self._settle(link, Found.REPAIRED, (half,))

    async def _vanished(self, side: Side, gone: Sequence[str]) -> None:
        for some in _chunks(gone, AT_ONCE):
            for link in (await self.room.store.links_of(side, some)).values():
                if link.state not in (LinkState.GONE, LinkState.IGNORED):
                    self._settle(link, Found.GONE, ())
        await self._flush()

    async def _stranger(self, half: _Half) -> None:
        """A record no link knows, unless it is one more of an engagement we know, as Microsoft's own is."""
        one = half.snapshot
        known = await self.room.store.link_of_engagement(one.engagement_id) if one.engagement_id else None
        if known is not None and one.side is Side.PARTNER_CENTER:
            if one.id == one.microsoft_id:
                self._settle(known, Found.REPAIRED, ())
            else:
                self._keys.append(known.key)
            return
        self._strangers.add(one.id)
        self.room.keep_polled(one, half.asked_at)
        self._pokes.append(Poke(one.side, one.id, "sweep", one.engagement_id))

    # --- what the walks did not bring ------------------------------------------------------------

    async def _rest(self) -> None:
        """Reads what is still open in bulk, and puts every link under what became of it."""
        after = ""
        while links := await self.room.store.links(LinkFilter(limit=AT_ONCE, after=after)):
            after = links[-1].key
            await self._judge_all([link for link in links if self._at_a_glance(link)])
            await self._flush()

    def _at_a_glance(self, link: Link) -> bool:
        """Settles what needs no read; answers whether the link needs one."""
        if link.key in self._found or self._is_stub(link):
            return False
        match link.state:
            case LinkState.NEW | LinkState.HELD:
                self._look_again(link, None)
            case LinkState.GONE | LinkState.IGNORED:
                self._found[link.key] = Found.RESTING
            case LinkState.LINKED if agreement.closed(link) and not self._pending(link):
                self._found[link.key] = Found.CLOSED
            case _:
                return True
        return False

    def _is_stub(self, link: Link) -> bool:
        """Whether the link was made for a stranger of this very sweep."""
        return link.state is LinkState.NEW and not self._strangers.isdisjoint(
            one for one in (link.partner_center_id, link.crm_id) if one
        )

    async def _judge_all(self, links: Sequence[Link]) -> None:
        """Judges links by reading what the walks left unread of them."""
        asked_at = self.room.clock.now()
        read = {
            side: await self._read(side, [one for one in links if self._wanted(one, side)]) for side in Side
        }
        for link in links:
            halves = {
                side: read[side].get(link.id_of(side) or "") for side in Side if self._wanted(link, side)
            }
            if any(isinstance(one, Gone) for one in halves.values()):
                self._settle(link, Found.GONE, ())
                continue
            fresh = {side: _Half(one, asked_at) for side, one in halves.items() if isinstance(one, Snapshot)}
            if len(fresh) < len(halves):
                self._found[link.key] = Found.UNREAD
            elif link.state is LinkState.PAUSED:
                self._from_paused(link, fresh[Side.CRM])
            else:
                self._judge(link, fresh)
            self._found.setdefault(link.key, Found.UNREAD)

    def _wanted(self, link: Link, side: Side) -> bool:
        if link.state is LinkState.PAUSED:
            return side is Side.CRM
        return not self._seen.whole(link, side)

    async def _read(self, side: Side, links: Iterable[Link]) -> Mapping[str, Read]:
        """Fresh reads of one side of these links, as many a call as the system reads well."""
        desk, found = self.room.desk(side), dict[str, Read]()
        ids = [record_id for one in links if (record_id := one.id_of(side)) is not None]
        for some in _chunks(ids, desk.system.capabilities.read_size):
            found |= await self._patiently(partial(desk.get_many, some))
        return found

    # --- verdicts --------------------------------------------------------------------------------

    def _judge(self, link: Link, halves: Mapping[Side, _Half]) -> None:
        """The pure plan on these reads; a side that was not read again stands as last seen."""
        reads = {
            side: halves[side].snapshot if side in halves else self._seen.seen(link, side) for side in Side
        }
        astray = any(agreement.strays(link, one) for one in reads.values())
        plan = agreement.plan_of(self._ground, link, reads[Side.PARTNER_CENTER], reads[Side.CRM])
        if astray or self._pending(link) or not agreement.at_rest(link, plan):
            self._settle(link, Found.REPAIRED, tuple(halves.values()))
            return
        for half in halves.values():
            self._seen.stands(link, half.snapshot)
        if all(self._seen.whole(link, side) for side in halves):
            self._found[link.key] = Found.HELD if link.holds else Found.AGREED

    def _pending(self, link: Link) -> bool:
        return agreement.pending(link, check_mark=self.room.policy.check_mark)

    def _look_again(self, link: Link, half: _Half | None) -> None:
        """Links that are no pair in step yet: whether they can go on, only a reconcile finds out."""
        whole = link.partner_center_id is not None and link.crm_id is not None
        self._settle(link, Found.HELD if whole else Found.HALF, (half,) if half else ())

    def _settle(self, link: Link, found: Found, halves: Sequence[_Half]) -> None:
        """Notes what became of a link and has it looked at, with the reads at hand."""
        self._found[link.key] = found
        if found is Found.RESTING:
            return
        for half in halves:
            self.room.keep_polled(half.snapshot, half.asked_at)
        if len(halves) == 1 and link.state is LinkState.LINKED:
            # The other half was seen to stand: its remembered read will do, guarded by its version.
            one = halves[0].snapshot
            self._pokes.append(Poke(one.side, link.id_of(one.side) or one.id, "sweep", link.engagement_id))
        else:
            self._keys.append(link.key)

    async def _flush(self) -> None:
        pokes, keys, self._pokes, self._keys = self._pokes, self._keys, [], []
        now = self.room.clock.now()
        await self.room.store.poke(pokes, now)
        await self.room.store.poke_keys(keys, "sweep", now)
        if pokes or keys:
            self._wake()

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """One call, tried again for a while: a sweep is long, and starting over would cost it all."""
        failures = drifts = 0
        while True:
            try:
                return await ask()
            except SchemaDrift:
                drifts += 1
                if drifts > 1:
                    raise
                # The next use finds out what there is.
            except Retryable as error:
                failures += 1
                if failures > TRIES:
                    raise
                chance = self.room.dice.random()
                if isinstance(error, Throttled):
                    wait = backoff.asked(error.retry_after, failures, chance) + chance
                else:
                    wait = max(1.0, backoff.delay(failures, chance))
                await self.room.clock.sleep(wait)


def _wants_in(snapshot: Snapshot) -> bool:
    """Whether a record that was left alone would be taken in now."""
    if snapshot.side is Side.CRM:
        return guards.enters_partner_center(snapshot)
    return guards.enters_crm(snapshot)


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
