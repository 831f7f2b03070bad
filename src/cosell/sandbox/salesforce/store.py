"""Rows in memory, found fast, and taken back when a transaction fails."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

# A row keeps only what is not null; rows are never changed in place, so a cursor may hold on to them.
Row = dict[str, Any]
Index = dict[Any, dict[str, None]]
Change = tuple[str, str, Row | None, Row | None]

ERASED = "~erased"
"""Marks a deleted row that never reached the recycle bin."""


def folded(value: Any) -> Any:
    """Text as indexes compare it: without case."""
    return value.lower() if isinstance(value, str) else value


class Table:
    """The rows of one object by id, by any indexed field, and by SystemModstamp."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[str, Row] = {}
        self.stamps: list[tuple[str, str]] = []
        self.version = 0
        """Rises with every change."""
        self._indexes: dict[str, Index] = {}

    def put(self, row_id: str, row: Row | None) -> Row | None:
        """Stores, replaces or (None) removes a row; returns what was there."""
        old = self.rows.get(row_id)
        self.version += 1
        if row is None:
            self.rows.pop(row_id, None)
        else:
            self.rows[row_id] = row
        self._restamp(row_id, old, row)
        for field, index in self._indexes.items():
            _move(index, row_id, old.get(field) if old else None, row.get(field) if row else None)
        return old

    def _restamp(self, row_id: str, old: Row | None, row: Row | None) -> None:
        before = old["SystemModstamp"] if old else None
        after = row["SystemModstamp"] if row else None
        if before == after:
            return
        if before is not None:
            del self.stamps[bisect_left(self.stamps, (before, row_id))]
        if after is not None:
            insort(self.stamps, (after, row_id))

    def ids_where(self, field: str, value: Any) -> list[str]:
        """The ids of the rows whose field has the value, case aside; indexed at the first question."""
        index = self._indexes.get(field)
        if index is None:
            index = self._indexes[field] = {}
            for row_id, row in self.rows.items():
                _move(index, row_id, None, row.get(field))
        return list(index.get(folded(value), ()))

    def since(self, stamp: str) -> Iterator[Row]:
        """The rows stamped then or later, by stamp and id."""
        for _, row_id in self.stamps[bisect_left(self.stamps, (stamp, "")) :]:
            yield self.rows[row_id]

    def rename(self, old: str, new: str | None) -> None:
        """Moves the values of a field under another name, or forgets them."""
        self._indexes.clear()
        self.version += 1
        for row_id, row in self.rows.items():
            if old in row:
                kept = {name: value for name, value in row.items() if name != old}
                if new is not None:
                    kept[new] = row[old]
                self.rows[row_id] = kept


def _move(index: Index, row_id: str, old: Any, new: Any) -> None:
    if old == new:
        return
    if old is not None:
        bucket = index[folded(old)]
        bucket.pop(row_id, None)
        if not bucket:
            del index[folded(old)]
    if new is not None:
        index.setdefault(folded(new), {})[row_id] = None


class Store:
    """All tables, and the journal by which a transaction is undone."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.journal: list[Change] = []

    def table(self, name: str) -> Table:
        found = self.tables.get(name)
        if found is None:
            found = self.tables[name] = Table(name)
        return found

    def put(self, table: str, row_id: str, row: Row | None) -> None:
        """Stores a row and remembers how to take it back."""
        old = self.table(table).put(row_id, row)
        self.journal.append((table, row_id, old, row))

    def mark(self) -> int:
        """A point to go back to."""
        return len(self.journal)

    def undo(self, mark: int) -> None:
        """Takes back every change since the mark, newest first."""
        while len(self.journal) > mark:
            table, row_id, old, _ = self.journal.pop()
            self.table(table).put(row_id, old)

    def settle(self) -> None:
        """Forgets how to go back; called at the end of each request."""
        self.journal.clear()

    def get(self, table: str, row_id: str) -> Row | None:
        return self.table(table).rows.get(row_id)

    def live(self, table: str) -> list[Row]:
        """The rows that are not deleted, oldest first."""
        return [row for row in self.table(table).rows.values() if not row.get("IsDeleted")]
