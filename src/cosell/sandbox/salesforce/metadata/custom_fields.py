"""Reads a custom field as a deploy describes it, or says what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from cosell.sandbox.salesforce.fields import Choice, Field
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.metadata.field_types import PROPERTIES, TYPES, FieldType, check_change
from cosell.sandbox.salesforce.metadata.trouble import (
    Trouble,
    check_boolean,
    check_elements,
    check_length,
    no_such,
)
from cosell.sandbox.salesforce.schema import Schema

MOST_LABEL = 40
MOST_HELP = 510
MOST_DESCRIPTION = 1_000
MOST_NAME = 40
_NAME = re.compile(r"^[A-Za-z](?:_?[A-Za-z0-9])*$")
_BOOLEANS = (
    "required",
    "externalId",
    "unique",
    "caseSensitive",
    "trackHistory",
    "reparentableMasterDetail",
    "writeRequiresMasterRead",
)


def check_name(node: Node, what: str) -> str:
    """The developer name of a component, without its ending; refused where no such name can be."""
    full = node.find("fullName")
    name = (full.text if full else "").removesuffix("__c")
    if len(name) > MOST_NAME:
        raise Trouble(f"Value too long for field: DeveloperName maximum length is:{MOST_NAME}", full)
    if not _NAME.match(name):
        text = (
            f"The {what} can only contain underscores and alphanumeric characters. It must be unique, begin"
            " with a letter, not include spaces, not end with an underscore, and not contain two consecutive"
            f" underscores: {name}"
        )
        raise Trouble(text, full or node)
    return name


def check_texts(node: Node, kind: str) -> None:
    """Refuses a missing label, and texts that are too long."""
    label = node.find("label")
    if label is None or not label.text:
        raise Trouble(f"Must specify a non-empty label for the {kind}", node)
    check_length(node, "label", "MasterLabel", MOST_LABEL)
    check_length(node, "inlineHelpText", "InlineHelpText", MOST_HELP)
    check_length(node, "description", "Description", MOST_DESCRIPTION)


def read_field(schema: Schema, owner: str, node: Node, old: Field | None) -> Field:
    """The field as it will be; `old` is the one of the same name that is there."""
    check_elements(node, "CustomField", PROPERTIES)
    check_boolean(node, *_BOOLEANS)
    check_name(node, "Field Name")
    check_texts(node, "CustomField")
    kind, known = _type(node)
    at = node.find("type") or node
    if old is not None:
        check_change(old, kind, at)
    _check_properties(node, kind, known)
    field = Field(
        node.value("fullName") or "",
        node.value("label") or "",
        known.wire,
        length=_whole(node, "length", known.most) or known.length,
        precision=_whole(node, "precision", 18),
        scale=_whole(node, "scale", 17),
        nillable=not (node.flag("required") or known.wire == "boolean"),
        defaulted=known.wire == "boolean",
        external_id=node.flag("externalId"),
        id_lookup=node.flag("externalId"),
        unique=node.flag("unique"),
        case_sensitive=node.flag("caseSensitive"),
        help_text=node.value("inlineHelpText") or None,
        guarded=True if old is None else old.guarded,
    )
    return replace(field, **_more(schema, owner, node, kind, old))


def _type(node: Node) -> tuple[str, FieldType]:
    found = node.find("type")
    if found is None:
        raise Trouble("Must specify 'type' for a CustomField", node)
    if found.text not in TYPES:
        text = f"Error parsing file: '{found.text}' is not a valid value for the enum 'FieldType'"
        raise Trouble(text, found)
    return found.text, TYPES[found.text]


def _check_properties(node: Node, kind: str, known: FieldType) -> None:
    for name in known.must:
        if node.find(name) is None:
            raise Trouble(f"Must specify '{name}' for a CustomField of type {kind}", node)
    for one in node.children:
        if one.tag not in known.allowed:
            raise Trouble(f"Can not specify '{one.tag}' for a CustomField of type {kind}", one)


def _whole(node: Node, name: str, most: int) -> int:
    found = node.find(name)
    if found is None:
        return 0
    if not found.text.isdigit():
        text = f"Error parsing file: '{found.text}' is not a valid value for the type xsd:int"
        raise Trouble(text, found)
    if int(found.text) > most or (name in ("length", "precision") and int(found.text) < 1):
        raise Trouble(f"Field {name} must be between 1 and {most}: {found.text}", found)
    return int(found.text)


def _more(schema: Schema, owner: str, node: Node, kind: str, old: Field | None) -> dict[str, Any]:
    """What only some types have."""
    if kind == "Checkbox":
        default = node.find("defaultValue")
        if default is not None and default.text not in ("true", "false"):
            raise Trouble("Default value of a checkbox must be true or false", default)
        return {"choices": (Choice("true", default=True),) if node.flag("defaultValue") else ()}
    if kind in ("Picklist", "MultiselectPicklist"):
        return _choices(node, old)
    if kind in ("Lookup", "MasterDetail"):
        return _relation(schema, owner, node, kind, old)
    return {}


def _choices(node: Node, old: Field | None) -> dict[str, Any]:
    values = node.find("valueSet") or node
    check_elements(values, "ValueSet", frozenset({"restricted", "valueSetDefinition", "valueSetName"}))
    named = values.find("valueSetName")
    if named is not None:
        raise no_such("GlobalValueSet", named.text, where="valueSetName", at=named)
    listed = values.find("valueSetDefinition")
    if listed is None:
        raise Trouble("Must specify 'valueSetDefinition' for a picklist", values)
    check_elements(listed, "ValueSetValuesDefinition", frozenset({"sorted"}), frozenset({"value"}))
    made: dict[str, Choice] = {}
    for one in listed.all("value"):
        check_elements(
            one, "CustomValue", frozenset({"fullName", "default", "label", "isActive", "description"})
        )
        name = one.value("fullName") or ""
        if not name or name.lower() in made:
            raise Trouble(f"Duplicate picklist value: {name}" if name else "Picklist value has no name", one)
        made[name.lower()] = Choice(name, one.value("label") or name, one.value("isActive") != "false")
        if one.flag("default"):
            made[name.lower()] = replace(made[name.lower()], default=True)
    if not made:
        raise Trouble("A picklist must have at least one value", listed)
    # Values that a new definition leaves out stay, but nobody can choose them any more.
    for choice in old.choices if old is not None and old.type in ("picklist", "multipicklist") else ():
        made.setdefault(choice.value.lower(), replace(choice, active=False, default=False))
    return {"choices": tuple(made.values()), "restricted": values.flag("restricted")}


def _relation(schema: Schema, owner: str, node: Node, kind: str, old: Field | None) -> dict[str, Any]:
    target, name = node.find("referenceTo"), node.find("relationshipName")
    if target is None or target.text.lower() not in schema.objects:
        text = target.text if target is not None else ""
        raise Trouble(
            f"referenceTo value of '{text}' does not resolve to a valid sObject type", target or node
        )
    parent = schema.object(target.text)
    if old is not None and parent.name not in old.reference_to:
        raise Trouble(f"Cannot change which object a {kind} field refers to", target)
    children = f"{name.text if name else ''}__r"
    full = node.value("fullName") or ""
    for other in schema.objects.values():
        for field in other.fields.values():
            same = (field.children or "").lower() == children.lower() and parent.name in field.reference_to
            if same and (other.name.lower(), field.name.lower()) != (owner.lower(), full.lower()):
                text = f"There is already a Child Relationship named {children[:-3]} on {parent.name}."
                raise Trouble(text, name)
    master = kind == "MasterDetail"
    return {
        "reference_to": (parent.name,),
        "relationship": full.removesuffix("__c") + "__r",
        "children": children,
        "master": master,
        "cascade": master,
        "nillable": not (master or node.flag("required")),
        "updateable": not master or node.flag("reparentableMasterDetail"),
    }
