"""Rows in memory, found fast by id, value and version, and taken back when a transaction fails."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

# A row keeps only what is not null; rows are never changed in place.
Row = dict[str, Any]
Index = dict[Any, dict[str, None]]


class Ref(NamedTuple):
    """The value of a lookup: a row of a table."""

    table: str
    id: str


class Change(NamedTuple):
    """One step of a transaction; `grave` is the version of a deletion."""

    table: str
    row_id: str
    old: Row | None
    row: Row | None
    old_grave: int | None
    grave: int | None


def folded(value: Any) -> Any:
    """Text as indexes compare it: without case."""
    return value.casefold() if isinstance(value, str) else value


class Rows:
    """The rows of one table, and the graves of those that went."""

    def __init__(self) -> None:
        self.live: dict[str, Row] = {}
        self.graves: dict[str, int] = {}
        self.changes = 0
        """How often anything was stored: whoever derives something from the rows knows when to look again."""
        self._versions: list[tuple[int, str]] = []
        self._indexes: dict[str, Index] = {}

    def put(self, row_id: str, row: Row | None, grave: int | None) -> tuple[Row | None, int | None]:
        """Stores, replaces or (None) removes a row; returns what was there, and its grave."""
        old, old_grave = self.live.get(row_id), self.graves.get(row_id)
        self.changes += 1
        if row is None:
            self.live.pop(row_id, None)
        else:
            self.live[row_id] = row
        if grave is None:
            self.graves.pop(row_id, None)
        else:
            self.graves[row_id] = grave
        self._reorder(row_id, old, row)
        for column, index in self._indexes.items():
            _move(index, row_id, old.get(column) if old else None, row.get(column) if row else None)
        return old, old_grave

    def load(self, rows: Mapping[str, Row]) -> None:
        """Stores many rows at once, which many environments may share: no row is ever changed in place."""
        self.live.update(rows)
        self.changes += 1
        self._versions = sorted((row["versionnumber"], row_id) for row_id, row in self.live.items())
        self._indexes.clear()

    def _reorder(self, row_id: str, old: Row | None, row: Row | None) -> None:
        if old is not None:
            del self._versions[bisect_left(self._versions, (old["versionnumber"], row_id))]
        if row is not None:
            insort(self._versions, (row["versionnumber"], row_id))

    def changed(self, after: int, until: int) -> Iterator[Row]:
        """The rows whose version is greater than `after` and at most `until`, in that order."""
        first = bisect_right(self._versions, (after, "~"))
        for version, row_id in self._versions[first:]:
            if version > until:
                return
            yield self.live[row_id]

    def buried(self, after: int, until: int) -> list[tuple[int, str]]:
        """The versions and ids of deletions in a span, in order."""
        return sorted((version, one) for one, version in self.graves.items() if after < version <= until)

    def ids_where(self, column: str, value: Any) -> list[str]:
        """The ids of the rows whose column has the value, case aside; indexed at the first question."""
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = {}
            for row_id, row in self.live.items():
                _move(index, row_id, None, row.get(column))
        return list(index.get(folded(value), ()))

    def rename(self, old: str, new: str | None) -> None:
        """Moves the values of a column under another name, or forgets them."""
        self._indexes.clear()
        for row_id, row in self.live.items():
            if old in row:
                kept = {name: value for name, value in row.items() if name != old}
                if new is not None:
                    kept[new] = row[old]
                self.live[row_id] = kept


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
        self.tables: dict[str, Rows] = {}
        self.journal: list[Change] = []
        self.on_settle: Callable[[list[Change]], None] = lambda _: None
        """Told what a finished request has changed."""

    def table(self, name: str) -> Rows:
        found = self.tables.get(name)
        if found is None:
            found = self.tables[name] = Rows()
        return found

    def put(self, table: str, row_id: str, row: Row | None, grave: int | None = None) -> None:
        """Stores or buries a row and remembers how to take it back."""
        old, old_grave = self.table(table).put(row_id, row, grave)
        self.journal.append(Change(table, row_id, old, row, old_grave, grave))

    def mark(self) -> int:
        """A point to go back to."""
        return len(self.journal)

    def undo(self, mark: int) -> None:
        """Takes back every change since the mark, newest first."""
        while len(self.journal) > mark:
            change = self.journal.pop()
            self.table(change.table).put(change.row_id, change.old, change.old_grave)

    def settle(self) -> None:
        """Forgets how to go back; called at the end of each request."""
        done, self.journal = self.journal, []
        self.on_settle(done)

    def get(self, table: str, row_id: str) -> Row | None:
        return self.table(table).live.get(row_id)

    def rows(self, table: str) -> list[Row]:
        """The rows that are there, oldest first."""
        return list(self.table(table).live.values())
