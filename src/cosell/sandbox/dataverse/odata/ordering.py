"""`$orderby`: how rows are sorted, the primary key last so that paging is stable."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cosell.sandbox.dataverse.errors import bad_request
from cosell.sandbox.dataverse.odata.paths import Read, Scope
from cosell.sandbox.dataverse.odata.typed import comparable
from cosell.sandbox.dataverse.store import Row


@dataclass(frozen=True, slots=True)
class Order:
    """One column to sort by."""

    read: Read
    descending: bool = False


def read_order(scope: Scope, text: str | None) -> list[Order]:
    """The columns of an `$orderby`."""
    made = []
    for part in (text or "").split(","):
        words = part.split()
        if not words and not text:
            continue
        if not 1 <= len(words) <= 2 or words[1:] not in ([], ["asc"], ["desc"]):
            raise bad_request(f"Syntax error in $orderby '{text}'.")
        column, read = scope.column(tuple(words[0].split("/")))
        made.append(Order(comparable(column, read), words[1:] == ["desc"]))
    return made


class Place:
    """Where a row stands in an order; comparable, and fit to be told in a cookie."""

    __slots__ = ("_ways", "values")

    def __init__(self, values: list[Any], ways: list[bool]) -> None:
        self.values, self._ways = values, ways

    def __lt__(self, other: Place) -> bool:
        for mine, theirs, descending in zip(self.values, other.values, self._ways, strict=True):
            if mine == theirs:
                continue
            # Nulls come first, as in SQL Server.
            if mine is None or theirs is None:
                before = mine is None
            else:
                before = _ordinal(mine) < _ordinal(theirs)
            return before != descending
        return False


def _ordinal(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, int | float) else value


def place_of(orders: list[Order], primary_id: str, row: Row) -> Place:
    """Where a row stands."""
    values = [one.read(row) for one in orders] + [row[primary_id]]
    return Place(values, [one.descending for one in orders] + [False])
