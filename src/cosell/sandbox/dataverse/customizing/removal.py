"""What goes along with a solution, a role, a form or a view that is deleted (sheet 5.2)."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing import choices, tables
from cosell.sandbox.dataverse.customizing.components import Kind, forget, members
from cosell.sandbox.dataverse.customizing.definitions import erase_column
from cosell.sandbox.dataverse.customizing.forms import LAYERED, forms_with, layer
from cosell.sandbox.dataverse.customizing.furnishing import ACTIVE_SOLUTION, DEFAULT_SOLUTION
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.errors import invalid, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Row

_TABLES = {Kind.ROLE: "role", Kind.VIEW: "savedquery", Kind.FORM: "systemform"}


def before_delete(org: Org, table: Table, row: Row) -> None:
    """Refuses what must stay, and removes what belongs to a row that goes."""
    row_id = row[table.primary_id]
    match table.name:
        case "solution":
            if row_id in (DEFAULT_SOLUTION, ACTIVE_SOLUTION):
                raise refusal(400, "0x8004f005", "Attempting to delete a restricted solution.")
            if row.get("ismanaged"):
                org.schema.keep()
                uninstall(org, row)
        case "role":
            if row.get("roletemplateid") is not None:
                raise invalid(f"The role '{row.get('name')}' cannot be deleted.")
            _drop_pairs(org, row_id)
        case "publisher" if row.get("isreadonly"):
            raise refusal(400, "0x8004f006", "Attempting to delete a restricted publisher.")
        case name if name in LAYERED:
            if row.get("ismanaged"):
                raise invalid(f"The {table.label} is managed: it goes with the solution it came with.")
            org.store.put(layer(name), row_id, None)
    forget(org, row_id)


def uninstall(org: Org, solution: Row, *, but: frozenset[tuple[int, str]] = frozenset()) -> None:
    """Removes what a managed solution brought, with its data, but for some components."""
    parts = [
        (one["componenttype"], one["objectid"])
        for one in members(org, solution["solutionid"])
        if (one["componenttype"], one["objectid"]) not in but
    ]
    for table, column in _columns(org, {two for one, two in parts if one == Kind.COLUMN}):
        if forms_with(org, table, column):
            text = f"Solution dependencies exist, cannot uninstall: a form shows {table}.{column}."
            raise refusal(400, "0x8004f01d", text)
    for kind in (Kind.ROLE, Kind.VIEW, Kind.FORM):
        for object_id in (two for one, two in parts if one == kind):
            _drop_row(org, kind, object_id)
    _drop_definitions(org, parts)


def _columns(org: Org, ids: set[str]) -> list[tuple[str, str]]:
    return [
        (table.name, column.name)
        for table in org.schema.tables.values()
        for column in table.columns.values()
        if metadata_id(table.name, column.name) in ids and not table.custom
    ]


def _drop_definitions(org: Org, parts: list[tuple[int, str]]) -> None:
    ids = {object_id for _, object_id in parts}
    for table in list(org.schema.tables.values()):
        if table.managed and metadata_id(table.name) in ids:
            tables.erase(org, table.name)
    for table in org.schema.tables.values():
        for key in list(table.keys):
            if key.managed and metadata_id("key", table.name, key.name) in ids:
                org.schema.drop_key(table.name, key.name)
        for column in list(table.columns.values()):
            if column.managed and metadata_id(table.name, column.name) in ids:
                erase_column(org, table, column)
    for shared in list(org.schema.option_sets.values()):
        if shared.managed and metadata_id("options", shared.name) in ids:
            choices.drop_shared(org, shared.name)


def _drop_row(org: Org, kind: Kind, row_id: str) -> None:
    table = org.schema.table(_TABLES[kind])
    row = org.store.get(table.name, row_id)
    if row is None or not row.get("ismanaged"):
        return
    if kind is Kind.ROLE:
        _drop_pairs(org, row_id)
    org.store.put(layer(table.name), row_id, None)
    org.bury(table, row_id)


def _drop_pairs(org: Org, role_id: str) -> None:
    for name in ("systemuserroles", "roleprivileges"):
        for one in org.store.table(name).ids_where("roleid", role_id):
            org.store.put(name, one, None)
