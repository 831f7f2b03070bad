"""The verbs of both sides at Partner Center, the same for both accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.desk.partner_center import PartnerCenterDesk
from cosell.sandbox.shell.wishes import Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

ACCOUNTS = ("partner_center", "partner_center_2")
SIDES = ("partner", "microsoft")
OUTCOMES = ("won", "lost", "error")


def list_referrals(desk: PartnerCenterDesk, wish: Wish) -> dict[str, Any]:
    """The referrals, a line each with Microsoft's answer."""
    wish.done()
    return {"referrals": desk.deals()}


def show_referral(desk: PartnerCenterDesk, wish: Wish, deal: str) -> dict[str, Any]:
    """One engagement: our referral and Microsoft's, as the API would show them."""
    wish.done()
    return desk.deal(deal)


def send_inbound(desk: PartnerCenterDesk, wish: Wish) -> dict[str, Any]:
    """A Microsoft seller sends you a deal; what you do not say is made up."""
    return desk.deal(desk.send_inbound(wish))


def create_referral(desk: PartnerCenterDesk, wish: Wish) -> dict[str, Any]:
    """A colleague makes a deal in the Partner Center portal; with help it goes to Microsoft."""
    return desk.deal(desk.create(wish))


def edit_referral(desk: PartnerCenterDesk, wish: Wish, deal: str) -> dict[str, Any]:
    """Somebody changes a referral: we in the portal, or by “microsoft” the seller there."""
    by = wish.text("by", None, among=SIDES)
    desk.edit(deal, wish.rest(), by=by)
    return desk.deal(deal)


def accept_referral(desk: PartnerCenterDesk, wish: Wish, deal: str) -> dict[str, Any]:
    """Whoever is asked accepts: the Microsoft seller, or we in the portal."""
    by = wish.text("by", None, among=SIDES)
    wish.done()
    desk.accept(deal, by=by)
    return desk.deal(deal)


def decline_referral(desk: PartnerCenterDesk, wish: Wish, deal: str) -> dict[str, Any]:
    """Whoever is asked declines, with a reason."""
    by, reason = wish.text("by", None, among=SIDES), wish.text("reason", None)
    wish.done()
    desk.decline(deal, reason=reason, by=by)
    return desk.deal(deal)


def expire_referral(desk: PartnerCenterDesk, wish: Wish, deal: str) -> dict[str, Any]:
    """The 14 days of an unanswered referral are over at once."""
    wish.done()
    desk.expire(deal)
    return desk.deal(deal)


def close_referral(desk: PartnerCenterDesk, wish: Wish, deal: str) -> dict[str, Any]:
    """A referral is closed as won, lost or error, for good."""
    outcome, reason = wish.text("outcome", among=OUTCOMES), wish.text("reason", None)
    by = wish.text("by", "partner", among=SIDES)
    wish.done()
    desk.close(deal, outcome, reason=reason, by=by)
    return desk.deal(deal)


_VERBS = (
    ("GET", "/referrals", list_referrals, ""),
    ("GET", "/referrals/{deal}", show_referral, ""),
    (
        "POST",
        "/inbound",
        send_inbound,
        '{"name": "Data estate", "value": 80000, "currency": "EUR", "country": "NL"}',
    ),
    ("POST", "/referrals", create_referral, '{"name": "Data estate", "help": "ProofOfConceptOrDemo"}'),
    ("POST", "/referrals/{deal}/edit", edit_referral, '{"value": 95000, "notes": "Board said yes"}'),
    ("POST", "/referrals/{deal}/accept", accept_referral, "{}"),
    ("POST", "/referrals/{deal}/decline", decline_referral, '{"reason": "Customer didn\'t respond"}'),
    ("POST", "/referrals/{deal}/expire", expire_referral, "{}"),
    ("POST", "/referrals/{deal}/close", close_referral, '{"outcome": "won"}'),
)


def _at(account: str, act: Callable[..., Any]) -> Callable[..., Any]:
    """The act at the desk of an account of the sandbox."""

    @wraps(act)
    def at_desk(sandbox: Sandbox, wish: Wish, **named: str) -> Any:
        return act(sandbox.partner_center_desks[account], wish, **named)

    return at_desk


def _verbs() -> Iterator[Verb]:
    for account in ACCOUNTS:
        for method, path, act, example in _VERBS:
            yield Verb(method, f"/control/{account}{path}", _at(account, act), example)


VERBS = tuple(_verbs())
