"""The CRMs that are measured: what is to be known of each, and what a seller does in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bench.deals import SELLER
from cosell.sandbox import Sandbox
from cosell.sandbox.dataverse.catalogue.connector import CATALOGUE, SOLUTION
from cosell.sandbox.shell.account import Account
from cosell.wiring.places import SANDBOXES


class Held(NamedTuple):
    """What an opportunity says now."""

    referral_id: str | None
    value: float


class Floor(Protocol):
    """What sellers do in a CRM, and the Partner Center account it works with."""

    @property
    def account(self) -> Account: ...

    def opportunity(self, deal: Mapping[str, Any]) -> str:
        """Makes the deal an enrolled opportunity with its account, contact and solution."""
        ...

    def link(self, opportunity_id: str, referral_id: str) -> None:
        """Writes the referral's id into an opportunity."""
        ...

    def edit(self, opportunity_id: str, value: float) -> None:
        """Gives an opportunity another value."""
        ...

    def opportunities(self) -> Iterator[Held]: ...


class InSalesforce:
    """The sellers of the first partner."""

    def __init__(self, sandbox: Sandbox) -> None:
        sandbox.salesforce.settings.daily_api_calls = 10_000_000
        self.account, self._seller = sandbox.first, sandbox.salesforce.as_seller

    def opportunity(self, deal: Mapping[str, Any]) -> str:
        """The rows a seller fills in."""
        create, details = self._seller.create, deal["details"]
        address, person = deal["customerProfile"]["address"], deal["customerProfile"]["team"][0]
        account = create(
            "Account",
            {
                "Name": deal["customerProfile"]["name"],
                "BillingStreet": address["addressLine1"],
                "BillingCity": address["city"],
                "BillingPostalCode": address["postalCode"],
                "BillingCountry": address["country"],
            },
        )
        opportunity = create(
            "Opportunity",
            {
                "Name": deal["name"],
                "AccountId": account,
                "StageName": "Qualification",
                "Amount": details["dealValue"],
                "CurrencyIsoCode": details["currency"],
                "CloseDate": details["closingDateTime"][:10],
                "Description": details["notes"],
                "Sync_with_Partner_Center__c": True,
            },
        )
        contact = create(
            "Contact",
            {
                "AccountId": account,
                "FirstName": person["firstName"],
                "LastName": person["lastName"],
                "Email": person["email"],
                "Phone": person["phoneNumber"],
            },
        )
        create("OpportunityContactRole", {"OpportunityId": opportunity, "ContactId": contact})
        solution = details["requirements"]["solutions"][0]
        create(
            "Microsoft_Partner_Center_Solution__c",
            {
                "Opportunity__c": opportunity,
                "Solution_Identifier__c": solution["id"],
                "Name": solution["name"],
                "Quantity__c": None,
            },
        )
        return opportunity

    def link(self, opportunity_id: str, referral_id: str) -> None:
        self._seller.update("Opportunity", opportunity_id, {"Referral_Identifier__c": referral_id})

    def edit(self, opportunity_id: str, value: float) -> None:
        self._seller.update("Opportunity", opportunity_id, {"Amount": value})

    def opportunities(self) -> Iterator[Held]:
        for row in self._seller.rows("Opportunity"):
            yield Held(row["Referral_Identifier__c"], row["Amount"])


class InDynamics:
    """The sellers of the second partner."""

    def __init__(self, sandbox: Sandbox) -> None:
        # The clock is moved on faster than the window of the limits slides.
        sandbox.dataverse.settings.requests_limit = None
        sandbox.dataverse.settings.execution_seconds_limit = None
        self.account, self._seller = sandbox.second, sandbox.dataverse.as_seller
        rows = self._seller.rows("transactioncurrency")
        self._currencies = {row["isocurrencycode"]: row["transactioncurrencyid"] for row in rows}
        self._solutions: dict[str, str] = {}
        users = self._seller.rows("systemuser")
        owner = next(row for row in users if row["internalemailaddress"] == SELLER["email"])
        phone = {"address1_telephone1": SELLER["phoneNumber"]}
        self._seller.update("systemuser", owner["systemuserid"], phone)

    def opportunity(self, deal: Mapping[str, Any]) -> str:
        """The rows a seller fills in."""
        create, details = self._seller.create, deal["details"]
        address, person = deal["customerProfile"]["address"], deal["customerProfile"]["team"][0]
        account = create(
            "account",
            {
                "name": deal["customerProfile"]["name"],
                "address1_line1": address["addressLine1"],
                "address1_city": address["city"],
                "address1_postalcode": address["postalCode"],
                "address1_country": address["country"],
            },
        )
        contact = create(
            "contact",
            {
                "parentcustomerid": ("account", account),
                "firstname": person["firstName"],
                "lastname": person["lastName"],
                "emailaddress1": person["email"],
                "telephone1": person["phoneNumber"],
            },
        )
        opportunity = create(
            "opportunity",
            {
                "name": deal["name"],
                "customerid": ("account", account),
                "parentaccountid": account,
                "parentcontactid": contact,
                "estimatedvalue": details["dealValue"],
                "transactioncurrencyid": self._currencies[details["currency"]],
                "estimatedclosedate": details["closingDateTime"][:10],
                "description": details["notes"],
                "cosell_syncwithpartnercenter": True,
            },
        )
        solution = details["requirements"]["solutions"][0]
        create(
            SOLUTION,
            {
                "cosell_opportunityid": opportunity,
                "cosell_solutiondetailid": self._in_catalogue(solution),
                "cosell_solutionidentifier": solution["id"],
                "cosell_name": solution["name"],
            },
        )
        return opportunity

    def link(self, opportunity_id: str, referral_id: str) -> None:
        self._seller.update("opportunity", opportunity_id, {"cosell_referralidentifier": referral_id})

    def edit(self, opportunity_id: str, value: float) -> None:
        self._seller.update("opportunity", opportunity_id, {"estimatedvalue": value})

    def opportunities(self) -> Iterator[Held]:
        for row in self._seller.rows("opportunity"):
            yield Held(row["cosell_referralidentifier"], row["estimatedvalue"])

    def _in_catalogue(self, solution: Mapping[str, str]) -> str:
        key = solution["id"]
        if key not in self._solutions:
            fields = {"cosell_solutionidentifier": key, "cosell_name": solution["name"]}
            self._solutions[key] = self._seller.create(CATALOGUE, fields)
        return self._solutions[key]


@dataclass(frozen=True, slots=True)
class Crm:
    """One CRM as a benchmark knows it."""

    name: str
    """What a measure of it alone ends in."""
    label: str
    system: str
    """The name its calls are counted under."""
    environment: str
    """The environment of the sandbox that joins it."""
    solution_id: str
    """What its partner sells."""
    writes_at: str
    """What the address of every write ends in."""
    backlog_calls: int
    """How many calls a backlog of a thousand deals may cost."""
    floor: Callable[[Sandbox], Floor]


SALESFORCE = Crm(
    name="salesforce",
    label="Salesforce",
    system="salesforce",
    environment=SANDBOXES[0],
    solution_id="SOL-10001-AAA",
    writes_at="/composite",
    backlog_calls=80,
    floor=InSalesforce,
)
DYNAMICS = Crm(
    name="dynamics",
    label="Dynamics 365",
    system="dataverse",
    environment=SANDBOXES[1],
    solution_id="SOL-20001-AAA",
    writes_at="/$batch",
    backlog_calls=20,
    floor=InDynamics,
)
CRMS = {one.name: one for one in (SALESFORCE, DYNAMICS)}
