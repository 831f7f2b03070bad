"""Carries objects, fields, list views and tabs of a deploy into the org."""

from __future__ import annotations

import re
from dataclasses import replace

from cosell.sandbox.salesforce.fields import Field, SObject, currency_code, owner, sobject, stamps
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.metadata.components import Component
from cosell.sandbox.salesforce.metadata.custom_fields import check_name, check_texts, read_field
from cosell.sandbox.salesforce.metadata.trouble import Trouble, check_elements, no_such, words
from cosell.sandbox.salesforce.metadata.workshop import Workshop

_ENDINGS = "fullName must end with: __c or __kav or __x or __b or __e or __p or __mdt or __dll or __dlm"
_OBJECT = words(
    """fullName label pluralLabel nameField deploymentStatus sharingModel externalSharingModel description
    allowInChatterGroups compactLayoutAssignment enableActivities enableBulkApi enableFeeds
    enableHistory enableLicensing enableReports enableSearch enableSharing enableStreamingApi startsWith
    visibility gender recordTypeTrackHistory searchLayouts"""
)
_MANY = words("actionOverrides fields listViews compactLayouts webLinks fieldSets")
_SHARING = frozenset({"Private", "Read", "ReadWrite", "ControlledByParent", "ReadSelect", "FullAccess"})
_STANDARD_COLUMN = re.compile(r"^[A-Z][A-Z0-9_]*(\.[A-Z0-9_]+)*$")
_LIST_VIEW = words("fullName label filterScope booleanFilter language sharedTo queue scopeEntity")
_OPERATIONS = words(
    """equals notEqual lessThan greaterThan lessOrEqual greaterOrEqual contains notContain startsWith
    includes excludes within"""
)


def deploy_object(work: Workshop, one: Component) -> bool:
    """Creates or changes an object; true if it is new."""
    check_elements(one.node, "CustomObject", _OBJECT, _MANY)
    old = work.org.schema.objects.get(one.name.lower())
    if old is not None and not old.custom:
        return False
    if not one.name.endswith("__c"):
        raise no_such("CustomObject", one.name, at=one.node)
    check_name(Node("", children=[Node("fullName", text=one.name)]), "Object Name")
    check_texts(one.node, "CustomObject")
    _check_object(one.node)
    made = old or _new_object(work, one)
    work.org.schema.objects[one.name.lower()] = replace(
        made, label=one.node.value("label") or "", plural=one.node.value("pluralLabel") or ""
    )
    work.changed()
    return old is None


def _check_object(node: Node) -> None:
    for name in ("pluralLabel", "nameField", "deploymentStatus", "sharingModel"):
        if node.find(name) is None:
            raise Trouble(f"Must specify a non-empty {name} for the CustomObject", node)
    sharing = node.find("sharingModel")
    if sharing is not None and sharing.text not in _SHARING:
        text = f"Error parsing file: '{sharing.text}' is not a valid value for the enum 'SharingModel'"
        raise Trouble(text, sharing)
    detail = any(field.value("type") == "MasterDetail" for field in node.all("fields"))
    controlled = sharing is not None and sharing.text == "ControlledByParent"
    if detail and not controlled:
        text = "Cannot set sharingModel to {} on a CustomObject with a MasterDetail relationship field"
        raise Trouble(text.format(sharing.text if sharing else ""), sharing)
    if controlled and not detail:
        text = "Cannot set sharingModel to ControlledByParent on a CustomObject without a MasterDetail"
        raise Trouble(f"{text} relationship field", sharing)


def _new_object(work: Workshop, one: Component) -> SObject:
    name_field = one.node.find("nameField") or one.node
    kind = name_field.value("type")
    if kind not in ("Text", "AutoNumber"):
        raise Trouble("The type of a nameField must be Text or AutoNumber", name_field)
    named = Field(
        "Name",
        name_field.value("label") or "Name",
        "string",
        80,
        name_field=True,
        id_lookup=True,
        defaulted=True,
        createable=kind == "Text",
        updateable=kind == "Text",
    )
    label, plural = one.node.value("label") or "", one.node.value("pluralLabel") or ""
    fields = [named, currency_code()]
    if one.node.value("sharingModel") != "ControlledByParent":
        fields.append(owner())
    return sobject(one.name, label, plural, _free_prefix(work), *fields, guarded=True)


