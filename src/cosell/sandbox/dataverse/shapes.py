"""Rows as answers show them: columns, annotations, expanded rows (sheet sections 2.3 and 2.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cosell.sandbox.dataverse.calls import Call
from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.formatting import formatted
from cosell.sandbox.dataverse.odata import Expand, Selection
from cosell.sandbox.dataverse.odata.paths import children
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import hides
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.values import show

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL = "Microsoft.Dynamics.CRM.lookuplogicalname"
ASSOCIATED = "Microsoft.Dynamics.CRM.associatednavigationproperty"
Json = dict[str, Any]
Nested = Callable[[Table, Row, Expand, list[Row]], tuple[list[Row], str | None]]
"""Picks and sorts the rows of an expanded collection; gives the link to the rest, if there is any."""


def etag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


class Shaper:
    """Shows the rows of one answer."""

    def __init__(self, org: Org, call: Call, nested: Nested) -> None:
        self._org, self._nested = org, nested
        wishes = call.prefers
        self._root, self._actor = call.root, call.actor
        self._formatted = wishes.wants(FORMATTED)
        self._logical = wishes.wants(LOGICAL)
        self._associated = wishes.wants(ASSOCIATED)
        self._plain = not (self._formatted or self._logical or self._associated)
        self._shown: dict[int, list[tuple[str, Column]]] = {}

    def row(self, table: Table, row: Row, selection: Selection) -> Json:
        """One row."""
        made: Json = {"@odata.etag": etag(row)}
        columns = self._shown.get(id(selection))
        if columns is None:
            columns = self._shown[id(selection)] = shown_columns(table, selection)
        for wire, column in columns:
            value = row.get(column.name)
            if column.secured and hides(self._org, self._actor, column):
                value = None
            if not self._plain and value is not None:
                self._annotate(made, wire, column, row, value)
            made[wire] = show(column, value)
        for one in selection.expands:
            self._expand(made, table, row, one)
        return made

    def _annotate(self, made: Json, wire: str, column: Column, row: Row, value: Any) -> None:
        if self._formatted:
            text = formatted(self._org, column, row, value)
            if text is not None:
                made[f"{wire}@{FORMATTED}"] = text
        if isinstance(value, Ref):
            target = column.target(value.table)
            if self._associated and target is not None:
                made[f"{wire}@{ASSOCIATED}"] = target.navigation
            if self._logical:
                made[f"{wire}@{LOGICAL}"] = value.table

    def _expand(self, made: Json, table: Table, row: Row, one: Expand) -> None:
        if one.backward is not None and one.selection is not None:
            below, rest = self._nested(table, row, one, children(self._org, table, row, one.backward))
            made[one.name] = [self.row(one.table, found, one.selection) for found in below]
            if rest is not None:
                made[f"{one.name}@odata.nextLink"] = rest
            return
        link = row.get(one.lookup.name) if one.lookup else None
        found = self._org.store.get(link.table, link.id) if isinstance(link, Ref) else None
        if found is None or not isinstance(link, Ref) or all(link.table != to.table for to in one.targets):
            made[one.name] = None
        elif one.selection is None:
            kind = f"#{self._org.schema.table(link.table).type_name}"
            made[one.name] = {"@odata.type": kind, "@odata.etag": etag(found), one.name: link.id}
        else:
            made[one.name] = self.row(one.table, found, one.selection)


def shown_columns(table: Table, selection: Selection) -> list[tuple[str, Column]]:
    """The columns an answer shows: money brings its currency, and the primary key always comes."""
    if selection.columns is None:
        return [(one.wire, one) for one in table.columns.values() if one.readable]
    columns = list(selection.columns)
    extra = ["transactioncurrencyid"] if any(one.kind == "money" for one in columns) else []
    for name in (*extra, table.primary_id):
        column = table.columns.get(name)
        if column is not None and column not in columns:
            columns.append(column)
    return [(one.wire, one) for one in columns]
