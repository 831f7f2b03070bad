"""Reads what a person or a script asked for, and refuses the rest in a sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

LARGEST_BODY = 1_000_000
_SPAN = re.compile(r"\s*(?P<count>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>s|m|h|d|w)?\s*", re.ASCII)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, None: 1}
_MISSING: Any = object()


class Refused(Exception):
    """A request the sandbox does not carry out; its text tells the person why."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence, self.status = sentence, status


class Wish:
    """The named values of one request; every value is asked for once, and what is left over is refused."""

    def __init__(self, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise Refused("An object with named values is expected.")
        self._left = dict(values)

    def has(self, name: str) -> bool:
        return self._left.get(name) is not None

    def text(self, name: str, default: Any = _MISSING, *, among: Sequence[str] = ()) -> Any:
        """A text, or the default when it is not given."""
        value = self._take(name, default)
        if value is default:
            return value
        if not isinstance(value, str):
            raise Refused(f"“{name}” must be a text.")
        if among and value not in among:
            raise Refused(f"“{name}” must be one of: {', '.join(among)}.")
        return value

    def truth(self, name: str, default: Any = _MISSING) -> Any:
        value = self._take(name, default)
        if value is not default and not isinstance(value, bool):
            raise Refused(f"“{name}” must be true or false.")
        return value

    def number(self, name: str, default: Any = _MISSING, *, least: float = 0, most: float = 1e15) -> Any:
        value = self._take(name, default)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Refused(f"“{name}” must be a number.")
        if not least <= value <= most:
            raise Refused(f"“{name}” must lie between {least:g} and {most:g}.")
        return value

    def whole(self, name: str, default: Any = _MISSING, *, least: int = 0, most: int = 1_000_000) -> Any:
        value = self.number(name, default, least=least, most=most)
        if value is not default and value != int(value):
            raise Refused(f"“{name}” must be a whole number.")
        return value if value is default else int(value)

    def seconds(self, name: str, default: Any = _MISSING) -> Any:
        """A length of time: a number of seconds, or a text such as ``90s``, ``15m``, ``2h``, ``14d``."""
        value = self._take(name, default)
        return value if value is default else span(name, value)

    def day(self, name: str, default: Any = _MISSING) -> Any:
        """A date, written 2026-11-30."""
        value = self._take(name, default)
        if value is default:
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise Refused(f"“{name}” must be a date such as 2026-11-30.") from None

    def items(self, name: str, default: Any = _MISSING) -> Any:
        value = self._take(name, default)
        if value is not default and not isinstance(value, list):
            raise Refused(f"“{name}” must be a list.")
        return value

    def rest_of(self, name: str) -> dict[str, Any]:
        """The object given under a name, or an empty one."""
        value = self._take(name, None)
        if value is not None and not isinstance(value, dict):
            raise Refused(f"“{name}” must be an object.")
        return value or {}

    def rest(self) -> dict[str, Any]:
        """Everything not yet asked for."""
        rest, self._left = self._left, {}
        return rest

    def done(self) -> None:
        """Refuses names nobody asked for; a misspelled wish must not pass in silence."""
        if self._left:
            raise Refused(f"This request does not take: {', '.join(sorted(map(str, self._left)))}.")

    def _take(self, name: str, default: Any) -> Any:
        value = self._left.pop(name, None)
        if value is not None:
            return value
        if default is _MISSING:
            raise Refused(f"“{name}” is missing.")
        return default


def renamed(values: Mapping[str, Any], same: Mapping[str, str]) -> dict[str, Any]:
    """The values with other words for the same thing replaced by the one word used here."""
    return {same.get(name, name): value for name, value in values.items()}


def span(name: str, value: Any) -> float:
    """Seconds in a length of time given as a number or as a text with a unit."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return float(value)
    match = _SPAN.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    if match is None:
        raise Refused(f"“{name}” must be a number of seconds, or a text such as 90s, 15m, 2h or 14d.")
    seconds = float(match["count"]) * _UNIT_SECONDS[match["unit"]]
    if seconds > timedelta(days=36500).total_seconds():
        raise Refused(f"“{name}” is longer than a hundred years.")
    return seconds


async def read_json(request: Request) -> Wish:
    """The JSON object in the body; no body is an empty object."""
    raw = await _body(request)
    if not raw.strip():
        return Wish({})
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as trouble:
        raise Refused(f"The body is not JSON: {trouble}.") from None
    if not isinstance(value, dict):
        raise Refused('The body must be a JSON object, such as {"times": 2}.')
    return Wish(value)


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a submitted form, each with all its values."""
    raw = await _body(request)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=500, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Refused("The form could not be read.") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


async def _body(request: Request) -> bytes:
    raw = bytearray()
    try:
        async for piece in request.stream():
            raw += piece
            if len(raw) > LARGEST_BODY:
                raise Refused("The body is larger than one megabyte.", status=413)
    except ClientDisconnect:
        raise Refused("The body never came.") from None
    return bytes(raw)
