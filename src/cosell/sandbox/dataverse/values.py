"""One value of a column: from the wire, to the wire (sheet section 2.2)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.dataverse.errors import DataverseError, invalid, refusal
from cosell.sandbox.dataverse.store import Ref

Reader = Callable[[str, Column, Any], Any]
MOST_CHOICES = 150
MONEY_SCALE = 4
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$", re.IGNORECASE)
_EDM = {
    "string": "String",
    "memo": "String",
    "boolean": "Boolean",
    "integer": "Int32",
    "bigint": "Int64",
    "decimal": "Decimal",
    "double": "Double",
    "money": "Decimal",
    "datetime": "DateTimeOffset",
    "multipicklist": "String",
    "lookup": "Guid",
    "uniqueidentifier": "Guid",
}


def edm(column: Column) -> str:
    """The OData type of a column's values."""
    if column.kind == "datetime" and column.date_only:
        return "Edm.Date"
    if column.kind == "managedproperty":
        return "Microsoft.Dynamics.CRM.BooleanManagedProperty"
    return f"Edm.{_EDM.get(column.kind, 'Int32')}"


def accept(table: str, column: Column, value: Any) -> Any:
    """The stored form of a value from the wire; empty text is null."""
    if value is None:
        if column.kind in ("state", "status", "boolean") and column.default is not None:
            raise _wrong(column, value)
        return None
    return _READERS[column.kind](table, column, value)


def show(column: Column, value: Any) -> Any:
    """The form in which a stored value goes over the wire."""
    if value is None:
        return None
    if column.kind == "lookup":
        return value.id
    if column.kind == "multipicklist":
        return ",".join(str(one) for one in value)
    if column.kind == "managedproperty":
        return {"Value": value, "CanBeChanged": True, "ManagedPropertyLogicalName": column.name}
    return value


def guid(text: Any) -> str | None:
    """A GUID in lower case, None if it is none; braces are not taken."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return str(uuid.UUID(text)) if text[8] == "-" else None
    except ValueError:
        return None


def moment_of(text: str) -> str | None:
    """The wire form of a date and time with an offset; None if it is none. Fractions are dropped."""
    match = _MOMENT.match(text)
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(match[1].upper() + match[2].upper().replace("Z", "+00:00"))
        return at.astimezone(UTC).isoformat()[:19] + "Z"
    except (ValueError, OverflowError):
        return None


def day_of(text: str) -> str | None:
    """A calendar day; None if the text is none."""
    if not _DATE.match(text):
        return None
    try:
        date.fromisoformat(text)
    except ValueError:
        return None
    return text


def _wrong(column: Column, value: Any) -> DataverseError:
    kind = type(value).__name__
    return invalid(f"Cannot convert the value '{value}' ({kind}) of '{column.name}' to type '{edm(column)}'.")


def _text(table: str, column: Column, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _wrong(column, value)
    if column.length and len(value) > column.length:
        text = (
            f"A validation error occurred. The length of the '{column.name}' attribute of the '{table}'"
            f" entity exceeded the maximum allowed length of '{column.length}'."
        )
        raise refusal(400, "0x80044331", text)
    return value or None


def _boolean(table: str, column: Column, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(column, value)
    return value


def _whole(table: str, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(column, value)
    _within(column, value, "0x8004432f")
    return value


def _number(column: Column, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong(column, value)
    return Decimal(str(value))


def _decimal(table: str, column: Column, value: Any) -> Decimal:
    exact = _number(column, value)
    _within(column, exact, "0x80044330")
    return rounded(exact, column.precision)


def _money(table: str, column: Column, value: Any) -> Decimal:
    exact = _number(column, value)
    _within(column, exact, "0x80040317")
    return rounded(exact, MONEY_SCALE)


def _double(table: str, column: Column, value: Any) -> float:
    return float(_number(column, value))


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _within(column: Column, value: int | Decimal, code: str) -> None:
    low, high = column.low, column.high
    if (low is not None and value < Decimal(str(low))) or (high is not None and value > Decimal(str(high))):
        text = (
            f"A validation error occurred. The value {value} of '{column.name}' is outside the valid range."
        )
        raise refusal(400, code, text)


def _choice(table: str, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(column, value)
    _known_choice(table, column, value)
    return value


def _known_choice(table: str, column: Column, value: int) -> None:
    if column.choice(value) is None:
        code = "0x80048408" if column.kind in ("state", "status") else "0x8004431a"
        text = (
            f"A validation error occurred. The value '{value}' of '{column.name}' on record of type '{table}'"
            " is outside the valid range. Accepted Values: "
            + ",".join(str(one.value) for one in column.choices)
        )
        raise refusal(400, code, text)


def _choices(table: str, column: Column, value: Any) -> tuple[int, ...] | None:
    """Several choices, written as one text: ``1, 9``."""
    if not isinstance(value, str):
        raise _wrong(column, value)
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not all(re.fullmatch(r"-?\d+", part) for part in parts):
        raise _wrong(column, value)
    picked = tuple(sorted({int(part) for part in parts}))
    if len(picked) > MOST_CHOICES:
        raise invalid(f"At most {MOST_CHOICES} values of '{column.name}' can be selected.")
    for one in picked:
        _known_choice(table, column, one)
    return picked or None


def _moment(table: str, column: Column, value: Any) -> str:
    if isinstance(value, str):
        made = day_of(value) if column.date_only else moment_of(value)
        if made is not None:
            return made
    raise _wrong(column, value)


def _guid(table: str, column: Column, value: Any) -> str:
    made = guid(value)
    if made is None:
        raise _wrong(column, value)
    return made


def _no_lookup(table: str, column: Column, value: Any) -> Ref:
    raise _wrong(column, value)


def _managed_property(table: str, column: Column, value: Any) -> bool:
    """A property that a managed solution may lock: ``{"Value": true, "CanBeChanged": true}``."""
    if isinstance(value, dict) and isinstance(value.get("Value"), bool):
        return bool(value["Value"])
    raise _wrong(column, value)


_READERS: dict[str, Reader] = {
    "string": _text,
    "memo": _text,
    "boolean": _boolean,
    "integer": _whole,
    "bigint": _whole,
    "decimal": _decimal,
    "double": _double,
    "money": _money,
    "datetime": _moment,
    "picklist": _choice,
    "state": _choice,
    "status": _choice,
    "multipicklist": _choices,
    "uniqueidentifier": _guid,
    "lookup": _no_lookup,
    "managedproperty": _managed_property,
}
