"""Reads the definition of a column as clients write it (sheet 5.1, step 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from cosell.sandbox.dataverse.columns import TEXTS, Choice, Column, Kind, Table
from cosell.sandbox.dataverse.customizing import choices
from cosell.sandbox.dataverse.customizing.components import Package
from cosell.sandbox.dataverse.customizing.naming import label, schema_name
from cosell.sandbox.dataverse.definitions import columns as shown
from cosell.sandbox.dataverse.drafting import READ_ONLY, currency
from cosell.sandbox.dataverse.errors import bad_request, invalid, no_property, refusal
from cosell.sandbox.dataverse.org import Org

CRM = "Microsoft.Dynamics.CRM."
Given = Mapping[str, Any]
_KINDS: dict[str, Kind] = {
    "StringAttributeMetadata": "string",
    "MemoAttributeMetadata": "memo",
    "BooleanAttributeMetadata": "boolean",
    "IntegerAttributeMetadata": "integer",
    "BigIntAttributeMetadata": "bigint",
    "DecimalAttributeMetadata": "decimal",
    "DoubleAttributeMetadata": "double",
    "MoneyAttributeMetadata": "money",
    "DateTimeAttributeMetadata": "datetime",
    "PicklistAttributeMetadata": "picklist",
    "MultiSelectPicklistAttributeMetadata": "multipicklist",
    "LookupAttributeMetadata": "lookup",
}
_OWN = {
    "string": {"MaxLength", "Format", "FormatName", "AutoNumberFormat", "YomiOf"},
    "memo": {"MaxLength", "Format", "FormatName"},
    "boolean": {"DefaultValue", "OptionSet", "GlobalOptionSet"},
    "integer": {"MinValue", "MaxValue", "Format"},
    "bigint": {"MinValue", "MaxValue"},
    "decimal": {"MinValue", "MaxValue", "Precision"},
    "double": {"MinValue", "MaxValue", "Precision"},
    "money": {"MinValue", "MaxValue", "Precision", "PrecisionSource", "IsBaseCurrency", "CalculationOf"},
    "datetime": {"Format", "DateTimeBehavior", "CanChangeDateTimeBehavior"},
    "picklist": {"DefaultFormValue", "OptionSet", "GlobalOptionSet", "ParentPicklistLogicalName"},
    "multipicklist": {"DefaultFormValue", "OptionSet", "GlobalOptionSet"},
    "lookup": {"Targets", "Format"},
}
_COMMON = frozenset(shown.common(Table("x", "x", "x", "x", "x", 0, "x", None), Column("x", "x", "string"), 1))
_BESIDES = frozenset(
    {
        "AutoNumberFormat",
        "CanBeSecuredForCreate",
        "CanBeSecuredForRead",
        "CanBeSecuredForUpdate",
        "CanModifyAdditionalSettings",
        "DatabaseLength",
        "DeprecatedVersion",
        "ExternalName",
        "FormulaDefinition",
        "ImeMode",
        "InheritsFrom",
        "IntroducedVersion",
        "IsAuditEnabled",
        "IsDataSourceSecret",
        "IsGlobalFilterEnabled",
        "IsLocalizable",
        "IsRenameable",
        "IsRequiredForForm",
        "IsSearchable",
        "IsSortableEnabled",
        "LinkedAttributeId",
        "Settings",
        "SourceTypeMask",
    }
)
_LENGTHS = {"string": 4_000, "memo": 1_048_576}
_FORMATS = {
    "string": {
        "Email",
        "Json",
        "Phone",
        "PhoneticGuide",
        "RichText",
        "Text",
        "TextArea",
        "TickerSymbol",
        "Url",
    }
    | {"VersionNumber"},
    "memo": {"Email", "Json", "RichText", "Text", "TextArea", "InternalExtentData"},
    "datetime": {"DateOnly", "DateAndTime"},
}
_BEHAVIOURS = frozenset({"UserLocal", "DateOnly", "TimeZoneIndependent"})
_LIMITS: dict[str, tuple[float, float, int]] = {
    "integer": (-2_147_483_648, 2_147_483_647, 0),
    "bigint": (-(2.0**63), 2.0**63, 0),
    "decimal": (-100_000_000_000, 100_000_000_000, 10),
    "double": (-100_000_000_000, 100_000_000_000, 5),
    "money": (-922_337_203_685_477, 922_337_203_685_477, 4),
}


def read(org: Org, given: Given, package: Package, *, lookup: bool = False) -> Column:
    """A new column; refused where it is not of a kind or a form the environment takes."""
    kind = kind_of(given)
    if (kind == "lookup") is not lookup:
        raise invalid("A lookup column is created together with its relationship.")
    _check_members(given, kind)
    name = schema_name(org, given, "Attribute", package)
    what = f"the attribute {name}"
    column = Column(
        name.lower(),
        label(org, given.get("DisplayName"), what, required=True),
        kind,
        schema_name=name,
        description=label(org, given.get("Description"), what),
        required=_required(given),
        secured=bool(given.get("IsSecured")),
        added=True,
        managed=package.managed,
    )
    return _peculiar(org, column, given, package)


def changed(org: Org, old: Column, given: Given, package: Package, *, merging: bool) -> Column:
    """A column as a new definition of it says; its name and its kind stay."""
    if kind_of(given) != old.kind:
        raise invalid(f"The type of the attribute {old.name} cannot be changed.")
    _check_members(given, old.kind)
    for name in ("SchemaName", "DisplayName", "RequiredLevel"):
        if name not in given:
            # Definitions are replaced as a whole: what is left out would be lost.
            raise invalid(f"The definition of the attribute {old.name} is not complete: {name} is missing.")
    what = f"the attribute {old.name}"
    column = replace(
        old,
        label=label(org, given["DisplayName"], what, required=True, old=old.label if merging else ""),
        description=label(org, given.get("Description"), what, old=str(old.description) if merging else ""),
        required=_required(given, old.required),
        secured=bool(given.get("IsSecured")),
    )
    without = {name: one for name, one in given.items() if name not in ("OptionSet", "GlobalOptionSet")}
    return _peculiar(org, column, without, package, old=old)


def beside(table: Table, column: Column) -> tuple[Column, ...]:
    """What the platform adds with a column: money has a twin in the base currency, and needs a currency."""
    if column.kind != "money":
        return (column,)
    twin = replace(
        column,
        name=f"{column.name}_base",
        schema_name=f"{column.schema_name}_Base",
        label=f"{column.label} (Base)",
        required="None",
        **READ_ONLY,
    )
    missing = [one for one in currency(table.name) if one.name not in table.columns]
    return (column, twin, *missing)


def kind_of(given: Given) -> Kind:
    """The kind a definition's type stands for."""
    named = str(given.get("@odata.type", "")).lstrip("#")
    short = named.removeprefix(CRM).removeprefix("Complex")
    if not named.startswith(CRM) or short not in _KINDS:
        raise bad_request(f"A type named '{named}' cannot be created as an attribute.")
    return _KINDS[short]


