"""Opportunities and leads in the words of the desk, and those words as the columns of Dynamics 365."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.shell.wishes import Refused, Wish, renamed

SHARED: Mapping[str, str] = {
    "description": "description",
    "sync": "cosell_syncwithpartnercenter",
    "help": "cosell_howcanmicrosofthelp",
    "visible": "cosell_visibletomicrosoft",
    "referral_id": "cosell_referralidentifier",
    "referral_link": "cosell_referrallink",
    "microsoft_crm_id": "cosell_microsoftcrmidentifier",
    "referral_program": "cosell_referralprogram",
    "audit": "cosell_audit",
    "currency": "transactioncurrencyid",
    "owner": "ownerid",
    "status": "statuscode",
}
OPPORTUNITY: Mapping[str, str] = {
    "name": "name",
    "stage": "salesstage",
    "amount": "estimatedvalue",
    "close_date": "estimatedclosedate",
    "probability": "closeprobability",
    **SHARED,
}
"""The words of the desk for the columns of an opportunity."""
LEAD: Mapping[str, str] = {
    "name": "subject",
    "company": "companyname",
    "first_name": "firstname",
    "last_name": "lastname",
    "email": "emailaddress1",
    "phone": "telephone1",
    "country": "address1_country",
    "amount": "estimatedamount",
    "close_date": "estimatedclosedate",
    **SHARED,
}
"""The words of the desk for the columns of a lead."""
SAME = {
    "value": "amount",
    "deal_value": "amount",
    "closing_date": "close_date",
    "closes": "close_date",
    "notes": "description",
    "subject": "name",
}


def columns_of(
    wish: Mapping[str, Any], words: Mapping[str, str], columns: Mapping[str, Column]
) -> dict[str, Any]:
    """The changes under their column names; an empty text clears, a label stands for its choice."""
    changes = renamed(wish, SAME)
    unknown = [name for name in changes if name not in words and name not in columns]
    if unknown:
        raise Refused(f"There is no {', '.join(unknown)} here; there are: {', '.join(words)}.")
    named = {words.get(name, name): value for name, value in changes.items()}
    return {name: _value(columns[name], value) for name, value in named.items()}


def label_of(column: Column, value: Any) -> str | None:
    """The label of a choice's value."""
    choice = None if value is None else column.choice(int(value))
    return choice.label if choice else None


def _value(column: Column, value: Any) -> Any:
    """The value on the wire; a label of a choice is turned into its number."""
    if value == "":
        return None
    if column.kind not in ("picklist", "status", "state") or not isinstance(value, str):
        return value
    for choice in column.choices:
        if choice.label.casefold() == value.casefold():
            return choice.value
    labels = ", ".join(choice.label for choice in column.choices)
    raise Refused(f"“{value}” is none of the choices of {column.label}: {labels}.")


def solution_row(wish: Any) -> dict[str, Any]:
    """The row of a solution given as its id alone or as an object."""
    given = Wish({"id": wish} if isinstance(wish, str) else wish)
    solution_id = given.text("id")
    fields = {"cosell_solutionidentifier": solution_id, "cosell_name": given.text("name", solution_id)}
    fields |= {
        "cosell_quantity": given.number("quantity", None),
        "cosell_price": given.number("price", None),
    }
    given.done()
    return fields


def contact_row(wish: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a contact given in plain words."""
    given = Wish(wish)
    fields = {
        "firstname": given.text("first_name", None),
        "lastname": given.text("last_name"),
        "emailaddress1": given.text("email", None),
        "telephone1": given.text("phone", None),
        "jobtitle": given.text("title", None),
    }
    given.done()
    return fields
