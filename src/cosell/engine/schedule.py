"""When to sweep: one turn for all processes on one database, kept over restarts (ENV-D06)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cosell.core.errors import CosellError
from cosell.engine import swept
from cosell.engine.room import Room
from cosell.engine.sweep import Sweep
from cosell.engine.swept import Report

log = logging.getLogger("cosell.engine")

LOOK_EVERY = 3600.0
"""Seconds after which the clock and what other processes did are looked at anew."""
SOON = 60.0


class Schedule:
    """Begins a sweep when its time has come, unless another process has begun it."""

    def __init__(self, room: Room, wake: Callable[[], None]) -> None:
        self.room, self._wake = room, wake

    async def run(self) -> None:
        """Sweeps for ever; a sweep that fails is tried again later and ends nothing."""
        since = self.room.clock.now()
        wait = self._until(swept.first_turn(since, self.room.pace))
        while True:
            await self.room.clock.sleep(wait)
            try:
                wait = await self._turn(since)
            except CosellError as error:
                wait = SOON
                log.info("watch.later", extra={"watch": "sweep", "error": error.code})
            except Exception:
                wait = LOOK_EVERY
                log.exception("watch.fault", extra={"watch": "sweep"})

    async def now(self) -> Report:
        """Sweeps at once, whatever the hour."""
        began = self.room.clock.now()
        await self.room.store.set_setting(swept.BEGUN, repr(began), "cosell", began)
        return await Sweep(self.room, self._wake).run(began)

    async def _turn(self, since: float) -> float:
        """Sweeps if it is time; answers the seconds until the next look."""
        room, stands = self.room, await swept.standing(self.room.store)
        if stands.due(room.pace) is None:
            await room.store.amend(swept.WAITING, lambda kept: kept or repr(since), "cosell", since)
            stands = await swept.standing(room.store)
        due = stands.due(room.pace)
        if due is not None and room.clock.now() >= due:
            began = await self._claimed(stands.kept)
            if began is not None:
                await Sweep(room, self._wake).run(began)
            due = (await swept.standing(room.store)).due(room.pace)
        return LOOK_EVERY if due is None else self._until(due)

    async def _claimed(self, kept: str | None) -> float | None:
        """When the sweep begins that is ours to make: of several processes only one can change the note."""
        began = self.room.clock.now()
        note = repr(began)
        before, _ = await self.room.store.amend(
            swept.BEGUN, lambda found: note if found == kept else found, "cosell", began
        )
        return began if before == kept else None

    def _until(self, due: float) -> float:
        return min(LOOK_EVERY, max(1.0, due - self.room.clock.now()))
