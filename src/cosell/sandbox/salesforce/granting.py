"""Profiles and permission sets as rows, and what they grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosell.sandbox.frame import Org as Kind
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.rights import ACTS, MINIMAL_PROFILE, SYSTEM_PERMISSIONS
from cosell.sandbox.salesforce.store import Row

ADMINISTRATOR = "System Administrator"
STANDARD = "Standard User"
_SYSTEM: Mapping[str, tuple[str, ...]] = {
    STANDARD: ("ApiEnabled",),
    ADMINISTRATOR: SYSTEM_PERMISSIONS,
    MINIMAL_PROFILE: ("ApiEnabled",),
}


@dataclass(frozen=True, slots=True)
class Profiles:
    """The ids of the profiles and of the permission sets behind them, by name."""

    ids: Mapping[str, str]
    sets: Mapping[str, str]

    def of(self, org: Org, user_id: str) -> str:
        return self.ids[_profile_name(org, user_id)]

    def set_of(self, org: Org, user_id: str) -> str:
        return self.sets[_profile_name(org, user_id)]


def _profile_name(org: Org, user_id: str) -> str:
    if user_id == org.administrator:
        return ADMINISTRATOR
    alone = user_id == org.integration_user and org.kind is not Kind.READY
    return MINIMAL_PROFILE if alone else STANDARD


def furnish_profiles(org: Org) -> Profiles:
    """Creates the profiles, each with the permission set that belongs to it."""
    ids: dict[str, str] = {}
    sets: dict[str, str] = {}
    for name, system in _SYSTEM.items():
        ids[name] = _add(org, "Profile", {"Name": name})
        own = {f"Permissions{one}": True for one in system}
        row = {"Name": f"X{ids[name]}", "Label": ids[name], "IsOwnedByProfile": True, "ProfileId": ids[name]}
        sets[name] = _add(org, "PermissionSet", {**row, **own})
    return Profiles(ids, sets)


def assign(org: Org, permission_set: str, user_id: str) -> None:
    """Assigns a permission set to a user."""
    _add(org, "PermissionSetAssignment", {"PermissionSetId": permission_set, "AssigneeId": user_id})


def grant_all(org: Org, permission_set: str) -> None:
    """Grants every guarded field and object."""
    for one in org.schema.objects.values():
        if one.guarded:
            grant_object(org, permission_set, one.name, ACTS[:4])
        for field in one.fields.values():
            if field.guarded:
                grant_field(org, permission_set, f"{one.name}.{field.name}", edit=True)


def grant_field(org: Org, permission_set: str, path: str, *, edit: bool, read: bool = True) -> None:
    """Grants a field to whoever has the permission set."""
    row = {"ParentId": permission_set, "SobjectType": path.split(".")[0], "Field": path}
    _add(org, "FieldPermissions", {**row, "PermissionsRead": read, "PermissionsEdit": edit})


def grant_object(org: Org, permission_set: str, sobject: str, acts: tuple[str, ...]) -> None:
    """Grants acts on an object to whoever has the permission set."""
    row = {"ParentId": permission_set, "SobjectType": sobject}
    _add(org, "ObjectPermissions", {**row, **{f"Permissions{act}": True for act in acts}})


def _add(org: Org, sobject: str, row: Row) -> str:
    return str(org.insert(org.schema.object(sobject), row, org.integration_user)["Id"])
