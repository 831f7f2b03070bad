"""How the whole stands."""

from __future__ import annotations

import shlex
import time
from typing import Any

from cosell.cli.finding import opened
from cosell.cli.speaking import Answer, Voice
from cosell.wiring import report


async def status(config: str | None) -> Answer:
    """The state of the environment as kept in its database, and whether a process works on it."""
    async with opened(config) as env:
        data = await report.status(env.store, env.settings, now=env.clock.now())
        data["running"] = env.place.running()
    return Answer(data, lambda voice: show(voice, data, config))


def show(voice: Voice, data: dict[str, Any], config: str | None = None) -> None:
    """The same for people; what they are told to type names the environment as they did."""
    environment = data["environment"]
    voice.line(f"{environment['name']} ({environment['kind']}): {data['summary']}", style="bold")
    running = data["running"]
    voice.pairs(
        [
            (
                "process",
                f"runs, {running.get('web', '')}" if running else "none; start it: cosell run",
            ),
            ("links", _counts(data["links"])),
            ("waiting", _waiting(data["waiting"])),
            ("flows", _flows(data["flows"])),
            ("sweep", _sweep(data["sweep"])),
            ("quota", _counts(data["budget"]) or "not told yet"),
            ("last event", ago(data["webhook_last_event"]) or "none yet"),
            *([("careful", _careful(data["careful"]))] if data["careful"]["on"] else []),
            *([("dry run", "on: nothing is written")] if data["dry_run"] else []),
        ]
    )
    for cause in data["attention"]:
        _show_cause(voice, cause, f" --config {shlex.quote(config)}" if config else "")
    for alert in data["alerts"]:
        voice.line(f"Alert: {alert['message']} {alert['advice']}".rstrip(), style="bold red")
        voice.line(f"since {ago(alert['since'])}", indent=2)


def _show_cause(voice: Voice, cause: dict[str, Any], there: str) -> None:
    """One cause, whose move it is, and the deals to look at."""
    count = cause["count"]
    deals = f"{count} deal{'' if count == 1 else 's'}"
    who = "" if cause["who"] == "nobody" else f" ({cause['who']})"
    voice.line(f"{deals}{who}: {cause['says']} {cause['fix']}".rstrip(), style="yellow")
    first, *others = cause["links"]
    more = f"   (also {', '.join(others)}{', …' if count > len(cause['links']) else ''})" if others else ""
    voice.line(f"cosell explain {first}{there}{more}", indent=2)


def _counts(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or ""


def _waiting(waiting: dict[str, Any]) -> str:
    if not waiting["due"] and not waiting["later"] and not waiting["running"]:
        return "nothing"
    oldest = f", the oldest for {span(waiting['oldest_seconds'])}" if waiting["due"] else ""
    return f"{waiting['due']} now{oldest}; {waiting['later']} later; {waiting['running']} in hand"


def _flows(flows: dict[str, bool]) -> str:
    off = [name for name, on in flows.items() if not on]
    return f"off: {', '.join(off)}" if off else "all on"


def _careful(mode: dict[str, Any]) -> str:
    """How far the looking after a restore has come."""
    waits = "the last deals are looked at" if mode["swept"] else "every deal is compared anew"
    return f"since {ago(mode['since'])}; {waits}, and nothing new is made until then"


def _sweep(sweep: dict[str, Any]) -> str:
    """The last sweep and the next one."""
    last, following = sweep["last"], sweep["next"]
    parts = [f"{ago(last['began'])}: {sweep['says']}" if last else sweep["says"]]
    if sweep["began"]:
        parts.append(f"One began {ago(sweep['began'])} and is not at its end.")
    if not sweep["on"]:
        parts.append("Switched off ([flows] repair).")
    elif following:
        parts.append(f"Next in {span(max(0.0, following - time.time()))}.")
    return " ".join(parts)


def span(seconds: float) -> str:
    """A length of time as people say it."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def ago(moment: float | None) -> str:
    """How long ago; empty where it never was."""
    return f"{span(max(0.0, time.time() - moment))} ago" if moment else ""
