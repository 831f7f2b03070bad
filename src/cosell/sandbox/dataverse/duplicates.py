"""Duplicate detection, which a call of the Web API has to ask for (2.1)."""

from __future__ import annotations

from dataclasses import replace

from cosell.sandbox.dataverse.calls import Actor, Call
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Row

HEADER = "mscrm.suppressduplicatedetection"
TEXT = "A record was not created or updated because a duplicate of the current record already exists."


def asked_for(call: Call) -> Call:
    """The call, its actor marked when the header asks for detection; without the header there is none."""
    if (call.header(HEADER) or "").strip().lower() != "false":
        return call
    return replace(call, actor=replace(call.actor, detects_duplicates=True))


def refuse_duplicate(org: Org, actor: Actor, table: Table, old: Row | None, row: Row) -> None:
    """Refuses a row that agrees with another in the column of a rule, where the actor wants to know."""
    if not actor.detects_duplicates:
        return
    for rule in sorted(org.settings.duplicate_rules):
        name, _, column = rule.partition(".")
        value = row.get(column)
        if name != table.name or value is None or (old is not None and old.get(column) == value):
            continue
        others = org.store.table(table.name).ids_where(column, value)
        if any(one != row.get(table.primary_id) for one in others):
            raise DataverseError(org.settings.duplicates_found_status, "0x80040333", TEXT)
