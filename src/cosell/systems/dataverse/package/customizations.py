"""The package as `customizations.xml` of a solution file (dataverse-api.md 5.2, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement

from cosell.systems.dataverse.package import lists
from cosell.systems.dataverse.package.parts import (
    LANGUAGES,
    Addition,
    Column,
    Key,
    Kind,
    Lookup,
    Option,
    Package,
    Role,
    Table,
    Text,
    View,
)
from cosell.systems.dataverse.rights import privilege

_TYPES: Mapping[Kind, str] = {
    Kind.TEXT: "nvarchar",
    Kind.URL: "nvarchar",
    Kind.MEMO: "ntext",
    Kind.FLAG: "bit",
    Kind.CHOICE: "picklist",
    Kind.DECIMAL: "decimal",
    Kind.MONEY: "money",
}
_FORMATS: Mapping[Kind, str] = {Kind.TEXT: "text", Kind.URL: "url", Kind.MEMO: "textarea"}
_SHOWN = "ValidForAdvancedFind|ValidForForm|ValidForGrid"
_MOST = "100000000000"
"""The bound of a decimal that nobody set one for."""
_BETWEEN = ("Workflows", "FieldSecurityProfiles", "Templates", "EntityMaps")
"""Sections of nothing that stand in their order between roles and relationships."""


def customizations(package: Package) -> Element:
    """The whole file."""
    root = Element("ImportExportXml")
    entities = SubElement(root, "Entities")
    for addition in package.additions:
        _added(entities, addition, package)
    for table in package.tables:
        _made(entities, table, package)
    _role(SubElement(root, "Roles"), package)
    for name in _BETWEEN:
        SubElement(root, name)
    relationships = SubElement(root, "EntityRelationships")
    for table in package.tables:
        for lookup in table.lookups:
            _relationship(relationships, table, lookup, package)
    SubElement(root, "OrganizationSettings")
    SubElement(root, "optionsets")
    languages = SubElement(root, "Languages")
    for code in LANGUAGES:
        _word(languages, "Language", str(code))
    return root


def _word(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _words(parent: Element, told: Mapping[str, str]) -> None:
    for name, text in told.items():
        _word(parent, name, text)


def texts(parent: Element, outer: str, inner: str, text: Text) -> None:
    """A text in every language."""
    listed = SubElement(parent, outer)
    for code, words in text.by_language().items():
        SubElement(listed, inner, description=words, languagecode=str(code))


# --- tables ----------------------------------------------------------------------------------------


def _added(entities: Element, addition: Addition, package: Package) -> None:
    """A table of Microsoft's: nothing is said of it but what it gets."""
    entity = SubElement(entities, "Entity")
    name = SubElement(entity, "Name", LocalizedName=addition.schema_name, OriginalName=addition.schema_name)
    name.text = addition.schema_name
    info = SubElement(SubElement(entity, "EntityInfo"), "entity", Name=addition.schema_name, unmodified="1")
    columns = SubElement(info, "attributes")
    for column in addition.columns:
        _column(columns, column, package)
    _keys(info, addition.keys, package)
    _views(entity, addition.table, package)


def _made(entities: Element, table: Table, package: Package) -> None:
    entity = SubElement(entities, "Entity")
    label = table.label.english
    SubElement(entity, "Name", LocalizedName=label, OriginalName=label).text = table.schema_name
    info = SubElement(SubElement(entity, "EntityInfo"), "entity", Name=table.schema_name)
    texts(info, "LocalizedNames", "LocalizedName", table.label)
    texts(info, "LocalizedCollectionNames", "LocalizedCollectionName", table.plural)
    texts(info, "Descriptions", "Description", table.description)
    columns = SubElement(info, "attributes")
    _primary_key(columns, table, package)
    _column(columns, table.primary, package, primary=True)
    for column in table.columns:
        _column(columns, column, package)
    for lookup in table.lookups:
        _lookup(columns, lookup, package)
    _words(
        info,
        {
            "EntitySetName": f"{table.name}s",
            "OwnershipTypeMask": "OrgOwned" if table.shared else "UserOwned",
            "IsActivity": "0",
            "IsCustomizable": "1",
            "IsRenameable": "1",
            "CanCreateAttributes": "1",
            "CanCreateForms": "1",
            "CanCreateViews": "1",
            "IntroducedVersion": package.version,
            "ChangeTrackingEnabled": "1",
        },
    )
    _keys(info, table.keys, package)
    _views(entity, table.name, package)


