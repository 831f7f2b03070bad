"""The types of custom fields: what each must and may say, and which may become which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.metadata.trouble import Trouble

ALWAYS = frozenset(
    {
        "fullName",
        "label",
        "type",
        "description",
        "inlineHelpText",
        "trackHistory",
        "trackFeedHistory",
        "trackTrending",
        "securityClassification",
        "businessStatus",
        "complianceGroup",
    }
)
_KEY = frozenset({"externalId", "unique", "caseSensitive"})
_PLAIN = frozenset({"required", "defaultValue"})
_RELATION = frozenset({"referenceTo", "relationshipName", "relationshipLabel"})


@dataclass(frozen=True, slots=True)
class FieldType:
    """How a type is described by the API, what it must say and what else it may."""

    wire: str
    must: tuple[str, ...] = ()
    may: frozenset[str] = frozenset()
    length: int = 0
    most: int = 0

    @property
    def allowed(self) -> frozenset[str]:
        return ALWAYS | frozenset(self.must) | self.may


TYPES: Mapping[str, FieldType] = {
    "Checkbox": FieldType("boolean", ("defaultValue",)),
    "Text": FieldType("string", ("length",), _PLAIN | _KEY, most=255),
    "TextArea": FieldType("textarea", may=_PLAIN, length=255),
    "LongTextArea": FieldType(
        "textarea", ("length", "visibleLines"), frozenset({"defaultValue"}), most=131_072
    ),
    "Html": FieldType("textarea", ("length", "visibleLines"), most=131_072),
    "Url": FieldType("url", may=_PLAIN, length=255),
    "Email": FieldType("email", may=_PLAIN | _KEY, length=80),
    "Phone": FieldType("phone", may=_PLAIN, length=40),
    "Number": FieldType("double", ("precision", "scale"), _PLAIN | {"externalId", "unique"}),
    "Currency": FieldType("currency", ("precision", "scale"), _PLAIN),
    "Percent": FieldType("percent", ("precision", "scale"), _PLAIN),
    "Date": FieldType("date", may=_PLAIN),
    "DateTime": FieldType("datetime", may=_PLAIN),
    "Picklist": FieldType("picklist", ("valueSet",), frozenset({"required"}), length=255),
    "MultiselectPicklist": FieldType(
        "multipicklist", ("valueSet", "visibleLines"), frozenset({"required"}), length=4_099
    ),
    "Lookup": FieldType(
        "reference",
        ("referenceTo", "relationshipName"),
        _RELATION | {"required", "deleteConstraint"},
        length=18,
    ),
    "MasterDetail": FieldType(
        "reference",
        ("referenceTo", "relationshipName"),
        _RELATION | {"relationshipOrder", "reparentableMasterDetail", "writeRequiresMasterRead"},
        length=18,
    ),
}
PROPERTIES = frozenset().union(*(one.allowed for one in TYPES.values()))
_ALIKE = (
    frozenset({"Text", "TextArea", "Url", "Email", "Phone", "Picklist"}),
    frozenset({"Number", "Currency", "Percent"}),
    frozenset({"LongTextArea", "Html"}),
)


def type_of(field: Field) -> str:
    """The metadata type of a field that is there."""
    if field.type == "reference":
        return "MasterDetail" if field.master else "Lookup"
    if field.type == "textarea":
        return "LongTextArea" if field.long_text else "TextArea"
    return next((name for name, one in TYPES.items() if one.wire == field.type), field.type)


def check_change(old: Field, wanted: str, at: Node) -> None:
    """Refuses a change of type that would lose what is stored."""
    before = type_of(old)
    if before == wanted or any({before, wanted} <= group for group in _ALIKE):
        return
    if before in ("Text", "TextArea", "Url", "Email", "Phone", "Picklist") and wanted != "LongTextArea":
        raise Trouble(f"Cannot update a field to a {wanted} from something else", at)
    raise Trouble(f"Cannot update a field from a {before} to something else", at)
