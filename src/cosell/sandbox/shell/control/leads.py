"""The verbs of a seller on leads of Salesforce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.desk.opportunity import fields_of
from cosell.sandbox.shell.desk.salesforce import allowed
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HERE = "/control/salesforce/leads"
ONE = HERE + "/{lead}"
SHOWN = {
    "id": "Id",
    "name": "Name",
    "company": "Company",
    "status": "Status",
    "converted": "IsConverted",
    "opportunity": "ConvertedOpportunityId",
    "sync": "Sync_with_Partner_Center__c",
    "referral_id": "Referral_Identifier__c",
    "audit": "Audit__c",
}


def list_leads(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The leads, a line each."""
    wish.done()
    return {"leads": [_line(row) for row in sandbox.salesforce.as_seller.rows("Lead")]}


def create_lead(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A seller creates a lead; fields go by their API names."""
    seller = sandbox.salesforce.as_seller
    return _line(seller.get("Lead", allowed(lambda: seller.create("Lead", wish.rest()))))


def edit_lead(sandbox: Sandbox, wish: Wish, lead: str) -> dict[str, Any]:
    """A seller changes fields of a lead, by their API names."""
    seller, wanted = sandbox.salesforce.as_seller, _id(sandbox, lead)
    allowed(lambda: seller.update("Lead", wanted, wish.rest()))
    return _line(seller.get("Lead", wanted))


def convert_lead(sandbox: Sandbox, wish: Wish, lead: str) -> dict[str, Any]:
    """A seller converts a lead to an opportunity, or to none with “opportunity” false."""
    seller, wanted = sandbox.salesforce.as_seller, _id(sandbox, lead)
    with_one = wish.truth("opportunity", True)
    fields = fields_of(wish.rest())
    allowed(lambda: seller.convert(wanted, opportunity="" if with_one else None, **fields))
    return _line(seller.get("Lead", wanted))


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return {word: row.get(name) for word, name in SHOWN.items()}


def _id(sandbox: Sandbox, wanted: str) -> str:
    found = [row for row in sandbox.salesforce.as_seller.rows("Lead") if row["Id"].startswith(wanted)]
    if len(found) != 1:
        raise Refused(f"There is no lead “{wanted}”.", status=404)
    return str(found[0]["Id"])


VERBS = (
    Verb("GET", HERE, list_leads),
    Verb("POST", HERE, create_lead, '{"LastName": "Ng", "Company": "Acme"}'),
    Verb("POST", ONE + "/edit", edit_lead, '{"Status": "Working - Contacted"}'),
    Verb("POST", ONE + "/convert", convert_lead, '{"amount": 50000, "stage": "Qualification"}'),
)
