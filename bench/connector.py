"""The connector in this process, joined to a stage, as `cosell run` joins it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stage import Call, Theatre
from cosell import web
from cosell.config import Settings
from cosell.core.records import LinkState, Side
from cosell.engine import Engine
from cosell.http import Reply, Request, Timeouts
from cosell.wiring.environment import HOOKS, Environment, environment
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.metrics import Metrics
from cosell.wiring.places import Place
from cosell.wiring.running import Running
from cosell.wiring.world import WallClock

NEVER = 86_000.0
_WRITES = (b'"PATCH"', b"\r\nPATCH ")
"""How a write looks among several requests that travel as one."""


class Clock(WallClock):
    """The machine's time, and what was let pass on top of it."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return super().now() + self.passed

    def monotonic(self) -> float:
        return super().monotonic() + self.passed


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it left, and when its answer was there."""

    left: float
    back: float
    url: str
    writes: bool


@dataclass
class Connector:
    """An environment that is joined, and the requests it sent."""

    env: Environment
    running: Running
    theatre: Theatre
    clock: Clock
    address: str = ""
    sent: list[Sent] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        return self.running.engine

    async def sync(self) -> None:
        """Polls and reconciles until both systems are quiet."""
        for _ in range(20):
            for side in Side:
                await self.engine.poll(side)
            if not await self.engine.drain():
                return

    async def adopt(self, count: int) -> list[tuple[str, str]]:
        """Seeds deals in both systems and lets the connector take them into step."""
        pairs: list[tuple[str, str]] = await self.theatre("seed", count)
        await self.pass_time(5)
        await self.sync()
        load = await self.env.store.load(self.env.clock.now())
        linked = load.links.get(LinkState.LINKED, 0)
        if linked < count:
            raise RuntimeError(f"{linked} of {count} deals linked: {dict(load.links)}")
        await self.pass_time(300)
        await self.sync()
        await self.calls()
        return pairs

    async def pass_time(self, seconds: float) -> None:
        """Lets time pass for both sides at once: a deal just written is treated with care for a while."""
        await self.theatre("pass_time", seconds)
        self.clock.passed += seconds

    async def calls(self) -> Counter[Call]:
        """Calls since the last time this was asked, as the sandbox counted them."""
        return Counter(await self.theatre("calls"))

    async def rest(self) -> None:
        """Returns when nothing is due and nothing is in hand."""
        while True:
            load = await self.env.store.load(self.env.clock.now())
            if not load.due and not load.running and not load.open_writes:
                return
            await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def at_work(self, *, hooked: bool = False) -> AsyncIterator[None]:
        """The engine and the web run while the block runs; `hooked` has events sent here."""
        env, running = self.env, self.running
        face = web.Face(
            verify=running.ear.verify,
            heard=running.ear.heard,
            status=running.status,
            ready=running.ready,
            monotonic=env.clock.monotonic,
        )
        leaving = asyncio.Event()
        with web.listen("127.0.0.1", 0) as sock:
            async with web.serving(web.build({env.place.name: face}), sock) as address:
                self.address = f"{address}{HOOKS}{env.place.name}"
                if hooked:
                    await running.register(address)
                work = asyncio.create_task(running.work(leaving))
                await asyncio.sleep(0.5)
                await self.rest()
                await self.calls()
                try:
                    yield
                finally:
                    leaving.set()
                    await work


@contextlib.asynccontextmanager
async def connector(theatre: Theatre, **pace: float) -> AsyncIterator[Connector]:
    """Joins a fresh connector to the stage; it polls only when told to, unless `pace` says otherwise."""
    told, name = await theatre("description"), theatre.crm.environment
    with tempfile.TemporaryDirectory(prefix="cosell-bench-") as folder:
        data = Path(folder)
        settings = _with_pace(sandbox_settings(told, name, web_port=0, data=data), pace)
        place = Place(name=name, data=data, settings=settings)
        async with environment(place, {}, settings=settings, certificate_roots=told["roots"]) as env:
            env.clock = clock = Clock()
            env.witness = Metrics().of(name)  # as `cosell run` is watched
            made = Connector(env, Running(env), theatre, clock)
            for transport in env.systems()._transports:
                _tap(transport, made.sent)
            yield made


def _with_pace(settings: Settings, pace: Mapping[str, float]) -> Settings:
    wanted = {"poll_partner_center": NEVER, "poll_crm": NEVER, "sweep_every": NEVER, **pace}
    # The deals of a benchmark have customers alike; Microsoft's own rule tells them apart without asking.
    told = {"unsure": "create"}
    changed = settings.model_copy(
        update={
            "pace": settings.pace.model_copy(update=wanted),
            "matching": settings.matching.model_copy(update=told),
        }
    )
    return changed.lying_in(settings.folder)


def _tap(transport: Any, sent: list[Sent]) -> None:
    """Notes each request the moment it is handed to the network."""
    send = transport.send

    async def noting(request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        left = time.monotonic()
        reply: Reply = await send(request, timeouts, max_body)
        writes = request.method == "PATCH" or any(sign in request.body for sign in _WRITES)
        sent.append(Sent(left, time.monotonic(), request.url, writes))
        return reply

    transport.send = noting
