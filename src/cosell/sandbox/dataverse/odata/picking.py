"""Picks the rows of a `$filter`; where it names the values of a column, without looking at all rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.dataverse.columns import TEXTS, Column
from cosell.sandbox.dataverse.odata.conditions import compile_test
from cosell.sandbox.dataverse.odata.equality import Equality, equality
from cosell.sandbox.dataverse.odata.parser import parse_filter
from cosell.sandbox.dataverse.odata.paths import Scope
from cosell.sandbox.dataverse.odata.tree import And, Condition
from cosell.sandbox.dataverse.store import Ref, Row

_IDS = frozenset({"lookup", "uniqueidentifier"})


def pick(scope: Scope, text: str, aliases: Mapping[str, str], rows: list[Row]) -> list[Row]:
    """The rows that pass the filter, in their order."""
    condition = parse_filter(text, aliases)
    test = compile_test(scope, condition)
    return [row for row in _candidates(scope, condition, rows) if test(row)]


def _candidates(scope: Scope, condition: Condition, rows: list[Row]) -> list[Row]:
    """The rows that may pass: all, unless a term that every row must meet says which."""
    terms = condition.terms if isinstance(condition, And) else (condition,)
    for term in terms:
        found = equality(scope, term)
        if found is not None and found.own and None not in found.values and _is_indexed(found.column):
            primary_id, ids = scope.table.primary_id, _ids(scope, found)
            return [row for row in rows if row[primary_id] in ids]
    return rows


def _is_indexed(column: Column) -> bool:
    return column.kind in _IDS or column.kind in TEXTS


def _ids(scope: Scope, found: Equality) -> frozenset[Any]:
    """The ids of the rows whose column has one of the values."""
    column, table = found.column, scope.org.store.table(scope.table.name)
    if column.name == scope.table.primary_id:
        return found.values
    wanted = found.values
    if column.kind == "lookup":
        wanted = frozenset(Ref(target.table, one) for one in found.values for target in column.targets)
    return frozenset(row_id for one in wanted for row_id in table.ids_where(column.name, one))
