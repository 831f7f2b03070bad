"""The settings of the Partner Center connection, and what each doubtful fact is taken to be."""

from __future__ import annotations

from dataclasses import dataclass

from cosell.core.values import Person

REFERRALS_RESOURCE = "https://api.partner.microsoft.com"
WEBHOOKS_RESOURCE = "https://api.partnercenter.microsoft.com"
REFERRALS_PATH = "/v1.0/engagements/referrals"
CERTIFICATES = "https://3psostorageacct.blob.core.windows.net"


@dataclass(frozen=True, slots=True)
class Options:
    """Everything about the connection that is not a secret."""

    base_url: str = REFERRALS_RESOURCE
    webhooks_url: str = WEBHOOKS_RESOURCE
    authority: str = "https://login.microsoftonline.com"
    tenant: str = ""
    client_id: str = ""
    entra_form: str = "v1"
    """"v1" asks with `resource`, as documented; "v2" asks with `scope`, as observed (1.2)."""
    organization_id: str | None = None
    """Our own organisation; without it, whoever is not Microsoft is taken to be us."""
    mpn_id: str = ""
    """The location new referrals name; whether a create takes it is unknown (3.1), so empty sends none."""

    # What a new referral says where the CRM is silent.
    marketplace_intent: str = "HaveNotDecided"
    team_fallback: tuple[Person, ...] = ()
    publisher: str = ""
    lost_reason: str = "Others"
    declined_reason: str = "Others"
    error_reason: str = "Connector data sync issues"

    # Facts nobody documents, with the careful answer as default.
    precondition: str = "moody"
    """"version" trusts every 412; "moody" knows that one may come without a reason (C-02)."""
    contacts_frozen_after_share: bool = True
    """Portal rule against an API path that exists (X-5): customer contacts stay once Microsoft is invited."""
    closing_as_error: bool = False
    """Whether Closed/Error may be written; the portal can, the API is unconfirmed (4.2)."""
    co_sell_only: bool = True
    """ENV-S07, ENV-D02: leads are not deals of ours."""
    microsoft_domains: tuple[str, ...] = ("microsoft.com", "microsoft.example")
    """Mail domains of Microsoft's sellers, who are never part of our own team."""
    try_filters: bool = True
    """Try `ge` and `or` in $filter once each and remember the answer; neither is documented (2.1)."""
    fresh_lists: bool = True
    """Lists show a change as soon as a read by id does; off, each deal is read by id as well."""

    # Sizes and waits.
    top: int = 200
    max_pages: int = 1000
    pages_at_once: int = 5
    """Pages of the very first look that are handed over together."""
    find_pages: int = 5
    find_days: float = 30.0
    single_reads: int = 30
    """Up to so many records are read one by one; more are read together."""
    ids_in_filter: int = 25
    """Engagements asked for together; keeps the address below 2,048 characters."""
    overlap: float = 900.0
    deep_look_every: float = 60.0
    """Seconds between two looks through the whole overlap; in between the newest page must do."""
    index_lag: float = 30.0
    patience: float = 120.0
    concurrency: int = 8

    # Signed events.
    callback_url: str = ""
    """Where our events should go; only the connection check compares it."""
    signature_in_own_header: bool = False
    """Whether events are asked for with `x-ms-signature`, for the sake of proxies (7.3)."""
    certificate_origins: tuple[str, ...] = (CERTIFICATES,)
    certificate_roots: bytes = b""
    """PEM of the authorities an event's certificate must lead to; empty means those of this machine."""
    certificate_issuer: str = "Microsoft Corporation"
    certificate_subjects: tuple[str, ...] = ("*.microsoft.com",)
    certificate_life: float = 3600.0

    @property
    def referrals_url(self) -> str:
        return self.base_url.rstrip("/") + REFERRALS_PATH