def _primary_key(columns: Element, table: Table, package: Package) -> None:
    made = SubElement(columns, "attribute", PhysicalName=f"{table.schema_name}Id")
    _words(
        made,
        {
            "Type": "primarykey",
            "Name": f"{table.name}id",
            "LogicalName": f"{table.name}id",
            "RequiredLevel": "systemrequired",
            "DisplayMask": "ValidForAdvancedFind|RequiredForGrid",
            "ValidForReadApi": "1",
            "ValidForCreateApi": "1",
            "IsCustomField": "0",
            "IntroducedVersion": package.version,
        },
    )
    texts(made, "displaynames", "displayname", table.label)


def _keys(info: Element, keys: tuple[Key, ...], package: Package) -> None:
    if not keys:
        return
    listed = SubElement(info, "EntityKeys")
    for key in keys:
        made = SubElement(listed, "EntityKey")
        _words(
            made,
            {
                "Name": key.schema_name,
                "LogicalName": key.name,
                "IntroducedVersion": package.version,
                "IsCustomizable": "1",
            },
        )
        texts(made, "displaynames", "displayname", key.label)
        columns = SubElement(made, "EntityKeyAttributes")
        for name in key.columns:
            _word(columns, "AttributeName", name)


# --- columns ---------------------------------------------------------------------------------------


def _column(columns: Element, column: Column, package: Package, *, primary: bool = False) -> None:
    made = SubElement(columns, "attribute", PhysicalName=column.schema_name)
    _common(made, column, _TYPES[column.kind], package, mask=f"PrimaryName|{_SHOWN}" if primary else _SHOWN)
    match column.kind:
        case Kind.TEXT | Kind.URL | Kind.MEMO:
            told = {"Format": _FORMATS[column.kind], "MaxLength": str(column.length)}
            if column.kind is not Kind.MEMO:
                told["Length"] = str(2 * column.length)
            _words(made, told)
        case Kind.FLAG:
            _word(made, "AppDefaultValue", "0")
            _options(made, column, "bit", package)
        case Kind.CHOICE:
            _word(made, "AppDefaultValue", "-1")
            _options(made, column, "picklist", package)
        case Kind.DECIMAL:
            bounds = {"MinValue": f"-{_MOST}", "MaxValue": _MOST}
            _words(made, {**bounds, "Accuracy": str(column.precision)})
        case Kind.MONEY:
            _words(made, {"Accuracy": "2", "AccuracySource": "2"})
    _described(made, column)


def _common(
    made: Element, column: Column | Lookup, kind: str, package: Package, *, mask: str = _SHOWN
) -> None:
    _words(
        made,
        {
            "Type": kind,
            "Name": column.name,
            "LogicalName": column.name,
            "RequiredLevel": "required" if column.required else "none",
            "DisplayMask": mask,
            "ImeMode": "auto",
            "ValidForUpdateApi": "1",
            "ValidForReadApi": "1",
            "ValidForCreateApi": "1",
            "IsCustomField": "1",
            "IsAuditEnabled": "0",
            "IsSecured": "0",
            "IntroducedVersion": package.version,
            "IsCustomizable": "1",
            "IsRenameable": "1",
        },
    )


def _described(made: Element, column: Column | Lookup) -> None:
    texts(made, "displaynames", "displayname", column.label)
    texts(made, "Descriptions", "Description", column.description)


