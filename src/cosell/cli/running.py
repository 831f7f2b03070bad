"""Runs the sync in the foreground and tells a person what runs where."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cosell import web
from cosell.cli.speaking import USAGE, Answer, Refusal, Voice, put, stdout
from cosell.core.errors import Misconfigured
from cosell.crm import named
from cosell.wiring.environment import Environment
from cosell.wiring.logs import start_logging
from cosell.wiring.metrics import CONTENT_TYPE
from cosell.wiring.places import SANDBOX, SANDBOXES, located
from cosell.wiring.running import Ports, Running, Together, leaving_on_signals, opened
from cosell.wiring.service import Service

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox
    from cosell.sandbox.shell.desk.partner_center import PartnerCenterDesk


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the sync is to run."""

    configs: Sequence[str]
    base_port: int | None
    port: int | None
    seed: int | None
    log: str
    as_json: bool


def run(wanted: Wanted) -> Answer:
    """Runs until Ctrl-C or SIGTERM."""
    if wanted.log not in ("words", "json"):
        raise Refusal(f"--log is words or json, not «{wanted.log[:40]}».", exit_code=USAGE)
    with asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(_run(wanted))
    return Answer(None, lambda _: None, said=True)


def _loop() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(wanted: Wanted) -> None:
    places = located(wanted.configs, os.environ)
    ports = Ports(
        _port(wanted.base_port, "COSELL_BASE_PORT", 8800),
        wanted.port if wanted.port is not None else _port(None, "COSELL_PORT", None),
        wanted.seed,
    )
    leaving = asyncio.Event()
    with leaving_on_signals(leaving):
        async with opened(places, os.environ, ports) as together:
            # The sandbox is for people who watch; their screen is kept for what they type.
            level = "info" if together.sandbox is None else "warning"
            start_logging(together.live, form=wanted.log, level=os.environ.get("COSELL_LOG", level))
            await _serve(wanted, together, leaving)


async def _serve(wanted: Wanted, together: Together, leaving: asyncio.Event) -> None:
    section = together.environments[0].env.settings.web
    faces = {one.env.place.name: _face(one) for one in together.environments}
    with web.listen(section.host, section.port) as sock, contextlib.ExitStack() as notes:
        numbers = web.Numbers(together.scrape, CONTENT_TYPE, together.metrics_token)
        async with web.serving(web.build(faces, numbers, prefixes=_prefixes(together)), sock) as address:
            told = {"web": address}
            if together.sandbox is not None:
                told["sandbox"] = together.sandbox.urls["index"]
                # The sandbox sits on this machine, so our own address is the public one.
                for one in together.environments:
                    await one.register(address)
            for one in together.environments:
                notes.enter_context(one.env.place.told(told))
            _introduce(wanted, together, address)
            with Service(os.environ).working(lambda: together.alive):
                await together.work(leaving)


def _prefixes(together: Together) -> set[str]:
    """The paths under which proxies serve this web."""
    public = (one.env.settings.web.public_url for one in together.environments)
    return {urlsplit(url).path for url in public if url is not None}


def _face(running: Running) -> web.Face:
    return web.Face(
        verify=running.ear.verify,
        heard=running.ear.heard,
        status=running.status,
        ready=running.ready,
        monotonic=running.env.clock.monotonic,
        hints=running.env.systems().hints,
        hinted=running.ear.hinted,
    )


def _introduce(wanted: Wanted, together: Together, address: str) -> None:
    sandbox, environments = together.sandbox, [one.env for one in together.environments]
    names = [env.place.name for env in environments]
    if wanted.as_json:
        where = {"web": address, **(sandbox.urls if sandbox else {})}
        put({"ok": True, "data": {"environments": names, "urls": where}, "error": None})
        return
    voice = Voice(stdout())
    voice.line(f"Cosell keeps {' and '.join(names)} in step. Ctrl-C ends it.", style="bold")
    lines = _systems(environments) if sandbox is None else _simulators(sandbox)
    databases = [("Database", str(env.place.database)) for env in environments]
    voice.pairs([*lines, ("Status", f"{address}/"), *databases])
    if sandbox is not None:
        _suggest(voice, sandbox, names)


def _simulators(sandbox: Sandbox) -> list[tuple[str, str]]:
    from cosell.cli.serving import rows

    return rows(sandbox)


def _systems(environments: Sequence[Environment]) -> list[tuple[str, str]]:
    """The two systems of each environment and where they are."""
    lines = []
    for settings in (env.settings for env in environments):
        crm = named(settings.crm_name)
        lines += [("Partner Center", settings.partner_center.url), (crm.label, settings.crm.address)]
    return lines


def _suggest(voice: Voice, sandbox: Sandbox, names: Sequence[str]) -> None:
    """One change in each environment that can be made now, and how to see it arrive."""
    voice.line("Try, in a second terminal:")
    cosell = invocation()
    voice.line(f"{cosell} sandbox deals", indent=2)
    desks = (sandbox.partner_center_desk, sandbox.partner_center_desk_2)
    for name, desk in zip(SANDBOXES, desks, strict=True):
        deal = next(iter(open_deals(desk)), None)
        if name in names and deal is not None:
            # The first is meant where none is named.
            there = "" if name == SANDBOX else f" --config {name}"
            voice.line(f"{cosell} sandbox edit {deal} value=123456", indent=2)
            voice.line(f"{cosell} explain {deal}{there}", indent=2)


def invocation() -> str:
    """How this program is called from the present directory."""
    own = Path(sys.executable).with_name("cosell")
    found = shutil.which("cosell")
    if not own.exists() or (found and Path(found).resolve() == own.resolve()):
        return "cosell"
    try:
        return str(own.relative_to(Path.cwd()))
    except ValueError:
        return str(own)


def open_deals(desk: PartnerCenterDesk) -> list[str]:
    """The ids of our referrals that are active: an edit of one travels."""
    return [str(one["id"]) for one in desk.deals() if str(one.get("status", "")).lower().startswith("active")]


def _port(given: int | None, name: str, default: Any) -> Any:
    if given is not None:
        return given
    if (told := os.environ.get(name)) is None:
        return default
    if not told.isdigit() or not 0 <= int(told) <= 65535:
        raise Misconfigured(f"{name} must be a port number, not «{told[:20]}».")
    return int(told)