def _free_prefix(work: Workshop) -> str:
    taken = {one.prefix for one in work.org.schema.objects.values()}
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    every = (f"a{first}{second}" for first in letters for second in letters)
    return next(prefix for prefix in every if prefix not in taken)


def deploy_field(work: Workshop, one: Component) -> bool:
    """Creates or changes a custom field; true if it is new."""
    schema = work.org.schema
    holder = schema.objects.get(one.owner.lower())
    if holder is None:
        raise no_such("CustomObject", one.owner, at=one.node)
    name = one.name.partition(".")[2]
    old = holder.fields.get(name.lower())
    if not name.endswith("__c"):
        if old is None:
            raise Trouble("Could not resolve standard field's name." if name else _ENDINGS, one.node)
        return False
    made = read_field(schema, holder.name, one.node, old)
    _check_rows(work, holder, made, old)
    audit = {field.name.lower(): holder.fields.pop(field.name.lower()) for field in stamps()}
    holder.fields[name.lower()] = made
    holder.fields.update(audit)
    work.changed()
    return old is None


def _check_rows(work: Workshop, holder: SObject, made: Field, old: Field | None) -> None:
    """Refuses what the rows that are there contradict."""
    if old is None and made.master and work.org.store.live(holder.name):
        raise Trouble("Cannot create a MasterDetail field on an object that holds records")
    if not made.unique or (old is not None and old.unique):
        return
    values = [row[made.name] for row in work.org.store.live(holder.name) if row.get(made.name) is not None]
    folded = [one.lower() if isinstance(one, str) and not made.case_sensitive else one for one in values]
    if len(set(folded)) < len(folded):
        raise Trouble(f"Cannot make {made.name} unique: the records that are there hold duplicate values")


def deploy_list_view(work: Workshop, one: Component) -> bool:
    """Creates or changes a list view; true if it is new."""
    many = frozenset({"columns", "filters"})
    check_elements(one.node, "ListView", _LIST_VIEW, many)
    holder = work.org.schema.objects.get(one.owner.lower())
    if holder is None:
        raise no_such("CustomObject", one.owner, at=one.node)
    name = check_name(one.node, "View Name")
    check_texts(one.node, "ListView")
    if one.node.value("filterScope") is None:
        raise Trouble("Required field is missing: filterScope", one.node)
    for column in one.node.all("columns"):
        _check_column(holder, column)
    for chosen in one.node.all("filters"):
        _check_filter(holder, chosen)
    row = {"Name": one.node.value("label"), "DeveloperName": name, "SobjectType": holder.name}
    known = _list_views(work, holder.name, name)
    if known:
        work.org.replace("ListView", {**known[0], **row}, by=work.by)
    else:
        work.insert("ListView", row)
    work.org.documents["ListView", one.name] = one.node
    return not known


def _list_views(work: Workshop, holder: str, name: str) -> list[dict[str, object]]:
    return [
        row
        for row in work.org.store.live("ListView")
        if (row["SobjectType"], str(row["DeveloperName"]).lower()) == (holder, name.lower())
    ]


def _check_column(holder: SObject, column: Node) -> None:
    custom = holder.fields.get(column.text.lower())
    standard = bool(_STANDARD_COLUMN.match(column.text))
    if not (custom is not None and custom.custom) and not standard:
        raise Trouble(f"Could not resolve list view column: {column.text}", column)


def _check_filter(holder: SObject, chosen: Node) -> None:
    check_elements(chosen, "ListViewFilter", frozenset({"field", "operation", "value"}))
    _check_column(holder, chosen.find("field") or chosen)
    operation = chosen.find("operation")
    if operation is None or operation.text not in _OPERATIONS:
        raise Trouble("Error parsing file: a filter needs a valid operation", chosen)
    custom = holder.fields.get((chosen.value("field") or "").lower())
    if custom is not None and not custom.filterable:
        raise Trouble(f"Field {custom.name} can not be used in a filter", chosen)


def deploy_tab(work: Workshop, one: Component) -> bool:
    """Creates or changes the tab of a custom object; true if it is new."""
    elements = words("customObject description label motif mobileReady hasSidebar")
    check_elements(one.node, "CustomTab", elements)
    if one.node.flag("customObject") and one.name.lower() not in work.org.schema.objects:
        raise no_such("CustomObject", one.name, where="customObject", at=one.node)
    if not one.node.value("motif"):
        raise Trouble("Required field is missing: motif", one.node)
    return work.store_document(one.kind, one.name, one.node)
