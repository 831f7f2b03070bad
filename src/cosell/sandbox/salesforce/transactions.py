"""Slow transactions: rows stamped now that nobody sees before the commit (reference 10.2, trap 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, TypeVar

from cosell.sandbox.salesforce.errors import SalesforceError
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.store import Change, Row
from cosell.sandbox.salesforce.unique import check_unique

T = TypeVar("T")


class Deeds(Protocol):
    """What can be done inside a transaction."""

    def create(self, sobject: str, fields: Mapping[str, Any], *, user: str | None = None) -> str: ...

    def update(
        self, sobject: str, row_id: str, fields: Mapping[str, Any], *, user: str | None = None
    ) -> None: ...

    def delete(self, sobject: str, row_id: str, *, user: str | None = None) -> None: ...


class SlowTransaction:
    """An open transaction. As a context it commits at a clean end and rolls back at an error.

    Its rows carry the stamp of the moment they were written and become visible all at once with
    `commit`. Until then, others who write the same rows get UNABLE_TO_LOCK_ROW, and `latestDateCovered`
    does not pass its beginning.
    """

    _count = 0

    def __init__(self, org: Org, deeds: Deeds) -> None:
        SlowTransaction._count += 1
        self._number = SlowTransaction._count
        self._org, self._deeds = org, deeds
        self._changes: list[Change] = []
        self._over = False
        org.open_since[self._number] = org.now()

    def create(self, sobject: str, fields: Mapping[str, Any], *, user: str | None = None) -> str:
        """Creates a row that only this transaction sees."""
        return self._inside(lambda: self._deeds.create(sobject, fields, user=user))

    def update(
        self, sobject: str, row_id: str, fields: Mapping[str, Any], *, user: str | None = None
    ) -> None:
        """Changes a row for this transaction only."""
        self._inside(lambda: self._deeds.update(sobject, row_id, fields, user=user))

    def delete(self, sobject: str, row_id: str, *, user: str | None = None) -> None:
        """Deletes a row for this transaction only."""
        self._inside(lambda: self._deeds.delete(sobject, row_id, user=user))

    def commit(self) -> None:
        """Makes everything visible, with the stamps of when it was written.

        Refused, and rolled back, when another row took a unique value meanwhile.
        """
        self._finish()
        store = self._org.store
        mark = store.mark()
        try:
            for table, row_id, old, row in self._changes:
                if row is not None and not row.get("IsDeleted"):
                    self._check_unique(table, row, old)
                store.put(table, row_id, row)
        except SalesforceError:
            store.undo(mark)
            raise
        store.settle()

    def _check_unique(self, table: str, row: Row, old: Row | None) -> None:
        sobject = self._org.schema.objects.get(table.lower())
        if sobject is not None:
            check_unique(self._org, table, row, fields=sobject.fields.values(), old=old)

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

    async def __aenter__(self) -> SlowTransaction:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _inside(self, act: Callable[[], T]) -> T:
        """Acts on the rows as this transaction sees them, then hides them again."""
        if self._over:
            raise ValueError("the transaction is over")
        store = self._org.store
        mark = store.mark()
        self._org.transaction = self._number
        try:
            for table, row_id, _, row in self._changes:
                store.put(table, row_id, row)
            made = act()
            self._changes = store.journal[mark:]
        finally:
            self._org.transaction = None
            store.undo(mark)
        for _, row_id, _, _ in self._changes:
            self._org.locked[row_id] = self._number
        return made

    def _finish(self) -> None:
        if self._over:
            raise ValueError("the transaction is over")
        self._over = True
        self._org.open_since.pop(self._number, None)
        mine = [row_id for row_id, owner in self._org.locked.items() if owner == self._number]
        for row_id in mine:
            del self._org.locked[row_id]
