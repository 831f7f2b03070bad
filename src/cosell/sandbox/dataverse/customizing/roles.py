"""Roles and their privileges, through the actions and functions made for them.

The names, parameters and answers are those of the Web API reference of AddPrivilegesRole,
ReplacePrivilegesRole, RemovePrivilegeRole, RetrieveRolePrivilegesRole and RetrieveUserPrivileges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing.furnishing import grant
from cosell.sandbox.dataverse.errors import (
    bad_request,
    invalid,
    no_segment,
    not_allowed,
    privilege_id,
    refusal,
)
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import Depth, all_privileges, depths, require_named, role_depths
from cosell.sandbox.dataverse.values import guid

_OF_ROLE = re.compile(r"RetrieveRolePrivilegesRole\(RoleId=(?P<id>[0-9A-Fa-f-]{36})\)")
_MEMBERS = frozenset(
    {"PrivilegeId", "PrivilegeName", "Depth", "BusinessUnitId", "RecordFilterId", "RecordFilterUniqueName"}
)


class Roles:
    """Answers what gives privileges to roles and what tells of them."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def resources(self) -> dict[str, Callable[[Call], Reply]]:
        """Who answers which first segment of a path."""
        return {"RetrieveRolePrivilegesRole": self.of_role}

    def bound_to_row(self) -> dict[str, Callable[[Call, Table, str], Reply]]:
        """The messages bound to a role or a user."""
        return {
            "AddPrivilegesRole": self.add,
            "ReplacePrivilegesRole": self.replace,
            "RemovePrivilegeRole": self.remove,
            "RetrieveUserPrivileges": self.of_user,
        }

    def add(self, call: Call, table: Table, row_id: str) -> Reply:
        """Gives privileges to a role beside those it has."""
        self._give(row_id, self._asked(call, table, row_id, "Privileges"))
        return Reply(204)

    def replace(self, call: Call, table: Table, row_id: str) -> Reply:
        """Gives a role these privileges and takes all others."""
        wanted = self._asked(call, table, row_id, "Privileges")
        for one in self._org.store.table("roleprivileges").ids_where("roleid", row_id):
            self._org.store.put("roleprivileges", one, None)
        self._give(row_id, wanted)
        return Reply(204)

    def remove(self, call: Call, table: Table, row_id: str) -> Reply:
        """Takes one privilege from a role."""
        self._check(call, table, row_id, "POST")
        named = guid(call.json().get("PrivilegeId"))
        if named is None or self._org.store.get("roleprivileges", f"{row_id}|{named}") is None:
            raise invalid("The role does not have that privilege.")
        self._org.store.put("roleprivileges", f"{row_id}|{named}", None)
        return Reply(204)

    def of_role(self, call: Call) -> Reply:
        """What a role grants."""
        if call.method != "GET":
            raise not_allowed(call.method)
        match = _OF_ROLE.fullmatch(_with_aliases(call))
        if match is None:
            raise bad_request("The parameter RoleId is missing.")
        role_id = match["id"].lower()
        if self._org.store.get("role", role_id) is None:
            raise refusal(404, "0x80040217", f"role With Id = {role_id} Does Not Exist")
        return self._listed(
            call, "RetrieveRolePrivilegesRoleResponse", role_depths(self._org, role_id).items()
        )

    def of_user(self, call: Call, table: Table, row_id: str) -> Reply:
        """What a user may do through all roles together."""
        if table.name != "systemuser":
            raise no_segment("Microsoft.Dynamics.CRM.RetrieveUserPrivileges")
        if call.method != "GET":
            raise not_allowed(call.method)
        held, missing = (
            depths(self._org, row_id),
            {one.lower() for one in self._org.settings.missing_privileges},
        )
        found = [
            (name, self._reach(held[name.lower()], owner))
            for name, owner in all_privileges(self._org.schema).items()
            if name.lower() in held and name.lower() not in missing
        ]
        return self._listed(call, "RetrieveUserPrivilegesResponse", found)

    def _reach(self, depth: Depth, owner: Table | None) -> Depth:
        limited = owner is not None and owner.name in self._org.settings.limited_read
        return Depth.BASIC if limited else depth

    def _listed(self, call: Call, kind: str, found: Iterable[tuple[str, Depth]]) -> Reply:
        made = [
            {
                "Depth": depth.word,
                "PrivilegeId": privilege_id(name),
                "BusinessUnitId": self._org.business_unit,
                "PrivilegeName": name,
                "RecordFilterId": "00000000-0000-0000-0000-000000000000",
                "RecordFilterUniqueName": None,
            }
            for name, depth in found
        ]
        context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.{kind}"
        return Reply(200, {"@odata.context": context, "RolePrivileges": made})

    def _check(self, call: Call, table: Table, row_id: str, method: str) -> None:
        if table.name != "role":
            raise no_segment(call.path.rpartition("/")[2])
        if call.method != method:
            raise not_allowed(call.method)
        require_named(self._org, call.actor, "prvWriteRole")
        role = self._org.store.get("role", row_id) or {}
        if role.get("roletemplateid") is not None:
            raise invalid(f"The role '{role.get('name')}' cannot be changed.")

    def _asked(self, call: Call, table: Table, row_id: str, name: str) -> list[tuple[str, Depth]]:
        self._check(call, table, row_id, "POST")
        given = call.json().get(name)
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise bad_request(f"The parameter {name} is not a collection of RolePrivilege.")
        asked = [self._one(one) for one in given]
        if len({named for named, _ in asked}) < len(asked):
            raise refusal(400, "0x8004140f", "A privilege is duplicated.")
        return asked

    def _one(self, given: Mapping[str, Any]) -> tuple[str, Depth]:
        unknown = {name for name in given if "@" not in name} - _MEMBERS
        if unknown:
            raise bad_request(f"The property '{sorted(unknown)[0]}' does not exist on type 'RolePrivilege'.")
        named = guid(given.get("PrivilegeId"))
        row = self._org.store.get("privilege", named) if named else None
        if row is None or named is None:
            raise refusal(404, "0x80040217", f"privilege With Id = {given.get('PrivilegeId')} Does Not Exist")
        try:
            depth = Depth[str(given.get("Depth")).upper()]
        except KeyError:
            raise bad_request(f"'{given.get('Depth')}' is not a value of PrivilegeDepth.") from None
        if not row[f"canbe{depth.word.lower()}"]:
            raise refusal(400, "0x8004140b", f"Invalid privilege depth for {row['name']}.")
        return named, depth

    def _give(self, role_id: str, asked: Iterable[tuple[str, Depth]]) -> None:
        for named, depth in asked:
            grant(self._org, role_id, named, depth)


def _with_aliases(call: Call) -> str:
    path = call.path.strip("/").removeprefix("Microsoft.Dynamics.CRM.")
    for name, value in call.options().items():
        if name.startswith("@"):
            path = path.replace(name, value)
    return path
