"""Carries permission sets of a deploy into the org: each is then what its file says, and nothing else."""

from __future__ import annotations

from cosell.sandbox.salesforce.fields import SObject
from cosell.sandbox.salesforce.markup import Node
from cosell.sandbox.salesforce.metadata.components import Component
from cosell.sandbox.salesforce.metadata.trouble import Trouble, check_boolean, check_elements, no_such, words
from cosell.sandbox.salesforce.metadata.workshop import Workshop
from cosell.sandbox.salesforce.rights import (
    ACTS,
    FOLLOWS,
    GOVERNED,
    SYSTEM_PERMISSIONS,
    granted_name,
    is_permissionable,
)

_ELEMENTS = frozenset({"label", "description", "hasActivationRequired", "license"})
_MANY = words(
    """applicationVisibilities classAccesses customMetadataTypeAccesses customPermissions
    customSettingAccesses externalDataSourceAccesses fieldPermissions flowAccesses objectPermissions
    pageAccesses recordTypeVisibilities tabSettings userPermissions"""
)
_OTHER_PERMISSIONS = words(
    """ActivateOpportunity ApiUserOnly BulkApiHardDelete EditPublicDocuments EditTask ExportReport
    LightningConsoleAllowedForUser LightningExperienceUser ManageCustomPermissions ManageTranslation
    RunReports TransferAnyEntity TransferAnyLead ViewAllUsers ViewPublicDashboards ViewPublicReports
    ViewRoles"""
)
_TAGS = {
    "allowRead": "Read",
    "allowCreate": "Create",
    "allowEdit": "Edit",
    "allowDelete": "Delete",
    "viewAllRecords": "ViewAllRecords",
    "modifyAllRecords": "ModifyAllRecords",
}
_NEEDS = {
    "Create": ("Read",),
    "Edit": ("Read",),
    "Delete": ("Read", "Edit"),
    "ViewAllRecords": ("Read",),
    "ModifyAllRecords": ("Read", "Edit", "Delete", "ViewAllRecords"),
}
_PARENTS = {"opportunity": "Account", "contact": "Account"}


def deploy_permission_set(work: Workshop, one: Component) -> bool:
    """Creates or replaces a permission set; true if it is new."""
    check_elements(one.node, "PermissionSet", _ELEMENTS, _MANY)
    if not one.node.value("label"):
        raise Trouble("Must specify a non-empty label for the PermissionSet", one.node)
    fields = [_field_row(work, node) for node in one.node.all("fieldPermissions")]
    objects = _object_rows(work, one.node)
    for node in one.node.all("tabSettings"):
        _check_tab(work, node)
    system = {f"Permissions{name}": name in _system(one.node) for name in SYSTEM_PERMISSIONS}
    row = {"Name": one.name, "Label": one.node.value("label"), "IsCustom": True, **system}
    row["Description"] = one.node.value("description")
    known = [each for each in work.org.store.live("PermissionSet") if each["Name"] == one.name]
    if known:
        set_id = work.org.replace("PermissionSet", {**known[0], **row}, by=work.by)["Id"]
        work.remove_rows("FieldPermissions", "ParentId", set_id)
        work.remove_rows("ObjectPermissions", "ParentId", set_id)
    else:
        set_id = work.insert("PermissionSet", row)
    for each in fields:
        work.insert("FieldPermissions", {"ParentId": set_id, **each})
    for each in objects:
        work.insert("ObjectPermissions", {"ParentId": set_id, **each})
    return not known


def _field_row(work: Workshop, node: Node) -> dict[str, object]:
    check_elements(node, "PermissionSetFieldPermissions", frozenset({"field", "editable", "readable"}))
    check_boolean(node, "editable", "readable")
    named = node.value("field") or ""
    holder, _, name = named.partition(".")
    one = work.org.schema.objects.get(holder.lower())
    if one is None:
        raise no_such("CustomObject", holder, at=node)
    field = one.fields.get(name.lower())
    if field is None or granted_name(field) != field.name:
        raise no_such("CustomField", named, at=node)
    if not is_permissionable(one, field):
        raise Trouble(f"You cannot deploy to a required field: {named}", node)
    if node.flag("editable") and not (field.updateable or field.createable or field.type == "address"):
        raise Trouble(f"Field {named} is not editable", node)
    # Whoever may edit a field sees it.
    reads = node.flag("readable") or node.flag("editable")
    row = {"SobjectType": one.name, "Field": f"{one.name}.{field.name}"}
    return {**row, "PermissionsRead": reads, "PermissionsEdit": node.flag("editable")}


def _object_rows(work: Workshop, top: Node) -> list[dict[str, object]]:
    given: dict[str, tuple[SObject, set[str], Node]] = {}
    for node in top.all("objectPermissions"):
        check_elements(node, "PermissionSetObjectPermissions", frozenset({"object", *_TAGS, "viewAllFields"}))
        check_boolean(node, *_TAGS)
        name = node.value("object") or ""
        one = work.org.schema.objects.get(name.lower())
        if one is None or not (one.custom or name.lower() in GOVERNED):
            raise no_such("CustomObject", name, where="object", at=node)
        given[name.lower()] = one, {act for tag, act in _TAGS.items() if node.flag(tag)}, node
    for one, acts, node in given.values():
        _check_needs(one, acts, node)
        _check_parent(one, acts, node, {name: other for name, (_, other, _) in given.items()})
    return [
        {"SobjectType": one.name, **{f"Permissions{act}": act in acts for act in ACTS}}
        for one, acts, _ in given.values()
    ]


def _check_needs(one: SObject, acts: set[str], node: Node) -> None:
    for act in acts:
        missing = [need for need in _NEEDS.get(act, ()) if need not in acts]
        if missing:
            needed = ", ".join(f"{need} {one.name}" for need in missing)
            raise Trouble(f"Permission {act} {one.name} depends on permission(s): {needed}", node)


def _check_parent(one: SObject, acts: set[str], node: Node, given: dict[str, set[str]]) -> None:
    masters = [field.reference_to[0] for field in one.fields.values() if field.master]
    parents = masters or [_PARENTS[key] for key in (one.name.lower(),) if key in _PARENTS]
    for parent in parents:
        if acts and "Read" not in given.get(FOLLOWS.get(parent.lower(), parent.lower()), set()):
            raise Trouble(f"Permission Read {one.name} depends on permission(s): Read {parent}", node)


def _check_tab(work: Workshop, node: Node) -> None:
    name = node.value("tab") or ""
    if not name.startswith("standard-") and ("CustomTab", name) not in work.org.documents:
        raise no_such("CustomTab", name, where="tab", at=node)


def _system(top: Node) -> set[str]:
    granted = set()
    for node in top.all("userPermissions"):
        name = node.value("name") or ""
        if name not in SYSTEM_PERMISSIONS and name not in _OTHER_PERMISSIONS:
            raise Trouble(f"Unknown user permission: {name}", node)
        if node.flag("enabled"):
            granted.add(name)
    return granted
