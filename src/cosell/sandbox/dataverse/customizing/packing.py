"""Writes a solution as ``solution.xml`` and ``customizations.xml`` (sheet 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement, fromstring

from cosell.sandbox.dataverse.columns import Column, Key, Table, Target, Words
from cosell.sandbox.dataverse.customizing.components import Behaviour, Kind, members
from cosell.sandbox.dataverse.customizing.packing_columns import attribute, choice, texts, word, worded
from cosell.sandbox.dataverse.customizing.unpacking_columns import TYPES
from cosell.sandbox.dataverse.definitions.labels import LANGUAGE, metadata_id
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import role_depths
from cosell.sandbox.dataverse.store import Row

VERSION = "9.2.24012.00196"
_BETWEEN = ("Workflows", "FieldSecurityProfiles", "Templates", "EntityMaps")
_DELETE = {"unlink": "RemoveLink", "cascade": "Cascade", "restrict": "Restrict"}
_FORM_TYPES = {2: "main", 6: "quick", 7: "quickCreate", 11: "card"}
_ADDRESS = [
    "AddressNumber",
    "AddressTypeCode",
    "City",
    "County",
    "Country",
    "Fax",
    "FreightTermsCode",
    "ImportSequenceNumber",
    "Latitude",
    "Line1",
    "Line2",
    "Line3",
    "Longitude",
    "Name",
    "PostalCode",
    "PostOfficeBox",
    "PrimaryContactName",
    "ShippingMethodCode",
    "StateOrProvince",
    "Telephone1",
    "Telephone2",
    "Telephone3",
    "TimeZoneRuleVersionNumber",
    "UPSZone",
    "UTCOffset",
    "UTCConversionTimeZoneCode",
]
_NIL = {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:nil": "true"}


class Packing:
    """One solution on its way into a file."""

    def __init__(self, org: Org, solution: Row, *, managed: bool) -> None:
        self._org, self._solution, self._managed = org, solution, managed
        self._version = str(solution["version"])
        self._parts = members(org, solution["solutionid"])
        self._ids = {(one["componenttype"], one["objectid"]) for one in self._parts}

    def manifest(self) -> Element:
        """``solution.xml``."""
        root = Element("ImportExportXml", version=VERSION, SolutionPackageVersion="9.2")
        root.set("languagecode", str(LANGUAGE))
        root.set("generatedBy", "CrmLive")
        told = SubElement(root, "SolutionManifest")
        word(told, "UniqueName", str(self._solution["uniquename"]))
        texts(told, "LocalizedNames", "LocalizedName", str(self._solution["friendlyname"]))
        texts(told, "Descriptions", "Description", str(self._solution.get("description") or ""))
        word(told, "Version", self._version)
        word(told, "Managed", "1" if self._managed else "0")
        self._publisher(told)
        self._roots(SubElement(told, "RootComponents"))
        SubElement(told, "MissingDependencies")
        return root

    def customizations(self) -> Element:
        """``customizations.xml``."""
        root = Element("ImportExportXml")
        entities = SubElement(root, "Entities")
        for table in self._tables():
            self._entity(entities, table)
        roles = SubElement(root, "Roles")
        for row in self._rows(Kind.ROLE, "role"):
            self._role(roles, row)
        for name in _BETWEEN:
            SubElement(root, name)
        listed = SubElement(root, "EntityRelationships")
        for table in self._tables():
            for column in self._columns(table):
                for target in column.targets:
                    self._relationship(listed, table, column, target)
        SubElement(root, "OrganizationSettings")
        shared = SubElement(root, "optionsets")
        for one in self._org.schema.option_sets.values():
            if (Kind.CHOICE, metadata_id("options", one.name)) in self._ids:
                choice(shared, one.name, one.label, one.choices, self._version, shared=True)
        languages = SubElement(root, "Languages")
        for code in (LANGUAGE, *sorted(self._org.settings.languages - {LANGUAGE})):
            word(languages, "Language", str(code))
        return root

    def _publisher(self, told: Element) -> None:
        row = self._org.store.get("publisher", self._solution["publisherid"].id) or {}
        made = SubElement(told, "Publisher")
        word(made, "UniqueName", str(row.get("uniquename")))
        texts(made, "LocalizedNames", "LocalizedName", str(row.get("friendlyname")))
        texts(made, "Descriptions", "Description", str(row.get("description") or ""))
        for name, column in (
            ("EMailAddress", "emailaddress"),
            ("SupportingWebsiteUrl", "supportingwebsiteurl"),
        ):
            _word_or_nil(made, name, row.get(column))
        word(made, "CustomizationPrefix", str(row.get("customizationprefix")))
        word(made, "CustomizationOptionValuePrefix", str(row.get("customizationoptionvalueprefix")))
        addresses = SubElement(made, "Addresses")
        for number in ("1", "2"):
            address = SubElement(addresses, "Address")
            for name in _ADDRESS:
                _word_or_nil(address, name, number if name == "AddressNumber" else None)

    def _roots(self, roots: Element) -> None:
        tables = {metadata_id(table.name): table for table in self._org.schema.tables.values()}
        for one in self._parts:
            kind, object_id = one["componenttype"], one["objectid"]
            told = {"type": str(kind)}
            match kind:
                case Kind.TABLE if object_id in tables:
                    told["schemaName"] = tables[object_id].name
                    told["behavior"] = str(one.get("rootcomponentbehavior", 0))
                case Kind.CHOICE:
                    told |= {"schemaName": self._choice_name(object_id), "behavior": "0"}
                case Kind.ROLE:
                    told |= {"id": f"{{{object_id}}}", "behavior": "0"}
                case _:
                    continue
            SubElement(roots, "RootComponent", told)

    def _choice_name(self, object_id: str) -> str:
        names = self._org.schema.option_sets
        return next((one for one in names if metadata_id("options", one) == object_id), "")

    def _tables(self) -> list[Table]:
        """The tables of which the solution holds anything."""
        return [
            table
            for table in self._org.schema.tables.values()
            if (Kind.TABLE, metadata_id(table.name)) in self._ids
        ]

    def _whole(self, table: Table) -> bool:
        root = next((one for one in self._parts if one["objectid"] == metadata_id(table.name)), {})
        return table.custom and root.get("rootcomponentbehavior") == Behaviour.WHOLE

    def _columns(self, table: Table) -> list[Column]:
        """The custom columns that go along; a twin in the base currency is made anew."""
        whole, columns = self._whole(table), table.columns
        return [
            one
            for one in columns.values()
            if one.custom
            and one.kind in TYPES.values()
            and not (one.name.endswith("_base") and one.name.removesuffix("_base") in columns)
            and (whole or (Kind.COLUMN, metadata_id(table.name, one.name)) in self._ids)
        ]

    def _entity(self, entities: Element, table: Table) -> None:
        whole = self._whole(table)
        entity = SubElement(entities, "Entity")
        label = str(table.label) if whole else table.schema_name
        SubElement(entity, "Name", LocalizedName=label, OriginalName=label).text = table.schema_name
        info = SubElement(SubElement(entity, "EntityInfo"), "entity", Name=table.schema_name)
        if whole:
            texts(info, "LocalizedNames", "LocalizedName", table.label)
            texts(info, "LocalizedCollectionNames", "LocalizedCollectionName", table.plural)
            texts(info, "Descriptions", "Description", table.description)
        else:
            info.set("unmodified", "1")
        attributes = SubElement(info, "attributes")
        if whole:
            self._primary_key(attributes, table)
        for column in self._columns(table):
            attribute(attributes, column, self._version, primary=whole and column.name == table.primary_name)
        if whole:
            worded(info, self._described(table))
        self._keys(info, table, whole=whole)
        self._pages(entity, table)

    def _primary_key(self, attributes: Element, table: Table) -> None:
        made = SubElement(attributes, "attribute", PhysicalName=f"{table.schema_name}Id")
        told = {
            "Type": "primarykey",
            "Name": table.primary_id,
            "LogicalName": table.primary_id,
            "RequiredLevel": "systemrequired",
            "DisplayMask": "ValidForAdvancedFind|RequiredForGrid",
            "ValidForReadApi": "1",
            "ValidForCreateApi": "1",
            "IsCustomField": "0",
            "IntroducedVersion": self._version,
        }
        worded(made, told)
        texts(made, "displaynames", "displayname", table.label)

    def _described(self, table: Table) -> Mapping[str, str]:
        return {
            "EntitySetName": table.entity_set,
            "OwnershipTypeMask": "OrgOwned" if table.ownership == "OrganizationOwned" else "UserOwned",
            "IsActivity": "0",
            "IsCustomizable": "1",
            "IsRenameable": "1",
            "CanCreateAttributes": "1",
            "CanCreateForms": "1",
            "CanCreateViews": "1",
            "IntroducedVersion": self._version,
            "ChangeTrackingEnabled": "1" if table.change_tracking else "0",
        }

    def _keys(self, info: Element, table: Table, *, whole: bool) -> None:
        ids = self._ids
        kept = [
            one for one in table.keys if whole or (Kind.KEY, metadata_id("key", table.name, one.name)) in ids
        ]
        if not kept:
            return
        listed = SubElement(info, "EntityKeys")
        for one in kept:
            self._key(SubElement(listed, "EntityKey"), one)

    def _key(self, made: Element, key: Key) -> None:
        told = {"Name": key.schema_name or key.name, "LogicalName": key.name}
        worded(made, {**told, "IntroducedVersion": self._version, "IsCustomizable": "1"})
        texts(made, "displaynames", "displayname", key.label)
        columns = SubElement(made, "EntityKeyAttributes")
        for name in key.columns:
            word(columns, "AttributeName", name)

    def _pages(self, entity: Element, table: Table) -> None:
        forms = [one for one in self._rows(Kind.FORM, "systemform") if one["objecttypecode"] == table.name]
        for row in forms:
            listed = SubElement(SubElement(entity, "FormXml"), "forms", type=_FORM_TYPES[row["type"]])
            made = SubElement(listed, "systemform")
            worded(made, {"formid": f"{{{row['formid']}}}", "IntroducedVersion": self._version})
            made.append(fromstring(str(row["formxml"])))  # noqa: S314 - looked at when it was stored
            worded(made, {"IsCustomizable": "1", "CanBeDeleted": "1"})
            texts(made, "LocalizedNames", "LocalizedName", str(row["name"]))
        views = [one for one in self._rows(Kind.VIEW, "savedquery") if one["returnedtypecode"] == table.name]
        if views:
            listed = SubElement(SubElement(entity, "SavedQueries"), "savedqueries")
            for row in views:
                self._view(SubElement(listed, "savedquery"), row)

    def _view(self, made: Element, row: Row) -> None:
        told = {"IsCustomizable": "1", "CanBeDeleted": "1", "isquickfindquery": "0", "isprivate": "0"}
        worded(made, {**told, "isdefault": "0", "savedqueryid": f"{{{row['savedqueryid']}}}"})
        if row.get("layoutxml"):
            SubElement(made, "layoutxml").append(fromstring(str(row["layoutxml"])))  # noqa: S314 - as above
        word(made, "querytype", str(row.get("querytype") or 0))
        SubElement(made, "fetchxml").append(fromstring(str(row["fetchxml"])))  # noqa: S314 - as above
        word(made, "IntroducedVersion", self._version)
        texts(made, "LocalizedNames", "LocalizedName", str(row["name"]))
        texts(made, "Descriptions", "Description", str(row.get("description") or ""))

    def _rows(self, kind: Kind, name: str) -> Iterable[Row]:
        rows = self._org.store.rows(name)
        primary = self._org.schema.table(name).primary_id
        return [row for row in rows if (kind, row[primary]) in self._ids]

    def _role(self, roles: Element, row: Row) -> None:
        made = SubElement(roles, "Role", id=f"{{{row['roleid']}}}", name=str(row["name"]))
        worded(made, {"IsCustomizable": "1", "IntroducedVersion": self._version})
        listed = SubElement(made, "RolePrivileges")
        for name, depth in role_depths(self._org, row["roleid"]).items():
            SubElement(listed, "RolePrivilege", name=name, level=depth.word)

    def _relationship(self, listed: Element, table: Table, column: Column, target: Target) -> None:
        there = self._org.schema.table(target.table)
        made = SubElement(listed, "EntityRelationship", Name=target.collection)
        told = {
            "EntityRelationshipType": "OneToMany",
            "IsCustomizable": "1",
            "IntroducedVersion": self._version,
            "IsHierarchical": "0",
            "ReferencingEntityName": table.schema_name,
            "ReferencedEntityName": there.schema_name,
            "CascadeAssign": "NoCascade",
            "CascadeDelete": _DELETE[target.on_delete],
            "CascadeReparent": "NoCascade",
            "CascadeShare": "NoCascade",
            "CascadeUnshare": "NoCascade",
            "ReferencingAttributeName": column.schema_name or column.name,
        }
        worded(made, told)
        described = SubElement(made, "RelationshipDescription")
        texts(described, "Descriptions", "Description", column.description or Words(""))
        roles = SubElement(made, "EntityRelationshipRoles")
        near = {
            "NavPaneDisplayOption": "UseCollectionName",
            "NavPaneArea": "Details",
            "NavPaneOrder": "10000",
        }
        ends: tuple[tuple[dict[str, str], str, str], ...] = (
            (near, target.navigation, "1"),
            ({}, target.collection, "0"),
        )
        for shown, name, kind in ends:
            role = SubElement(roles, "EntityRelationshipRole")
            worded(role, {**shown, "NavigationPropertyName": name, "RelationshipRoleType": kind})


def _word_or_nil(parent: Element, name: str, value: object) -> None:
    if value is None:
        SubElement(parent, name, _NIL)
    else:
        word(parent, name, str(value))
