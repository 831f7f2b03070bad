"""Writes one ``<attribute>`` of a solution file (sheet 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement

from cosell.sandbox.dataverse.columns import Choice, Column, Words
from cosell.sandbox.dataverse.customizing.unpacking_columns import FORMATS, LEVELS, TYPES
from cosell.sandbox.dataverse.definitions.labels import LANGUAGE

_TYPES = {kind: name for name, kind in TYPES.items() if name != "memo"}
_LEVELS = {level: name for name, level in LEVELS.items()}
_FORMATS = {shown: name for name, shown in FORMATS.items()}
_BEHAVIOURS = {"UserLocal": "1", "DateOnly": "2", "TimeZoneIndependent": "3"}
_SHOWN = "ValidForAdvancedFind|ValidForForm|ValidForGrid"


def word(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def worded(parent: Element, told: Mapping[str, str]) -> None:
    for name, text in told.items():
        word(parent, name, text)


def texts(parent: Element, outer: str, inner: str, text: str) -> None:
    """A text in every language it has."""
    listed = SubElement(parent, outer)
    others = text.others if isinstance(text, Words) else {}
    for code, one in {LANGUAGE: str(text), **others}.items():
        if one:
            SubElement(listed, inner, description=one, languagecode=str(code))


def choice(
    parent: Element, name: str, label: str, choices: Iterable[Choice], version: str, *, shared: bool
) -> Element:
    """A choice with its options, of one column or shared."""
    made = SubElement(parent, "optionset", Name=name)
    told = {"OptionSetType": "picklist", "IsGlobal": "1" if shared else "0", "IntroducedVersion": version}
    worded(made, {**told, "IsCustomizable": "1"})
    texts(made, "displaynames", "displayname", label)
    options = SubElement(made, "options")
    for one in choices:
        texts(SubElement(options, "option", value=str(one.value)), "labels", "label", one.label)
    return made


def attribute(parent: Element, column: Column, version: str, *, primary: bool) -> None:
    """A column in the words of the file."""
    made = SubElement(parent, "attribute", PhysicalName=column.schema_name or column.name)
    told = {
        "Type": _TYPES[column.kind],
        "Name": column.name,
        "LogicalName": column.name,
        "RequiredLevel": _LEVELS[column.required],
        "DisplayMask": f"PrimaryName|{_SHOWN}" if primary else _SHOWN,
        "ImeMode": "auto",
        "ValidForUpdateApi": "1",
        "ValidForReadApi": "1",
        "ValidForCreateApi": "1",
        "IsCustomField": "1",
        "IsAuditEnabled": "0",
        "IsSecured": "1" if column.secured else "0",
        "IntroducedVersion": version,
        "IsCustomizable": "1",
        "IsRenameable": "1",
    }
    worded(made, told)
    _peculiar(made, column, version)
    texts(made, "displaynames", "displayname", column.label)
    texts(made, "Descriptions", "Description", column.description)


def _peculiar(made: Element, column: Column, version: str) -> None:
    match column.kind:
        case "string" | "memo":
            shown = _FORMATS.get(column.format, "text")
            worded(made, {"Format": shown, "MaxLength": str(column.length)})
            if column.kind == "string":
                word(made, "Length", str(2 * column.length))
        case "integer":
            worded(
                made, {"Format": "none", "MinValue": f"{column.low:.0f}", "MaxValue": f"{column.high:.0f}"}
            )
        case "decimal" | "double" | "money":
            _number(made, column)
        case "datetime":
            behaviour = column.behaviour or ("DateOnly" if column.date_only else "UserLocal")
            shown = column.format or ("DateOnly" if column.date_only else "DateAndTime")
            worded(made, {"Format": _FORMATS[shown], "Behavior": _BEHAVIOURS[behaviour]})
        case "boolean":
            word(made, "AppDefaultValue", "1" if column.default else "0")
            options = choice(made, column.name, column.label, column.choices, version, shared=False)
            _typed(options, "bit")
        case "picklist" | "multipicklist":
            word(made, "AppDefaultValue", "-1" if column.default is None else str(column.default))
            _options(made, column, version)
        case "lookup":
            word(made, "LookupStyle", "single")
            SubElement(made, "LookupTypes")


def _options(made: Element, column: Column, version: str) -> None:
    if column.option_set:
        word(made, "OptionSetName", column.option_set)
    else:
        choice(made, column.name, column.label, column.choices, version, shared=False)


def _number(made: Element, column: Column) -> None:
    worded(made, {"MinValue": f"{column.low:.0f}", "MaxValue": f"{column.high:.0f}"})
    word(made, "Accuracy", str(column.precision))
    if column.kind == "money":
        word(made, "AccuracySource", "2")


def _typed(options: Element, kind: str) -> None:
    found = options.find("OptionSetType")
    if found is not None:
        found.text = kind
