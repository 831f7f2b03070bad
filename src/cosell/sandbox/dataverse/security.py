"""What the roles of the application user allow (sheet sections 1.3 and 1.5); sellers may do everything."""

from __future__ import annotations

from typing import Literal

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import no_privilege
from cosell.sandbox.dataverse.org import Org

Right = Literal["Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign"]
_NOUNS = {"annotation": "Note", "systemuser": "User", "opportunityclose": "Activity"}


def privilege(table: Table, right: Right) -> str:
    """The name of a privilege, ``prvReadOpportunity``."""
    return f"prv{right}{_NOUNS.get(table.name, table.schema_name)}"


def require(org: Org, actor: Actor, table: Table, right: Right) -> None:
    """Refuses an act the actor lacks the privilege for."""
    if not actor.secured or not org.settings.missing_privileges:
        return
    wanted = privilege(table, right)
    if wanted.lower() in {one.lower() for one in org.settings.missing_privileges}:
        raise no_privilege(actor.user_id, wanted)


def require_whole_table(org: Org, actor: Actor, table: Table) -> None:
    """Refuses change tracking to an actor who may not read every row of the table (trap 5)."""
    require(org, actor, table, "Read")
    if actor.secured and table.name in org.settings.limited_read:
        raise no_privilege(actor.user_id, privilege(table, "Read"), " at organization depth")
