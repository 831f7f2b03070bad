"""Page layouts: what stands on a page, checked against the schema. A write replaces the whole."""

from __future__ import annotations

from collections.abc import Iterator

from cosell.sandbox.salesforce.fields import Field, SObject
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.metadata.trouble import Trouble, check_elements, no_such, words
from cosell.sandbox.salesforce.schema import Schema

OPPORTUNITY_LAYOUT = "Opportunity-Opportunity Layout"
_ONCE = words(
    """fullName emailDefault feedLayout headers miniLayout platformActionList quickActionList
    relatedContent runAssignmentRulesDefault showEmailCheckbox showHighlightsPanel
    showInteractionLogPanel showKnowledgeComponent showRunAssignmentRulesCheckbox showSolutionSection
    showSubmitAndAttachButton summaryLayout"""
)
_MANY = words(
    """layoutSections relatedLists excludeButtons customButtons multilineLayoutFields relatedObjects
    headers"""
)
_SECTION = words("customLabel detailHeading editHeading label style summaryLayout")
_ITEM = words(
    """analyticsCloudComponent behavior canvas component customLink emptySpace field height page
    reportChartComponent scontrol showLabel showScrollbars width"""
)
_BEHAVIORS = frozenset({"Edit", "Readonly", "Required"})
_STYLES = frozenset({"TwoColumnsTopToBottom", "TwoColumnsLeftToRight", "OneColumn", "CustomLinks"})


def check_layout(schema: Schema, name: str, node: Node) -> None:
    """Refuses a layout that Salesforce would not show."""
    owner, dash, rest = name.partition("-")
    holder = schema.objects.get(owner.lower())
    if holder is None or not dash or not rest:
        raise no_such("CustomObject", owner, where="fullName", at=node)
    check_elements(node, "Layout", _ONCE, _MANY)
    placed: set[str] = set()
    for section in node.all("layoutSections"):
        check_elements(section, "LayoutSection", _SECTION, frozenset({"layoutColumns"}))
        if section.value("style") not in _STYLES:
            raise Trouble("Required field is missing: style", section)
        for item in _items(section):
            _check_item(holder, item, placed)
    for field in holder.fields.values():
        if field.required and field.custom and field.name.lower() not in placed:
            raise Trouble(f"Layout must contain an item for required layout field: {field.name}", node)
    _check_names(holder, placed, node)
    for related in node.all("relatedLists"):
        _check_related(schema, holder, related)


def _items(section: Node) -> Iterator[Node]:
    for column in section.all("layoutColumns"):
        check_elements(column, "LayoutColumn", frozenset({"reserved"}), frozenset({"layoutItems"}))
        yield from column.all("layoutItems")


def _check_item(holder: SObject, item: Node, placed: set[str]) -> None:
    check_elements(item, "LayoutItem", _ITEM)
    field = item.find("field")
    if field is None:
        return
    behavior = item.find("behavior")
    if behavior is not None and behavior.text not in _BEHAVIORS:
        text = f"Error parsing file: '{behavior.text}' is not a valid value for the enum 'UiBehavior'"
        raise Trouble(text, behavior)
    if field.text.lower() not in holder.fields:
        raise no_such("CustomField", f"{holder.name}.{field.text}", at=field)
    if field.text.lower() in placed:
        raise Trouble(f"Field:{field.text} is duplicated in the layout", field)
    placed.add(field.text.lower())


def _check_names(holder: SObject, placed: set[str], node: Node) -> None:
    named = holder.name_field
    if named is not None and named.name.lower() not in placed:
        raise Trouble(f"Layout must contain an item for required layout field: {named.name}", node)


def _check_related(schema: Schema, holder: SObject, related: Node) -> None:
    """A related list of custom rows is named Child__c.Lookup__c; the columns are fields of the child."""
    name = related.value("relatedList") or ""
    child, dot, lookup = name.partition(".")
    if not dot or not child.endswith("__c"):
        return
    found = schema.objects.get(child.lower())
    field = found.fields.get(lower) if found and (lower := lookup.lower()) in found.fields else None
    if field is None or holder.name not in field.reference_to:
        raise Trouble(f"Cannot find a related list named {name}", related)


def renamed(node: Node, old: str, new: str) -> Node:
    """The layout in which a field goes by another name."""
    if node.tag == "layoutItems":
        kept = [
            Node("field", text=new) if one.tag == "field" and one.text.lower() == old.lower() else one
            for one in node.children
        ]
        return _with(node, kept)
    return _with(node, [renamed(one, old, new) for one in node.children])


def without(node: Node, names: frozenset[str]) -> Node:
    """The layout without the fields that are gone (names in lower case)."""
    kept = [
        without(one, names)
        for one in node.children
        if not (one.tag == "layoutItems" and (one.value("field") or "").lower() in names)
    ]
    return Node(node.tag, node.space, node.text, kept, node.attributes, node.line, node.column)


def first_layout(custom: list[str]) -> Node:
    """The layout of opportunities as Salesforce draws it, with a section for what somebody installed."""
    sections = [
        _section("Opportunity Information", _STANDING[0]),
        _section("Description Information", _STANDING[1]),
    ]
    if custom:
        sections.append(_section("Microsoft Partner Center", tuple(("Edit", name) for name in custom)))
    contacts = Node(
        "relatedLists",
        children=[
            Node("fields", text="CONTACT.NAME"),
            Node("fields", text="ROLE"),
            Node("relatedList", text="RelatedContactRoleList"),
        ],
    )
    shown = [Node(name, text="false") for name in ("showEmailCheckbox", "showSubmitAndAttachButton")]
    return Node("Layout", children=[*sections, contacts, *shown])


def beside(node: Node, field: Field) -> Node:
    """The layout with one more field at the end of its first column."""
    section = next(node.all("layoutSections"))
    column = next(section.all("layoutColumns"))
    grown = _with(column, [*column.children, _item("Edit", field.name)])
    inner = _with(section, [grown if one is column else one for one in section.children])
    return _with(node, [inner if one is section else one for one in node.children])


def _with(node: Node, children: list[Node]) -> Node:
    return Node(node.tag, node.space, node.text, children, node.attributes, node.line, node.column)


def _section(label: str, fields: tuple[tuple[str, str], ...]) -> Node:
    return Node(
        "layoutSections",
        children=[
            Node("customLabel", text="true"),
            Node("detailHeading", text="true"),
            Node("editHeading", text="true"),
            Node("label", text=label),
            *(
                Node("layoutColumns", children=[_item(*pair) for pair in fields[place::2]])
                for place in (0, 1)
            ),
            Node("style", text="TwoColumnsTopToBottom"),
        ],
    )


def _item(behavior: str, field: str) -> Node:
    return Node("layoutItems", children=[Node("behavior", text=behavior), Node("field", text=field)])


_STANDING = (
    (
        ("Readonly", "OwnerId"),
        ("Required", "CloseDate"),
        ("Required", "Name"),
        ("Required", "StageName"),
        ("Edit", "AccountId"),
        ("Edit", "Probability"),
        ("Edit", "Type"),
        ("Edit", "Amount"),
        ("Edit", "LeadSource"),
    ),
    (("Edit", "Description"),),
)
