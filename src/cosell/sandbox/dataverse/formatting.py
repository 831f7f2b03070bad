"""Values as people see them: the FormattedValue annotation (sheet section 2.4)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Ref, Row


def formatted(org: Org, column: Column, row: Row, value: Any) -> str | None:
    """The text of a value, in the language and zone of an American user at UTC; None where it has none."""
    if isinstance(value, Ref):
        return name_of(org, value)
    match column.kind:
        case "boolean":
            return _label(column, int(value))
        case "picklist" | "state" | "status":
            return _label(column, value)
        case "multipicklist":
            return "; ".join(_label(column, one) or "" for one in value)
        case "money":
            return _money(org, row, value)
        case "datetime":
            return _time(value)
        case "integer" | "bigint":
            return f"{value:,}"
        case "decimal" | "double":
            return f"{Decimal(str(value)):,.{column.precision}f}"
        case _:
            return None


def name_of(org: Org, link: Ref) -> str | None:
    """The primary name of the row a lookup points to."""
    table = org.schema.tables.get(link.table)
    row = org.store.get(link.table, link.id)
    if table is None or row is None or table.primary_name is None:
        return None
    return row.get(table.primary_name)


def _label(column: Column, value: int) -> str | None:
    found = column.choice(value)
    return found.label if found else None


def _money(org: Org, row: Row, value: Decimal) -> str:
    link = row.get("transactioncurrencyid")
    currency = (org.store.get(link.table, link.id) if isinstance(link, Ref) else None) or {}
    text = f"{currency.get('currencysymbol', '$')}{abs(value):,.{currency.get('currencyprecision', 2)}f}"
    return f"({text})" if value < 0 else text


def _time(value: str) -> str:
    at = datetime.fromisoformat(value.replace("Z", ""))
    day = f"{at.month}/{at.day}/{at.year}"
    if "T" not in value:
        return day
    return f"{day} {at.hour % 12 or 12}:{at.minute:02} {'PM' if at.hour >= 12 else 'AM'}"
