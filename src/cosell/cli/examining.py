"""The doctor: settings, database, both connections, events, each with what to do about it."""

from __future__ import annotations

import os
import shutil
from typing import Any

from cosell.cli import hooking
from cosell.cli.speaking import FAILED, SIGN_IN, Answer, Refusal, Voice
from cosell.core.errors import CosellError, NotAllowed, SignedOut
from cosell.ports import Finding
from cosell.wiring.environment import Environment, environment
from cosell.wiring.places import Place, locate

LITTLE = 0.05
"""Share of free disk below which the journal is in danger."""


async def doctor(config: str | None) -> Answer:
    """Every check that can be made, also after one has failed."""
    place = locate(config, os.environ)
    found = [Finding("settings", True, _settings(place))]
    code = 0
    try:
        async with environment(place, os.environ) as env:
            found += await _stored(env)
            code = await _connected(env, found)
    except CosellError as error:
        found.append(_of(error, "start"))
        code = SIGN_IN if isinstance(error, SignedOut | NotAllowed) else FAILED
    if not all(one.ok for one in found):
        code = code or FAILED
    data = {"healthy": code == 0, "findings": [_told(one) for one in found]}
    return Answer(data, lambda voice: show(voice, data), code)


def _settings(place: Place) -> str:
    if place.settings is None:
        return "No settings file: this is the sandbox environment."
    return f"The settings of {place.name} ({place.settings.environment.kind}) are well formed."


async def _stored(env: Environment) -> list[Finding]:
    report = await env.store.verify()
    whole = report.bad_seq is None and not report.why
    usage = shutil.disk_usage(env.place.data)
    room = usage.free / usage.total
    return [
        Finding(
            "audit",
            whole,
            f"All {report.rows} rows of the audit are whole."
            if whole
            else f"The audit is broken at row {report.bad_seq}: {report.why}",
            "" if whole else "Compare with a backup before going on.",
        ),
        Finding(
            "disk",
            room > LITTLE,
            f"{room:.0%} of the disk under {env.place.data} is free.",
            "" if room > LITTLE else "Make room: without a journal nothing is written.",
        ),
    ]


async def _connected(env: Environment, found: list[Finding]) -> int:
    code = 0
    if env.place.settings is None and env.place.running() is None:
        found.append(Finding("sandbox", False, "The sandbox does not run.", "Start it: cosell run"))
        return FAILED
    systems = env.systems()
    for system in (systems.partner_center, systems.crm):
        name = system.name
        try:
            found += [
                Finding(f"{name}: {one.name}", one.ok, one.message, one.advice, one.page)
                for one in await system.check()
            ]
        except CosellError as error:
            found.append(_of(error, name))
            code = max(code, SIGN_IN if isinstance(error, SignedOut | NotAllowed) else FAILED)
    found.append(await _events(env))
    found += _hints(env)
    if any(not one.ok and one.name.endswith((": sign-in", ": role")) for one in found):
        code = SIGN_IN
    return code


async def _events(env: Environment) -> Finding:
    try:
        url = hooking.address(env)
        present = await env.systems().registration.status()
    except Refusal as error:
        # Polling carries everything; events only make it faster.
        return Finding("events", True, f"{error.message} Changes arrive by polling.", error.advice)
    except CosellError as error:
        return _of(error, "events")
    if present is None or present.url != url:
        owner = present.owner if present else "nobody"
        return Finding(
            "events",
            True,
            f"Partner Center's events go to {owner}; changes arrive by polling.",
            "To have them sent here: cosell webhook register",
        )
    missing = present.missing()
    return Finding(
        "events",
        not missing,
        f"Events come here{'; not sent: ' + ', '.join(missing) if missing else ''}.",
        "Mend it: cosell webhook register" if missing else "",
    )


def _hints(env: Environment) -> list[Finding]:
    """Where the CRM may send webhooks of its own, and what to register there."""
    hints, url = env.systems().hints, env.crm_address
    if hints is None:
        return []
    if url is None:
        return [Finding("crm events", True, "[web] public_url is not set: the CRM's webhooks reach nobody.")]
    said = f"Webhooks of the CRM are taken at {url}; they only make a change arrive sooner."
    return [Finding("crm events", True, said, hints.advice(url))]


def _of(error: CosellError, name: str) -> Finding:
    return Finding(name, False, error.message, error.advice, error.page)


def _told(one: Finding) -> dict[str, Any]:
    return {"name": one.name, "ok": one.ok, "message": one.message, "advice": one.advice, "page": one.page}


def show(voice: Voice, data: dict[str, Any]) -> None:
    """One line a check, and what to do under those that failed."""
    for one in data["findings"]:
        voice.line(f"{'✔' if one['ok'] else '✘'} {one['name']}: {one['message']}")
        if one["advice"]:
            voice.line(one["advice"], indent=2)
    voice.line("All is well." if data["healthy"] else "Something needs you, see above.", style="bold")
