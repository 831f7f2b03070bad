"""What an org has of what a deal needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cosell.core import drift
from cosell.ports import Capabilities, Lack
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.lead_statuses import StatusBook
from cosell.systems.salesforce.stages import StageBook

GUARDED = (
    "name",
    "deal_value",
    "currency",
    "close_date",
    "notes",
    "state",
    "visible",
    "help",
    "microsoft_id",
    "program",
)
"""Canonical fields on the opportunity's own row: every change of theirs moves its version."""
OWN = (*GUARDED, "referral_link", "audit", "stamp")
"""The same and what we keep there for ourselves; the connection lives without any of them."""


@dataclass(frozen=True, slots=True)
class SolutionTable:
    """The related solutions of an opportunity."""

    name: str
    children: str
    """The relationship's name as seen from the opportunity."""
    opportunity: str
    parent: str
    """The relationship's name as seen from the solution."""
    id: str
    label: str | None
    quantity: str | None
    price: str | None
    replicateable: bool
    label_length: int
    writable: bool


@dataclass(frozen=True, slots=True)
class LeadTable:
    """The leads of the org."""

    prefix: str
    """The first three characters of a lead's id."""
    columns: Mapping[str, Column]
    """By the names of LeadFields, by canonical field, and `email`, `phone` and the like of its person."""
    statuses: StatusBook
    capabilities: frozenset[str]
    """Canonical fields a new lead can hold."""
    replicateable: bool
    unfilled: tuple[str, ...]
    """API names that the org demands of a new lead and nobody gives (CUS-11)."""

    def needed(self, role: str) -> str:
        return self.columns[role].name

    def name(self, role: str) -> str | None:
        column = self.columns.get(role)
        return column.name if column is not None else None

    def owns(self, record_id: str) -> bool:
        """Whether an id is a lead's."""
        return record_id.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class Schema:
    """The org as far as deals are concerned."""

    opportunity: Mapping[str, Column]
    """By the names of FieldNames, and by canonical field for the standard ones."""
    account: Mapping[str, Column]
    """By canonical field, and `region_code` where the org keeps states as a list."""
    known_by: Mapping[str, Column]
    """Further fields of the account by which a customer is known: `duns`, `website`. Never written."""
    contact: Mapping[str, Column]
    user: Mapping[str, Column]
    solution: SolutionTable | None
    lead: LeadTable | None
    lead_problems: tuple[str, ...]
    """Why leads cannot be kept though they should be."""
    teams: bool
    can_add_team: bool
    has_lines: bool
    replicateable: frozenset[str]
    stages: StageBook
    capabilities: Capabilities
    demanded: tuple[str, ...]
    """What the org demands of a new opportunity or account and nobody gives, such as `Account.Region__c`."""
    missing: tuple[str, ...]
    """API names that the settings name and the org does not show; none of them is needed."""
    lacks: Mapping[str, Lack] = field(default_factory=dict)
    """What the settings name and cannot be used, by part (core/drift)."""

    @property
    def unread(self) -> frozenset[str]:
        """What no read brings, or brings in part."""
        return drift.blinding(self.lacks)

    def name(self, role: str) -> str | None:
        """The field that holds it, where it can be used."""
        column = self.opportunity.get(role) if role not in self.lacks else None
        return column.name if column is not None else None

    def written(self, role: str) -> str | None:
        """The same where we may write it."""
        return self.name(role) if drift.part(role) not in self.lacks else None

    def needed(self, role: str) -> str:
        return self.opportunity[role].name
