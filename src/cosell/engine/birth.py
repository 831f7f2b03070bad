"""Making the missing half: intended, sent, completed, and found again when no answer came (INV-3, INV-10)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from cosell.core.errors import CosellError, NeedsHuman, Rejected, Uncertain
from cosell.core.matching import ACCOUNT
from cosell.core.reasons import Reason
from cosell.core.records import (
    Consent,
    FieldWrite,
    Hold,
    LinkState,
    Pair,
    RecordKind,
    Side,
    Snapshot,
    Write,
    WriteKind,
    WriteState,
)
from cosell.core.settle import landed_base
from cosell.core.values import Value
from cosell.engine import apply, careful, customer, schema
from cosell.engine.case import Case
from cosell.engine.conversion import standing
from cosell.engine.reading import Both, Reading, Source
from cosell.engine.room import Room
from cosell.ports import Creation, Marks

GRACE = 60.0
"""Seconds waited beyond patience and index lag before a creation is believed lost (reliability.md 11)."""
ROUNDS = 3
AS_LEAD = "as a lead"
"""Noted on the row of a creation, so that it is sent again word for word (INV-10)."""


async def create(
    room: Room,
    case: Case,
    side: Side,
    source: Snapshot,
    values: Mapping[str, Value],
    consents: Mapping[str, Consent],
    *,
    note: str = "",
    kind: RecordKind = RecordKind.OPPORTUNITY,
) -> Both | float | None:
    if stopped := stops(room):
        return hold(case, stopped)
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
        note=AS_LEAD if kind is RecordKind.LEAD else note,
        created_at=room.clock.now(),
        sent_at=room.clock.now(),
    )
    await careful.begin(room, case, write, source if source.side is Side.CRM else None)
    return await _deliver(room, case, write, source)


def stops(room: Room) -> Reason | None:
    """Why nothing at all is created now."""
    if room.tally.on:
        return Reason.BRAKE
    if room.careful.on:
        return Reason.CAREFUL
    return Reason.DRY_RUN if room.policy.dry_run else None


async def _deliver(
    room: Room, case: Case, write: Write, source: Snapshot | None, *, earlier: float | None = None
) -> Both | float | None:
    """Sends a journalled creation and completes its row; `earlier`: when an unanswered copy was sent."""
    creation = Creation(
        write.id,
        write.partner_id or "",
        {key: one.after for key, one in write.fields.items()},
        _birth_marks(room, case, write.side),
        kind=RecordKind.LEAD if write.note == AS_LEAD else RecordKind.OPPORTUNITY,
        account_id=customer.account_of(write),
    )
    try:
        stored = await room.desk(write.side).create(creation)
    except Uncertain:
        raise
    except CosellError as error:
        return await _not_created(room, case, write, error, source, earlier)
    await created(room, case, write, stored, certain=True)
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
    room: Room,
    case: Case,
    write: Write,
    error: CosellError,
    source: Snapshot | None,
    earlier: float | None,
) -> float | None:
    """The row is finished as refused; what the other side will not take waits for a person."""
    now = room.clock.now()
    done = replace(write, state=WriteState.REFUSED, finished_at=now, outcome=f"{error.code}: {error.message}")
    exists = isinstance(error, Rejected) and error.code == "exists"
    if exists and write.attempt > 1:
        return 0.0
    if earlier is not None and write.sent_at - earlier <= _reach(room, write.side):
        # An earlier copy is still unaccounted for; it is looked for again (INV-10).
        # This copy had its answer: were the wait to begin anew with it, the row could stay open for ever.
        await room.store.sent_again(case.taken, replace(write, sent_at=earlier))
        raise error if not isinstance(error, NeedsHuman) else Uncertain(error.message) from error
    if isinstance(error, Rejected) and not exists:
        sign = fingerprint(source.values) if source else ""
        case.change(
            state=LinkState.HELD,
            reason=(why := apply.reason_of(error)),
            detail=error.message[:500],
            holds={**case.link.holds, "create": Hold(why, now, detail=sign)},
        )
        where = "Partner Center" if write.side is Side.PARTNER_CENTER else "The CRM"
        case.say(now, [f"{where} refused the new deal: {error.message[:300]}"])
    case.keep(await room.store.finish(case.taken, [done], case.link))
    if exists:
        return 0.0
    if not isinstance(error, Rejected):
        raise error
    if source is not None and source.side is Side.CRM:
        return await show_trouble(room, case, source)
    return None


async def created(room: Room, case: Case, write: Write, stored: Snapshot, *, certain: bool) -> None:
    """Completes a creation: ids on the link, the base from what was sent and what was stored.

    Where the creation was only found afterwards (`certain` False), a value counts as agreed only if it
    equals what was sent; the others are held (reliability.md 2.1, lesson 7).
    """
    now = room.clock.now()
    base, holds = dict(case.link.base), dict(case.link.holds)
    holds.pop("create", None)
    holds.pop(ACCOUNT, None)
    acts = room.desk(write.side).system.capabilities.acts
    for key, one in write.fields.items():
        if key in schema.unread(room, stored):
            continue  # it was not taken, or nobody can see whether it was: they meet when it is back
        kept = stored.values.get(key, one.after)
        if key in acts:
            base[key] = Pair(None, None)
        elif certain or kept == one.after:
            base.update(landed_base(replace(write, fields={key: one}), stored.values, {}))
        else:
            pair = Pair(None, None).with_side(write.side, kept).with_side(write.side.other, one.source)
            holds[key] = Hold(Reason.DOUBT, now, pair.partner_center, pair.crm)
    is_referral = write.side is Side.PARTNER_CENTER
    if is_referral:
        case.say(now, ["Referral created in Partner Center."])
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
        resolutions={key: one for key, one in case.link.resolutions.items() if key != ACCOUNT},
        failures=0,
        synced_at=now,
        changed_at=now,
    )
    sure = certain or not any(
        key in write.fields and hold.reason == Reason.DOUBT for key, hold in holds.items()
    )
    done = replace(
        write,
        state=WriteState.DONE if sure else WriteState.UNKNOWN,
        record_id=stored.id,
        finished_at=now,
        outcome="done" if sure else "found, and perhaps made by somebody else",
    )
    case.keep(await room.store.finish(case.taken, [done], case.link))


async def settle_creation(room: Room, case: Case, write: Write) -> Both | float | None:
    desk = room.desk(write.side)
    mine = await customer.still_mine(room, write)
    found = standing(await desk.find(write.partner_id or ""))
    able = desk.system.capabilities
    now = room.clock.now()
    if len(found) > 1:
        await _give_up(room, case, write, Reason.TWINS, f"{len(found)} records carry {write.partner_id}")
        return None
    if found and await _belongs_elsewhere(room, case, found[0]):
        detail = f"{found[0].id} is already linked elsewhere"
        await _give_up(room, case, write, Reason.TWINS, detail)
        return None
    if found:
        ours = able.stamp and found[0].stamp == write.id and found[0].touched_by_us is True
        await created(room, case, write, found[0], certain=ours)
        return 0.0
    if able.create != "by_key":
        due = write.sent_at + able.patience + able.index_lag + GRACE
        if now < due:
            return due - now
        if write.attempt >= ROUNDS:
            await _give_up(room, case, write, Reason.CREATE_UNANSWERED, "")
            return None
    desk.lane.check()
    if not mine:
        return customer.SOON
    again = replace(write, attempt=write.attempt + 1, sent_at=now)
    await room.store.sent_again(case.taken, again)
    return await _deliver(room, case, again, None, earlier=write.sent_at)


def _reach(room: Room, side: Side) -> float:
    """Seconds after which an unanswered creation can no longer come to light."""
    able = room.desk(side).system.capabilities
    return able.patience + able.index_lag + GRACE


async def _belongs_elsewhere(room: Room, case: Case, found: Snapshot) -> bool:
    known = (await room.store.links_of(found.side, [found.id])).get(found.id)
    return known is not None and known.key != case.link.key and known.state is not LinkState.NEW


async def _give_up(room: Room, case: Case, write: Write, reason: Reason, detail: str) -> None:
    now = room.clock.now()
    case.change(state=LinkState.HELD, reason=reason, detail=detail, changed_at=now)
    done = replace(write, state=WriteState.UNKNOWN, finished_at=now, outcome=reason)
    case.keep(await room.store.finish(case.taken, [done], case.link))


async def show_trouble(room: Room, case: Case, opportunity: Snapshot) -> float | None:
    """Writes the Audit text and the ✘ to an opportunity that has no referral yet."""
    if room.policy.dry_run or room.tally.on:
        return None
    if not opportunity.firm:
        await room.clock.sleep(1.1)
        opportunity = await room.desk(Side.CRM).get(opportunity.id)
        if not opportunity.firm:
            return 1.0
    marks = Marks(trail=case.link.trail, mark="failed" if room.policy.check_mark else None)
    order = apply.Order(Side.CRM, opportunity, {}, {}, {}, opportunity, {}, marks=marks)
    await apply.send(room, case, order)
    return None


def fingerprint(values: Mapping[str, Value]) -> str:
    """A short sign of a deal's content, free of personal data."""
    content = repr(sorted(values.items(), key=lambda item: item[0]))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def hold(case: Case, reason: Reason, detail: str = "") -> float | None:
    """The deal waits for a person; nothing to do until something changes."""
    case.change(state=LinkState.HELD, reason=reason, detail=detail)
    return None
