"""The verb that shows the deals of both systems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox


def list_deals(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The deals of both systems, a line each."""
    wish.done()
    return {
        "partner_center": sandbox.partner_center_desk.deals(),
        "salesforce": sandbox.salesforce_desk.opportunities(),
    }


VERBS = (Verb("GET", "/control/deals", list_deals),)
