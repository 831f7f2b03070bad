"""The words a seller reads on the opportunity: the lines of the Audit field, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import dropwhile

from cosell.core.fields import FIELDS
from cosell.core.guards import Problem
from cosell.core.reasons import text
from cosell.core.records import Hold, Link

KEPT = 40
"""Lines kept on the opportunity; the whole history is in the journal."""


_EVENTS = ("Sent to ", "Received from ")


def stamped(now: float, words: str) -> str:
    """One line with its minute, in UTC."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC  {words}"


def add(link_trail: tuple[str, ...], lines: Iterable[str]) -> tuple[str, ...]:
    """The trail with new lines on top; of a line that is already the newest, only an event comes again.

    Trouble that lasts is said once; a value that travelled again is a new event, with its own minute.
    """
    trail = link_trail
    for line in lines:
        lasts = bool(trail) and _words(trail[0]) == _words(line) and not _words(line).startswith(_EVENTS)
        if not lasts and line not in trail[:1]:
            trail = (line, *trail)
    return trail[:KEPT]


def without(link_trail: tuple[str, ...], words: str) -> tuple[str, ...]:
    """The trail as it was before its newest lines said `words`."""
    older = dropwhile(lambda line: _words(line) == words, link_trail)
    return tuple(older)


def _words(line: str) -> str:
    return line.partition("  ")[2]


def labels(fields: Iterable[str]) -> str:
    """Field labels as a person lists them."""
    return ", ".join(FIELDS[key].label for key in fields)


def sent(fields: Iterable[str]) -> str:
    return f"Sent to Partner Center: {labels(fields)}."


def received(fields: Iterable[str]) -> str:
    return f"Received from Partner Center: {labels(fields)}."


def gate(problems: Sequence[Problem]) -> list[str]:
    """Every missing thing at once, each with what to do (TRB-3.2)."""
    return [f"Not sent yet. {one.says} {one.fix}" for one in problems]


def new_holds(before: Mapping[str, Hold], now: Mapping[str, Hold]) -> list[str]:
    """A line for each field that came to a halt since the last look."""
    lines = []
    for key, hold in now.items():
        if key not in before or before[key].reason != hold.reason:
            words = text(hold.reason)
            label = FIELDS[key].label if key in FIELDS else "The deal"
            detail = f" ({hold.detail})" if hold.detail else ""
            lines.append(f"{label}: {words.says}{detail} {words.fix}".strip())
    return lines


def troubled(link: Link) -> bool:
    """Whether the opportunity deserves the ✘: something waits for a person."""
    reasons = [hold.reason for hold in link.holds.values()] + ([link.reason] if link.reason else [])
    return any(text(code).troubled for code in reasons)
