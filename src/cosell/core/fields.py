"""The fields of a deal: the one list of what can be kept in step.

Rows M-xx are those of the master mapping, reference product.md B2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a value is compared and stored."""

    TEXT = "text"
    MONEY = "money"
    CURRENCY = "currency"
    DATE = "date"
    FLAG = "flag"
    CHOICE = "choice"
    COUNTRY = "country"
    STATE = "state"
    PEOPLE = "people"
    SOLUTIONS = "solutions"

    @property
    def is_list(self) -> bool:
        """Merged element by element instead of as a whole."""
        return self in (Kind.PEOPLE, Kind.SOLUTIONS)


@dataclass(frozen=True, slots=True)
class Field:
    """One thing both systems know about a deal."""

    key: str
    label: str
    kind: Kind
    row: str
    personal: bool = False
    """Names or reaches a natural person: never in a log, erasable from the audit."""


_ALL = (
    Field("name", "Deal name", Kind.TEXT, "M-01"),
    Field("deal_value", "Deal value", Kind.MONEY, "M-02"),
    Field("currency", "Currency", Kind.CURRENCY, "M-03"),
    Field("close_date", "Close date", Kind.DATE, "M-04"),
    Field("notes", "Notes", Kind.TEXT, "M-05"),
    Field("state", "Status", Kind.STATE, "M-06, M-07"),
    Field("visible", "Visible to Microsoft sellers", Kind.FLAG, "M-08"),
    Field("help", "How can Microsoft help?", Kind.CHOICE, "M-09"),
    Field("customer_name", "Customer name", Kind.TEXT, "M-11"),
    Field("address_line", "Customer address", Kind.TEXT, "M-12"),
    Field("city", "Customer city", Kind.TEXT, "M-12"),
    Field("region", "Customer state or region", Kind.TEXT, "M-12"),
    Field("postal_code", "Customer postal code", Kind.TEXT, "M-13"),
    Field("country", "Customer country", Kind.COUNTRY, "M-14"),
    Field("contacts", "Customer contacts", Kind.PEOPLE, "M-15", personal=True),
    Field("team", "Sales team", Kind.PEOPLE, "M-16", personal=True),
    Field("microsoft_id", "Microsoft CRM identifier", Kind.TEXT, "M-20"),
    Field("program", "Referral program", Kind.TEXT, "M-21"),
    Field("solutions", "Microsoft solutions", Kind.SOLUTIONS, "M-22"),
    Field("microsoft_state", "Microsoft's status", Kind.CHOICE, "M-29"),
)

FIELDS: dict[str, Field] = {field.key: field for field in _ALL}
"""Every field by key, in the order in which people read them."""

CUSTOMER = ("customer_name", "address_line", "city", "region", "postal_code", "country")
"""The customer's own fields: read-only in Partner Center after creation (partner-center-api.md 4.4)."""


class Help(StrEnum):
    """How can Microsoft help? The six answers of product.md B8, spelled as on the wire."""

    WORKLOAD = "WorkloadSpecificValueProposition"
    ARCHITECTURE = "CustomerTechnicalArchitecture"
    PROOF = "ProofOfConceptOrDemo"
    QUOTES = "QuotesOrLicensing"
    POST_SALES = "PostSalesCustomerSuccess"
    GENERAL = "GeneralOrOther"


HELP_LABELS: dict[Help, str] = {
    Help.WORKLOAD: "Workload Specific Value Proposition",
    Help.ARCHITECTURE: "Customer Technical Architecture",
    Help.PROOF: "Proof Of Concept or Demo",
    Help.QUOTES: "Quotes or Licensing",
    Help.POST_SALES: "Post Sales Customer Success",
    Help.GENERAL: "General or Other",
}
"""The labels of Microsoft's package; matched without regard to case (product.md B8)."""
