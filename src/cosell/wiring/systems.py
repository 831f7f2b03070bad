"""Joins the settings of the two connections to the two systems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cosell.config import Settings, Tag
from cosell.config.models import EnvironmentSettings
from cosell.config.reading import read_bytes
from cosell.core.records import Snapshot
from cosell.crm import Hints, Site, named
from cosell.http import AiohttpTransport, Observer, Transport
from cosell.ports import Clock, Keyring, System
from cosell.systems.partner_center.connection import open_connection
from cosell.systems.partner_center.options import Options as PartnerCenterOptions
from cosell.wiring.credentials import Secrets
from cosell.wiring.keyring import LiveSecrets


class Systems:
    """The two systems of an environment, and what else speaks to Partner Center."""

    def __init__(
        self,
        settings: Settings,
        *,
        keyring: Keyring,
        clock: Clock,
        live: LiveSecrets,
        secrets: Secrets,
        certificate_roots: bytes = b"",
        observer: Observer | None = None,
    ) -> None:
        self.keyring = keyring
        self._transports = [outward(settings, observer), outward(settings, observer)]
        ours, theirs = self._transports
        options = partner_center_options(settings, certificate_roots)
        section = settings.partner_center
        self._connection = open_connection(
            options,
            transport=ours,
            keyring=keyring,
            clock=clock,
            refresh_token=secrets.credential("[partner_center] refresh_token", section.refresh_token) or "",
            client_secret=secrets.credential("[partner_center] client_secret", section.client_secret),
        )
        live.also(self._connection.tokens.secrets)
        self.partner_center: System = self._connection.system
        self.registration, self.webhook = self._connection.registration, self._connection.webhook
        leads = not section.cosell_only
        site = Site(
            transport=theirs,
            clock=clock,
            secret=secrets.fetch,
            credential=secrets.credential,
            hide=live.also,
            leads=leads,
        )
        crm = named(settings.crm_name)
        self.crm: System = crm.open(settings.crm, site)
        self.hints: Hints | None = crm.hints(settings.crm, site) if crm.hints is not None else None
        """How the CRM's own webhooks are taken; None where it sends none, or has no key for them."""

    async def sample(self) -> Sequence[Snapshot]:
        """The newest deals of Partner Center as far as a list shows them: one call."""
        return await self._connection.system.sample()

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._connection.aclose()
        await self.crm.aclose()
        for transport in self._transports:
            await transport.aclose()


def outward(settings: Settings, observer: Observer | None = None) -> Transport:
    """A way out of this machine, as the settings allow it."""
    return way_out(settings.environment, settings.folder, observer)


def way_out(environment: EnvironmentSettings, folder: Path, observer: Observer | None = None) -> Transport:
    """The same where the rest of the settings is not complete yet."""
    ca_file = environment.ca_file
    return AiohttpTransport(
        ca_file=str(folder / ca_file) if ca_file else None,
        allow_private=environment.kind is Tag.SANDBOX,
        observer=observer,
    )


def partner_center_options(settings: Settings, certificate_roots: bytes = b"") -> PartnerCenterOptions:
    """The settings of Partner Center in the system's own words."""
    section, sandbox = settings.partner_center, settings.environment.kind is Tag.SANDBOX
    if section.certificate_roots is not None:
        certificate_roots = read_bytes(settings.folder / section.certificate_roots)
    domains = ("microsoft.com", "microsoft.example") if sandbox else ("microsoft.com",)
    return PartnerCenterOptions(
        base_url=section.url,
        webhooks_url=section.webhooks_url,
        authority=section.authority,
        tenant=section.tenant,
        client_id=section.client_id,
        entra_form=section.entra_form,
        organization_id=section.organization_id,
        mpn_id=section.mpn_id,
        marketplace_intent=section.marketplace_intent,
        publisher=section.publisher,
        lost_reason=section.lost_reason,
        declined_reason=section.declined_reason,
        precondition=section.precondition,
        contacts_frozen_after_share=section.contacts_freeze,
        co_sell_only=section.cosell_only,
        microsoft_domains=domains,
        certificate_origins=section.certificate_origins,
        certificate_roots=certificate_roots,
        certificate_subjects=section.certificate_subjects,
        signature_in_own_header=settings.web.signature_header == "x-ms-signature",
    )
