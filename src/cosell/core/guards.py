"""What must be true before anything leaves: the creation gate and the brake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from cosell.core.mapping import Flow
from cosell.core.matching import Caution
from cosell.core.records import RecordKind, Snapshot
from cosell.core.values import Person, Solution, State, Unreadable, Value, well_formed_solution


@dataclass(frozen=True, slots=True)
class Brake:
    """How much may change at once without a person looking (INV-17, reliability.md 9)."""

    links: int = 20
    """Links one sweep may write, or `share` of all links if that is more."""
    share: float = 0.10
    clears: int = 5
    """Fields that may be emptied within an hour, or `clear_share` of all links if that is more."""
    clear_share: float = 0.02

    def allows_links(self, written: int, links: int) -> bool:
        return written < max(self.links, int(self.share * links))

    def allows_clears(self, cleared: int, links: int) -> bool:
        return cleared < max(self.clears, int(self.clear_share * links))


@dataclass(frozen=True, slots=True)
class Policy:
    """The choices an admin makes about what may happen."""

    flows: frozenset[Flow] = frozenset(Flow)
    brake: Brake = field(default_factory=Brake)
    check_mark: bool = True
    """ENV-S06: ✔ or ✘ before the opportunity's name."""
    contacts_freeze: bool = True
    matching: Caution = field(default_factory=Caution)
    """How sure one must be whose deal a new one is."""
    dry_run: bool = False
    """Plan everything, write nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a deal from being sent, and what the seller can do."""

    code: str
    field: str
    says: str
    fix: str


def creation_gate(values: Mapping[str, Value]) -> tuple[Problem, ...]:
    """Everything that is missing for a new referral, all at once (TRB-3.2, product.md B3)."""
    return (*_deal_problems(values), *_solution_problems(values), *_people_problems(values))


def _deal_problems(values: Mapping[str, Value]) -> list[Problem]:
    found = []
    if not _text(values, "name"):
        found.append(Problem("name_missing", "name", "The deal has no name.", "Name the opportunity."))
    if not _text(values, "customer_name"):
        found.append(
            Problem(
                "customer_missing",
                "customer_name",
                "The opportunity has no account.",
                "Choose the customer's account.",
            )
        )
    if not (_text(values, "address_line") and _text(values, "city")):
        found.append(
            Problem(
                "address_missing",
                "address_line",
                "The account's address has no street or no city.",
                "Complete the customer's address.",
            )
        )
    country = values.get("country")
    if not isinstance(country, str):
        shown = f" («{country.raw}» is not one)" if isinstance(country, Unreadable) else ""
        found.append(
            Problem(
                "country_missing",
                "country",
                f"The account has no two-letter country code{shown}.",
                "Put the ISO code, such as NL, on the account.",
            )
        )
    value = values.get("deal_value")
    if not isinstance(value, Decimal) or value <= 0:
        found.append(
            Problem(
                "value_missing",
                "deal_value",
                "The deal value is empty or not above zero.",
                "Give the amount.",
            )
        )
    if not _text(values, "currency"):
        found.append(
            Problem(
                "currency_missing",
                "currency",
                "The currency of the deal value is unknown.",
                "Give the currency, or have your admin set the organisation's currency.",
            )
        )
    closing = values.get("close_date")
    if closing is None or isinstance(closing, Unreadable):
        found.append(
            Problem("close_date_missing", "close_date", "The close date is missing.", "Give the close date.")
        )
    return found


def _solution_problems(values: Mapping[str, Value]) -> list[Problem]:
    solutions = [one for one in _listed(values, "solutions") if isinstance(one, Solution)]
    if not solutions:
        return [
            Problem(
                "solution_missing",
                "solutions",
                "Solution ID is required: the opportunity has no Microsoft solution.",
                "Add a co-sell ready solution, such as SOL-12345-ABC.",
            )
        ]
    return [
        Problem(
            "solution_malformed",
            "solutions",
            f"«{one.id[:60]}» does not look like a solution id.",
            "Use the id shown in Partner Center, such as SOL-12345-ABC.",
        )
        for one in solutions
        if not well_formed_solution(one.id)
    ]


def _people_problems(values: Mapping[str, Value]) -> list[Problem]:
    found = []
    if values.get("help") is not None and not any(_reachable(one) for one in _listed(values, "contacts")):
        found.append(
            Problem(
                "contact_missing",
                "contacts",
                "Help from Microsoft needs a customer contact with first and last name, phone and e-mail.",
                "Add a contact that has all four to the deal.",
            )
        )
    if not any(_reachable(one) for one in _listed(values, "team")):
        found.append(
            Problem(
                "team_missing",
                "team",
                "The deal has no team member with first and last name, phone and e-mail.",
                "Complete the owner's user, or add a complete colleague to the opportunity team.",
            )
        )
    return found


def _reachable(one: object) -> bool:
    return isinstance(one, Person) and all((one.first_name, one.last_name, one.phone, one.email))


def _listed(values: Mapping[str, Value], key: str) -> tuple[object, ...]:
    found = values.get(key)
    return found if isinstance(found, tuple) else ()


def _text(values: Mapping[str, Value], key: str) -> bool:
    return isinstance(values.get(key), str)


def enters_crm(referral: Snapshot) -> bool:
    """Whether a referral nobody in the CRM knows is worth an opportunity: a deal of ours, still open."""
    state = referral.values.get("state")
    return referral.enrolled and isinstance(state, State) and not state.terminal


def enters_as_lead(referral: Snapshot) -> bool:
    """Whether it arrives as a lead: one that nobody accepted yet (SCN-09)."""
    return referral.kind is RecordKind.LEAD and referral.values.get("state") is State.PENDING


def enters_partner_center(opportunity: Snapshot) -> bool:
    """Whether an opportunity without a referral wants one: sync is on and it is not closed.

    A lead never does: it travels as the opportunity it is converted to.
    """
    state = opportunity.values.get("state")
    wants = opportunity.enrolled and opportunity.kind is RecordKind.OPPORTUNITY
    return wants and not (isinstance(state, State) and state.terminal)
