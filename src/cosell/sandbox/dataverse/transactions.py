"""Slow transactions: rows stamped and versioned now that nobody sees before the commit (sheet 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, TypeVar

from cosell.sandbox.dataverse.keys import check_keys
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Change

T = TypeVar("T")


class Deeds(Protocol):
    """What can be done inside a transaction."""

    def create(self, table: str, fields: Mapping[str, Any], *, user: str | None = None) -> str: ...

    def update(
        self, table: str, row_id: str, fields: Mapping[str, Any], *, user: str | None = None
    ) -> None: ...

    def delete(self, table: str, row_id: str, *, user: str | None = None) -> None: ...


class SlowTransaction:
    """An open transaction. As a context it commits at a clean end and rolls back at an error.

    Its rows carry the time and the version of the moment they were written and become visible all at once
    with `commit`: a poll by ``modifiedon`` that has passed that moment never sees them, change tracking does,
    since no delta token passes the beginning of an open transaction. Until then nobody else can write them.
    """

    _count = 0

    def __init__(self, org: Org, deeds: Deeds) -> None:
        SlowTransaction._count += 1
        self._number = SlowTransaction._count
        self._org, self._deeds = org, deeds
        self._changes: list[Change] = []
        self._over = False
        org.open_since[self._number] = org.version

    def create(self, table: str, fields: Mapping[str, Any], *, user: str | None = None) -> str:
        """Creates a row that only this transaction sees."""
        return self._inside(lambda: self._deeds.create(table, fields, user=user))

    def update(self, table: str, row_id: str, fields: Mapping[str, Any], *, user: str | None = None) -> None:
        """Changes a row for this transaction only."""
        self._inside(lambda: self._deeds.update(table, row_id, fields, user=user))

    def delete(self, table: str, row_id: str, *, user: str | None = None) -> None:
        """Deletes a row for this transaction only."""
        self._inside(lambda: self._deeds.delete(table, row_id, user=user))

    def commit(self) -> None:
        """Makes everything visible; refused, and rolled back, when another row took a key meanwhile."""
        self._finish()
        try:
            with self._org.transaction():
                for change in self._changes:
                    self._check(change)
                    self._put(change)
        finally:
            self._org.store.settle()

    def rollback(self) -> None:
        """Forgets everything."""
        self._finish()

    def __enter__(self) -> SlowTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._over:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()

    def _check(self, change: Change) -> None:
        table = self._org.schema.tables.get(change.table)
        if table is not None and change.row is not None:
            check_keys(self._org, table, change.row, change.old)

    def _put(self, change: Change) -> None:
        self._org.store.put(change.table, change.row_id, change.row, change.grave)

    def _inside(self, act: Callable[[], T]) -> T:
        """Acts on the rows as this transaction sees them, then hides them again."""
        if self._over:
            raise ValueError("the transaction is over")
        store = self._org.store
        mark = store.mark()
        self._org.slow = self._number
        try:
            for change in self._changes:
                self._put(change)
            made = act()
            self._changes = store.journal[mark:]
        finally:
            self._org.slow = None
            store.undo(mark)
        for change in self._changes:
            self._org.locked[change.row_id] = self._number
        return made

    def _finish(self) -> None:
        if self._over:
            raise ValueError("the transaction is over")
        self._over = True
        self._org.open_since.pop(self._number, None)
        for row_id in [one for one, owner in self._org.locked.items() if owner == self._number]:
            del self._org.locked[row_id]
