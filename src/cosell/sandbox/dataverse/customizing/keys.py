"""Alternate keys: what may be one, and when its index is ready (sheet 5.1, step 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cosell.sandbox.dataverse.columns import Column, Key, Table
from cosell.sandbox.dataverse.customizing.components import Package
from cosell.sandbox.dataverse.customizing.naming import label, schema_name
from cosell.sandbox.dataverse.errors import invalid, no_property, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import folded

MOST_KEYS, MOST_COLUMNS, MOST_BYTES = 10, 16, 900
_BYTES = {"integer": 4, "bigint": 8, "decimal": 17, "datetime": 8, "lookup": 16, "picklist": 4}
_KNOWN = frozenset(
    {"SchemaName", "LogicalName", "DisplayName", "KeyAttributes", "EntityLogicalName", "MetadataId"}
    | {"IsCustomizable", "IntroducedVersion", "HasChanged", "EntityKeyIndexStatus", "AsyncJob", "IsManaged"}
)


def create(org: Org, table: Table, given: Mapping[str, Any], package: Package) -> Key:
    """A new key whose index is built from now on."""
    for name in given:
        if name.partition("@")[0] and name.partition("@")[0] not in _KNOWN:
            raise no_property(name, "Microsoft.Dynamics.CRM.EntityKeyMetadata")
    name = schema_name(org, given, "EntityKey", package)
    columns = _columns(table, given.get("KeyAttributes"))
    if name.lower() in {one.name for one in table.keys}:
        text = f"An entity key with the name {name} already exists on entity {table.name}."
        raise refusal(400, "0x80060893", text)
    names = tuple(one.name for one in columns)
    if any(set(one.columns) == set(names) for one in table.keys):
        raise refusal(
            400, "0x80060894", "An entity key with the selected attributes already exists on entity."
        )
    if len(table.keys) >= MOST_KEYS:
        raise refusal(400, "0x8006088f", f"Invalid EntityKey Operation performed : at most {MOST_KEYS} keys")
    words = label(org, given.get("DisplayName"), f"the key {name}") or name
    made = Key(name.lower(), words, names, name, managed=package.managed)
    made = begun(org, made)
    org.schema.add_key(table.name, made)
    return made


def _columns(table: Table, names: Any) -> list[Column]:
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_COLUMNS or len(set(names)) < len(names):
        raise invalid(f"A key has 1 to {MOST_COLUMNS} KeyAttributes, each once.")
    found = []
    for name in names:
        column = table.columns.get(str(name))
        if column is None:
            raise no_property(str(name), table.type_name)
        if column.secured:
            text = f"Invalid EntityKey Operation performed : the attribute {name} is secured"
            raise refusal(400, "0x8006088f", text)
        if column.kind != "string" and column.kind not in _BYTES:
            text = f"Invalid EntityKey Operation performed : the type of {name} cannot be part of a key"
            raise refusal(400, "0x8006088f", text)
        found.append(column)
    size = sum(2 * one.length if one.kind == "string" else _BYTES[one.kind] for one in found)
    if size > MOST_BYTES:
        text = (
            f"Index size exceeded the size limit of {MOST_BYTES} bytes. The key is too large. Try removing"
            " some columns or making the strings in string columns shorter."
        )
        raise refusal(400, "0x80060895", text)
    return found


def begun(org: Org, key: Key) -> Key:
    """The key with its index being built."""
    seconds = org.settings.key_index_seconds
    org.building_keys = True
    return replace(key, status="Pending", due=org.frame.clock.now().timestamp() + seconds)


def reactivate(org: Org, table: Table, name: str) -> None:
    """Builds the index of a key anew, once it has failed."""
    for place, key in enumerate(table.keys):
        if key.name == name:
            if key.status != "Failed":
                text = "Reactivate entity key is only supported for failed job"
                raise refusal(400, "0x80060897", text)
            table.keys[place] = begun(org, key)
            org.schema.touch()
            return
    raise refusal(404, "0x80040217", f"EntityKey {name} Does Not Exist")


def settle(org: Org) -> None:
    """Brings the indexes to where they are by now; one over values that are not unique fails."""
    if not org.building_keys:
        return
    org.building_keys = False
    now = org.frame.clock.now().timestamp()
    for table in org.schema.tables.values():
        for place, key in enumerate(table.keys):
            if key.status not in ("Pending", "InProgress"):
                continue
            org.building_keys = org.building_keys or now < key.due
            if now >= key.due:
                table.keys[place] = replace(key, status="Active" if is_unique(org, table, key) else "Failed")
                org.schema.touch()
            elif key.status == "Pending" and now > key.due - org.settings.key_index_seconds:
                table.keys[place] = replace(key, status="InProgress")


def is_unique(org: Org, table: Table, key: Key) -> bool:
    """Whether no two rows agree in the key; rows with an empty part do not count."""
    seen = set()
    for row in org.store.rows(table.name):
        values = tuple(folded(row.get(name)) for name in key.columns)
        if None in values:
            continue
        if values in seen:
            return False
        seen.add(values)
    return True
