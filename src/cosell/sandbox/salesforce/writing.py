"""Creates, changes and deletes rows under the rules of the org."""

from __future__ import annotations

from collections.abc import Callable

from cosell.sandbox.salesforce.automation import after_create, after_delete, after_update, before_write
from cosell.sandbox.salesforce.bodies import read_body
from cosell.sandbox.salesforce.duplicates import check_duplicates
from cosell.sandbox.salesforce.errors import is_deleted, not_found, refusal
from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.org import Actor, Org
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.store import ERASED, Row
from cosell.sandbox.salesforce.unique import check_unique

RuleCheck = Callable[[Seen, Row], None]
_AUDIT = frozenset({"CreatedById", "LastModifiedById", "OwnerId"})


class Writer:
    """Carries out single writes; whoever calls it decides what is undone when one is refused."""

    def __init__(self, org: Org, check_rules: RuleCheck) -> None:
        self._org = org
        self._check_rules = check_rules

    def create(self, actor: Actor, seen: Seen, body: object, *, allow_duplicate: bool = False) -> Row:
        """Stores a new row."""
        _check_right(seen, "Create")
        if not seen.object.createable:
            raise refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted", [])
        given = read_body(self._org, seen, body, creating=True)
        row: Row = {name: value for name, value in given.items() if value is not None}
        self._fill_defaults(actor, seen, row)
        before_write(self._org, seen.name, None, row, given)
        self._check_rules(seen, row)
        check_unique(self._org, seen.name, row, fields=seen.fields.values(), old=None)
        check_duplicates(self._org, seen, row, alerts=not allow_duplicate)
        made = self._org.insert(seen.object, row, actor.user_id)
        after_create(self._org, seen.name, made, actor.user_id)
        return made

    def update(self, actor: Actor, seen: Seen, row_id: str, body: object) -> Row:
        """Changes the named fields of a row and moves its stamps, whether or not a value differs."""
        old = self.row(seen, row_id)
        _check_right(seen, "Edit")
        if not seen.object.updateable:
            raise refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be updated", [])
        given = read_body(self._org, seen, body, creating=False)
        self._org.check_lock(row_id)
        row = {**old, **given}
        before_write(self._org, seen.name, old, row, given)
        self._check_rules(seen, row)
        check_unique(self._org, seen.name, row, fields=seen.fields.values(), old=old)
        made = self._org.replace(seen.name, row, by=actor.user_id)
        after_update(self._org, seen.name, old, made, actor.user_id)
        return made

    def delete(self, actor: Actor, seen: Seen, row_id: str) -> None:
        """Deletes a row and what belongs to it."""
        row = self.row(seen, row_id)
        _check_right(seen, "Delete")
        if not seen.object.deletable:
            raise refusal(400, "INSUFFICIENT_ACCESS_OR_READONLY", "entity type cannot be deleted", [])
        self._org.check_lock(row_id)
        self._bury(seen.name, row, actor, direct=True)
        after_delete(self._org, seen.name, row, actor.user_id)

    def undelete(self, actor: Actor, seen: Seen, row_id: str) -> None:
        """Brings a row back from the recycle bin with what was deleted with it."""
        row = self._org.store.get(seen.name, row_id)
        if row is None or not row.get("IsDeleted") or row.get(ERASED):
            raise refusal(400, "UNDELETE_FAILED", "Entity is not in the recycle bin", [])
        self._dig_up(seen.name, row, actor)

    def row(self, seen: Seen, row_id: str) -> Row:
        """A row that is there."""
        row = self._org.store.get(seen.name, row_id)
        if row is None:
            raise not_found()
        if row.get("IsDeleted"):
            raise is_deleted()
        return row

    def _fill_defaults(self, actor: Actor, seen: Seen, row: Row) -> None:
        for one in seen.object.fields.values():
            if one.name in row:
                continue
            value = self._default(actor, seen, row, one)
            if value is not None and (one.feature is None or one.name.lower() in seen.fields):
                row[one.name] = value

    def _default(self, actor: Actor, seen: Seen, row: Row, one: Field) -> object:
        if one.name == "OwnerId":
            return actor.user_id
        if one.name == "CurrencyIsoCode":
            code = seen.fields.get("currencyisocode", one)
            return _inherited_currency(self._org, seen, row) or code.default()
        return one.default()

    def _bury(self, name: str, row: Row, actor: Actor, *, direct: bool) -> None:
        for child, field, cascade in self._pointing_at(name):
            table = self._org.store.table(child)
            for child_id in table.ids_where(field, row["Id"]):
                below = table.rows[child_id]
                if below.get("IsDeleted"):
                    continue
                if cascade:
                    self._bury(child, below, actor, direct=False)
                else:
                    self._org.replace(child, {**below, field: None}, by=None, system=True)
        gone = {**row, "IsDeleted": True}
        if direct and not self._org.schema.object(name).recycle_bin:
            gone[ERASED] = True
        self._org.replace(name, gone, by=actor.user_id)

    def _dig_up(self, name: str, row: Row, actor: Actor) -> None:
        gone_at = row["SystemModstamp"]
        self._org.replace(name, {**row, "IsDeleted": False}, by=actor.user_id)
        for child, field, cascade in self._pointing_at(name):
            table = self._org.store.table(child)
            for child_id in table.ids_where(field, row["Id"]) if cascade else ():
                below = table.rows[child_id]
                if below.get("IsDeleted") and not below.get(ERASED) and below["SystemModstamp"] == gone_at:
                    self._dig_up(child, below, actor)

    def _pointing_at(self, name: str) -> list[tuple[str, str, bool]]:
        return [
            (other.name, one.name, one.cascade)
            for other in self._org.schema.objects.values()
            for one in other.fields.values()
            if name in one.reference_to and one.name not in _AUDIT
        ]


def _check_right(seen: Seen, act: str) -> None:
    if act not in seen.acts:
        raise refusal(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [])


def _inherited_currency(org: Org, seen: Seen, row: Row) -> str | None:
    """The currency of the parent an opportunity's child hangs on."""
    for one in seen.object.fields.values():
        if one.cascade and not one.nillable and row.get(one.name):
            found = org.target_of(one, row[one.name])
            if found is not None and found[1].get("CurrencyIsoCode"):
                return str(found[1]["CurrencyIsoCode"])
    return None
