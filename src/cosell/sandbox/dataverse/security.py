"""What a user's roles allow, and how far (sheet sections 1.3 and 1.5); sellers' rows are never refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Literal

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.errors import no_privilege, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.schema import Schema
from cosell.sandbox.dataverse.store import Ref, Row

Right = Literal["Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share"]
RIGHTS: tuple[Right, ...] = ("Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share")
ADMINISTRATOR = "627090ff-40a3-4053-8790-584edc5be201"
"""The template of System Administrator; its id is the same in every environment."""
CUSTOMIZER = "119f245c-3cc8-4b62-b31c-d1a046ced15d"
ON_BEHALF = "prvActOnBehalfOfAnotherUser"
CUSTOMIZING = frozenset(
    {
        *(f"prv{act}{what}" for act in ("Create", "Write", "Delete") for what in ("Entity", "Attribute")),
        *(
            f"prv{act}{what}"
            for act in ("Create", "Write", "Delete")
            for what in ("Relationship", "OptionSet")
        ),
        "prvPublishCustomization",
        "prvImportCustomization",
        "prvExportCustomization",
    }
)
"""What changes definitions asks for (the privilege reference of Microsoft's developer guide)."""
PACKING = frozenset(
    {"publisher", "solution", "solutioncomponent", "importjob", "systemform", "savedquery", "role"}
)
"""The tables whose rows are customizations themselves."""
_NOUNS = {
    "annotation": "Note",
    "systemuser": "User",
    "opportunityclose": "Activity",
    "savedquery": "Query",
    "product": "Product",
}
_SHARED_BY_OWNERS = frozenset({"Assign", "Share"})
Depths = Mapping[str, "Depth"]


class Depth(IntEnum):
    """How far a privilege reaches, as PrivilegeDepth numbers it."""

    BASIC = 0
    LOCAL = 1
    DEEP = 2
    GLOBAL = 3

    @property
    def word(self) -> str:
        return self.name.capitalize()

    @property
    def mask(self) -> int:
        """As the rows of roleprivileges write it."""
        return 1 << self.value


def privilege(table: Table, right: Right) -> str:
    """The name of a privilege, ``prvReadOpportunity``."""
    return f"prv{right}{_NOUNS.get(table.name, table.schema_name)}"


def table_privileges(table: Table) -> Iterable[tuple[str, Right]]:
    """The privileges there are for a table; only rows with an owner can be assigned and shared."""
    owned = table.ownership == "UserOwned" or table.name in ("role", "team")
    for right in RIGHTS:
        if owned or right not in _SHARED_BY_OWNERS:
            yield privilege(table, right), right


def all_privileges(schema: Schema) -> dict[str, Table | None]:
    """Every privilege by its name, with the table it is for."""
    found: dict[str, Table | None] = {
        name: table for table in schema.tables.values() for name, _ in table_privileges(table)
    }
    return found | dict.fromkeys([*sorted(CUSTOMIZING), ON_BEHALF])


def depths(org: Org, user_id: str) -> Depths:
    """The privileges a user holds through roles, by their names in lower case."""
    store = org.store
    stamp = (
        store.table("systemuserroles").changes,
        store.table("roleprivileges").changes,
        store.table("role").changes,
        org.schema.generation,
    )
    known = org.held.get(user_id)
    if known is not None and known[0] == stamp:
        return known[1]
    held: dict[str, Depth] = {}
    for role_id in roles_of(org, user_id):
        for name, depth in role_depths(org, role_id).items():
            held[name.lower()] = max(depth, held.get(name.lower(), depth))
    org.held[user_id] = (stamp, held)
    return held


def roles_of(org: Org, user_id: str) -> list[str]:
    pairs = org.store.table("systemuserroles")
    return [str(pairs.live[one]["roleid"]) for one in pairs.ids_where("systemuserid", user_id)]


def role_depths(org: Org, role_id: str) -> dict[str, Depth]:
    """What a role grants, by the names of the privileges."""
    role = org.store.get("role", role_id) or {}
    template = role.get("roletemplateid")
    if isinstance(template, Ref) and template.id == ADMINISTRATOR:
        return dict.fromkeys(all_privileges(org.schema), Depth.GLOBAL)
    granted = _customizers(org.schema) if isinstance(template, Ref) and template.id == CUSTOMIZER else {}
    pairs = org.store.table("roleprivileges")
    for one in pairs.ids_where("roleid", role_id):
        pair = pairs.live[one]
        named = org.store.get("privilege", pair["privilegeid"])
        if named is not None:
            granted[str(named["name"])] = Depth(int(pair["privilegedepthmask"]).bit_length() - 1)
    return granted


def _customizers(schema: Schema) -> dict[str, Depth]:
    """System Customizer: definitions, what packs them, and every row of tables that were added."""
    granted = dict.fromkeys(CUSTOMIZING, Depth.GLOBAL)
    for table in schema.tables.values():
        whole = table.custom or table.name in PACKING
        for name, right in table_privileges(table):
            if whole:
                granted[name] = Depth.GLOBAL
            elif right == "Read":
                granted[name] = Depth.GLOBAL if table.ownership != "UserOwned" else Depth.BASIC
    return granted


def is_administrator(org: Org, user_id: str) -> bool:
    """Whether a user sees secured columns too."""
    found = (org.store.get("role", one) or {} for one in roles_of(org, user_id))
    return any(one.get("roletemplateid") == Ref("roletemplate", ADMINISTRATOR) for one in found)


def hides(org: Org, actor: Actor, column: Column) -> bool:
    """Whether a column shows nothing to an actor: it is secured, and no profile of the actor names it."""
    return column.secured and actor.secured and not is_administrator(org, actor.user_id)


def require_columns(org: Org, actor: Actor, table: Table, names: Iterable[str]) -> None:
    """Refuses to write what is hidden or locked."""
    locked = org.settings.locked_columns if actor.secured else frozenset()
    if any(f"{table.name}.{one}" in locked or hides(org, actor, table.columns[one]) for one in names):
        text = (
            "The user doesn't have AttributePrivilegeUpdate and not granted shared access for a secured"
            " attribute during update operation"
        )
        raise refusal(403, "0x8004f507", text)


def require(org: Org, actor: Actor, table: Table, right: Right) -> None:
    """Refuses an act the actor lacks the privilege for."""
    if actor.secured:
        _require(org, actor, privilege(table, right))


def require_named(org: Org, actor: Actor, name: str) -> None:
    """Refuses who changes customizations without the privilege, people as well as applications."""
    _require(org, actor, name)


def _require(org: Org, actor: Actor, name: str) -> None:
    wanted = name.lower()
    missing = org.settings.missing_privileges
    if wanted not in depths(org, actor.user_id) or (missing and wanted in {one.lower() for one in missing}):
        raise no_privilege(actor.user_id, name)
    # Who acts for somebody may do only what both may.
    if actor.on_behalf_of is not None and wanted not in depths(org, actor.on_behalf_of):
        raise no_privilege(actor.on_behalf_of, name)


def require_whole_table(org: Org, actor: Actor, table: Table) -> None:
    """Refuses change tracking to an actor who may not read every row of the table (trap 5)."""
    require(org, actor, table, "Read")
    if not actor.secured:
        return
    if table.name in org.settings.limited_read or _depth(org, actor, table, "Read") is not Depth.GLOBAL:
        raise no_privilege(actor.user_id, privilege(table, "Read"), " at organization depth")


def may_impersonate(org: Org, actor: Actor) -> bool:
    """Whether an actor may act for somebody else."""
    return not actor.secured or (
        org.settings.may_impersonate and ON_BEHALF.lower() in depths(org, actor.user_id)
    )


def visible(org: Org, actor: Actor, table: Table, rows: list[Row]) -> list[Row]:
    """The rows that the actor's right to read reaches."""
    if not actor.secured or _depth(org, actor, table, "Read") is Depth.GLOBAL:
        return rows
    return [row for row in rows if _reaches(org, actor, table, "Read", row)]


def require_row(org: Org, actor: Actor, table: Table, right: Right, row: Row) -> None:
    """Refuses an act on a row that the actor's privilege does not reach."""
    if actor.secured and not _reaches(org, actor, table, right, row):
        text = (
            f"SecLib::AccessCheckEx failed. Principal user (Id={actor.user_id}, type=8) lacks {right} access"
            f" to the {table.name} with Id = {row[table.primary_id]}."
        )
        raise refusal(403, "0x80048306", text)


def _depth(org: Org, actor: Actor, table: Table, right: Right) -> Depth:
    return depths(org, actor.user_id).get(privilege(table, right).lower(), Depth.BASIC)


def _reaches(org: Org, actor: Actor, table: Table, right: Right, row: Row) -> bool:
    if "ownerid" not in table.columns:
        return True
    match _depth(org, actor, table, right):
        case Depth.GLOBAL:
            return True
        case Depth.BASIC:
            return row.get("ownerid") == Ref("systemuser", actor.user_id)
        case _:
            user = org.store.get("systemuser", actor.user_id) or {}
            return bool(row.get("owningbusinessunit") == user.get("businessunitid"))
