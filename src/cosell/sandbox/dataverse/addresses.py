"""Reads paths below the service root, and the row addresses inside bodies."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import bad_request, no_segment
from cosell.sandbox.dataverse.keys import RowKey, read_key
from cosell.sandbox.dataverse.org import Org


@dataclass(frozen=True, slots=True)
class Address:
    """An entity set or one of its rows, and the decoded segments behind it."""

    table: Table
    key: RowKey | None
    tail: tuple[str, ...]


def segments(path: str) -> list[str]:
    """The raw segments of a path; a slash inside quotes does not divide, as in ``accounts(name='a/b')``."""
    parts, quoted, start = [], False, 0
    text = path.replace("%27", "'")
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif letter == "/" and not quoted:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part for part in parts if part]


def read_path(org: Org, path: str) -> Address:
    """Where a path leads, refused if there is no such entity set."""
    first, *rest = segments(path)
    name, bracket, inside = first.partition("(")
    table = org.schema.by_set(unquote(name))
    if table is None:
        raise no_segment(unquote(name))
    key = None
    if bracket:
        if not inside.endswith(")"):
            raise bad_request("Error in query syntax.")
        key = read_key(org, table, inside[:-1])
    return Address(table, key, tuple(unquote(one) for one in rest))


def read_reference(org: Org, text: object) -> RowKey:
    """The row that a bind or an ``@odata.id`` names: relative, rooted or absolute."""
    if not isinstance(text, str) or not text.strip():
        raise bad_request(f"Invalid URI: '{text}' does not address a row.")
    try:
        path = urlsplit(text.strip()).path if "://" in text else text.strip()
    except ValueError:
        raise bad_request(f"Invalid URI: '{text}' does not address a row.") from None
    below = path.lstrip("/")
    if below.lower().startswith("api/data/v"):
        below = below.split("/", 3)[3] if below.count("/") >= 3 else ""
    if not below:
        raise bad_request(f"Invalid URI: '{text}' does not address a row.")
    address = read_path(org, below)
    if address.key is None or address.tail:
        raise bad_request(f"Invalid URI: '{text}' does not address a row.")
    return address.key
