"""The settings of a Salesforce connection; the reference page is made from these texts."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from cosell.core.errors import Misconfigured
from cosell.crm import CrmSection
from cosell.sections import (
    ApiName,
    LinkTemplate,
    Origin,
    Secret,
    Section,
    Tag,
    Word,
    Words,
    refuse_other_machines,
)


class StageSettings(Section):
    """Sales stages by meaning, by API name or label. Several may share a meaning; the first is written."""

    active: Words = ()
    """ENV-S01: stages equal to an accepted referral. Moving a deal from on hold to one accepts it.
    Empty: the first open stage of the org that does not mean on hold."""
    on_hold: Words = ()
    """ENV-S02: stages of a Microsoft referral not yet accepted. In them, changes stay in the CRM."""
    won: Words = ()
    """Stages that mean won. Empty: the first active won stage of the org; any won stage is read as won."""
    lost: Words = ()
    """Stages that mean lost. Empty: the first active lost stage of the org."""
    declined: Words = ()
    """Stages a declined referral is given. Empty: the lost stage."""
    expired: Words = ()
    """Stages an expired referral is given. Empty: the lost stage."""


class SalesforceFields(Section):
    """API names of the fields on the Opportunity, and of the related solutions."""

    sync: ApiName = "Sync_with_Partner_Center__c"
    """FLD-S01, checkbox: Sync with Partner Center."""
    referral_id: ApiName = "Referral_Identifier__c"
    """FLD-S02, text, external id, unique: Referral Identifier."""
    referral_link: ApiName = "Referral_Link__c"
    """FLD-S03, URL: Referral Link."""
    help: ApiName = "How_can_Microsoft_help__c"
    """FLD-S04, picklist: How can Microsoft help?"""
    audit: ApiName = "Audit__c"
    """FLD-S06, long text: Audit."""
    visible: ApiName = "Referral_visible_to_Microsoft__c"
    """FLD-S07, checkbox: Referral visible to Microsoft sellers?"""
    microsoft_id: ApiName = "Microsoft_CRM_Identifier__c"
    """FLD-S08, text: Microsoft CRM Identifier."""
    program: ApiName = "Referral_Program__c"
    """FLD-S09, text: Referral Program."""
    stamp: ApiName = "Cosell_Stamp__c"
    """Our mark: the id of the last write."""
    notes: ApiName = "Description"
    """M-05, long text: the notes of the deal."""
    solution_object: ApiName = "Microsoft_Partner_Center_Solution__c"
    """FLD-S10: the object of the related solutions."""
    solution_opportunity: ApiName = "Opportunity__c"
    """On the solution: its opportunity."""
    solution_id: ApiName = "Solution_Identifier__c"
    """On the solution: its identifier."""
    solution_name: ApiName = "Name"
    """On the solution: its name."""
    solution_quantity: ApiName = "Quantity__c"
    """On the solution: how many."""
    solution_price: ApiName = "Price__c"
    """On the solution: the price of one."""
    detail_object: ApiName = "Microsoft_Solution_Detail__c"
    """FLD-D11, for Salesforce as well: the object of the catalogue a seller chooses from, if any."""
    detail_id: ApiName = "Solution_Identifier__c"
    """In the catalogue: Solution Identifier."""
    detail_name: ApiName = "Name"
    """In the catalogue: Solution Name."""
    detail_type: ApiName = "Type__c"
    """In the catalogue: Type."""
    detail_publisher: ApiName = "Publisher_Name__c"
    """In the catalogue: Publisher Name."""


class LeadFields(Section):
    """API names of the fields on the Lead; used where `[partner_center] cosell_only` is false."""

    sync: ApiName = "Sync_with_Partner_Center__c"
    """Checkbox: Sync with Partner Center."""
    referral_id: ApiName = "Referral_Identifier__c"
    """Text, external id, unique: Referral Identifier."""
    referral_link: ApiName = "Referral_Link__c"
    """URL: Referral Link."""
    audit: ApiName = "Audit__c"
    """Long text: Audit."""
    stamp: ApiName = "Cosell_Stamp__c"
    """Our mark: the id of the last write."""
    notes: ApiName = "Description"
    """M-05, long text: the notes of the deal."""


class LeadStatusSettings(Section):
    """Lead statuses by meaning, by API value or label of the org's own list (CUS-13)."""

    new: Words = ()
    """The status of new leads; of several, the first is written. Empty: the org's own default."""
    disqualified: Words = ()
    """Statuses of a lead nobody pursues: a seller who sets one declines the referral, and a referral that
    ended is shown by the first. Empty: no status means so."""


