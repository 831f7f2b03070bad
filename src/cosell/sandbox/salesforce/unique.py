"""Values that no two rows may share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.store import Row


def check_unique(
    org: Org, table_name: str, row: Row, *, fields: Iterable[Field], old: Mapping[str, Any] | None
) -> None:
    """Refuses a row that repeats the unique value of another; `old` is the row as it was."""
    table = org.store.table(table_name)
    for one in fields:
        value = row.get(one.name)
        if not one.unique or value is None or (old is not None and old.get(one.name) == value):
            continue
        for other in table.ids_where(one.name, value):
            rival = table.rows[other]
            same = rival[one.name] == value or not one.case_sensitive
            if same and other != row.get("Id") and not rival.get("IsDeleted"):
                text = f"duplicate value found: {one.name} duplicates value on record with id: "
                raise refusal(400, "DUPLICATE_VALUE", text + other[:15], [])
