"""Account and contact (sheet section 6)."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.drafting import (
    READ_ONLY,
    active,
    currency,
    flag,
    look,
    memo,
    money,
    pick,
    table,
    text,
    to,
    whole,
)


def address() -> tuple[Column, ...]:
    """The first address of a customer or lead; the country is free text."""
    return (
        text("address1_line1", "Street 1", 250),
        text("address1_line2", "Street 2", 250),
        text("address1_line3", "Street 3", 250),
        text("address1_city", "City", 80),
        text("address1_stateorprovince", "State/Province", 50),
        text("address1_postalcode", "ZIP/Postal Code", 20),
        text("address1_country", "Country/Region", 80),
    )


INDUSTRIES = (
    "Accounting|Agriculture and Non-petrol Natural Resource Extraction|Broadcasting Printing and Publishing"
    "|Brokers|Building Supply Retail|Business Services|Consulting|Consumer Services"
)
KINDS = (
    "1 Competitor|2 Consultant|3 Customer|4 Investor|5 Partner|6 Influencer|7 Press|8 Prospect|9 Reseller"
    "|10 Supplier|11 Vendor|12 Other"
)


def customer_tables() -> list[Table]:
    return [_account(), _contact()]


def _account() -> Table:
    return table(
        "account",
        "accounts",
        "Account",
        "Accounts",
        1,
        text("name", "Account Name", 160, required="ApplicationRequired"),
        text("accountnumber", "Account Number", 20),
        text("telephone1", "Main Phone", 50, format="Phone"),
        text("emailaddress1", "Email", 100, format="Email"),
        text("websiteurl", "Website", 200, format="Url"),
        address(),
        whole("numberofemployees", "Number of Employees", 0, 1_000_000_000),
        money("revenue", "Annual Revenue", low=0, high=100_000_000_000_000),
        pick("industrycode", "Industry", INDUSTRIES, first=1),
        pick("customertypecode", "Relationship Type", KINDS),
        look(
            "primarycontactid",
            "Primary Contact",
            to("contact", "primarycontactid", "account_primary_contact"),
        ),
        look("parentaccountid", "Parent Account", to("account", "parentaccountid", "account_parent_account")),
        memo("description", "Description"),
        currency("account"),
        active(),
        schema_name="Account",
        change_tracking=True,
        has_notes=True,
    )


def _contact() -> Table:
    return table(
        "contact",
        "contacts",
        "Contact",
        "Contacts",
        2,
        text("firstname", "First Name", 50),
        text("lastname", "Last Name", 50, required="ApplicationRequired"),
        text("fullname", "Full Name", 160, **READ_ONLY),
        text("emailaddress1", "Email", 100, format="Email"),
        text("telephone1", "Business Phone", 50, format="Phone"),
        text("mobilephone", "Mobile Phone", 50, format="Phone"),
        text("jobtitle", "Job Title", 100),
        look(
            "parentcustomerid",
            "Company Name",
            to("account", "parentcustomerid_account", "contact_customer_accounts", "cascade"),
            to("contact", "parentcustomerid_contact", "contact_customer_contacts", "cascade"),
        ),
        address(),
        memo("description", "Description"),
        flag("donotemail", "Do not allow Emails"),
        currency("contact"),
        active(),
        schema_name="Contact",
        primary_name="fullname",
        change_tracking=True,
        has_notes=True,
    )
