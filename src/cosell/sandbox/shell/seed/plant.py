"""Plants the deals of the seed by what people of both systems can do, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cosell.sandbox.salesforce.catalogue.connector import connector_object
from cosell.sandbox.shell.seed import people
from cosell.sandbox.shell.seed.deals import DEALS
from cosell.sandbox.shell.seed.invent import people_of, sellers_of
from cosell.sandbox.shell.seed.story import Crm, Customer, Deal, Fate

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

SOLUTION = connector_object().name
REFERRAL_LINK = "https://partner.microsoft.com/referrals/v2/inbox?id={}"
HELP_LABELS = {
    "WorkloadSpecificValueProposition": "Workload Specific Value Proposition",
    "CustomerTechnicalArchitecture": "Customer Technical Architecture",
    "ProofOfConceptOrDemo": "Proof Of Concept or Demo",
    "QuotesOrLicensing": "Quotes or Licensing",
    "PostSalesCustomerSuccess": "Post Sales Customer Success",
    "GeneralOrOther": "General or Other",
}
CURRENCIES = tuple(sorted({deal.currency for deal in DEALS} | {"USD", "EUR", "GBP", "AUD", "CAD"}))


def plant(sandbox: Sandbox) -> None:
    """Fills the systems with the deals of the seed, the oldest first."""
    planter = _Planter(sandbox)
    for deal in sorted(DEALS, key=lambda deal: -deal.age_days):
        planter.plant(deal)
    sandbox.partner_center.referrals.tick()


@dataclass(frozen=True, slots=True)
class _Terms:
    """The figures of one deal, the same on both sides."""

    value: Decimal
    closes: str

    @property
    def number(self) -> int | float:
        return int(self.value) if self.value == self.value.to_integral_value() else float(self.value)


class _Planter:
    def __init__(self, sandbox: Sandbox) -> None:
        self._now, self._dice = sandbox.frame.clock.now(), sandbox.frame.dice
        self._referrals, self._seller = sandbox.partner_center.referrals, sandbox.salesforce.as_seller
        self._names = {one["id"]: one["name"] for one in sandbox.partner_center.solutions}
        sandbox.salesforce.settings.currencies = CURRENCIES
        self._users = [self._user(place) for place in range(len(people.SELLERS))]
        self._accounts: dict[str, str] = {}
        self._contacts: dict[str, list[str]] = {}

    def plant(self, deal: Deal) -> None:
        """One deal, on either side or on both."""
        terms = self._terms(deal)
        opportunity = None if deal.crm is Crm.NOT_THERE else self._opportunity(deal, terms)
        if deal.fate is Fate.NOT_THERE:
            return
        referral_id = self._referral(deal, terms, opportunity)
        if opportunity is not None:
            self._link(opportunity, referral_id)

    def _terms(self, deal: Deal) -> _Terms:
        value = (deal.value * self._dice.randrange(90, 111) / 100).quantize(Decimal("0.01"))
        closes = self._now + timedelta(days=deal.closes_in_days)
        return _Terms(value, closes.date().isoformat())

    def _referral(self, deal: Deal, terms: _Terms, opportunity: str | None) -> str:
        at = self._now - timedelta(days=deal.age_days)
        form = self._form(deal, terms, opportunity)
        if deal.fate in (Fate.INBOUND, Fate.WE_DECLINED, Fate.EXPIRED):
            referral_id = str(self._referrals.create_inbound(form, at=at)["id"])
        else:
            form["team"] = sellers_of(self._dice, chosen=deal.sellers)
            referral_id = str(self._referrals.create_outbound_in_portal(form, at=at)["id"])
        self._meet(deal, referral_id)
        return referral_id

    def _meet(self, deal: Deal, referral_id: str) -> None:
        """Lets happen to a new referral what its story says."""
        if deal.fate in (Fate.ACCEPTED, Fate.WON):
            self._referrals.microsoft_accepts(referral_id)
        if deal.fate is Fate.WON:
            self._referrals.close(referral_id, substatus="Won")
        elif deal.fate is Fate.LOST:
            self._referrals.close(referral_id, substatus="Lost", reason=deal.reason)
        elif deal.fate is Fate.WE_DECLINED:
            self._referrals.partner_declines(referral_id, deal.reason)
        elif deal.fate is Fate.MICROSOFT_DECLINED:
            self._referrals.microsoft_declines(referral_id, deal.reason)

    def _form(self, deal: Deal, terms: _Terms, opportunity: str | None) -> dict[str, Any]:
        customer = deal.customer
        return {
            "name": deal.name,
            "externalReferenceId": opportunity,
            "customerProfile": {
                "name": customer.name,
                "address": {
                    "addressLine1": customer.street,
                    "city": customer.city,
                    "state": customer.state,
                    "postalCode": customer.postal_code,
                    "country": customer.country,
                },
                "size": customer.size,
                "team": people_of(customer),
            },
            "consent": self._consent(deal),
            "details": {
                "dealValue": terms.number,
                "currency": deal.currency,
                "closingDateTime": f"{terms.closes}T00:00:00Z",
                "notes": deal.notes,
                "requirements": {"solutions": [self._solution(one) for one in deal.solutions]},
            },
            "inviteContext": {"assistanceRequestCode": deal.help, "notes": deal.notes if deal.help else None},
        }

    def _consent(self, deal: Deal) -> dict[str, bool]:
        hidden = deal.fate is Fate.PRIVATE
        return {
            "consentToToShareInfoWithOthers": True,
            "consentToContact": True,
            "consentToShareReferralWithMicrosoftSellers": not hidden,
        }

    def _solution(self, solution_id: str) -> dict[str, Any]:
        return {"id": solution_id, "name": self._names.get(solution_id), "type": "Name"}

    def _opportunity(self, deal: Deal, terms: _Terms) -> str:
        account = self._account(deal.customer, complete=deal.crm is not Crm.INCOMPLETE)
        shared = deal.crm is not Crm.OFF
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
        if deal.crm is not Crm.INCOMPLETE:
            self._contact_roles(row_id, deal.customer)
        for place in deal.sellers:
            member = {"OpportunityId": row_id, "UserId": self._users[place], "TeamMemberRole": "Sales Rep"}
            self._seller.create("OpportunityTeamMember", member)
        return row_id

    def _link(self, row_id: str, referral_id: str) -> None:
        """Writes onto the opportunity what a connector would have written after introducing the two."""
        found = self._referrals.get(referral_id) or {}
        members = self._referrals.engagement(found["engagementId"])
        known = [one["trackingInfo"]["microsoftMsxId"] for one in members]
        fields = {
            "Referral_Identifier__c": referral_id,
            "Referral_Link__c": REFERRAL_LINK.format(referral_id),
            "Microsoft_CRM_Identifier__c": next((one for one in known if one), None),
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
