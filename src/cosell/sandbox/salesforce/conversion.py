"""Converting a lead: an act on the pages of Salesforce, for which REST has no call (reference 11.2).

What the reference does not say (the name, stage and close date of the new opportunity) is common knowledge
about the vendor and no promise: the company with a hyphen, the first open stage, the end of the quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.org import Actor, Org
from cosell.sandbox.salesforce.store import Row
from cosell.sandbox.salesforce.writing import Writer

_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")


class Conversion:
    """One lead on its way to an account, a contact and an opportunity."""

    def __init__(self, org: Org, writer: Writer, actor: Actor, lead: Row) -> None:
        self._org, self._writer, self._actor, self._lead = org, writer, actor, lead

    def carry_out(self, opportunity: str | None, fields: Mapping[str, Any]) -> str | None:
        """Makes what is missing and marks the lead; answers the opportunity's id."""
        if self._lead.get("IsConverted"):
            raise refusal(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
        account = self._account()
        contact = self._contact(account)
        made = opportunity if opportunity != "" else self._opportunity(account, contact, fields)
        done = {
            "IsConverted": True,
            "ConvertedDate": self._org.now().date().isoformat(),
            "ConvertedAccountId": account,
            "ConvertedContactId": contact,
            "ConvertedOpportunityId": made,
            "Status": self._status(),
        }
        self._org.replace("Lead", {**self._lead, **done}, by=self._actor.user_id)
        return made

    def _account(self) -> str:
        """The account of the lead's company, as a person would pick it."""
        company = self._lead["Company"]
        for row in self._org.store.live("Account"):
            if row.get("Name") == company:
                return str(row["Id"])
        address = {f"Billing{part}": self._lead.get(part) for part in _ADDRESS}
        return self._make("Account", {"Name": company, **address})

    def _contact(self, account: str) -> str:
        person = {name: self._lead.get(name) for name in ("FirstName", "LastName", "Email", "Phone")}
        return self._make("Contact", {"AccountId": account, **person})

    def _opportunity(self, account: str, contact: str, fields: Mapping[str, Any]) -> str:
        copied = {there: self._lead.get(here) for here, there in self._org.settings.lead_field_mapping}
        first = {
            "Name": f"{self._lead['Company']}-",
            "AccountId": account,
            "ContactId": contact,
            "StageName": self._first_stage(),
            "CloseDate": self._end_of_quarter(),
        }
        return self._make("Opportunity", {**first, **copied, **fields})

    def _make(self, sobject: str, row: Mapping[str, Any]) -> str:
        seen = self._org.view(self._actor).find(sobject)
        if seen is None:
            raise refusal(400, "INVALID_TYPE", f"sObject type '{sobject}' is not supported.")
        given = {name: value for name, value in row.items() if value is not None}
        return str(self._writer.create(self._actor, seen, given, allow_duplicate=True)["Id"])

    def _first_stage(self) -> str:
        stages = sorted(self._org.store.live("OpportunityStage"), key=lambda row: row["SortOrder"])
        return str(next(row["ApiName"] for row in stages if row.get("IsActive") and not row.get("IsClosed")))

    def _end_of_quarter(self) -> str:
        now = self._org.now().date()
        following = (now.month - 1) // 3 * 3 + 4
        first = date(now.year + following // 13, following % 12 or 12, 1)
        return (first - timedelta(days=1)).isoformat()

    def _status(self) -> str:
        statuses = self._org.store.live("LeadStatus")
        return str(next(row["ApiName"] for row in statuses if row.get("IsConverted")))
