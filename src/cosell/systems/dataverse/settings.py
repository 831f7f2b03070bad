"""The settings of a Dynamics 365 connection; the reference page is made from these texts."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from cosell.core.errors import Misconfigured
from cosell.crm import CrmSection
from cosell.sections import (
    LinkTemplate,
    Origin,
    Secret,
    Section,
    Tag,
    Word,
    Words,
    refuse_other_machines,
)

Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
Absent = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,99})?$")]
"""The logical name of a column that may be missing: empty keeps nothing there."""
Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class DynamicsStatuses(Section):
    """Status reasons by meaning, by value or label. Several may share a meaning; the first is written."""

    active: Words = ()
    """ENV-S01, for Dynamics as well: status reasons equal to an accepted referral. Moving a deal from on hold
    to one accepts it. Empty: the first open status reason that does not mean on hold."""
    on_hold: Words = ("2",)
    """ENV-S02, for Dynamics as well: status reasons of a Microsoft referral not yet accepted. In them,
    changes stay in the CRM. `2` is the standard status reason On Hold."""
    won: Words = ()
    """Status reasons that mean won. Empty: the first of the state Won; any of them is read as won."""
    lost: Words = ()
    """Status reasons that mean lost. Empty: the first of the state Lost."""
    declined: Words = ()
    """Status reasons a declined referral is given. Empty: the lost one."""
    expired: Words = ()
    """Status reasons an expired referral is given. Empty: the lost one."""


class DynamicsFields(Section):
    """Logical names of the columns on the opportunity and on the tables of solutions."""

    sync: Column = "cosell_syncwithpartnercenter"
    """FLD-D01, yes/no: Sync with Partner Center."""
    referral_id: Column = "cosell_referralidentifier"
    """FLD-D02, text, alternate key: Referral Identifier."""
    referral_link: Absent = "cosell_referrallink"
    """FLD-D03, URL: Referral Link."""
    help: Absent = "cosell_howcanmicrosofthelp"
    """FLD-D04, choice: How can Microsoft help?"""
    products: Absent = ""
    """FLD-D05, text: Products, the solution ids of old deals. It is only ever read."""
    audit: Absent = "cosell_audit"
    """FLD-D06, multiple lines: Audit."""
    visible: Absent = "cosell_visibletomicrosoft"
    """FLD-D07, yes/no: Microsoft Partner Center Referral Visibility."""
    microsoft_id: Absent = "cosell_microsoftcrmidentifier"
    """FLD-D08, text: Microsoft CRM Identifier."""
    program: Absent = "cosell_referralprogram"
    """FLD-D09, text: Referral Program."""
    stamp: Absent = "cosell_stamp"
    """Our mark: the id of the last write."""
    notes: Column = "description"
    """M-05, multiple lines: the notes of the deal."""
    solution_table: Absent = "cosell_opportunitysolution"
    """FLD-D10: the table of the related solutions."""
    solution_opportunity: Column = "cosell_opportunityid"
    """On the solution: the lookup to its opportunity."""
    solution_id: Column = "cosell_solutionidentifier"
    """On the solution: its identifier."""
    solution_name: Column = "cosell_name"
    """On the solution: its name."""
    solution_quantity: Absent = "cosell_quantity"
    """On the solution: how many."""
    solution_price: Absent = "cosell_price"
    """On the solution: the price of one."""
    solution_detail: Absent = "cosell_solutiondetailid"
    """On the solution: the lookup to the catalogue."""
    detail_table: Absent = "cosell_solutiondetail"
    """FLD-D11: Microsoft Solution Details, the catalogue a seller chooses from."""
    detail_id: Column = "cosell_solutionidentifier"
    """In the catalogue: Solution Identifier."""
    detail_name: Column = "cosell_name"
    """In the catalogue: Solution Name."""
    detail_type: Absent = "cosell_solutiontype"
    """In the catalogue: Type."""
    detail_publisher: Absent = "cosell_publishername"
    """In the catalogue: Publisher Name."""


class DynamicsSettings(CrmSection):
    """The connection to Dynamics 365 (Dataverse)."""

    url: Origin
    """The address of the environment, such as https://example.crm.dynamics.com."""
    client_id: Word
    """The app registration that is an application user of the environment."""
    credential: Secret | None = None
    """What that app registration signs in with, by reference: its secret, or its certificate with private
    key (PEM); which one shows itself. `cosell connect dynamics` sets it. This or one of the next two."""
    client_secret: Secret | None = None
    """The secret of that app registration, by reference."""
    certificate: Secret | None = None
    """Its certificate with private key (PEM), by reference."""
    certificate_password: Secret | None = None
    """The password of that private key, by reference, where it has one."""
    tenant: Word | None = None
    """The Entra ID tenant; without it the environment is asked."""
    authority: Origin = "https://login.microsoftonline.com"
    """The host that gives tokens."""
    api_version: Annotated[str, Field(pattern=r"^9\.[0-9]$")] = "9.2"
    """The Web API version to speak."""
    names: Literal["cosell", "microsoft"] = "cosell"
    """Whose columns are used where `[dynamics.fields]` does not say: ours, or the `msft_` columns of
    Microsoft's own solution, for an organisation that comes from there."""
    country_field: Column = "address1_country"
    """ENV-D04: the account column with the customer's country."""
    deal_value_field: Column = "estimatedvalue"
    """ENV-D03: the opportunity column with the deal value."""
    currency_field: Column = "transactioncurrencyid"
    """ENV-D05: the lookup to the currency, or a text column that holds its ISO code."""
    base_currency: Currency | None = None
    """What an amount without a currency means; without it the organisation's own."""
    duns_field: Absent = ""
    """The account column with the DUNS number; empty where there is none."""
    referral_link: LinkTemplate = "https://partner.microsoft.com/referrals/v2/inbox?id={id}"
    """The template of the Referral Link column; `{id}` stands for the referral's id."""
    audit_limit: Annotated[int, Field(ge=500, le=1_000_000)] = 10_000
    """Characters of the Audit column at most."""
    contact_phone: Column = "telephone1"
    """The contact column with the phone number."""
    user_phone: Absent = "address1_telephone1"
    """The user column with the phone number of a seller; empty sends none."""
    connections: bool = False
    """Whether people are tied to a deal by connections too; the primary contact and the owner always are."""
    connection_role: Guid | None = None
    """The connection role of contacts we connect; without it they have none."""
    lead_status: str = ""
    """CUS-13: the status reason of new leads, by value or label; empty leaves it to the environment."""
    lead_lost: str = ""
    """The status reason of leads whose referral ended, by value or label; empty leaves them as they are."""
    default_owner: Guid | None = None
    """The user that owns new records when nobody of the deal's team is a user; else our own."""
    long_texts: Literal["refuse", "cut"] = "refuse"
    """What becomes of a text that a column has no room for."""
    closed_rows: Literal["leave", "write"] = "leave"
    """Whether columns of a won or lost opportunity are written without reopening it. Microsoft documents them
    as read-only; `leave` is the safe reading."""
    learn_solutions: bool = True
    """CUS-15: a solution first seen on a deal from Partner Center is added to the catalogue."""
    duplicate_detection: Literal["off", "stop"] = "off"
    """`stop` lets the environment's duplicate rules refuse a new account, contact or lead."""
    bypass_logic: bool = False
    """Whether our writes pass the environment's own plug-ins by; needs prvBypassCustomBusinessLogic."""
    watcher: Literal["change_tracking", "modified_on"] = "change_tracking"
    """How changes are noticed; `modified_on` is for where change tracking is refused."""
    watch_people: bool = False
    """Whether edits of accounts and contacts alone are noticed at once, at two calls more a poll; otherwise
    the sweep finds them."""
    webhook_key: Secret | None = None
    """The key that webhooks of the environment show, by reference: 16 to 256 letters, digits and `._~+/=-`.
    With it, changes can be told of at once (see how-to/connect-dynamics.md); without it none are taken."""
    opportunity_defaults: dict[Column, str | int | float | bool] = Field(default_factory=dict)
    """CUS-10: what else each new opportunity says, by column, for columns that forms demand of one."""
    account_defaults: dict[Column, str | int | float | bool] = Field(default_factory=dict)
    """The same for each new account."""
    lead_defaults: dict[Column, str | int | float | bool] = Field(default_factory=dict)
    """CUS-11: the same for each new lead."""
    statuses: DynamicsStatuses = DynamicsStatuses()
    fields: DynamicsFields = DynamicsFields()

    @property
    def address(self) -> str:
        """Where the environment lies."""
        return self.url

    def refuse_contradictions(self, kind: Tag) -> None:
        """Raises Misconfigured where settings contradict one another, or the address tells another world."""
        for setting, url in (("dynamics] url", self.url), ("dynamics] authority", self.authority)):
            refuse_other_machines(setting, urlsplit(url).hostname or "", kind)
        if sum(one is not None for one in (self.credential, self.client_secret, self.certificate)) != 1:
            raise Misconfigured(
                "[dynamics] needs exactly one of credential, client_secret and certificate.",
                advice="Give one of the three, by reference; or let `cosell connect dynamics` do so.",
            )
        if clash := {*self.statuses.active} & {*self.statuses.on_hold}:
            raise Misconfigured(
                f"[dynamics.statuses] «{sorted(clash)[0]}» means both active and on hold.",
                advice="Leaving on hold accepts a referral, so one status reason cannot mean both.",
            )
