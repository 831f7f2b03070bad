"""The desks at Partner Center: ours in the portal, and that of the Microsoft seller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from cosell.sandbox.partner_center import PartnerCenter
from cosell.sandbox.partner_center.shape import HELP_CODES, NO_HELP
from cosell.sandbox.shell.desk.referral import (
    PATHS,
    SAME,
    By,
    contacts_of,
    is_microsofts,
    line_of,
    moment_of,
    waits_for,
)
from cosell.sandbox.shell.seed.invent import invent_customer, invent_value, people_of, team_of
from cosell.sandbox.shell.seed.people import SELLERS
from cosell.sandbox.shell.seed.story import Seller
from cosell.sandbox.shell.wishes import Refused, Wish, renamed

HELPS = {
    "": "No help required",
    "WorkloadSpecificValueProposition": "Workload-specific value proposition",
    "CustomerTechnicalArchitecture": "Customer technical architecture",
    "ProofOfConceptOrDemo": "Proof of concept / Demo",
    "QuotesOrLicensing": "Quotes / Licensing",
    "PostSalesCustomerSuccess": "Post-sales customer success",
    "GeneralOrOther": "General or other",
}
REASONS = (
    "Customer didn't respond",
    "Budget not adequate",
    "Chose another vendor",
    "Requirement not met",
    "Not a customer",
    "Time line too short",
    "Others",
)
T = TypeVar("T")


def allowed(act: Callable[[], T]) -> T:
    """What `act` gives, with the simulator's own refusal told as ours."""
    try:
        return act()
    except (ValueError, LookupError) as refusal:
        sentence = str(refusal.args[0] if refusal.args else refusal)
        raise Refused(f"Partner Center does not take this: {sentence}.") from None