def _check_members(given: Given, kind: Kind) -> None:
    known = _COMMON | _BESIDES | _OWN[kind]
    for name in given:
        if name.partition("@")[0] and name.partition("@")[0] not in known:
            raise no_property(name, str(given["@odata.type"]).lstrip("#"))
    wanted = shown.attribute_type(kind)
    told = given.get("AttributeType"), (given.get("AttributeTypeName") or {}).get("Value")
    if any(one not in (None, right) for one, right in zip(told, wanted, strict=True)):
        raise invalid(f"The attribute type {told[0] or told[1]} does not belong to this type of definition.")


def _required(given: Given, old: str = "None") -> Any:
    level = given.get("RequiredLevel")
    value = level.get("Value") if isinstance(level, dict) else None
    if level is None:
        return old
    if value == old:
        return old
    if value not in ("None", "Recommended", "ApplicationRequired"):
        raise invalid(f"The required level '{value}' cannot be set.")
    return value


def _peculiar(org: Org, column: Column, given: Given, package: Package, old: Column | None = None) -> Column:
    reader = _READERS.get(column.kind)
    return column if reader is None else reader(org, column, given, package, old)


def _text(org: Org, column: Column, given: Given, package: Package, old: Column | None) -> Column:
    longest = _LENGTHS[column.kind]
    length = given.get("MaxLength", old.length if old else 100 if column.kind == "string" else 2_000)
    if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= longest:
        raise invalid(f"The MaxLength of {column.name} must be between 1 and {longest}.")
    form = (given.get("FormatName") or {}).get("Value") or given.get("Format")
    form = form or (old.format if old else "Text" if column.kind == "string" else "TextArea")
    _check_format(column, form)
    return replace(column, length=length, format=form)


