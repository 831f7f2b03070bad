"""What forms demand of new rows beyond what a deal says, and who gives it (CUS-10, CUS-11).

The Web API takes a row without such a column (dataverse-api.md 6); the seller who opens it could not save it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosell.core.errors import Misconfigured
from cosell.systems.dataverse.metadata import Table

Given = Mapping[str, str | int | float | bool]
_ALWAYS = {
    "opportunity": ("name", "customerid", "transactioncurrencyid", "ownerid", "estimatedclosedate"),
    "account": ("name", "ownerid"),
    "lead": ("subject", "lastname", "companyname", "ownerid"),
}
"""What a creation names; the environment itself gives owner and currency where we do not."""


def refuse_wrong(table: Table, given: Given, setting: str) -> None:
    """Raises Misconfigured where `[dynamics.SETTING]` names a column that takes no plain value."""
    for name in given:
        column = table.get(name)
        if column is None or not column.creatable:
            raise Misconfigured(
                f"[dynamics.{setting}] names {table.name}.{name}, which does not exist or cannot be written.",
                advice="Correct the column's logical name.",
            )
        if column.is_lookup:
            raise Misconfigured(
                f"[dynamics.{setting}] gives a value to {table.name}.{name}, which points to another row.",
                advice="Have a business rule or a workflow of Dynamics 365 fill a lookup.",
            )


def unfilled(table: Table, given: Given) -> Iterable[str]:
    """The columns that forms demand and nobody gives, such as `opportunity.new_region`."""
    known = {*_ALWAYS[table.name], *(name.lower() for name in given)}
    for name, column in table.columns.items():
        if column.required and column.creatable and name not in known:
            yield f"{table.name}.{name}"
