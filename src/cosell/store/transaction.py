"""One transaction of one environment: runs prepared statements and knows whether it changed anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import sqlalchemy as sa

from cosell.store.rows import Columns

Found: TypeAlias = sa.Row[*tuple[Any, ...]]
"""A row some statement selected."""

Query: TypeAlias = sa.Select[*tuple[Any, ...]]

Change: TypeAlias = sa.Insert | sa.Update | sa.Delete

_Prepared: TypeAlias = tuple[str, Callable[[Columns], tuple[Any, ...]], Mapping[str, Any]]
_PREPARED: dict[tuple[Change, sa.Dialect, frozenset[str]], _Prepared] = {}

IN_ONE = 1000
"""Values one IN list carries; more are asked for in several statements."""


def bind(name: str, kind: Any = None) -> sa.BindParameter[Any]:
    """A value filled in when the statement runs; `at_` keeps its name apart from the column's."""
    return sa.bindparam(f"at_{name}", type_=kind)


def many(name: str) -> sa.BindParameter[Any]:
    """A list filled in when the statement runs."""
    return sa.bindparam(f"at_{name}", expanding=True)


def here(table: sa.Table) -> sa.ColumnElement[bool]:
    """Rows of the transaction's environment and no other."""
    return table.c.environment == bind("environment")


class Transaction:
    """What verbs work on. It is begun, committed and rolled back by `commit`, never by a verb."""

    __slots__ = ("_connection", "changed", "environment")

    def __init__(self, connection: sa.Connection, environment: str) -> None:
        self._connection = connection
        self.environment = environment
        self.changed = False

    def rows(self, statement: Query, /, **values: Any) -> Sequence[Found]:
        """Rows of this environment that the statement selects."""
        given = {f"at_{name}": value for name, value in values.items()}
        given["at_environment"] = self.environment
        return self._connection.execute(statement, given).all()

    def rows_in(self, statement: Query, values: Iterable[str]) -> Iterator[Found]:
        """The same for a statement over `many("values")`, however many they are."""
        wanted = list(dict.fromkeys(values))
        for start in range(0, len(wanted), IN_ONE):
            yield from self.rows(statement, values=wanted[start : start + IN_ONE])

    def write(self, statement: Change, *rows: Columns) -> int:
        """Runs an insert, update or delete once for each row; answers how many rows it met.

        Keys are column names to be set and `at_` names to be found by; the environment is added.
        """
        if not rows:
            return 0
        self.changed = True
        name = "environment" if isinstance(statement, sa.Insert) else "at_environment"
        sql, pick, fixed = _prepared(statement, self._connection.dialect, frozenset({name, *rows[0]}))
        every = {**fixed, name: self.environment}
        given = [pick({**every, **row}) for row in rows]
        return int(self._connection.exec_driver_sql(sql, given).rowcount)


def _prepared(statement: Change, dialect: sa.Dialect, keys: frozenset[str]) -> _Prepared:
    """The statement as text, what picks its values out of a row, and the values it brings itself.

    SQLAlchemy would do the same for every row anew, which was a fifth of all the store's work.
    """
    known = _PREPARED.get((statement, dialect, keys))
    if known is None:
        compiled = statement.compile(dialect=dialect, column_keys=sorted(keys))
        names = compiled.positiontup or ()
        known = _PREPARED[statement, dialect, keys] = (str(compiled), itemgetter(*names), compiled.params)
    return known