def _check_format(column: Column, form: Any) -> None:
    if form not in _FORMATS[column.kind]:
        raise invalid(f"The format '{form}' is not one of a column of this type.")


def _number(org: Org, column: Column, given: Given, package: Package, old: Column | None) -> Column:
    least, most, finest = _LIMITS[column.kind]
    low = given.get("MinValue", old.low if old else max(least, -1_000_000_000_000))
    high = given.get("MaxValue", old.high if old else min(most, 1_000_000_000_000))
    if not all(isinstance(one, int | float | Decimal) for one in (low, high)):
        raise invalid(f"MinValue and MaxValue of {column.name} must be numbers.")
    if not least <= low <= high <= most:
        raise invalid(f"MinValue and MaxValue of {column.name} must lie between {least:.0f} and {most:.0f}.")
    precision = given.get("Precision")
    if precision is None:
        precision = old.precision if old else min(2, finest)
    if not isinstance(precision, int) or not 0 <= precision <= finest:
        raise invalid(f"The Precision of {column.name} must be between 0 and {finest}.")
    if given.get("PrecisionSource", 2) not in (0, 1, 2):
        raise invalid("PrecisionSource is 0, 1 or 2.")
    return replace(column, low=_plain(low), high=_plain(high), precision=precision)


def _plain(value: int | float | Decimal) -> float:
    return float(value) if isinstance(value, Decimal) else value


def _date(org: Org, column: Column, given: Given, package: Package, old: Column | None) -> Column:
    form = given.get("Format") or (old.format if old else "") or "DateAndTime"
    _check_format(column, form)
    behaviour = (given.get("DateTimeBehavior") or {}).get("Value") or (old.behaviour if old else "UserLocal")
    if behaviour and behaviour not in _BEHAVIOURS:
        raise invalid(f"The behavior '{behaviour}' is not one of a date.")
    if behaviour == "DateOnly" and form != "DateOnly":
        raise invalid("A date of the behavior DateOnly has the format DateOnly.")
    return replace(column, format=form, behaviour=behaviour, date_only=behaviour == "DateOnly")


def _flag(org: Org, column: Column, given: Given, package: Package, old: Column | None) -> Column:
    default = given.get("DefaultValue", old.default if old else False)
    if not isinstance(default, bool):
        raise invalid(f"The DefaultValue of {column.name} is true or false.")
    if old is not None:
        return replace(column, default=default)
    options = given.get("OptionSet")
    if not isinstance(options, dict):
        raise invalid(f"The attribute {column.name} needs an OptionSet with TrueOption and FalseOption.")
    made = []
    for key, value in (("TrueOption", 1), ("FalseOption", 0)):
        option = options.get(key)
        if not isinstance(option, dict) or option.get("Value", value) != value:
            raise invalid(f"The {key} of {column.name} must have the value {value}.")
        made.append(Choice(value, label(org, option.get("Label"), f"{key} of {column.name}", required=True)))
    return replace(column, default=default, choices=tuple(made))


def _choice(org: Org, column: Column, given: Given, package: Package, old: Column | None) -> Column:
    default = given.get("DefaultFormValue", old.default if old else None)
    if old is None:
        column = choices.chosen(org, column, given, package)
    if default in (None, -1):
        return replace(column, default=None)
    if column.kind == "multipicklist" or column.choice(default) is None:
        raise refusal(400, "0x8004431a", f"The default value {default} is not one of {column.name}.")
    return replace(column, default=default)


_READERS: dict[str, Callable[[Org, Column, Given, Package, Column | None], Column]] = {
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(_LIMITS, _number),
    "datetime": _date,
    "boolean": _flag,
    "picklist": _choice,
    "multipicklist": _choice,
}
