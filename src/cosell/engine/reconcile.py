"""One reconcile: read both halves, settle, plan, guard, apply. Nothing is known beforehand but a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cosell.core import agreement, trail
from cosell.core import plan as planning
from cosell.core.errors import Gone, Rejected
from cosell.core.plan import Plan, Verdict
from cosell.core.reasons import Reason, text
from cosell.core.records import FieldWrite, Hold, LinkState, Side, Snapshot
from cosell.core.values import State, same_id
from cosell.engine import apply, brake, careful, conversion, reading, schema
from cosell.engine.case import Case
from cosell.engine.introduce import introduce
from cosell.engine.reading import Both, HalfGone, Reading, Source
from cosell.engine.room import Room
from cosell.engine.settling import close_gone, marks_for, settle_open
from cosell.ports import Marks

ADOPTED = conversion.RENAMED
"""The resolution by which a person gives up the opportunity that a referral names in vain (TRB-3.3)."""
FIRM_WAIT = 1.1
"""Seconds until a change of the present second can no longer hide behind a whole-second version."""


async def reconcile(room: Room, case: Case) -> float | None:
    """Brings one link as far as it will go now.

    Answers the seconds until it should be looked at again, or None when it may rest until something
    changes. Raises the CosellError that stopped it; `case.link` then is the link as last saved.
    """
    halves: Both | float | None
    complete = case.link.partner_center_id is not None and case.link.crm_id is not None
    await schema.recall(room)
    try:
        halves = await (reading.both(room, case.taken, case.link) if complete else introduce(room, case))
    except Gone as gone:
        return await _bury(room, case, gone)
    wait = await _together(room, case, halves) if isinstance(halves, dict) else halves
    await case.save(room.store)
    return schema.back(room, case.link) if wait is None else wait


async def _bury(room: Room, case: Case, gone: Gone) -> float:
    """A half is gone: what is still unanswered is closed first, then the link rests (INV-15)."""
    lost = gone.side if isinstance(gone, HalfGone) else None
    wait = await close_gone(room, case, lost)
    if wait is not None:
        return wait
    if lost is not None and case.link.id_of(lost.other) is not None:
        left = {lost.other: await reading.fresh(room, case.link, lost.other)}
        wait = await settle_open(room, case, left)
        if wait is not None:
            return wait
    raise gone


async def _together(room: Room, case: Case, halves: Both) -> float | None:
    await schema.notice(room)
    # After the reads: without its holds a link passes for one in step, whose past need not be read again.
    schema.release(case, room.clock.now())
    wait = await settle_open(room, case, halves)
    if wait is not None:
        return wait
    if not await conversion.follow(room, case, halves) or _apart(case, halves):
        return None
    await careful.verify(room, case, halves)
    plan = await _plan(room, case, halves)
    _note(room, case, plan, halves)
    if await brake.stops(room, case, plan):
        return None
    if await _to_partner_center(room, case, plan, halves):
        return 0.0
    return await _to_crm(room, case, plan, halves)


# --- may the two be kept in step at all? -------------------------------------------------------------


def _apart(case: Case, halves: Both) -> bool:
    """Notes why the two halves must be left alone, if they must."""
    referral, opportunity = halves[Side.PARTNER_CENTER].snapshot, halves[Side.CRM].snapshot
    link = case.link
    if not opportunity.enrolled and not conversion.awaits_adoption(link, opportunity):
        case.change(state=LinkState.PAUSED, reason=Reason.SYNC_OFF, detail="")
        return True
    for half, other in ((referral, link.crm_id), (opportunity, link.partner_center_id)):
        renamed = half is referral and ADOPTED in link.resolutions
        if half.partner_id and not same_id(half.partner_id, other) and not renamed:
            detail = f"{half.id} names {half.partner_id}"
            case.change(state=LinkState.HELD, reason=Reason.TWINS, detail=detail)
            return True
    case.change(
        state=LinkState.LINKED,
        reason="",
        detail="",
        engagement_id=referral.engagement_id or link.engagement_id,
        microsoft_id=referral.microsoft_id or link.microsoft_id,
    )
    return False


# --- the decision ------------------------------------------------------------------------------------


async def _plan(room: Room, case: Case, halves: Both) -> Plan:
    """The plan on reads that are good enough for what it wants to write."""
    for _ in Side:
        plan = planning.plan(
            room.ground(), case.link, halves[Side.PARTNER_CENTER].snapshot, halves[Side.CRM].snapshot
        )
        thin = reading.too_thin(room, plan, halves)
        if not thin:
            break
        for side in thin:
            halves[side] = await reading.fresh(room, case.link, side)
    return plan


def _note(room: Room, case: Case, plan: Plan, halves: Both) -> None:
    """Takes into the link what the plan found: agreements, consents, what is held and why."""
    now, link = room.clock.now(), case.link
    old = link.base.get("microsoft_state")
    agreed = plan.agreed.get("microsoft_state")
    answer = agreed.partner_center if agreed else None
    if isinstance(answer, str) and answer != (old.partner_center if old else None):
        case.say(now, [f"Microsoft's status: {answer}."])
    holds = agreement.holds_after(link, plan, now)
    case.say(now, trail.new_holds(link.holds, _worth_telling(plan, holds)))
    if dict(link.holds) != holds:
        case.change(holds=holds)
    if plan.agreed:
        case.change(base={**link.base, **plan.agreed})
    if plan.consents:
        case.change(consents={**link.consents, **plan.consents})
    reads = [half.snapshot for half in halves.values() if half.source is not Source.REMEMBERED]
    case.link = apply.remember(case.link, *reads)
    settled = [one.field for one in plan.fields if one.verdict is Verdict.SAME]
    if any(key in case.link.resolutions for key in settled):
        case.change(resolutions={k: v for k, v in case.link.resolutions.items() if k not in settled})


def _worth_telling(plan: Plan, holds: Mapping[str, Hold]) -> dict[str, Hold]:
    """Holds with something to do; what waits for the acceptance that is just being sent needs nothing."""
    accepting = plan.writes_to(Side.PARTNER_CENTER).get("state") is State.ACTIVE
    return {
        key: one
        for key, one in holds.items()
        if text(one.reason).fix and not (accepting and one.reason == Reason.AWAITING_ACCEPTANCE)
    }


# --- the deed ----------------------------------------------------------------------------------------


async def _to_partner_center(room: Room, case: Case, plan: Plan, halves: Both) -> bool:
    """Writes what goes to Partner Center; answers whether a second look is due at once."""
    side, seen = Side.PARTNER_CENTER, halves[Side.PARTNER_CENTER].snapshot
    opportunity = halves[Side.CRM].snapshot
    wanted = plan.writes_to(side)
    acts = room.desk(side).system.capabilities.acts
    values = {key: value for key, value in wanted.items() if key not in acts}
    state = seen.values.get("state")
    closed = isinstance(state, State) and state.terminal
    nameless = not closed and _nameless(case, seen)
    if values or nameless:
        order = _order(case, plan, side, seen, opportunity, values)
        order = replace(order, external_id=case.link.crm_id if nameless else None)
        try:
            seen = await apply.send(room, case, order)
        except Rejected as error:
            refused = trail.labels(values) or "the CRM id"
            case.say(room.clock.now(), [f"Partner Center refused {refused}: {error.message}"])
            return False
        halves[side] = Reading(seen, Source.FRESH)
        case.change(resolutions={k: v for k, v in case.link.resolutions.items() if k != ADOPTED})
        if values:
            case.say(room.clock.now(), [_told(values)])
    for key in acts & wanted.keys():
        await _invite(room, case, plan, halves, key)
    return values.get("state") is State.ACTIVE and _more_waits(case, opportunity)


def _nameless(case: Case, referral: Snapshot) -> bool:
    """Whether the referral does not name our opportunity yet, or names one a person gave up."""
    if ADOPTED in case.link.resolutions:
        return not same_id(referral.partner_id, case.link.crm_id)
    return referral.partner_id is None


def _more_waits(case: Case, opportunity: Snapshot) -> bool:
    """After an acceptance, what waited for it goes out with the next look, at once."""
    wants_more = opportunity.values.get("state") is not State.ACTIVE
    return wants_more or any(hold.reason == Reason.AWAITING_ACCEPTANCE for hold in case.link.holds.values())


def _told(values: Mapping[str, object]) -> str:
    match values.get("state"):
        case State.ACTIVE:
            return "Accepted in Partner Center."
        case State() as state:
            return f"Closed in Partner Center as {state}."
    return trail.sent(values)


async def _invite(room: Room, case: Case, plan: Plan, halves: Both, key: str) -> None:
    seen = halves[Side.PARTNER_CENTER].snapshot
    one = next(one for one in plan.fields if one.field == key)
    wanted = FieldWrite(one.partner_center, one.writes[Side.PARTNER_CENTER], one.crm, one.reason)
    stored = await apply.invite(room, case, seen, halves[Side.CRM].snapshot, wanted, one.consent)
    halves[Side.PARTNER_CENTER] = Reading(stored, Source.FRESH)
    lines = ["Microsoft was asked for help."]
    answer, known = stored.values.get("microsoft_state"), case.link.base.get("microsoft_state")
    if isinstance(answer, str) and known is not None and "microsoft_state" not in _crm_fields(room):
        case.change(base={**case.link.base, "microsoft_state": replace(known, partner_center=answer)})
        lines.append(f"Microsoft's status: {answer}.")
    case.say(room.clock.now(), lines)


def _crm_fields(room: Room) -> frozenset[str]:
    return room.desk(Side.CRM).system.capabilities.readable


async def _to_crm(room: Room, case: Case, plan: Plan, halves: Both) -> float | None:
    """Writes what goes to the CRM, with the marks that tell the seller, in one request."""
    # What Partner Center has just refused is not shown as done.
    implied = {one.field for one in plan.fields if one.reason is Reason.IMPLIED}
    refused = implied & case.link.holds.keys()
    values = {key: value for key, value in plan.writes_to(Side.CRM).items() if key not in refused}
    seen = halves[Side.CRM].snapshot
    if values:
        case.say(room.clock.now(), [trail.received(values)])
    marks = marks_for(room, case, seen)
    if not values and not _worth_writing(case, marks):
        return None
    if halves[Side.CRM].source is Source.REMEMBERED and seen.version is None:
        # Nothing to send as the precondition: a write would be blind (INV-1).
        return 0.0
    if not seen.firm:
        await room.clock.sleep(FIRM_WAIT)
        again = (await reading.fresh(room, case.link, Side.CRM)).snapshot
        if not again.firm:
            return FIRM_WAIT
        if again.values != seen.values:
            return 0.0
        seen = again
    referral = halves[Side.PARTNER_CENTER].snapshot
    order = replace(_order(case, plan, Side.CRM, seen, referral, values), marks=marks)
    try:
        await apply.send(room, case, order)
    except Rejected as error:
        if not values:
            raise
        # What was refused never arrived, so the line that rode with it must not be read later.
        case.change(trail=trail.without(case.link.trail, trail.received(values)))
        named = [key for key in error.fields if key in values] or values
        case.say(room.clock.now(), [f"The CRM refused {trail.labels(named)}: {error.message}"])
        return 0.0
    return None


def _worth_writing(case: Case, marks: Marks) -> bool:
    """Marks alone are worth a write only when they tell something new (INV-4)."""
    new_mark = marks.mark is not None and marks.mark != case.link.mark
    return new_mark or marks.referral_id is not None or not case.link.trail_written


def _order(
    case: Case, plan: Plan, side: Side, seen: Snapshot, other: Snapshot, values: Mapping[str, object]
) -> apply.Order:
    chosen = {one.field: one for one in plan.fields if one.field in values}
    return apply.Order(
        side=side,
        seen=seen,
        values={key: one.writes[side] for key, one in chosen.items()},
        sources={
            key: one.crm if other.side is Side.CRM else one.partner_center for key, one in chosen.items()
        },
        reasons={key: str(one.reason) for key, one in chosen.items()},
        other=other,
        consents={key: one.consent for key, one in chosen.items() if one.consent},
    )
