"""Joins the settings of the two connections to the two systems."""

from __future__ import annotations

from typing import Protocol

from cosell.config import Reference, Settings, Tag
from cosell.config.reading import read_bytes
from cosell.core.errors import Misconfigured
from cosell.http import AiohttpTransport, Transport
from cosell.ports import Clock, Keyring, System
from cosell.systems.partner_center import Options as PartnerCenterOptions
from cosell.systems.partner_center import open_connection
from cosell.systems.salesforce import (
    ClientSecret,
    FieldNames,
    Jwt,
    LeadFields,
    LeadStatuses,
    Salesforce,
    Stages,
)
from cosell.systems.salesforce import Options as SalesforceOptions
from cosell.wiring.keyring import LiveSecrets


class Fetch(Protocol):
    """Fetches the secret a setting refers to; None where the setting is empty."""

    def __call__(self, setting: str, reference: Reference | None, *, lines: bool = False) -> str | None: ...


class Systems:
    """The two systems of an environment, and what else speaks to Partner Center."""

    def __init__(
        self,
        settings: Settings,
        *,
        keyring: Keyring,
        clock: Clock,
        live: LiveSecrets,
        secret: Fetch,
        certificate_roots: bytes = b"",
    ) -> None:
        self.keyring = keyring
        self._transports = [_transport(settings), _transport(settings)]
        ours, theirs = self._transports
        options = partner_center_options(settings, certificate_roots)
        section = settings.partner_center
        self._connection = open_connection(
            options,
            transport=ours,
            keyring=keyring,
            clock=clock,
            refresh_token=secret("[partner_center] refresh_token", section.refresh_token) or "",
            client_secret=secret("[partner_center] client_secret", section.client_secret),
        )
        live.also(self._connection.tokens.secrets)
        self.partner_center: System = self._connection.system
        self.registration, self.webhook = self._connection.registration, self._connection.webhook
        org = salesforce_options(settings, secret)
        salesforce = Salesforce(org, transport=theirs, clock=clock)
        live.also(salesforce.secrets)
        self.crm: System = salesforce

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._connection.aclose()
        await self.crm.aclose()
        for transport in self._transports:
            await transport.aclose()


def _transport(settings: Settings) -> Transport:
    ca_file = settings.environment.ca_file
    return AiohttpTransport(
        ca_file=str(settings.folder / ca_file) if ca_file else None,
        allow_private=settings.environment.kind is Tag.SANDBOX,
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
    )


def salesforce_options(settings: Settings, secret: Fetch) -> SalesforceOptions:
    """The settings of Salesforce in the system's own words."""
    section = settings.salesforce
    return SalesforceOptions(
        login_url=section.login_url,
        client_id=section.client_id,
        login=_login(settings, secret),
        instance_url=section.instance_url,
        audience=section.audience,
        api_version=section.api_version,
        fields=FieldNames(**section.fields.model_dump()),
        leads=not settings.partner_center.cosell_only,
        lead_fields=LeadFields(**section.lead_fields.model_dump()),
        lead_statuses=LeadStatuses(**section.lead_statuses.model_dump()),
        lead_defaults=section.lead_defaults,
        stages=Stages(**section.stages.model_dump()),
        country_field=section.country_field,
        value_field=section.deal_value_field,
        currency_field=section.currency_field,
        corporate_currency=section.corporate_currency,
        display_check_mark=section.check_mark,
        referral_link=section.referral_link,
        audit_limit=section.audit_limit,
        contact_role=section.contact_role,
        default_owner=section.default_owner,
        duplicate_alerts=section.duplicate_alerts,
    )


def _login(settings: Settings, secret: Fetch) -> Jwt | ClientSecret:
    section = settings.salesforce
    if section.login == "client_credentials":
        return ClientSecret(
            _needed("client_secret", secret("[salesforce] client_secret", section.client_secret))
        )
    key = secret("[salesforce] private_key", section.private_key, lines=True)
    return Jwt(_needed("username", section.username), _needed("private_key", key))


def _needed(name: str, value: str | None) -> str:
    if not value:
        raise Misconfigured(f"[salesforce] {name} is missing.")
    return value
