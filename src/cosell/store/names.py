"""The small tables, each a value by name: cursors, named leases, settings, secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from cosell.store.inbox import FAR
from cosell.store.rows import clean
from cosell.store.tables import CURSOR, LEASE, SECRET, SETTING
from cosell.store.transaction import Transaction, bind, here


class _Shelf:
    """Prepared statements on one of the small tables."""

    def __init__(self, table: sa.Table, value: str) -> None:
        of_name = sa.and_(here(table), table.c.name == bind("name"))
        self._select = sa.select(table.c[value]).where(of_name)
        self._update = sa.update(table).where(of_name)
        self._insert = sa.insert(table)
        self._delete = sa.delete(table).where(of_name)

    def get(self, transaction: Transaction, name: str) -> Any:
        found = transaction.rows(self._select, name=clean(name))
        return found[0][0] if found else None

    def put(self, transaction: Transaction, name: str, **columns: Any) -> None:
        if not transaction.write(self._update, {**columns, "at_name": clean(name)}):
            transaction.write(self._insert, {**columns, "name": clean(name)})

    def drop(self, transaction: Transaction, name: str) -> None:
        transaction.write(self._delete, {"at_name": clean(name)})


_cursors = _Shelf(CURSOR, "value")
_secrets = _Shelf(SECRET, "sealed")
_settings = _Shelf(SETTING, "value")
_leases = _Shelf(LEASE, "owner")

_lease = (
    sa.select(LEASE.c.owner, LEASE.c.until).where(here(LEASE), LEASE.c.name == bind("name")).with_for_update()
)
_release = sa.delete(LEASE).where(here(LEASE), LEASE.c.name == bind("name"), LEASE.c.owner == bind("owner"))
_free = sa.delete(LEASE).where(here(LEASE), LEASE.c.owner == bind("owner"))
_hand_on = sa.update(LEASE).where(here(LEASE), LEASE.c.owner == bind("owner"))
_amended = sa.select(SETTING.c.value).where(here(SETTING), SETTING.c.name == bind("name")).with_for_update()
_all_settings = sa.select(SETTING.c.name, SETTING.c.value).where(here(SETTING)).order_by(SETTING.c.name)


def cursor(transaction: Transaction, name: str) -> str | None:
    """Where to go on."""
    found: str | None = _cursors.get(transaction, name)
    return found


def move_cursor(transaction: Transaction, name: str, value: str, *, now: float) -> None:
    """Keeps where to go on."""
    _cursors.put(transaction, name, value=clean(value), moved_at=float(now))


def hold_lease(transaction: Transaction, name: str, owner: str, *, now: float, lease_for: float) -> bool:
    """Takes a lease that is free, expired or our own; one far ahead of the clock counts as expired."""
    found = transaction.rows(_lease, name=clean(name))
    if found and found[0].owner != clean(owner) and now < found[0].until <= now + FAR:
        return False
    _leases.put(transaction, name, owner=clean(owner), until=now + min(lease_for, FAR - 1))
    return True


def release_lease(transaction: Transaction, name: str, owner: str) -> None:
    """Lets go of a lease if it is the owner's."""
    transaction.write(_release, {"at_name": clean(name), "at_owner": clean(owner)})


def free_leases(transaction: Transaction, owners: Iterable[str]) -> None:
    """Lets go of every lease of these owners."""
    transaction.write(_free, *({"at_owner": clean(owner)} for owner in owners))


def hand_leases_on(transaction: Transaction, owner: str, to: str) -> None:
    """Makes every lease of one owner another's."""
    transaction.write(_hand_on, {"at_owner": clean(owner), "owner": clean(to)})


def setting(transaction: Transaction, name: str) -> str | None:
    """One setting."""
    found: str | None = _settings.get(transaction, name)
    return found


def set_setting(transaction: Transaction, name: str, value: str | None, *, who: str, now: float) -> None:
    """Keeps a setting with its author, or forgets it."""
    if value is None:
        _settings.drop(transaction, name)
    else:
        _settings.put(transaction, name, value=clean(value), who=clean(who), changed_at=float(now))


def amend(
    transaction: Transaction,
    name: str,
    change: Callable[[str | None], str | None],
    *,
    who: str,
    now: float,
) -> tuple[str | None, str | None]:
    """Changes a setting by what it says; the row is read and written under the same lock."""
    found = transaction.rows(_amended, name=clean(name))
    before: str | None = found[0].value if found else None
    after = change(before)
    if after != before:
        set_setting(transaction, name, after, who=who, now=now)
    return before, after


def settings(transaction: Transaction, prefix: str) -> Mapping[str, str]:
    """All settings whose names begin so."""
    return {row.name: row.value for row in transaction.rows(_all_settings) if row.name.startswith(prefix)}


def secret(transaction: Transaction, name: str) -> bytes | None:
    """A sealed secret."""
    found: bytes | None = _secrets.get(transaction, name)
    return found


def set_secret(transaction: Transaction, name: str, sealed: bytes, *, now: float) -> None:
    """Keeps a sealed secret."""
    _secrets.put(transaction, name, sealed=sealed, changed_at=float(now))
