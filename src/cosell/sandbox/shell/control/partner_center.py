"""The verbs of both sides at Partner Center, and of the webhook events between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HERE = "/control/partner_center/referrals"
ONE = HERE + "/{deal}"
SIDES = ("partner", "microsoft")
OUTCOMES = ("won", "lost", "error")


def list_referrals(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The referrals, a line each with Microsoft's answer."""
    wish.done()
    return {"referrals": sandbox.partner_center_desk.deals()}


def show_referral(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """One engagement: our referral and Microsoft's, as the API would show them."""
    wish.done()
    return sandbox.partner_center_desk.deal(deal)


def send_inbound(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A Microsoft seller sends you a deal; what you do not say is made up."""
    return sandbox.partner_center_desk.deal(sandbox.partner_center_desk.send_inbound(wish))


def create_referral(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """A colleague makes a deal in the Partner Center portal; with help it goes to Microsoft."""
    return sandbox.partner_center_desk.deal(sandbox.partner_center_desk.create(wish))


def edit_referral(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """Somebody changes a referral: we in the portal, or by “microsoft” the seller there."""
    by = wish.text("by", None, among=SIDES)
    sandbox.partner_center_desk.edit(deal, wish.rest(), by=by)
    return sandbox.partner_center_desk.deal(deal)


def accept_referral(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """Whoever is asked accepts: the Microsoft seller, or we in the portal."""
    by = wish.text("by", None, among=SIDES)
    wish.done()
    sandbox.partner_center_desk.accept(deal, by=by)
    return sandbox.partner_center_desk.deal(deal)


def decline_referral(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """Whoever is asked declines, with a reason."""
    by, reason = wish.text("by", None, among=SIDES), wish.text("reason", None)
    wish.done()
    sandbox.partner_center_desk.decline(deal, reason=reason, by=by)
    return sandbox.partner_center_desk.deal(deal)


def expire_referral(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """The 14 days of an unanswered referral are over at once."""
    wish.done()
    sandbox.partner_center_desk.expire(deal)
    return sandbox.partner_center_desk.deal(deal)


def close_referral(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A referral is closed as won, lost or error, for good."""
    outcome, reason = wish.text("outcome", among=OUTCOMES), wish.text("reason", None)
    by = wish.text("by", "partner", among=SIDES)
    wish.done()
    sandbox.partner_center_desk.close(deal, outcome, reason=reason, by=by)
    return sandbox.partner_center_desk.deal(deal)


VERBS = (
    Verb("GET", HERE, list_referrals),
    Verb("GET", ONE, show_referral),
    Verb(
        "POST",
        "/control/partner_center/inbound",
        send_inbound,
        '{"name": "Data estate", "value": 80000, "currency": "EUR", "country": "NL"}',
    ),
    Verb("POST", HERE, create_referral, '{"name": "Data estate", "help": "ProofOfConceptOrDemo"}'),
    Verb("POST", ONE + "/edit", edit_referral, '{"value": 95000, "notes": "Board said yes"}'),
    Verb("POST", ONE + "/accept", accept_referral, "{}"),
    Verb("POST", ONE + "/decline", decline_referral, '{"reason": "Customer didn\'t respond"}'),
    Verb("POST", ONE + "/expire", expire_referral, "{}"),
    Verb("POST", ONE + "/close", close_referral, '{"outcome": "won"}'),
)
