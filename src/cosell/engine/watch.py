"""The watchers: each poll turns what changed into durable pokes before its cursor moves (INV-21)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from cosell.core import backoff
from cosell.core.errors import CosellError, NeedsOperator
from cosell.core.records import Link, LinkState, Side, Snapshot
from cosell.engine.reading import agreeing
from cosell.engine.room import Room
from cosell.ports import Poke

log = logging.getLogger("cosell.engine")


class Watch:
    """Polls both systems and sweeps; an event from outside only makes a poll's work come earlier."""

    def __init__(self, room: Room) -> None:
        self.room = room

    async def poll(self, side: Side, cause: str = "poll") -> int:
        """Fetches all changes of one side since its cursor; answers how many records were poked."""
        room, desk = self.room, self.room.desk(side)
        name, poked, more = f"changes:{side}", 0, True
        while more:
            desk.lane.check()
            cursor = await room.store.cursor(name)
            asked_at = room.clock.now()
            try:
                changes = await desk.system.changes(cursor)
            except CosellError as error:
                await desk.lane.heard(error)
                raise
            await desk.lane.heard(None)
            pokes = await self._worth_a_look(changes.snapshots, cause, asked_at)
            pokes += [Poke(side, record_id, cause) for record_id in changes.gone]
            await room.store.advance(name, changes.cursor, pokes, room.clock.now())
            poked, more = poked + len(pokes), changes.more
        room.forget_stale()
        return poked

    async def _worth_a_look(self, snapshots: tuple[Snapshot, ...], cause: str, asked_at: float) -> list[Poke]:
        """Pokes for every record that differs from what was agreed; our own echoes do not (INV-4)."""
        if not snapshots:
            return []
        side = snapshots[0].side
        known = await self._known(side, snapshots)
        pokes = []
        for snapshot in snapshots:
            link = known.get(snapshot.id)
            if _gone_on(known, snapshot):
                continue
            if link is None or not quiet(link, snapshot):
                self.room.keep_polled(snapshot, asked_at)
                pokes.append(Poke(side, snapshot.id, cause, snapshot.engagement_id))
        return pokes

    async def sweep(self) -> int:
        """Pokes every link and both systems' open records: the safety net under the polls (INV-21)."""
        room = self.room
        room.tally.swept.clear()
        room.tally.links = sum((await room.store.load(room.clock.now())).links.values())
        poked = await room.store.poke_all("sweep", room.clock.now())
        for side, desk in room.desks.items():
            desk.lane.check()
            cursor: str | None = None
            while True:
                changes = await desk.system.changes(cursor)
                unknown = await self._unknown(side, changes.snapshots)
                await room.store.poke(unknown, room.clock.now())
                poked += len(unknown)
                if not changes.more:
                    break
                cursor = changes.cursor
        return poked

    async def _unknown(self, side: Side, snapshots: tuple[Snapshot, ...]) -> list[Poke]:
        known = await self._known(side, snapshots)
        news = [one for one in snapshots if one.id not in known and not _gone_on(known, one)]
        return [Poke(side, one.id, "sweep", one.engagement_id) for one in news]

    async def _known(self, side: Side, snapshots: tuple[Snapshot, ...]) -> Mapping[str, Link]:
        """The links of these records, and of the opportunities that leads among them became."""
        ids = [one.id for one in snapshots] + [one.became for one in snapshots if one.became is not None]
        return await self.room.store.links_of(side, ids)

    def wait_after(self, error: CosellError, failures: int) -> float:
        """Seconds until a failed poll is tried again."""
        if isinstance(error, NeedsOperator):
            return 60.0
        return max(1.0, backoff.delay(failures, self.room.dice.random()))


def _gone_on(known: Mapping[str, Link], snapshot: Snapshot) -> bool:
    """Whether it is a converted lead whose link has already followed it: nothing more can come of it."""
    followed = known.get(snapshot.became) if snapshot.became is not None else None
    return snapshot.id not in known and followed is not None and followed.partner_center_id is not None


def quiet(link: Link, snapshot: Snapshot) -> bool:
    """Whether a polled record says nothing new: linked, nothing pending, every value as agreed."""
    if link.state is not LinkState.LINKED or link.holds or not link.base or not link.trail_written:
        return False
    if not snapshot.enrolled or snapshot.became is not None:
        return False
    nameless = snapshot.partner_id is None and snapshot.version is not None
    return not nameless and agreeing(link, snapshot)
