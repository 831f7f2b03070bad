"""Named scripts without faults: each is run once for every I/O operation it makes, dying there (INV-9)."""

from __future__ import annotations

from dataclasses import replace

from .people import Step
from .scene import Setting


def _told(*steps: tuple[float, str, str, int]) -> tuple[Step, ...]:
    return tuple(Step(at, act, 0, key, n) for at, act, key, n in steps)


_OPEN = (1.0, "open", "", 1)
_ASK = (1.0, "open_for_help", "", 1)
_INBOUND = (1.0, "from_microsoft", "", 2)
_LEAD = (1.0, "lead", "", 1)
_PORTAL = (1.0, "portal_deal", "", 1)

SCRIPTS: dict[str, tuple[Step, ...]] = {
    "an opportunity is introduced": _told(_OPEN),
    "an opportunity asks Microsoft for help": _told(_ASK),
    "a referral is introduced": _told(_PORTAL),
    "Microsoft's referral is accepted": _told(_INBOUND, (80.0, "stage_active", "", 3)),
    "an edit travels outward": _told(_OPEN, (80.0, "edit_crm", "notes", 101)),
    "an edit travels inward": _told(_PORTAL, (80.0, "edit_portal", "close_date", 101)),
    "both sides edit different fields": _told(
        _OPEN, (80.0, "edit_crm", "deal_value", 101), (80.1, "edit_portal", "notes", 102)
    ),
    "both sides edit one field": _told(_OPEN, (80.0, "both", "notes", 101)),
    "a deal is won": _told(_OPEN, (80.0, "stage_won", "", 3)),
    "solutions change on both sides": _told(
        _OPEN, (80.0, "solutions_crm", "", 101), (80.2, "solutions_portal", "", 103)
    ),
    "two records are adopted": _told((1.0, "half_pair", "", 3)),
    "a lead is converted": _told(_LEAD, (80.0, "convert", "", 4)),
    "help is chosen later": _told(_OPEN, (80.0, "help", "", 3), (160.0, "microsoft_accepts", "", 4)),
}

SAME_END = frozenset(list(SCRIPTS)[:3]) | {"two records are adopted"}
"""Scripts of a single act: whenever the process dies, the same comes of it. In the others a death may move
the introduction behind an edit, and both orders are right."""


def setting(name: str, kill_at: tuple[int, ...] = ()) -> Setting:
    """The world of a script; the hardest preconditions that are still exact."""
    leads = "declining" if _LEAD[1] in {one.act for one in SCRIPTS[name]} else ""
    return replace(_PLAIN, steps=SCRIPTS[name], kill_at=kill_at, leads=leads)


_PLAIN = Setting(seed=7, steps=(), conflict="ask", poll_partner_center=20.0, poll_crm=20.0, lease=20.0)
