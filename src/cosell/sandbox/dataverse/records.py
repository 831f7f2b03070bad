"""One row: create, read, update, upsert, delete, each with its conditions (sheet sections 2.3 to 2.7)."""

from __future__ import annotations

import re
from typing import Any

from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing.components import COMPONENTS, package_of, put_in
from cosell.sandbox.dataverse.errors import (
    not_allowed,
    refusal,
    version_mismatch,
)
from cosell.sandbox.dataverse.keys import RowKey, find_row, row_missing
from cosell.sandbox.dataverse.lists import Lists, applied, check_options, unsupported
from cosell.sandbox.dataverse.odata import read_selection
from cosell.sandbox.dataverse.odata.paths import Scope
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import require, require_row
from cosell.sandbox.dataverse.shapes import Shaper, etag
from cosell.sandbox.dataverse.store import Row
from cosell.sandbox.dataverse.writing import Writer

_TAG = re.compile(r'^(W/)?"([^"]+)"$')
_ROW_OPTIONS = frozenset({"$select", "$expand"})


class Records:
    """Answers what addresses a single row."""

    def __init__(self, org: Org, writer: Writer, lists: Lists) -> None:
        self._org, self._writer, self._lists = org, writer, lists

    def create(self, call: Call, table: Table) -> Reply:
        """``POST set``."""
        package = package_of(self._org, call) if table.name in COMPONENTS else None
        row = self._writer.create(call.actor, table, call.json())
        if package is not None:
            kind = COMPONENTS[table.name]
            put_in(self._org, call.actor, package.solution, kind, row[table.primary_id])
        return self._written(call, table, row, RowKey(table, row[table.primary_id]), created=True)

    def answer(self, call: Call, key: RowKey) -> Reply:
        """``GET``, ``PATCH`` or ``DELETE`` of ``set(key)``."""
        match call.method:
            case "GET":
                return self.read(call, key.table, self.present(call, key))
            case "PATCH":
                return self._patch(call, key)
            case "DELETE":
                return self._delete(call, key)
            case _:
                raise not_allowed(call.method)

    def present(self, call: Call, key: RowKey) -> Row:
        """The row, which must be there and may be read."""
        require(self._org, call.actor, key.table, "Read")
        row = find_row(self._org, key)
        if row is None:
            raise row_missing(key)
        require_row(self._org, call.actor, key.table, "Read", row)
        return row

    def read(self, call: Call, table: Table, row: Row) -> Reply:
        """A row as its own answer; 304 where the caller has it already."""
        if self._is_known(call, table, row):
            return Reply(304, None, {"ETag": etag(row)})
        return Reply(200, self.shown(call, table, row), {"ETag": etag(row), **applied(call)})

    def shown(self, call: Call, table: Table, row: Row) -> dict[str, Any]:
        """A row with its context, as `$select` and `$expand` want it."""
        options = check_options(call.options())
        for name in options:
            if name.startswith("$") and name not in _ROW_OPTIONS:
                raise unsupported(name)
        selection = read_selection(Scope(self._org, table, call.actor), options)
        shaper = Shaper(self._org, call, self._lists.nested(call))
        context = f"{call.root}/$metadata#{table.entity_set}{selection.context}/$entity"
        return {"@odata.context": context, **shaper.row(table, row, selection)}

    def _is_known(self, call: Call, table: Table, row: Row) -> bool:
        wanted = call.header("if-none-match")
        if wanted is None or not self.guarded(table):
            return False
        if "$expand" in call.options() or call.prefers.annotations:
            return False
        return wanted.strip() in ("*", etag(row))

    def _patch(self, call: Call, key: RowKey) -> Reply:
        """An update, or the create of what is not there (trap 1)."""
        row = find_row(self._org, key)
        if row is None:
            return self._upsert(call, key)
        if call.header("if-none-match") is not None:
            text = "A record with matching key values already exists."
            raise refusal(412, self._org.settings.existing_key_code, text)
        self.check_match(call, key.table, row)
        named = {column.name for column, _ in key.values}
        given = {name: value for name, value in call.json().items() if name not in named}
        row = self._writer.update(call.actor, key.table, row[key.table.primary_id], given)
        return self._written(call, key.table, row, key, created=False)

    def _upsert(self, call: Call, key: RowKey) -> Reply:
        if call.header("if-match") is not None:
            raise row_missing(key)
        values: Row = {column.name: value for column, value in key.values}
        if key.row_id is not None:
            values[key.table.primary_id] = key.row_id
        else:
            self._race(call, key, values)
        row = self._writer.create(call.actor, key.table, call.json(), key=values)
        return self._written(call, key.table, row, key, created=True)

    def _race(self, call: Call, key: RowKey, values: Row) -> None:
        """Lets a twin of the request win, where the switch says so; the key then refuses the loser."""
        if self._org.settings.lost_upsert_races > 0:
            self._org.settings.lost_upsert_races -= 1
            mark = self._org.store.mark()
            self._writer.create(call.actor, key.table, call.json(), key=dict(values))
            # What the twin did is not taken back with the loser's request.
            del self._org.store.journal[mark:]

    def _delete(self, call: Call, key: RowKey) -> Reply:
        row = find_row(self._org, key)
        if row is None:
            raise row_missing(key)
        self.check_match(call, key.table, row)
        self._writer.delete(call.actor, key.table, row[key.table.primary_id])
        return Reply(204)

    def check_match(self, call: Call, table: Table, row: Row) -> None:
        """Refuses a change of a row the caller has seen in another version."""
        wanted = call.header("if-match")
        if wanted is None or wanted.strip() == "*":
            return
        tag = _TAG.match(wanted.strip())
        if tag is None:
            raise refusal(400, "0x80060883", f"The version '{wanted}' in If-Match is not an etag.")
        if not self.guarded(table):
            text = f"Optimistic concurrency isn't enabled for entity type {table.name}."
            raise refusal(400, "0x8006088d", text)
        if tag[2] != str(row["versionnumber"]):
            raise version_mismatch()

    def guarded(self, table: Table) -> bool:
        """Whether etags count for the table."""
        return table.optimistic_concurrency and table.name not in self._org.settings.unguarded_tables

    def _written(self, call: Call, table: Table, row: Row, key: RowKey, *, created: bool) -> Reply:
        """204 with the address of the row, or the row itself where it is asked for."""
        address = {"OData-EntityId": f"{call.root}/{key.segment}"}
        if created and self._org.settings.location_on_create:
            address["Location"] = address["OData-EntityId"]
        if not call.prefers.representation:
            return Reply(204, None, {**address, **_minimal(call)})
        if not self._org.settings.entity_id_with_representation:
            address = {}
        # What stands in the store may have moved on: lines, mirrors and children follow a write.
        row = self._org.store.get(table.name, row[table.primary_id]) or row
        headers = {"ETag": etag(row), **address, **applied(call, representation=True)}
        return Reply(201 if created else 200, self.shown(call, table, row), headers)


def _minimal(call: Call) -> dict[str, str]:
    return {"Preference-Applied": "return=minimal"} if call.prefers.minimal else {}
