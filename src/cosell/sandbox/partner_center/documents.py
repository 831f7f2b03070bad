"""Reading and replacing values deep in a document without copying the rest of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Key = str | int


def value_at(document: Any, keys: Iterable[Key]) -> Any:
    """The value at a path, or None where the path ends early."""
    for key in keys:
        if document is None:
            return None
        document = document[key] if isinstance(key, int) else document.get(key)
    return document


def placed(document: Any, keys: Sequence[Key], value: Any) -> Any:
    """The document with `value` at the path; only the containers on the way are new."""
    if not keys:
        return value
    first, rest = keys[0], keys[1:]
    if isinstance(first, int):
        items = list(document)
        items[first] = placed(items[first], rest, value)
        return items
    return {**(document or {}), first: placed((document or {}).get(first), rest, value)}
