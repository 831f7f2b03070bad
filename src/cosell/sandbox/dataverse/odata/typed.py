"""Literals as the values of a column, and columns in the form in which they compare."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from cosell.sandbox.dataverse.columns import NUMBERS, TEXTS, Column
from cosell.sandbox.dataverse.errors import DataverseError, bad_request
from cosell.sandbox.dataverse.odata.paths import Read
from cosell.sandbox.dataverse.odata.tree import Literal
from cosell.sandbox.dataverse.store import Row
from cosell.sandbox.dataverse.values import edm, guid, moment_of

_WHOLE = frozenset({"integer", "bigint", "picklist", "state", "status"})


def comparable(column: Column, read: Read) -> Read:
    """How a column's value compares: text without case, lookups by their id."""
    fold = _FOLDS.get(column.kind)
    if fold is None:
        return read

    def folded(row: Row) -> Any:
        value = read(row)
        return None if value is None else fold(value)

    return folded


def typed(column: Column, literal: Literal) -> Any:
    """A literal as rows compare it with the column; refused if it is of another type."""
    if literal.kind == "null":
        return None
    kind = column.kind
    if kind in TEXTS:
        found = literal.text.casefold() or None if literal.kind == "string" else _WRONG
    elif kind in NUMBERS or kind in _WHOLE:
        found = _number(column, literal)
    elif kind == "boolean":
        found = literal.text == "true" if literal.kind == "boolean" else _WRONG
    elif kind == "datetime":
        found = _time(column, literal)
    elif kind == "multipicklist":
        found = literal.text.replace(" ", "") if literal.kind == "string" else _WRONG
    else:
        # Quoted GUIDs are tolerated in documented examples.
        found = guid(literal.text) if literal.kind in ("guid", "string") else _WRONG
        found = _WRONG if found is None else found
    if found is _WRONG:
        raise mismatch(column, literal)
    return found


_WRONG = object()
_LARGEST = 2**63


def mismatch(column: Column, literal: Literal) -> DataverseError:
    """The refusal of a literal of another type."""
    text = "A binary operator with incompatible types was detected. Found operand types"
    return bad_request(f"{text} '{edm(column)}' and '{literal.kind}' ('{literal.text}').")


def _number(column: Column, literal: Literal) -> Any:
    if literal.kind != "number":
        return _WRONG
    value = Decimal(literal.text)
    if column.kind not in _WHOLE or abs(value) > _LARGEST or value != value.to_integral_value():
        return value
    return int(value)


def _time(column: Column, literal: Literal) -> Any:
    if literal.kind == "day":
        return literal.text if column.date_only else f"{literal.text}T00:00:00Z"
    if literal.kind == "moment":
        wire = moment_of(literal.text)
        if wire is not None:
            return wire[:10] if column.date_only else wire
    return _WRONG


_FOLDS: dict[str, Callable[[Any], Any]] = {
    "string": str.casefold,
    "memo": str.casefold,
    "lookup": lambda ref: ref.id,
    "multipicklist": lambda picked: ",".join(str(one) for one in picked),
    "double": lambda value: Decimal(str(value)),
}
