"""Changes of definitions through the Web API, one at a time (sheet 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from cosell.sandbox.dataverse.addresses import segments
from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.customizing import choices, columns, keys, relationships, tables
from cosell.sandbox.dataverse.customizing.components import (
    Behaviour,
    Kind,
    Package,
    forget,
    in_use,
    package_of,
    put_in,
)
from cosell.sandbox.dataverse.customizing.forms import forms_with
from cosell.sandbox.dataverse.customizing.locking import changing
from cosell.sandbox.dataverse.customizing.staleness import stale
from cosell.sandbox.dataverse.definitions import tables as shown
from cosell.sandbox.dataverse.definitions.attributes import Attributes
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.errors import bad_request, invalid, no_segment, not_allowed, refusal
from cosell.sandbox.dataverse.org import Org

MERGE = "mscrm.mergelabels"
Resource = Callable[[Call], Reply]


class Definitions:
    """Answers what changes a definition; whoever only reads is sent on to `readers`."""

    def __init__(self, org: Org, readers: dict[str, Resource]) -> None:
        self._org, self._readers = org, readers

    def resources(self) -> dict[str, Resource]:
        """Who answers which first segment of a path."""
        return {
            "EntityDefinitions": self._entities,
            "RelationshipDefinitions": self._relationships,
            choices.SET: self._choices,
            "CreateEntities": self._create_entities,
            "InsertOptionValue": self._insert_option,
            "UpdateOptionValue": self._update_option,
            "DeleteOptionValue": self._delete_option,
            "OrderOption": self._order_options,
            "ReactivateEntityKey": self._reactivate,
        }

    def _entities(self, call: Call) -> Reply:
        first, *tail = (unquote(one) for one in segments(call.path))
        if call.method in ("GET", "HEAD"):
            return self._read("EntityDefinitions", call)
        if first == "EntityDefinitions":
            _only(call, "POST")
            return self._create_table(call)
        table = shown.named(self._org.schema, _key(first))
        if not tail:
            return self._table(call, table)
        if len(tail) > 1:
            raise no_segment(tail[1])
        name, bracket, _ = tail[0].partition("(")
        match name, bool(bracket):
            case "Attributes", False:
                _only(call, "POST")
                return self._create_column(call, table)
            case "Attributes", True:
                return self._column(call, table, Attributes(table).named(_key(tail[0]), None))
            case "Keys", False:
                _only(call, "POST")
                return self._create_key(call, table)
            case "Keys", True:
                _only(call, "DELETE")
                return self._drop_key(call, table, _key(tail[0]))
            case _:
                raise not_allowed(call.method)

    def _read(self, name: str, call: Call) -> Reply:
        with stale(self._org, call):
            return self._readers[name](call)

    def _create_table(self, call: Call) -> Reply:
        with changing(self._org, call, "prvCreateEntity"):
            table = self._made(call, call.json(), package_of(self._org, call))
        return _created(f"{call.root}/EntityDefinitions({metadata_id(table.name)})")

    def _create_entities(self, call: Call) -> Reply:
        """Several tables in one message, as Microsoft's Python client makes them."""
        _only(call, "POST")
        given = call.json().get("Entities")
        if not isinstance(given, list) or not given:
            raise bad_request("The parameter Entities is missing.")
        with changing(self._org, call, "prvCreateEntity"):
            package = package_of(self._org, call)
            for one in given:
                self._made(call, one, package)
        return Reply(204)

    def _made(self, call: Call, given: Any, package: Package) -> Table:
        if not isinstance(given, dict):
            raise bad_request("The definition of an entity must be an object.")
        table = tables.create(self._org, call.actor, given, package)
        put_in(self._org, call.actor, package.solution, Kind.TABLE, metadata_id(table.name), Behaviour.WHOLE)
        return table

    def _table(self, call: Call, table: Table) -> Reply:
        if call.method == "PUT":
            with changing(self._org, call, "prvWriteEntity"):
                tables.change(self._org, table.name, call.json(), merging=_merging(call))
            return Reply(204)
        _only(call, "DELETE")
        with changing(self._org, call, "prvDeleteEntity"):
            tables.drop(self._org, table.name)
        return Reply(204)

    def _create_column(self, call: Call, table: Table) -> Reply:
        with changing(self._org, call, "prvCreateAttribute"):
            package = package_of(self._org, call)
            column = columns.read(self._org, call.json(), package)
            if column.name in table.columns:
                raise relationships.taken(column)
            self._org.schema.add_column(table.name, *columns.beside(table, column))
            self._put_column(call, package, table, column)
        return _below(call, metadata_id(table.name, column.name))

    def _put_column(self, call: Call, package: Package, table: Table, column: Column) -> None:
        """A column brings its table along, without the rest of it."""
        put_in(self._org, call.actor, package.solution, Kind.TABLE, metadata_id(table.name), Behaviour.LISTED)
        column_id = metadata_id(table.name, column.name)
        put_in(self._org, call.actor, package.solution, Kind.COLUMN, column_id)

    def _column(self, call: Call, table: Table, column: Column) -> Reply:
        if call.method == "PUT":
            with changing(self._org, call, "prvWriteAttribute"):
                package = package_of(self._org, call)
                self._change_column(table, column, call, package)
                if package.solution is not None:
                    self._put_column(call, package, table, column)
            return Reply(204)
        _only(call, "DELETE")
        with changing(self._org, call, "prvDeleteAttribute"):
            drop_column(self._org, table, column)
        return Reply(204)

    def _change_column(self, table: Table, column: Column, call: Call, package: Package) -> None:
        given = call.json()
        made = columns.changed(self._org, column, given, package, merging=_merging(call))
        holding = [key.label for key in table.keys if column.name in key.columns]
        if made.secured and holding:
            text = (
                f"The field {column.name} is not securable as it is part of entity keys"
                f" ( {', '.join(holding)} ). Please remove the field from all entity keys to make it"
                " securable."
            )
            raise refusal(400, "0x80060896", text)
        self._org.schema.add_column(table.name, made)

    def _create_key(self, call: Call, table: Table) -> Reply:
        with changing(self._org, call, "prvCreateEntity"):
            package = package_of(self._org, call)
            key = keys.create(self._org, table, call.json(), package)
            solution, table_id = package.solution, metadata_id(table.name)
            put_in(self._org, call.actor, solution, Kind.TABLE, table_id, Behaviour.LISTED)
            key_id = metadata_id("key", table.name, key.name)
            put_in(self._org, call.actor, solution, Kind.KEY, key_id)
        return _below(call, key_id)

    def _drop_key(self, call: Call, table: Table, named: str) -> Reply:
        with changing(self._org, call, "prvDeleteEntity"):
            for key in table.keys:
                key_id = metadata_id("key", table.name, key.name)
                if (
                    named.partition("=")[2].strip("'") in (key.name, key.schema_name)
                    or named.lower() == key_id
                ):
                    self._org.schema.drop_key(table.name, key.name)
                    forget(self._org, key_id)
                    return Reply(204)
            raise refusal(404, "0x80040217", f"EntityKey {named} Does Not Exist")

    def _reactivate(self, call: Call) -> Reply:
        _only(call, "POST")
        given = call.json()
        with changing(self._org, call, "prvWriteEntity"):
            table = self._org.schema.tables.get(str(given.get("EntityLogicalName")))
            if table is None:
                raise bad_request("The parameter EntityLogicalName is missing or names no entity.")
            keys.reactivate(self._org, table, str(given.get("EntityKeyLogicalName")))
        return Reply(204)

    def _relationships(self, call: Call) -> Reply:
        if call.method in ("GET", "HEAD"):
            return self._read("RelationshipDefinitions", call)
        first, *tail = (unquote(one) for one in segments(call.path))
        if tail:
            raise no_segment(tail[0])
        if first != "RelationshipDefinitions":
            _only(call, "DELETE")
            with changing(self._org, call, "prvDeleteRelationship"):
                relationships.drop(self._org, _key(first))
            return Reply(204)
        _only(call, "POST")
        with changing(self._org, call, "prvCreateRelationship"):
            package, given = package_of(self._org, call), call.json()
            made, lookup = relationships.create(self._org, given, package)
            put_in(self._org, call.actor, package.solution, Kind.RELATIONSHIP, made)
            if lookup is not None:
                here = self._org.schema.table(str(given["ReferencingEntity"]))
                self._put_column(call, package, here, lookup)
        return _created(f"{call.root}/RelationshipDefinitions({made})")

    def _choices(self, call: Call) -> Reply:
        if call.method in ("GET", "HEAD"):
            return self._read(choices.SET, call)
        first = unquote(segments(call.path)[0])
        if first == choices.SET:
            _only(call, "POST")
            with changing(self._org, call, "prvCreateOptionSet"):
                package = package_of(self._org, call)
                made = choices.read_shared(self._org, call.json(), package)
                choices.store_shared(self._org, made)
                row_id = metadata_id("options", made.name)
                put_in(self._org, call.actor, package.solution, Kind.CHOICE, row_id)
            return _created(f"{call.root}/{choices.SET}({row_id})")
        _only(call, "DELETE")
        with changing(self._org, call, "prvDeleteOptionSet"):
            name = choices.shared_at(self._org, first).name
            choices.drop_shared(self._org, name)
            forget(self._org, metadata_id("options", name))
        return Reply(204)

    def _insert_option(self, call: Call) -> Reply:
        given, options = self._option(call)
        with changing(self._org, call, "prvWriteOptionSet"):
            package = package_of(self._org, call, given.get("SolutionUniqueName"))
            value = options.insert(given, package)
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.InsertOptionValueResponse"
        return Reply(200, {"@odata.context": context, "NewOptionValue": value})

    def _update_option(self, call: Call) -> Reply:
        given, options = self._option(call)
        with changing(self._org, call, "prvWriteOptionSet"):
            options.update(given)
        return Reply(204)

    def _delete_option(self, call: Call) -> Reply:
        given, options = self._option(call)
        with changing(self._org, call, "prvWriteOptionSet"):
            options.delete(given.get("Value"))
        return Reply(204)

    def _order_options(self, call: Call) -> Reply:
        given, options = self._option(call)
        with changing(self._org, call, "prvWriteOptionSet"):
            options.order(given.get("Values"))
        return Reply(204)

    def _option(self, call: Call) -> tuple[dict[str, Any], choices.Options]:
        _only(call, "POST")
        given = call.json()
        return given, choices.Options(self._org, given)


