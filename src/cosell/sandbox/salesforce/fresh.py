"""The rows a fresh org begins with: its organisation, users, stages, lists."""

from __future__ import annotations

import random

from cosell.sandbox.frame import Org as Kind
from cosell.sandbox.salesforce.catalogue.deals import STAGES
from cosell.sandbox.salesforce.granting import assign, furnish_profiles, grant_all
from cosell.sandbox.salesforce.ids import IdMint
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.store import Row

_WHOLE = frozenset({"JPY", "KRW", "CLP", "VND"})
_PEOPLE = (
    ("Cosell", "Integration", "Integration user"),
    ("Alex", "Moreau", "Account executive"),
    ("Ines", "Castro", "Partner manager"),
    ("Sana", "Admin", "Salesforce administrator"),
)
ON_HOLD = "On Hold"
"""The stage a co-sell team adds to those of the vendor."""


def furnish(org: Org, username: str, administrator: str) -> None:
    """Creates what no org is without; the ids of the org and its users are the same in every org."""
    # The lasting access tokens and the identity carry these ids, so they must outlive a reset.
    mint = IdMint(random.Random("people"))
    org.org_id = mint.make("00D")
    ids = [mint.make("005") for _ in _PEOPLE]
    org.integration_user, org.default_seller, _, org.administrator = ids
    logins = {org.integration_user: username, org.administrator: administrator}
    profiles = furnish_profiles(org)
    for row_id, (first, last, title) in zip(ids, _PEOPLE, strict=True):
        own = logins.get(row_id)
        address = own or f"{first}.{last}@cosell.example".lower()
        _add(
            org,
            "User",
            {
                "Id": row_id,
                "Username": address,
                "Email": address,
                "FirstName": first,
                "LastName": last,
                "Name": f"{first} {last}",
                "Title": title,
                "Phone": None if own else f"+31205550{100 + ids.index(row_id)}",
                "Alias": (first[0] + last).lower()[:8],
                "IsActive": True,
                "ProfileId": profiles.of(org, row_id),
                "UserType": "Standard",
                "TimeZoneSidKey": "GMT",
                "LocaleSidKey": "en_US",
                "LanguageLocaleKey": "en_US",
            },
        )
        assign(org, profiles.set_of(org, row_id), row_id)
    _add(
        org,
        "Organization",
        {
            "Id": org.org_id,
            "Name": "Cosell Sandbox",
            "OrganizationType": "Enterprise Edition",
            "IsSandbox": False,
            "InstanceName": "CS01",
            "LanguageLocaleKey": "en_US",
            "DefaultLocaleSidKey": "en_US",
            "TimeZoneSidKey": "GMT",
        },
    )
    _lists(org)
    org.store.settle()


def _lists(org: Org) -> None:
    for place, (name, forecast, forecast_name, chance, closed, won) in enumerate(STAGES, 1):
        if name == ON_HOLD and org.kind is Kind.BARE:
            continue
        stage = {
            "MasterLabel": name,
            "ApiName": name,
            "IsActive": True,
            "SortOrder": place,
            "IsClosed": closed,
            "IsWon": won,
            "ForecastCategory": forecast,
            "ForecastCategoryName": forecast_name,
            "DefaultProbability": float(chance),
        }
        _add(org, "OpportunityStage", stage)
    for place, choice in enumerate(org.schema.field("Lead", "Status").choices, 1):
        status = {
            "MasterLabel": choice.value,
            "ApiName": choice.value,
            "SortOrder": place,
            "IsDefault": choice.default,
            "IsConverted": choice.value == "Closed - Converted",
        }
        _add(org, "LeadStatus", status)
    _add(org, "Pricebook2", {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True})
    if org.kind is Kind.READY:
        connector = {"Name": "Cosell_Connector", "Label": "Cosell Connector", "IsCustom": True}
        granted = _add(org, "PermissionSet", {**connector, "PermissionsApiEnabled": True})
        grant_all(org, granted)
        assign(org, granted, org.integration_user)


def list_currencies(org: Org) -> None:
    """Makes the rows of CurrencyType say what the switches say; outside any transaction."""
    table = org.store.table("CurrencyType")
    known = {row["IsoCode"]: row for row in table.rows.values()}
    mark = org.store.mark()
    for code in org.settings.currencies:
        if code not in known:
            corporate = code == org.settings.corporate_currency
            places = 0 if code in _WHOLE else 2
            row = {"IsoCode": code, "DecimalPlaces": places, "ConversionRate": 1.0, "IsCorporate": corporate}
            _add(org, "CurrencyType", {**row, "IsActive": True})
    for code, row in known.items():
        active = code in org.settings.currencies
        if row["IsActive"] != active:
            org.replace("CurrencyType", {**row, "IsActive": active}, by=None, system=True)
    # The call under way may yet be taken back; a switch of the administrator is not.
    del org.store.journal[mark:]


def _add(org: Org, sobject: str, row: Row) -> str:
    return str(org.insert(org.schema.object(sobject), row, org.integration_user)["Id"])