def _options(made: Element, column: Column, kind: str, package: Package) -> None:
    listed = SubElement(made, "optionset", Name=column.name)
    _words(
        listed,
        {
            "OptionSetType": kind,
            "IsGlobal": "0",
            "IntroducedVersion": package.version,
            "IsCustomizable": "1",
        },
    )
    texts(listed, "displaynames", "displayname", column.label)
    options = SubElement(listed, "options")
    for option in column.options:
        _option(options, option)


def _option(options: Element, option: Option) -> None:
    made = SubElement(options, "option", value=str(option.value))
    texts(made, "labels", "label", option.label)


def _lookup(columns: Element, lookup: Lookup, package: Package) -> None:
    made = SubElement(columns, "attribute", PhysicalName=lookup.schema_name)
    _common(made, lookup, "lookup", package)
    _words(made, {"LookupStyle": "single"})
    SubElement(made, "LookupTypes")
    _described(made, lookup)


# --- relationships, views, role --------------------------------------------------------------------


def _relationship(listed: Element, table: Table, lookup: Lookup, package: Package) -> None:
    made = SubElement(listed, "EntityRelationship", Name=lookup.relationship)
    target = next((one.schema_name for one in package.tables if one.name == lookup.target), None)
    target = target or package.addition(lookup.target).schema_name
    _words(
        made,
        {
            "EntityRelationshipType": "OneToMany",
            "IsCustomizable": "1",
            "IntroducedVersion": package.version,
            "IsHierarchical": "0",
            "ReferencingEntityName": table.schema_name,
            "ReferencedEntityName": target,
            "CascadeAssign": "NoCascade",
            "CascadeDelete": "Cascade" if lookup.follows else "RemoveLink",
            "CascadeReparent": "NoCascade",
            "CascadeShare": "NoCascade",
            "CascadeUnshare": "NoCascade",
            "ReferencingAttributeName": lookup.schema_name,
        },
    )
    told = SubElement(made, "RelationshipDescription")
    texts(told, "Descriptions", "Description", lookup.description)
    roles = SubElement(made, "EntityRelationshipRoles")
    role = SubElement(roles, "EntityRelationshipRole")
    _words(
        role,
        {
            "NavPaneDisplayOption": "UseCollectionName",
            "NavPaneArea": "Details",
            "NavPaneOrder": "10000",
            "NavigationPropertyName": lookup.schema_name,
            "RelationshipRoleType": "1",
        },
    )
    role = SubElement(roles, "EntityRelationshipRole")
    _words(role, {"NavigationPropertyName": lookup.relationship, "RelationshipRoleType": "0"})


def _views(entity: Element, table: str, package: Package) -> None:
    ours = [one for one in package.views if one.table == table]
    if not ours:
        return
    listed = SubElement(SubElement(entity, "SavedQueries"), "savedqueries")
    for view in ours:
        _view(listed, view, package)


def _view(listed: Element, view: View, package: Package) -> None:
    made = SubElement(listed, "savedquery")
    _words(
        made,
        {
            "IsCustomizable": "1",
            "CanBeDeleted": "1",
            "isquickfindquery": "0",
            "isprivate": "0",
            "isdefault": "0",
            "savedqueryid": f"{{{view.id}}}",
        },
    )
    SubElement(made, "layoutxml").append(lists.layout(view))
    _word(made, "querytype", "0")
    SubElement(made, "fetchxml").append(lists.fetch(view))
    _word(made, "IntroducedVersion", package.version)
    texts(made, "LocalizedNames", "LocalizedName", view.label)
    texts(made, "Descriptions", "Description", view.description)


def _role(roles: Element, package: Package) -> None:
    role: Role = package.role
    made = SubElement(roles, "Role", id=f"{{{role.id}}}", name=role.name)
    _words(made, {"IsCustomizable": "1", "IntroducedVersion": package.version})
    listed = SubElement(made, "RolePrivileges")
    schema_names = {one.name: one.schema_name for one in package.tables}
    for table, rights in role.rights.items():
        for right in rights:
            name = privilege(schema_names.get(table, table), right)
            SubElement(listed, "RolePrivilege", name=name, level="Global")
