"""CreateMultiple, UpdateMultiple and UpsertMultiple: many rows in one message, all or none (2.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cosell.sandbox.dataverse.addresses import read_reference
from cosell.sandbox.dataverse.calls import Actor, Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, invalid, not_allowed
from cosell.sandbox.dataverse.keys import RowKey, find_row
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Row
from cosell.sandbox.dataverse.values import guid
from cosell.sandbox.dataverse.writing import Writer

Target = dict[str, Any]


class Bulk:
    """Answers the three messages; whoever calls takes everything back when one row is refused."""

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org, self._writer = org, writer

    def actions(self) -> dict[str, Callable[[Call, Table], Reply]]:
        """The messages by their names."""
        return {
            "CreateMultiple": self.create,
            "UpdateMultiple": self.update,
            "UpsertMultiple": self.upsert,
        }

    def create(self, call: Call, table: Table) -> Reply:
        """New rows; the answer holds their ids in the same order."""
        made = [self._writer.create(call.actor, table, target) for target in _targets(call, table)]
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
        return Reply(200, {"@odata.context": context, "Ids": [row[table.primary_id] for row in made]})

    def update(self, call: Call, table: Table) -> Reply:
        """Changed rows, each named by its primary key."""
        for target in _targets(call, table):
            row_id = guid(target.get(table.primary_id))
            if row_id is None:
                raise invalid(f"Each target of UpdateMultiple must include '{table.primary_id}'.")
            self._writer.update(call.actor, table, row_id, _without(target, table.primary_id))
        return Reply(204)

    def upsert(self, call: Call, table: Table) -> Reply:
        """Rows that are changed where they exist and made where they do not."""
        for target in _targets(call, table):
            self._upsert(call.actor, table, target)
        return Reply(204)

    def _upsert(self, actor: Actor, table: Table, target: Target) -> None:
        key = self._key(table, target)
        row = find_row(self._org, key)
        body = _without(target, "@odata.id")
        if row is not None:
            named = [column.name for column, _ in key.values]
            changes = _without(body, table.primary_id, *named)
            self._writer.update(actor, table, row[table.primary_id], changes)
            return
        if any(column.name in body for column, _ in key.values):
            # Told twice, a key is no trouble to an update and the end of a create (trap 9).
            raise DataverseError(400, "0x80040216", "An unexpected error occurred.")
        values: Row = {column.name: value for column, value in key.values}
        if key.row_id is not None:
            values[table.primary_id] = key.row_id
        self._writer.create(actor, table, _without(body, table.primary_id), key=values)

    def _key(self, table: Table, target: Mapping[str, Any]) -> RowKey:
        if "@odata.id" in target:
            key = read_reference(self._org, target["@odata.id"])
            if key.table.name != table.name:
                raise invalid(f"'{target['@odata.id']}' is not a row of '{table.entity_set}'.")
            return key
        row_id = guid(target.get(table.primary_id))
        if row_id is None:
            raise invalid(f"A target of UpsertMultiple needs '@odata.id' or '{table.primary_id}'.")
        return RowKey(table, row_id)


def _targets(call: Call, table: Table) -> list[Target]:
    if call.method != "POST":
        raise not_allowed(call.method)
    given = call.json()
    targets = given.pop("Targets", None)
    if not isinstance(targets, list) or not targets or not all(isinstance(one, dict) for one in targets):
        raise invalid("The parameter 'Targets' must be a list of rows with at least one.")
    if given:
        raise bad_request(f"The parameter '{next(iter(given))}' is not one of this action.")
    for one in targets:
        kind = str(one.pop("@odata.type", "")).lstrip("#")
        if kind != table.type_name:
            raise bad_request(f"Each target must have '@odata.type': '{table.type_name}', not '{kind}'.")
    return targets


def _without(target: Target, *names: str) -> Target:
    return {name: value for name, value in target.items() if name not in names}
