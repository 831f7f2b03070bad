"""The schema of one environment, which may drift while clients look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cosell.sandbox.dataverse.catalogue import fresh_tables
from cosell.sandbox.dataverse.catalogue.microsoft import microsoft_columns
from cosell.sandbox.dataverse.columns import Column, Key, OptionSet, Table, Target
from cosell.sandbox.frame import Org

Renamed = Callable[[str, str, str | None], None]


@dataclass(frozen=True, slots=True)
class Backward:
    """A one-to-many relationship seen from the one: which rows of `table` point here with `column`."""

    table: Table
    column: Column
    target: Target


@dataclass(frozen=True, slots=True)
class ManyToMany:
    """A many-to-many relationship; its pairs are rows of the intersect table."""

    name: str
    intersect: str
    left: str
    left_column: str
    right: str
    right_column: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The schema as it was, to go back to."""

    tables: dict[str, Table]
    many: dict[str, ManyToMany]
    option_sets: dict[str, OptionSet]


_MANY = (
    ManyToMany(
        "systemuserroles_association", "systemuserroles", "systemuser", "systemuserid", "role", "roleid"
    ),
    ManyToMany(
        "teammembership_association", "teammembership", "team", "teamid", "systemuser", "systemuserid"
    ),
    ManyToMany("roleprivileges_association", "roleprivileges", "role", "roleid", "privilege", "privilegeid"),
)


class Schema:
    """What the administrators defined; every change holds from the next request on."""

    def __init__(self, given: Org = Org.READY) -> None:
        self.given = given
        self.generation = 0
        self.tables: dict[str, Table] = {}
        self.many: dict[str, ManyToMany] = {}
        self.option_sets: dict[str, OptionSet] = {}
        self.kept: list[Kept] = []
        self.on_rename: Renamed = lambda *_: None
        self._sets: dict[str, Table] = {}
        self._backward: dict[str, dict[str, Backward]] = {}
        self._seen = -1
        self.reset()

    def reset(self) -> None:
        """Returns to the schema of a fresh environment."""
        self.tables = {one.name: one for one in fresh_tables(self.given)}
        self.many = {one.name: one for one in _MANY}
        self.option_sets = {}
        self.kept.clear()
        self.touch()

    def keep(self) -> None:
        """Remembers the schema as it is, so that a refused change of it can be taken back."""
        tables = {
            name: replace(one, columns=dict(one.columns), keys=list(one.keys))
            for name, one in self.tables.items()
        }
        self.kept.append(Kept(tables, dict(self.many), dict(self.option_sets)))

    def go_back(self, mark: int) -> None:
        """Takes back every change since there were `mark` remembered schemas."""
        if len(self.kept) > mark:
            kept = self.kept[mark]
            del self.kept[mark:]
            self.tables, self.many, self.option_sets = kept.tables, kept.many, kept.option_sets
            self.touch()

    def touch(self) -> None:
        """Marks that something changed."""
        self.generation += 1

    def table(self, name: str) -> Table:
        """The table of that logical name; KeyError if there is none."""
        return self.tables[name]

    def by_set(self, entity_set: str) -> Table | None:
        """The table behind an entity set name; case counts."""
        self._index()
        return self._sets.get(entity_set)

    def backward(self, table: str) -> dict[str, Backward]:
        """The collection-valued navigation properties of a table, by their case-sensitive names."""
        self._index()
        return self._backward.get(table, {})

    def paired(self, table: str) -> list[tuple[str, str]]:
        """The many-to-many relationships of a table: the name, and the table at the other end."""
        found = [(one.name, one.right) for one in self.many.values() if one.left == table]
        return found + [(one.name, one.left) for one in self.many.values() if one.right == table]

    def column(self, table: str, name: str) -> Column:
        """The column of that logical name; KeyError if the table has none."""
        return self.tables[table].columns[name]

    def add_table(self, made: Table) -> None:
        self.tables[made.name] = made
        self.touch()

    def drop_table(self, name: str) -> None:
        """Removes a table and every lookup to it that other tables have."""
        del self.tables[name]
        for owner in self.tables.values():
            for column in list(owner.columns.values()):
                if column.target(name) is None:
                    continue
                targets = tuple(one for one in column.targets if one.table != name)
                if targets:
                    owner.columns[column.name] = replace(column, targets=targets)
                else:
                    del owner.columns[column.name]
        self.many = {key: one for key, one in self.many.items() if name not in (one.left, one.right)}
        self.touch()

    def add_column(self, table: str, *columns: Column) -> None:
        """Adds columns, or replaces those of the same name."""
        self.tables[table].add(*columns)
        self.touch()

    def install_microsoft_columns(self) -> None:
        """Adds what Microsoft's own connector leaves behind on opportunity; it declares no key."""
        self.add_column("opportunity", *microsoft_columns())

    def drop_column(self, table: str, name: str) -> None:
        """Removes a custom column with its keys and forgets its values."""
        owner = self.tables[table]
        check_custom(owner.columns[name])
        del owner.columns[name]
        owner.keys = [key for key in owner.keys if name not in key.columns]
        self.touch()
        self.on_rename(table, name, None)

    def rename_column(self, table: str, name: str, new_name: str) -> None:
        """Removes a custom column and adds it under another name; its values and keys move along."""
        owner = self.tables[table]
        old = owner.columns[name]
        check_custom(old)
        owner.columns = {
            (new_name if key == name else key): (replace(one, name=new_name, schema_name=new_name))
            if one is old
            else one
            for key, one in owner.columns.items()
        }
        owner.keys = [
            replace(key, columns=tuple(new_name if one == name else one for one in key.columns))
            for key in owner.keys
        ]
        self.touch()
        self.on_rename(table, name, new_name)

    def change_column(self, table: str, name: str, **changes: Any) -> None:
        """Changes properties of a column: its length, its choices, whether it may be written."""
        owner = self.tables[table]
        owner.columns[name] = replace(owner.columns[name], **changes)
        self.touch()

    def add_key(self, table: str, key: Key) -> None:
        self.tables[table].keys.append(key)
        self.touch()

    def drop_key(self, table: str, name: str) -> None:
        owner = self.tables[table]
        owner.keys = [key for key in owner.keys if key.name != name]
        self.touch()

    def _index(self) -> None:
        if self._seen == self.generation:
            return
        self._sets = {one.entity_set: one for one in self.tables.values()}
        self._backward = {}
        for one in self.tables.values():
            for column in one.columns.values():
                for target in column.targets:
                    there = self._backward.setdefault(target.table, {})
                    there[target.collection] = Backward(one, column, target)
        self._seen = self.generation


def check_custom(column: Column) -> None:
    """Refuses what only columns that somebody added allow."""
    if not column.custom:
        raise ValueError(f"{column.name} is a standard column: it can be changed, never dropped or renamed")
