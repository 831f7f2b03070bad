"""What an administrator changes about columns while an integration works, each undone by `restore`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cosell.sandbox.dataverse.columns import CHOICES, Choice, Column, Key, Table
from cosell.sandbox.dataverse.drafting import day, decimal, flag, memo, moment, pick, text, whole
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.schema import check_custom

KINDS: Mapping[str, Callable[[str, str], Column]] = {
    "Text": text,
    "LongTextArea": memo,
    "Url": lambda name, label: text(name, label, 255, format="Url"),
    "Email": lambda name, label: text(name, label, format="Email"),
    "Phone": lambda name, label: text(name, label, format="Phone"),
    "Checkbox": flag,
    "Picklist": lambda name, label: pick(name, label, "One|Two", first=10_000 * 10_000),
    "Number": decimal,
    "WholeNumber": whole,
    "Date": day,
    "DateTime": moment,
}
"""What a column can be made anew as, by the names an administrator knows."""


@dataclass(slots=True)
class _Saved:
    """A column as it was before the first change, and the name it goes by now."""

    table: str
    column: Column
    order: tuple[str, ...]
    keys: tuple[Key, ...]
    values: dict[str, Any]
    now: str | None


class Drift:
    """Changes columns and takes the changes back."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._saved: dict[str, _Saved] = {}

    def reset(self) -> None:
        self._saved.clear()

    def changed(self) -> list[str]:
        """The columns that are not as they were, by the names they had."""
        saved = {f"{one.table}.{one.column.name}" for one in self._saved.values()}
        return sorted(saved | self._org.settings.locked_columns)

    def remove(self, table: str, name: str) -> None:
        """Deletes a custom column with its values and the keys it is part of."""
        saved = self._save_custom(table, name)
        self._org.schema.drop_column(saved.table, saved.now or name)
        saved.now = None

    def rename(self, table: str, name: str, new: str) -> None:
        """Puts a custom column with another name in the place of one; values and keys move along."""
        owner, wanted = self._owner(table), new.lower()
        if "_" not in wanted:
            raise ValueError(f"a custom column is named like {name}, with a publisher's prefix before it")
        if wanted in owner.columns:
            raise ValueError(f"there is a column {wanted} already")
        saved = self._save_custom(table, name)
        self._org.schema.rename_column(saved.table, saved.now or name, wanted)
        self._org.schema.change_column(saved.table, wanted, schema_name=new, added=True)
        saved.now = wanted

    def hide(self, table: str, name: str) -> None:
        """Secures a column: who has no field security profile sees nothing of it and cannot write it."""
        owner = self._owner(table)
        if any(name in key.columns for key in owner.keys):
            raise ValueError(f"{name} is part of an alternate key, and such a column cannot be secured")
        self._change(table, name, secured=True)

    def lock(self, table: str, name: str) -> None:
        """Takes the right to write a column from the application's user."""
        column = self._column(table, name)
        self._org.settings.locked_columns |= {f"{table}.{column.name}"}

    def retype(self, table: str, name: str, kind: str) -> None:
        """Deletes a custom column and makes one of another type in its place; its values are lost."""
        make = KINDS.get(kind)
        if make is None:
            raise ValueError(f"a column can become: {', '.join(KINDS)}")
        saved = self._save_custom(table, name)
        now = saved.now or name
        old = self._column(table, now)
        self._org.schema.drop_column(saved.table, now)
        made = make(now, old.label)
        made = made[0] if isinstance(made, tuple) else made
        self._org.schema.add_column(saved.table, replace(made, schema_name=old.schema_name, added=True))

    def require(self, table: str, name: str) -> None:
        """Makes a column one that forms ask for."""
        self._change(table, name, required="ApplicationRequired")

    def add_value(self, table: str, name: str, value: str) -> None:
        """Adds an option to a choice; to that of status reasons one for open rows."""
        column = self._choice(table, name)
        number = max((one.value for one in column.choices), default=10_000 * 10_000) + 1
        state = 0 if column.kind == "status" else None
        self._change(table, name, choices=(*column.choices, Choice(number, value, state=state)))

    def remove_value(self, table: str, name: str, value: str) -> None:
        """Takes an option off a choice, by its label or its number; rows that hold it keep the number."""
        column, gone = self._option(table, name, value)
        self._change(table, name, choices=tuple(one for one in column.choices if one is not gone))

    def rename_value(self, table: str, name: str, value: str, new: str) -> None:
        """Gives an option another label; its number stays."""
        column, old = self._option(table, name, value)
        made = tuple(replace(one, label=new) if one is old else one for one in column.choices)
        self._change(table, name, choices=made)

    def restore(self, table: str, name: str) -> None:
        """Makes a column what it was before its first change, by the old name or the new one."""
        key, settings = self._known(table, name), self._org.settings
        names = {f"{table}.{name}"} if key is None else {f"{table}.{name}", key}
        if key is None and not names & settings.locked_columns:
            raise ValueError(f"{table}.{name} is as it was")
        settings.locked_columns -= names
        if key is not None:
            self._put_back(self._saved.pop(key))

    def _put_back(self, saved: _Saved) -> None:
        schema, column = self._org.schema, saved.column
        owner = schema.table(saved.table)
        if saved.now not in (None, column.name):
            schema.rename_column(saved.table, str(saved.now), column.name)
        was = owner.columns.get(column.name)
        schema.add_column(saved.table, column)
        owner.columns = {
            **{name: owner.columns[name] for name in saved.order if name in owner.columns},
            **{name: one for name, one in owner.columns.items() if name not in saved.order},
        }
        named = {key.name for key in owner.keys}
        owner.keys += [key for key in saved.keys if key.name not in named]
        schema.touch()
        self._fill(saved, keep=was is not None and was.kind == column.kind)

    def _fill(self, saved: _Saved, *, keep: bool) -> None:
        """Gives the rows their old values where they have none that the column can hold."""
        rows, name = self._org.store.table(saved.table), saved.column.name
        for row_id, row in list(rows.live.items()):
            if name in row and not keep:
                rows.put(row_id, {key: value for key, value in row.items() if key != name}, None)
        for row_id, value in saved.values.items():
            found = rows.live.get(row_id)
            if found is not None and name not in found:
                rows.put(row_id, {**found, name: value}, None)

    def _change(self, table: str, name: str, **changes: Any) -> None:
        saved = self._save(table, name)
        self._org.schema.change_column(saved.table, saved.now or name, **changes)

    def _save_custom(self, table: str, name: str) -> _Saved:
        check_custom(self._column(table, name))
        return self._save(table, name)

    def _save(self, table: str, name: str) -> _Saved:
        """Remembers a column before its first change."""
        key = self._known(table, name)
        if key is not None:
            return self._saved[key]
        owner, column = self._owner(table), self._column(table, name)
        rows = self._org.store.table(table).live
        saved = _Saved(
            table,
            column,
            tuple(owner.columns),
            tuple(one for one in owner.keys if column.name in one.columns),
            {row_id: row[column.name] for row_id, row in rows.items() if column.name in row},
            column.name,
        )
        self._saved[f"{table}.{column.name}"] = saved
        return saved

    def _known(self, table: str, name: str) -> str | None:
        """The key of a changed column, by its old name or the one it has now."""
        for key, saved in self._saved.items():
            if f"{table}.{name}" in (key, f"{saved.table}.{saved.now}"):
                return key
        return None

    def _owner(self, table: str) -> Table:
        return self._org.schema.table(table)

    def _column(self, table: str, name: str) -> Column:
        return self._owner(table).columns[name]

    def _choice(self, table: str, name: str) -> Column:
        column = self._column(table, name)
        if column.kind not in CHOICES - {"state"}:
            raise ValueError(f"{name} is no choice")
        return column

    def _option(self, table: str, name: str, value: str) -> tuple[Column, Choice]:
        column = self._choice(table, name)
        for one in column.choices:
            if value in (one.label, str(one.value)):
                return column, one
        labels = ", ".join(one.label for one in column.choices)
        raise ValueError(f"{name} has no value “{value}”; it has: {labels}")
