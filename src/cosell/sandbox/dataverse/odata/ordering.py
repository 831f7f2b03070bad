"""`$orderby`: how rows are sorted, the primary key last so that paging is stable."""

from __future__ import annotations

from dataclasses import dataclass
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
            if mine != theirs:
                return (_rank(mine) < _rank(theirs)) != descending
        return False


def _rank(value: Any) -> tuple[bool, Any]:
    """How a value sorts: nulls come first, as in SQL Server."""
    return value is not None, value


def place_of(orders: list[Order], primary_id: str, row: Row) -> Place:
    """Where a row stands."""
    values = [one.read(row) for one in orders] + [row[primary_id]]
    return Place(values, ways(orders))


def ways(orders: list[Order]) -> list[bool]:
    """Which of the values of a place sort downwards."""
    return [one.descending for one in orders] + [False]


def sort_rows(orders: list[Order], primary_id: str, rows: list[Row]) -> list[Row]:
    """The rows in order; a pass for each column is faster than comparing places."""
    made = sorted(rows, key=lambda row: str(row[primary_id]))
    for one in reversed(orders):
        made.sort(key=lambda row, read=one.read: _rank(read(row)), reverse=one.descending)  # type: ignore[misc]
    return made
