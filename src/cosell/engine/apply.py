"""Carrying a decision out: intent committed, request sent, answer completed with the base in one step.

Whatever happens between those three is found again from the journal (INV-7, INV-9, INV-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cosell.core.errors import CosellError, NeedsHuman, Rejected, Stale, Uncertain
from cosell.core.reasons import Reason
from cosell.core.records import Consent, FieldWrite, Hold, Link, Side, Snapshot, Write, WriteKind, WriteState
from cosell.core.settle import landed_base
from cosell.core.values import Value
from cosell.engine import careful
from cosell.engine.case import Case
from cosell.engine.reading import agreeing_version
from cosell.engine.room import Room
from cosell.ports import Invitation, Marks, Update

MOODY_AFTER = 3
"""Refusals of one unchanged version after which a moody precondition is left out once (sheet section 6)."""
READ = 10.0
"""Seconds at most between a read and the second copy of a write that is sent because of it."""
_REASONS = {
    "choice": Reason.UNKNOWN_CHOICE,
    "stage_missing": Reason.UNKNOWN_CHOICE,
    "currency": Reason.UNKNOWN_CHOICE,
    "read_only": Reason.DRIFT,
}
"""Refusals that an administrator of the other side ends, by their code."""


@dataclass(frozen=True, slots=True)
class Order:
    """One update to one side, decided and not yet sent."""

    side: Side
    seen: Snapshot
    values: Mapping[str, Value]
    sources: Mapping[str, Value]
    reasons: Mapping[str, str]
    other: Snapshot
    """The read of the other side on which the decision rests."""
    consents: Mapping[str, Consent]
    marks: Marks = field(default_factory=Marks)
    external_id: str | None = None


async def send(room: Room, case: Case, order: Order) -> Snapshot:
    """Sends one update and answers what is stored now.

    Raises Uncertain with the row left open; any other error with the row finished as refused.
    """
    desk = room.desk(order.side)
    desk.lane.check()
    guard = _guarded(room, case.link, order)
    write = Write(
        id=room.dice.token(),
        link_key=case.link.key,
        side=order.side,
        kind=WriteKind.UPDATE,
        record_id=order.seen.id,
        partner_id=case.link.id_of(order.side.other),
        fields={
            key: FieldWrite(
                order.seen.values.get(key), value, order.sources.get(key), order.reasons.get(key, "")
            )
            for key, value in order.values.items()
        },
        expected_version=order.seen.version if guard else None,
        cause=", ".join(case.taken.causes),
        consents=order.consents,
        note=_note(order),
        created_at=room.clock.now(),
        sent_at=room.clock.now(),
    )
    await careful.begin(room, case, write, order.seen if order.side is Side.CRM else order.other)
    update = Update(
        write_id=write.id,
        record_id=order.seen.id,
        values=order.values,
        seen=order.seen,
        guard=guard,
        marks=order.marks,
        external_id=order.external_id,
    )
    return await deliver(room, case, write, update, order.other)


async def deliver(
    room: Room,
    case: Case,
    write: Write,
    update: Update,
    other: Snapshot | None,
    *,
    earlier: float | None = None,
) -> Snapshot:
    """Sends a journalled update and completes its row; `earlier`: when an unanswered copy was sent."""
    try:
        stored = await room.desk(write.side).update(update)
    except Uncertain:
        raise
    except CosellError as error:
        _note_refusal(room, write, error)
        await refuse_copy(room, case, write, error, earlier)
        raise
    room.refused.pop((write.link_key, write.side), None)
    await land(room, case, write, stored, other, marks=update.marks)
    return stored


async def invite(
    room: Room,
    case: Case,
    seen: Snapshot,
    opportunity: Snapshot,
    wanted: FieldWrite,
    consent: Consent | None,
) -> Snapshot:
    """Asks Microsoft to join; the row stays open when no answer comes, and is never repeated blindly."""
    room.desk(seen.side).lane.check()
    write = Write(
        id=room.dice.token(),
        link_key=case.link.key,
        side=seen.side,
        kind=WriteKind.INVITE,
        record_id=seen.id,
        partner_id=case.link.crm_id,
        fields={"help": wanted},
        cause=", ".join(case.taken.causes),
        consents={"help": consent} if consent else {},
        created_at=room.clock.now(),
        sent_at=room.clock.now(),
    )
    await careful.begin(room, case, write, opportunity)
    try:
        stored = await room.desk(write.side).invite(
            Invitation(write.id, seen, str(write.fields["help"].after))
        )
    except Uncertain:
        raise
    except CosellError as error:
        await refuse(room, case, write, error)
        raise
    await land(room, case, write, stored, None)
    return stored


async def land(
    room: Room,
    case: Case,
    write: Write,
    stored: Snapshot,
    other: Snapshot | None,
    *,
    marks: Marks | None = None,
) -> None:
    """Completes a row that landed, and moves the base with it in the same transaction."""
    now, link = room.clock.now(), case.link
    base = {**link.base, **landed_base(write, stored.values, link.base)}
    holds = {key: hold for key, hold in link.holds.items() if key not in write.fields}
    answers = {key: one for key, one in link.resolutions.items() if key not in write.fields}
    link = replace(
        link,
        base=base,
        holds=holds,
        resolutions=answers,
        failures=0,
        stale=0,
        synced_at=now,
        changed_at=now,
        microsoft_id=stored.microsoft_id or link.microsoft_id,
        engagement_id=stored.engagement_id or link.engagement_id,
    )
    link = remember(link, stored, other)
    if marks is not None and marks.trail is not None:
        link = replace(link, trail_written=True, mark=marks.mark or link.mark)
    done = replace(write, state=WriteState.DONE, finished_at=now, outcome="done")
    case.keep(await room.store.finish(case.taken, [done], link))


async def refuse_copy(
    room: Room, case: Case, write: Write, error: CosellError, earlier: float | None
) -> None:
    """Completes a refused row, unless an earlier copy of the same write may have landed meanwhile.

    The refusal of a second copy says nothing about the first: often it is the sign that the first one
    landed. The row then stays open, and the next look settles it from what the record says (INV-10). Only
    where the read that led to this copy came after the last moment of the first, it showed all there is.
    """
    patience = room.desk(write.side).system.capabilities.patience
    if earlier is None or write.sent_at - earlier > patience + READ:
        await refuse(room, case, write, error)
        return
    # This copy had its answer: were the wait to begin anew with it, the row could stay open for ever.
    await room.store.sent_again(case.taken, replace(write, sent_at=earlier))
    if isinstance(error, NeedsHuman):
        raise Uncertain("An earlier copy of this write is still unaccounted for.") from error


async def refuse(room: Room, case: Case, write: Write, error: CosellError) -> None:
    """Completes a row that surely was not applied, and holds what the other side will not take."""
    now = room.clock.now()
    link = replace(case.link, changed_at=now)
    if isinstance(error, Rejected):
        named = [key for key in error.fields if key in write.fields] or list(write.fields)
        holds = {key: _rejected(write, key, error, now) for key in named}
        link = replace(link, holds={**link.holds, **holds})
    else:
        link = replace(
            link,
            partner_center_version=None if write.side is Side.PARTNER_CENTER else link.partner_center_version,
            crm_version=None if write.side is Side.CRM else link.crm_version,
        )
    done = replace(write, state=WriteState.REFUSED, finished_at=now, outcome=f"{error.code}: {error.message}")
    case.keep(await room.store.finish(case.taken, [done], link))


def remember(link: Link, *reads: Snapshot | None) -> Link:
    """The link with the versions of reads that stand in full agreement with its base."""
    for snapshot in reads:
        if snapshot is None:
            continue
        version = agreeing_version(link, snapshot)
        if snapshot.side is Side.PARTNER_CENTER:
            link = replace(link, partner_center_version=version)
        else:
            link = replace(link, crm_version=version)
    return link


def _rejected(write: Write, key: str, error: CosellError, now: float) -> Hold:
    one = write.fields[key]
    pair = {write.side: one.before, write.side.other: one.source}
    why = reason_of(error)
    return Hold(why, now, pair[Side.PARTNER_CENTER], pair[Side.CRM], detail=error.message[:500])


def reason_of(error: CosellError) -> Reason:
    """Why what the other side refused is held."""
    return _REASONS.get(error.code, Reason.REJECTED)


def _guarded(room: Room, link: Link, order: Order) -> bool:
    """Whether to send the version; a moody system that refuses an unchanged one is asked once without."""
    precondition = room.desk(order.side).system.capabilities.precondition
    if precondition == "none" or order.seen.version is None:
        return False
    version, times = room.refused.get((link.key, order.side), (None, 0))
    return not (precondition == "moody" and version == order.seen.version and times >= MOODY_AFTER)


def _note_refusal(room: Room, write: Write, error: CosellError) -> None:
    if isinstance(error, Stale):
        version, times = room.refused.get((write.link_key, write.side), (None, 0))
        same = version == write.expected_version
        room.refused[(write.link_key, write.side)] = (write.expected_version, times + 1 if same else 1)


def _note(order: Order) -> str:
    parts = []
    if order.marks.trail is not None:
        parts.append("audit text")
    if order.marks.referral_id:
        parts.append("referral id and link")
    if order.marks.enroll:
        parts.append("sync switched on")
    if order.external_id:
        parts.append("CRM id on the referral")
    return ", ".join(parts)
