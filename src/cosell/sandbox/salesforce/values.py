"""Reads one value of a request body as the type of its field, or refuses it in the vendor's words."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cosell.sandbox.salesforce.errors import SalesforceError, json_error, refusal
from cosell.sandbox.salesforce.fields import Field

Reader = Callable[[Field, Any, bool], Any]
_EMAIL = re.compile(r"^[^\s@<>(),;:\"\[\]]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)
_TOKENS: dict[type, str] = {
    bool: "VALUE_TRUE",
    int: "VALUE_NUMBER_INT",
    float: "VALUE_NUMBER_FLOAT",
    str: "VALUE_STRING",
    list: "START_ARRAY",
    dict: "START_OBJECT",
    type(None): "VALUE_NULL",
}


def wrong_type(field: Field, value: Any) -> SalesforceError:
    """The refusal of a JSON value that cannot be the field's type."""
    token = _TOKENS.get(type(value), "START_OBJECT")
    shown = "" if isinstance(value, list | dict) else f" value {value}"
    return json_error(
        f"Cannot deserialize instance of {field.type} from {token}{shown} or request may be missing"
        " a required field"
    )


def accept(field: Field, value: Any, *, trim: bool) -> Any:
    """The stored form of a value from the wire; empty text is null."""
    if value is None:
        if field.type == "boolean":
            raise wrong_type(field, value)
        return None
    read: Reader = _READERS.get(field.type, _text)
    return read(field, value, trim)


def _text(field: Field, value: Any, trim: bool) -> str | None:
    if not isinstance(value, str):
        raise wrong_type(field, value)
    kept = value.strip() if trim else value
    if field.length and len(kept) > field.length:
        text = f"{field.label}: data value too large: {kept} (max length={field.length})"
        raise refusal(400, "STRING_TOO_LONG", text, [field.name])
    return kept or None


def _email(field: Field, value: Any, trim: bool) -> str | None:
    kept = _text(field, value, trim)
    if kept is not None and not _EMAIL.match(kept):
        text = f"{field.label}: invalid email address: {kept}"
        raise refusal(400, "INVALID_EMAIL_ADDRESS", text, [field.name])
    return kept


def _choice(field: Field, value: Any, trim: bool) -> str | None:
    kept = _text(field, value, trim)
    wanted = kept.split(";") if kept and field.type == "multipicklist" else [kept]
    # Country and state codes have their own refusal, told where addresses are settled.
    if kept is not None and field.restricted and field.feature != "state_country_picklists":
        active = {choice.value for choice in field.choices if choice.active}
        for one in wanted:
            if one not in active:
                text = f"{field.label}: bad value for restricted picklist field: {one}"
                raise refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [field.name])
    return kept


def _boolean(field: Field, value: Any, trim: bool) -> bool:
    if not isinstance(value, bool):
        raise wrong_type(field, value)
    return value


def _number(field: Field, value: Any, trim: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(field, value)
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_HALF_UP)
    _within(field, value, exact)
    return float(exact)


def _integer(field: Field, value: Any, trim: bool) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(field, value)
    _within(field, value, Decimal(value))
    return value


def _within(field: Field, value: Any, exact: Decimal) -> None:
    if field.precision and abs(exact) >= Decimal(10) ** (field.precision - field.scale):
        text = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", text, [field.name])


def _date(field: Field, value: Any, trim: bool) -> str:
    if isinstance(value, str) and _DATE.match(value):
        try:
            if 1700 <= date.fromisoformat(value).year <= 4000:
                return value
        except ValueError:
            pass
    raise wrong_type(field, value)


def _moment(field: Field, value: Any, trim: bool) -> str:
    wire = moment_of(value) if isinstance(value, str) else None
    if wire is None:
        raise wrong_type(field, value)
    return wire


def moment_of(value: str) -> str | None:
    """The wire form of a date-time with an offset; None if it is none. Milliseconds are dropped."""
    match = _MOMENT.match(value)
    if match is None:
        return None
    offset = "+00:00" if match[3].upper() == "Z" else match[3]
    if len(offset) == 5:
        offset = f"{offset[:3]}:{offset[3:]}"
    try:
        at = datetime.fromisoformat(match[1].upper() + offset)
        return at.astimezone(UTC).isoformat()[:19] + ".000+0000"
    except (ValueError, OverflowError):
        return None


def _base64(field: Field, value: Any, trim: bool) -> str:
    if isinstance(value, str):
        try:
            base64.b64decode(value, validate=True)
            return value
        except (binascii.Error, ValueError):
            pass
    raise wrong_type(field, value)


_READERS: dict[str, Reader] = {
    "email": _email,
    "picklist": _choice,
    "multipicklist": _choice,
    "boolean": _boolean,
    "currency": _number,
    "double": _number,
    "percent": _number,
    "int": _integer,
    "date": _date,
    "datetime": _moment,
    "base64": _base64,
}
