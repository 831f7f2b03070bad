"""What a CRM is told of a deal of the seed, whichever CRM it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from cosell.sandbox.shell.seed.story import Deal

REFERRAL_LINK = "https://partner.microsoft.com/referrals/v2/inbox?id={}"
HELP_LABELS = {
    "WorkloadSpecificValueProposition": "Workload Specific Value Proposition",
    "CustomerTechnicalArchitecture": "Customer Technical Architecture",
    "ProofOfConceptOrDemo": "Proof Of Concept or Demo",
    "QuotesOrLicensing": "Quotes or Licensing",
    "PostSalesCustomerSuccess": "Post Sales Customer Success",
    "GeneralOrOther": "General or Other",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """The figures of one deal, the same on both sides."""

    value: Decimal
    closes: str

    @property
    def number(self) -> int | float:
        return int(self.value) if self.value == self.value.to_integral_value() else float(self.value)


class Crm(Protocol):
    """Where the sellers of a partner keep their opportunities."""

    def opportunity(self, deal: Deal, terms: Terms) -> str:
        """Creates the opportunity of a deal with all that belongs to it, and gives its id."""
        ...

    def link(self, row_id: str, referral_id: str, microsoft_id: str | None) -> None:
        """Writes onto an opportunity what a connector would have written after introducing the two."""
        ...
