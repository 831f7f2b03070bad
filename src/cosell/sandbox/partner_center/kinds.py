"""Kinds of JSON values: each takes what a client sent, in any letter case, and gives the wire form back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from cosell.sandbox.partner_center import moments
from cosell.sandbox.partner_center.errors import invalid


class Kind(Protocol):
    """One kind of value; `target` is where it stands, for the error."""

    def bind(self, raw: Any, target: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string or null."""

    default: str | None = None

    def bind(self, raw: Any, target: str) -> str | None:
        if raw is None:
            return self.default
        if not isinstance(raw, str):
            raise invalid(target, "A text is expected.")
        return raw


@dataclass(frozen=True, slots=True)
class Number:
    """A number or null; the documented examples also send numbers as text."""

    def bind(self, raw: Any, target: str) -> int | float | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            raw = _from_text(raw, target)
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
            raise invalid(target, "A number is expected.")
        return raw


def _from_text(text: str, target: str) -> int | float:
    try:
        number = Decimal(text.strip())
        if not number.is_finite() or abs(number) > Decimal(10) ** 18:
            raise invalid(target, "A number is expected.")
    except InvalidOperation:
        raise invalid(target, "A number is expected.") from None
    return int(number) if number == number.to_integral_value() else float(number)


@dataclass(frozen=True, slots=True)
class Flag:
    """True, false or null."""

    default: bool | None = None

    def bind(self, raw: Any, target: str) -> bool | None:
        if raw is None:
            return self.default
        if not isinstance(raw, bool):
            raise invalid(target, "True or false is expected.")
        return raw


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or date-time, given back in UTC; or null."""

    def bind(self, raw: Any, target: str) -> str | None:
        if raw is None:
            return None
        ticks = moments.parse(raw) if isinstance(raw, str) else None
        if ticks is None:
            raise invalid(target, "A date and time such as 2026-03-31T00:00:00Z is expected.")
        return moments.render(ticks, decimals=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed list, in any letter case; or null."""

    values: tuple[str, ...]
    default: str | None = None
    _known: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", {value.lower(): value for value in self.values})

    def bind(self, raw: Any, target: str) -> str | None:
        if raw is None:
            return self.default
        found = self._known.get(raw.lower()) if isinstance(raw, str) else None
        if found is None:
            raise invalid(target, f"One of {', '.join(self.values)} is expected.")
        return found


@dataclass(frozen=True, slots=True)
class Free:
    """An object that is kept as it came."""

    def bind(self, raw: Any, target: str) -> dict[str, Any]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            raise invalid(target, "An object is expected.")
        return raw


@dataclass(frozen=True, slots=True)
class Items:
    """A list of one kind; null and the empty object, which a documented sample sends, mean an empty one."""

    of: Kind
    most: int | None = None

    def bind(self, raw: Any, target: str) -> list[Any]:
        if raw is None or raw == {}:
            return []
        if not isinstance(raw, list):
            raise invalid(target, "A list is expected.")
        if self.most is not None and len(raw) > self.most:
            raise invalid(target, f"At most {self.most} entries are allowed.")
        return [self._one(one, f"{target}[{place}]") for place, one in enumerate(raw)]

    def _one(self, raw: Any, target: str) -> Any:
        if raw is None:
            raise invalid(target, "An entry may not be null.")
        return self.of.bind(raw, target)


@dataclass(frozen=True, slots=True)
class Thing:
    """An object with known properties: all of them are in the result, unknown ones are dropped."""

    fields: Mapping[str, Kind]
    absent_is_null: bool = False

    def bind(self, raw: Any, target: str) -> dict[str, Any] | None:
        if raw is None:
            if self.absent_is_null:
                return None
            raw = {}
        if not isinstance(raw, dict):
            raise invalid(target, "An object is expected.")
        given = {name.lower(): value for name, value in raw.items()}
        dot = f"{target}." if target else ""
        return {name: kind.bind(given.get(name.lower()), dot + name) for name, kind in self.fields.items()}
