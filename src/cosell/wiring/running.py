"""Runs environments: engine and watch of each, and without settings files the sandbox itself."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosell.config import Settings
from cosell.core.errors import CosellError, Misconfigured
from cosell.engine import Engine
from cosell.wiring import ageing, report, tracing
from cosell.wiring.environment import HOOKS, Environment, environment
from cosell.wiring.events import Ear, keep_watch
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.keyring import LiveSecrets
from cosell.wiring.metrics import Metrics
from cosell.wiring.places import Place
from cosell.wiring.tracing import Traces
from cosell.wiring.witness import Several, Witness

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

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
    """One environment at work, and what its web needs to know."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.engine: Engine = env.engine()
        self.ear = Ear(env, self.engine)
        self._work: asyncio.Task[None] | None = None
        self._leaving = False

    @property
    def alive(self) -> bool:
        """Whether the engine is at work, or on its way out in good order."""
        return self._work is not None and (self._leaving or not self._work.done())

    async def status(self) -> Mapping[str, Any]:
        """What the status page shows."""
        return await report.status(self.env.store, self.env.settings, now=self.env.clock.now())

    async def ready(self) -> str:
        """Why it is not ready; empty when it is."""
        if self._leaving:
            return "It is being stopped."
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
        reachable = self.env.address is not None
        watch = asyncio.create_task(keep_watch(self.env, self.ear if reachable else None))
        ages = asyncio.create_task(ageing.watch(self.env))
        self._work = asyncio.create_task(self.engine.run())
        gone = asyncio.create_task(leaving.wait())
        try:
            await asyncio.wait({self._work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leaving = True  # nobody new is sent here while the links in hand are finished
            gone.cancel()
            watch.cancel()
            ages.cancel()
            self.engine.stop()
            await asyncio.wait({self._work}, timeout=PATIENCE)
            unfinished = not self._work.done()
            self._work.cancel()
            await asyncio.gather(watch, ages, self._work, return_exceptions=True)
        if unfinished:
            log.info("stopped.unfinished")
        elif not self._work.cancelled() and (error := self._work.exception()) is not None:
            raise error

    async def register(self, public_url: str) -> None:
        """Has the sandbox's events sent here; whoever had them before was another run of ours."""
        try:
            url = f"{public_url}{HOOKS}{self.env.place.name}"
            await self.env.systems().registration.register(url, overwrite=True)
        except CosellError as error:
            log.warning("webhook.not_registered", extra={"error": error.code})


@dataclass(frozen=True, slots=True)
class Together:
    """All environments of one process, and the sandbox where it runs with them."""

    environments: tuple[Running, ...]
    live: LiveSecrets
    sandbox: Sandbox | None = None
    metrics: Metrics | None = None

    async def scrape(self) -> bytes:
        """The numbers of all environments."""
        assert self.metrics is not None
        return await self.metrics.scrape([one.env for one in self.environments])

    @property
    def metrics_token(self) -> str | None:
        """What whoever reads the numbers must show."""
        env = self.environments[0].env
        return env.secrets.fetch("[web] metrics_token", env.settings.web.metrics_token)

    @property
    def alive(self) -> bool:
        """Whether every engine is at work."""
        return all(one.alive for one in self.environments)

    async def work(self, leaving: asyncio.Event) -> None:
        """Works in all of them until `leaving`; one that ends by itself ends the others, and is raised."""
        _calm_collector()
        try:
            async with asyncio.TaskGroup() as group:
                for one in self.environments:
                    group.create_task(self._until(one, leaving))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _until(self, one: Running, leaving: asyncio.Event) -> None:
        try:
            await one.work(leaving)
        finally:
            leaving.set()


@contextlib.asynccontextmanager
async def opened(
    places: Sequence[Place], environ: Mapping[str, str], ports: Ports
) -> AsyncIterator[Together]:
    """The environments at `places`, ready to work; with the sandbox where they have no settings file."""
    live, metrics = LiveSecrets(), Metrics()
    async with contextlib.AsyncExitStack() as stack:
        traces = _traces(environ, stack)
        for place in places:
            place.prepare()
            stack.enter_context(place.alone())
        sandbox = None
        if any(place.settings is None for place in places):
            sandbox = await stack.enter_async_context(_sandbox(ports))
        _refuse_two_webs(places)
        running = []
        for place in places:
            env = await stack.enter_async_context(_environment(place, environ, ports, live, sandbox))
            watching: list[Witness] = [metrics.of(place.name)]
            watching += [traces.of(place.name)] if traces is not None else []
            env.witness = Several(watching) if len(watching) > 1 else watching[0]
            running.append(Running(env))
        yield Together(tuple(running), live, sandbox, metrics)


def _traces(environ: Mapping[str, str], stack: contextlib.AsyncExitStack) -> Traces | None:
    if not tracing.wanted(environ):
        return None
    traces = Traces()
    stack.callback(traces.close)
    return traces


@contextlib.asynccontextmanager
async def _environment(
    place: Place, environ: Mapping[str, str], ports: Ports, live: LiveSecrets, sandbox: Sandbox | None
) -> AsyncIterator[Environment]:
    if place.settings is not None:
        settings, roots = _with_port(place.settings, ports.web), b""
    else:
        assert sandbox is not None
        _put_aside(place.database)
        told, port = sandbox.description, 8080 if ports.web is None else ports.web
        settings = sandbox_settings(told, place.name, web_port=port)
        roots = sandbox.root_certificates
    async with environment(place, environ, settings=settings, certificate_roots=roots, live=live) as env:
        if place.settings is not None:
            await env.bury_the_dead()
        yield env


def _refuse_two_webs(places: Sequence[Place]) -> None:
    """One process has one web of its own: files that are run together must agree where it listens."""
    told = [place.settings.web for place in places if place.settings is not None]
    if any((one.host, one.port) != (told[0].host, told[0].port) for one in told):
        raise Misconfigured(
            "The settings files ask for different addresses of the connector's own web.",
            advice="Give [web] the same host and port in all files that one process runs.",
        )


@contextlib.asynccontextmanager
async def _sandbox(ports: Ports) -> AsyncIterator[Sandbox]:
    # An installation with settings of its own never pays for simulators.
    from cosell.sandbox.shell.composition import Sandbox
    from cosell.sandbox.shell.serving import PortInUse

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
