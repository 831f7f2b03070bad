"""The seller of a scenario, in one vocabulary for every CRM; what only one CRM has goes by its own names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from cosell.sandbox.dataverse.settings import PlugIn
from cosell.sandbox.salesforce import ValidationRule
from cosell.sandbox.shell.composition import Sandbox

SOL = "SOL-10001-AAA"
OTHER_SOL = "SOL-10002-BBB"
Row = Mapping[str, Any]


def in_days(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


class Seller(ABC):
    """What a seller does and sees in one CRM.

    Words of an opportunity: id, name, value, currency, close_date, notes, state (active, on_hold, won, lost),
    sync, referral_id, link, help, visible, microsoft_id, program, audit, owner, account. Of a person: id,
    first, last, email, phone. Of a solution: id, solution, quantity, price, name. Of an account: id, name,
    street, city, postal_code, country.
    """

    system: str
    """Where its requests go, as the faults of the sandbox name it."""
    account: str
    """The same of its Partner Center account."""
    nowhere: str
    """The id of an opportunity that is not there."""
    bunches: str
    """Where a deal is created with all that belongs to it."""
    tables: ClassVar[Mapping[str, str]]
    words: ClassVar[Mapping[str, Mapping[str, str]]]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    @abstractmethod
    def people(self) -> Any:
        """The side door of the simulator."""

    @property
    @abstractmethod
    def simulator(self) -> Any: ...

    @property
    @abstractmethod
    def partner_center(self) -> Any:
        """The Partner Center account this CRM is joined to."""

    @property
    @abstractmethod
    def entra(self) -> Any: ...

    @abstractmethod
    def add_contact(self, deal: str, **fields: Any) -> str:
        """Adds a person to the deal; the first is the primary one."""

    @abstractmethod
    def contacts(self, deal: str) -> list[Row]: ...

    @abstractmethod
    def expire_sign_in(self) -> None:
        """Every access token and session ends."""

    @abstractmethod
    def forbid_more_than(self, value: int, message: str) -> None:
        """The organisation refuses deals worth more, in its own words."""

    @abstractmethod
    def let_referral_ids_repeat(self) -> None:
        """Nothing in the CRM keeps referral ids unique."""

    def add_solution(self, deal: str, solution: str, **fields: Any) -> str:
        return self.create("solution", {"deal": deal, "solution": solution, "name": solution, **fields})

    def create(self, kind: str, fields: Mapping[str, Any]) -> str:
        return str(self.people.create(self.tables[kind], self._own(kind, fields)))

    def update(self, kind: str, row_id: str, fields: Mapping[str, Any]) -> None:
        self.people.update(self.tables[kind], row_id, self._own(kind, fields))

    def delete(self, kind: str, row_id: str) -> None:
        self.people.delete(self.tables[kind], row_id)

    def row(self, kind: str, row_id: str) -> Row:
        return self._told(kind, self.people.get(self.tables[kind], row_id))

    def rows(self, kind: str) -> list[Row]:
        return [self._told(kind, one) for one in self.people.rows(self.tables[kind])]

    def solutions(self, deal: str) -> list[Row]:
        return [one for one in self.rows("solution") if one["deal"] == deal]

    def _own(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        words = self.words[kind]
        return {words.get(key, key): value for key, value in fields.items()}

    def _told(self, kind: str, row: Row) -> Row:
        """The row under its own names and under ours."""
        return {**row, **{word: row.get(name) for word, name in self.words[kind].items()}}


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


class DynamicsSeller(Seller):
    """A seller in Dynamics 365, who wins and loses deals by the actions and not by a column."""

    system = "dataverse"
    account = "partner_center_2"
    nowhere = "7f9a0000-0000-4000-8000-0000000000ff"
    bunches = "/$batch"
    tables: ClassVar[Mapping[str, str]] = {
        "account": "account",
        "opportunity": "opportunity",
        "contact": "contact",
        "user": "systemuser",
        "solution": "cosell_opportunitysolution",
    }
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "account": {
            "id": "accountid",
            "street": "address1_line1",
            "city": "address1_city",
            "postal_code": "address1_postalcode",
            "country": "address1_country",
        },
        "opportunity": {
            "id": "opportunityid",
            "account": "customerid",
            "value": "estimatedvalue",
            "currency": "transactioncurrencyid",
            "close_date": "estimatedclosedate",
            "notes": "description",
            "sync": "cosell_syncwithpartnercenter",
            "referral_id": "cosell_referralidentifier",
            "link": "cosell_referrallink",
            "help": "cosell_howcanmicrosofthelp",
            "visible": "cosell_visibletomicrosoft",
            "microsoft_id": "cosell_microsoftcrmidentifier",
            "program": "cosell_referralprogram",
            "audit": "cosell_audit",
            "owner": "ownerid",
        },
        "contact": {
            "id": "contactid",
            "first": "firstname",
            "last": "lastname",
            "email": "emailaddress1",
            "phone": "telephone1",
            "account": "parentcustomerid",
        },
        "user": {
            "id": "systemuserid",
            "first": "firstname",
            "last": "lastname",
            "email": "internalemailaddress",
            "phone": "address1_telephone1",
        },
        "solution": {
            "id": "cosell_opportunitysolutionid",
            "deal": "cosell_opportunityid",
            "solution": "cosell_solutionidentifier",
            "quantity": "cosell_quantity",
            "price": "cosell_price",
            "name": "cosell_name",
        },
    }
    reasons: ClassVar[Mapping[str, int]] = {"active": 1, "on_hold": 2}
    states: ClassVar[Mapping[tuple[int, int], str]] = {(0, 2): "on_hold", (1, 3): "won"}

    @property
    def people(self) -> Any:
        return self.sandbox.dataverse.as_seller

    @property
    def simulator(self) -> Any:
        return self.sandbox.dataverse

    @property
    def partner_center(self) -> Any:
        return self.sandbox.partner_center_2

    @property
    def entra(self) -> Any:
        return self.sandbox.entra_2

    def add_contact(self, deal: str, **fields: Any) -> str:
        """Makes the person the primary contact, which is the one tie a form shows by default."""
        account = self.row("opportunity", deal)["account"]
        made = self.create("contact", {"account": account, **fields})
        self.people.update("opportunity", deal, {"parentcontactid": made})
        return made

    def contacts(self, deal: str) -> list[Row]:
        primary = self.people.get("opportunity", deal)["parentcontactid"]
        return [] if primary is None else [self.row("contact", primary.id)]

    def expire_sign_in(self) -> None:
        self.entra.expire_access_tokens()

    def forbid_more_than(self, value: int, message: str) -> None:
        rule = PlugIn("opportunity", f"estimatedvalue gt {value}", message)
        self.sandbox.dataverse.settings.plugins = (rule,)

    def let_referral_ids_repeat(self) -> None:
        schema = self.sandbox.dataverse.schema
        for key in list(schema.table("opportunity").keys):
            schema.drop_key("opportunity", key.name)

    def create(self, kind: str, fields: Mapping[str, Any]) -> str:
        closing = fields.get("state") if kind == "opportunity" else None
        if closing not in ("won", "lost"):
            return super().create(kind, fields)
        made = super().create(kind, {key: value for key, value in fields.items() if key != "state"})
        self.update(kind, made, {"state": closing})
        return made

    def update(self, kind: str, row_id: str, fields: Mapping[str, Any]) -> None:
        """Changes a row; a deal is won and lost by the action, and reopened before it is changed."""
        fields = dict(fields)
        state = fields.get("state") if kind == "opportunity" else None
        if state in ("active", "on_hold") and self.people.get("opportunity", row_id)["statecode"]:
            self.people.reopen(row_id)
        if state in ("won", "lost"):
            fields.pop("state")
        if fields:
            super().update(kind, row_id, fields)
        if state == "won":
            self.people.win(row_id)
        elif state == "lost":
            self.people.lose(row_id)

    def currency(self, code: str) -> str:
        found = self.people.rows("transactioncurrency")
        return str(next(one["transactioncurrencyid"] for one in found if one["isocurrencycode"] == code))

    def _own(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        fields = dict(fields)
        if kind == "opportunity":
            if state := fields.pop("state", None):
                fields["statuscode"] = self.reasons.get(state, state)
            if code := fields.pop("currency", None):
                fields["currency"] = self.currency(code)
            if isinstance(label := fields.get("help"), str):
                fields["help"] = self._choice(label)
        if kind == "user":
            fields = {"domainname": fields["email"], "isdisabled": False, **fields}
        return super()._own(kind, fields)

    def _told(self, kind: str, row: Row) -> Row:
        told = dict(super()._told(kind, row))
        told["name"] = told.get("name") or told.get("cosell_name")
        for word in ("account", "owner", "deal"):
            if told.get(word) is not None:
                told[word] = told[word].id
        if kind == "opportunity":
            told["state"] = self._state(told)
            if told["currency"] is not None:
                money = self.people.get("transactioncurrency", told["currency"].id)
                told["currency"] = money["isocurrencycode"]
        return told

    def _state(self, row: Row) -> str:
        pair = (row["statecode"], row["statuscode"])
        return self.states.get(pair, "lost" if pair[0] == 2 else "active")

    def _choice(self, label: str) -> int:
        column = self.simulator.schema.column("opportunity", self.words["opportunity"]["help"])
        return next(one.value for one in column.choices if one.label == label)


SELLERS: Mapping[str, type[Seller]] = {"salesforce": SalesforceSeller, "dynamics": DynamicsSeller}
ENVIRONMENTS = {"salesforce": "sandbox", "dynamics": "sandbox-dynamics"}
