"""What stands in brackets behind an entity set: a primary key or an alternate key (sheet 2.3, trap 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote, unquote

from cosell.sandbox.dataverse.columns import CHOICES, NUMBERS, TEXTS, Column, Key, Table
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Ref, Row, folded
from cosell.sandbox.dataverse.values import accept, guid

UNUSABLE = frozenset("/<>*%&:\\?+")
_PART = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*('(?:[^']|'')*'|[^,']+)\s*(?:,|$)")
_NO_NAMED_ID = frozenset({"systemuser", "team"})


@dataclass(frozen=True, slots=True)
class RowKey:
    """How a row is addressed: by its id, or by the values of an alternate key."""

    table: Table
    row_id: str | None
    values: tuple[tuple[Column, object], ...] = ()
    text: str = ""
    """The brackets' content as it came, decoded."""

    @property
    def segment(self) -> str:
        """The address below the service root."""
        return f"{self.table.entity_set}({self.row_id or quote(self.text, safe='=,')})"


def read_key(org: Org, table: Table, raw: str) -> RowKey:
    """The key in the brackets, refused where no such key is declared."""
    text = unquote(raw).strip()
    row_id = guid(text)
    if row_id is not None:
        return RowKey(table, row_id, text=text)
    parts = _parts(table, text)
    if list(parts) == [table.primary_id] and table.name not in _NO_NAMED_ID:
        row_id = guid(parts[table.primary_id])
        if row_id is None:
            raise bad_request("Error in query syntax.")
        return RowKey(table, row_id, text=text)
    return RowKey(table, None, _values(org, table, parts), text)


def _parts(table: Table, text: str) -> dict[str, str]:
    made: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise bad_request("Error in query syntax.")
        made[match[1]] = match[2].strip()
        at = match.end()
    if not made:
        raise _no_key(table)
    return made


def _values(org: Org, table: Table, parts: dict[str, str]) -> tuple[tuple[Column, object], ...]:
    columns = {name: table.by_wire(name) for name in parts}
    named = {column.name for column in columns.values() if column is not None}
    key = next((one for one in table.keys if set(one.columns) == named), None)
    if key is None or key.status != "Active" or None in columns.values():
        raise _no_key(table)
    return tuple(
        (one, _value(org, table, one, parts[name])) for name, one in columns.items() if one is not None
    )


def _no_key(table: Table) -> DataverseError:
    text = (
        f"The key in the request URI is not valid for resource '{table.type_name}'. Ensure that the names and"
        " number of key properties match the declared or alternate key properties for the resource"
        f" '{table.type_name}'."
    )
    return refusal(400, "0x80060890", text)


def _value(org: Org, table: Table, column: Column, text: str) -> object:
    """A key's value as rows store it."""
    quoted = text.startswith("'")
    inside = text[1:-1].replace("''", "'") if quoted else text
    if UNUSABLE & set(inside):
        raise bad_request(f"The value '{inside}' cannot be used in the key of a request URI.")
    if quoted != (column.kind in TEXTS):
        raise bad_request("Error in query syntax.")
    if column.kind == "lookup":
        return _link(org, column, inside)
    if column.kind in NUMBERS | CHOICES:
        if not re.fullmatch(r"-?\d+(\.\d+)?", inside):
            raise bad_request("Error in query syntax.")
        return accept(table.name, column, Decimal(inside) if "." in inside else int(inside))
    return accept(table.name, column, inside)


def _link(org: Org, column: Column, text: str) -> Ref:
    row_id = guid(text)
    if row_id is None:
        raise bad_request("Error in query syntax.")
    tables = [one.table for one in column.targets]
    return Ref(next((one for one in tables if org.store.get(one, row_id)), tables[0]), row_id)


def find_row(org: Org, key: RowKey) -> Row | None:
    """The row a key leads to."""
    if key.row_id is not None:
        return org.store.get(key.table.name, key.row_id)
    found = matching(org, key.table, list(key.values))
    if len(found) > 1:
        raise refusal(400, "0x8006089d", f"More than one {key.table.name} has the key values {key.text}.")
    return found[0] if found else None


def matching(org: Org, table: Table, values: list[tuple[Column, object]]) -> list[Row]:
    """The rows that agree in all the columns, case aside."""
    rows = org.store.table(table.name)
    column, value = values[0]
    found = [rows.live[one] for one in rows.ids_where(column.name, value)]
    return [row for row in found if all(folded(row.get(one.name)) == folded(v) for one, v in values)]


def row_missing(key: RowKey) -> DataverseError:
    """The refusal of a key that leads nowhere."""
    if key.row_id is not None:
        return refusal(404, "0x80040217", f"{key.table.name} With Id = {key.row_id} Does Not Exist")
    text = f"A record with the specified key values does not exist in {key.table.name} entity"
    return refusal(404, "0x80060891", text)


def check_keys(org: Org, table: Table, row: Row, old: Row | None) -> None:
    """Refuses a row that repeats the key of another; a key with an empty column is not looked at."""
    for key in table.keys:
        if key.status != "Active" or any(row.get(name) is None for name in key.columns):
            continue
        if old is not None and all(row[name] == old.get(name) for name in key.columns):
            continue
        values = [(table.columns[name], row[name]) for name in key.columns]
        rivals = matching(org, table, values)
        if any(one[table.primary_id] != row.get(table.primary_id) for one in rivals):
            raise _violated(org, table, key)


def _violated(org: Org, table: Table, key: Key) -> DataverseError:
    names = ",".join(table.columns[name].label for name in key.columns)
    text = (
        f"Entity Key {key.label} violated. A record with the same value for {names} already exists."
        " A duplicate record cannot be created. Select one or more unique values and try again."
    )
    return refusal(org.settings.key_violation_status, "0x80060892", text)
