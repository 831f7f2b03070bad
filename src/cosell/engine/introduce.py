"""Finding or making the missing half of a deal, without ever making it twice (INV-3).

A record that already carries the other's id is adopted; only a record nobody carries is introduced. An
unanswered creation is found again or sent again word for word, never planned anew (INV-10).
"""

from __future__ import annotations

from cosell.core import guards, lifecycle
from cosell.core.errors import Gone, Rejected
from cosell.core.mapping import Flow
from cosell.core.matching import Whose
from cosell.core.reasons import Reason
from cosell.core.records import Consent, Link, LinkState, RecordKind, Side, Snapshot, WriteKind
from cosell.core.values import State, Unreadable, Value, same_id
from cosell.engine import careful, conversion, customer, leads, schema
from cosell.engine.birth import create, fingerprint, hold, settle_creation, show_trouble, stops
from cosell.engine.case import Case
from cosell.engine.reading import Both, Reading, Source
from cosell.engine.room import Room
from cosell.engine.settling import settle_open


async def introduce(room: Room, case: Case) -> Both | float | None:
    """Completes a link that knows one half.

    Answers both readings once there are two halves, the seconds to wait, or None when there is nothing
    to do until something changes.
    """
    for write in case.taken.open_writes:
        if write.kind is WriteKind.CREATE:
            return await settle_creation(room, case, write)
    schema.release(case, room.clock.now())
    side = Side.PARTNER_CENTER if case.link.partner_center_id else Side.CRM
    record_id = case.link.id_of(side)
    assert record_id is not None
    polled = room.take_polled(side, case.link)
    usable = polled is not None and polled.complete and not case.taken.open_writes
    seen = polled if polled is not None and usable else await room.desk(side).get(record_id)
    halves = {side: Reading(seen, Source.FRESH)}
    wait = await settle_open(room, case, halves)
    if wait is not None:
        return wait
    if "*" in case.link.holds:
        return hold(case, Reason.BY_PERSON)
    seen = halves[side].snapshot
    if side is Side.PARTNER_CENTER:
        return await _from_partner_center(room, case, seen)
    return await _from_crm(room, case, seen)


# --- a referral looks for its opportunity ------------------------------------------------------------


async def _from_partner_center(room: Room, case: Case, referral: Snapshot) -> Both | float | None:
    if await _known_elsewhere(room, case, referral):
        return None
    case.change(
        partner_center_id=referral.id,
        engagement_id=referral.engagement_id,
        microsoft_id=referral.microsoft_id,
    )
    if referral.partner_id and "link" not in case.link.resolutions:
        return await _named_opportunity(room, case, referral, referral.partner_id)
    found = conversion.standing(await room.desk(Side.CRM).find(referral.id))
    if len(found) > 1:
        return hold(case, Reason.TWINS, f"{len(found)} opportunities carry this referral's id")
    if found:
        return await _adopt(room, case, referral, found[0])
    if not referral.enrolled:
        return _rest(case, LinkState.IGNORED, Reason.LEAD)
    if not guards.enters_crm(referral):
        return _rest(case, LinkState.IGNORED, Reason.CLOSED_BEFORE)
    if guards.enters_as_lead(referral):
        return await leads.bring(room, case, referral)
    if Flow.INBOUND_REFERRAL not in room.policy.flows:
        return hold(case, Reason.FLOW_OFF)
    return await _create_opportunity(room, case, referral)


async def _known_elsewhere(room: Room, case: Case, referral: Snapshot) -> bool:
    """Folds this key into the link that already keeps the same engagement."""
    known = (await room.store.links_of(Side.PARTNER_CENTER, [referral.id])).get(referral.id)
    if known is None and referral.engagement_id:
        known = await room.store.link_of_engagement(referral.engagement_id)
    if known is None or known.key == case.link.key:
        return False
    await case.join(room.store, known.key)
    return True


async def _named_opportunity(room: Room, case: Case, referral: Snapshot, crm_id: str) -> Both | float | None:
    """The referral names an opportunity: it is that one or nobody (TRB-3.3, product.md C-36)."""
    try:
        named = await room.desk(Side.CRM).get(crm_id)
        opportunity = await conversion.successor(room, named)
    except (Gone, Rejected):
        return hold(case, Reason.UNKNOWN_OPPORTUNITY, crm_id)
    if opportunity.partner_id and not same_id(opportunity.partner_id, referral.id):
        return hold(case, Reason.TWINS, f"the opportunity names referral {opportunity.partner_id}")
    if opportunity is not named:
        conversion.note(room, case, named, opportunity)
    return await _adopt(room, case, referral, opportunity)


