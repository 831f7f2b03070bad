"""Creates, changes and deletes rows under the rules of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.dataverse.bodies import Body, read_body
from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.customizing.forms import LAYERED, layer
from cosell.sandbox.dataverse.customizing.removal import before_delete
from cosell.sandbox.dataverse.customizing.rules import check as check_customization
from cosell.sandbox.dataverse.duplicates import refuse_duplicate
from cosell.sandbox.dataverse.errors import invalid, no_row, refusal
from cosell.sandbox.dataverse.hooks.checks import check as check_step
from cosell.sandbox.dataverse.keys import check_keys
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.plugins import run_plugins
from cosell.sandbox.dataverse.rules import before_write, fill_defaults
from cosell.sandbox.dataverse.security import require, require_columns, require_row
from cosell.sandbox.dataverse.states import settle_state
from cosell.sandbox.dataverse.store import Ref, Row

_STAMPS = frozenset({"createdby", "createdonbehalfby", "modifiedby", "modifiedonbehalfby"})
_OWNING = frozenset({"owninguser", "owningteam", "owningbusinessunit"})


class Writer:
    """Carries out single writes; whoever calls it opens the transaction."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def create(self, actor: Actor, table: Table, given: Mapping[str, Any], *, key: Row | None = None) -> Row:
        """Stores a new row and those nested in it; `key` are values the body does not give itself."""
        if not table.creatable:
            raise invalid(f"Rows of '{table.name}' cannot be created.")
        require(self._org, actor, table, "Create")
        body = read_body(self._org, table, given, creating=True)
        require_columns(self._org, actor, table, body.changes)
        row: Row = {**(key or {}), **body.changes}
        for link in (key or {}).values():
            if isinstance(link, Ref):
                self.row(self._org.schema.table(link.table), link.id)
        for column, target, nested in body.parents:
            made = self.create(actor, self._org.schema.table(target.table), nested)
            parent = self._org.schema.table(target.table)
            row[column.name] = Ref(target.table, made[parent.primary_id])
        self._check_links(actor, table, row)
        row = self.store_new(actor, table, row, given=body.changes)
        self._make_children(actor, table, row, body)
        return row

    def store_new(self, actor: Actor, table: Table, row: Row, *, given: Row) -> Row:
        """Stores a row whose values are read already."""
        row.setdefault(table.primary_id, self._org.new_id())
        self._check_new_id(table, row)
        fill_defaults(table, row)
        if "ownerid" in table.columns and row.get("ownerid") is None:
            row["ownerid"] = Ref("systemuser", actor.writes_as)
        if self._org.settings.required_columns_enforced and actor.secured:
            _check_required(table, row)
        settle_state(self._org, table, None, row, given)
        check_step(self._org, table.name, row)
        check_customization(self._org, actor, table, None, row)
        before_write(self._org, table, None, row)
        run_plugins(self._org, actor, table, row)
        check_keys(self._org, table, row, None)
        refuse_duplicate(self._org, actor, table, None, row)
        mirrored = table.name == "connection" and "relatedconnectionid" not in row
        if mirrored:
            row |= {"ismaster": True, "relatedconnectionid": Ref(table.name, self._org.new_id())}
        if table.name in LAYERED and self._org.settings.new_forms_need_publishing:
            self._org.store.put(layer(table.name), row[table.primary_id], {**row, "versionnumber": 0})
            return row
        made = self._org.insert(table, row, actor)
        self._org.note(table, made[table.primary_id], actor, given)
        self._after(actor, table, made)
        if mirrored:
            self._mirror(actor, table, made)
        return made

    def update(self, actor: Actor, table: Table, row_id: str, given: Mapping[str, Any]) -> Row:
        """Changes the named columns of a row and moves its version, whether or not a value differs."""
        require(self._org, actor, table, "Write")
        if not table.updatable:
            raise invalid(f"Rows of '{table.name}' cannot be changed.")
        body = read_body(self._org, table, given, creating=False)
        require_columns(self._org, actor, table, body.changes)
        return self.change(actor, table, row_id, body.changes)

    def change(self, actor: Actor, table: Table, row_id: str, changes: Row) -> Row:
        """Changes a row by values that are read already."""
        old = self.row(table, row_id)
        require_row(self._org, actor, table, "Write", old)
        if table.name in LAYERED:
            return self._draft(actor, table, old, changes)
        self._org.check_lock(row_id)
        if "ownerid" in changes:
            require(self._org, actor, table, "Assign")
            if changes["ownerid"] is None:
                raise invalid("A row must have an owner.")
        self._check_links(actor, table, changes)
        row = {**old, **changes}
        settle_state(self._org, table, old, row, changes)
        self._org.note(table, row_id, actor, changes)
        return self.store_change(actor, table, old, row)

    def _draft(self, actor: Actor, table: Table, old: Row, changes: Row) -> Row:
        """Changes what nobody sees before it is published."""
        row_id = old[table.primary_id]
        before = self._org.store.get(layer(table.name), row_id) or old
        row = {name: value for name, value in {**before, **changes}.items() if value is not None}
        check_customization(self._org, actor, table, before, row)
        self._org.store.put(layer(table.name), row_id, {**row, "versionnumber": self._org.next_version()})
        return old

    def store_change(self, actor: Actor, table: Table, old: Row, row: Row) -> Row:
        """Stores a changed row whose state is settled."""
        check_step(self._org, table.name, row)
        check_customization(self._org, actor, table, old, row)
        before_write(self._org, table, old, row)
        run_plugins(self._org, actor, table, row)
        check_keys(self._org, table, row, old)
        refuse_duplicate(self._org, actor, table, old, row)
        made = self._org.replace(table, row, actor)
        self._after(actor, table, made)
        return made

    def delete(self, actor: Actor, table: Table, row_id: str) -> None:
        """Deletes a row with what belongs to it, and unlinks what only pointed to it."""
        require(self._org, actor, table, "Delete")
        row = self.row(table, row_id)
        require_row(self._org, actor, table, "Delete", row)
        if not table.deletable:
            raise invalid(f"Rows of '{table.name}' cannot be deleted.")
        before_delete(self._org, table, row)
        self._org.note(table, row_id, actor, ())
        self._bury(actor, table, row_id)
        self._after(actor, table, row)

    def row(self, table: Table, row_id: str) -> Row:
        """A row that is there."""
        row = self._org.store.get(table.name, row_id)
        if row is None:
            raise no_row(table.name, row_id)
        return row

    def _check_new_id(self, table: Table, row: Row) -> None:
        if self._org.store.get(table.name, row[table.primary_id]) is not None:
            raise refusal(412, "0x80040237", "A record with matching key values already exists.")

    def _check_links(self, actor: Actor, table: Table, changes: Row) -> None:
        links = [one for one in changes.values() if isinstance(one, Ref)]
        if links:
            require(self._org, actor, table, "Append")
        for one in links:
            require(self._org, actor, self._org.schema.table(one.table), "AppendTo")

    def _make_children(self, actor: Actor, table: Table, row: Row, body: Body) -> None:
        for backward, nested in body.children:
            for one in nested:
                link = {backward.column.name: Ref(table.name, row[table.primary_id])}
                self.create(actor, backward.table, one, key=link)

    def _after(self, actor: Actor, table: Table, row: Row) -> None:
        """What follows from a write in other rows."""
        if table.name == "opportunityproduct":
            parent = self._org.store.get("opportunity", row["opportunityid"].id)
            if parent is not None and parent.get("isrevenuesystemcalculated"):
                self.store_change(actor, self._org.schema.table("opportunity"), parent, dict(parent))

    def _mirror(self, actor: Actor, table: Table, row: Row) -> None:
        """The second row of a connection, seen from the other end."""
        back: Row = {name: row[name] for name in ("description", "ownerid") if name in row}
        for mine, other in (("record1id", "record2id"), ("record1roleid", "record2roleid")):
            back |= {mine: row.get(other), other: row.get(mine)}
        back[table.primary_id] = row["relatedconnectionid"].id
        back["relatedconnectionid"] = Ref(table.name, row[table.primary_id])
        self.store_new(actor, table, back, given={})

    def _bury(self, actor: Actor, table: Table, row_id: str) -> None:
        me = Ref(table.name, row_id)
        below = [
            (one, self._org.store.table(one.table.name).ids_where(one.column.name, me))
            for one in self._org.schema.backward(table.name).values()
            if one.column.name not in _STAMPS | _OWNING
        ]
        for one, ids in below:
            if ids and one.target.on_delete == "restrict":
                raise invalid(f"The {table.name} cannot be deleted: {one.table.name} rows refer to it.")
        self._org.bury(table, row_id)
        for one, ids in below:
            for child_id in ids:
                child = self._org.store.get(one.table.name, child_id)
                if child is None:
                    continue
                if one.target.on_delete == "cascade":
                    self._bury(actor, one.table, child_id)
                else:
                    self._org.replace(one.table, {**child, one.column.name: None}, actor)


def _check_required(table: Table, row: Row) -> None:
    for one in table.columns.values():
        if one.required == "ApplicationRequired" and row.get(one.name) is None:
            text = f"Required field '{one.name}' is missing."
            raise refusal(400, "0x80040200", text)
