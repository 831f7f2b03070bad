"""Plants the opportunities of the seed in Salesforce."""

from __future__ import annotations

from collections.abc import Mapping

from cosell.sandbox.salesforce import Salesforce
from cosell.sandbox.salesforce.catalogue.connector import connector_object
from cosell.sandbox.shell.seed import people
from cosell.sandbox.shell.seed.deals import DEALS
from cosell.sandbox.shell.seed.story import Customer, Deal, Presence
from cosell.sandbox.shell.seed.terms import HELP_LABELS, REFERRAL_LINK, Terms

SOLUTION = connector_object().name
CURRENCIES = tuple(sorted({deal.currency for deal in DEALS} | {"USD", "EUR", "GBP", "AUD", "CAD"}))


class InSalesforce:
    """Does what sellers do in Salesforce; `names` are those of the solutions by their ids."""

    def __init__(self, salesforce: Salesforce, names: Mapping[str, str]) -> None:
        self._seller, self._names = salesforce.as_seller, names
        salesforce.settings.currencies = CURRENCIES
        self._users = [self._user(place) for place in range(len(people.SELLERS))]
        self._accounts: dict[str, str] = {}
        self._contacts: dict[str, list[str]] = {}

    def opportunity(self, deal: Deal, terms: Terms) -> str:
        account = self._account(deal.customer, complete=deal.crm is not Presence.INCOMPLETE)
        shared = deal.crm is not Presence.OFF
        row_id = self._seller.create(
            "Opportunity",
            {
                "Name": deal.name,
                "AccountId": account,
                "StageName": deal.stage,
                "Amount": terms.number,
                "CurrencyIsoCode": deal.currency,
                "CloseDate": terms.closes,
                "Description": deal.notes or None,
                "OwnerId": self._users[deal.sellers[0]],
                "Sync_with_Partner_Center__c": shared,
                "How_can_Microsoft_help__c": HELP_LABELS.get(deal.help or "", deal.help),
                "Referral_visible_to_Microsoft__c": deal.visible,
            },
        )
        for solution_id in deal.solutions:
            name = self._names.get(solution_id, solution_id)
            fields = {"Opportunity__c": row_id, "Solution_Identifier__c": solution_id, "Name": name}
            self._seller.create(SOLUTION, fields)
        if deal.crm is not Presence.INCOMPLETE:
            self._contact_roles(row_id, deal.customer)
        for place in deal.sellers:
            member = {"OpportunityId": row_id, "UserId": self._users[place], "TeamMemberRole": "Sales Rep"}
            self._seller.create("OpportunityTeamMember", member)
        return row_id

    def link(self, row_id: str, referral_id: str, microsoft_id: str | None) -> None:
        fields = {
            "Referral_Identifier__c": referral_id,
            "Referral_Link__c": REFERRAL_LINK.format(referral_id),
            "Microsoft_CRM_Identifier__c": microsoft_id,
        }
        self._seller.update("Opportunity", row_id, fields)

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
