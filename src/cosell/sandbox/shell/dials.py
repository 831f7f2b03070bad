"""Shows and sets the switches of any simulator by name, in the forms JSON can carry."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cosell.sandbox.shell.wishes import Refused


def positions(switches: Any) -> dict[str, Any]:
    """Every switch with its present position, ready for JSON."""
    return {one.name: _shown(getattr(switches, one.name)) for one in dataclasses.fields(switches)}


def turn(switches: Any, changes: Mapping[str, Any]) -> None:
    """Sets all the named switches, or none of them when one cannot take its value."""
    kinds = get_type_hints(type(switches))
    understood = {}
    for name, value in changes.items():
        if name not in kinds:
            raise Refused(f"There is no switch “{name}”; there are: {', '.join(sorted(kinds))}.")
        try:
            understood[name] = _understood(kinds[name], value)
        except (TypeError, ValueError):
            raise Refused(f"The switch “{name}” does not take this value; {_wanted(kinds[name])}.") from None
    for name, value in understood.items():
        setattr(switches, name, value)


def _shown(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return positions(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_shown(one) for one in value]
    return "(a function)" if callable(value) else value


def _understood(kind: Any, value: Any) -> Any:
    """The value in the switch's own type, or a ValueError or TypeError."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _first_that_takes(get_args(kind), value)
    if origin is Literal:
        return _one_of(get_args(kind), value)
    if origin in (tuple, frozenset, list):
        return _many(kind, value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, value)
    return _plain(kind if origin is None else origin, value)


def _first_that_takes(kinds: tuple[Any, ...], value: Any) -> Any:
    for kind in kinds:
        try:
            return _understood(kind, value)
        except (TypeError, ValueError):
            continue
    raise ValueError


def _one_of(choices: tuple[Any, ...], value: Any) -> Any:
    for choice in choices:
        if value == choice and type(value) is type(choice):
            return choice
    raise ValueError


def _many(kind: Any, value: Any) -> Any:
    if not isinstance(value, list):
        raise TypeError
    inner = get_args(kind)[0]
    made: Any = get_origin(kind)
    return made(_understood(inner, one) for one in value)


def _record(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, dict):
        raise TypeError
    hints = get_type_hints(kind)
    return kind(
        **{name: _understood(hints[name], one) if name in hints else one for name, one in value.items()}
    )


def _plain(kind: Any, value: Any) -> Any:
    if kind is Any:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(kind, type) or not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError
    return value


def _wanted(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return f"it takes {', '.join(map(repr, get_args(kind)))}"
    if origin in (Union, UnionType):
        return " or ".join(_wanted(one) for one in get_args(kind))
    if origin in (tuple, frozenset, list):
        return "it takes a list"
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        dict: "an object",
    }
    return f"it takes {'null' if kind is NoneType else names.get(origin or kind, 'something else')}"
