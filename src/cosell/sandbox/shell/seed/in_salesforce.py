"""Plants the opportunities of the seed in Salesforce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.frame import Org
from cosell.sandbox.salesforce import Salesforce
from cosell.sandbox.shell.salesforce_names import Names
from cosell.sandbox.shell.seed import people
from cosell.sandbox.shell.seed.deals import DEALS
from cosell.sandbox.shell.seed.story import Customer, Deal, Presence
from cosell.sandbox.shell.seed.terms import HELP_LABELS, REFERRAL_LINK, Terms

CHECKED = "✓ "
"""What Microsoft puts before the name of an opportunity that is in step."""
CURRENCIES = tuple(sorted({deal.currency for deal in DEALS} | {"USD", "EUR", "GBP", "AUD", "CAD"}))


class InSalesforce:
    """Does what sellers do in Salesforce; `names` are those of the solutions by their ids."""

    def __init__(self, salesforce: Salesforce, names: Mapping[str, str]) -> None:
        self._seller, self._names, self._kind = salesforce.as_seller, names, salesforce.kind
        self._fields = Names(salesforce)
        self._clock = salesforce.frame.clock
        salesforce.settings.currencies = CURRENCIES
        self._users = [self._user(place) for place in range(len(people.SELLERS))]
        self._accounts: dict[str, str] = {}
        self._contacts: dict[str, list[str]] = {}

    def opportunity(self, deal: Deal, terms: Terms) -> str:
        account = self._account(deal.customer, complete=deal.crm is not Presence.INCOMPLETE)
        row_id = self._seller.create(
            "Opportunity",
            {
                "Name": deal.name,
                "AccountId": account,
                "StageName": self._stage(deal.stage),
                "Amount": terms.number,
                "CurrencyIsoCode": deal.currency,
                "CloseDate": terms.closes,
                "Description": deal.notes or None,
                "OwnerId": self._users[deal.sellers[0]],
                **self._shared(deal),
            },
        )
        self._solutions(row_id, deal)
        if deal.crm is not Presence.INCOMPLETE:
            self._contact_roles(row_id, deal.customer)
        for place in deal.sellers:
            member = {"OpportunityId": row_id, "UserId": self._users[place], "TeamMemberRole": "Sales Rep"}
            self._seller.create("OpportunityTeamMember", member)
        return row_id

    def link(self, row_id: str, referral_id: str, microsoft_id: str | None) -> None:
        """Marks an opportunity as the connector of the org did; nobody did in an org that never had one."""
        if self._kind is Org.BARE:
            return
        fields = {
            "Referral_Identifier__c": referral_id,
            "Referral_Link__c": REFERRAL_LINK.format(referral_id),
            "Microsoft_CRM_Identifier__c": microsoft_id,
        }
        if self._kind is Org.MICROSOFT:
            fields |= self._traces(row_id)
        self._seller.update("Opportunity", row_id, self._fields.actual(fields))

    def _traces(self, row_id: str) -> dict[str, str | None]:
        """What Microsoft's own connector leaves on an opportunity: a mark in the name, lines in the audit."""
        row = self._seller.get("Opportunity", row_id)
        at = self._clock.now().strftime("%Y-%m-%d %H:%M")
        line = f"{at} - Partner Center Referral to CRM sync success."
        return {"Name": CHECKED + str(row["Name"])[:118], "Audit__c": line}

    def _shared(self, deal: Deal) -> dict[str, Any]:
        """What a seller says to Microsoft, where the org has fields for it."""
        if self._kind is Org.BARE:
            return {}
        fields = {
            "Sync_with_Partner_Center__c": deal.crm is not Presence.OFF,
            "How_can_Microsoft_help__c": HELP_LABELS.get(deal.help or "", deal.help),
            "Referral_visible_to_Microsoft__c": deal.visible,
        }
        return self._fields.actual(fields)

    def _solutions(self, row_id: str, deal: Deal) -> None:
        sobject = self._fields.solution
        for solution_id in deal.solutions if sobject else ():
            name = self._names.get(solution_id, solution_id)
            fields = {"Opportunity__c": row_id, "Solution_Identifier__c": solution_id, "Name": name}
            self._seller.create(sobject or "", self._fields.actual_solution(fields))

    def _stage(self, wanted: str) -> str:
        """The stage of a deal, or an early one where the org has none of that name."""
        known = [row["ApiName"] for row in self._seller.rows("OpportunityStage")]
        return wanted if wanted in known else "Qualification"

    def _account(self, customer: Customer, *, complete: bool) -> str:
        if customer.name not in self._accounts:
            fields = {
                "Name": customer.name,
                "BillingStreet": customer.street,
                "BillingCity": customer.city,
                "BillingState": customer.state,
                "BillingPostalCode": customer.postal_code,
                "BillingCountry": customer.country if complete else None,
            }
            self._accounts[customer.name] = self._seller.create("Account", fields)
        return self._accounts[customer.name]

    def _contact_roles(self, row_id: str, customer: Customer) -> None:
        for place, contact_id in enumerate(self._people(customer)):
            role = {"OpportunityId": row_id, "ContactId": contact_id, "IsPrimary": place == 0}
            role["Role"] = "Decision Maker" if place == 0 else "Evaluator"
            self._seller.create("OpportunityContactRole", role)

    def _people(self, customer: Customer) -> list[str]:
        if customer.name not in self._contacts:
            self._contacts[customer.name] = [
                self._seller.create(
                    "Contact",
                    {
                        "AccountId": self._accounts[customer.name],
                        "FirstName": one.first,
                        "LastName": one.last,
                        "Email": one.email,
                        "Phone": one.phone,
                        "Title": one.title,
                    },
                )
                for one in customer.contacts
            ]
        return self._contacts[customer.name]

    def _user(self, place: int) -> str:
        seller = people.SELLERS[place]
        known = [row["Id"] for row in self._seller.rows("User") if row["Username"] == seller.email]
        fields = {
            "Username": seller.email,
            "Email": seller.email,
            "FirstName": seller.first,
            "LastName": seller.last,
            "Title": seller.title,
            "Phone": seller.phone,
            "IsActive": True,
        }
        return str(known[0]) if known else self._seller.create("User", fields)
