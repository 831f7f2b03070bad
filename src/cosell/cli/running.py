"""Runs the sync in the foreground and tells a person what runs where."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosell import web
from cosell.cli.serving import rows
from cosell.cli.speaking import USAGE, Answer, Refusal, Voice, put, stdout
from cosell.core.errors import Misconfigured
from cosell.crm import named
from cosell.sandbox.shell.composition import Sandbox
from cosell.wiring.logs import start_logging
from cosell.wiring.places import locate
from cosell.wiring.running import Ports, Running, leaving_on_signals, opened


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the sync is to run."""

    config: str | None
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
    place = locate(wanted.config, os.environ)
    ports = Ports(
        _port(wanted.base_port, "COSELL_BASE_PORT", 8800),
        wanted.port if wanted.port is not None else _port(None, "COSELL_PORT", None),
        wanted.seed,
    )
    leaving = asyncio.Event()
    with leaving_on_signals(leaving):
        async with opened(place, os.environ, ports) as running:
            # The sandbox is for people who watch; their screen is kept for what they type.
            level = "info" if running.sandbox is None else "warning"
            start_logging(running.env.live, form=wanted.log, level=os.environ.get("COSELL_LOG", level))
            await _serve(wanted, running, leaving)


async def _serve(wanted: Wanted, running: Running, leaving: asyncio.Event) -> None:
    env, section = running.env, running.env.settings.web
    face = web.Face(
        verify=running.ear.verify,
        heard=running.ear.heard,
        status=running.status,
        ready=running.ready,
        monotonic=env.clock.monotonic,
    )
    with web.listen(section.host, section.port) as sock:
        async with web.serving(web.build(face), sock) as address:
            told = {"web": address}
            if running.sandbox is not None:
                told["sandbox"] = running.sandbox.urls["index"]
                # The sandbox sits on this machine, so our own address is the public one.
                await running.register(address)
            with env.place.told(told):
                _introduce(wanted, running, address)
                await running.work(leaving)


def _introduce(wanted: Wanted, running: Running, address: str) -> None:
    env, sandbox = running.env, running.sandbox
    if wanted.as_json:
        where = {"web": address, **(sandbox.urls if sandbox else {})}
        put({"ok": True, "data": {"environment": env.place.name, "urls": where}, "error": None})
        return
    voice = Voice(stdout())
    settings = env.settings
    voice.line(f"Cosell keeps {settings.environment.name} in step. Ctrl-C ends it.", style="bold")
    lines = [("Status", f"{address}/"), ("Database", str(env.place.database))]
    if sandbox is not None:
        voice.pairs([*rows(sandbox), *lines])
        _suggest(voice, sandbox)
        return
    crm = named(settings.crm_name)
    systems = [("Partner Center", settings.partner_center.url), (crm.label, settings.crm.address)]
    voice.pairs([*systems, *lines])


def _suggest(voice: Voice, sandbox: Sandbox) -> None:
    """One change that can be made now, and how to see it arrive."""
    voice.line("Try, in a second terminal:")
    cosell = invocation()
    voice.line(f"{cosell} sandbox deals", indent=2)
    if (deal := _a_deal(sandbox)) is not None:
        voice.line(f"{cosell} sandbox edit {deal} value=123456", indent=2)
        voice.line(f"{cosell} explain {deal}", indent=2)


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


def _a_deal(sandbox: Sandbox) -> str | None:
    """A referral that is shared, open and accepted: an edit of it travels."""
    return next(iter(open_deals(sandbox)), None)


def open_deals(sandbox: Sandbox) -> list[str]:
    """The ids of our referrals that are active."""
    return [
        str(one["id"])
        for one in sandbox.partner_center_desk.deals()
        if str(one.get("status", "")).lower().startswith("active")
    ]


def _port(given: int | None, name: str, default: Any) -> Any:
    if given is not None:
        return given
    if (told := os.environ.get(name)) is None:
        return default
    if not told.isdigit() or not 0 <= int(told) <= 65535:
        raise Misconfigured(f"{name} must be a port number, not «{told[:20]}».")
    return int(told)
