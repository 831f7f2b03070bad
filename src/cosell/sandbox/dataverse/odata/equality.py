"""Conditions that say which values a column may have: many alternatives are one look into a set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.dataverse.odata.functions import listed_values
from cosell.sandbox.dataverse.odata.paths import Read, Scope
from cosell.sandbox.dataverse.odata.tree import Comparison, Condition, Function, Literal, Name, Or
from cosell.sandbox.dataverse.odata.typed import comparable, typed


@dataclass(frozen=True, slots=True)
class Equality:
    """A column, how its value compares, and the values that pass."""

    column: Column
    read: Read
    values: frozenset[Any]
    own: bool
    """It is a column of the table that was asked, and of none behind it."""


def equality(scope: Scope, condition: Condition) -> Equality | None:
    """The values a condition asks for; None where it is of another kind."""
    if isinstance(condition, Function):
        return _listed(scope, condition)
    asked = list(_asked(condition))
    if not asked or any(one is None for one in asked):
        return None
    pairs = [one for one in asked if one is not None]
    parts = pairs[0][0]
    if any(other != parts for other, _ in pairs):
        return None
    column, read = scope.column(parts)
    values = frozenset(typed(column, literal) for _, literal in pairs)
    return Equality(column, comparable(column, read), values, len(scope.own(parts)) == 1)


def _asked(condition: Condition) -> Iterator[tuple[tuple[str, ...], Literal] | None]:
    """Property and value of each alternative; None for one that is no such thing."""
    match condition:
        case Or(terms):
            for term in terms:
                yield from _asked(term)
        case Comparison(Name(parts), "eq", Literal() as literal):
            yield parts, literal
        case Comparison(Literal() as literal, "eq", Name(parts)):
            yield parts, literal
        case _:
            yield None


def _listed(scope: Scope, one: Function) -> Equality | None:
    if one.function != "In":
        return None
    parts = one.name.parts
    column, read = scope.column(parts, logical=True)
    return Equality(column, comparable(column, read), listed_values(column, one), len(scope.own(parts)) == 1)
