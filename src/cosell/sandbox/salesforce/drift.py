"""What an administrator changes about fields while an integration works, each change undone by `restore`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cosell.sandbox.salesforce.fields import CHOICES, Choice, Field
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.store import Row

STAGES = "OpportunityStage"
KINDS: Mapping[str, tuple[str, int]] = {
    "Text": ("string", 255),
    "TextArea": ("textarea", 255),
    "LongTextArea": ("textarea", 32_768),
    "Url": ("url", 255),
    "Email": ("email", 80),
    "Phone": ("phone", 40),
    "Picklist": ("picklist", 255),
    "Checkbox": ("boolean", 0),
    "Number": ("double", 0),
    "Currency": ("currency", 0),
    "Date": ("date", 0),
    "DateTime": ("datetime", 0),
}
"""What a field can be turned into, by the names an administrator knows."""
_TEXTS = frozenset({"string", "textarea", "url", "email", "phone", "picklist"})
_NUMBERS = frozenset({"double", "currency", "percent", "int"})


@dataclass(slots=True)
class _Saved:
    """A field as it was before the first change, and the name it goes by now."""

    table: str
    field: Field
    order: tuple[str, ...]
    values: dict[str, Any]
    grants: list[Row]
    stages: dict[str, Row]
    now: str | None
    renamed: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Values of the picklist with their new names, in the order of the changes."""


