"""What an operator may set about one Dataverse environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cosell.core.drift import sign
from cosell.sections.credentials import Credential


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """Signs in as the app registration with its secret (dataverse-api.md 1.1)."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Signs in as the app registration with its certificate: key and certificate in one PEM text."""

    pem: str = field(repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FixedToken:
    """Uses a token somebody else fetched; it is never renewed."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Either:
    """Signs in with a secret or a certificate that may be replaced, by the other kind as well."""

    credential: Credential = field(repr=False)
    password: Credential | None = field(default=None, repr=False)
    """Of the certificate's private key."""

    async def read(self, value: str) -> ClientSecret | Certificate:
        """Which of the two a value is: a certificate is PEM text, and no secret begins like it."""
        if not value.startswith("-----BEGIN"):
            return ClientSecret(value.strip())
        return Certificate(value, None if self.password is None else (await self.password.values())[0])


Login: TypeAlias = ClientSecret | Certificate | Either | FixedToken


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Logical names on the opportunity and on the solution tables (product.md A9a).

    A name the environment does not have is looked for by its label. An empty name means: not kept.
    """

    sync: str = "cosell_syncwithpartnercenter"
    referral_id: str = "cosell_referralidentifier"
    referral_link: str = "cosell_referrallink"
    help: str = "cosell_howcanmicrosofthelp"
    visible: str = "cosell_visibletomicrosoft"
    microsoft_id: str = "cosell_microsoftcrmidentifier"
    program: str = "cosell_referralprogram"
    audit: str = "cosell_audit"
    stamp: str = "cosell_stamp"
    products: str = ""
    """FLD-D05: solution ids as text, kept for old data and only ever read."""
    notes: str = "description"
    solution_table: str = "cosell_opportunitysolution"
    solution_opportunity: str = "cosell_opportunityid"
    """The lookup to the opportunity."""
    solution_id: str = "cosell_solutionidentifier"
    solution_name: str = "cosell_name"
    solution_quantity: str = "cosell_quantity"
    solution_price: str = "cosell_price"
    solution_detail: str = "cosell_solutiondetailid"
    """The lookup to the catalogue."""
    detail_table: str = "cosell_solutiondetail"
    """FLD-D11: the catalogue of solutions a seller chooses from."""
    detail_id: str = "cosell_solutionidentifier"
    detail_name: str = "cosell_name"
    detail_type: str = "cosell_solutiontype"
    detail_publisher: str = "cosell_publishername"


COSELL = FieldNames()
"""The columns our installer makes."""
MICROSOFT = FieldNames(
    sync="msft_microsoftpartnercenterreferralsync",
    referral_id="msft_microsoftpartnercenterreferralidentifier",
    referral_link="msft_microsoftpartnercenterreferrallink",
    help="msft_microsoftpartnercenterhelp",
    visible="msft_microsoftpartnercenterreferralvisible",
    microsoft_id="msft_microsoftcrmidentifier",
    program="msft_microsoftpartnercenterreferralprogram",
    audit="msft_microsoftpartnercenterreferralsyncaudit",
    products="msft_microsoftpartnercentersolutions",
)
"""The columns of Microsoft's own solution (dataverse-api.md 7). It has no stamp, and the names of its
solution tables are unknown: ours stand beside its columns."""


@dataclass(frozen=True, slots=True)
class Statuses:
    """Status reasons by meaning, by value or label; of several, the first is the one written."""

    active: tuple[str, ...] = ()
    """Empty: the first open status reason that does not mean on hold."""
    on_hold: tuple[str, ...] = ("2",)
    """A referral Microsoft sent and nobody accepted yet; moving the deal out of it accepts."""
    won: tuple[str, ...] = ()
    """Empty: the first status reason of the state Won. Any of them is read as won."""
    lost: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    """Empty, like `expired`: the lost status reason."""
    expired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """One Dataverse environment."""

    environment_url: str
    """`https://ORG.crm.dynamics.com`."""
    client_id: str
    login: Login
    tenant: str | None = None
    """Id or domain of the Entra tenant; None asks the environment (dataverse-api.md 1.4)."""
    authority: str = "https://login.microsoftonline.com"
    api_version: str = "9.2"
    fields: FieldNames = COSELL
    statuses: Statuses = Statuses()
    country_field: str = "address1_country"
    """ENV-D04, on the account."""
    value_field: str = "estimatedvalue"
    """ENV-D03."""
    currency_field: str = "transactioncurrencyid"
    """ENV-D05: the lookup to the currency, or a text column that holds its ISO code."""
    base_currency: str | None = None
    """What an amount without a currency means; None takes the organization's own."""
    duns_field: str = ""
    """The account's column of its DUNS number; empty: none."""
    display_check_mark: bool = True
    """ENV-D01."""
    referral_link: str = "https://partner.microsoft.com/referrals/v2/inbox?id={id}"
    audit_limit: int = 10_000
    """Characters of the Audit field, at most what the column holds."""
    contact_phone: str = "telephone1"
    user_phone: str = "address1_telephone1"
    """The main phone of a user; a deal needs a team member who can be called."""
    connections: bool = False
    """Whether people are tied to a deal by connections too. The primary contact and the owner always count;
    which link Microsoft's own connector uses is unknown (product.md M-15)."""
    connection_role: str | None = None
    """Id of the connection role of contacts we connect; None leaves it empty."""
    leads: bool = True
    """ENV-D02: whether leads nobody accepted yet are kept as leads."""
    watch_people: bool = False
    """Whether an edit of a contact or account brings its deals at once, at the price of two calls a poll;
    else it comes with the next change of the deal, or with the sweep."""
    defaults: Mapping[str, Mapping[str, str | int | float | bool]] = field(default_factory=dict)
    """What new rows say besides, by table and column (CUS-10, CUS-11)."""
    lead_status: str = ""
    """Status reason of new leads by value or label (CUS-13); empty leaves it to the environment."""
    default_owner: str | None = None
    """Id of the systemuser that owns new records when nobody of the deal's team is one; None: our own."""
    long_texts: Literal["refuse", "cut"] = "refuse"
    """What becomes of a text that a column has no room for (dataverse-api.md trap 7)."""
    closed_rows: Literal["leave", "write"] = "leave"
    """Whether columns of a won or lost opportunity are written without reopening it: they are documented as
    read-only, and whether the API refuses is unknown (dataverse-api.md 3)."""
    learn_solutions: bool = True
    """CUS-15: a solution first seen on a deal from Partner Center is added to the catalogue."""
    lead_lost: str = ""
    """Status reason of leads whose referral ended, by value or label; empty leaves them as they are."""
    duplicate_detection: Literal["off", "stop"] = "off"
    """`stop`: the environment's duplicate rules may refuse a new account, contact or lead."""
    bypass_logic: bool = False
    """Sends `MSCRM.BypassBusinessLogicExecution`; needs prvBypassCustomBusinessLogic."""
    watcher: Literal["change_tracking", "modified_on"] = "change_tracking"
    overlap: float = 300.0
    """Seconds a `modified_on` poll looks back again (dataverse-api.md 4.4)."""
    describe_every: float = 86_400.0
    """Seconds after which the environment's schema is asked again where nobody had it asked earlier."""
    walk_page: int = 1000
    """Opportunities one step of a full read looks at."""

    @property
    def names(self) -> str:
        """A sign of everything these settings name in the environment."""
        fields = (self.fields, self.country_field, self.value_field, self.currency_field)
        return sign(fields, self.statuses, self.leads, self.lead_status, self.lead_lost)
