"""Every setting there is but the CRM's, with type, default and meaning: the texts of the reference page."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, PrivateAttr, create_model

from cosell.crm import Crm, CrmSection
from cosell.sections import (
    Origin,
    Origins,
    Place,
    PublicUrl,
    Seconds,
    Secret,
    Section,
    Tag,
    TimeOfDay,
    Word,
    Words,
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
    """The refresh token of the signed-in referrals administrator, by reference; `cosell connect` sets it.
    Later tokens are kept sealed in the database, until the one referred to here is another one."""
    refresh_token_days: Annotated[int, Field(ge=0, le=3650)] = 90
    """Days without use after which a refresh token lapses, so that it can be warned about; 0 never warns.
    Microsoft documents 90, and that each use gives a new one."""
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
    """ENV-S07, ENV-D02: carry co-sell and pipeline-sharing opportunities to the CRM only. `false` brings
    leads too: as a lead of the CRM until somebody accepts it, else as an opportunity (SCN-09). Leads of the
    marketplace stand in no list of Partner Center: they come by its events alone (LIM-14)."""
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


class FlowSettings(Section):
    """Switches of the pipelines; one that is off leaves its changes waiting, and says so."""

    inbound_referral: bool = True
    """FLW-S05, FLW-D04, FLW-D06: Partner Center to the CRM, create and update."""
    inbound_microsoft: bool = True
    """FLW-S04, FLW-D05: what Microsoft changes on its own referral."""
    inbound_lead: bool = True
    """SCN-09: leads of Partner Center that nobody accepted yet, to leads of the CRM."""
    outbound_create: bool = True
    """FLW-S03, FLW-D03: a new referral from an opportunity, and the invitation to Microsoft."""
    outbound_update: bool = True
    """FLW-S06, FLW-S07, FLW-D07, FLW-D08: changes of the opportunity."""
    outbound_solutions: bool = True
    """FLW-S08, FLW-D09: changes of the solutions on the opportunity."""
    outbound_lead: bool = True
    """FLW-D10, FLW-S09: changes of a CRM lead, and its conversion."""
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
    schema_every: Seconds = 86400.0
    """Seconds between two looks at the fields of the CRM; where one is lost it is looked for more often."""
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


class MatchingSettings(Section):
    """Which of the CRM's accounts is the customer of a deal that comes in (CUS-12). An account earns points:
    90 for the same name and postal code or the same DUNS number, 80 for the same name in the same country,
    65 for the same name there but for the legal form, 50 for a contact at the same domain or for a name
    alike in the same country; it loses some where a postal code, a DUNS number or a country contradicts."""

    bar: Annotated[int, Field(ge=60, le=200)] = 80
    """Points from which an account is used without asking, if the next best has at least 15 fewer. Accounts
    below 50 points are taken to be somebody else's."""
    unsure: Literal["hold", "create"] = "hold"
    """Where it is not clear: `hold` waits for a person with the candidates in order; `create` makes a new
    account, as Microsoft's connector does, and of several above the bar takes the best or the oldest."""


class WebSettings(Section):
    """The connector's own web: webhooks, health, a status page."""

    host: Word = "127.0.0.1"
    """The address to listen on. Put a TLS proxy in front before opening it to the world."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """The port to listen on; 0 takes any free one."""
    public_url: PublicUrl | None = None
    """How Partner Center reaches this web, with the path a proxy serves it under if there is one, such as
    `https://ops.example.com/cosell`; without it changes arrive by polling only."""
    signature_header: Literal["authorization", "x-ms-signature"] = "authorization"
    """Where Partner Center puts the signature of an event: `x-ms-signature` where a proxy or gateway keeps
    `Authorization` to itself. It counts from the next `cosell webhook register`; both are understood."""
    metrics_token: Secret | None = None
    """What `/metrics` wants to see as a bearer token, by reference; without one only this machine may read
    it."""


class Settings(Section):
    """The whole file; `settings_with` adds the table of the CRM."""

    crm_name: ClassVar[str] = ""
    """How the CRM's own table is called."""

    environment: EnvironmentSettings
    partner_center: PartnerCenterSettings
    flows: FlowSettings = FlowSettings()
    mapping: dict[str, Any] = Field(default_factory=dict)
    """Changes to the default mapping, one table a field, or `file = "mapping.toml"` to keep them apart."""
    pace: PaceSettings = PaceSettings()
    brake: BrakeSettings = BrakeSettings()
    matching: MatchingSettings = MatchingSettings()
    web: WebSettings = WebSettings()
    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def crm(self) -> CrmSection:
        """The table of the CRM."""
        return cast(CrmSection, getattr(self, self.crm_name))

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


@cache
def settings_with(crm: Crm) -> type[Settings]:
    """The settings of an environment that joins this CRM."""
    table: Any = (crm.settings, ...)
    made = create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, **{crm.name: table})
    made.crm_name = crm.name
    return made


def tables(model: type[Settings]) -> dict[str, Any]:
    """The fields of the whole file in the order in which people read them: the two connections first."""
    fields = dict(model.model_fields)
    crm = {model.crm_name: fields.pop(model.crm_name)} if model.crm_name else {}
    first = {name: fields.pop(name) for name in ("environment", "partner_center")}
    return {**first, **crm, **fields}
