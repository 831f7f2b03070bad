"""What the settings name in an org, and which part of the package stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from cosell.systems.salesforce import discovery, lead_schema
from cosell.systems.salesforce.options import FieldNames, LeadFields
from cosell.systems.salesforce.settings import LeadFields as LeadSection
from cosell.systems.salesforce.settings import SalesforceFields

_CUSTOM = "__c"
_MANAGED = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__\w+__c\Z")


class Sheet(StrEnum):
    """The objects the package has to do with."""

    OPPORTUNITY = "Opportunity"
    LEAD = "Lead"
    SOLUTION = "Microsoft_Partner_Center_Solution__c"
    CATALOGUE = "Microsoft_Solution_Detail__c"


OBJECTS = {Sheet.SOLUTION: "solution_object", Sheet.CATALOGUE: "detail_object"}
"""The setting that names each object of ours."""
OBJECT_LABELS: Mapping[Sheet, tuple[str, ...]] = {
    Sheet.SOLUTION: (
        "Microsoft Partner Center Solution",
        "Microsoft Partner Center Solutions",
        "Microsoft Solution",
        "Microsoft Solutions",
    ),
    Sheet.CATALOGUE: ("Microsoft Solution Detail", "Microsoft Solution Details"),
}
"""Under these Microsoft's package shows its objects (salesforce-api.md 13)."""

_FLAG = frozenset(("boolean",))
_TEXT = frozenset(("string", "textarea", "picklist", "combobox"))
_LINE = frozenset(("string",))
_NUMBER = frozenset(("currency", "double", "int", "percent"))
_KINDS: Mapping[str, frozenset[str]] = {
    "sync": _FLAG,
    "visible": _FLAG,
    "referral_id": _LINE,
    "referral_link": _TEXT | {"url"},
    "solution_opportunity": frozenset(("reference",)),
    "solution_quantity": _NUMBER,
    "solution_price": _NUMBER,
}
"""What types of field can hold each thing; everything else is text."""
_LABELS: Mapping[str, tuple[str, ...]] = {
    "solution_opportunity": ("Opportunity",),
    "solution_id": ("Solution Identifier",),
    "solution_quantity": ("Quantity",),
    "solution_price": ("Price",),
    "detail_id": ("Solution Identifier",),
    "detail_type": ("Type",),
    "detail_publisher": ("Publisher Name",),
}


@dataclass(frozen=True, slots=True)
class Need:
    """One field that the settings name and the package can make."""

    sheet: Sheet
    role: str
    name: str
    """As the settings name it; the package makes it only under the name it has there by default."""
    ours: str

    @property
    def part(self) -> str:
        """The full name of the part that makes it."""
        return f"{self.sheet}.{self.ours}"

    @property
    def setting(self) -> str:
        """The setting that names it, below the CRM's table."""
        return f"{'lead_fields' if self.sheet is Sheet.LEAD else 'fields'}.{self.role}"

    @property
    def types(self) -> frozenset[str]:
        return _KINDS.get(self.role, _TEXT)

    @property
    def labels(self) -> tuple[str, ...]:
        """Under these a field of another name is recognised."""
        if self.role in _LABELS:
            return _LABELS[self.role]
        known = lead_schema.LABELS if self.sheet is Sheet.LEAD else discovery.LABELS
        return known[self.role]


def needs(names: FieldNames, leads: LeadFields | None) -> Sequence[Need]:
    """Every custom field that the settings name; those of leads only where leads are kept."""
    found = [Need(_sheet(role), role, name, ours) for role, name, ours in _named(names, SalesforceFields)]
    if leads is not None:
        found += [Need(Sheet.LEAD, role, name, ours) for role, name, ours in _named(leads, LeadSection)]
    return found


def _named(names: FieldNames | LeadFields, section: type[BaseModel]) -> Iterable[tuple[str, str, str]]:
    """Role, name, and our own name of each custom field; one set to nothing is not wanted."""
    for role, field in section.model_fields.items():
        name, ours = getattr(names, role), str(field.default)
        if name and ours.endswith(_CUSTOM) and role not in OBJECTS.values():
            yield role, name, ours


def _sheet(role: str) -> Sheet:
    prefixes = {"solution_": Sheet.SOLUTION, "detail_": Sheet.CATALOGUE}
    return next((sheet for begin, sheet in prefixes.items() if role.startswith(begin)), Sheet.OPPORTUNITY)


def is_managed(name: str) -> bool:
    """Whether a field or object belongs to somebody's package, and cannot be changed from outside."""
    return _MANAGED.match(name) is not None
