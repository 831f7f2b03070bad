"""Finding or making the missing half of a deal, without ever making it twice (INV-3).

A record that already carries the other's id is adopted; only a record nobody carries is introduced. An
unanswered creation is found again or sent again word for word, never planned anew (INV-10).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from cosell.core import guards, lifecycle
from cosell.core.errors import CosellError, Gone, Rejected, Uncertain
from cosell.core.mapping import Flow
from cosell.core.reasons import Reason
from cosell.core.records import (
    Consent,
    FieldWrite,
    Hold,
    Link,
    LinkState,
    Pair,
    Side,
    Snapshot,
    Write,
    WriteKind,
    WriteState,
)
from cosell.core.settle import landed_base
from cosell.core.values import State, Unreadable, Value, same_id
from cosell.engine import apply
from cosell.engine.case import Case
from cosell.engine.reading import Reading, Source
from cosell.engine.room import Room
from cosell.ports import Creation, Marks

GRACE = 60.0
"""Seconds waited beyond patience and index lag before a creation is believed lost (reliability.md 11)."""
ROUNDS = 3
Both = dict[Side, Reading]


async def introduce(room: Room, case: Case) -> Both | float | None:
    """Completes a link that knows one half.

    Answers both readings once there are two halves, the seconds to wait, or None when there is nothing
    to do until something changes.
    """
    for write in case.taken.open_writes:
        if write.kind is WriteKind.CREATE:
            return await _settle_creation(room, case, write)
    side = Side.PARTNER_CENTER if case.link.partner_center_id else Side.CRM
    record_id = case.link.id_of(side)
    assert record_id is not None
    polled = room.take_polled(side, record_id)
    seen = polled if polled and polled.complete else await room.desk(side).get(record_id)
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
    found = await room.desk(Side.CRM).find(referral.id)
    if len(found) > 1:
        return _hold(case, Reason.TWINS, f"{len(found)} opportunities carry this referral's id")
    if found:
        return await _adopt(room, case, referral, found[0])
    if not referral.enrolled:
        return _rest(case, LinkState.IGNORED, Reason.LEAD)
    if not guards.enters_crm(referral):
        return _rest(case, LinkState.IGNORED, Reason.CLOSED_BEFORE)
    if Flow.INBOUND_REFERRAL not in room.policy.flows:
        return _hold(case, Reason.FLOW_OFF)
    return await _create_opportunity(room, case, referral)


async def _known_elsewhere(room: Room, case: Case, referral: Snapshot) -> bool:
    """Folds this key into the link that already keeps the same engagement."""
    known = (await room.store.links_of(Side.PARTNER_CENTER, [referral.id])).get(referral.id)
    if known is None and referral.engagement_id:
        known = await room.store.link_of_engagement(referral.engagement_id)
    if known is None or known.key == case.link.key:
        return False
    await room.store.join(case.taken, known.key)
    return True


async def _named_opportunity(room: Room, case: Case, referral: Snapshot, crm_id: str) -> Both | float | None:
    """The referral names an opportunity: it is that one or nobody (TRB-3.3, product.md C-36)."""
    try:
        opportunity = await room.desk(Side.CRM).get(crm_id)
    except (Gone, Rejected):
        return _hold(case, Reason.UNKNOWN_OPPORTUNITY, crm_id)
    if opportunity.partner_id and not same_id(opportunity.partner_id, referral.id):
        return _hold(case, Reason.TWINS, f"the opportunity names referral {opportunity.partner_id}")
    return await _adopt(room, case, referral, opportunity)


async def _create_opportunity(room: Room, case: Case, referral: Snapshot) -> Both | float | None:
    creatable = room.desk(Side.CRM).system.capabilities.creatable
    values: dict[str, Value] = {}
    for rule in room.rules.values():
        value = referral.values.get(rule.field)
        if rule.create.carries_to(Side.CRM) and rule.field in creatable and _usable(value):
            values[rule.field] = lifecycle.in_crm_words(value) if isinstance(value, State) else value
    case.say(room.clock.now(), ["Created from Partner Center."])
    return await _create(room, case, Side.CRM, referral, values, {})


# --- an opportunity looks for its referral -----------------------------------------------------------


async def _from_crm(room: Room, case: Case, opportunity: Snapshot) -> Both | float | None:
    if await _same_opportunity(room, case, opportunity):
        return None
    if opportunity.partner_id:
        return await _named_referral(room, case, opportunity, opportunity.partner_id)
    if not opportunity.enrolled:
        return _rest(case, LinkState.IGNORED, Reason.SYNC_OFF)
    if not guards.enters_partner_center(opportunity):
        return _rest(case, LinkState.IGNORED, Reason.CLOSED_BEFORE)
    if _refused_before(case.link, opportunity):
        return None
    if Flow.OUTBOUND_CREATE not in room.policy.flows:
        return _hold(case, Reason.FLOW_OFF)
    problems = guards.creation_gate(opportunity.values)
    if problems:
        return await _incomplete(room, case, opportunity, problems)
    found = await room.desk(Side.PARTNER_CENTER).find(opportunity.id)
    if len(found) > 1:
        return _hold(case, Reason.TWINS, f"{len(found)} referrals carry this opportunity's id")
    if found:
        return await _adopt(room, case, found[0], opportunity)
    return await _create_referral(room, case, opportunity)


async def _same_opportunity(room: Room, case: Case, opportunity: Snapshot) -> bool:
    """Folds this key into the link that knows the opportunity under its full id."""
    if opportunity.id == case.link.crm_id:
        return False
    known = (await room.store.links_of(Side.CRM, [opportunity.id])).get(opportunity.id)
    if known is not None and known.key != case.link.key:
        await room.store.join(case.taken, known.key)
        return True
    case.change(crm_id=opportunity.id)
    return False


async def _named_referral(
    room: Room, case: Case, opportunity: Snapshot, referral_id: str
) -> Both | float | None:
    try:
        referral = await room.desk(Side.PARTNER_CENTER).get(referral_id)
    except (Gone, Rejected):
        return _hold(case, Reason.UNKNOWN_REFERRAL, referral_id)
    if referral.partner_id and not same_id(referral.partner_id, opportunity.id):
        return _hold(case, Reason.TWINS, f"the referral names opportunity {referral.partner_id}")
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


async def show_trouble(room: Room, case: Case, opportunity: Snapshot) -> float | None:
    """Writes the Audit text and the ✘ to an opportunity that has no referral yet."""
    if not opportunity.firm:
        await room.clock.sleep(1.1)
        opportunity = await room.desk(Side.CRM).get(opportunity.id)
        if not opportunity.firm:
            return 1.0
    marks = Marks(trail=case.link.trail, mark="failed" if room.policy.check_mark else None)
    order = apply.Order(Side.CRM, opportunity, {}, {}, {}, opportunity, {}, marks=marks)
    await apply.send(room, case, order)
    return None


def _refused_before(link: Link, opportunity: Snapshot) -> bool:
    """Partner Center refused exactly this content; it is not asked again before something changes."""
    hold = link.holds.get("create")
    return hold is not None and hold.detail == fingerprint(opportunity.values)


def fingerprint(values: Mapping[str, Value]) -> str:
    """A short sign of a deal's content, free of personal data."""
    content = repr(sorted(values.items(), key=lambda item: item[0]))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


