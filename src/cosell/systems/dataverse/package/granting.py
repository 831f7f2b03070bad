"""Brings the security role in and gives it to the application user (reliability.md 12)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cosell.core.errors import Misconfigured
from cosell.crm.installing import Act, Step
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.odata import guid, literal, within
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.looking import State
from cosell.systems.dataverse.package.parts import Package, Role
from cosell.systems.dataverse.package.tasks import Task, keep
from cosell.systems.dataverse.rights import privilege
from cosell.systems.dataverse.wire import page_of

EVERYWHERE = "Global"
"""The depth of the whole organization, which change tracking asks for."""


def privileges(role: Role) -> tuple[str, ...]:
    """The names of all privileges of the role."""
    return tuple(privilege(table, right) for table, rights in role.rights.items() for right in rights)


def grants(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    """The role, and who has it."""
    role = package.role
    what = f"role {role.name}"
    if state.role is None:
        make = partial(_make, role, state.business_unit, calls)
        yield Task(Step(what, Act.CREATE, f"{len(privileges(role))} privileges"), make)
    elif lacking := _lacking(role, state):
        give = partial(_give, state.role.id, lacking, calls)
        yield Task(Step(what, Act.CHANGE, f"privileges added: {', '.join(lacking)}"), give)
    else:
        yield keep(what)
    yield _assignment(role, state, calls)


def _lacking(role: Role, state: State) -> tuple[str, ...]:
    held = state.role.depths if state.role is not None else {}
    return tuple(one for one in privileges(role) if held.get(one.lower()) != EVERYWHERE)


async def _make(role: Role, business_unit: str | None, calls: Calls) -> None:
    body = {"roleid": role.id, "name": role.name, "description": role.description}
    if business_unit is not None:
        body["businessunitid@odata.bind"] = f"/businessunits({business_unit})"
    await calls.create("roles", body, at=f"roles({role.id})")
    await _give(role.id, privileges(role), calls)


async def _give(role_id: str, names: tuple[str, ...], calls: Calls) -> None:
    """Adds privileges; a role may have others, which an administrator added."""
    query = {"$select": "privilegeid,name", "$filter": within("name", names)}
    answers = await calls.reads([read("privileges", query, ref="ids")])
    ids = {str(row.get("name")).lower(): guid(row.get("privilegeid")) for row in page_of(answers["ids"]).rows}
    unknown = [one for one in names if ids.get(one.lower()) is None]
    if unknown:
        raise Misconfigured(
            f"Dynamics 365 does not know the privileges {', '.join(unknown)}.",
            did="The role was made and lacks them; everything before it is done.",
            advice="Install again in a minute: privileges of a new table may take a moment to appear.",
        )
    told = [{"PrivilegeId": ids[one.lower()], "Depth": EVERYWHERE} for one in names]
    await calls.act(f"roles({role_id})/Microsoft.Dynamics.CRM.AddPrivilegesRole", {"Privileges": told})


def _assignment(role: Role, state: State, calls: Calls) -> Task:
    what = f"role {role.name} of the application user"
    if state.user_id is None:
        return Task(
            Step(
                what,
                Act.BY_HAND,
                "The environment has no application user for this app registration yet. Power Platform admin "
                "center, Environments, Settings, Application users: add one, then install again.",
            )
        )
    if state.assigned:
        return keep(what)
    return Task(Step(what, Act.CREATE), partial(_assign, role, state.user_id, calls))


async def _assign(role: Role, user_id: str, calls: Calls) -> None:
    """A user can have the copy of a role in the user's own business unit alone."""
    user = (await calls.get(f"systemusers({user_id})?$select=_businessunitid_value")).row
    query = {"$select": "roleid,_businessunitid_value", "$filter": f"name eq {literal(role.name)}"}
    rows = page_of((await calls.reads([read("roles", query, ref="roles")]))["roles"]).rows
    unit = guid(user.get("_businessunitid_value"))
    near = [row for row in rows if guid(row.get("_businessunitid_value")) == unit]
    role_id = guid((near or rows or [{}])[0].get("roleid")) or role.id
    await calls.associate(f"systemusers({user_id})/systemuserroles_association", f"roles({role_id})")
