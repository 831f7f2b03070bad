"""Words of OData: literals that nothing breaks out of, ids, addresses, moments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

T = TypeVar("T")
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_NEVER_IN_A_KEY = frozenset("/<>*%&:\\?+")
LOOKUP_TABLE = "@Microsoft.Dynamics.CRM.lookuplogicalname"
"""Follows `_x_value`: which table a polymorphic lookup points to."""
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
"""Follows a column: what a person sees there."""
BIND = "@odata.bind"
ETAG = "@odata.etag"


def guid(text: object) -> str | None:
    """The one spelling of a row's id; None where it is none."""
    return text.lower() if isinstance(text, str) and _GUID.match(text) else None


def is_name(text: str) -> bool:
    """Tells a usable logical name from text that would change the query it is put into."""
    return bool(_NAME.match(text))


def literal(text: str) -> str:
    """`text` as a quoted string that it cannot end; `address` then encodes every sign of it."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "'" + text.replace("'", "''") + "'"


def within(column: str, values: Iterable[str]) -> str:
    """The condition that `column` is one of `values`, whatever its type."""
    listed = ",".join(map(literal, values))
    return f"Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{listed}])"


def keyable(text: str) -> bool:
    """Whether an alternate key of this value can stand in an address (trap 8)."""
    return bool(text) and text.isprintable() and _NEVER_IN_A_KEY.isdisjoint(text)


def row(entity_set: str, row_id: str) -> str:
    """The address of one row below the service root."""
    return f"{entity_set}({row_id})"


def address(path: str, query: Mapping[str, str] | None = None) -> str:
    """`path` with a query of system options, percent-encoded."""
    if not query:
        return path
    asked = "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in query.items())
    return f"{path}?{asked}"


_PLAIN = "'(),:=*~-_$@/!;."


def moment(text: str) -> datetime:
    """The instant Dataverse writes as `2026-05-31T14:03:22Z`. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def stamp(epoch: float) -> str:
    """An instant as a filter wants it: whole seconds, unquoted."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def chunks(things: Sequence[T], size: int) -> list[Sequence[T]]:
    """`things` in equal parts of at most `size`."""
    parts = -(-len(things) // size)
    each = -(-len(things) // parts) if parts else 1
    return [things[start : start + each] for start in range(0, len(things), each)]