async def _create_opportunity(room: Room, case: Case, referral: Snapshot) -> Both | float | None:
    if stopped := stops(room):
        return hold(case, stopped)
    await schema.notice(room)
    if lost := schema.hinders_birth(room):
        return hold(case, Reason.DRIFT, lost)
    creatable = room.desk(Side.CRM).system.capabilities.creatable
    values: dict[str, Value] = {}
    for rule in room.rules.values():
        value = referral.values.get(rule.field)
        if rule.create.carries_to(Side.CRM) and rule.field in creatable and _usable(value):
            values[rule.field] = lifecycle.in_crm_words(value) if isinstance(value, State) else value
    async with customer.settled_on(room, case.link, referral) as choice:
        if choice is None:
            return customer.SOON
        if choice.verdict is Whose.UNCLEAR:
            customer.ask(case, choice, referral, room.clock.now())
            return None
        case.say(room.clock.now(), [customer.line(choice)])
        return await create(room, case, Side.CRM, referral, values, {}, note=customer.note(choice))


# --- an opportunity looks for its referral -----------------------------------------------------------


async def _from_crm(room: Room, case: Case, opportunity: Snapshot) -> Both | float | None:
    if await _same_opportunity(room, case, opportunity):
        return None
    if opportunity.kind is RecordKind.LEAD:
        return await _from_lead(room, case, opportunity)
    of_lead = await conversion.origin(room, case, opportunity)
    if case.joined:
        return None
    named = of_lead or opportunity.partner_id
    if named:
        return await _named_referral(room, case, opportunity, named)
    return await _unnamed(room, case, opportunity)


async def _unnamed(room: Room, case: Case, opportunity: Snapshot) -> Both | float | None:
    """An opportunity that knows of no referral: looked for, and made if it is wanted."""
    if not opportunity.enrolled:
        return _rest(case, LinkState.IGNORED, Reason.SYNC_OFF)
    await schema.notice(room)
    if lost := schema.hinders_introduction(room, opportunity):
        return hold(case, Reason.DRIFT, lost)
    if not guards.enters_partner_center(opportunity):
        return _rest(case, LinkState.IGNORED, Reason.CLOSED_BEFORE)
    if _refused_before(case.link, opportunity):
        case.change(reason=case.link.holds["create"].reason)
        return None if case.link.trail_written else await show_trouble(room, case, opportunity)
    if Flow.OUTBOUND_CREATE not in room.policy.flows:
        return hold(case, Reason.FLOW_OFF)
    problems = guards.creation_gate(opportunity.values)
    if problems:
        return await _incomplete(room, case, opportunity, problems)
    found = await room.desk(Side.PARTNER_CENTER).find(opportunity.id)
    if len(found) > 1:
        return hold(case, Reason.TWINS, f"{len(found)} referrals carry this opportunity's id")
    if found:
        return await _adopt(room, case, found[0], opportunity)
    return await _create_referral(room, case, opportunity)


async def _from_lead(room: Room, case: Case, lead: Snapshot) -> Both | float | None:
    """A lead is never introduced; one that names a referral belongs to it, as what it is by now."""
    opportunity = await conversion.successor(room, lead)
    known = await conversion.link_beyond(room, lead)
    if known is not None and known.key != case.link.key:
        await case.join(room.store, known.key)
        return None
    if lead.partner_id is None:
        return _rest(case, LinkState.IGNORED, Reason.LEAD_UNSENT)
    if opportunity is not lead:
        conversion.note(room, case, lead, opportunity)
        case.change(crm_id=opportunity.id)
    return await _named_referral(room, case, opportunity, lead.partner_id)


async def _same_opportunity(room: Room, case: Case, opportunity: Snapshot) -> bool:
    """Folds this key into the link that knows the opportunity under its full id."""
    if opportunity.id == case.link.crm_id:
        return False
    known = (await room.store.links_of(Side.CRM, [opportunity.id])).get(opportunity.id)
    if known is not None and known.key != case.link.key:
        await case.join(room.store, known.key)
        return True
    case.change(crm_id=opportunity.id)
    return False


