"""Notes and connections: what hangs on a row (sheet section 6)."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.drafting import active, flag, look, memo, table, text, to

_SIDES = ("account", "contact", "opportunity", "lead", "systemuser")


def tie_tables() -> list[Table]:
    return [_annotation(), _connection(), _connection_role()]


def _annotation() -> Table:
    targets = (
        to("account", "objectid_account", "Account_Annotation", "cascade"),
        to("contact", "objectid_contact", "Contact_Annotation", "cascade"),
        to("opportunity", "objectid_opportunity", "Opportunity_Annotation", "cascade"),
        to("lead", "objectid_lead", "Lead_Annotation", "cascade"),
    )
    return table(
        "annotation",
        "annotations",
        "Note",
        "Notes",
        5,
        text("subject", "Title", 500),
        memo("notetext", "Description", 100_000),
        flag("isdocument", "Is Document"),
        text("filename", "File Name", 255),
        text("mimetype", "Mime Type", 256),
        memo("documentbody", "Document", 1_073_741_823),
        look("objectid", "Regarding", *targets),
        schema_name="Annotation",
        primary_name="subject",
        change_tracking=True,
    )


def _side(name: str, label: str, number: int) -> Column:
    targets = [to(one, f"{name}_{one}", f"{one}_connections{number}", "cascade") for one in _SIDES]
    return look(name, label, *targets)


def _connection() -> Table:
    return table(
        "connection",
        "connections",
        "Connection",
        "Connections",
        3234,
        text("name", "Name", 500, creatable=False, updatable=False),
        _side("record1id", "Connected From", 1),
        _side("record2id", "Connected To", 2),
        look(
            "record1roleid",
            "As this role (from)",
            to("connectionrole", "record1roleid", "connection_role_connections1"),
        ),
        look(
            "record2roleid",
            "As this role (to)",
            to("connectionrole", "record2roleid", "connection_role_connections2"),
        ),
        look(
            "relatedconnectionid",
            "Reciprocal Connection",
            to("connection", "relatedconnectionid", "connection_related_connection", "cascade"),
            creatable=False,
            updatable=False,
        ),
        memo("description", "Description"),
        flag("ismaster", "Is Master", creatable=False, updatable=False),
        active(),
        schema_name="Connection",
        change_tracking=True,
    )


def _connection_role() -> Table:
    return table(
        "connectionrole",
        "connectionroles",
        "Connection Role",
        "Connection Roles",
        3231,
        text("name", "Name", 100, required="ApplicationRequired"),
        memo("description", "Description"),
        active(),
        schema_name="ConnectionRole",
        ownership="OrganizationOwned",
    )
