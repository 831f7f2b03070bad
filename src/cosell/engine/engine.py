"""The engine of one environment: a worker, two pollers, a sweep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from cosell.core.errors import CosellError
from cosell.core.guards import Policy
from cosell.core.mapping import Flow, Rule
from cosell.core.records import Side
from cosell.engine import brake, careful
from cosell.engine.preview import Preview, preview
from cosell.engine.room import Pace, Room
from cosell.engine.schedule import Schedule
from cosell.engine.schema import SchemaWatch, notice
from cosell.engine.swept import Report
from cosell.engine.watch import Watch
from cosell.engine.worker import Worker
from cosell.ports import Alerts, Clock, Dice, LinkFilter, Poke, Store, System

log = logging.getLogger("cosell.engine")

HURRY = 2.0
"""Seconds between two polls at least, however often a CRM says that there is something to find."""
ECHO = 15.0
"""Seconds after our own last write in which a CRM's hint most likely tells of that very write."""


class Engine:
    """Keeps every link of one environment in step until it is stopped."""

    def __init__(
        self,
        *,
        store: Store,
        partner_center: System,
        crm: System,
        rules: Mapping[str, Rule],
        policy: Policy,
        pace: Pace,
        clock: Clock,
        dice: Dice,
        alerts: Alerts,
        owner: str,
    ) -> None:
        self.room = Room(
            store=store,
            partner_center=partner_center,
            crm=crm,
            rules=rules,
            policy=policy,
            pace=pace,
            clock=clock,
            dice=dice,
            alerts=alerts,
            owner=owner,
        )
        self.worker = Worker(self.room)
        self.watch = Watch(self.room)
        self.schedule = Schedule(self.room, self.worker.wake)
        self.schema = SchemaWatch(self.room, self.schedule.now)
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Works until `stop`; the links in hand are finished, the watchers are cut short."""
        pace = self.room.pace
        watchers = [
            self._every(pace.poll_partner_center, lambda: self.watch.poll(Side.PARTNER_CENTER), "poll"),
            self._every(pace.poll_crm, lambda: self.watch.poll(Side.CRM), "poll", early=self._hurry),
            self._every(max(5.0, pace.idle), lambda: brake.look(self.room), "brake"),
            self._every(max(5.0, pace.idle), self.schema.turn, "schema"),
            self._come_to_trust(max(5.0, pace.idle)),
        ]
        if Flow.REPAIR in self.room.policy.flows:
            watchers.append(self.schedule.run())
        tasks = [asyncio.create_task(one) for one in watchers]
        try:
            await self.worker.run()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """No new work; `run` returns when the links in hand are finished."""
        self.worker.stop()

    async def drain(self) -> int:
        """Reconciles all that is due now; answers how many looks it took."""
        await brake.look(self.room)
        await notice(self.room)
        return await self.worker.drain()

    async def poll(self, side: Side) -> int:
        """Polls one side once."""
        return await self.watch.poll(side)

    async def sweep(self) -> Report:
        """Compares every link now, and has looked at what differs."""
        return await self.schedule.now()

    async def heard(self, record_id: str, cause: str = "webhook") -> None:
        """Makes an event from Partner Center durable; an id, and nothing else of it, is believed (INV-16)."""
        poke = Poke(Side.PARTNER_CENTER, record_id, cause, urgent=True)
        await self.room.store.poke([poke], self.room.clock.now())
        self.worker.wake()

    async def hinted(self, record_id: str) -> None:
        """Has a record of the CRM looked at: durably where it is known, else by a poll that comes soon.

        A stranger is left to the poll, which tells whether it concerns us: most records of a CRM do not. So
        is a record we have just written, for a poll knows our own echo at less cost than a look (INV-4).
        """
        known = (await self.room.store.links_of(Side.CRM, [record_id])).get(record_id)
        now = self.room.clock.now()
        if known is None or (known.changed_at is not None and 0 <= now - known.changed_at < ECHO):
            self.hurry()
            return
        await self.room.store.poke([Poke(Side.CRM, record_id, "hint", urgent=True)], now)
        self.worker.wake()

    def hurry(self) -> None:
        """Has the CRM polled soon: there is something to find."""
        self._hurry.set()

    async def preview(self, keys: Sequence[str] | None = None) -> list[Preview]:
        """What the next reconcile of these links (or of all) would do."""
        store = self.room.store
        if keys is None:
            links = list(await store.links(LinkFilter(limit=100_000)))
        else:
            found = [await store.link(key) for key in keys]
            links = [link for link in found if link is not None]
        await brake.look(self.room)
        await notice(self.room)
        return await preview(self.room, links)

    async def _every(
        self,
        seconds: float,
        work: Callable[[], Awaitable[object]],
        name: str,
        *,
        early: asyncio.Event | None = None,
    ) -> None:
        """Repeats one watcher's work; a failure is waited out and never ends it."""
        failures, wait = 0, 0.0
        while True:
            await self._rest(wait, None if failures else early)
            try:
                await work()
            except CosellError as error:
                failures += 1
                wait = min(seconds, self.watch.wait_after(error, failures))
                log.info("watch.later", extra={"watch": name, "error": error.code, "failures": failures})
            except Exception:
                failures += 1
                wait = seconds
                log.exception("watch.fault", extra={"watch": name})
            else:
                failures, wait = 0, seconds
                self.worker.wake()

    async def _come_to_trust(self, seconds: float) -> None:
        """Brings careful mode to its end where it is on; what fails is tried again (INV-24)."""
        while True:
            await self.room.clock.sleep(seconds)
            try:
                await careful.step(self.room, self.sweep)
            except CosellError as error:
                log.info("watch.later", extra={"watch": "careful", "error": error.code})
            except Exception:
                log.exception("watch.fault", extra={"watch": "careful"})

    async def _rest(self, seconds: float, early: asyncio.Event | None) -> None:
        """Waits, or less where `early` is set meanwhile; a system in trouble is not hurried."""
        at_least = seconds if early is None else min(HURRY, seconds)
        await self.room.clock.sleep(at_least)
        if early is not None and seconds > at_least and not early.is_set():
            sleeper = asyncio.create_task(self.room.clock.sleep(seconds - at_least))
            hurried = asyncio.create_task(early.wait())
            try:
                await asyncio.wait({sleeper, hurried}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeper.cancel()
                hurried.cancel()
        if early is not None:
            # Cleared before the poll asks: what is told of from now on needs another one.
            early.clear()
