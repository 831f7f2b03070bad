"""A seller who works in Salesforce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cosell.sandbox.salesforce import ValidationRule

from .sellers import Row, Seller


class SalesforceSeller(Seller):
    """A seller in Salesforce."""

    system = "salesforce"
    account = "partner_center"
    nowhere = "0061k00000ZZZZZ"
    bunches = "/composite"
    tables: ClassVar[Mapping[str, str]] = {
        "account": "Account",
        "opportunity": "Opportunity",
        "contact": "Contact",
        "user": "User",
        "solution": "Microsoft_Partner_Center_Solution__c",
    }
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "account": {
            "id": "Id",
            "name": "Name",
            "street": "BillingStreet",
            "city": "BillingCity",
            "postal_code": "BillingPostalCode",
            "country": "BillingCountry",
        },
        "opportunity": {
            "id": "Id",
            "account": "AccountId",
            "name": "Name",
            "value": "Amount",
            "currency": "CurrencyIsoCode",
            "close_date": "CloseDate",
            "notes": "Description",
            "state": "StageName",
            "sync": "Sync_with_Partner_Center__c",
            "referral_id": "Referral_Identifier__c",
            "link": "Referral_Link__c",
            "help": "How_can_Microsoft_help__c",
            "visible": "Referral_visible_to_Microsoft__c",
            "microsoft_id": "Microsoft_CRM_Identifier__c",
            "program": "Referral_Program__c",
            "audit": "Audit__c",
            "owner": "OwnerId",
        },
        "contact": {
            "id": "Id",
            "first": "FirstName",
            "last": "LastName",
            "email": "Email",
            "phone": "Phone",
            "account": "AccountId",
        },
        "user": {
            "id": "Id",
            "first": "FirstName",
            "last": "LastName",
            "email": "Email",
            "phone": "Phone",
        },
        "solution": {
            "id": "Id",
            "deal": "Opportunity__c",
            "solution": "Solution_Identifier__c",
            "quantity": "Quantity__c",
            "price": "Price__c",
            "name": "Name",
        },
    }
    stages: ClassVar[Mapping[str, str]] = {
        "active": "Qualification",
        "on_hold": "On Hold",
        "won": "Closed Won",
        "lost": "Closed Lost",
    }

    @property
    def people(self) -> Any:
        return self.sandbox.salesforce.as_seller

    @property
    def simulator(self) -> Any:
        return self.sandbox.salesforce

    @property
    def partner_center(self) -> Any:
        return self.sandbox.partner_center

    @property
    def entra(self) -> Any:
        return self.sandbox.entra

    def add_contact(self, deal: str, **fields: Any) -> str:
        account = self.row("opportunity", deal)["account"]
        made = self.create("contact", {"account": account, **fields})
        role = {"OpportunityId": deal, "ContactId": made, "IsPrimary": not self.contacts(deal)}
        self.people.create("OpportunityContactRole", role)
        return made

    def contacts(self, deal: str) -> list[Row]:
        roles = [one for one in self.people.rows("OpportunityContactRole") if one["OpportunityId"] == deal]
        return [self.row("contact", one["ContactId"]) for one in roles]

    def expire_sign_in(self) -> None:
        self.sandbox.salesforce.expire_sessions()
        self.entra.expire_access_tokens()

    def forbid_more_than(self, value: int, message: str) -> None:
        rule = ValidationRule("Opportunity", f"Amount > {value}", message, "Amount")
        self.sandbox.salesforce.settings.validation_rules = (rule,)

    def add_product(self, deal: str, price: int) -> None:
        self.people.add_product(deal, unit_price=price)

    def let_referral_ids_repeat(self) -> None:
        self.sandbox.salesforce.settings.unique_referral_id = False

    def _own(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        own = super()._own(kind, fields)
        if kind == "opportunity" and "StageName" in own:
            own["StageName"] = self.stages.get(own["StageName"], own["StageName"])
        if kind == "user":
            own = {"Username": own["Email"], "IsActive": True, **own}
        return own

    def _told(self, kind: str, row: Row) -> Row:
        told = dict(super()._told(kind, row))
        if kind == "opportunity":
            told["state"] = {name: word for word, name in self.stages.items()}.get(told["state"])
        return told
