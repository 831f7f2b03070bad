"""The definitions of a table, its alternate keys and its relationships."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.dataverse.columns import Column, Key, Table, Target
from cosell.sandbox.dataverse.definitions.attributes import name_of
from cosell.sandbox.dataverse.definitions.labels import label, managed, metadata_id
from cosell.sandbox.dataverse.errors import refusal
from cosell.sandbox.dataverse.schema import ManyToMany, Schema
from cosell.sandbox.dataverse.settings import Settings

_ON_DELETE = {"unlink": "RemoveLink", "cascade": "Cascade", "restrict": "Restrict"}


def named(schema: Schema, key: str) -> Table:
    """The table that a key such as ``LogicalName='account'`` or an id names."""
    name = name_of(key, "LogicalName")
    for table in schema.tables.values():
        if table.name == name or metadata_id(table.name) == key.lower():
            return table
    raise refusal(404, "0x80040217", f"EntityMetadata {key} Does Not Exist")


def table_definition(table: Table, settings: Settings) -> dict[str, Any]:
    """What the definition of a table says by itself."""
    tracked = table.change_tracking and table.name not in settings.untracked_tables
    guarded = table.optimistic_concurrency and table.name not in settings.unguarded_tables
    can_track = managed(table.can_change_tracking, "canchangetrackingbeenabled", can_change=False)
    return {
        "MetadataId": metadata_id(table.name),
        "HasChanged": None,
        "LogicalName": table.name,
        "SchemaName": table.schema_name,
        "EntitySetName": table.entity_set,
        "LogicalCollectionName": table.entity_set,
        "CollectionSchemaName": table.entity_set,
        "DisplayName": label(table.label, table.name),
        "DisplayCollectionName": label(table.plural, table.name, "collection"),
        "Description": label(table.description, table.name, "description"),
        "ObjectTypeCode": table.code,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name,
        "OwnershipType": table.ownership,
        "IsActivity": table.activity,
        "HasNotes": table.has_notes,
        "HasActivities": table.has_notes,
        "IsCustomEntity": table.custom,
        "IsManaged": table.managed or not table.custom,
        "IsPrivate": False,
        "IsIntersect": False,
        "IsLogicalEntity": False,
        "TableType": "Standard",
        "DataProviderId": None,
        "IsCustomizable": managed(True, "iscustomizable"),
        "ChangeTrackingEnabled": tracked,
        "CanChangeTrackingBeEnabled": can_track,
        "IsOptimisticConcurrencyEnabled": guarded,
        "IsAuditEnabled": managed(False, "canmodifyauditsettings"),
        "IsDuplicateDetectionEnabled": managed(True, "canmodifyduplicatedetectionsettings"),
    }


def key_definition(table: Table, key: Key) -> dict[str, Any]:
    """The definition of an alternate key, with the state of its index."""
    return {
        "MetadataId": metadata_id("key", table.name, key.name),
        "HasChanged": None,
        "LogicalName": key.name,
        "SchemaName": key.schema_name or key.name,
        "EntityLogicalName": table.name,
        "KeyAttributes": list(key.columns),
        "EntityKeyIndexStatus": key.status,
        "DisplayName": label(key.label, table.name, key.name),
        "IsCustomizable": managed(True, "iscustomizable"),
        "IsManaged": key.managed,
        "IsSynchronous": False,
        "IsExportKey": False,
        "IsSecondaryKey": False,
    }


def outgoing(schema: Schema, table: Table) -> list[dict[str, Any]]:
    """The relationships in which this table has the lookup."""
    return [
        _one_to_many(schema, table, column, target)
        for column in table.columns.values()
        for target in column.targets
        if target.table in schema.tables
    ]


def incoming(schema: Schema, table: Table) -> list[dict[str, Any]]:
    """The relationships in which other tables, or this one, look here."""
    return [
        _one_to_many(schema, back.table, back.column, back.target)
        for _, back in sorted(schema.backward(table.name).items())
    ]


def many_to_many(schema: Schema, table: Table | None = None) -> list[dict[str, Any]]:
    """The many-to-many relationships of a table, or all."""
    found = schema.many.values()
    return [_pairs(one) for one in found if table is None or table.name in (one.left, one.right)]


def _one_to_many(schema: Schema, table: Table, column: Column, target: Target) -> dict[str, Any]:
    return {
        "MetadataId": metadata_id("relationship", target.collection, table.name),
        "HasChanged": None,
        "SchemaName": target.collection,
        "RelationshipType": "OneToManyRelationship",
        "IsCustomRelationship": table.custom or column.custom,
        "IsManaged": not (table.custom or column.custom),
        "SecurityTypes": "Append",
        "ReferencedEntity": target.table,
        "ReferencedAttribute": schema.tables[target.table].primary_id,
        "ReferencedEntityNavigationPropertyName": target.collection,
        "ReferencingEntity": table.name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": target.navigation,
        "IsHierarchical": False,
        "CascadeConfiguration": {
            "Assign": "NoCascade",
            "Delete": _ON_DELETE[target.on_delete],
            "Archive": "NoCascade",
            "Merge": "NoCascade",
            "Reparent": "NoCascade",
            "Share": "NoCascade",
            "Unshare": "NoCascade",
            "RollupView": "NoCascade",
        },
    }


def _pairs(one: ManyToMany) -> dict[str, Any]:
    return {
        "MetadataId": metadata_id("relationship", one.name),
        "HasChanged": None,
        "SchemaName": one.name,
        "RelationshipType": "ManyToManyRelationship",
        "IsCustomRelationship": one.custom,
        "IsManaged": not one.custom,
        "SecurityTypes": "None",
        "Entity1LogicalName": one.left,
        "Entity1IntersectAttribute": one.left_column,
        "Entity1NavigationPropertyName": one.name,
        "Entity2LogicalName": one.right,
        "Entity2IntersectAttribute": one.right_column,
        "Entity2NavigationPropertyName": one.name,
        "IntersectEntityName": one.intersect,
    }
