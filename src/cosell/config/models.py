"""Every setting there is, with its type, default and meaning; the reference page is made from these texts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
)

from cosell.config.secrets import Reference

FILL_IN = "fill in"
"""Stands in a new file where only its owner knows the value."""


class Tag(StrEnum):
    """What kind of world a connection belongs to."""

    SANDBOX = "sandbox"
    STAGING = "staging"
    PRODUCTION = "production"


def _origin(text: str) -> str:
    """Keeps `text` when it is scheme, host and port and nothing else."""
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be an address such as https://example.com")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if not _usable_port(parts):
        raise ValueError("must have a port between 1 and 65535")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must end after the host name or port; leave the path away")
    return text.rstrip("/")


def _usable_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _time_of_day(text: str) -> str:
    """Keeps `text` when it is a time such as 02:30, or empty."""
    hours, colon, minutes = text.partition(":")
    shaped = colon and len(hours) == len(minutes) == 2 and (hours + minutes).isascii()
    if text and not (shaped and (hours + minutes).isdigit() and int(hours) < 24 and int(minutes) < 60):
        raise ValueError("must be a time of day such as 02:30, or empty")
    return text


def _reference(raw: Any) -> Reference:
    if isinstance(raw, Reference):
        return raw
    if not isinstance(raw, str):
        raise ValueError("must be env:NAME or file:/path")
    return Reference.parse(raw)


def _several(raw: Any) -> Any:
    """One word stands for a list of one."""
    return (raw,) if isinstance(raw, str) else tuple(raw) if isinstance(raw, list) else raw


def _word(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if text == FILL_IN:
        raise ValueError("is still to be filled in")
    if text != text.strip() or not text.isprintable():
        raise ValueError("must not have spaces around it or invisible characters in it")
    return text


def _path(raw: Any) -> Path:
    if isinstance(raw, Path):
        return raw
    if not isinstance(raw, str) or not raw.strip() or "\x00" in raw:
        raise ValueError("must be a path")
    return Path(raw)


Secret = Annotated[Reference, BeforeValidator(_reference), PlainSerializer(str)]
Origin = Annotated[str, AfterValidator(_origin)]
Word = Annotated[str, AfterValidator(_word)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_several)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_several)]
Place = Annotated[Path, BeforeValidator(_path)]
ApiName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
LinkTemplate = Annotated[str, Field(pattern=r"^(https://|http://127\.0\.0\.1)[^{}\s]*\{id\}[^{}\s]*$")]
Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]


class Section(BaseModel):
    """One table of the file. Unknown names are refused; numbers are numbers and yes is `true`."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
    )


class EnvironmentSettings(Section):
    """What this installation is and where it keeps its data."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """A short name, shown everywhere and written on every row: lower-case letters, digits, hyphens."""
    kind: Annotated[Tag, Field(strict=False)]
    """`sandbox`, `staging` or `production`. Both connections must carry the same word."""
    data: Place = Path("cosell-data")
    """The directory of the database and its key, relative to the file `cosell.toml`."""
    ca_file: Place | None = None
    """A PEM file of further certificate authorities to trust, for instance the sandbox's own."""
    dry_run: bool = False
    """Plan everything, write nothing."""


class PartnerCenterSettings(Section):
    """The connection to Partner Center."""

    environment: Annotated[Tag, Field(strict=False)]
    """The environment this account belongs to; must equal `environment.kind`."""
    tenant: Word
    """The Entra ID tenant of the partner account."""
    client_id: Word
    """The application registered in Entra ID."""
    client_secret: Secret | None = None
    """The secret of that application, by reference; none for a public application."""
    refresh_token: Secret
    """The refresh token of the signed-in referrals administrator, by reference. It is read once; later
    tokens are kept sealed in the database, until the one referred to here is another one."""
    url: Origin = "https://api.partner.microsoft.com"
    """The host of the referrals API."""
    webhooks_url: Origin = "https://api.partnercenter.microsoft.com"
    """The host of the webhook registration API."""
    authority: Origin = "https://login.microsoftonline.com"
    """The host that gives tokens."""
    mpn_id: str = ""
    """The partner location (MPN id) that new referrals name; empty leaves it to Partner Center."""
    organization_id: Word | None = None
    """Our own organisation id; without it, whoever is not Microsoft is taken to be us."""
    entra_form: Literal["v1", "v2"] = "v1"
    """How a token is asked for: `v1` with a resource, as documented; `v2` with a scope, as observed."""
    cosell_only: bool = True
    """ENV-S07: carry co-sell and pipeline-sharing opportunities to the CRM only, not leads."""
    lost_reason: Word = "Others"
    """The reason sent with a lost deal, as free text. The portal's own words are `Budget not adequate`,
    `Customer didn't respond`, `Chose another vendor`, `Requirement not met`, `Not a customer`."""
    declined_reason: Word = "Others"
    """The reason sent when a seller declines a deal."""
    marketplace_intent: Literal["HaveNotDecided", "Yes", "No"] = "HaveNotDecided"
    """Whether the customer means to buy through Microsoft's marketplace, as every new referral says."""
    publisher: str = ""
    """The publisher named with our own solutions; empty names none."""
    precondition: Literal["moody", "version"] = "moody"
    """How a refused version is taken: `moody` knows that one may come without a reason."""
    contacts_freeze: bool = True
    """Whether customer contacts are read-only once Microsoft was asked to help. Microsoft does not say;
    `true` is the safe reading."""
    certificate_origins: Origins = ("https://3psostorageacct.blob.core.windows.net",)
    """Where a webhook's signing certificate may come from, to the letter."""
    certificate_subjects: Words = ("*.microsoft.com",)
    """Whose that certificate must be; `*` stands for any name. Microsoft documents none."""
    certificate_roots: Place | None = None
    """A PEM file of the authorities that certificate must lead to; without it those of this machine."""


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


