"""Plants the deals of the seed by what people of both systems can do, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cosell.sandbox.partner_center import PartnerCenter
from cosell.sandbox.shell.seed.invent import people_of, team_of
from cosell.sandbox.shell.seed.story import Deal, Fate, Presence, Seller
from cosell.sandbox.shell.seed.terms import Crm, Terms

# What tells a qualified lead from a deal (partner-center-api.md 3.6).
_LEAD = {"type": "Independent", "qualification": "MarketingQualified", "substatus": "Received"}


def plant(center: PartnerCenter, crm: Crm, deals: Iterable[Deal], *, sellers: Sequence[Seller]) -> None:
    """Fills a partner's account and the CRM beside it with deals, the oldest first."""
    planter = _Planter(center, crm, sellers)
    for deal in sorted(deals, key=lambda deal: -deal.age_days):
        planter.plant(deal)
    center.referrals.tick()


class _Planter:
    def __init__(self, center: PartnerCenter, crm: Crm, sellers: Sequence[Seller]) -> None:
        self._now, self._dice = center.frame.clock.now(), center.frame.dice
        self._referrals, self._crm, self._sellers = center.referrals, crm, sellers
        self._names = {one["id"]: one["name"] for one in center.solutions}

    def plant(self, deal: Deal) -> None:
        """One deal, on either side or on both."""
        terms = self._terms(deal)
        opportunity = None if deal.crm is Presence.NOT_THERE else self._crm.opportunity(deal, terms)
        if deal.fate is Fate.NOT_THERE:
            return
        referral_id = self._referral(deal, terms, opportunity)
        if opportunity is not None:
            self._crm.link(opportunity, referral_id, self._microsoft_id(referral_id))

    def _microsoft_id(self, referral_id: str) -> str | None:
        found = self._referrals.get(referral_id) or {}
        members = self._referrals.engagement(found["engagementId"])
        known = [one["trackingInfo"]["microsoftMsxId"] for one in members]
        return next((one for one in known if one), None)

    def _terms(self, deal: Deal) -> Terms:
        value = (deal.value * self._dice.randrange(90, 111) / 100).quantize(Decimal("0.01"))
        closes = self._now + timedelta(days=deal.closes_in_days)
        return Terms(value, closes.date().isoformat())

    def _referral(self, deal: Deal, terms: Terms, opportunity: str | None) -> str:
        at = self._now - timedelta(days=deal.age_days)
        form = self._form(deal, terms, opportunity)
        if deal.fate in (Fate.INBOUND, Fate.LEAD, Fate.WE_DECLINED, Fate.EXPIRED):
            referral_id = str(self._referrals.create_inbound(form, at=at)["id"])
        else:
            form["team"] = team_of(self._sellers[place] for place in deal.sellers)
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

    def _form(self, deal: Deal, terms: Terms, opportunity: str | None) -> dict[str, Any]:
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
        } | (_LEAD if deal.fate is Fate.LEAD else {})

    def _consent(self, deal: Deal) -> dict[str, bool]:
        hidden = deal.fate is Fate.PRIVATE
        return {
            "consentToToShareInfoWithOthers": True,
            "consentToContact": True,
            "consentToShareReferralWithMicrosoftSellers": not hidden,
        }

    def _solution(self, solution_id: str) -> dict[str, Any]:
        return {"id": solution_id, "name": self._names.get(solution_id), "type": "Name"}
