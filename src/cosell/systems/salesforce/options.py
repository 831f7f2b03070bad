"""What an operator may set about one Salesforce connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cosell.core.drift import sign
from cosell.sections.credentials import Credential


@dataclass(frozen=True, slots=True)
class Jwt:
    """Signs in as `username` with the private key of the app's certificate (salesforce-api.md 2.2)."""

    username: str
    private_key: str | Credential = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """Signs in as the app's Run As user with its secret."""

    secret: str | Credential = field(repr=False)


@dataclass(frozen=True, slots=True)
class FixedToken:
    """Uses a token somebody else fetched; it is never renewed."""

    token: str = field(repr=False)


Login: TypeAlias = Jwt | ClientSecret | FixedToken


@dataclass(frozen=True, slots=True)
class FieldNames:
    """API names on the Opportunity and on its related solutions (product.md A9b).

    A name the org does not have is looked for with any package's `ns__` prefix, then by its label.
    """

    sync: str = "Sync_with_Partner_Center__c"
    referral_id: str = "Referral_Identifier__c"
    referral_link: str = "Referral_Link__c"
    help: str = "How_can_Microsoft_help__c"
    visible: str = "Referral_visible_to_Microsoft__c"
    microsoft_id: str = "Microsoft_CRM_Identifier__c"
    program: str = "Referral_Program__c"
    audit: str = "Audit__c"
    stamp: str = "Cosell_Stamp__c"
    notes: str = "Description"
    solution_object: str = "Microsoft_Partner_Center_Solution__c"
    solution_opportunity: str = "Opportunity__c"
    solution_id: str = "Solution_Identifier__c"
    solution_name: str = "Name"
    solution_quantity: str = "Quantity__c"
    solution_price: str = "Price__c"
    detail_object: str = "Microsoft_Solution_Detail__c"
    """FLD-D11: the catalogue of solutions a seller chooses from; an org may do without."""
    detail_id: str = "Solution_Identifier__c"
    detail_name: str = "Name"
    detail_type: str = "Type__c"
    detail_publisher: str = "Publisher_Name__c"


@dataclass(frozen=True, slots=True)
class Stages:
    """Sales stages by meaning, by API name or label; of several, the first is the one written."""

    active: tuple[str, ...] = ()
    """ENV-S01. Empty: the first open stage of the org that does not mean on hold."""
    on_hold: tuple[str, ...] = ()
    """ENV-S02. Stages of a referral Microsoft sent and nobody accepted yet."""
    won: tuple[str, ...] = ()
    """Empty: the first active won stage of the org. Any won stage is read as won."""
    lost: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    """Empty, like `expired`: the lost stage."""
    expired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadFields:
    """API names on the Lead, looked for like those of the Opportunity."""

    sync: str = "Sync_with_Partner_Center__c"
    referral_id: str = "Referral_Identifier__c"
    referral_link: str = "Referral_Link__c"
    audit: str = "Audit__c"
    stamp: str = "Cosell_Stamp__c"
    notes: str = "Description"


@dataclass(frozen=True, slots=True)
class LeadStatuses:
    """Lead statuses by meaning, by API value or label; of several, the first is the one written."""

    new: tuple[str, ...] = ()
    """CUS-13. The status of new leads. Empty: none is sent, and the org's own default stands."""
    disqualified: tuple[str, ...] = ()
    """Statuses of a lead nobody pursues. Empty: no status means so, and no lead declines a referral."""


@dataclass(frozen=True, slots=True)
class Options:
    """One Salesforce connection."""

    login_url: str
    client_id: str
    login: Login
    instance_url: str | None = None
    """Where the org must turn out to live; None accepts any host of Salesforce."""
    instance_hosts: tuple[str, ...] = (".salesforce.com", ".force.com", ".salesforce.mil")
    """Endings of hosts a token answer may name (reliability.md 8.2)."""
    audience: str | None = None
    """The `aud` of the JWT; None takes the login address, or the one behind a My Domain address."""
    api_version: str = "67.0"
    client_name: str = "cosell"
    """Names our calls in Salesforce's own logs (`Sforce-Call-Options`)."""
    fields: FieldNames = FieldNames()
    stages: Stages = Stages()
    country_field: str = "BillingCountry"
    """ENV-S03, on the Account."""
    duns_field: str | None = None
    """On the Account, M-26; None: DUNS numbers are not compared."""
    value_field: str = "Amount"
    """ENV-S04."""
    currency_field: str = "CurrencyIsoCode"
    """ENV-S05."""
    corporate_currency: str | None = None
    """What every amount means in an org with a single currency; None leaves the currency unknown."""
    display_check_mark: bool = True
    """ENV-S06."""
    leads: bool = False
    """ENV-S07: whether leads are synced, as leads of the org."""
    lead_fields: LeadFields = LeadFields()
    lead_statuses: LeadStatuses = LeadStatuses()
    lead_defaults: Mapping[str, str | int | bool] = field(default_factory=dict)
    opportunity_defaults: Mapping[str, str | int | bool] = field(default_factory=dict)
    account_defaults: Mapping[str, str | int | bool] = field(default_factory=dict)
    """CUS-11: what else each new lead says, by API name; for fields the org demands."""
    referral_link: str = "https://partner.microsoft.com/referrals/v2/inbox?id={id}"
    audit_limit: int = 10_000
    """Characters of the Audit field, at most what the field holds."""
    contact_phone: str = "Phone"
    user_phone: str = "Phone"
    contact_role: str | None = None
    """The Role of contact roles we add; None leaves it to the org."""
    default_owner: str | None = None
    """User id that owns new opportunities when nobody of the deal's team is a user; None: our own user."""
    duplicate_alerts: Literal["pass", "stop"] = "pass"
    """Whether an account or contact is created although an alert-type duplicate rule warns."""
    overlap: float = 900.0
    """Seconds a poll looks back again, for transactions that commit late (salesforce-api.md 10.2)."""
    deleted_every: float = 300.0
    """Seconds between two looks at what was deleted (salesforce-api.md 10.3)."""
    describe_every: float = 86_400.0
    """Seconds after which the org's schema is asked again where nobody had it asked earlier; one call."""
    poll_page: int = 1000
    """Rows one query of a poll brings, at most 2,000."""
    walk_page: int = 500
    """Opportunities one step of the first full read brings."""

    @property
    def names(self) -> str:
        """A sign of everything these settings name in the org."""
        fields = (self.fields, self.country_field, self.value_field, self.currency_field)
        return sign(fields, self.stages, self.leads, self.lead_fields, self.lead_statuses)
