"""The definition of a column: what every column has, and what its kind adds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cosell.sandbox.dataverse.columns import CHOICES, Choice, Column, OptionSet, Table
from cosell.sandbox.dataverse.definitions.labels import label, managed, metadata_id

# Attribute type, type name and class by kind; lookups to owners and customers differ.
_KINDS = {
    "string": ("String", "StringType", "StringAttributeMetadata"),
    "memo": ("Memo", "MemoType", "MemoAttributeMetadata"),
    "boolean": ("Boolean", "BooleanType", "BooleanAttributeMetadata"),
    "integer": ("Integer", "IntegerType", "IntegerAttributeMetadata"),
    "bigint": ("BigInt", "BigIntType", "BigIntAttributeMetadata"),
    "decimal": ("Decimal", "DecimalType", "DecimalAttributeMetadata"),
    "double": ("Double", "DoubleType", "DoubleAttributeMetadata"),
    "money": ("Money", "MoneyType", "MoneyAttributeMetadata"),
    "datetime": ("DateTime", "DateTimeType", "DateTimeAttributeMetadata"),
    "picklist": ("Picklist", "PicklistType", "PicklistAttributeMetadata"),
    "multipicklist": ("Virtual", "MultiSelectPicklistType", "MultiSelectPicklistAttributeMetadata"),
    "state": ("State", "StateType", "StateAttributeMetadata"),
    "status": ("Status", "StatusType", "StatusAttributeMetadata"),
    "lookup": ("Lookup", "LookupType", "LookupAttributeMetadata"),
    "uniqueidentifier": ("Uniqueidentifier", "UniqueidentifierType", "UniqueIdentifierAttributeMetadata"),
    "managedproperty": ("ManagedProperty", "ManagedPropertyType", "ManagedPropertyAttributeMetadata"),
}
CLASSES = frozenset(made for _, _, made in _KINDS.values()) | {"EnumAttributeMetadata"}
_CUSTOMER = {"account", "contact"}
_SETS = {"state": "State", "status": "Status", "boolean": "Boolean"}


def class_of(column: Column) -> str:
    """The name of the definition's type, without its namespace."""
    return _KINDS[column.kind][2]


def attribute_type(kind: str) -> tuple[str, str]:
    """AttributeType and the name of AttributeTypeName that definitions of a kind carry."""
    return _KINDS[kind][:2]


def is_a(column: Column, wanted: str) -> bool:
    """Whether a column's definition can be cast to a type."""
    if wanted == "AttributeMetadata":
        return True
    if wanted == "EnumAttributeMetadata":
        return column.kind in CHOICES
    return class_of(column) == wanted


def common(table: Table, column: Column, number: int) -> dict[str, Any]:
    """What the definition of every column says."""
    kind, type_name, _ = _KINDS[column.kind]
    if column.kind == "lookup":
        kind, type_name = _lookup_kind(column)
    return {
        "MetadataId": metadata_id(table.name, column.name),
        "HasChanged": None,
        "AttributeOf": None,
        "AttributeType": kind,
        "AttributeTypeName": {"Value": type_name},
        "ColumnNumber": number,
        "Description": label(column.description, table.name, column.name, "description"),
        "DisplayName": label(column.label, table.name, column.name),
        "EntityLogicalName": table.name,
        "IsCustomAttribute": column.custom,
        "IsCustomizable": managed(True, "iscustomizable"),
        "IsFilterable": True,
        "IsLogical": False,
        "IsManaged": column.managed or not column.custom,
        "IsPrimaryId": column.name == table.primary_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsRetrievable": True,
        "IsSecured": column.secured,
        "IsValidForAdvancedFind": managed(True, "canmodifysearchsettings"),
        "IsValidForCreate": column.creatable,
        "IsValidForRead": column.readable,
        "IsValidForUpdate": column.updatable,
        "IsValidODataAttribute": True,
        "LogicalName": column.name,
        "RequiredLevel": managed(column.required, "canmodifyrequirementlevelsettings"),
        "SchemaName": column.schema_name or column.name,
        "SourceType": None,
    }


