"""Unanswered writes of a link, judged from what its halves say now (INV-10)."""

from __future__ import annotations

from dataclasses import replace

from cosell.core import settle as judging
from cosell.core import trail
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Side, Snapshot, Write, WriteKind, WriteState
from cosell.core.values import same_id
from cosell.engine import apply, careful
from cosell.engine.birth import GRACE, created
from cosell.engine.case import Case
from cosell.engine.conversion import awaits_adoption
from cosell.engine.reading import Both, Reading, Source
from cosell.engine.room import Room
from cosell.ports import Marks, Update

_ENDS = {
    judging.Verdict.LANDED: (WriteState.DONE, "landed"),
    judging.Verdict.STANDS: (WriteState.UNKNOWN, "what was sent stands there, perhaps by somebody else"),
    judging.Verdict.ABSENT: (WriteState.ABSENT, "absent"),
    judging.Verdict.UNKNOWN: (WriteState.UNKNOWN, "unknown"),
}
"""How a row ends by what is known of it, and what the audit says. Done is only what is proved (INV-7)."""


async def settle_open(room: Room, case: Case, halves: Both) -> float | None:
    """Finishes every open row the reads can judge; answers the seconds to wait for the others.

    A row that is sent again replaces the read of its side by what is stored now.
    """
    for write in case.taken.open_writes:
        half = halves.get(write.side)
        if half is None:
            continue
        if write.kind is WriteKind.CREATE:
            wait = await _settle_birth(room, case, write, half.snapshot)
        else:
            wait = await _settle_one(room, case, write, halves)
        if wait is not None:
            return wait
    return None


async def _settle_one(room: Room, case: Case, write: Write, halves: Both) -> float | None:
    able = room.desk(write.side).system.capabilities
    verdict = judging.settle(
        write,
        halves[write.side].snapshot,
        case.link.base,
        stamped=able.stamp,
        patience=able.patience,
        now=room.clock.now(),
    )
    match verdict.verdict:
        case judging.Verdict.WAIT:
            return min(verdict.wait, able.patience)
        case judging.Verdict.AGAIN if room.policy.dry_run:
            return able.patience
        case judging.Verdict.AGAIN:
            await _send_again(room, case, write, halves)
        case _:
            await _finish(room, case, verdict, halves[write.side].snapshot)
    return None


async def _settle_birth(room: Room, case: Case, write: Write, seen: Snapshot) -> float | None:
    """An unanswered creation whose record came to the link by another way: its row is the base."""
    if same_id(seen.partner_id, write.partner_id):
        able = room.desk(write.side).system.capabilities
        ours = able.stamp and seen.stamp == write.id and seen.touched_by_us is True
        await created(room, case, write, seen, certain=ours)
        return None
    return await close_when_impossible(room, case, write)


async def close_when_impossible(room: Room, case: Case, write: Write) -> float | None:
    """Finishes a row nobody can judge once it can no longer be applied; answers the wait until then."""
    able = room.desk(write.side).system.capabilities
    due = write.sent_at + able.patience + able.index_lag + GRACE
    now = room.clock.now()
    if now < due:
        return due - now
    done = replace(write, state=WriteState.UNKNOWN, finished_at=now, outcome="nobody can tell any more")
    case.keep(await room.store.finish(case.taken, [done], case.link))
    return None


async def close_gone(room: Room, case: Case, lost: Side | None) -> float | None:
    """Finishes the rows of a record that is gone: it can take no write any more.

    A creation may still be on its way, though its record became known and went: answers the wait until then.
    """
    now = room.clock.now()
    rows = [row for row in case.taken.open_writes if lost in (None, row.side) and row.record_id is not None]
    done = [
        replace(row, state=WriteState.UNKNOWN, finished_at=now, outcome="the record is gone") for row in rows
    ]
    if done:
        case.keep(await room.store.finish(case.taken, done, case.link))
    for row in case.taken.open_writes:
        if row.record_id is None and row.side is lost:
            wait = await close_when_impossible(room, case, row)
            if wait is not None:
                return wait
    return None


async def _send_again(room: Room, case: Case, write: Write, halves: Both) -> None:
    """Word for word and under the same precondition: whichever copy arrives first, the other cannot."""
    room.desk(write.side).lane.check()
    seen = halves[write.side].snapshot
    again = replace(write, attempt=write.attempt + 1, sent_at=room.clock.now())
    await room.store.sent_again(case.taken, again)
    update = Update(
        write_id=write.id,
        record_id=seen.id,
        values={key: one.after for key, one in write.fields.items()},
        seen=seen,
        guard=write.expected_version is not None,
        marks=marks_for(room, case, seen) if write.side is Side.CRM else Marks(),
        external_id=case.link.crm_id if write.side is Side.PARTNER_CENTER else None,
    )
    stored = await apply.deliver(room, case, again, update, None, earlier=write.sent_at)
    halves[write.side] = Reading(stored, Source.FRESH)


async def _finish(room: Room, case: Case, verdict: judging.Settlement, seen: Snapshot) -> None:
    now, write = room.clock.now(), verdict.write
    doubts = {
        key: Hold(Reason.DOUBT, now, detail="a write of ours went unanswered") for key in verdict.doubts
    }
    case.change(
        base={**case.link.base, **verdict.base},
        holds={**case.link.holds, **doubts},
        changed_at=now,
    )
    state, says = _ENDS[verdict.verdict]
    done = replace(write, state=state, finished_at=now, outcome=f"settled: {says}")
    await careful.finish(room, case, done, seen)


def marks_for(room: Room, case: Case, seen: Snapshot) -> Marks:
    """What the opportunity should show its seller now."""
    troubled = trail.troubled(case.link)
    return Marks(
        trail=case.link.trail,
        mark=("failed" if troubled else "ok") if room.policy.check_mark else None,
        referral_id=case.link.partner_center_id if seen.partner_id is None else None,
        enroll=not seen.enrolled and awaits_adoption(case.link, seen),
    )
