"""Makes, changes and removes tables (sheet 5.1, step 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.customizing import columns
from cosell.sandbox.dataverse.customizing.components import Package, forget, in_use
from cosell.sandbox.dataverse.customizing.furnishing import add_privileges, drop_privileges
from cosell.sandbox.dataverse.customizing.naming import label, schema_name
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.definitions.tables import table_definition
from cosell.sandbox.dataverse.drafting import active, table, to
from cosell.sandbox.dataverse.errors import bad_request, invalid, no_property, refusal
from cosell.sandbox.dataverse.hooks.steps import list_filters
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.settings import Settings

Given = Mapping[str, Any]
FIRST_CODE = 10_800
_TYPES = ("Microsoft.Dynamics.CRM.EntityMetadata", "Microsoft.Dynamics.CRM.ComplexEntityMetadata")
_SHOWN = frozenset(table_definition(Table("x", "x", "x", "x", "x", 0, "x", None), Settings()))
_BESIDES = frozenset(
    {
        "ActivityTypeMask",
        "Attributes",
        "AutoCreateAccessTeams",
        "AutoRouteToOwnerQueue",
        "DaysSinceRecordLastModified",
        "EntityColor",
        "EntityHelpUrl",
        "EntityHelpUrlEnabled",
        "EntitySetName",
        "HasEmailAddresses",
        "HasFeedback",
        "IconLargeName",
        "IconMediumName",
        "IconSmallName",
        "IconVectorName",
        "IntroducedVersion",
        "IsAvailableOffline",
        "IsBusinessProcessEnabled",
        "IsConnectionsEnabled",
        "IsDocumentManagementEnabled",
        "IsMailMergeEnabled",
        "IsMappable",
        "IsOneNoteIntegrationEnabled",
        "IsQuickCreateEnabled",
        "IsReadingPaneEnabled",
        "IsRenameable",
        "IsValidForAdvancedFind",
        "IsValidForQueue",
        "IsVisibleInMobile",
        "IsVisibleInMobileClient",
        "SettingOf",
        "Settings",
        "SyncToExternalSearchIndex",
    }
)


def create(org: Org, actor: Actor, given: Given, package: Package) -> Table:
    """A new table with its columns, its privileges and its messages."""
    _check_members(given)
    made = _read(org, given, package)
    made.primary_name = primary_name(given)
    for one in _attributes(org, given, package):
        made.add(*columns.beside(made, one))
    install(org, actor, made)
    return made


def install(org: Org, actor: Actor, made: Table) -> None:
    """Makes a described table part of the environment."""
    if made.has_notes:
        _add_notes(org, made)
    org.schema.add_table(made)
    add_privileges(org, made)
    list_filters(org, actor, made)


def _read(org: Org, given: Given, package: Package) -> Table:
    name = schema_name(org, given, "Entity", package)
    refuse_taken(org, name)
    what = f"the entity {name}"
    ownership = given.get("OwnershipType", "UserOwned")
    if ownership not in ("UserOwned", "OrganizationOwned"):
        raise invalid(f"A table cannot be created with the ownership '{ownership}'.")
    if given.get("IsActivity"):
        raise invalid("Tables of activities cannot be created here.")
    one = label(org, given.get("DisplayName"), what, required=True)
    many = label(org, given.get("DisplayCollectionName"), f"the collection of {name}", required=True)
    return described(
        org,
        name,
        one,
        many,
        entity_set=str(given.get("EntitySetName") or ""),
        ownership=ownership,
        change_tracking=bool(given.get("ChangeTrackingEnabled")),
        has_notes=bool(given.get("HasNotes")),
        description=label(org, given.get("Description"), what),
        managed=package.managed,
    )


def described(org: Org, name: str, one: str, many: str, *, entity_set: str = "", **more: Any) -> Table:
    """A table with the columns every table has, still without a name of its rows."""
    logical = name.lower()
    codes = [known.code for known in org.schema.tables.values()]
    return table(
        logical,
        (entity_set or plural(logical)).lower(),
        one,
        many,
        max([FIRST_CODE, *codes]) + 1,
        active(),
        schema_name=name,
        primary_name=None,
        custom=True,
        **more,
    )


def plural(name: str) -> str:
    """How the platform names the set of a table."""
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


def refuse_taken(org: Org, name: str) -> None:
    """Refuses a table whose name another has."""
    if name.lower() in org.schema.tables:
        text = "An entity with the specified name already exists. Please specify a unique name."
        raise refusal(400, "0x8004700b", f"{text} ({name.lower()})")


def _attributes(org: Org, given: Given, package: Package) -> list[Column]:
    listed = given.get("Attributes")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise bad_request("The definition of a table needs its Attributes.")
    named = [one for one in listed if one.get("IsPrimaryName")]
    if len(named) != 1 or columns.kind_of(named[0]) != "string":
        raise invalid("A table needs exactly one text attribute with IsPrimaryName.")
    return [columns.read(org, one, package) for one in listed]


def primary_name(given: Given) -> str | None:
    """The logical name of the column that names the rows."""
    found = [one for one in given.get("Attributes") or () if one.get("IsPrimaryName")]
    return str(found[0]["SchemaName"]).lower() if found else None


def change(org: Org, name: str, given: Given, *, merging: bool) -> None:
    """Replaces the definition of a table; change tracking stays on once it is."""
    _check_members(given)
    old = org.schema.table(name)
    for key in ("SchemaName", "DisplayName", "DisplayCollectionName", "OwnershipType"):
        if key not in given:
            raise invalid(f"The definition of the entity {name} is not complete: {key} is missing.")
    tracked = bool(given.get("ChangeTrackingEnabled", old.change_tracking))
    if old.change_tracking and not tracked:
        raise invalid(f"Change tracking of the entity {name} cannot be switched off.")
    if tracked and not old.can_change_tracking:
        raise invalid(f"Change tracking cannot be enabled for the entity {name}.")
    what = f"the entity {name}"
    old.label = label(org, given["DisplayName"], what, required=True, old=old.label if merging else "")
    old.plural = label(
        org, given["DisplayCollectionName"], what, required=True, old=old.plural if merging else ""
    )
    old.change_tracking = tracked
    if given.get("HasNotes") and not old.has_notes:
        old.has_notes = True
        _add_notes(org, old)
    org.schema.touch()


def drop(org: Org, name: str) -> None:
    """Removes a table with its rows, unless others look at it."""
    old = org.schema.table(name)
    if not old.custom:
        raise refusal(400, "0x80047008", f"The entity {name} is not a custom entity and cannot be deleted.")
    users = [
        f"{back.table.name}.{back.column.name}"
        for back in org.schema.backward(name).values()
        if back.column.custom and back.table.name != name
    ]
    if users:
        raise in_use(name, "Entity", len(users))
    erase(org, name)


def erase(org: Org, name: str) -> None:
    """Removes a table, its rows, its privileges, and the definitions that belong to it."""
    old = org.schema.table(name)
    drop_privileges(org, old)
    parts = [(name,), *(("key", name, key.name) for key in old.keys), *((name, one) for one in old.columns)]
    parts += [("relationship", to.collection, name) for one in old.columns.values() for to in one.targets]
    for part in parts:
        forget(org, metadata_id(*part))
    filters = org.schema.table("sdkmessagefilter")
    for one in org.store.table(filters.name).ids_where("primaryobjecttypecode", name):
        org.bury(filters, one)
    for row_id in list(org.store.table(name).live):
        org.store.put(name, row_id, None)
    org.schema.drop_table(name)


def _add_notes(org: Org, made: Table) -> None:
    notes = org.schema.table("annotation")
    regarding = notes.columns["objectid"]
    if regarding.target(made.name) is None:
        target = to(made.name, f"objectid_{made.name}", f"{made.name}_Annotations", "cascade")
        notes.columns["objectid"] = replace(regarding, targets=(*regarding.targets, target))


def _check_members(given: Given) -> None:
    kind = str(given.get("@odata.type", _TYPES[0])).lstrip("#")
    if kind not in _TYPES:
        raise bad_request(f"A type named '{kind}' cannot be created as an entity.")
    for name in given:
        if name.partition("@")[0] and name.partition("@")[0] not in _SHOWN | _BESIDES:
            raise no_property(name, _TYPES[0])
