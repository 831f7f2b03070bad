"""Many-to-many relationships: roles of users, members of teams (sheet section 1.2)."""

from __future__ import annotations

from cosell.sandbox.dataverse.addresses import read_reference
from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import bad_request, not_allowed
from cosell.sandbox.dataverse.keys import RowKey, find_row, read_key, row_missing
from cosell.sandbox.dataverse.lists import Lists
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.schema import ManyToMany
from cosell.sandbox.dataverse.security import require, require_named
from cosell.sandbox.dataverse.store import Row


class Pairs:
    """Reads, adds and removes the pairs of an intersect table."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(
        self,
        call: Call,
        table: Table,
        row: Row,
        many: ManyToMany,
        inside: str,
        rest: tuple[str, ...],
        lists: Lists,
    ) -> Reply:
        """One request to ``set(key)/relationship``."""
        mine, theirs, far_name = many.left_column, many.right_column, many.right
        if table.name == many.right:
            mine, theirs, far_name = many.right_column, many.left_column, many.left
        far, row_id = self._org.schema.table(far_name), row[table.primary_id]
        if call.method == "GET" and not rest:
            ids = [pair[theirs] for pair in self._org.store.rows(many.intersect) if pair[mine] == row_id]
            found = [there for one in ids if (there := self._org.store.get(far_name, one)) is not None]
            path = f"{table.entity_set}({row_id})/{many.name}"
            return lists.answer(call, far, found, path, far.entity_set)
        if rest != ("$ref",) or call.method not in ("POST", "DELETE"):
            raise not_allowed(call.method)
        if many.left == "role":
            raise bad_request("Privileges are given by AddPrivilegesRole, never by reference.")
        if many.intersect == "systemuserroles":
            require_named(self._org, call.actor, "prvAssignRole")
        require(self._org, call.actor, table, "Append")
        key = self._key(call, far, inside)
        there = find_row(self._org, key)
        if there is None:
            raise row_missing(key)
        self._set(many, {mine: row_id, theirs: there[far.primary_id]}, present=call.method == "POST")
        return Reply(204)

    def _key(self, call: Call, far: Table, inside: str) -> RowKey:
        if inside:
            return read_key(self._org, far, inside)
        named = call.json().get("@odata.id") if call.method == "POST" else call.options().get("$id")
        key = read_reference(self._org, named)
        if key.table.name != far.name:
            raise bad_request(f"A row of '{key.table.entity_set}' cannot be bound here.")
        return key

    def _set(self, many: ManyToMany, pair: Row, *, present: bool) -> None:
        pair_id = "|".join(pair[name] for name in (many.left_column, many.right_column))
        if present:
            self._org.store.put(many.intersect, pair_id, {**pair, "versionnumber": self._org.next_version()})
        else:
            self._org.store.put(many.intersect, pair_id, None)
