"""Users, the organisation and the lists an administrator keeps."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.salesforce.fields import Field, SObject, area, flag, number, pick, ref, sobject, text

_LISTED: dict[str, Any] = {
    "createable": False,
    "updateable": False,
    "deletable": False,
    "replicateable": False,
}

_SYSTEM = (
    ("ApiEnabled", "API Enabled"),
    ("AssignPermissionSets", "Assign Permission Sets"),
    ("AuthorApex", "Author Apex"),
    ("CustomizeApplication", "Customize Application"),
    ("ManageUsers", "Manage Users"),
    ("ModifyAllData", "Modify All Data"),
    ("ModifyMetadata", "Modify Metadata Through Metadata API Functions"),
    ("ViewAllData", "View All Data"),
    ("ViewSetup", "View Setup and Configuration"),
)
_ACTS = (
    ("Read", "Read Records"),
    ("Create", "Create Records"),
    ("Edit", "Edit Records"),
    ("Delete", "Delete Records"),
    ("ViewAllRecords", "Read All Records"),
    ("ModifyAllRecords", "Edit All Records"),
)


def _user() -> SObject:
    return sobject(
        "User",
        "User",
        "Users",
        "005",
        text("Username", "Username", 80, nillable=False, unique=True, id_lookup=True),
        text("LastName", "Last Name", 80, nillable=False),
        text("FirstName", "First Name", 40),
        text("Name", "Full Name", 121, nillable=False, createable=False, updateable=False, name_field=True),
        text("CompanyName", "Company Name", 80),
        text("Title", "Title", 80),
        Field("Email", "Email", "email", 128, nillable=False, id_lookup=True),
        Field("Phone", "Phone", "phone", 40),
        text("Alias", "Alias", 8, nillable=False, defaulted=True),
        flag("IsActive", "Active"),
        ref("ProfileId", "Profile ID", "Profile", nillable=False, defaulted=True),
        pick("UserType", "User Type", "*Standard|PowerPartner|AutomatedProcess", 40),
        pick("TimeZoneSidKey", "Time Zone", "*GMT|Europe/Berlin|America/Los_Angeles", 40),
        pick("LocaleSidKey", "Locale", "*en_US|en_GB|de_DE|ko_KR", 40),
        pick("LanguageLocaleKey", "Language", "*en_US|de|ko", 40),
        text("FederationIdentifier", "SAML Federation ID", 512),
        deletable=False,
    )


def _organization() -> SObject:
    return sobject(
        "Organization",
        "Organization",
        "Organizations",
        "00D",
        text("Name", "Name", 80, name_field=True),
        text("Country", "Country", 80),
        pick("OrganizationType", "Edition", "Developer Edition|Enterprise Edition|Unlimited Edition", 40),
        flag("IsSandbox", "Is Sandbox"),
        text("InstanceName", "Instance Name", 5),
        text("NamespacePrefix", "Namespace Prefix", 15),
        text("LanguageLocaleKey", "Language", 40),
        text("DefaultLocaleSidKey", "Locale", 40),
        text("TimeZoneSidKey", "Time Zone", 40),
        Field("TrialExpirationDate", "Trial Expiration Date", "datetime"),
        **_LISTED,
    )


def _permission_sets() -> list[SObject]:
    return [
        sobject(
            "PermissionSet",
            "Permission Set",
            "Permission Sets",
            "0PS",
            text("Name", "Permission Set Name", 80, nillable=False, name_field=True),
            text("Label", "Permission Set Label", 80, nillable=False),
            area("Description", "Description", 255),
            text("NamespacePrefix", "Namespace Prefix", 15, createable=False, updateable=False),
            flag("IsCustom", "Is Custom"),
            flag("IsOwnedByProfile", "Is Owned By Profile"),
            ref("ProfileId", "Profile ID", "Profile"),
            *(flag(f"Permissions{name}", label) for name, label in _SYSTEM),
            replicateable=False,
        ),
        sobject(
            "PermissionSetAssignment",
            "Permission Set Assignment",
            "Permission Set Assignments",
            "0Pa",
            ref("PermissionSetId", "PermissionSet ID", "PermissionSet", "Assignments", cascade=True),
            ref("AssigneeId", "Assignee ID", "User", "PermissionSetAssignments", nillable=False),
            replicateable=False,
        ),
        sobject(
            "FieldPermissions",
            "Field Permissions",
            "Field Permissions",
            "01k",
            ref("ParentId", "Parent ID", "PermissionSet", "FieldPerms", nillable=False, cascade=True),
            text("SobjectType", "SObject Type Name", 40, nillable=False),
            text("Field", "Field Name", 240, nillable=False),
            flag("PermissionsRead", "Read Field"),
            flag("PermissionsEdit", "Edit Field"),
            replicateable=False,
            recycle_bin=False,
        ),
        sobject(
            "ObjectPermissions",
            "Object Permissions",
            "Object Permissions",
            "110",
            ref("ParentId", "Parent ID", "PermissionSet", "ObjectPerms", nillable=False, cascade=True),
            text("SobjectType", "SObject Type Name", 40, nillable=False),
            *(flag(f"Permissions{act}", label) for act, label in _ACTS),
            replicateable=False,
            recycle_bin=False,
        ),
        sobject(
            "Profile",
            "Profile",
            "Profiles",
            "00e",
            text("Name", "Name", 255, name_field=True),
            **_LISTED,
        ),
    ]


def _lists() -> list[SObject]:
    return [
        sobject(
            "LeadStatus",
            "Lead Status Value",
            "Lead Status Value",
            "01J",
            text("MasterLabel", "Master Label", 255, name_field=True),
            text("ApiName", "API Name", 255),
            number("SortOrder", "Sort Order", 9, 0, "int"),
            flag("IsDefault", "Is Default"),
            flag("IsConverted", "Converted"),
            **_LISTED,
        ),
        sobject(
            "ListView",
            "List View",
            "List Views",
            "00B",
            text("Name", "View Name", 80, name_field=True),
            text("DeveloperName", "API Name", 80),
            text("NamespacePrefix", "Namespace Prefix", 15),
            text("SobjectType", "SObject Type", 40),
            **_LISTED,
        ),
        sobject(
            "RecordType",
            "Record Type",
            "Record Types",
            "012",
            text("Name", "Name", 80, name_field=True),
            text("DeveloperName", "Record Type Name", 80),
            text("NamespacePrefix", "Namespace Prefix", 15),
            text("Description", "Description", 255),
            text("SobjectType", "SObject Type Name", 40),
            flag("IsActive", "Active"),
            **_LISTED,
        ),
        sobject(
            "CurrencyType",
            "Currency Type",
            "Currency Types",
            "01L",
            text("IsoCode", "Currency ISO Code", 3, name_field=True),
            number("ConversionRate", "Conversion Rate", 18, 6),
            number("DecimalPlaces", "Decimal Places", 9, 0, "int"),
            flag("IsActive", "Active"),
            flag("IsCorporate", "Corporate Currency"),
            feature="multi_currency",
            **_LISTED,
        ),
    ]


def setup_objects() -> list[SObject]:
    """The objects an administrator looks after."""
    return [_user(), _organization(), *_permission_sets(), *_lists()]