async def _create_referral(room: Room, case: Case, opportunity: Snapshot) -> Both | float | None:
    creatable = room.desk(Side.PARTNER_CENTER).system.capabilities.creatable
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
    case.say(room.clock.now(), ["Referral created in Partner Center."])
    return await _create(room, case, Side.PARTNER_CENTER, opportunity, values, consents)


# --- making it ---------------------------------------------------------------------------------------


async def _create(
    room: Room,
    case: Case,
    side: Side,
    source: Snapshot,
    values: Mapping[str, Value],
    consents: Mapping[str, Consent],
) -> Both | float | None:
    if room.policy.dry_run or room.tally.on:
        return _hold(case, Reason.BRAKE)
    room.desk(side).lane.check()
    write = Write(
        id=room.dice.token(),
        link_key=case.link.key,
        side=side,
        kind=WriteKind.CREATE,
        record_id=None,
        partner_id=source.id,
        fields={key: FieldWrite(None, value, source.values.get(key)) for key, value in values.items()},
        cause=", ".join(case.taken.causes),
        consents=consents,
        created_at=room.clock.now(),
        sent_at=room.clock.now(),
    )
    case.link = await room.store.begin(case.taken, write, case.link)
    return await _deliver(room, case, write, source)


async def _deliver(room: Room, case: Case, write: Write, source: Snapshot | None) -> Both | float | None:
    creation = Creation(
        write.id,
        write.partner_id or "",
        {key: one.after for key, one in write.fields.items()},
        _birth_marks(room, case, write.side),
    )
    try:
        stored = await room.desk(write.side).create(creation)
    except Uncertain:
        raise
    except CosellError as error:
        return await _not_created(room, case, write, error, source)
    await _created(room, case, write, stored, certain=True)
    if source is None:
        return 0.0
    return {write.side: Reading(stored, Source.FRESH), write.side.other: Reading(source, Source.FRESH)}


def _birth_marks(room: Room, case: Case, side: Side) -> Marks:
    if side is Side.PARTNER_CENTER:
        return Marks()
    return Marks(
        trail=case.link.trail,
        mark="ok" if room.policy.check_mark else None,
        referral_id=case.link.partner_center_id,
        enroll=True,
    )


async def _not_created(
    room: Room, case: Case, write: Write, error: CosellError, source: Snapshot | None
) -> float | None:
    """The row is finished as refused; what the other side will not take waits for a person."""
    now = room.clock.now()
    done = replace(write, state=WriteState.REFUSED, finished_at=now, outcome=f"{error.code}: {error.message}")
    exists = isinstance(error, Rejected) and error.code == "exists"
    if isinstance(error, Rejected) and not exists:
        sign = fingerprint(source.values) if source else ""
        case.change(
            state=LinkState.HELD,
            reason=Reason.REJECTED,
            detail=error.message[:500],
            holds={**case.link.holds, "create": Hold(Reason.REJECTED, now, detail=sign)},
        )
        where = "Partner Center" if write.side is Side.PARTNER_CENTER else "The CRM"
        case.say(now, [f"{where} refused the new deal: {error.message[:300]}"])
    case.link = await room.store.finish(case.taken, [done], case.link)
    if exists:
        return 0.0
    if not isinstance(error, Rejected):
        raise error
    if source is not None and source.side is Side.CRM:
        return await show_trouble(room, case, source)
    return None


