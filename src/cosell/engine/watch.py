"""The watchers: each poll turns what changed into durable pokes before its cursor moves (INV-21)."""

from __future__ import annotations

import logging

from cosell.core import agreement, backoff
from cosell.core.errors import CosellError, NeedsOperator, SchemaDrift
from cosell.core.records import Link, LinkState, Side, Snapshot
from cosell.engine import conversion, schema
from cosell.engine.reading import agreeing
from cosell.engine.room import Room
from cosell.ports import Poke

log = logging.getLogger("cosell.engine")


class Watch:
    """Polls both systems; an event from outside only makes a poll's work come earlier."""

    def __init__(self, room: Room) -> None:
        self.room = room

    async def poll(self, side: Side, cause: str = "poll") -> int:
        """Fetches all changes of one side since its cursor; answers how many records were poked."""
        room, desk = self.room, self.room.desk(side)
        await schema.recall(room)
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
            await schema.notice(room)
            pokes = await self._worth_a_look(changes.snapshots, cause, asked_at)
            pokes += await self._missed(side, changes.gone, cause)
            await room.store.advance(name, changes.cursor, pokes, room.clock.now())
            poked, more = poked + len(pokes), changes.more
        room.forget_stale()
        return poked

    async def _worth_a_look(self, snapshots: tuple[Snapshot, ...], cause: str, asked_at: float) -> list[Poke]:
        """Pokes for every record that differs from what was agreed; our own echoes do not (INV-4)."""
        if not snapshots:
            return []
        side = snapshots[0].side
        known = await conversion.known(self.room, side, snapshots)
        pokes = []
        for snapshot in snapshots:
            link = known.get(snapshot.id)
            if conversion.gone_on(known, snapshot):
                continue
            if link is None or not quiet(link, snapshot):
                self.room.keep_polled(snapshot, asked_at)
                pokes.append(Poke(side, snapshot.id, cause, snapshot.engagement_id))
        return pokes

    async def _missed(self, side: Side, gone: tuple[str, ...], cause: str) -> list[Poke]:
        """Pokes for deleted records somebody has a link to; of a deleted stranger nothing is left to tell."""
        known = await self.room.store.links_of(side, list(gone)) if gone else {}
        return [Poke(side, record_id, cause) for record_id in gone if record_id in known]

    def wait_after(self, error: CosellError, failures: int) -> float:
        """Seconds until a failed poll is tried again."""
        if isinstance(error, SchemaDrift) and failures == 1:
            return 1.0  # the next use finds out what there is
        if isinstance(error, NeedsOperator):
            return 60.0
        return max(1.0, backoff.delay(failures, self.room.dice.random()))


def quiet(link: Link, snapshot: Snapshot) -> bool:
    """Whether a polled record says nothing new: linked, nothing pending, every value as agreed."""
    if link.state is not LinkState.LINKED or link.holds or not link.base or not link.trail_written:
        return False
    return agreeing(link, snapshot) and not agreement.strays(link, snapshot)
