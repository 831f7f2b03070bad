"""What an org demands of new records beyond what a deal says, and who gives it (CUS-10, CUS-11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosell.core.errors import Misconfigured
from cosell.systems.salesforce.describe import Table

GIVEN = {
    "Opportunity": ("Name", "CloseDate", "StageName"),
    "Account": ("Name",),
}
"""What a creation always names; everything else may be missing from a deal."""


def refuse_wrong(sheet: Table, given: Mapping[str, str | int | bool], setting: str) -> None:
    """Raises Misconfigured where `[salesforce.SETTING]` names a field or a value that is not there."""
    for name, value in given.items():
        column = sheet.get(name)
        if column is None or not column.creatable:
            raise Misconfigured(
                f"[salesforce.{setting}] names {sheet.name}.{name}, which does not exist or may not be "
                "written.",
                advice="Correct the API name, or give the permission set edit access.",
            )
        known = [one for one, _ in column.choices]
        if known and value not in known:
            raise Misconfigured(
                f"[salesforce.{setting}] gives {sheet.name}.{name} the unknown value «{value}».",
                advice=f"Choose one of: {', '.join(known)}.",
            )


def unfilled(sheet: Table, given: Iterable[str]) -> tuple[str, ...]:
    """The fields that the org demands of a new record, and nobody gives."""
    known = {name.lower() for name in given}
    return tuple(
        column.name for name, column in sheet.columns.items() if column.required and name not in known
    )