class Drift:
    """Changes fields and takes the changes back."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._saved: dict[str, _Saved] = {}

    def reset(self) -> None:
        self._saved.clear()

    def changed(self) -> list[str]:
        """The fields that are not as they were, by the names they had."""
        hidden = {*self._org.settings.hidden_fields, *self._org.settings.readonly_fields}
        return sorted({f"{one.table}.{one.field.name}" for one in self._saved.values()} | hidden)

    def remove(self, table: str, name: str) -> None:
        """Deletes a custom field with its values."""
        saved = self._save(table, name)
        self._org.schema.drop_field(saved.table, saved.now or name)
        saved.now = None

    def rename(self, table: str, name: str, new: str) -> None:
        """Gives a custom field another API name."""
        if not new.endswith("__c"):
            raise ValueError(f"a custom field is named like {name}, with __c at the end")
        if new.lower() in self._org.schema.object(table).fields:
            raise ValueError(f"there is a field {new} already")
        saved = self._save(table, name)
        self._org.schema.rename_field(saved.table, saved.now or name, new)
        saved.now = new

    def hide(self, table: str, name: str) -> None:
        """Takes the right to see a field from the integration user."""
        path = self._path(table, name)
        self._org.settings.hidden_fields |= {path}

    def lock(self, table: str, name: str) -> None:
        """Takes the right to write a field from the integration user."""
        path = self._path(table, name)
        self._org.settings.readonly_fields |= {path}

    def retype(self, table: str, name: str, kind: str) -> None:
        """Turns a custom field into another type; values that cannot be of it are lost."""
        if kind not in KINDS:
            raise ValueError(f"a field can become: {', '.join(KINDS)}")
        if not name.lower().endswith("__c"):
            raise ValueError(f"{name} is a standard field: its type cannot be changed")
        saved = self._save(table, name)
        wire, length = KINDS[kind]
        old = self._org.schema.field(table, name)
        changes: dict[str, Any] = {"type": wire, "length": length, "choices": (), "restricted": False}
        numeric = wire in _NUMBERS
        changes |= {"precision": 18 if numeric else 0, "scale": 2 if numeric else 0}
        if wire not in ("string", "email"):
            changes |= {"external_id": False, "id_lookup": False, "unique": False}
        if wire == "boolean" or old.type == "boolean":
            changes |= {"nillable": wire != "boolean", "defaulted": wire == "boolean"}
        self._org.schema.change_field(saved.table, name, **changes)
        if not _same_family(old.type, wire):
            self._org.store.table(saved.table).rename(old.name, None)

    def require(self, table: str, name: str) -> None:
        """Makes a field one that every new row must have."""
        self._save(table, name)
        self._org.schema.change_field(table, name, nillable=False, defaulted=False)

    def add_value(self, table: str, name: str, value: str) -> None:
        """Adds a value to a picklist."""
        self._choose(table, name, lambda choices: (*choices, Choice(value, value)))
        if self._is_stage(table, name):
            last = max(self._org.store.live(STAGES), key=lambda row: row["SortOrder"])
            stage = {key: one for key, one in last.items() if key not in ("Id", "IsClosed", "IsWon")}
            stage |= {"MasterLabel": value, "ApiName": value, "SortOrder": last["SortOrder"] + 1}
            stage |= {"ForecastCategory": "Pipeline", "ForecastCategoryName": "Pipeline", "IsActive": True}
            self._org.insert(self._org.schema.object(STAGES), {**stage, "DefaultProbability": 10.0}, "")

    def remove_value(self, table: str, name: str, value: str) -> None:
        """Deactivates a value of a picklist; rows that hold it keep it."""
        self._value(table, name, value)
        self._choose(
            table,
            name,
            lambda choices: tuple(
                replace(one, active=False, default=False) if one.value == value else one for one in choices
            ),
        )
        self._change_stage(table, name, value, {"IsActive": False})

    def rename_value(self, table: str, name: str, value: str, new: str) -> None:
        """Gives a value of a picklist another name, in the rows that hold it as well."""
        self._value(table, name, value)
        self._choose(
            table,
            name,
            lambda choices: tuple(
                replace(one, value=new, label=new) if one.value == value else one for one in choices
            ),
        )
        self._change_stage(table, name, value, {"ApiName": new, "MasterLabel": new})
        saved = self._save(table, name)
        saved.renamed.append((value, new))
        self._rename_in_rows(saved.table, self._org.schema.field(table, name).name, value, new)

    def restore(self, table: str, name: str) -> None:
        """Makes a field what it was before its first change, by the old name or the new one."""
        key = self._known(table, name)
        path = f"{table}.{name}".lower()
        settings = self._org.settings
        told = path in {one.lower() for one in (*settings.hidden_fields, *settings.readonly_fields)}
        if key is None and not told:
            raise ValueError(f"{table}.{name} is as it was")
        names = {path} if key is None else {path, key}
        settings.hidden_fields = frozenset(one for one in settings.hidden_fields if one.lower() not in names)
        settings.readonly_fields = frozenset(
            one for one in settings.readonly_fields if one.lower() not in names
        )
        if key is not None:
            self._put_back(self._saved.pop(key))

    def _rename_in_rows(self, table: str, field: str, old: str, new: str) -> None:
        rows = self._org.store.table(table)
        for row_id in rows.ids_where(field, old):
            rows.put(row_id, {**rows.rows[row_id], field: new})

    def _put_back(self, saved: _Saved) -> None:
        schema, field = self._org.schema, saved.field
        if saved.now is None:
            schema.add_field(saved.table, field)
        elif saved.now != field.name:
            schema.rename_field(saved.table, saved.now, field.name)
        owner = schema.object(saved.table)
        owner.fields[field.name.lower()] = field
        owner.fields = {
            **{key: owner.fields[key] for key in saved.order if key in owner.fields},
            **{key: one for key, one in owner.fields.items() if key not in saved.order},
        }
        schema.generation += 1
        for old, new in reversed(saved.renamed):
            self._rename_in_rows(saved.table, field.name, new, old)
        self._fill(saved)
        for row in saved.grants:
            self._org.store.put("FieldPermissions", row["Id"], row)
        self._restage(saved)
        self._org.store.settle()

    def _fill(self, saved: _Saved) -> None:
        """Gives the rows their old values where they have none that the field can hold."""
        rows = self._org.store.table(saved.table)
        allowed = {choice.value for choice in saved.field.choices} if saved.field.restricted else None
        for row_id, value in saved.values.items():
            row = rows.rows.get(row_id)
            if row is None:
                continue
            now = row.get(saved.field.name)
            wrong = (
                now is None or type(now) is not type(value) or (allowed is not None and now not in allowed)
            )
            if wrong:
                rows.put(row_id, {**row, saved.field.name: value})

    def _restage(self, saved: _Saved) -> None:
        if not saved.stages:
            return
        table = self._org.store.table(STAGES)
        for row_id in [*table.rows]:
            table.put(row_id, saved.stages.get(row_id))

    def _save(self, table: str, name: str) -> _Saved:
        """Remembers a field before its first change."""
        key = self._known(table, name)
        if key is not None:
            return self._saved[key]
        owner, field = self._org.schema.object(table), self._org.schema.field(table, name)
        rows = self._org.store.table(owner.name).rows
        grants = self._org.store.table("FieldPermissions")
        path = f"{owner.name}.{field.name}"
        saved = _Saved(
            owner.name,
            field,
            tuple(owner.fields),
            {row_id: row[field.name] for row_id, row in rows.items() if row.get(field.name) is not None},
            [grants.rows[row_id] for row_id in grants.ids_where("Field", path)],
            dict(self._org.store.table(STAGES).rows) if self._is_stage(owner.name, field.name) else {},
            field.name,
        )
        self._saved[path.lower()] = saved
        return saved

    def _known(self, table: str, name: str) -> str | None:
        """The key of a changed field, by its old name or the one it has now."""
        wanted = f"{table}.{name}".lower()
        for key, saved in self._saved.items():
            if wanted in (key, f"{saved.table}.{saved.now}".lower()):
                return key
        return None

    def _path(self, table: str, name: str) -> str:
        return f"{self._org.schema.object(table).name}.{self._org.schema.field(table, name).name}"

    def _choose(
        self, table: str, name: str, change: Callable[[tuple[Choice, ...]], tuple[Choice, ...]]
    ) -> None:
        field = self._org.schema.field(table, name)
        if field.type not in CHOICES:
            raise ValueError(f"{field.name} is no picklist")
        self._save(table, name)
        self._org.schema.change_field(table, name, choices=change(field.choices))

    def _value(self, table: str, name: str, value: str) -> None:
        known = [one.value for one in self._org.schema.field(table, name).choices]
        if value not in known:
            raise ValueError(f"{name} has no value “{value}”; it has: {', '.join(known)}")

    @staticmethod
    def _is_stage(table: str, name: str) -> bool:
        return (table.lower(), name.lower()) == ("opportunity", "stagename")

    def _change_stage(self, table: str, name: str, value: str, changes: Row) -> None:
        if self._is_stage(table, name):
            stages = self._org.store.table(STAGES)
            for row_id in stages.ids_where("ApiName", value):
                self._org.replace(STAGES, {**stages.rows[row_id], **changes}, by=None, system=True)


def _same_family(old: str, new: str) -> bool:
    return old == new or {old, new} <= _TEXTS or {old, new} <= _NUMBERS
