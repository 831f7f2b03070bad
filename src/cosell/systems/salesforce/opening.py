"""Joins the settings of a Salesforce connection to the system."""

from __future__ import annotations

from cosell.core.errors import Misconfigured
from cosell.crm import Fetch, Find, Site
from cosell.crm.installing import Admin
from cosell.sections.credentials import Credential
from cosell.systems.salesforce.installing import SalesforceInstaller
from cosell.systems.salesforce.options import (
    ClientSecret,
    FieldNames,
    Jwt,
    LeadFields,
    LeadStatuses,
    Options,
    Stages,
)
from cosell.systems.salesforce.settings import SalesforceSettings
from cosell.systems.salesforce.system import Salesforce


def open_system(section: SalesforceSettings, site: Site) -> Salesforce:
    """The org these settings describe; nothing is called yet."""
    system = Salesforce(
        options(section, site.credential, leads=site.leads), transport=site.transport, clock=site.clock
    )
    site.hide(system.secrets)
    return system


def open_installer(section: SalesforceSettings, site: Site, admin: Admin) -> SalesforceInstaller:
    """The installer for the org these settings describe; nothing is called yet."""
    chosen = options(section, site.credential, leads=site.leads)
    installer = SalesforceInstaller(chosen, admin, transport=site.transport, clock=site.clock)
    site.hide(installer.secrets)
    return installer


def options(section: SalesforceSettings, secret: Fetch | Find, *, leads: bool = False) -> Options:
    """The settings in the system's own words."""
    return Options(
        login_url=section.login_url,
        client_id=section.client_id,
        login=_login(section, secret),
        instance_url=section.instance_url,
        audience=section.audience,
        api_version=section.api_version,
        fields=FieldNames(**section.fields.model_dump()),
        leads=leads,
        lead_fields=LeadFields(**section.lead_fields.model_dump()),
        lead_statuses=LeadStatuses(**section.lead_statuses.model_dump()),
        lead_defaults=section.lead_defaults,
        opportunity_defaults=section.opportunity_defaults,
        account_defaults=section.account_defaults,
        stages=Stages(**section.stages.model_dump()),
        country_field=section.country_field,
        duns_field=section.duns_field,
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


def _login(section: SalesforceSettings, secret: Fetch | Find) -> Jwt | ClientSecret:
    if section.login == "client_credentials":
        return ClientSecret(
            _needed("client_secret", secret("[salesforce] client_secret", section.client_secret))
        )
    key = secret("[salesforce] private_key", section.private_key, lines=True)
    if not section.username:
        raise Misconfigured("[salesforce] username is missing.")
    return Jwt(section.username, _needed("private_key", key))


def _needed(name: str, value: str | Credential | None) -> str | Credential:
    if not value:
        raise Misconfigured(f"[salesforce] {name} is missing.")
    return value
