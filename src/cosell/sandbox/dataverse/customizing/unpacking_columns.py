"""Reads one ``<attribute>`` of a solution file (sheet 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

from cosell.sandbox.dataverse.columns import Choice, Column, Kind, Required
from cosell.sandbox.dataverse.customizing.archive import CUSTOMIZATIONS, bad_file

Words = Callable[[Element | None], str]
Options = Callable[[Element], tuple[Choice, ...]]
TYPES: dict[str, Kind] = {
    "nvarchar": "string",
    "ntext": "memo",
    "memo": "memo",
    "bit": "boolean",
    "int": "integer",
    "bigint": "bigint",
    "float": "double",
    "decimal": "decimal",
    "money": "money",
    "datetime": "datetime",
    "picklist": "picklist",
    "multiselectpicklist": "multipicklist",
    "lookup": "lookup",
}
_OF_THE_PLATFORM = frozenset(
    {
        "primarykey",
        "state",
        "status",
        "owner",
        "uniqueidentifier",
        "customer",
        "partylist",
        "virtual",
        "timestamp",
    }
)
"""What every table has anyway."""
LEVELS: dict[str, Required] = {
    "none": "None",
    "recommended": "Recommended",
    "required": "ApplicationRequired",
    "systemrequired": "SystemRequired",
}
FORMATS = {
    "text": "Text",
    "textarea": "TextArea",
    "url": "Url",
    "email": "Email",
    "phone": "Phone",
    "date": "DateOnly",
    "datetime": "DateAndTime",
}
_LIMITS: dict[str, tuple[float, float]] = {
    "integer": (-2_147_483_648, 2_147_483_647),
    "bigint": (-(2.0**63), 2.0**63),
    "decimal": (-100_000_000_000, 100_000_000_000),
    "double": (-100_000_000_000, 100_000_000_000),
    "money": (-922_337_203_685_477, 922_337_203_685_477),
}


def column_of(one: Element, words: Words, options: Options) -> Column | None:
    """The column; None for one that every table has."""
    kind_name = (one.findtext("Type") or "").strip()
    if kind_name in _OF_THE_PLATFORM:
        return None
    if kind_name not in TYPES:
        raise bad_file(f"'{kind_name}' is not a type of an attribute", CUSTOMIZATIONS)
    schema_name, level = str(one.get("PhysicalName") or ""), one.findtext("RequiredLevel") or "none"
    if not schema_name or level not in LEVELS:
        raise bad_file(f"the attribute '{schema_name}' has no name or no level '{level}'", CUSTOMIZATIONS)
    column = Column(
        (one.findtext("LogicalName") or schema_name).strip().lower(),
        words(one.find("displaynames")) or schema_name,
        TYPES[kind_name],
        schema_name=schema_name,
        description=words(one.find("Descriptions")),
        required=LEVELS[level],
        secured=one.findtext("IsSecured") == "1",
        added=True,
    )
    return _peculiar(one, column, options)


def _peculiar(one: Element, column: Column, options: Options) -> Column:
    match column.kind:
        case "string" | "memo":
            length = _whole(one, "MaxLength", 100 if column.kind == "string" else 2_000)
            form = FORMATS.get((one.findtext("Format") or "").lower())
            return replace(column, length=length, format=form or ("Text" if length else "TextArea"))
        case "integer" | "bigint" | "decimal" | "double" | "money":
            low, high = _LIMITS[column.kind]
            limits = {"low": _number(one, "MinValue", low), "high": _number(one, "MaxValue", high)}
            return replace(column, **limits, precision=_whole(one, "Accuracy", 2))  # type: ignore[arg-type]
        case "datetime":
            behaviour = {"2": "DateOnly", "3": "TimeZoneIndependent"}.get(one.findtext("Behavior") or "1")
            shown = FORMATS.get((one.findtext("Format") or "datetime").lower(), "DateAndTime")
            made = replace(column, behaviour=behaviour or "UserLocal", format=shown)
            return replace(made, date_only=made.behaviour == "DateOnly")
        case "boolean":
            yes = one.findtext("AppDefaultValue") == "1"
            return replace(column, default=yes, choices=_options(one, options))
        case "picklist" | "multipicklist":
            shared = (one.findtext("OptionSetName") or "").strip()
            default = _whole(one, "AppDefaultValue", -1)
            made = replace(column, option_set=shared, choices=() if shared else _options(one, options))
            return made if default == -1 else replace(made, default=default)
        case _:
            return column


def _options(one: Element, options: Options) -> tuple[Choice, ...]:
    listed = one.find("optionset")
    if listed is None:
        raise bad_file("an attribute of this type needs its optionset", CUSTOMIZATIONS)
    return options(listed)


def _whole(one: Element, name: str, default: int) -> int:
    text = (one.findtext(name) or "").strip()
    if not text:
        return default
    if not text.lstrip("-").isdigit():
        raise bad_file(f"'{text}' is not a value of {name}", CUSTOMIZATIONS)
    return int(text)


def _number(one: Element, name: str, default: float) -> float:
    try:
        return float(one.findtext(name) or default)
    except ValueError:
        raise bad_file(f"'{one.findtext(name)}' is not a value of {name}", CUSTOMIZATIONS) from None
