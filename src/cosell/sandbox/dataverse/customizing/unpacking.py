"""Reads ``solution.xml`` and ``customizations.xml`` (sheet 5.2 and 5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, tostring

from cosell.sandbox.dataverse.columns import Choice, Key, OnDelete, OptionSet, Words
from cosell.sandbox.dataverse.customizing.archive import CUSTOMIZATIONS, MANIFEST, bad_file
from cosell.sandbox.dataverse.customizing.contents import (
    Contents,
    Manifest,
    RelationPart,
    RolePart,
    Row,
    TablePart,
)
from cosell.sandbox.dataverse.customizing.unpacking_columns import column_of
from cosell.sandbox.dataverse.definitions.labels import LANGUAGE
from cosell.sandbox.dataverse.security import Depth

ORDER = (
    "Entities",
    "Roles",
    "Workflows",
    "FieldSecurityProfiles",
    "Templates",
    "EntityMaps",
    "EntityRelationships",
    "OrganizationSettings",
    "optionsets",
    "Languages",
)
"""The sections whose order the schema fixes."""
_DELETE: dict[str, OnDelete] = {"RemoveLink": "unlink", "Cascade": "cascade", "Restrict": "restrict"}


def contents_of(manifest: Element, customizations: Element, languages: frozenset[int]) -> Contents:
    """The whole file; labels in languages that are not switched on are left out."""
    reader = _Reader(frozenset({LANGUAGE, *languages}))
    _check_order(customizations)
    return Contents(
        reader.manifest(manifest),
        tuple(reader.tables(customizations)),
        tuple(reader.relations(customizations)),
        tuple(reader.shared(one) for one in customizations.iterfind("optionsets/optionset")),
        tuple(reader.roles(customizations)),
    )


def _check_order(root: Element) -> None:
    found = [one.tag for one in root if one.tag in ORDER]
    if found != sorted(found, key=ORDER.index) or len(set(found)) < len(found):
        raise bad_file(f"the element '{found[-1]}' stands in the wrong place", CUSTOMIZATIONS)


class _Reader:
    """Reads with the languages of one environment in mind."""

    def __init__(self, languages: frozenset[int]) -> None:
        self._languages = languages

    def manifest(self, root: Element) -> Manifest:
        told = root.find("SolutionManifest")
        if told is None:
            raise bad_file("SolutionManifest is missing", MANIFEST)
        publisher = told.find("Publisher")
        if publisher is None:
            raise bad_file("Publisher is missing", MANIFEST)
        managed = _text(told, "Managed", MANIFEST)
        if managed not in ("0", "1", "2"):
            raise bad_file(f"'{managed}' is not a value of Managed", MANIFEST)
        name = _text(told, "UniqueName", MANIFEST)
        return Manifest(
            name,
            self.words(told.find("LocalizedNames")) or name,
            self.words(told.find("Descriptions")),
            _text(told, "Version", MANIFEST),
            managed == "1",
            self._publisher(publisher),
            tuple(_roots(told)),
            tuple(_required(told)),
        )

    def _publisher(self, one: Element) -> Row:
        values = _text(one, "CustomizationOptionValuePrefix", MANIFEST)
        if not values.isdigit():
            raise bad_file(f"'{values}' is not a number", MANIFEST)
        name = _text(one, "UniqueName", MANIFEST)
        return {
            "uniquename": name,
            "friendlyname": str(self.words(one.find("LocalizedNames")) or name),
            "description": str(self.words(one.find("Descriptions"))) or None,
            "customizationprefix": _text(one, "CustomizationPrefix", MANIFEST),
            "customizationoptionvalueprefix": int(values),
            "isreadonly": False,
        }

    def tables(self, root: Element) -> Iterator[TablePart]:
        for one in root.iterfind("Entities/Entity"):
            info = one.find("EntityInfo/entity")
            name = (one.findtext("Name") or "").strip()
            if not name:
                raise bad_file("Name of an Entity is missing", CUSTOMIZATIONS)
            attributes = [] if info is None else list(info.iterfind("attributes/attribute"))
            columns = [column_of(each, self.words, self.options) for each in attributes]
            primary = next((each for each in attributes if "PrimaryName" in _mask(each)), None)
            yield TablePart(
                name.lower(),
                name,
                None if info is None or info.get("unmodified") == "1" else self._added(info, name),
                tuple(column for column in columns if column is not None),
                None if primary is None else (primary.findtext("LogicalName") or "").strip(),
                ()
                if info is None
                else tuple(self._key(each) for each in info.iterfind("EntityKeys/EntityKey")),
                tuple(
                    self._view(each, name) for each in one.iterfind("SavedQueries/savedqueries/savedquery")
                ),
                tuple(self._forms(one, name)),
            )

    def _added(self, info: Element, name: str) -> Row | None:
        if not any(each.findtext("Type") == "primarykey" for each in info.iterfind("attributes/attribute")):
            return None
        return {
            "label": self.words(info.find("LocalizedNames")) or name,
            "plural": self.words(info.find("LocalizedCollectionNames")) or f"{name}s",
            "description": self.words(info.find("Descriptions")),
            "entity_set": info.findtext("EntitySetName") or "",
            "ownership": "OrganizationOwned"
            if info.findtext("OwnershipTypeMask") == "OrgOwned"
            else "UserOwned",
            "change_tracking": info.findtext("ChangeTrackingEnabled") == "1",
        }

    def _key(self, one: Element) -> Key:
        name = _text(one, "Name", CUSTOMIZATIONS)
        columns = tuple(
            (each.text or "").strip() for each in one.iterfind("EntityKeyAttributes/AttributeName")
        )
        logical = (one.findtext("LogicalName") or name).lower()
        return Key(logical, self.words(one.find("displaynames")) or name, columns, name)

    def _view(self, one: Element, table: str) -> Row:
        return {
            "savedqueryid": _text(one, "savedqueryid", CUSTOMIZATIONS).strip("{}").lower(),
            "name": str(self.words(one.find("LocalizedNames"))),
            "description": str(self.words(one.find("Descriptions"))) or None,
            "returnedtypecode": table.lower(),
            "querytype": int(one.findtext("querytype") or 0),
            "fetchxml": _inner(one.find("fetchxml")),
            "layoutxml": _inner(one.find("layoutxml")),
        }

    def _forms(self, one: Element, table: str) -> Iterator[Row]:
        types = {"main": 2, "quick": 6, "quickCreate": 7, "card": 11}
        for forms in one.iterfind("FormXml/forms"):
            for each in forms.iterfind("systemform"):
                yield {
                    "formid": _text(each, "formid", CUSTOMIZATIONS).strip("{}").lower(),
                    "name": str(self.words(each.find("LocalizedNames"))) or table,
                    "objecttypecode": table.lower(),
                    "type": types.get(str(forms.get("type")), 2),
                    "formxml": tostring(each.find("form") or Element("form"), encoding="unicode"),
                }

    def relations(self, root: Element) -> Iterator[RelationPart]:
        for one in root.iterfind("EntityRelationships/EntityRelationship"):
            if one.findtext("EntityRelationshipType") != "OneToMany":
                raise bad_file("only relationships of the type OneToMany are taken here", CUSTOMIZATIONS)
            attribute = _text(one, "ReferencingAttributeName", CUSTOMIZATIONS)
            cascade = one.findtext("CascadeDelete") or "RemoveLink"
            if cascade not in _DELETE:
                raise bad_file(f"'{cascade}' is not a value of CascadeDelete", CUSTOMIZATIONS)
            yield RelationPart(
                str(one.get("Name")),
                _text(one, "ReferencingEntityName", CUSTOMIZATIONS).lower(),
                _text(one, "ReferencedEntityName", CUSTOMIZATIONS).lower(),
                attribute.lower(),
                attribute,
                _DELETE[cascade],
            )

    def roles(self, root: Element) -> Iterator[RolePart]:
        for one in root.iterfind("Roles/Role"):
            listed = [
                (str(each.get("name")), str(each.get("level")))
                for each in one.iterfind("RolePrivileges/RolePrivilege")
            ]
            wrong = [level for _, level in listed if level.upper() not in Depth.__members__]
            if wrong:
                raise bad_file(f"'{wrong[0]}' is not a level of a privilege", CUSTOMIZATIONS)
            granted = tuple((name, Depth[level.upper()]) for name, level in listed)
            yield RolePart(str(one.get("id")).strip("{}").lower(), str(one.get("name")), granted)

    def shared(self, one: Element) -> OptionSet:
        name = str(one.get("Name"))
        return OptionSet(name, self.words(one.find("displaynames")) or name, self.options(one))

    def options(self, one: Element) -> tuple[Choice, ...]:
        """The options of a choice."""
        made = []
        for each in one.iterfind("options/option"):
            value = str(each.get("value"))
            if not value.lstrip("-").isdigit():
                raise bad_file(f"'{value}' is not the value of an option", CUSTOMIZATIONS)
            made.append(Choice(int(value), self.words(each.find("labels"))))
        return tuple(made)

    def words(self, listed: Element | None) -> str:
        """A text in the languages of the environment."""
        found: dict[int, str] = {}
        for one in listed if listed is not None else ():
            language, text = one.get("languagecode", ""), one.get("description", "")
            if not language.isdigit():
                raise bad_file(f"'{language}' is not a language", CUSTOMIZATIONS)
            if int(language) in self._languages:
                found[int(language)] = text
        base = found.pop(LANGUAGE, "")
        return Words(base, found) if found else base


def _roots(told: Element) -> Iterator[tuple[int, str, int]]:
    for one in told.iterfind("RootComponents/RootComponent"):
        name = one.get("schemaName") or (one.get("id") or "").strip("{}")
        kind, behaviour = one.get("type", ""), one.get("behavior", "0")
        if not kind.isdigit() or not behaviour.isdigit() or not name:
            raise bad_file("a RootComponent needs type and schemaName or id", MANIFEST)
        yield int(kind), name.lower(), int(behaviour)


def _required(told: Element) -> Iterator[tuple[int, str, str]]:
    for one in told.iterfind("MissingDependencies/MissingDependency/Required"):
        kind = one.get("type", "0")
        parent = (one.get("parentSchemaName") or "").lower()
        yield int(kind) if kind.isdigit() else 0, (one.get("schemaName") or "").lower(), parent


def _mask(attribute: Element) -> list[str]:
    return (attribute.findtext("DisplayMask") or "").split("|")


def _inner(one: Element | None) -> str | None:
    """The one document inside an element."""
    if one is None or len(one) == 0:
        return None
    inside = one[0]
    inside.tail = None
    return tostring(inside, encoding="unicode")


def _text(parent: Element, name: str, where: str) -> str:
    found = (parent.findtext(name) or "").strip()
    if not found:
        raise bad_file(f"the element '{name}' is missing or empty", where)
    return found
