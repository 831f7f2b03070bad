"""Makes and removes relationships, and with them the lookups (sheet 5.1, step 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cosell.sandbox.dataverse.columns import Column, OnDelete, Table, Target
from cosell.sandbox.dataverse.customizing import columns
from cosell.sandbox.dataverse.customizing.components import Package, forget
from cosell.sandbox.dataverse.customizing.naming import schema_name
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, invalid, no_property, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.schema import ManyToMany

Given = Mapping[str, Any]
CRM = "Microsoft.Dynamics.CRM."
_DELETE: dict[str, OnDelete] = {"RemoveLink": "unlink", "Cascade": "cascade", "Restrict": "restrict"}
_TO_MANY = frozenset(
    {
        "AssociatedMenuConfiguration",
        "CascadeConfiguration",
        "HasChanged",
        "IntroducedVersion",
        "IsCustomRelationship",
        "IsCustomizable",
        "IsHierarchical",
        "IsManaged",
        "IsValidForAdvancedFind",
        "Lookup",
        "MetadataId",
        "ReferencedAttribute",
        "ReferencedEntity",
        "ReferencedEntityNavigationPropertyName",
        "ReferencingAttribute",
        "ReferencingEntity",
        "ReferencingEntityNavigationPropertyName",
        "RelationshipBehavior",
        "RelationshipType",
        "SchemaName",
        "SecurityTypes",
    }
)


def create(org: Org, given: Given, package: Package) -> tuple[str, Column | None]:
    """A new relationship: its id, and the lookup that came with it."""
    kind = str(given.get("@odata.type", "")).lstrip("#").removeprefix(CRM)
    match kind:
        case "OneToManyRelationshipMetadata" | "ComplexOneToManyRelationshipMetadata":
            return _one_to_many(org, given, package)
        case "ManyToManyRelationshipMetadata":
            return _many_to_many(org, given, package), None
        case _:
            raise bad_request(f"A type named '{kind}' cannot be created as a relationship.")


def _one_to_many(org: Org, given: Given, package: Package) -> tuple[str, Column]:
    for name in given:
        if name.partition("@")[0] and name.partition("@")[0] not in _TO_MANY:
            raise no_property(name, f"{CRM}OneToManyRelationshipMetadata")
    name = _name(org, given, package)
    there, here = _table(org, given, "ReferencedEntity"), _table(org, given, "ReferencingEntity")
    if given.get("ReferencedAttribute") not in (None, "", there.primary_id):
        raise invalid(f"The referenced attribute of {name} must be {there.primary_id}.")
    lookup = given.get("Lookup")
    if not isinstance(lookup, dict):
        raise invalid(f"The relationship {name} needs its Lookup.")
    column = columns.read(
        org, {"@odata.type": f"{CRM}LookupAttributeMetadata", **lookup}, package, lookup=True
    )
    if column.name in here.columns:
        raise taken(column)
    target = Target(there.name, column.schema_name, name, _on_delete(given))
    made = replace(column, targets=(target,))
    org.schema.add_column(here.name, made)
    return metadata_id("relationship", name, here.name), made


def _on_delete(given: Given) -> OnDelete:
    cascade = given.get("CascadeConfiguration")
    if cascade is None:
        return "unlink"
    wanted = cascade.get("Delete", "RemoveLink") if isinstance(cascade, dict) else None
    if wanted not in _DELETE:
        raise invalid(f"'{wanted}' is not a cascade of Delete.")
    return _DELETE[wanted]


def _many_to_many(org: Org, given: Given, package: Package) -> str:
    name = _name(org, given, package)
    left, right = _table(org, given, "Entity1LogicalName"), _table(org, given, "Entity2LogicalName")
    intersect = str(given.get("IntersectEntityName") or name).lower()
    if intersect in org.schema.tables or left is right:
        raise invalid(f"The relationship {name} cannot be created with the intersect '{intersect}'.")
    org.schema.many[name] = ManyToMany(
        name, intersect, left.name, left.primary_id, right.name, right.primary_id, custom=True
    )
    org.schema.touch()
    return metadata_id("relationship", name)


def _name(org: Org, given: Given, package: Package) -> str:
    name = schema_name(org, given, "Relationship", package)
    known = {target.collection.lower() for _, _, target in every(org)} | {
        one.lower() for one in org.schema.many
    }
    if name.lower() in known:
        text = "A relationship with the specified name already exists. Please specify a unique name."
        raise refusal(400, "0x8004432b", text)
    return name


def _table(org: Org, given: Given, key: str) -> Table:
    found = org.schema.tables.get(str(given.get(key)))
    if found is None:
        raise refusal(
            400, "0x8004024a", f"Metadata not found: there is no entity '{given.get(key)}' ({key})."
        )
    return found


def taken(column: Column) -> DataverseError:
    text = f"An attribute with the specified name {column.schema_name or column.name} already exists"
    return refusal(400, "0x80047013", text)


def every(org: Org) -> list[tuple[Table, Column, Target]]:
    """Every one-to-many relationship, from the side of its lookup."""
    return [
        (table, column, target)
        for table in org.schema.tables.values()
        for column in table.columns.values()
        for target in column.targets
    ]


def drop(org: Org, key: str) -> None:
    """Removes a relationship by its id or name, and the lookup with it."""
    name = key.partition("=")[2].strip("'") if "=" in key else ""
    for table, column, target in every(org):
        if (
            target.collection == name
            or metadata_id("relationship", target.collection, table.name) == key.lower()
        ):
            if not column.custom:
                raise _standard()
            forget(org, metadata_id("relationship", target.collection, table.name))
            forget(org, metadata_id(table.name, column.name))
            org.schema.drop_column(table.name, column.name)
            return
    for many in list(org.schema.many.values()):
        if many.name == name or metadata_id("relationship", many.name) == key.lower():
            if not many.custom:
                raise _standard()
            del org.schema.many[many.name]
            org.schema.touch()
            return
    raise refusal(404, "0x80040217", f"Relationship {key} Does Not Exist")


def _standard() -> DataverseError:
    return refusal(400, "0x8004700a", "The specified relationship is not a custom relationship")
