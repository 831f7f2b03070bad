"""What an org's Lead can hold of a referral nobody accepted yet (salesforce-api.md 11.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosell.core.fields import CUSTOMER
from cosell.systems.salesforce import defaults
from cosell.systems.salesforce.describe import Column, Table
from cosell.systems.salesforce.lead_statuses import StatusBook
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.schema import LeadTable

LABELS: Mapping[str, tuple[str, ...]] = {
    "sync": ("Sync with Partner Center",),
    "referral_id": ("Referral Identifier", "Referral"),
    "referral_link": ("Referral Link",),
    "audit": ("Audit",),
    "stamp": ("Cosell Stamp",),
    "notes": (),
}
_STANDARD: Mapping[str, str] = {
    "customer_name": "Company",
    "address_line": "Street",
    "city": "City",
    "region": "State",
    "postal_code": "PostalCode",
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "phone": "Phone",
    "status": "Status",
    "converted": "IsConverted",
    "opportunity": "ConvertedOpportunityId",
}
_NEEDED = ("sync", "referral_id", "customer_name", "last_name", "status", "converted", "opportunity")
_GIVEN = ("customer_name", "last_name")


def lead_table(
    sheet: Table | None, options: Options, *, stamped: bool
) -> tuple[LeadTable | None, tuple[str, ...]]:
    """The leads of the org; where they cannot be kept, what stands against it, in sentences.

    `stamped`: opportunities keep our stamp. Leads must then do so too, for unanswered writes to both are
    judged alike (INV-10).
    """
    if not options.leads:
        return None, ()
    if sheet is None:
        return None, ("The integration user does not see the object Lead.",)
    columns = _columns(sheet, options)
    problems = tuple(_problems(columns, options, stamped))
    if problems:
        return None, problems
    defaults.refuse_wrong(sheet, options.lead_defaults, "lead_defaults")
    statuses = StatusBook(columns["status"], options.lead_statuses)
    found = LeadTable(
        prefix=sheet.prefix,
        columns=columns,
        statuses=statuses,
        capabilities=frozenset(_abilities(columns, statuses)),
        replicateable=sheet.replicateable,
        unfilled=_unfilled(sheet, columns, statuses, options),
    )
    return found, ()


def _columns(sheet: Table, options: Options) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for role, labels in LABELS.items():
        column = sheet.resolve(getattr(options.lead_fields, role), labels)
        if column is not None:
            found[role] = column
    for role, name in _STANDARD.items():
        column = sheet.get(name)
        if column is not None:
            found[role] = column
    # As on the Account: the code beside the country is the one form never refused (trap 7).
    country = sheet.get("CountryCode") or sheet.get("Country")
    if country is not None:
        found["country"] = country
    if "region" in found and sheet.get("StateCode") is not None:
        del found["region"]  # a list that free text may not be in
    return found


def _problems(columns: Mapping[str, Column], options: Options, stamped: bool) -> Iterable[str]:
    for role in (*_NEEDED, "stamp") if stamped else _NEEDED:
        if role not in columns:
            name = _STANDARD.get(role) or getattr(options.lead_fields, role)
            yield f"Lead.{name} does not exist, or the integration user may not see it."
    key = columns.get("referral_id")
    if key is not None and not (key.unique and key.external_id):
        yield f"Lead.{key.name} is not both External ID and Unique: Salesforce would accept doubles (trap 4)."
    stamp = columns.get("stamp")
    if stamped and stamp is not None and not stamp.writable:
        yield f"The integration user may not write Lead.{stamp.name}."


def _abilities(columns: Mapping[str, Column], statuses: StatusBook) -> Iterable[str]:
    yield "contacts"
    for key in (*CUSTOMER, "notes"):
        if key in columns and columns[key].creatable:
            yield key
    if statuses.can_disqualify:
        yield "state"


def _unfilled(
    sheet: Table, columns: Mapping[str, Column], statuses: StatusBook, options: Options
) -> tuple[str, ...]:
    """What the org demands of a new lead and nobody gives (CUS-11, TRB-4.7)."""
    given = [columns[role].name for role in _GIVEN] + list(options.lead_defaults)
    if statuses.new is not None:
        given.append(columns["status"].name)
    return defaults.unfilled(sheet, given)
