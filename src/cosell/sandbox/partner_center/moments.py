"""Moments with the seven decimals Microsoft writes, kept as whole ticks of 100 ns since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

TICKS = 10_000_000
DAY = 86_400 * TICKS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:?\d\d)?)?\Z", re.ASCII
)


def ticks_of(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 10


def parse(text: str) -> int | None:
    """The ticks of an ISO 8601 date or date-time, a missing zone read as UTC; None when it is neither."""
    match = _FORM.match(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        whole = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{zone}")
        return ticks_of(whole) + int((fraction or "").ljust(7, "0")[:7])
    except (ValueError, OverflowError):
        return None


def render(ticks: int, *, decimals: bool = True) -> str:
    """The wire form: UTC, `Z`, and seven decimals unless they are unwanted and all zero."""
    seconds, fraction = divmod(ticks, TICKS)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    # strftime drops leading zeros of the year on some systems.
    text = text.rjust(19, "0")
    return f"{text}.{fraction:07d}Z" if decimals or fraction else f"{text}Z"