async def _created(room: Room, case: Case, write: Write, stored: Snapshot, *, certain: bool) -> None:
    """Completes a creation: ids on the link, the base from what was sent and what was stored.

    Where the creation was only found afterwards (`certain` False), a value counts as agreed only if it
    equals what was sent; the others are held (reliability.md 2.1, lesson 7).
    """
    now = room.clock.now()
    base, holds = dict(case.link.base), dict(case.link.holds)
    holds.pop("create", None)
    acts = room.desk(write.side).system.capabilities.acts
    for key, one in write.fields.items():
        kept = stored.values.get(key, one.after)
        if key in acts:
            base[key] = Pair(None, None)
        elif certain or kept == one.after:
            base.update(landed_base(replace(write, fields={key: one}), stored.values, {}))
        else:
            pair = Pair(None, None).with_side(write.side, kept).with_side(write.side.other, one.source)
            holds[key] = Hold(Reason.DOUBT, now, pair.partner_center, pair.crm)
    is_referral = write.side is Side.PARTNER_CENTER
    case.change(
        base=base,
        holds=holds,
        state=LinkState.LINKED,
        reason="",
        detail="",
        partner_center_id=stored.id if is_referral else case.link.partner_center_id,
        crm_id=case.link.crm_id if is_referral else stored.id,
        engagement_id=stored.engagement_id or case.link.engagement_id,
        microsoft_id=stored.microsoft_id or case.link.microsoft_id,
        trail_written=case.link.trail_written or not is_referral,
        mark=case.link.mark if is_referral or not room.policy.check_mark else "ok",
        failures=0,
        synced_at=now,
        changed_at=now,
    )
    done = replace(write, state=WriteState.DONE, record_id=stored.id, finished_at=now, outcome="done")
    case.link = await room.store.finish(case.taken, [done], case.link)


async def _settle_creation(room: Room, case: Case, write: Write) -> Both | float | None:
    desk = room.desk(write.side)
    found = await desk.find(write.partner_id or "")
    able = desk.system.capabilities
    now = room.clock.now()
    if len(found) > 1:
        await _give_up(room, case, write, Reason.TWINS, f"{len(found)} records carry {write.partner_id}")
        return None
    if found:
        ours = able.stamp and found[0].stamp == write.id and found[0].touched_by_us is True
        await _created(room, case, write, found[0], certain=ours)
        return 0.0
    if able.create != "by_key":
        due = write.sent_at + able.patience + able.index_lag + GRACE
        if now < due:
            return due - now
        if write.attempt >= ROUNDS:
            await _give_up(room, case, write, Reason.CREATE_UNANSWERED, "")
            return None
    desk.lane.check()
    again = replace(write, attempt=write.attempt + 1, sent_at=now)
    await room.store.sent_again(case.taken, again)
    return await _deliver(room, case, again, None)


async def _give_up(room: Room, case: Case, write: Write, reason: Reason, detail: str) -> None:
    now = room.clock.now()
    case.change(state=LinkState.HELD, reason=reason, detail=detail, changed_at=now)
    done = replace(write, state=WriteState.UNKNOWN, finished_at=now, outcome=reason)
    case.link = await room.store.finish(case.taken, [done], case.link)


async def _adopt(room: Room, case: Case, referral: Snapshot, opportunity: Snapshot) -> Both | None:
    """Joins two existing records; nothing is written yet, the first-meeting rules come next (INV-11)."""
    halves = ((Side.PARTNER_CENTER, referral.id), (Side.CRM, opportunity.id))
    for side, record_id in halves:
        known = (await room.store.links_of(side, [record_id])).get(record_id)
        if known is None or known.key == case.link.key:
            continue
        other_half = known.id_of(side.other)
        mine = dict(halves)[side.other]
        if other_half is not None and not same_id(other_half, mine):
            _hold(case, Reason.TWINS, f"{record_id} is already linked with {other_half}")
            return None
        await room.store.join(case.taken, known.key)
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
    case.say(room.clock.now(), ["Linked with its referral in Partner Center."])
    return {
        Side.PARTNER_CENTER: Reading(referral, Source.FRESH),
        Side.CRM: Reading(opportunity, Source.FRESH),
    }


def _usable(value: Value) -> bool:
    return value is not None and not isinstance(value, Unreadable)


def _hold(case: Case, reason: Reason, detail: str = "") -> float | None:
    """The deal waits for a person; nothing to do until something changes."""
    case.change(state=LinkState.HELD, reason=reason, detail=detail)
    return None


def _rest(case: Case, state: LinkState, reason: Reason) -> float | None:
    """The record is none of ours; nothing to do until something changes."""
    case.change(state=state, reason=reason, detail="")
    return None
