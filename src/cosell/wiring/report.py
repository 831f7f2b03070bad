"""How the whole stands, in plain data: what `cosell status`, the status page and status.json show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.config import Settings
from cosell.core.records import LinkState
from cosell.engine import careful
from cosell.ports import Budget, Load, Store
from cosell.wiring import alerts
from cosell.wiring.attention import attention
from cosell.wiring.sweeps import sweeps

HEARD = "seen:webhook"
"""The setting row that keeps when the last event came."""
BUDGET = "seen:budget:"


async def status(store: Store, settings: Settings, *, now: float) -> dict[str, Any]:
    """The state of an environment as kept in its database."""
    load = await store.load(now)
    seen = await store.settings("seen:")
    standing = [*_trouble(store, now), *await alerts.standing(store)]
    flows = {str(name): bool(on) for name, on in settings.flows.model_dump().items()}
    return {
        "environment": {"name": settings.environment.name, "kind": str(settings.environment.kind)},
        "summary": summary(load, len(standing), flows),
        "flows": flows,
        "links": {str(state): load.links.get(str(state), 0) for state in LinkState},
        "waiting": {
            "due": load.due,
            "later": load.later,
            "running": load.running,
            "oldest_seconds": round(load.oldest_wait, 1),
            "unanswered_writes": load.open_writes,
        },
        "alerts": [
            {"code": one.code, "message": one.message, "advice": one.advice, "since": one.since}
            for one in standing
        ],
        "attention": await attention(store),
        "careful": careful.read(await store.setting(careful.SETTING)).data(),
        "sweep": await sweeps(store, settings, now=now),
        "budget": {name.removeprefix(BUDGET): row for name, row in seen.items() if name.startswith(BUDGET)},
        "webhook_last_event": _moment(seen.get(HEARD)),
        "dry_run": settings.environment.dry_run,
    }


def _trouble(store: Store, now: float) -> list[alerts.Alert]:
    """What hinders the database itself: the one alert that cannot be kept in it."""
    if (error := store.trouble) is None:
        return []
    return [alerts.Alert(error.code, error.message, error.advice, now)]


def summary(load: Load, alerts_standing: int, flows: Mapping[str, bool]) -> str:
    """One sentence for a person in a hurry."""
    linked = load.links.get(LinkState.LINKED, 0)
    parts = [f"{linked} deal{'' if linked == 1 else 's'} in step"]
    if held := load.links.get(LinkState.HELD, 0):
        parts.append(f"{held} held")
    if waiting := load.due + load.running:
        parts.append(f"{waiting} waiting")
    if alerts_standing:
        parts.append(f"{alerts_standing} alert{'' if alerts_standing == 1 else 's'}")
    if off := [name for name, on in flows.items() if not on]:
        parts.append(f"switched off: {', '.join(off)}")
    return ", ".join(parts) + "."


def budget_told(budget: Budget) -> str | None:
    """The quota in words; None where the system does not tell."""
    if budget.used is None and budget.limit is None:
        return None
    return f"{'?' if budget.used is None else budget.used} of {budget.limit or '?'} calls used"


def _moment(row: str | None) -> float | None:
    try:
        return float(row) if row else None
    except ValueError:
        return None
