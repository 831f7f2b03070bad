"""What the Web API is told to make of each part (dataverse-api.md 5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosell.systems.dataverse.package.parts import (
    ENGLISH,
    LANGUAGES,
    Column,
    Key,
    Kind,
    Lookup,
    Option,
    Package,
    Table,
    Text,
    id_of,
)

_CRM = "Microsoft.Dynamics.CRM"
_NO_CASCADE = dict.fromkeys(("Assign", "Merge", "Reparent", "Share", "Unshare"), "NoCascade")


@dataclass(frozen=True, slots=True)
class Tongue:
    """The languages an environment speaks."""

    spoken: tuple[int, ...] = LANGUAGES
    base: int = ENGLISH
    """Of the organization: every label has to have it."""
    told: bool = True
    """The environment says what it speaks; else this is a guess."""

    def texts(self, text: Text) -> dict[int, str]:
        """The text in every language that both speak; the base language is never without."""
        ours = text.by_language()
        found = {code: one for code, one in ours.items() if code in self.spoken}
        found.setdefault(self.base, ours.get(self.base, text.english))
        return found

    def one(self, text: Text) -> str:
        """The text where only one language can be told."""
        return text.by_language().get(self.base, text.english)

    def label(self, text: Text) -> dict[str, Any]:
        return label(self.texts(text))


def label(texts: Mapping[int, str]) -> dict[str, Any]:
    """A label in some languages."""
    return {
        "@odata.type": f"{_CRM}.Label",
        "LocalizedLabels": [
            {"@odata.type": f"{_CRM}.LocalizedLabel", "Label": text, "LanguageCode": code}
            for code, text in texts.items()
        ],
    }


# --- columns ---------------------------------------------------------------------------------------

CLASSES: Mapping[Kind, tuple[str, str]] = {
    Kind.TEXT: ("String", "String"),
    Kind.URL: ("String", "String"),
    Kind.MEMO: ("Memo", "Memo"),
    Kind.FLAG: ("Boolean", "Boolean"),
    Kind.CHOICE: ("Picklist", "Picklist"),
    Kind.DECIMAL: ("Decimal", "Decimal"),
    Kind.MONEY: ("Money", "Money"),
}
"""The class of a column's definition, without its ending, and its `AttributeType`."""


def column(one: Column, tongue: Tongue, *, primary: bool = False) -> dict[str, Any]:
    """The definition of a column."""
    kind, attribute_type = CLASSES[one.kind]
    made = {
        "@odata.type": f"{_CRM}.{kind}AttributeMetadata",
        "AttributeType": attribute_type,
        "AttributeTypeName": {"Value": f"{attribute_type}Type"},
        **_described(one, tongue),
        **_peculiar(one, tongue),
    }
    return made | {"IsPrimaryName": True} if primary else made


def _described(one: Column | Lookup, tongue: Tongue) -> dict[str, Any]:
    return {
        "SchemaName": one.schema_name,
        "DisplayName": tongue.label(one.label),
        "Description": tongue.label(one.description),
        "RequiredLevel": {"Value": "ApplicationRequired" if one.required else "None"},
    }


def _peculiar(one: Column, tongue: Tongue) -> dict[str, Any]:
    match one.kind:
        case Kind.TEXT:
            return {"FormatName": {"Value": "Text"}, "MaxLength": one.length}
        case Kind.URL:
            return {"FormatName": {"Value": "Url"}, "MaxLength": one.length}
        case Kind.MEMO:
            return {"Format": "TextArea", "MaxLength": one.length}
        case Kind.FLAG:
            no, yes = one.options
            choices = {"TrueOption": option(yes, tongue), "FalseOption": option(no, tongue)}
            return {"DefaultValue": False, "OptionSet": {**choices, "OptionSetType": "Boolean"}}
        case Kind.CHOICE:
            return {
                "OptionSet": {
                    "@odata.type": f"{_CRM}.OptionSetMetadata",
                    "IsGlobal": False,
                    "OptionSetType": "Picklist",
                    "Options": [option(each, tongue) for each in one.options],
                }
            }
        case Kind.DECIMAL:
            return {"Precision": one.precision}
        case Kind.MONEY:
            return {"PrecisionSource": 2}


def option(one: Option, tongue: Tongue) -> dict[str, Any]:
    return {"Value": one.value, "Label": tongue.label(one.label)}


# --- tables, lookups, keys ---------------------------------------------------------------------------


def table(one: Table, tongue: Tongue) -> dict[str, Any]:
    """The definition of a table with its primary column; the others are made one by one."""
    return {
        "@odata.type": f"{_CRM}.EntityMetadata",
        "SchemaName": one.schema_name,
        "DisplayName": tongue.label(one.label),
        "DisplayCollectionName": tongue.label(one.plural),
        "Description": tongue.label(one.description),
        "OwnershipType": "OrganizationOwned" if one.shared else "UserOwned",
        "HasActivities": False,
        "HasNotes": False,
        "IsActivity": False,
        "ChangeTrackingEnabled": True,
        "Attributes": [column(one.primary, tongue, primary=True)],
    }


def relationship(one: Lookup, table_name: str, tongue: Tongue) -> dict[str, Any]:
    """A lookup is made as the relationship behind it."""
    return {
        "@odata.type": f"{_CRM}.OneToManyRelationshipMetadata",
        "SchemaName": one.relationship,
        "ReferencedEntity": one.target,
        "ReferencedAttribute": f"{one.target}id",
        "ReferencingEntity": table_name,
        "CascadeConfiguration": {**_NO_CASCADE, "Delete": "Cascade" if one.follows else "RemoveLink"},
        "Lookup": {"@odata.type": f"{_CRM}.LookupAttributeMetadata", **_described(one, tongue)},
    }


def key(one: Key, tongue: Tongue) -> dict[str, Any]:
    return {
        "SchemaName": one.schema_name,
        "DisplayName": tongue.label(one.label),
        "KeyAttributes": list(one.columns),
    }


# --- rows ------------------------------------------------------------------------------------------


def publisher(package: Package, tongue: Tongue) -> dict[str, Any]:
    ours = package.publisher
    return {
        "publisherid": id_of("publisher", ours.name),
        "friendlyname": tongue.one(ours.label),
        "uniquename": ours.name,
        "description": tongue.one(ours.description),
        "customizationprefix": ours.prefix,
        "customizationoptionvalueprefix": ours.first_value,
    }


def solution(package: Package, publisher_id: str, tongue: Tongue) -> dict[str, Any]:
    return {
        "solutionid": id_of("solution", package.name),
        "friendlyname": tongue.one(package.label),
        "uniquename": package.name,
        "description": tongue.one(package.description),
        "version": package.version,
        "publisherid@odata.bind": f"/publishers({publisher_id})",
    }


def publication(tables: Sequence[str]) -> dict[str, str]:
    """What `PublishXml` is to publish."""
    named = "".join(f"<entity>{one}</entity>" for one in tables)
    return {"ParameterXml": f"<importexportxml><entities>{named}</entities></importexportxml>"}