class SalesforceSettings(Section):
    """The connection to Salesforce."""

    environment: Annotated[Tag, Field(strict=False)]
    """The environment this org belongs to; must equal `environment.kind`."""
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
    deal_value_field: ApiName = "Amount"
    """ENV-S04: the Opportunity field with the deal value."""
    currency_field: ApiName = "CurrencyIsoCode"
    """ENV-S05: the Opportunity field with the currency."""
    corporate_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """What every amount means in an org with a single currency; without it the currency is unknown there."""
    check_mark: bool = True
    """ENV-S06: show ✔ or ✘ in the opportunity's name."""
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


class FlowSettings(Section):
    """Switches of the pipelines; one that is off leaves its changes waiting, and says so."""

    inbound_referral: bool = True
    """FLW-S05: Partner Center to the CRM, create and update."""
    inbound_microsoft: bool = True
    """FLW-S04: what Microsoft changes on its own referral."""
    outbound_create: bool = True
    """FLW-S03: a new referral from an opportunity, and the invitation to Microsoft."""
    outbound_update: bool = True
    """FLW-S06, FLW-S07: changes of the opportunity."""
    outbound_solutions: bool = True
    """FLW-S08: changes of the solutions on the opportunity."""
    repair: bool = True
    """FLW-D11: the sweep that compares every link and repairs what differs (Auto-heal)."""


class PaceSettings(Section):
    """How often to look, and how much at once."""

    poll_partner_center: Seconds = 60.0
    """Seconds between two looks for changed referrals."""
    poll_crm: Seconds = 60.0
    """Seconds between two looks for changed opportunities."""
    sweep_every: Seconds = 86400.0
    """ENV-D06: seconds between two full comparisons of all links (Auto-heal)."""
    sweep_at: TimeOfDay = ""
    """ENV-D06: the local time of day at which one begins, such as 02:30; empty: whenever one is due."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 200
    """Deals looked at together."""


class BrakeSettings(Section):
    """When one sweep would change suspiciously much, nothing is written until a person releases it."""

    links: Annotated[int, Field(ge=1)] = 20
    """Links one sweep may change without asking."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.10
    """The same as a share of all links; the larger of the two counts."""
    clears: Annotated[int, Field(ge=1)] = 5
    """Fields that may be emptied within an hour without asking."""
    clear_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    """The same as a share of all links; the larger of the two counts."""


class WebSettings(Section):
    """The connector's own web: webhooks, health, a status page."""

    host: Word = "127.0.0.1"
    """The address to listen on. Put a TLS proxy in front before opening it to the world."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """The port to listen on; 0 takes any free one."""
    public_url: Origin | None = None
    """How Partner Center reaches this web; without it changes arrive by polling only."""


class Settings(Section):
    """The whole file."""

    environment: EnvironmentSettings
    partner_center: PartnerCenterSettings
    salesforce: SalesforceSettings
    flows: FlowSettings = FlowSettings()
    mapping: dict[str, Any] = Field(default_factory=dict)
    """Changes to the default mapping, one table a field, or `file = "mapping.toml"` to keep them apart."""
    pace: PaceSettings = PaceSettings()
    brake: BrakeSettings = BrakeSettings()
    web: WebSettings = WebSettings()
    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def folder(self) -> Path:
        """Where the file lies; relative paths start there."""
        return self._folder

    @property
    def data(self) -> Path:
        """The data directory as a usable path."""
        return self._folder / self.environment.data

    def lying_in(self, folder: Path) -> Settings:
        """The same settings, read from a file in `folder`."""
        copy = self.model_copy()
        copy._folder = folder
        return copy
