"""Whether a link needs anything: what was last seen of it, against what a read shows and a plan finds."""

from __future__ import annotations

from dataclasses import replace

from cosell.core import plan as planning
from cosell.core import trail
from cosell.core.mapping import MICROSOFT_FIELDS
from cosell.core.plan import STAYS, FieldPlan, Ground, Plan, Verdict
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Link, Side, Snapshot, Values
from cosell.core.values import State, Unreadable, same_id

WHOLE = "*"
"""The hold of a whole deal."""
MICROSOFTS = frozenset({"help", *MICROSOFT_FIELDS})
"""Fields that stand on Microsoft's own referral of an engagement."""


def last_seen(link: Link, side: Side) -> Snapshot:
    """One side as the link remembers it: as last agreed, and what is held as last read."""
    return Snapshot(
        side=side,
        id=link.id_of(side) or "",
        values=_values(link, side),
        version=link.version_of(side),
        complete=False,
        partner_id=link.id_of(side.other),
        engagement_id=link.engagement_id,
        microsoft_id=link.microsoft_id,
        mark=link.mark,
    )


def _values(link: Link, side: Side) -> Values:
    held = {key: one for key, one in link.holds.items() if key != WHOLE}
    told = {key: one.partner_center if side is Side.PARTNER_CENTER else one.crm for key, one in held.items()}
    return {**{key: pair.of(side) for key, pair in link.base.items()}, **told}


def stands(link: Link, snapshot: Snapshot) -> bool:
    """Whether a read shows its side as it was last seen, in all it could bring."""
    values = _values(link, snapshot.side)
    same = all(key in values and values[key] == value for key, value in snapshot.values.items())
    return same and not strays(link, snapshot)


def strays(link: Link, snapshot: Snapshot) -> bool:
    """Whether a read shows something beside the values that wants a look: sync off, another partner, none."""
    other = link.id_of(snapshot.side.other)
    if snapshot.partner_id is not None and not same_id(snapshot.partner_id, other):
        return True
    state = snapshot.values.get("state")
    closed = snapshot.side is Side.PARTNER_CENTER and isinstance(state, State) and state.terminal
    # Microsoft's own referral names nobody of ours, and need not.
    own = same_id(snapshot.id, link.id_of(snapshot.side))
    nameless = snapshot.partner_id is None and own and not closed
    return nameless or not snapshot.enrolled or snapshot.became is not None


def unread(link: Link, snapshot: Snapshot) -> frozenset[str]:
    """What is remembered of the side and stands on another page than this read."""
    if snapshot.complete:
        return frozenset()
    return frozenset(_values(link, snapshot.side).keys() - snapshot.values.keys())


def microsoft_rests(link: Link) -> bool:
    """Whether Microsoft's own referral is closed for good, or was never there."""
    known = link.base.get("microsoft_state")
    word = known.partner_center if known else None
    if word is None:
        return link.microsoft_id is None
    return word in _ENDS


_ENDS = frozenset(state.value for state in State if state.terminal)


def final(link: Link) -> bool:
    """Whether our referral was closed when the sides last agreed: it takes no edit any more (LIM-09)."""
    return _ended(link, Side.PARTNER_CENTER)


def closed(link: Link) -> bool:
    """Whether both sides had closed the deal when they last agreed."""
    return all(_ended(link, side) for side in Side)


def _ended(link: Link, side: Side) -> bool:
    pair = link.base.get("state")
    state = pair.of(side) if pair is not None else None
    return isinstance(state, State) and state.terminal


def pending(link: Link, *, check_mark: bool) -> bool:
    """Whether a linked deal still has something to do that no read would show."""
    if WHOLE in link.holds:
        return False
    mark = "failed" if trail.troubled(link) else "ok"
    unmarked = check_mark and link.mark != mark
    return bool(unmarked or not link.trail_written or link.failures or link.reason)


def plan_of(ground: Ground, link: Link, partner_center: Snapshot, crm: Snapshot) -> Plan:
    """The plan without the fields on which it could find nothing: most of them, in most links."""
    ours, theirs, base = partner_center.values, crm.values, link.base

    def plain(key: str) -> bool:
        value, pair = ours.get(key), base.get(key)
        same = pair is not None and value == theirs.get(key) == pair.partner_center == pair.crm
        there = key in ours and key in theirs and not isinstance(value, Unreadable)
        return same and there and key not in link.holds and key not in link.resolutions

    asked = {key: rule for key, rule in ground.rules.items() if key in _TOGETHER or not plain(key)}
    return planning.plan(replace(ground, rules=asked), link, partner_center, crm)


_TOGETHER = frozenset({"state", "help", "visible"})
"""Fields whose verdicts hang together, or whose equal words mean different things."""


def at_rest(link: Link, plan: Plan) -> bool:
    """Whether a plan leaves everything as it is: no write, no new agreement, no other hold."""
    news = any(link.base.get(key) != pair for key, pair in plan.agreed.items())
    return plan.empty and not news and holds_after(link, plan, 0.0) == dict(link.holds)


def holds_after(link: Link, plan: Plan, now: float) -> dict[str, Hold]:
    """What is held once the plan is taken into the link, each hold since it was first met."""
    holds = {key: hold for key, hold in link.holds.items() if key == WHOLE}
    for one in plan.fields:
        if one.verdict in (Verdict.HOLD, Verdict.REFUSE) and one.reason not in STAYS:
            holds[one.field] = _as_hold(one, link.holds.get(one.field), now)
        elif one.field in link.holds and one.reason is Reason.NOT_READ:
            holds[one.field] = link.holds[one.field]
    return holds


def _as_hold(one: FieldPlan, before: Hold | None, now: float) -> Hold:
    if before is not None and before.reason == one.reason:
        return replace(before, partner_center=one.partner_center, crm=one.crm)
    return Hold(one.reason, now, one.partner_center, one.crm)
