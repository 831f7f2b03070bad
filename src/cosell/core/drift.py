"""What a side once let us use and does not now: a rule is paused by it, and its past stays as it was (J-9).

A part is named by the field it serves: `notes` for reading a field, `notes.write` for changing it,
`contacts.phone` for a detail of it, `state=won` for one value it can take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

WRITE = "write"
_COMPANIONS = (frozenset({"deal_value", "currency"}),)
"""Fields that mean nothing without each other, and so wait together."""


def part(field: str, detail: str = WRITE) -> str:
    """The name of a part of a field."""
    return f"{field}.{detail}"


def choice(field: str, value: str) -> str:
    """The name of one value of a field."""
    return f"{field}={value}"


def field_of(part: str) -> str:
    """The field a part serves."""
    return part.partition("=")[0].partition(".")[0]


def is_choice(part: str) -> bool:
    """Whether it is one value of a field: without it only deals that need the value wait."""
    return "=" in part


def is_writing(part: str) -> bool:
    """Whether it is the right to change a field, which can still be read."""
    return part.endswith(f".{WRITE}")


def sign(*named: object) -> str:
    """A short sign of what settings name, the same in every process as long as they name the same."""
    return hashlib.sha256(repr(named).encode()).hexdigest()[:16]


def blinding(parts: Iterable[str]) -> frozenset[str]:
    """Those of the parts without which a read is not to be believed."""
    return frozenset(one for one in parts if not is_choice(one) and not is_writing(one))


def fields_of(parts: Iterable[str]) -> frozenset[str]:
    """The fields these parts serve, and those that mean nothing without them."""
    own = frozenset(map(field_of, parts))
    return own.union(*(group for group in _COMPANIONS if own & group))