def peculiar(table: Table, column: Column) -> dict[str, Any]:
    """What the kind of a column adds to its definition."""
    match column.kind:
        case "string" | "memo":
            shown = column.format or "Text"
            return {"MaxLength": column.length, "Format": shown, "FormatName": {"Value": shown}}
        case "integer" | "bigint" | "decimal" | "double" | "money":
            return _limits(column)
        case "datetime":
            behaviour = column.behaviour or ("DateOnly" if column.date_only else "UserLocal")
            shown = column.format or ("DateOnly" if column.date_only else "DateAndTime")
            return {"Format": shown, "DateTimeBehavior": {"Value": behaviour}}
        case "boolean":
            return {"DefaultValue": bool(column.default)}
        case "picklist" | "multipicklist" | "state" | "status":
            return {"DefaultFormValue": -1 if column.default is None else column.default}
        case "lookup":
            return {"Targets": [target.table for target in column.targets], "Format": "None"}
        case "uniqueidentifier" | "managedproperty":
            return {}


def _limits(column: Column) -> dict[str, Any]:
    match column.kind:
        case "integer":
            return {"MinValue": _whole(column.low), "MaxValue": _whole(column.high), "Format": "None"}
        case "bigint":
            return {"MinValue": -(2**63), "MaxValue": 2**63 - 1}
    made: dict[str, Any] = {"MinValue": column.low, "MaxValue": column.high, "Precision": column.precision}
    if column.kind == "money":
        twin = column.name.removesuffix("_base") if column.name.endswith("_base") else None
        made |= {"PrecisionSource": 2, "IsBaseCurrency": twin is not None, "CalculationOf": twin}
    return made


def option_set(table: Table, column: Column) -> dict[str, Any] | None:
    """The choices of a column; None where a column has none."""
    if column.kind not in CHOICES and column.kind != "boolean":
        return None
    name = column.option_set or f"{table.name}_{column.name}"
    shared = bool(column.option_set)
    ids = ("options", column.option_set) if shared else ("options", table.name, column.name)
    made = _set(name, column, ids, kind=_SETS.get(column.kind, "Picklist"), shared=shared)
    if column.kind == "boolean":
        options = {one.value: _option(column, one, name) for one in column.choices}
        return {**made, "TrueOption": options.get(1), "FalseOption": options.get(0)}
    return {**made, "Options": [_option(column, one, name) for one in column.choices]}


def global_option_set(shared: OptionSet) -> dict[str, Any]:
    """A choice that tables share, with its options."""
    column = Column(shared.name, shared.label, "picklist", description=shared.description, added=True)
    column = replace(column, managed=shared.managed)
    made = _set(shared.name, column, ("options", shared.name), kind="Picklist", shared=True)
    return {**made, "Options": [_option(column, one, shared.name) for one in shared.choices]}


def _set(name: str, column: Column, ids: tuple[str, ...], *, kind: str, shared: bool) -> dict[str, Any]:
    return {
        "MetadataId": metadata_id(*ids),
        "HasChanged": None,
        "Name": name,
        "IsGlobal": shared,
        "IsCustomOptionSet": column.custom,
        "IsManaged": column.managed or not column.custom,
        "IsCustomizable": managed(True, "iscustomizable"),
        "ExternalTypeName": None,
        "OptionSetType": kind,
        "DisplayName": label(column.label, name),
        "Description": label(column.description, name, "description"),
    }


def _option(column: Column, choice: Choice, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Value": choice.value,
        "Label": label(choice.label, name, str(choice.value)),
        "Description": label("", name),
        "Color": None,
        "IsManaged": column.managed or not column.custom,
        "ExternalValue": "",
        "ParentValues": [],
        "MetadataId": None,
        "HasChanged": None,
    }
    if column.kind == "state":
        kind = {"@odata.type": "#Microsoft.Dynamics.CRM.StateOptionMetadata"}
        return kind | made | {"DefaultStatus": choice.default_status, "InvariantName": choice.label}
    if column.kind == "status":
        kind = {"@odata.type": "#Microsoft.Dynamics.CRM.StatusOptionMetadata"}
        return kind | made | {"State": choice.state, "TransitionData": None}
    return made


def _lookup_kind(column: Column) -> tuple[str, str]:
    if column.name == "ownerid":
        return "Owner", "OwnerType"
    if {target.table for target in column.targets} == _CUSTOMER:
        return "Customer", "CustomerType"
    return "Lookup", "LookupType"


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
