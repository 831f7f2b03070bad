"""What one user may see and do: the profile, and every permission set that is assigned to the user."""

from __future__ import annotations

from dataclasses import dataclass

from cosell.sandbox.salesforce.fields import Field, SObject
from cosell.sandbox.salesforce.store import Row, Store

ACTS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
EVERYTHING = frozenset(ACTS)
GOVERNED = frozenset({"account", "contact", "lead", "opportunity", "campaign", "product2", "pricebook2"})
"""The standard objects that a profile or permission set opens one by one."""
FOLLOWS = {
    "opportunitycontactrole": "opportunity",
    "opportunityteammember": "opportunity",
    "opportunitylineitem": "opportunity",
    "pricebookentry": "pricebook2",
}
SETUP = frozenset(
    {"permissionset", "permissionsetassignment", "fieldpermissions", "objectpermissions", "user"}
)
"""What only those who manage users may write."""
MINIMAL_PROFILE = "Minimum Access - API Only Integrations"
SYSTEM_PERMISSIONS = (
    "ApiEnabled",
    "AssignPermissionSets",
    "AuthorApex",
    "CustomizeApplication",
    "ManageUsers",
    "ModifyAllData",
    "ModifyMetadata",
    "ViewAllData",
    "ViewSetup",
)
"""The system permissions that make a difference here; each is a column of PermissionSet."""
TABLES = (
    "User",
    "Profile",
    "PermissionSet",
    "PermissionSetAssignment",
    "FieldPermissions",
    "ObjectPermissions",
)
_NEVER_ASKED = frozenset({"OwnerId", "CurrencyIsoCode", "FirstName", "Salutation", "ForecastCategoryName"})


@dataclass(frozen=True, slots=True)
class Rights:
    """The sum of what was granted; names are in lower case."""

    person: bool = False
    """Acts on the pages, where nothing is kept from view."""
    open_profile: bool = True
    """The profile opens all that nobody guarded, as that of a person does."""
    system: frozenset[str] = frozenset()
    objects: frozenset[tuple[str, str]] = frozenset()
    readable: frozenset[str] = frozenset()
    editable: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:
        """Whether a system permission is given; who may modify all data may deploy and see all, too."""
        implied = permission in ("ModifyMetadata", "ViewAllData") and "ModifyAllData" in self.system
        return permission in self.system or implied

    def acts(self, one: SObject) -> frozenset[str]:
        """What may be done with rows of an object; empty where it is as if it did not exist."""
        name = one.name.lower()
        if self.person:
            return EVERYTHING
        if name in SETUP:
            manages = {"AssignPermissionSets", "ManageUsers", "ModifyAllData"} & self.system
            return EVERYTHING if manages else frozenset({"Read"})
        name = FOLLOWS.get(name, name)
        if name not in GOVERNED and not one.custom:
            return EVERYTHING
        if self.may("ModifyAllData") or (self.open_profile and not one.guarded):
            return EVERYTHING
        given = frozenset(act for other, act in self.objects if other == name)
        return given | {"Read"} if self.may("ViewAllData") else given

    def sees(self, one: SObject, field: Field) -> bool:
        """Whether field-level security shows a field."""
        path = f"{one.name}.{field.name}".lower()
        return path not in self.hidden and (self._free(one, field) or _key(one, field) in self.readable)

    def writes(self, one: SObject, field: Field) -> bool:
        """Whether field-level security lets a field be written."""
        path = f"{one.name}.{field.name}".lower()
        return path not in self.locked and (self._free(one, field) or _key(one, field) in self.editable)

    def _free(self, one: SObject, field: Field) -> bool:
        if self.person or not is_permissionable(one, field):
            return True
        return self.open_profile and not field.guarded


def is_permissionable(one: SObject, field: Field) -> bool:
    """Whether field-level security knows a field: those that every row must have are always open."""
    if field.type == "id" or field.name_field or field.master or field.name in _NEVER_ASKED:
        return False
    if not field.custom and one.name.lower() not in GOVERNED and not one.custom:
        return False
    asked = field.createable or field.calculated or field.type == "address"
    return asked and (field.nillable or field.type == "boolean")


def granted_name(field: Field) -> str:
    """The name under which a field is granted: an address is granted whole."""
    return field.compound or field.name


def _key(one: SObject, field: Field) -> str:
    return f"{one.name}.{granted_name(field)}".lower()


def rights_of(store: Store, user_id: str) -> Rights:
    """The sum of what the profile and the permission sets give a user."""
    sets = [
        row["PermissionSetId"]
        for row in _rows(store, "PermissionSetAssignment", "AssigneeId", user_id)
        if row.get("PermissionSetId")
    ]
    profile = store.get("Profile", (store.get("User", user_id) or {}).get("ProfileId", "")) or {}
    fields = [row for one in sets for row in _rows(store, "FieldPermissions", "ParentId", one)]
    objects = [row for one in sets for row in _rows(store, "ObjectPermissions", "ParentId", one)]
    granted = [store.get("PermissionSet", one) or {} for one in sets]
    return Rights(
        open_profile=profile.get("Name") != MINIMAL_PROFILE,
        system=frozenset(
            name for name in SYSTEM_PERMISSIONS if any(row.get(f"Permissions{name}") for row in granted)
        ),
        objects=frozenset(
            (str(row["SobjectType"]).lower(), act)
            for row in objects
            for act in ACTS
            if row.get(f"Permissions{act}")
        ),
        readable=_named(fields, "PermissionsRead"),
        editable=_named(fields, "PermissionsEdit"),
    )


def _named(rows: list[Row], right: str) -> frozenset[str]:
    return frozenset(str(row["Field"]).lower() for row in rows if row.get(right))


def _rows(store: Store, table: str, field: str, value: str) -> list[Row]:
    found = store.table(table)
    rows = [found.rows[row_id] for row_id in found.ids_where(field, value)]
    return [row for row in rows if not row.get("IsDeleted")]
