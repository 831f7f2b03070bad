"""The worker: leases keys, reconciles each on its own, and lets none delay another (INV-14, INV-19)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace

from cosell.core import backoff
from cosell.core.errors import (
    CosellError,
    Gone,
    NeedsHuman,
    NeedsOperator,
    Retryable,
    SchemaDrift,
    Stale,
    Throttled,
    Twins,
    Uncertain,
)
from cosell.core.reasons import Reason
from cosell.core.records import Link, LinkState
from cosell.engine.case import Case
from cosell.engine.reconcile import reconcile
from cosell.engine.room import Room
from cosell.ports import LeaseLost, Taken

log = logging.getLogger("cosell.engine")

LOOK_AGAIN = 2.0
"""Seconds after which an unanswered write is looked for."""
BREATH = 0.1
"""Seconds a full worker waits for a quarter of its places, so that keys share commits and calls."""


class Worker:
    """Takes due keys as places come free; every key ends in done, later, or another worker's hands."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], Taken] = {}
        self._stopping = False
        self._breath: asyncio.TimerHandle | None = None
        self._breathed = False
        self._drifted: set[str] = set()
        """Links that have just met a field nobody knows; their next look finds out what there is."""
        self._alarmed: set[str] = set()
        """Alerts raised for a link; the first link that recovers clears them."""

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def stop(self) -> None:
        """No new keys; those in hand are finished."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Works until stopped; returns when the keys in hand are finished."""
        renewing = asyncio.create_task(self._renew_leases())
        try:
            while not self._stopping:
                await self._turn()
            while self._running:
                await asyncio.wait(self._running)
        finally:
            renewing.cancel()
            for task in self._running:
                task.cancel()

    async def _turn(self) -> None:
        """Takes up what is due, or waits. Without its database it takes nothing, so nothing is sent."""
        try:
            free = self._free()
            if await self.take_some() < max(1, free):
                await self._pause()
        except Retryable:
            await self.room.clock.sleep(self.room.pace.idle)

    async def drain(self) -> int:
        """Reconciles all that is due now, also what becomes due meanwhile; answers how many looks it took."""
        looks = 0
        while True:
            looks += await self.take_some()
            if not self._running:
                return looks
            await self._wake.wait()

    async def take_some(self) -> int:
        """Starts as many due keys as there are free places; answers how many."""
        self._wake.clear()
        free = self._free()
        if free <= 0:
            return 0
        if not (self._many(free) or self._breathed):
            self._take_a_breath()
            return 0
        self._breathed = False
        taken = await self.room.store.take(free, self.room.owner, self.room.clock.now(), self.room.pace.lease)
        for one in taken:
            task = asyncio.create_task(self._carry(one))
            self._running[task] = one
            task.add_done_callback(self._finished)
        self.room.in_hand = len(self._running)
        return len(taken)

    def _free(self) -> int:
        return self.room.pace.concurrency - len(self._running)

    def _many(self, free: int) -> bool:
        """Whether the free places are worth a look: one key at a time would cost a commit each."""
        return not self._running or free >= self.room.pace.concurrency // 4

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self.room.in_hand = len(self._running)
        if self._many(self._free()):
            self._wake.set()
        else:
            self._take_a_breath()
        if not task.cancelled() and task.exception() is not None:
            log.error("worker.lost_key", exc_info=task.exception())

    def _take_a_breath(self) -> None:
        if self._breath is None:
            self._breath = asyncio.get_running_loop().call_later(BREATH, self._breathe)

    def _breathe(self) -> None:
        self._breath, self._breathed = None, True
        self._wake.set()

    async def _pause(self) -> None:
        """Waits for a poke, a free place, the next due key, or a poke of another process."""
        if self._wake.is_set():
            return
        wait = self.room.pace.idle
        if self._free() > 0 and self._breath is None:
            now = self.room.clock.now()
            due = await self.room.store.next_due(now)
            wait = wait if due is None else min(wait, max(0.0, due - now))
        sleeper = asyncio.create_task(self.room.clock.sleep(wait))
        waker = asyncio.create_task(self._wake.wait())
        _, pending = await asyncio.wait({sleeper, waker}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()

    async def _renew_leases(self) -> None:
        while True:
            await self.room.clock.sleep(self.room.pace.lease / 3)
            held = list(self._running.values())
            if held:
                # A lease that could not be prolonged is noticed when the work is saved.
                with contextlib.suppress(Retryable):
                    await self.room.store.renew(held, self.room.clock.now(), self.room.pace.lease)

    async def _carry(self, taken: Taken) -> None:
        """One key from lease to release; whatever happens, only this key feels it."""
        room, case = self.room, Case(taken, taken.link)
        try:
            wait = await self._attempt(case)
            if case.joined:
                return
            now = room.clock.now()
            await room.store.done(taken, now, None if wait is None else now + wait)
        except LeaseLost:
            log.info("lease.lost", extra={"link": taken.key})
            with contextlib.suppress(LeaseLost):
                await room.store.done(taken, room.clock.now(), room.clock.now())
        except Retryable as error:
            # Whatever was sent has its open row; the lease ends by itself, and the key is due again.
            log.info("reconcile.unsaved", extra={"link": taken.key, "error": error.code})

    async def _attempt(self, case: Case) -> float | None:
        """One reconcile; turns every error into what the link does next."""
        if case.link.failures and not all(desk.lane.may_retry() for desk in self.room.desks.values()):
            return 30.0 + 30.0 * self.room.dice.random()
        failing = case.link.failures > 0
        try:
            wait = await reconcile(self.room, case)
            self._drifted.discard(case.link.key)
            if failing:
                await self._recovered(case)
            return wait
        except LeaseLost:
            raise
        except NeedsHuman as error:
            await self._hold(case, error)
            return None
        except CosellError as error:
            return await self._later(case, error)
        except Exception:
            log.exception("reconcile.fault", extra={"link": case.link.key})
            await self._settle_for(case, state=LinkState.HELD, reason=Reason.FAULT, detail="")
            return backoff.CAP

    async def _recovered(self, case: Case) -> None:
        """Forgets the failures of a link that works again, and what was raised because of them."""
        struggling = case.link.reason == Reason.STRUGGLING
        if case.link.failures or struggling:
            reason = "" if struggling else case.link.reason
            await self._settle_for(case, failures=0, reason=reason)
        while self._alarmed:
            await self.room.alerts.clear(self._alarmed.pop())

    async def _hold(self, case: Case, error: NeedsHuman) -> None:
        state = LinkState.GONE if isinstance(error, Gone) else LinkState.HELD
        match error:
            case Gone():
                reason = Reason.DELETED
            case Twins():
                reason = Reason.TWINS
            case _:
                reason = Reason.NO_LEADS if error.code == Reason.NO_LEADS else Reason.REJECTED
        await self._settle_for(case, state=state, reason=reason, detail=error.message[:500])

    async def _later(self, case: Case, error: CosellError) -> float:
        """Seconds to wait before the next look (reliability.md 11)."""
        link, chance = case.link, self.room.dice.random()
        log.info("reconcile.later", extra={"link": link.key, "error": error.code, "failures": link.failures})
        if isinstance(error, SchemaDrift) and link.key not in self._drifted:
            self._drifted.add(link.key)
            return 0.0
        self._drifted.discard(link.key)
        if isinstance(error, Throttled):
            return backoff.asked(error.retry_after, link.failures, chance) + chance
        if isinstance(error, Stale):
            await self._settle_for(case, stale=link.stale + 1)
            return 0.0 if link.stale < backoff.MAX_STALE else backoff.delay(link.stale, chance)
        failures = link.failures + 1
        struggling = failures >= backoff.STRUGGLING and not link.reason
        await self._settle_for(
            case, failures=failures, reason=Reason.STRUGGLING if struggling else link.reason
        )
        if isinstance(error, Uncertain):
            return max(LOOK_AGAIN, backoff.delay(failures, chance))
        if isinstance(error, NeedsOperator):
            await self.room.alerts.raise_(error.code, error.message, error.advice)
            self._alarmed.add(error.code)
            return max(60.0, backoff.delay(failures, chance))
        return backoff.delay(failures, chance)

    async def _settle_for(self, case: Case, **changes: object) -> None:
        """Saves what became of the link, on top of whatever was saved last."""
        now = self.room.clock.now()
        try:
            await self._save(case, replace(case.link, changed_at=now, **changes))  # type: ignore[arg-type]
        except Twins:
            # What the link learnt in this look belongs to another link by now: keep what it was before.
            before = replace(case.taken.link, revision=case.link.revision)
            await self._save(case, replace(before, changed_at=now, **changes))  # type: ignore[arg-type]

    async def _save(self, case: Case, link: Link) -> None:
        case.keep(await self.room.store.save(case.taken, link))
