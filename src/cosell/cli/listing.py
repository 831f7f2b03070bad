"""What is connected, as whom, since when, and how old its credentials are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cosell.cli.finding import opened
from cosell.cli.speaking import Answer, Voice
from cosell.core.errors import CosellError
from cosell.wiring.ageing import Age, ages
from cosell.wiring.connectable import PARTNER_CENTER, which
from cosell.wiring.environment import Environment


async def connections(config: str | None) -> Answer:
    """Both connections of an environment; asks the database and the settings, and no other system."""
    async with opened(config) as env:
        old = await ages(env)
        found = [await _one(env, table, old) for table in (PARTNER_CENTER, env.settings.crm_name)]
    return Answer({"connections": found}, lambda voice: _show(voice, found))


async def _one(env: Environment, table: str, old: Any) -> dict[str, Any]:
    word = table.replace("_", "-")
    connected, now = await env.connections.read(table), env.clock.now()
    return {
        "system": word,
        "label": _label(table),
        "who": connected.who if connected is not None else "",
        "where": connected.where if connected is not None else "",
        "since": connected.since if connected is not None else None,
        "credentials": [_told(age, now) for age in old if age.system == word],
    }


def _label(table: str) -> str:
    try:
        return which(table).label
    except CosellError:
        return table


def _told(age: Age, now: float) -> dict[str, Any]:
    return {
        "name": age.name,
        "place": age.place,
        "since": age.since,
        "age_days": None if age.since is None else int((now - age.since) // 86_400),
        "ends": age.ends,
        "days_left": age.days(now),
        "next_waits": age.waiting,
    }


def _show(voice: Voice, found: list[dict[str, Any]]) -> None:
    for one in found:
        if one["who"]:
            since = _day(one["since"])
            voice.line(f"{one['label']}: {one['who']}, in {one['where']}, since {since}", style="bold")
        else:
            voice.line(f"{one['label']}: by the settings file alone", style="bold")
            voice.line(f"Have it proven and kept sealed: cosell connect {one['system']}", indent=2)
        if one["credentials"]:
            voice.table(
                ("credential", "lies at", "in use", "ends"),
                [(row["name"], row["place"], _age(row), _end(row)) for row in one["credentials"]],
            )


def _age(row: dict[str, Any]) -> str:
    age = "not noted" if row["age_days"] is None else f"for {row['age_days']} days"
    return f"{age}; the next one waits" if row["next_waits"] else age


def _end(row: dict[str, Any]) -> str:
    if row["ends"] is None:
        return "not known"
    left = "ended" if row["days_left"] < 0 else f"{row['days_left']} days left"
    return f"{_day(row['ends'])} ({left})"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
