"""The fields that stand for the desk's words in this org: by their usual name, else by their label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.salesforce import Salesforce
from cosell.sandbox.salesforce.fields import Field, SObject
from cosell.sandbox.shell.wishes import Refused

Row = Mapping[str, Any]

SOLUTION = "Microsoft_Partner_Center_Solution__c"
_OPPORTUNITY = {
    "Sync_with_Partner_Center__c": ("Sync with Partner Center",),
    "How_can_Microsoft_help__c": ("How can Microsoft help?",),
    "Referral_visible_to_Microsoft__c": (
        "Referral visible to Microsoft sellers?",
        "Microsoft Partner Center Referral Visibility",
    ),
    "Referral_Identifier__c": ("Referral Identifier",),
    "Referral_Link__c": ("Referral Link",),
    "Microsoft_CRM_Identifier__c": ("Microsoft CRM Identifier",),
    "Referral_Program__c": ("Referral Program",),
    "Audit__c": ("Audit",),
}
_SOLUTION = {
    "Opportunity__c": ("Opportunity",),
    "Solution_Identifier__c": ("Solution Identifier", "Solution Id"),
    "Quantity__c": ("Quantity",),
    "Price__c": ("Price",),
}
_SOLUTION_LABELS = ("microsoft partner center solution", "microsoft solution")


class Names:
    """Translates rows between the usual names and those that the org really has."""

    def __init__(self, org: Salesforce) -> None:
        self._schema = org.schema

    @property
    def solution(self) -> str | None:
        """The object that holds the solutions of an opportunity; None in an org without."""
        found = self._solution()
        return found.name if found else None

    def usual(self, row: Row) -> dict[str, Any]:
        """A row of an opportunity with every usual name, empty where the org has no such field."""
        return {**row, **_read(row, _actual(self._schema.object("Opportunity"), _OPPORTUNITY))}

    def usual_solution(self, row: Row) -> dict[str, Any]:
        """A row of a solution with every usual name."""
        found = self._solution()
        return {**row, **_read(row, _actual(found, _SOLUTION))} if found else dict(row)

    def actual(self, fields: Row) -> dict[str, Any]:
        """What is to be written to an opportunity, by the names the org has; refused if it has none."""
        return _write(fields, _actual(self._schema.object("Opportunity"), _OPPORTUNITY), _OPPORTUNITY)

    def actual_solution(self, fields: Row) -> dict[str, Any]:
        """What is to be written to a solution, by the names the org has."""
        found = self._solution()
        if found is None:
            raise Refused("This org has no object for the solutions of an opportunity.")
        return _write(fields, _actual(found, _SOLUTION), _SOLUTION)

    def _solution(self) -> SObject | None:
        objects = self._schema.objects
        if SOLUTION.lower() in objects:
            return objects[SOLUTION.lower()]
        labelled = (one for one in objects.values() if one.custom and one.label.lower() in _SOLUTION_LABELS)
        return next(labelled, None)


def _actual(one: SObject, usual: Mapping[str, tuple[str, ...]]) -> dict[str, str | None]:
    """The name each usual name has here; None where there is no such field."""
    custom = [field for field in one.fields.values() if field.custom]
    return {name: _found(one, custom, name, labels) for name, labels in usual.items()}


def _found(one: SObject, custom: list[Field], name: str, labels: tuple[str, ...]) -> str | None:
    if name.lower() in one.fields:
        return one.fields[name.lower()].name
    wanted = {one.lower() for one in labels}
    return next((field.name for field in custom if field.label.lower() in wanted), None)


def _read(row: Row, names: Mapping[str, str | None]) -> dict[str, Any]:
    return {usual: row.get(actual) if actual else None for usual, actual in names.items()}


def _write(
    fields: Row, names: Mapping[str, str | None], labels: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for usual, value in fields.items():
        actual = names.get(usual, usual)
        if actual is not None:
            made[actual] = value
        elif value not in (None, False, ""):
            raise Refused(f"This org has no field “{labels[usual][0]}”.")
    return made
