"""Removes what a destructiveChanges.xml names, with everything that hangs on it."""

from __future__ import annotations

from collections.abc import Callable

from cosell.sandbox.salesforce.metadata.layouts import OPPORTUNITY_LAYOUT, without
from cosell.sandbox.salesforce.metadata.trouble import Trouble
from cosell.sandbox.salesforce.metadata.workshop import Workshop


def remove(work: Workshop, kind: str, name: str) -> None:
    """Removes one component; what is not there is a warning."""
    if name == "*":
        raise Trouble("Wildcards are not allowed in destructiveChanges.xml")
    act = _ACTS.get(kind)
    if act is None:
        raise Trouble(f"Unknown type name '{kind}' specified in package.xml")
    act(work, name)


def _gone(kind: str, name: str) -> Trouble:
    return Trouble(f"No {kind} named: {name} found", warning=True)


def _field(work: Workshop, name: str) -> None:
    owner, _, field = name.partition(".")
    holder = work.org.schema.objects.get(owner.lower())
    if holder is None or field.lower() not in holder.fields:
        raise _gone("CustomField", name)
    if not field.lower().endswith("__c"):
        raise Trouble(f"Cannot delete standard field: {name}")
    found = holder.fields.pop(field.lower())
    work.gone_fields.append((holder.name, found.name))
    work.remove_rows("FieldPermissions", "Field", f"{holder.name}.{found.name}")
    gone = frozenset({found.name.lower()})
    for key, node in work.org.documents.items():
        if key[0] == "Layout" and key[1].startswith(f"{holder.name}-"):
            work.org.documents[key] = without(node, gone)
    work.changed()


def _object(work: Workshop, name: str) -> None:
    found = work.org.schema.objects.get(name.lower())
    if found is None:
        raise _gone("CustomObject", name)
    if not found.custom:
        raise Trouble(f"Cannot delete standard object: {name}")
    pointing = [
        f"{other.name}.{field.name}"
        for other in work.org.schema.objects.values()
        for field in other.fields.values()
        if found.name in field.reference_to and other is not found
    ]
    if pointing:
        raise Trouble(f"This custom object is referenced elsewhere: {', '.join(pointing)}")
    del work.org.schema.objects[name.lower()]
    work.gone_objects.append(found.name)
    for table in ("FieldPermissions", "ObjectPermissions"):
        work.remove_rows(table, "SobjectType", found.name)
    work.remove_rows("ListView", "SobjectType", found.name)
    for kind, each in [*work.org.documents]:
        if each == found.name or each.startswith((f"{found.name}-", f"{found.name}.")):
            del work.org.documents[kind, each]
    work.changed()


def _list_view(work: Workshop, name: str) -> None:
    owner, _, own = name.partition(".")
    rows = [
        row
        for row in work.org.store.live("ListView")
        if (row["SobjectType"], row["DeveloperName"]) == (owner, own)
    ]
    if not rows:
        raise _gone("ListView", name)
    work.org.store.put("ListView", rows[0]["Id"], None)
    work.org.documents.pop(("ListView", name), None)


def _permission_set(work: Workshop, name: str) -> None:
    rows = [row for row in work.org.store.live("PermissionSet") if row["Name"] == name]
    if not rows:
        raise _gone("PermissionSet", name)
    set_id = rows[0]["Id"]
    table = work.org.store.table("PermissionSetAssignment")
    if any(not table.rows[one].get("IsDeleted") for one in table.ids_where("PermissionSetId", set_id)):
        # That it is refused is documented, the vendor's words are not known.
        raise Trouble(f"Cannot delete permission set {name}: it is assigned to users")
    for child in ("FieldPermissions", "ObjectPermissions"):
        work.remove_rows(child, "ParentId", set_id)
    work.org.store.put("PermissionSet", set_id, None)


def _layout(work: Workshop, name: str) -> None:
    if name == OPPORTUNITY_LAYOUT:
        raise Trouble(f"Cannot delete the last layout of an object: {name}")
    _document(work, "Layout", name)


def _document(work: Workshop, kind: str, name: str) -> None:
    if work.org.documents.pop((kind, name), None) is None:
        raise _gone(kind, name)


_ACTS: dict[str, Callable[[Workshop, str], None]] = {
    "CustomField": _field,
    "CustomObject": _object,
    "ListView": _list_view,
    "PermissionSet": _permission_set,
    "Layout": _layout,
    "CustomTab": lambda work, name: _document(work, "CustomTab", name),
    "CustomObjectTranslation": lambda work, name: _document(work, "CustomObjectTranslation", name),
    "Translations": lambda work, name: _document(work, "Translations", name),
}
