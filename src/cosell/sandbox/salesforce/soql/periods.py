"""Date literals such as TODAY and LAST_N_DAYS:7, in UTC."""

from __future__ import annotations

from datetime import date, timedelta


def period(text: str, today: date) -> tuple[date, date] | None:
    """The first day of a period and the first day after it; None if there is no such literal."""
    word, _, number = text.partition(":")
    if number:
        return _counted(word, int(number), today)
    fixed = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
    if word in fixed:
        start = today + timedelta(days=fixed[word])
        return start, start + timedelta(days=1)
    step = {"LAST": -1, "THIS": 0, "NEXT": 1}
    which, _, unit = word.partition("_")
    if which not in step:
        return None
    return _unit(unit, step[which], today)


def _counted(word: str, days: int, today: date) -> tuple[date, date] | None:
    one = timedelta(days=1)
    count = timedelta(days=min(days, 100_000))
    if word == "LAST_N_DAYS":
        return today - count, today + one
    if word == "NEXT_N_DAYS":
        return today + one, today + one + count
    if word == "N_DAYS_AGO":
        return today - count, today - count + one
    return None


def _unit(unit: str, step: int, today: date) -> tuple[date, date] | None:
    if unit == "WEEK":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=step)
        return sunday, sunday + timedelta(weeks=1)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}.get(unit)
    if months is None:
        return None
    current = (today.year * 12 + today.month - 1) // months
    return _month((current + step) * months), _month((current + step + 1) * months)


def _month(count: int) -> date:
    return date(count // 12, count % 12 + 1, 1)
