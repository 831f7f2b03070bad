"""An opportunity in the words of the desk, and those words as the fields of Salesforce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.shell.wishes import Refused, Wish, renamed

FIELDS: Mapping[str, str] = {
    "name": "Name",
    "stage": "StageName",
    "amount": "Amount",
    "currency": "CurrencyIsoCode",
    "close_date": "CloseDate",
    "description": "Description",
    "next_step": "NextStep",
    "sync": "Sync_with_Partner_Center__c",
    "help": "How_can_Microsoft_help__c",
    "visible": "Referral_visible_to_Microsoft__c",
    "referral_id": "Referral_Identifier__c",
    "referral_link": "Referral_Link__c",
    "microsoft_crm_id": "Microsoft_CRM_Identifier__c",
    "referral_program": "Referral_Program__c",
    "audit": "Audit__c",
}
"""The words of the desk for the fields of an opportunity."""
SAME = {
    "value": "amount",
    "deal_value": "amount",
    "closing_date": "close_date",
    "closes": "close_date",
    "notes": "description",
}


def line_of(
    row: Mapping[str, Any], account: Mapping[str, Any] | None, solutions: list[str]
) -> dict[str, Any]:
    """The few facts of an opportunity that lists show."""
    return {
        "id": row["Id"],
        "name": row["Name"],
        "account": account["Name"] if account else None,
        "country": account["BillingCountry"] if account else None,
        "stage": row["StageName"],
        "closed": row["IsClosed"],
        "won": row["IsWon"],
        "amount": row["Amount"],
        "currency": row.get("CurrencyIsoCode"),
        "close_date": row["CloseDate"],
        "sync": row["Sync_with_Partner_Center__c"],
        "help": row["How_can_Microsoft_help__c"],
        "visible": row["Referral_visible_to_Microsoft__c"],
        "referral_id": row["Referral_Identifier__c"],
        "solutions": solutions,
        "changed": row["SystemModstamp"],
    }


def fields_of(wish: Mapping[str, Any]) -> dict[str, Any]:
    """The changes under their API names; an empty text clears a field."""
    changes = renamed(wish, SAME)
    api_names = set(FIELDS.values())
    # What else an administrator added goes by its API name, and Salesforce itself knows whether it is there.
    unknown = [
        name for name in changes if name not in {*FIELDS, *api_names} and not name.lower().endswith("__c")
    ]
    if unknown:
        raise Refused(f"An opportunity has no {', '.join(unknown)} here; it has: {', '.join(FIELDS)}.")
    return {FIELDS.get(name, name): None if value == "" else value for name, value in changes.items()}


def solution_row(wish: Any) -> dict[str, Any]:
    """The row of a solution given as its id alone or as an object."""
    given = Wish({"id": wish} if isinstance(wish, str) else wish)
    solution_id = given.text("id")
    fields = {"Solution_Identifier__c": solution_id, "Name": given.text("name", solution_id)}
    fields |= {"Quantity__c": given.number("quantity", None), "Price__c": given.number("price", None)}
    given.done()
    return fields


def contact_row(wish: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a contact given in plain words."""
    given = Wish(wish)
    fields = {
        "FirstName": given.text("first_name", None),
        "LastName": given.text("last_name"),
        "Email": given.text("email", None),
        "Phone": given.text("phone", None),
        "Title": given.text("title", None),
    }
    given.done()
    return fields
