"""Users, teams, business units, roles, the organization, currencies (sheet section 6)."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.drafting import READ_ONLY, active, flag, look, memo, table, text, to, whole


def people_tables() -> list[Table]:
    return [_user(), _team(), _unit(), _role(), _organization(), _currency()]


def _business_unit(name: str, collection: str) -> Column:
    return look(name, "Business Unit", to("businessunit", name, collection, "restrict"))


def _user() -> Table:
    return table(
        "systemuser",
        "systemusers",
        "User",
        "Users",
        8,
        text("firstname", "First Name", 256),
        text("lastname", "Last Name", 256),
        text("fullname", "Full Name", 200, **READ_ONLY),
        text("internalemailaddress", "Primary Email", 100, format="Email"),
        text("address1_telephone1", "Main Phone", 64, format="Phone"),
        text("mobilephone", "Mobile Phone", 64, format="Phone"),
        text("domainname", "User Name", 1024),
        Column("azureactivedirectoryobjectid", "Azure AD Object ID", "uniqueidentifier"),
        Column("applicationid", "Application ID", "uniqueidentifier"),
        flag("isdisabled", "Status"),
        whole("accessmode", "Access Mode"),
        _business_unit("businessunitid", "business_unit_system_users"),
        look(
            "transactioncurrencyid",
            "Currency",
            to("transactioncurrency", "transactioncurrencyid", "transactioncurrency_systemuser"),
        ),
        schema_name="SystemUser",
        primary_name="fullname",
        ownership="BusinessOwned",
        deletable=False,
    )


def _team() -> Table:
    return table(
        "team",
        "teams",
        "Team",
        "Teams",
        9,
        text("name", "Team Name", 160, required="SystemRequired"),
        memo("description", "Description"),
        _business_unit("businessunitid", "business_unit_teams"),
        look(
            "administratorid",
            "Administrator",
            to("systemuser", "administratorid", "lk_teambase_administratorid"),
        ),
        flag("isdefault", "Is Default", **READ_ONLY),
        schema_name="Team",
        ownership="BusinessOwned",
    )


def _unit() -> Table:
    return table(
        "businessunit",
        "businessunits",
        "Business Unit",
        "Business Units",
        10,
        text("name", "Name", 160, required="SystemRequired"),
        look(
            "parentbusinessunitid",
            "Parent Business",
            to("businessunit", "parentbusinessunitid", "business_unit_parent_business_unit"),
        ),
        flag("isdisabled", "Is Disabled", **READ_ONLY),
        schema_name="BusinessUnit",
        ownership="BusinessOwned",
    )


def _role() -> Table:
    return table(
        "role",
        "roles",
        "Security Role",
        "Security Roles",
        1036,
        text("name", "Name", 100, required="SystemRequired"),
        memo("description", "Description"),
        _business_unit("businessunitid", "business_unit_roles"),
        look(
            "roletemplateid",
            "Role Template",
            to("roletemplate", "roletemplateid", "role_template_roles"),
            **READ_ONLY,
        ),
        Column("iscustomizable", "Customizable", "managedproperty", default=True),
        flag("ismanaged", "Is Managed", **READ_ONLY),
        schema_name="Role",
        ownership="BusinessOwned",
    )


def _organization() -> Table:
    return table(
        "organization",
        "organizations",
        "Organization",
        "Organizations",
        1019,
        text("name", "Organization Name", 160),
        look(
            "basecurrencyid",
            "Currency",
            to("transactioncurrency", "basecurrencyid", "basecurrency_organization", "restrict"),
            **READ_ONLY,
        ),
        whole("languagecode", "Language", **READ_ONLY),
        whole("expirechangetrackingindays", "Days to Expire Change Tracking Deleted Records", 0, 365),
        schema_name="Organization",
        ownership="None",
        creatable=False,
        deletable=False,
        can_change_tracking=False,
    )


def _currency() -> Table:
    return table(
        "transactioncurrency",
        "transactioncurrencies",
        "Currency",
        "Currencies",
        9105,
        text("currencyname", "Currency Name", 100, required="SystemRequired"),
        text("isocurrencycode", "Currency Code", 5, required="SystemRequired"),
        text("currencysymbol", "Currency Symbol", 10, required="SystemRequired"),
        whole("currencyprecision", "Currency Precision", 0, 4, default=2),
        Column(
            "exchangerate", "Exchange Rate", "decimal", precision=10, low=0.0000000001, high=100_000_000_000
        ),
        active(),
        schema_name="TransactionCurrency",
        primary_name="currencyname",
        ownership="OrganizationOwned",
    )
