"""Words of SOQL: literals that nothing breaks out of, moments, ids, lists that fit into an address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

T = TypeVar("T")
_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
# `@{` is no sign of SOQL, but a composite would take it for a reference.
_SPECIAL = re.compile(r"[\\'\x00-\x1f\x7f\ud800-\udfff]|@(?=\{)")
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def select(columns: Iterable[str], source: str, tail: str = "") -> str:
    """A query of names that `is_name` has passed or describe has given."""
    return f"SELECT {','.join(columns)} FROM {source}{tail and ' '}{tail}"  # noqa: S608 - names, no values


def literal(text: str) -> str:
    """`text` as a quoted SOQL string (salesforce-api.md 5): it can neither end the string nor break it."""
    return f"'{_SPECIAL.sub(_escaped, text)}'"


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}"


def literals(texts: Iterable[str]) -> str:
    """A list for IN."""
    return f"({','.join(map(literal, texts))})"


def encoded(soql: str) -> str:
    """A query as it stands in an address; `+` and `%20` both mean a space."""
    return quote(soql, safe="'(),:.=*~-_<>!").replace("%20", "+")


def is_name(text: str) -> bool:
    """Tells a usable API name from text that would change the query it is put into."""
    return bool(_NAME.match(text))


@lru_cache(maxsize=65536)
def long_id(text: str) -> str | None:
    """The 18-character form of a row id in either form (salesforce-api.md 1); None where it is none.

    One id whose suffix contradicts it would have the whole query refused, and every other id with it.
    """
    if not _ID.match(text):
        return None
    return text + suffix(text) if len(text) == 15 else _restored(text[:15], text[15:].upper())


def _restored(fifteen: str, tail: str) -> str | None:
    """A long id with the case that its suffix tells, whatever became of it on the way."""
    if not set(tail) <= set(_SUFFIX):
        return None
    told = "".join(f"{_SUFFIX.index(c):05b}"[::-1] for c in tail)
    restored = "".join(c.upper() if bit == "1" else c.lower() for c, bit in zip(fifteen, told, strict=True))
    return restored + tail if suffix(restored) == tail else None


def suffix(fifteen: str) -> str:
    """The three characters that make a row id safe where case is lost."""
    groups = (fifteen[start : start + 5] for start in (0, 5, 10))
    return "".join(_SUFFIX[sum(1 << k for k, c in enumerate(group) if "A" <= c <= "Z")] for group in groups)


def moment(text: str) -> datetime:
    """The instant Salesforce writes as `2026-11-20T09:15:00.000+0000`. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def stamp(epoch: float) -> str:
    """An instant as SOQL wants it: whole seconds, unquoted."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4096)
def http_date(instant: datetime) -> str:
    """An instant as the header If-Unmodified-Since wants it."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def chunks(things: Sequence[T], size: int) -> list[Sequence[T]]:
    """`things` in equal parts of at most `size`."""
    parts = -(-len(things) // size)
    each = -(-len(things) // parts) if parts else 1
    return [things[start : start + each] for start in range(0, len(things), each)]
