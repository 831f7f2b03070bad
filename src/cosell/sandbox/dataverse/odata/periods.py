"""The spans of time that date functions mean: `LastXHours`, `ThisMonth`, `OlderThanXDays`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

Span = tuple[datetime | None, datetime | None]
_COUNTED = re.compile(r"^(Last|Next|OlderThan)(X|7)(Minutes|Hours|Days|Weeks|Months|Years)$")
_NAMED = re.compile(r"^(Last|This|Next)(Week|Month|Year)$")
_SMALL = {"Minutes": timedelta(minutes=1), "Hours": timedelta(hours=1)}
_DAY = timedelta(days=1)


def period(function: str, now: datetime, number: int | None) -> Span | None:
    """From when (inclusive) until when (exclusive); None where the function is unknown."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"Yesterday": -1, "Today": 0, "Tomorrow": 1}
    if function in days:
        first = midnight + days[function] * _DAY
        return first, first + _DAY
    if counted := _COUNTED.match(function):
        count = 7 if counted[2] == "7" else number
        return None if count is None else _counted(counted[1], counted[3], count, now)
    if named := _NAMED.match(function):
        step = {"Last": -1, "This": 0, "Next": 1}[named[1]]
        return _calendar(named[2], midnight, step)
    return None


def _counted(way: str, unit: str, count: int, now: datetime) -> Span:
    away = _moved(now, unit, count if way == "Next" else -count)
    if way == "OlderThan":
        return None, away
    if unit not in _SMALL:
        # Whole days, and the other end is the beginning or the end of one.
        away = away.replace(hour=0, minute=0, second=0, microsecond=0)
        away += _DAY if way == "Next" else timedelta()
    # A row of this very second is in the last hour.
    return (now, away) if way == "Next" else (away, now + timedelta(seconds=1))


def _moved(now: datetime, unit: str, count: int) -> datetime:
    if unit in _SMALL:
        return now + count * _SMALL[unit]
    if unit in ("Days", "Weeks"):
        return now + timedelta(days=count * (7 if unit == "Weeks" else 1))
    months = now.year * 12 + now.month - 1 + count * (12 if unit == "Years" else 1)
    return now.replace(year=months // 12, month=months % 12 + 1, day=min(now.day, 28))


def _calendar(unit: str, midnight: datetime, step: int) -> Span:
    if unit == "Week":
        first = midnight - timedelta(days=(midnight.weekday() + 1) % 7) + step * timedelta(days=7)
        return first, first + timedelta(days=7)
    months = {"Month": 1, "Year": 12}[unit]
    begun = midnight.replace(day=1) if unit == "Month" else midnight.replace(month=1, day=1)
    place = begun.year * 12 + begun.month - 1 + step * months
    first, last = (begun.replace(year=one // 12, month=one % 12 + 1) for one in (place, place + months))
    return first, last
