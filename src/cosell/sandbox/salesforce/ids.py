"""Salesforce record ids: 15 case-sensitive characters and a suffix that makes them safe without case."""

from __future__ import annotations

import random

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ALLOWED = frozenset(_DIGITS)


def suffix(fifteen: str) -> str:
    """The three characters that tell the case of each of the fifteen."""
    made = ""
    for start in (0, 5, 10):
        bits = sum(1 << k for k, char in enumerate(fifteen[start : start + 5]) if "A" <= char <= "Z")
        made += _SUFFIX[bits]
    return made


def long_id(value: str) -> str | None:
    """The 18-character form of a 15- or 18-character id; None if it is no id."""
    if len(value) == 18:
        # A client may have changed the case of a long id; the suffix restores it.
        restored = _restore(value[:15], value[15:].upper())
        return restored + value[15:].upper() if restored is not None else None
    if len(value) == 15 and _ALLOWED.issuperset(value):
        return value + suffix(value)
    return None


def _restore(fifteen: str, tail: str) -> str | None:
    if not _ALLOWED.issuperset(fifteen) or any(char not in _SUFFIX for char in tail):
        return None
    if suffix(fifteen) == tail:
        return fifteen
    chars = list(fifteen)
    for group in range(3):
        bits = _SUFFIX.index(tail[group])
        for k in range(5):
            at = group * 5 + k
            chars[at] = chars[at].upper() if bits >> k & 1 else chars[at].lower()
    restored = "".join(chars)
    return restored if suffix(restored) == tail else None


class IdMint:
    """Makes ids that rise with each call, with a key prefix in front, the same for the same dice."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._pod = dice.choice("0123456789") + dice.choice("adeghkqr")
        self._next: dict[str, int] = {}

    def make(self, prefix: str) -> str:
        number = self._next.get(prefix)
        if number is None:
            number = self._dice.randrange(62**4, 62**5)
        self._next[prefix] = number + self._dice.randint(1, 3)
        fifteen = f"{prefix}{self._pod}00000"[:15] + _base62(number, 5)
        return fifteen + suffix(fifteen)


def _base62(number: int, width: int) -> str:
    made = ""
    while number:
        number, rest = divmod(number, 62)
        made = _DIGITS[rest] + made
    return made.rjust(width, "0")
