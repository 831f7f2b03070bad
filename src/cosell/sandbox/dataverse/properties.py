"""What stands behind a row: a property, a raw value, a related row or collection, a reference (2.2, 2.6)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.dataverse.addresses import read_reference
from cosell.sandbox.dataverse.bodies import referred, unknown
from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Column, Table, Target
from cosell.sandbox.dataverse.errors import bad_request, no_row, no_segment, not_allowed
from cosell.sandbox.dataverse.keys import RowKey, find_row, row_missing
from cosell.sandbox.dataverse.lists import Lists
from cosell.sandbox.dataverse.odata.paths import children
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.pairs import Pairs
from cosell.sandbox.dataverse.records import Records
from cosell.sandbox.dataverse.schema import Backward
from cosell.sandbox.dataverse.security import require
from cosell.sandbox.dataverse.shapes import etag
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.values import show
from cosell.sandbox.dataverse.writing import Writer


class Properties:
    """Answers ``set(key)/something``."""

    def __init__(self, org: Org, writer: Writer, records: Records, lists: Lists) -> None:
        self._org, self._writer, self._records, self._lists = org, writer, records, lists
        self._pairs = Pairs(org)

    def answer(self, call: Call, key: RowKey, tail: tuple[str, ...]) -> Reply:
        """One request below a row."""
        name, rest = tail[0], tail[1:]
        table = key.table
        row = self._present(call, key)
        column = table.by_wire(name)
        if column is not None:
            return self._property(call, key, row, column, rest)
        if reached := table.by_navigation(name):
            return self._lookup(call, key, row, *reached, rest)
        bare, _, inside = name.partition("(")
        backward = self._org.schema.backward(table.name).get(bare)
        if backward is not None:
            return self._collection(call, key, row, backward, inside.removesuffix(")"), rest)
        many = self._org.schema.many.get(bare)
        if many is not None and table.name in (many.left, many.right):
            return self._pairs.answer(call, table, row, many, inside.removesuffix(")"), rest, self._lists)
        raise no_segment(name)

    def _present(self, call: Call, key: RowKey) -> Row:
        if call.method == "GET":
            return self._records.present(call, key)
        row = find_row(self._org, key)
        if row is None:
            raise row_missing(key)
        return row

    def _property(self, call: Call, key: RowKey, row: Row, column: Column, rest: tuple[str, ...]) -> Reply:
        match call.method, rest:
            case "GET", ():
                value = show(column, row.get(column.name))
                if value is None:
                    return Reply(204)
                context = f"{call.root}/$metadata#{key.segment}/{column.wire}"
                return Reply(200, {"@odata.context": context, "value": value})
            case "GET", ("$value",):
                value = show(column, row.get(column.name))
                return (
                    Reply(204) if value is None else Reply(200, _raw(value), {"Content-Type": "text/plain"})
                )
            case "PUT", ():
                given = call.json()
                if "value" not in given:
                    raise bad_request("The body of a property must be an object with 'value'.")
                return self._write(call, key, row, {column.wire: given["value"]})
            case "DELETE", ():
                return self._write(call, key, row, {column.wire: None})
            case _, ():
                raise not_allowed(call.method)
            case _:
                raise no_segment(rest[0])

    def _write(self, call: Call, key: RowKey, row: Row, given: dict[str, Any]) -> Reply:
        self._records.check_match(call, key.table, row)
        self._writer.update(call.actor, key.table, row[key.table.primary_id], given)
        return Reply(204)

    def _change(self, call: Call, table: Table, row: Row, column: Column, value: Ref | None) -> Reply:
        require(self._org, call.actor, table, "Write")
        self._writer.change(call.actor, table, row[table.primary_id], {column.name: value})
        return Reply(204)

    def _lookup(
        self,
        call: Call,
        key: RowKey,
        row: Row,
        column: Column,
        targets: tuple[Target, ...],
        rest: tuple[str, ...],
    ) -> Reply:
        link = row.get(column.name)
        if not isinstance(link, Ref) or link.table not in {one.table for one in targets}:
            link = None
        match call.method, rest:
            case "GET", ():
                return self._related(call, link)
            case "GET", ("$ref",):
                return Reply(204) if link is None else Reply(200, self._reference(call, link))
            case "PUT", ("$ref",):
                self._records.check_match(call, key.table, row)
                wanted = referred(self._org, targets, call.json().get("@odata.id"))
                return self._change(call, key.table, row, column, wanted)
            case "DELETE", ("$ref",):
                self._records.check_match(call, key.table, row)
                return self._change(call, key.table, row, column, None)
            case _:
                raise not_allowed(call.method)

    def _related(self, call: Call, link: Ref | None) -> Reply:
        if link is None:
            return Reply(204)
        table = self._org.schema.table(link.table)
        return self._records.read(call, table, self._records.present(call, RowKey(table, link.id)))

    def _reference(self, call: Call, link: Ref) -> dict[str, Any]:
        entity_set = self._org.schema.table(link.table).entity_set
        return {
            "@odata.context": f"{call.root}/$metadata#$ref",
            "@odata.id": f"{call.root}/{entity_set}({link.id})",
        }

    def _collection(
        self, call: Call, key: RowKey, row: Row, backward: Backward, inside: str, rest: tuple[str, ...]
    ) -> Reply:
        table = key.table
        below = children(self._org, table, row, backward)
        path = f"{table.entity_set}({row[table.primary_id]})/{backward.target.collection}"
        match call.method, rest:
            case "GET", ():
                return self._lists.answer(call, backward.table, below, path, backward.table.entity_set)
            case "GET", ("$count",):
                return self._lists.count(call, backward.table, below)
            case "GET", ("$ref",):
                value = [self._id(call, backward.table, one) for one in below]
                context = f"{call.root}/$metadata#Collection($ref)"
                return Reply(200, {"@odata.context": context, "value": value})
            case "POST", ():
                given = call.json()
                link = {backward.column.name: Ref(table.name, row[table.primary_id])}
                made = self._writer.create(call.actor, backward.table, given, key=link)
                entity = f"{call.root}/{backward.table.entity_set}({made[backward.table.primary_id]})"
                return Reply(204, None, {"OData-EntityId": entity})
            case "POST", ("$ref",):
                there = self._named(backward, call.json().get("@odata.id"))
                link_up = Ref(table.name, row[table.primary_id])
                return self._change(call, backward.table, there, backward.column, link_up)
            case "DELETE", ("$ref",):
                wanted = f"{backward.table.entity_set}({inside})" if inside else call.options().get("$id")
                there = self._named(backward, wanted)
                if there not in below:
                    raise no_row(backward.table.name, there[backward.table.primary_id])
                return self._change(call, backward.table, there, backward.column, None)
            case _:
                raise not_allowed(call.method)

    def _id(self, call: Call, table: Table, row: Row) -> dict[str, str]:
        return {
            "@odata.id": f"{call.root}/{table.entity_set}({row[table.primary_id]})",
            "@odata.etag": etag(row),
        }

    def _named(self, backward: Backward, address: object) -> Row:
        key = read_reference(self._org, address)
        if key.table.name != backward.table.name:
            raise unknown(self._org, backward.table, key.table.entity_set)
        row = find_row(self._org, key)
        if row is None:
            raise row_missing(key)
        return row


def _raw(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()
