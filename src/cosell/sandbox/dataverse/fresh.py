"""The rows a fresh environment begins with: organization, business unit, users, roles, currencies."""

from __future__ import annotations

import random
import uuid
from decimal import Decimal
from typing import Any

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.customizing.furnishing import (
    ADMINISTRATORS,
    BASIC,
    CONNECTOR,
    SALESPERSON,
    furnish_packages,
    furnish_roles,
    known_id,
)
from cosell.sandbox.dataverse.customizing.furnishing import add as _add
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Ref
from cosell.sandbox.entra import Application

_PEOPLE = (("Alex", "Moreau"), ("Ines", "Castro"), ("Kofi", "Mensah"))
_CURRENCIES = (
    ("USD", "US Dollar", "$", 2, "1"),
    ("EUR", "Euro", "€", 2, "0.92"),
    ("GBP", "Pound Sterling", "£", 2, "0.79"),
    ("JPY", "Yen", "¥", 0, "151.5"),
    ("CHF", "Swiss Franc", "CHF", 2, "0.88"),
    ("CAD", "Canadian Dollar", "CA$", 2, "1.36"),
    ("AUD", "Australian Dollar", "A$", 2, "1.52"),
    ("INR", "Indian Rupee", "₹", 2, "83.4"),
)
STAKEHOLDER, SALES_TEAM = "Stakeholder", "Sales Team Member"
INSTALLER = Application(
    "c11e0000-0000-4000-8000-00000000c009",
    "sandbox-secret-of-the-installer",
    "5e4f0000-0000-4000-8000-00000000d009",
)
"""What signs in with the rights of an administrator, to install."""
_CONNECTION_ROLES = (STAKEHOLDER, SALES_TEAM, "Competitor")


def furnish(org: Org, application_id: str, application_object: str, administrator: Application) -> None:
    """Creates what no environment is without; its ids and those of its users are the same everywhere."""
    # Tokens, settings and pages carry these ids, so they must outlive a reset.
    dice = random.Random("people")
    org.organization_id, org.business_unit = _guid(dice), _guid(dice)
    ids = [_guid(dice) for _ in range(len(_PEOPLE) + 2)]
    org.application_user, org.default_seller = ids[0], ids[1]
    system = Actor(ids[-1])
    unit = Ref("businessunit", org.business_unit)
    _add(org, system, "businessunit", businessunitid=unit.id, name="Cosell Sandbox")
    _currencies(org, system, dice)
    _people(org, system, ids, unit, application_id, application_object, administrator, dice)
    _add(org, system, "team", name="Cosell Sandbox", businessunitid=unit, isdefault=True)
    _add(
        org,
        system,
        "organization",
        organizationid=org.organization_id,
        name="cosellsandbox",
        basecurrencyid=Ref("transactioncurrency", org.base_currency),
        expirechangetrackingindays=7,
        languagecode=1033,
    )
    for name in _CONNECTION_ROLES:
        _add(org, system, "connectionrole", name=name, statecode=0, statuscode=1)
    furnish_packages(org, system)
    org.settle()


def _currencies(org: Org, system: Actor, dice: random.Random) -> None:
    for code, name, symbol, places, rate in _CURRENCIES:
        row_id = _guid(dice)
        org.base_currency = org.base_currency if code != "USD" else row_id
        _add(
            org,
            system,
            "transactioncurrency",
            transactioncurrencyid=row_id,
            isocurrencycode=code,
            currencyname=name,
            currencysymbol=symbol,
            currencyprecision=places,
            exchangerate=Decimal(rate).quantize(Decimal("0.0000000001")),
            statecode=0,
            statuscode=1,
        )


def _people(
    org: Org,
    system: Actor,
    ids: list[str],
    unit: Ref,
    application_id: str,
    application_object: str,
    administrator: Application,
    dice: random.Random,
) -> None:
    shared: dict[str, Any] = {"businessunitid": unit, "isdisabled": False}
    roles = furnish_roles(org, system, unit)
    _add(
        org,
        system,
        "systemuser",
        systemuserid=ids[0],
        firstname="#",
        lastname="Cosell",
        fullname="# Cosell",
        applicationid=application_id,
        azureactivedirectoryobjectid=application_object,
        internalemailaddress="cosell@cosell.example",
        domainname="cosell@cosell.example",
        **shared,
    )
    everybody = zip(ids[1:], (*_PEOPLE, ("SYSTEM", "")), strict=True)
    for number, (row_id, (first, last)) in enumerate(everybody):
        address = f"{first}.{last}@cosell.example".lower()
        _add(
            org,
            system,
            "systemuser",
            systemuserid=row_id,
            firstname=first,
            lastname=last or None,
            fullname=f"{first} {last}".strip(),
            internalemailaddress=address if last else None,
            address1_telephone1=f"+44 20 7946 010{number}" if last else None,
            domainname=address if last else None,
            azureactivedirectoryobjectid=_guid(dice),
            **shared,
        )
    _administrator(org, system, administrator, shared)
    for user in (*ids, org.administrator):
        role = roles[SALESPERSON]
        if user == ids[0]:
            role = roles.get(CONNECTOR) or roles[BASIC]
        elif user == org.administrator:
            role = roles[ADMINISTRATORS]
        pair = {"systemuserid": user, "roleid": role, "versionnumber": org.next_version()}
        org.store.put("systemuserroles", f"{user}|{role}", pair)


def _administrator(org: Org, system: Actor, application: Application, shared: dict[str, Any]) -> None:
    """The application that an administrator installs with."""
    org.administrator = _add(
        org,
        system,
        "systemuser",
        systemuserid=known_id("systemuser", "administrator"),
        firstname="#",
        lastname="Installer",
        fullname="# Installer",
        applicationid=application.client_id,
        azureactivedirectoryobjectid=application.object_id,
        domainname="installer@cosell.example",
        **shared,
    )


def _guid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))
