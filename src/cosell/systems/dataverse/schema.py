"""What an environment has of what a deal needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cosell.core import drift
from cosell.ports import Capabilities, Lack
from cosell.systems.dataverse.metadata import Choice, Column, Table
from cosell.systems.dataverse.statuses import StatusBook

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
    """The solutions of an opportunity."""

    name: str
    set: str
    key: str
    """The primary key column."""
    children: str
    """The collection as seen from the opportunity."""
    opportunity: Column
    """The lookup to the opportunity."""
    parent: str
    """Its navigation property, as `@odata.bind` wants it."""
    id: Column
    label: Column | None
    quantity: Column | None
    price: Column | None
    detail: str | None
    """The navigation property to the catalogue, where there is one."""
    tracked: bool
    """Change tracking is on for this table."""

    @property
    def writable(self) -> bool:
        return self.opportunity.creatable and self.id.creatable


@dataclass(frozen=True, slots=True)
class DetailTable:
    """The catalogue of solutions a seller chooses from (FLD-D11)."""

    set: str
    key: str
    id: Column
    label: Column | None
    type: Column | None
    publisher: Column | None


@dataclass(frozen=True, slots=True)
class Currency:
    """One active currency of the organization."""

    id: str
    code: str
    """ISO 4217."""
    precision: int = 2


@dataclass(frozen=True, slots=True)
class Organization:
    """Who we are and where."""

    user_id: str
    """Our own systemuserid (`WhoAmI`)."""
    organization_id: str = ""
    name: str = ""
    base_currency: str | None = None
    """ISO code; None where it is not to be seen."""
    token_days: int | None = None
    """Life of a delta token."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The environment as far as deals are concerned."""

    tables: Mapping[str, Table]
    """By logical name: opportunity, account, contact, systemuser, transactioncurrency, and where they are
    to be seen lead, connection and the two solution tables."""
    opportunity: Mapping[str, Column]
    """By the names of FieldNames, and by canonical field for the standard ones; `state` is statuscode."""
    account: Mapping[str, Column]
    """By canonical field, and `website`, `duns`."""
    contact: Mapping[str, Column]
    """email, first_name, last_name, phone."""
    user: Mapping[str, Column]
    lead: Mapping[str, Column]
    """By canonical field; contacts as `contact_email` and the like; `referral_id`, `sync` where the lead
    has them. Empty where the environment has no leads for us."""
    solution: SolutionTable | None
    details: DetailTable | None
    currencies: Mapping[str, Currency]
    """By ISO code; active ones only."""
    organization: Organization
    statuses: StatusBook
    lead_status: Choice | None
    """The status reason the settings name for new leads."""
    lead_lost: Choice | None
    """The one they name for leads whose referral ended."""
    capabilities: Capabilities
    demanded: tuple[str, ...] = ()
    """What forms demand of a row that we create and nobody gives, such as `account.new_region`."""
    missing: tuple[str, ...] = ()
    """Names that the settings give and the environment does not show; none of them is needed."""
    currency_ids: Mapping[str, str] = field(default_factory=dict)
    """ISO code by currency id, inactive ones included."""
    lacks: Mapping[str, Lack] = field(default_factory=dict)
    """What the settings name and cannot be used, by part (core/drift)."""

    @property
    def unread(self) -> frozenset[str]:
        """What no read brings, or brings in part."""
        return drift.blinding(self.lacks)

    @property
    def readable(self) -> dict[str, Column]:
        """The columns of an opportunity that can be used."""
        return {role: column for role, column in self.opportunity.items() if role not in self.lacks}

    @property
    def writable(self) -> dict[str, Column]:
        """The same without what we keep for ourselves and may not write; the rest `capabilities` tell."""
        barred = {role for role in OWN if role not in GUARDED and drift.part(role) in self.lacks}
        return {role: column for role, column in self.readable.items() if role not in barred}

    @property
    def deals(self) -> Table:
        return self.tables["opportunity"]

    @property
    def leads(self) -> Table | None:
        return self.tables.get("lead") if self.lead else None

    @property
    def keyed(self) -> bool:
        """The referral id is an alternate key that refuses a second opportunity of the same referral."""
        key = self.deals.key_of(self.opportunity["referral_id"].name)
        return key is not None and key.active

    def name(self, role: str) -> str | None:
        """The name under which an opportunity's row carries `role`."""
        column = self.opportunity.get(role) if role not in self.lacks else None
        return column.shown if column is not None else None

    def needed(self, role: str) -> str:
        return self.opportunity[role].shown

    def bind(self, table: str, column: str, target: str) -> str | None:
        """The key that binds a lookup of `table` to a row of `target`; None where it cannot point there."""
        known = self.tables.get(table)
        found = known.get(column) if known is not None else None
        navigation = found.navigation.get(target) if found is not None else None
        return f"{navigation}@odata.bind" if navigation is not None else None
