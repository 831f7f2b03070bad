"""Turns the switches of a simulator from outside, refusing names and values it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def turn(switches: Any, changes: Mapping[str, Any]) -> None:
    """Sets every named switch, or none of them and a ValueError that says why."""
    kinds = get_type_hints(type(switches))
    checked = {name: _checked(name, kinds, value) for name, value in changes.items()}
    for name, value in checked.items():
        setattr(switches, name, value)


def positions(switches: Any) -> dict[str, Any]:
    """The present position of every switch, ready for JSON."""
    return asdict(switches)


def rest(switches: Any) -> None:
    """Puts every switch back to where it was when the simulator was made."""
    fresh = type(switches)()
    for one in fields(switches):
        setattr(switches, one.name, getattr(fresh, one.name))


def _checked(name: str, kinds: Mapping[str, Any], value: Any) -> Any:
    if name not in kinds:
        raise ValueError(f"there is no switch {name!r}; there are: {', '.join(sorted(kinds))}")
    kind = kinds[name]
    if get_origin(kind) is Literal:
        return _chosen(name, get_args(kind), value)
    if not _fits(kind, value):
        raise ValueError(f"the switch {name!r} does not take {value!r}")
    return float(value) if kind is float else value


def _chosen(name: str, choices: tuple[Any, ...], value: Any) -> Any:
    if value in choices and not isinstance(value, bool):
        return value
    raise ValueError(f"the switch {name!r} takes {', '.join(map(repr, choices))}, not {value!r}")


def _fits(kind: Any, value: Any) -> bool:
    origin = get_origin(kind)
    if origin is Union or kind is NoneType:
        return any(_fits(one, value) for one in get_args(kind)) or (kind is NoneType and value is None)
    if kind in (int, float):
        return isinstance(value, int | float if kind is float else int) and not isinstance(value, bool)
    if origin is list:
        return isinstance(value, list) and all(_fits(get_args(kind)[0], one) for one in value)
    return isinstance(value, origin or kind)
