"""Joins the settings of a Dynamics 365 connection to the system."""

from __future__ import annotations

from dataclasses import replace

from cosell.core.errors import Misconfigured
from cosell.crm import Fetch, Find, Site
from cosell.sections.credentials import live
from cosell.systems.dataverse.options import (
    COSELL,
    MICROSOFT,
    Either,
    FieldNames,
    Login,
    Options,
    Statuses,
)
from cosell.systems.dataverse.settings import DynamicsSettings
from cosell.systems.dataverse.system import Dataverse


def open_system(section: DynamicsSettings, site: Site) -> Dataverse:
    """The environment these settings describe; nothing is called yet."""
    chosen = options(section, site.credential, leads=site.leads)
    system = Dataverse(chosen, transport=site.transport, clock=site.clock)
    site.hide(system.secrets)
    return system


def options(section: DynamicsSettings, secret: Fetch | Find, *, leads: bool = False) -> Options:
    """The settings in the system's own words."""
    return Options(
        environment_url=section.url,
        client_id=section.client_id,
        login=_login(section, secret),
        tenant=section.tenant,
        authority=section.authority,
        api_version=section.api_version,
        fields=names(section),
        statuses=Statuses(**section.statuses.model_dump()),
        country_field=section.country_field,
        value_field=section.deal_value_field,
        currency_field=section.currency_field,
        base_currency=section.base_currency,
        duns_field=section.duns_field,
        display_check_mark=section.check_mark,
        referral_link=section.referral_link,
        audit_limit=section.audit_limit,
        contact_phone=section.contact_phone,
        user_phone=section.user_phone,
        connections=section.connections,
        connection_role=section.connection_role,
        leads=leads,
        lead_status=section.lead_status,
        lead_lost=section.lead_lost,
        default_owner=section.default_owner,
        long_texts=section.long_texts,
        closed_rows=section.closed_rows,
        learn_solutions=section.learn_solutions,
        duplicate_detection=section.duplicate_detection,
        bypass_logic=section.bypass_logic,
        watcher=section.watcher,
        watch_people=section.watch_people,
        defaults={
            "opportunity": section.opportunity_defaults,
            "account": section.account_defaults,
            "lead": section.lead_defaults,
        },
    )


def names(section: DynamicsSettings) -> FieldNames:
    """The chosen set of column names, with those that are set one by one in their place."""
    chosen = {name: getattr(section.fields, name) for name in section.fields.model_fields_set}
    return replace(MICROSOFT if section.names == "microsoft" else COSELL, **chosen)


def _login(section: DynamicsSettings, secret: Fetch | Find) -> Login:
    """The one way in that the settings name; which kind its value is shows itself at each sign-in."""
    for name in ("credential", "certificate", "client_secret"):
        reference = getattr(section, name)
        if reference is not None and (
            found := secret(f"[dynamics] {name}", reference, lines=name != "client_secret")
        ):
            password = secret("[dynamics] certificate_password", section.certificate_password)
            return Either(live(found), None if password is None else live(password))
    raise Misconfigured("[dynamics] needs a client_secret, a certificate or a credential.")
