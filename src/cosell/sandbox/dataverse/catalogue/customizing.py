"""What describes and packs customizations: publishers, solutions, forms, views, privileges (sheet 1.3, 5)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.drafting import (
    READ_ONLY,
    active,
    decimal,
    flag,
    look,
    memo,
    moment,
    pick,
    table,
    text,
    to,
    whole,
)

FORM_TYPES = "0 Dashboard|2 Main|5 Mobile - Express|6 Quick View Form|7 Quick Create|11 Card"
COMPONENTS = (
    "1 Entity|2 Attribute|9 Option Set|10 Entity Relationship|14 Entity Key|20 Role|24 Form|26 Saved Query"
    "|60 System Form|61 Web Resource|70 Field Security Profile|92 SDK Message Processing Step"
    "|95 Service Endpoint"
)
_PLAIN: dict[str, Any] = {"ownership": "OrganizationOwned", "can_change_tracking": False}


def customizing_tables() -> list[Table]:
    return [
        _publisher(),
        _solution(),
        _component(),
        _import_job(),
        _form(),
        _view(),
        _privilege(),
        _role_template(),
    ]


def _may_be_customized() -> Column:
    return Column("iscustomizable", "Customizable", "managedproperty", default=True)


def _managed() -> Column:
    return flag("ismanaged", "Is Managed", **READ_ONLY)


def _publisher() -> Table:
    return table(
        "publisher",
        "publishers",
        "Publisher",
        "Publishers",
        7101,
        text("uniquename", "Name", 256, required="SystemRequired", updatable=False),
        text("friendlyname", "Display Name", 256, required="SystemRequired"),
        memo("description", "Description"),
        text("customizationprefix", "Prefix", 8, required="SystemRequired"),
        whole("customizationoptionvalueprefix", "Option Value Prefix", required="SystemRequired"),
        text("emailaddress", "Email", 100, format="Email"),
        text("supportingwebsiteurl", "Website", 200, format="Url"),
        flag("isreadonly", "Is Read-Only Publisher", **READ_ONLY),
        schema_name="Publisher",
        primary_name="friendlyname",
        **_PLAIN,
    )


def _solution() -> Table:
    return table(
        "solution",
        "solutions",
        "Solution",
        "Solutions",
        7100,
        text("uniquename", "Name", 65, required="SystemRequired", updatable=False),
        text("friendlyname", "Display Name", 256, required="SystemRequired"),
        memo("description", "Description"),
        text("version", "Version", 256, required="SystemRequired"),
        look(
            "publisherid",
            "Publisher",
            to("publisher", "publisherid", "publisher_solution", "restrict"),
            required="SystemRequired",
        ),
        _managed(),
        flag("isvisible", "Is Visible Outside Platform", default=True, **READ_ONLY),
        moment("installedon", "Installed On", **READ_ONLY),
        schema_name="Solution",
        primary_name="friendlyname",
        **_PLAIN,
    )


def _component() -> Table:
    return table(
        "solutioncomponent",
        "solutioncomponents",
        "Solution Component",
        "Solution Components",
        7103,
        pick("componenttype", "Object Type Code", COMPONENTS),
        Column("objectid", "Regarding", "uniqueidentifier"),
        look("solutionid", "Solution", to("solution", "solutionid", "solution_solutioncomponent", "cascade")),
        pick(
            "rootcomponentbehavior",
            "Include Behavior",
            "0 Include Subcomponents|1 Do not include subcomponents|2 Include As Shell Only",
        ),
        schema_name="SolutionComponent",
        primary_name=None,
        creatable=False,
        updatable=False,
        deletable=False,
        **_PLAIN,
    )


def _import_job() -> Table:
    return table(
        "importjob",
        "importjobs",
        "Import Job",
        "Import Jobs",
        9107,
        text("name", "Name", 255),
        text("solutionname", "Solution Name", 100),
        memo("data", "Data", 1_073_741_823),
        decimal("progress", "Progress", 10, low=0, high=100),
        moment("startedon", "Started On"),
        moment("completedon", "Completed On"),
        schema_name="ImportJob",
        creatable=False,
        updatable=False,
        **_PLAIN,
    )


def _form() -> Table:
    return table(
        "systemform",
        "systemforms",
        "System Form",
        "System Forms",
        1030,
        text("name", "Name", 100, required="SystemRequired"),
        memo("description", "Description"),
        text("objecttypecode", "Entity Name", 64, required="SystemRequired", updatable=False),
        pick("type", "Form Type", FORM_TYPES, required="SystemRequired", updatable=False),
        memo("formxml", "Form XML", 1_073_741_823),
        flag("isdefault", "Default Form", **READ_ONLY),
        pick("formactivationstate", "Form State", "0 Inactive|1 Active", default=1),
        _may_be_customized(),
        _managed(),
        schema_name="SystemForm",
        primary_id="formid",
        **_PLAIN,
    )


def _view() -> Table:
    return table(
        "savedquery",
        "savedqueries",
        "View",
        "Views",
        1039,
        text("name", "Name", 200, required="SystemRequired"),
        memo("description", "Description"),
        text("returnedtypecode", "Entity Name", 64, required="SystemRequired", updatable=False),
        whole("querytype", "Query Type", 0, 1_000_000_000, updatable=False),
        memo("fetchxml", "Fetch XML", 1_073_741_823),
        memo("layoutxml", "Layout XML", 1_073_741_823),
        flag("isdefault", "Default View"),
        flag("isquickfindquery", "Is Quick Find Query"),
        _may_be_customized(),
        _managed(),
        active(),
        schema_name="SavedQuery",
        **_PLAIN,
    )


def _privilege() -> Table:
    return table(
        "privilege",
        "privileges",
        "Privilege",
        "Privileges",
        1023,
        text("name", "Name", 100),
        whole("accessright", "Access Right"),
        flag("canbebasic", "Can be basic"),
        flag("canbelocal", "Can be local"),
        flag("canbedeep", "Can be deep"),
        flag("canbeglobal", "Can be global"),
        schema_name="Privilege",
        creatable=False,
        updatable=False,
        deletable=False,
        **_PLAIN,
    )


def _role_template() -> Table:
    return table(
        "roletemplate",
        "roletemplates",
        "Role Template",
        "Role Templates",
        1037,
        text("name", "Name", 100),
        schema_name="RoleTemplate",
        creatable=False,
        updatable=False,
        deletable=False,
        **_PLAIN,
    )
