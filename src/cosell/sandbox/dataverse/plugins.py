"""Plug-ins of the organization that refuse a write (sheet section 9: 0x80040265)."""

from __future__ import annotations

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import refusal
from cosell.sandbox.dataverse.odata import compile_filter
from cosell.sandbox.dataverse.odata.paths import Scope
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.settings import PlugIn
from cosell.sandbox.dataverse.store import Row


def run_plugins(org: Org, actor: Actor, table: Table, row: Row) -> None:
    """Refuses a row about to be stored when a plug-in of its table objects, sellers' rows included."""
    for one in org.settings.plugins:
        if one.table == table.name and _objects(org, actor, table, one, row):
            raise refusal(400, "0x80040265", one.message)


def _objects(org: Org, actor: Actor, table: Table, one: PlugIn, row: Row) -> bool:
    if callable(one.condition):
        return one.condition(row)
    scope = Scope(org, table, Actor(actor.user_id))
    return compile_filter(scope, one.condition, {})(row)
