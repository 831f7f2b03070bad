"""What publishers, solutions, roles, forms and views must be like (sheet sections 1.3, 5.1 and 5.2)."""

from __future__ import annotations

import re

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing.forms import check_form, check_view
from cosell.sandbox.dataverse.customizing.naming import is_prefix
from cosell.sandbox.dataverse.errors import invalid, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import PACKING
from cosell.sandbox.dataverse.store import Row

_UNIQUE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_VERSION = re.compile(r"\d+(\.\d+){1,3}")
_LEAST, _MOST = 10_000, 99_999


def check(org: Org, actor: Actor, table: Table, old: Row | None, row: Row) -> None:
    """Refuses a row that describes no customization the environment could hold."""
    if table.name not in PACKING:
        return
    for column in table.columns.values():
        if column.required == "SystemRequired" and column.creatable and row.get(column.name) is None:
            raise refusal(400, "0x80040200", f"Required field '{column.name}' is missing.")
    match table.name:
        case "publisher":
            _publisher(org, old, row)
        case "solution":
            _solution(org, old, row)
        case "systemform":
            _may_change(old)
            check_form(org, row)
        case "savedquery":
            _may_change(old)
            check_view(org, row)
        case "role":
            _may_change(old)


def _publisher(org: Org, old: Row | None, row: Row) -> None:
    if old is not None and old.get("isreadonly"):
        name = row["uniquename"]
        raise refusal(400, "0x8004f017", f"Restricted publisher ({name}) cannot be updated.")
    if not _UNIQUE.fullmatch(str(row["uniquename"])):
        raise refusal(400, "0x8004f01c", "Publisher uniquename is required.")
    if not is_prefix(row["customizationprefix"]):
        text = (
            "The customization prefix has 2 to 8 characters, letters and digits, begins with a letter and not"
            " with 'mscrm'."
        )
        raise invalid(text)
    if not _LEAST <= row["customizationoptionvalueprefix"] <= _MOST:
        text = f"CustomizationOptionValuePrefix must be a number between {_LEAST} and {_MOST}"
        raise refusal(400, "0x80048402", text)
    if _taken(org, "publisher", row):
        raise refusal(412, "0x80040237", "A record with matching key values already exists.")


def _solution(org: Org, old: Row | None, row: Row) -> None:
    name = str(row["uniquename"])
    if old is not None and old.get("ismanaged"):
        text = f"Cannot update solution '{name}' because it is a managed solution."
        raise refusal(400, "0x8004f024", text)
    if not _UNIQUE.fullmatch(name):
        text = (
            "Invalid character specified for solution unique name. Only characters within the ranges [A-Z],"
            " [a-z], [0-9] or _ are allowed. The first character may only be in the ranges [A-Z], [a-z] or _."
        )
        raise refusal(400, "0x8004f002", text)
    if not _VERSION.fullmatch(str(row["version"])):
        raise refusal(400, "0x8004f01e", "An invalid solution version was specified.")
    if _taken(org, "solution", row):
        text = f"The solution unique name '{name}' is already being used and cannot be used again."
        raise refusal(400, "0x8004f023", text)


def _taken(org: Org, table: str, row: Row) -> bool:
    others = org.store.table(table).ids_where("uniquename", row["uniquename"])
    return any(one != row.get(f"{table}id") for one in others)


def _may_change(old: Row | None) -> None:
    if old is not None and old.get("iscustomizable") is False:
        raise refusal(400, "0x8004f015", "The component cannot be changed because it is not customizable")