class PartnerCenterDesk:
    """Sees whole engagements and does what people on either side of them do."""

    def __init__(self, partner_center: PartnerCenter, *, sellers: Sequence[Seller] = SELLERS) -> None:
        self._sellers = sellers
        self._center, self._referrals = partner_center, partner_center.referrals

    def deals(self) -> list[dict[str, Any]]:
        """A line for every referral of the partner, the last changed first."""
        theirs: dict[str, Any] = {}
        ours = []
        for referral in self._referrals.all():
            if is_microsofts(referral):
                theirs[referral["engagementId"]] = referral
            else:
                ours.append(referral)
        lines = [line_of(referral, theirs.get(referral["engagementId"])) for referral in ours]
        return sorted(lines, key=lambda line: str(line["changed"]), reverse=True)

    def deal(self, wanted: str) -> dict[str, Any]:
        """One engagement: its line, our referral and Microsoft's, as the API would show them."""
        ours, theirs = self._engagement(wanted)
        return {**line_of(ours, theirs), "ours": ours, "theirs": theirs}

    def known(self, external_id: str) -> str | None:
        """The id of our referral that names this CRM record, if there is one."""
        for referral in self._referrals.all():
            if (
                not is_microsofts(referral)
                and (referral["externalReferenceId"] or "")[:15] == external_id[:15]
            ):
                return str(referral["id"])
        return None

    def send_inbound(self, wish: Wish) -> str:
        """A Microsoft seller sends a deal; what is not said is made up."""
        form = self._form(Wish(renamed(wish.rest(), SAME)), inbound=True)
        return str(allowed(lambda: self._referrals.create_inbound(form))["id"])

    def create(self, wish: Wish) -> str:
        """We make a deal in the portal; a deal that asks for help goes to Microsoft too."""
        form = self._form(Wish(renamed(wish.rest(), SAME)), inbound=False)
        return str(allowed(lambda: self._referrals.create_outbound_in_portal(form))["id"])

    def accept(self, wanted: str, *, by: By | None = None) -> None:
        """Accepts for whoever is asked."""
        ours, theirs = self._engagement(wanted)
        if self._asked(ours, theirs, by) == "partner":
            allowed(lambda: self._referrals.partner_accepts(ours["id"]))
        else:
            allowed(lambda: self._referrals.microsoft_accepts(ours["id"]))

    def decline(self, wanted: str, *, reason: str | None = None, by: By | None = None) -> None:
        """Declines for whoever is asked."""
        ours, theirs = self._engagement(wanted)
        if self._asked(ours, theirs, by) == "partner":
            allowed(lambda: self._referrals.partner_declines(ours["id"], reason))
        else:
            allowed(lambda: self._referrals.microsoft_declines(ours["id"], reason))

    def expire(self, wanted: str) -> None:
        """Ends the time to answer of the referral that waits."""
        ours, theirs = self._engagement(wanted)
        waiting = ours if self._asked(ours, theirs, None) == "partner" else theirs
        if waiting is not None:
            allowed(lambda: self._referrals.expire(waiting["id"]))

    def close(self, wanted: str, outcome: str, *, reason: str | None = None, by: By = "partner") -> None:
        """Closes our referral, or Microsoft's own, as won, lost or error."""
        ours, theirs = self._engagement(wanted)
        chosen = ours if by == "partner" else theirs
        if chosen is None:
            raise Refused("Microsoft has no referral of its own in this engagement.")
        allowed(lambda: self._referrals.close(chosen["id"], substatus=outcome.capitalize(), reason=reason))

    def edit(self, wanted: str, changes: Mapping[str, Any], *, by: By | None = None) -> None:
        """Changes a referral: ours as we would in the portal, or what the Microsoft seller can reach."""
        ours, theirs = self._engagement(wanted)
        if not changes:
            raise Refused(f"Name something to change: {', '.join(PATHS)}.")
        named = theirs if theirs is not None and theirs["id"] == wanted else None
        if by == "partner" or (by is None and named is None):
            chosen, author = ours, "partner"
        else:
            chosen, author = theirs or ours, "microsoft"
            if theirs is None and ours["direction"] != "Incoming":
                raise Refused("No Microsoft seller takes part in this deal.")
        paths = {
            PATHS.get(name, name): self._wire(name, value) for name, value in renamed(changes, SAME).items()
        }
        allowed(lambda: self._referrals.edit(chosen["id"], paths, by=author))  # type: ignore[arg-type]

    def _engagement(self, wanted: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Our referral and Microsoft's, of the engagement one of whose ids this is or begins with."""
        wanted = wanted.strip().lower()
        referrals = self._referrals.all()
        found = {
            referral["engagementId"]
            for referral in referrals
            if wanted and (referral["id"].startswith(wanted) or referral["engagementId"].startswith(wanted))
        }
        if len(found) > 1:
            raise Refused(f"{len(found)} deals have ids that begin with “{wanted}”.")
        if not found:
            raise Refused(f"There is no referral “{wanted}”.", status=404)
        members = [referral for referral in referrals if referral["engagementId"] in found]
        ours = [one for one in members if not is_microsofts(one)]
        theirs = [one for one in members if is_microsofts(one)]
        if not ours:
            raise Refused("Only Microsoft has a referral in this engagement.", status=404)
        return ours[0], theirs[0] if theirs else None

    def _asked(self, ours: Mapping[str, Any], theirs: Mapping[str, Any] | None, by: By | None) -> By:
        asked = waits_for(ours, theirs)
        if asked is None:
            raise Refused("Nobody is asked: this deal does not wait for an answer.")
        if by is not None and by != asked:
            raise Refused(f"It is not “{by}” who is asked, but “{asked}”.")
        return asked

    def _form(self, wish: Wish, *, inbound: bool) -> dict[str, Any]:
        """A whole referral from a few words; everything else is invented, and fits together."""
        dice = self._center.frame.dice
        customer = invent_customer(dice)
        given_customer = wish.text("customer", None)
        code = wish.text("help", "" if not inbound else "GeneralOrOther", among=("", *HELP_CODES))
        country = wish.text("country", customer.country if given_customer is None else "US")
        visible = wish.truth("visible", inbound or code not in ("", NO_HELP))
        closes = wish.day("close_date", (self._center.frame.clock.now() + timedelta(days=90)).date())
        value, currency = invent_value(dice)
        form = {
            "name": wish.text("name", f"New deal for {given_customer or customer.name}"),
            "externalReferenceId": wish.text("external_reference_id", None),
            "customerProfile": {
                "name": given_customer or customer.name,
                "address": {
                    "addressLine1": wish.text("address", customer.street),
                    "city": wish.text("city", customer.city),
                    "postalCode": wish.text("postal_code", customer.postal_code),
                    "state": wish.text("state", customer.state),
                    "country": country,
                },
                "size": customer.size,
                "team": contacts_of(wish.rest_of("contact")) or people_of(customer),
            },
            "consent": {"consentToShareReferralWithMicrosoftSellers": visible},
            "details": {
                "dealValue": wish.number("value", value),
                "currency": wish.text("currency", currency),
                "closingDateTime": moment_of(closes),
                "notes": wish.text("notes", ""),
                "requirements": {"solutions": self._solutions(wish.items("solutions", []))},
            },
            "inviteContext": {"assistanceRequestCode": code or NO_HELP, "notes": ""},
            "team": None if inbound else team_of([dice.choice(self._sellers)]),
        }
        wish.done()
        return form

    def _wire(self, name: str, value: Any) -> Any:
        """A value as it stands on the wire."""
        if PATHS.get(name, name) == PATHS["close_date"] and isinstance(value, str) and len(value) == 10:
            return moment_of(Wish({"close_date": value}).day("close_date"))
        if name == "solutions" and isinstance(value, list):
            return self._solutions(value)
        return None if value == "" else value

    def _solutions(self, ids: Iterable[Any]) -> list[dict[str, Any]]:
        """Solutions by their ids, named where our catalogue knows them; the first one when none is given."""
        names = {one["id"]: one["name"] for one in self._center.solutions}
        wanted = list(ids) or [self._center.solutions[0]["id"]]
        if not all(isinstance(one, dict | str) for one in wanted):
            raise Refused("Every solution is named by its id, such as SOL-10001-AAA.")
        return [
            one if isinstance(one, dict) else {"id": one, "name": names.get(one), "type": "Name"}
            for one in wanted
        ]