async def _named_referral(
    room: Room, case: Case, opportunity: Snapshot, referral_id: str
) -> Both | float | None:
    try:
        referral = await room.desk(Side.PARTNER_CENTER).get(referral_id)
    except (Gone, Rejected):
        return hold(case, Reason.UNKNOWN_REFERRAL, referral_id)
    named = referral.partner_id
    ours = named is None or same_id(named, opportunity.id)
    if not ours and not await conversion.became(room, named, opportunity.id):
        return hold(case, Reason.TWINS, f"the referral names opportunity {named}")
    return await _adopt(room, case, referral, opportunity)


async def _incomplete(
    room: Room, case: Case, opportunity: Snapshot, problems: tuple[guards.Problem, ...]
) -> float | None:
    """Names every missing thing at once, where the seller looks (TRB-3.2)."""
    detail = " ".join(f"{one.says} {one.fix}" for one in problems)
    if case.link.reason == Reason.INCOMPLETE and case.link.detail == detail and case.link.trail_written:
        return None
    if case.link.detail != detail:
        case.say(room.clock.now(), reversed([f"Not sent yet. {one.says} {one.fix}" for one in problems]))
    case.change(state=LinkState.HELD, reason=Reason.INCOMPLETE, detail=detail)
    return await show_trouble(room, case, opportunity)


def _refused_before(link: Link, opportunity: Snapshot) -> bool:
    """Partner Center refused exactly this content; it is not asked again before something changes."""
    hold = link.holds.get("create")
    return hold is not None and hold.detail == fingerprint(opportunity.values)


async def _create_referral(room: Room, case: Case, opportunity: Snapshot) -> Both | float | None:
    creatable = room.desk(Side.PARTNER_CENTER).system.capabilities.creatable
    creatable -= schema.unread(room, opportunity)
    values = {
        rule.field: opportunity.values[rule.field]
        for rule in room.rules.values()
        if rule.create.carries_to(Side.PARTNER_CENTER)
        and rule.field in creatable
        and rule.field != "state"
        and _usable(opportunity.values.get(rule.field))
    }
    when = opportunity.changed_at.isoformat() if opportunity.changed_at else ""
    who = opportunity.touched_by or "unknown"
    consents = {
        key: Consent(values[key], who, when, "Sync with Partner Center switched on with this choice")
        for key in ("visible", "help")
        if values.get(key)
    }
    if consents:
        values["visible"] = True
    case.change(consents={**case.link.consents, **consents})
    return await create(room, case, Side.PARTNER_CENTER, opportunity, values, consents)


# --- two records that exist already ------------------------------------------------------------------


async def _adopt(room: Room, case: Case, referral: Snapshot, opportunity: Snapshot) -> Both | None:
    """Joins two existing records; nothing is written yet, the first-meeting rules come next (INV-11)."""
    halves = ((Side.PARTNER_CENTER, referral.id), (Side.CRM, opportunity.id))
    for side, record_id in halves:
        known = (await room.store.links_of(side, [record_id])).get(record_id)
        if known is None or known.key == case.link.key:
            continue
        other_half = known.id_of(side.other)
        mine = dict(halves)[side.other]
        apart = other_half is not None and not same_id(other_half, mine)
        ours = side is Side.PARTNER_CENTER and apart and await conversion.became(room, other_half, mine)
        if ours and known.reason == Reason.LEAD_CLOSED:
            _rest(case, LinkState.IGNORED, Reason.LEAD_CLOSED)
            return None
        if apart and not ours:
            hold(case, Reason.TWINS, f"{record_id} is already linked with {other_half}")
            return None
        await case.join(room.store, known.key)
        return None
    trail = case.link.trail
    if not trail and opportunity.audit:
        trail = (opportunity.audit[:4000],)
    case.change(
        partner_center_id=referral.id,
        crm_id=opportunity.id,
        engagement_id=referral.engagement_id,
        microsoft_id=referral.microsoft_id,
        state=LinkState.LINKED,
        reason="",
        detail="",
        trail=trail,
    )
    await careful.meet(room, case, opportunity)
    case.say(room.clock.now(), ["Linked with its referral in Partner Center."])
    return {
        Side.PARTNER_CENTER: Reading(referral, Source.FRESH),
        Side.CRM: Reading(opportunity, Source.FRESH),
    }


def _usable(value: Value) -> bool:
    return value is not None and not isinstance(value, Unreadable)


def _rest(case: Case, state: LinkState, reason: Reason) -> float | None:
    """The record is none of ours; nothing to do until something changes."""
    case.change(state=state, reason=reason, detail="")
    return None