class SalesforceSettings(CrmSection):
    """The connection to Salesforce."""

    login_url: Origin
    """Where to sign in: the org's My Domain address, or https://login.salesforce.com."""
    login: Literal["jwt", "client_credentials"] = "jwt"
    """How to sign in."""
    client_id: Word
    """The consumer key of the connected app."""
    client_secret: Secret | None = None
    """The consumer secret, by reference; needed for `client_credentials`."""
    username: Word | None = None
    """The integration user; needed for `jwt`."""
    private_key: Secret | None = None
    """The private key of the connected app's certificate (PEM), by reference; needed for `jwt`."""
    api_version: Annotated[str, Field(pattern=r"^[0-9]{2,3}\.[0-9]$")] = "67.0"
    """The API version to speak."""
    instance_url: Origin | None = None
    """Where the org must turn out to live; without it any host of Salesforce is accepted."""
    audience: Origin | None = None
    """The audience of the signed login; without it the login address."""
    country_field: ApiName = "BillingCountry"
    """ENV-S03: the Account field with the customer's country."""
    duns_field: ApiName | None = None
    """The Account field with the DUNS number (M-26); without it the number is not compared."""
    deal_value_field: ApiName = "Amount"
    """ENV-S04: the Opportunity field with the deal value."""
    currency_field: ApiName = "CurrencyIsoCode"
    """ENV-S05: the Opportunity field with the currency."""
    corporate_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """What every amount means in an org with a single currency; without it the currency is unknown there."""
    referral_link: LinkTemplate = "https://partner.microsoft.com/referrals/v2/inbox?id={id}"
    """The template of the Referral Link field; `{id}` stands for the referral's id."""
    audit_limit: Annotated[int, Field(ge=500, le=100_000)] = 10_000
    """Characters of the Audit field at most."""
    contact_role: Word | None = None
    """The role of contacts that come with a referral; without it the org's own default."""
    default_owner: Annotated[str, Field(pattern=r"^005[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$")] | None = None
    """The user id that owns new opportunities when nobody of the deal's team is a user; else our own user."""
    duplicate_alerts: Literal["pass", "stop"] = "pass"
    """Whether an account or contact is created although a duplicate rule of the alert kind warns."""
    stages: StageSettings = StageSettings()
    fields: SalesforceFields = SalesforceFields()
    lead_fields: LeadFields = LeadFields()
    lead_statuses: LeadStatusSettings = LeadStatusSettings()
    opportunity_defaults: dict[ApiName, str | int | bool] = Field(default_factory=dict)
    """CUS-10: what else each new opportunity says, by API name, for fields that the org demands of one."""
    account_defaults: dict[ApiName, str | int | bool] = Field(default_factory=dict)
    """The same for each new account."""
    lead_defaults: dict[ApiName, str | int | bool] = Field(default_factory=dict)
    """CUS-11: what else each new lead says, by API name, for fields that the org demands of a lead."""

    @property
    def address(self) -> str:
        """Where to sign in."""
        return self.login_url

    def refuse_contradictions(self, kind: Tag) -> None:
        """Raises Misconfigured where settings contradict one another, or the address tells another world."""
        self._refuse_telling_host(kind)
        needed = {"jwt": ("username", "private_key"), "client_credentials": ("client_secret",)}
        for name in needed[self.login]:
            if not getattr(self, name):
                raise Misconfigured(f'[salesforce] login = "{self.login}" needs {name} as well.')
        if clash := {*self.stages.active} & {*self.stages.on_hold}:
            raise Misconfigured(
                f"[salesforce.stages] «{sorted(clash)[0]}» means both active and on hold.",
                advice="Leaving the on-hold stage accepts a referral, so one stage cannot mean both.",
            )

    def _refuse_telling_host(self, kind: Tag) -> None:
        """The address itself tells a world apart, where a tag was copied without thought."""
        login = urlsplit(self.login_url).hostname or ""
        if kind is Tag.PRODUCTION and (login == "test.salesforce.com" or ".sandbox." in login):
            raise Misconfigured(
                f"This environment is production, but {login} signs in to a Salesforce sandbox."
            )
        if kind is Tag.STAGING and login == "login.salesforce.com":
            raise Misconfigured(
                f"This environment is staging, but {login} signs in to production.",
                advice="Use https://test.salesforce.com or the My Domain address of the Salesforce sandbox.",
            )
        refuse_other_machines("salesforce] login_url", login, kind)