def drop_column(org: Org, table: Table, column: Column) -> None:
    """Removes a column that nothing else needs."""
    if not column.custom:
        raise refusal(400, "0x80047009", "The specified attribute is not a custom attribute")
    if column.managed:
        raise invalid(f"The attribute {column.name} is managed: it goes with the solution it came with.")
    users = sum(column.name in key.columns for key in table.keys)
    users += len(forms_with(org, table.name, column.name)) + (table.primary_name == column.name)
    if users:
        raise in_use(column.name, "Attribute", users)
    erase_column(org, table, column)


def erase_column(org: Org, table: Table, column: Column) -> None:
    """Removes a column with its values, its twin and its relationships."""
    for target in column.targets:
        forget(org, metadata_id("relationship", target.collection, table.name))
    for name in (column.name, f"{column.name}_base" if column.kind == "money" else ""):
        if name in table.columns:
            forget(org, metadata_id(table.name, name))
            org.schema.drop_column(table.name, name)


def _key(segment: str) -> str:
    return segment.partition("(")[2].removesuffix(")")


def _only(call: Call, method: str) -> None:
    if call.method != method:
        raise not_allowed(call.method)


def _merging(call: Call) -> bool:
    return (call.header(MERGE) or "").strip().lower() == "true"


def _below(call: Call, row_id: str) -> Reply:
    """Where the new part of a table is; the table goes by the name the request called it by."""
    return _created(f"{call.root}/{call.path.strip('/')}({row_id})")


def _created(address: str) -> Reply:
    return Reply(204, None, {"OData-EntityId": address})
