"""Which state and status a row may take (sheet section 3, trap 2)."""

from __future__ import annotations

from cosell.sandbox.dataverse.columns import Choice, Column, Table
from cosell.sandbox.dataverse.errors import DataverseError, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Row

_MESSAGES = {1: "WinOpportunity", 2: "LoseOpportunity"}
_STATE = frozenset({"statecode", "statuscode"})


def settle_state(org: Org, table: Table, old: Row | None, row: Row, given: Row) -> None:
    """Fills in the state and status of a row about to be stored, or refuses them."""
    column = table.state
    if column is None:
        return
    if table.name == "opportunity":
        _check_opportunity(org, column, old, row, given)
    status = table.columns["statuscode"]
    if row.get("statecode") is None:
        row["statecode"] = 0
    if given.get("statuscode") is None and ("statecode" in given or row.get("statuscode") is None):
        row["statuscode"] = default_status(table, row["statecode"])
    check_status(status, row["statecode"], row["statuscode"])


def default_status(table: Table, state: int) -> int:
    """The status reason a state comes with."""
    column = table.columns["statecode"]
    found = column.choice(state)
    if found is None:
        raise _bad_status(state)
    if found.default_status is not None:
        return found.default_status
    return next(one.value for one in table.columns["statuscode"].choices if one.state == state)


def check_status(status: Column, state: int, value: int) -> Choice:
    """The status reason, refused if it does not belong to the state."""
    found = status.choice(value)
    if found is None or found.state != state:
        raise _bad_status(state, value)
    return found


def _bad_status(state: int, value: int | None = None) -> DataverseError:
    shown = "" if value is None else f"{value} "
    return refusal(400, "0x80048408", f"{shown}is not a valid status code for state code {state}.")


def _check_opportunity(org: Org, column: Column, old: Row | None, row: Row, given: Row) -> None:
    before = old["statecode"] if old else 0
    wanted = given.get("statecode")
    if wanted in _MESSAGES:
        raise _wrong_message(column, wanted)
    if old is None:
        return
    if before == 0:
        if wanted == 0 and org.settings.reopening_open_refused:
            raise refusal(400, "0x8004051a", "The opportunity is already in the open state.")
        return
    reopens = wanted == 0
    others = set(given) - _STATE
    if org.settings.closed_rows_read_only and (
        not reopens or (others and not org.settings.reopening_takes_values)
    ):
        text = "The opportunity is closed and cannot be changed before it is reopened."
        raise refusal(400, "0x80040233", text)
    if reopens and org.settings.reopening_clears_actuals:
        for name in {"actualvalue", "actualclosedate"} - others:
            row.pop(name, None)


def _wrong_message(column: Column, wanted: int) -> DataverseError:
    label = column.choice(wanted)
    text = (
        "This message can not be used to set the state of opportunity to"
        f" {label.label if label else wanted}. In order to set state of opportunity to"
        f" {label.label if label else wanted}, use the {_MESSAGES[wanted]} message instead."
    )
    return refusal(400, "0x80100005", text)
