"""The verbs about webhook events: whether, how often, in which order and how late they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.account import Account
    from cosell.sandbox.shell.composition import Sandbox

SHOWN = 20


def show_events(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Who gets the events of an account, how they travel, and the last of them."""
    account = _account(sandbox, wish)
    wish.done()
    return _shown(account)


def _shown(account: Account) -> dict[str, Any]:
    switches, present = account.webhooks.switches, account.webhooks.registration
    sent = account.webhooks.deliveries[-SHOWN:]
    return {
        "registered": None if present is None else {"url": present.url, "events": list(present.events)},
        "on": switches.events_on,
        "drop": switches.drop_next,
        "duplicate": account.post.duplicate_next,
        "delay": switches.delay,
        "reorder": switches.reorder,
        "lose": switches.lose,
        "last": [
            {"event": one.event, "resource": one.resource, "results": list(one.results)} for one in sent
        ],
    }


def set_events(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Drops or doubles the next events, delays or shuffles all, loses a share, or stops them."""
    account = _account(sandbox, wish)
    names = ("on", "drop", "duplicate", "delay", "reorder", "lose")
    if not any(wish.has(name) for name in names):
        raise Refused(f"Name at least one of: {', '.join(names)}.")
    switches, post = account.webhooks.switches, account.post
    on = wish.truth("on", switches.events_on)
    drop, duplicate = wish.whole("drop", switches.drop_next), wish.whole("duplicate", post.duplicate_next)
    delay = wish.seconds("delay", switches.delay)
    reorder = wish.whole("reorder", switches.reorder, most=1000)
    lose = wish.number("lose", switches.lose, most=1)
    wish.done()
    switches.events_on, switches.drop_next, post.duplicate_next = on, drop, duplicate
    switches.delay, switches.reorder, switches.lose = delay, reorder, lose
    return _shown(account)


def _account(sandbox: Sandbox, wish: Wish) -> Account:
    """The account whose events are meant, the first one unless another is named."""
    name = wish.text("system", "webhooks", among=("webhooks", "webhooks_2"))
    return sandbox.first if name == "webhooks" else sandbox.second


VERBS = (
    Verb("GET", "/control/events", show_events),
    Verb("POST", "/control/events", set_events, '{"drop": 2}'),
)
