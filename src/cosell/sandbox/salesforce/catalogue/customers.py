"""Account, Contact, Lead, Campaign (reference 11.2)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.salesforce.fields import (
    Field,
    SObject,
    area,
    currency_code,
    day,
    flag,
    moment,
    money,
    number,
    owner,
    pick,
    ref,
    sobject,
    text,
)

SOURCES = "Web|Phone Inquiry|Partner Referral|Purchased List|Other"
INDUSTRIES = (
    "Agriculture|Apparel|Banking|Biotechnology|Chemicals|Communications|Construction|Consulting|Education"
    "|Electronics|Energy|Engineering|Entertainment|Environmental|Finance|Food & Beverage|Government"
    "|Healthcare|Hospitality|Insurance|Machinery|Manufacturing|Media|Not For Profit|Recreation|Retail"
    "|Shipping|Technology|Telecommunications|Transportation|Utilities|Other"
)
_GEO = "Address|NearAddress|Block|Street|ExtendedZip|Zip|Neighborhood|City|County|State|Unknown"


def address(prefix: str, label: str) -> tuple[Field, ...]:
    """The parts of an address, the codes that picklists bring, and the read-only whole."""
    whole = f"{prefix}Address"
    start = f"{label} " if label else ""
    part = {"compound": whole}
    switched = {"restricted": True, "feature": "state_country_picklists", **part}
    return (
        area(f"{prefix}Street", f"{start}Street", 255, **part),
        text(f"{prefix}City", f"{start}City", 40, **part),
        text(f"{prefix}State", f"{start}State/Province", 80, **part),
        text(f"{prefix}PostalCode", f"{start}Zip/Postal Code", 20, **part),
        text(f"{prefix}Country", f"{start}Country", 80, **part),
        pick(f"{prefix}StateCode", f"{start}State/Province Code", "", 10, **switched),
        pick(f"{prefix}CountryCode", f"{start}Country Code", "", 10, **switched),
        number(f"{prefix}Latitude", f"{start}Latitude", 18, 15, **part),
        number(f"{prefix}Longitude", f"{start}Longitude", 18, 15, **part),
        pick(f"{prefix}GeocodeAccuracy", f"{start}Geocode Accuracy", _GEO, 40, restricted=True, **part),
        Field(whole, f"{start}Address", "address", createable=False, updateable=False),
    )


def phone(name: str, label: str) -> Field:
    return Field(name, label, "phone", 40)


def _seen() -> tuple[Field, ...]:
    fixed: dict[str, Any] = {"createable": False, "updateable": False}
    return (
        moment("LastViewedDate", "Last Viewed Date", **fixed),
        moment("LastReferencedDate", "Last Referenced Date", **fixed),
    )


def _account() -> SObject:
    return sobject(
        "Account",
        "Account",
        "Accounts",
        "001",
        text("Name", "Account Name", 255, nillable=False, name_field=True, id_lookup=True),
        pick("Type", "Account Type", "Prospect|Customer - Direct|Customer - Channel|Partner|Other"),
        ref("ParentId", "Parent Account ID", "Account", "ChildAccounts"),
        *address("Billing", "Billing"),
        *address("Shipping", "Shipping"),
        phone("Phone", "Account Phone"),
        phone("Fax", "Account Fax"),
        text("AccountNumber", "Account Number", 40),
        Field("Website", "Website", "url", 255),
        pick("Industry", "Industry", INDUSTRIES),
        money("AnnualRevenue", "Annual Revenue"),
        number("NumberOfEmployees", "Employees", 8, 0, "int"),
        area("Description", "Account Description", 32_000),
        pick("Rating", "Account Rating", "Hot|Warm|Cold"),
        text("Site", "Account Site", 80),
        pick("AccountSource", "Account Source", SOURCES),
        currency_code(),
        owner(),
        day("LastActivityDate", "Last Activity", createable=False, updateable=False),
        *_seen(),
    )


def _contact() -> SObject:
    return sobject(
        "Contact",
        "Contact",
        "Contacts",
        "003",
        ref("AccountId", "Account ID", "Account", "Contacts", cascade=True),
        text("LastName", "Last Name", 80, nillable=False),
        text("FirstName", "First Name", 40),
        pick("Salutation", "Salutation", "Mr.|Ms.|Mrs.|Dr.|Prof.", 40),
        text("Name", "Full Name", 121, nillable=False, createable=False, updateable=False, name_field=True),
        *address("Mailing", "Mailing"),
        *address("Other", "Other"),
        phone("Phone", "Business Phone"),
        phone("MobilePhone", "Mobile Phone"),
        Field("Email", "Email", "email", 80, id_lookup=True),
        text("Title", "Title", 128),
        text("Department", "Department", 80),
        pick("LeadSource", "Lead Source", SOURCES),
        ref("ReportsToId", "Reports To ID", "Contact"),
        area("Description", "Contact Description", 32_000),
        flag("HasOptedOutOfEmail", "Email Opt Out"),
        currency_code(),
        owner(),
        day("LastActivityDate", "Last Activity", createable=False, updateable=False),
        *_seen(),
    )


def _lead() -> SObject:
    fixed: dict[str, Any] = {"createable": False, "updateable": False}
    statuses = "*Open - Not Contacted|Working - Contacted|Closed - Converted|Closed - Not Converted"
    return sobject(
        "Lead",
        "Lead",
        "Leads",
        "00Q",
        text("LastName", "Last Name", 80, nillable=False),
        text("FirstName", "First Name", 40),
        pick("Salutation", "Salutation", "Mr.|Ms.|Mrs.|Dr.|Prof.", 40),
        text("Name", "Full Name", 121, nillable=False, createable=False, updateable=False, name_field=True),
        text("Title", "Title", 128),
        text("Company", "Company", 255, nillable=False),
        *address("", ""),
        phone("Phone", "Phone"),
        phone("MobilePhone", "Mobile Phone"),
        Field("Email", "Email", "email", 80, id_lookup=True),
        Field("Website", "Website", "url", 255),
        area("Description", "Description", 32_000),
        pick("LeadSource", "Lead Source", SOURCES),
        pick("Status", "Status", statuses, nillable=False, defaulted=True),
        pick("Industry", "Industry", INDUSTRIES),
        pick("Rating", "Rating", "Hot|Warm|Cold"),
        money("AnnualRevenue", "Annual Revenue"),
        number("NumberOfEmployees", "Employees", 8, 0, "int"),
        currency_code(),
        owner(),
        flag("IsConverted", "Converted", **fixed),
        day("ConvertedDate", "Converted Date", **fixed),
        ref("ConvertedAccountId", "Converted Account ID", "Account", **fixed),
        ref("ConvertedContactId", "Converted Contact ID", "Contact", **fixed),
        ref("ConvertedOpportunityId", "Converted Opportunity ID", "Opportunity", **fixed),
        flag("IsUnreadByOwner", "Unread By Owner"),
        *_seen(),
    )


def _campaign() -> SObject:
    return sobject(
        "Campaign",
        "Campaign",
        "Campaigns",
        "701",
        text("Name", "Name", 80, nillable=False, name_field=True, id_lookup=True),
        pick("Type", "Type", "Conference|Webinar|Partners|Email|Other", 40),
        pick("Status", "Status", "*Planned|In Progress|Completed|Aborted", 40),
        day("StartDate", "Start Date"),
        day("EndDate", "End Date"),
        flag("IsActive", "Active"),
        currency_code(),
        owner(),
    )


def customer_objects() -> list[SObject]:
    """The objects about whom one sells to."""
    return [_account(), _contact(), _lead(), _campaign()]
