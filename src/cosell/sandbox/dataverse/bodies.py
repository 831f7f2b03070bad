"""Reads the JSON of a create or an update: values, binds, rows to be made along with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cosell.sandbox.dataverse.addresses import read_reference
from cosell.sandbox.dataverse.columns import Column, Table, Target
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, invalid, no_property
from cosell.sandbox.dataverse.keys import find_row, row_missing
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.schema import Backward
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.values import accept

BIND = "@odata.bind"


@dataclass(slots=True)
class Body:
    """What a request wants of one row."""

    changes: Row = field(default_factory=dict)
    """The stored form by column; None clears."""
    parents: list[tuple[Column, Target, Mapping[str, Any]]] = field(default_factory=list)
    children: list[tuple[Backward, list[Mapping[str, Any]]]] = field(default_factory=list)


def read_body(org: Org, table: Table, given: Mapping[str, Any], *, creating: bool) -> Body:
    """The body, checked against the table; what cannot be written is refused."""
    body = Body()
    for name, value in given.items():
        if name.endswith(BIND):
            _bind(org, table, name.removesuffix(BIND), value, body)
        elif "@" in name:
            _check_annotation(table, name, value)
        else:
            _member(org, table, name, value, body, creating=creating)
    return body


def _check_annotation(table: Table, name: str, value: Any) -> None:
    """Annotations are passed over, but for a type that is not the table's."""
    if name == "@odata.type" and str(value).lstrip("#") != table.type_name:
        raise bad_request(f"The type '{value}' does not belong to the entity set '{table.entity_set}'.")


def _member(org: Org, table: Table, name: str, value: Any, body: Body, *, creating: bool) -> None:
    column = table.columns.get(name)
    if column is not None and column.kind != "lookup":
        _value(org, table, column, value, body, creating=creating)
        return
    if isinstance(value, dict) and (reached := table.by_navigation(name)):
        _check_deep(table, name, creating=creating)
        body.parents.append((reached[0], reached[1][0], value))
        return
    backward = org.schema.backward(table.name).get(name)
    if backward is not None and isinstance(value, list) and all(isinstance(one, dict) for one in value):
        _check_deep(table, name, creating=creating)
        body.children.append((backward, value))
        return
    raise _not_writable(org, table, name)


def _not_writable(org: Org, table: Table, name: str) -> DataverseError:
    column = table.by_wire(name)
    if column is not None and column.kind == "lookup":
        text = f"The property '{name}' cannot be written; use the navigation property with {BIND} instead."
        return bad_request(text)
    return unknown(org, table, name)


def unknown(org: Org, table: Table, name: str) -> DataverseError:
    """The refusal of a property the table does not have."""
    refused = no_property(name, table.type_name)
    if org.settings.old_member_code:
        refused.code = "0x0"
    return refused


def _check_deep(table: Table, name: str, *, creating: bool) -> None:
    if not creating:
        raise bad_request(f"Rows of '{name}' can be made along with a new {table.name} only.")


def _value(org: Org, table: Table, column: Column, value: Any, body: Body, *, creating: bool) -> None:
    stored = accept(table.name, column, value)
    if column.name == table.primary_id:
        # An update may repeat the id of its row; the address decides.
        if creating and org.settings.client_chosen_ids:
            body.changes[column.name] = stored
        return
    if not (column.creatable if creating else column.updatable):
        if org.settings.read_only_columns_refused:
            raise invalid(f"The column '{column.name}' of '{table.name}' cannot be written.")
        return
    body.changes[column.name] = stored


def _bind(org: Org, table: Table, name: str, value: Any, body: Body) -> None:
    reached = table.by_navigation(name)
    if reached is None:
        raise unknown(org, table, name)
    column, targets = reached
    if value is None:
        if not org.settings.null_clears_lookups:
            raise bad_request(f"The bind of '{name}' needs the address of a row.")
        body.changes[column.name] = None
        return
    if body.changes.get(column.name) is not None:
        raise invalid(f"The lookup '{column.name}' is bound more than once.")
    body.changes[column.name] = referred(org, targets, value)


def referred(org: Org, targets: tuple[Target, ...], value: Any) -> Ref:
    """The row a bind names; it must be there, and of a table the navigation property leads to."""
    key = read_reference(org, value)
    if key.table.name not in {one.table for one in targets}:
        raise bad_request(f"A row of '{key.table.entity_set}' cannot be bound here.")
    row = find_row(org, key)
    if row is None:
        raise row_missing(key)
    return Ref(key.table.name, row[key.table.primary_id])
