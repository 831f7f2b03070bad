"""Runs one environment: engine, web, watch, and in the sandbox environment the sandbox itself."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosell.config import Settings
from cosell.core.errors import CosellError, Misconfigured
from cosell.engine import Engine
from cosell.sandbox.shell.composition import Sandbox
from cosell.sandbox.shell.serving import PortInUse
from cosell.wiring import report
from cosell.wiring.environment import Environment, environment
from cosell.wiring.events import HOOK, Ear, keep_watch
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.places import Place

PATIENCE = 2.0
"""Seconds the links in hand have to finish; the journal finds what does not (INV-9)."""
COLLECT_AFTER = (50_000, 20, 50)
"""Objects, and younger collections, between two collections of garbage."""
log = logging.getLogger("cosell")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen, as far as the command line says."""

    base: int = 8800
    web: int | None = None
    seed: int | None = None


class Running:
    """An environment at work, and what its web needs to know."""

    def __init__(self, env: Environment, sandbox: Sandbox | None) -> None:
        self.env, self.sandbox = env, sandbox
        self.engine: Engine = env.engine()
        self.ear = Ear(env, self.engine)
        self._work: asyncio.Task[None] | None = None

    async def status(self) -> Mapping[str, Any]:
        """What the status page shows."""
        return await report.status(self.env.store, self.env.settings, now=self.env.clock.now())

    async def ready(self) -> str:
        """Why it is not ready; empty when it is."""
        if self._work is None or self._work.done():
            return "The engine does not run."
        if (trouble := self.env.store.trouble) is not None:
            return trouble.message
        try:
            await self.env.store.setting(report.HEARD)
        except CosellError as error:
            return error.message
        return ""

    async def work(self, leaving: asyncio.Event) -> None:
        """Works until `leaving`, then finishes what is in hand. Raises what ended the engine by itself."""
        _calm_collector()
        reachable = self.env.settings.web.public_url is not None
        watch = asyncio.create_task(keep_watch(self.env, self.ear if reachable else None))
        self._work = asyncio.create_task(self.engine.run())
        gone = asyncio.create_task(leaving.wait())
        try:
            await asyncio.wait({self._work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            watch.cancel()
            self.engine.stop()
            await asyncio.wait({self._work}, timeout=PATIENCE)
            unfinished = not self._work.done()
            self._work.cancel()
            await asyncio.gather(watch, self._work, return_exceptions=True)
        if unfinished:
            log.info("stopped.unfinished")
        elif not self._work.cancelled() and (error := self._work.exception()) is not None:
            raise error

    async def register(self, public_url: str) -> None:
        """Has the sandbox's events sent here; whoever had them before was another run of ours."""
        try:
            await self.env.systems().registration.register(public_url + HOOK, overwrite=True)
        except CosellError as error:
            log.warning("webhook.not_registered", extra={"error": error.code})


@contextlib.asynccontextmanager
async def opened(place: Place, environ: Mapping[str, str], ports: Ports) -> AsyncIterator[Running]:
    """The environment at `place`, ready to work; with the sandbox where it has no settings file."""
    place.prepare()
    with place.alone():
        if place.settings is not None:
            settings = _with_port(place.settings, ports.web)
            async with environment(place, environ, settings=settings) as env:
                await env.bury_the_dead()
                yield Running(env, None)
            return
        async with _sandbox(ports) as sandbox:
            _put_aside(place.database)
            settings = sandbox_settings(
                sandbox.description, web_port=8080 if ports.web is None else ports.web
            )
            roots = sandbox.webhooks.root_certificate_pem
            async with environment(place, environ, settings=settings, certificate_roots=roots) as env:
                yield Running(env, sandbox)


@contextlib.asynccontextmanager
async def _sandbox(ports: Ports) -> AsyncIterator[Sandbox]:
    try:
        async with Sandbox.serve(base_port=ports.base, seed=ports.seed) as sandbox:
            yield sandbox
    except PortInUse as error:
        raise Misconfigured(
            str(error), advice="Stop what uses them, or start with: cosell run --base-port 9800"
        ) from None


def _with_port(settings: Settings, port: int | None) -> Settings:
    if port is None:
        return settings
    changed = settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})
    return changed.lying_in(settings.folder)


def _put_aside(database: Path) -> None:
    """Keeps the database of the last sandbox as `….previous`: its links point at deals that are gone."""
    for ending in ("", "-wal", "-shm"):
        old = database.with_name(database.name + ending)
        if old.exists():
            old.replace(old.with_name(f"{database.stem}.previous{database.suffix}{ending}"))
        else:
            old.with_name(f"{database.stem}.previous{database.suffix}{ending}").unlink(missing_ok=True)


def _calm_collector() -> None:
    """Has what is loaded for good looked through no more: in a backlog that took a fifth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@contextlib.contextmanager
def leaving_on_signals(leaving: asyncio.Event) -> Iterator[None]:
    """Sets `leaving` on Ctrl-C and SIGTERM while the block runs."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, leaving.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
