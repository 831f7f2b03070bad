"""The verbs that find a deal by its id, in whichever system it lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control import dataverse, partner_center, salesforce
from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HERE = "/control/deals"
ONE = HERE + "/{deal}"
Act = Callable[["Sandbox", Wish, str], Any]


def _referral(account: str) -> Mapping[str, Act]:
    """What can be done to a referral of an account."""
    acts = {
        "show": partner_center.show_referral,
        "edit": partner_center.edit_referral,
        "accept": partner_center.accept_referral,
        "decline": partner_center.decline_referral,
        "expire": partner_center.expire_referral,
        "close": partner_center.close_referral,
    }

    def at_desk(act: Callable[..., Any]) -> Act:
        return lambda sandbox, wish, deal: act(sandbox.partner_center_desks[account], wish, deal)

    return {name: at_desk(act) for name, act in acts.items()}


def _close(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    outcome = wish.text("outcome", among=("won", "lost"))
    wish.text("by", None, among=("seller",))
    wish.text("reason", None)
    wish.done()
    sandbox.dataverse_desk.edit(deal, {"status": "Won" if outcome == "won" else "Canceled"})
    return sandbox.dataverse_desk.opportunity(deal)


_ACTS: Mapping[str, Mapping[str, Act]] = {
    "partner_center": _referral("partner_center"),
    "salesforce": {"show": salesforce.show_opportunity, "edit": salesforce.edit_opportunity},
    "partner_center_2": _referral("partner_center_2"),
    "dataverse": {
        "show": dataverse.show_opportunity,
        "edit": dataverse.edit_opportunity,
        "close": _close,
    },
    "dataverse leads": {"show": dataverse.show_lead, "edit": dataverse.edit_lead},
}


def list_deals(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The deals of every system, a line each."""
    wish.done()
    return {
        "partner_center": sandbox.partner_center_desk.deals(),
        "salesforce": sandbox.salesforce_desk.opportunities(),
        "partner_center_2": sandbox.partner_center_desk_2.deals(),
        "dataverse": sandbox.dataverse_desk.opportunities(),
    }


def show_deal(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """One deal in full, by its id or the beginning of it, from whichever system it lives in."""
    return _done("show", sandbox, wish, deal)


def edit_deal(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """Somebody changes a deal, wherever it lives."""
    return _done("edit", sandbox, wish, deal)


def accept_deal(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """Whoever is asked accepts a referral of either account."""
    return _done("accept", sandbox, wish, deal)


def decline_deal(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """Whoever is asked declines a referral of either account, with a reason."""
    return _done("decline", sandbox, wish, deal)


def expire_deal(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """The 14 days of an unanswered referral of either account are over at once."""
    return _done("expire", sandbox, wish, deal)


def close_deal(sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    """A referral, or an opportunity in Dynamics 365, is closed as won or lost."""
    return _done("close", sandbox, wish, deal)


def _done(name: str, sandbox: Sandbox, wish: Wish, deal: str) -> dict[str, Any]:
    system = _home(sandbox, deal)
    act = _ACTS[system].get(name)
    if act is None:
        able = ", ".join(one for one in _ACTS[system] if one != "show")
        raise Refused(f"This is a record of {system.replace(' leads', '')}; what can be done there: {able}.")
    found: dict[str, Any] = act(sandbox, wish, deal)
    return found


def _home(sandbox: Sandbox, deal: str) -> str:
    """The one system that has a record of this id."""
    if deal.startswith("006") and len(deal) in (15, 18) and deal.isalnum():
        return "salesforce"
    found = []
    for system, acts in _ACTS.items():
        try:
            acts["show"](sandbox, Wish({}), deal)
        except Refused as refusal:
            if refusal.status != 404:
                raise
            continue
        found.append(system)
    if len(found) > 1:
        raise Refused(f"“{deal}” begins ids in {', '.join(found)}; give more of it.")
    if not found:
        raise Refused(f"There is no referral “{deal}”, and no record of a CRM either.", status=404)
    return found[0]


VERBS = (
    Verb("GET", HERE, list_deals),
    Verb("GET", ONE, show_deal),
    Verb("POST", ONE + "/edit", edit_deal, '{"name": "Data estate, phase one"}'),
    Verb("POST", ONE + "/accept", accept_deal, "{}"),
    Verb("POST", ONE + "/decline", decline_deal, '{"reason": "Others"}'),
    Verb("POST", ONE + "/expire", expire_deal, "{}"),
    Verb("POST", ONE + "/close", close_deal, '{"outcome": "won"}'),
)
