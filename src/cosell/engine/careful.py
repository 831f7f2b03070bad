"""Careful mode: what is done while the database is known to be older than the world (INV-24).

It begins with a restore, or when a write would rest on a record that carries a stamp of ours which the
journal does not know. From then on every link is looked at before anything of it is believed
(core/careful), and nothing is made, since what was made in the lost time may not be found yet. It ends by
itself, once a full sweep is through and what the sweep found was looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from cosell.core import careful as judging
from cosell.core import trail
from cosell.core.records import Link, Side, Snapshot, Write, WriteKind, WriteState
from cosell.engine import reading
from cosell.engine.case import Case
from cosell.engine.mode import Mode, read
from cosell.engine.reading import Both
from cosell.engine.room import Room
from cosell.ports import Alerts, LeaseLost, Store, UnknownWrite

log = logging.getLogger("cosell.engine")

__all__ = ["ALERT", "SETTING", "begin", "enter", "read", "step", "verify"]

SETTING = "brake.careful"
"""Since when it is on, and how far it is; stands beside the brake's own, so that one look finds both."""
ALERT = "careful"
GRACE = 60.0
"""Seconds beyond patience and index lag until what was made in the lost time is surely found."""
LEASE = 600.0
"""Seconds in which one process sweeps for all."""
WITHOUT_LINK = "-"
"""Stands for the link on rows of the audit that are about the whole database."""


async def enter(store: Store, alerts: Alerts, *, why: str, token: str, now: float) -> int:
    """Makes the database careful and says so; answers how many links are to be looked at."""
    row = _row(token, WITHOUT_LINK, Side.CRM, why, now)
    count = await store.distrust(row, (SETTING, Mode(True, now).told()), now)
    await alerts.raise_(
        ALERT,
        "The database is older than the two systems; every deal is compared anew before anything is "
        "believed, and nothing new is made until then.",
        "It ends by itself. Fields that wait afterwards are shown by `cosell status`.",
    )
    log.warning("careful.on", extra={"links": count})
    return count


def _row(row_id: str, link_key: str, side: Side, note: str, now: float) -> Write:
    return Write(
        id=row_id,
        link_key=link_key,
        side=side,
        kind=WriteKind.DECISION,
        record_id=None,
        partner_id=None,
        note=note,
        created_at=now,
        state=WriteState.DONE,
        finished_at=now,
    )


# --- one link ----------------------------------------------------------------------------------------


async def begin(room: Room, case: Case, write: Write, opportunity: Snapshot | None) -> None:
    """Commits an intent that rests on this read of the CRM, unless it proves that we know too little."""
    known = opportunity.stamp if opportunity is not None else None
    try:
        case.keep(await room.store.begin(case.taken, write, case.link, known=known))
    except UnknownWrite:
        assert opportunity is not None
        await _older(room, case, opportunity)
        raise LeaseLost(f"{case.link.key}: rests on a write that is not in the journal") from None


async def finish(room: Room, case: Case, write: Write, seen: Snapshot) -> None:
    """Ends a row on the strength of this read, unless the read proves that we know too little to judge."""
    try:
        case.keep(await room.store.finish(case.taken, [write], case.link, known=seen.stamp))
    except UnknownWrite:
        await _older(room, case, seen)
        raise LeaseLost(f"{case.link.key}: judged by a write that is not in the journal") from None


async def _older(room: Room, case: Case, opportunity: Snapshot) -> None:
    """A record carries a write of ours that is not in the journal.

    Where a link is remembered, that write came after what we remember: the database is older than the world.
    Where none is, the record may come from an installation before this one, which proves nothing.
    """
    link = await room.store.link(case.taken.key)
    if link is None:
        return
    if link.base or await _news(room, opportunity):
        await _enter(room)
        link = await room.store.link(case.taken.key) or link
    await _own(room, case, link if link.base else judging.marked(link, room.clock.now()), opportunity)


async def _enter(room: Room) -> None:
    if not room.careful.on:
        now = room.clock.now()
        why = "A record carries a write of ours that is not in this database: it is older than the world."
        await enter(room.store, room.alerts, why=why, token=room.dice.token(), now=now)
        room.careful = Mode(True, now)


async def _news(room: Room, opportunity: Snapshot) -> bool:
    """Whether our own user changed the record after this database began to write."""
    at = opportunity.changed_at
    if not opportunity.touched_by_us or at is None or at.timestamp() <= room.careful.over:
        return False
    first = [row for row in await room.store.journal(None, 1, before=2) if row.seq == 1]
    return bool(first) and first[0].write.created_at < at.timestamp()


async def meet(room: Room, case: Case, opportunity: Snapshot) -> None:
    """Has two records that find each other treated as if their link had been lost, where it may have been.

    Such are all in careful mode, and those of which one carries a write of ours that we do not know.
    """
    stamp = opportunity.stamp
    unknown = bool(stamp) and not await room.store.known_writes([stamp or ""])
    if unknown and await _news(room, opportunity):
        await _enter(room)
        raise LeaseLost(f"{case.link.key}: adopted anew in careful mode")
    if unknown or room.careful.on:
        case.change(holds=judging.marked(case.link, room.clock.now()).holds)


async def verify(room: Room, case: Case, halves: Both) -> None:
    """Finds out what may be believed of a link that was not looked at since the restore."""
    if judging.MARK not in case.link.holds:
        return
    for side in Side:
        if not halves[side].snapshot.complete:
            halves[side] = await reading.fresh(room, case.link, side)
    referral, opportunity = halves[Side.PARTNER_CENTER].snapshot, halves[Side.CRM].snapshot
    before, now = case.link, room.clock.now()
    case.link = judging.looked_at(room.rules, before, referral, opportunity, now)
    # What was written on the opportunity in the lost time is newer than what we remember of it.
    if opportunity.audit:
        case.change(trail=tuple(opportunity.audit.splitlines())[: trail.KEPT], trail_written=True)
    case.change(mark=opportunity.mark)
    case.say(now, trail.new_holds(before.holds, case.link.holds))
    await _own(room, case, case.link, opportunity)


async def _own(room: Room, case: Case, link: Link, opportunity: Snapshot) -> None:
    """Notes in the audit that a row was lost, where the record carries the stamp of one we do not know."""
    stamp, now = opportunity.stamp, room.clock.now()
    if not stamp or await room.store.known_writes([stamp]):
        return
    note = "A write of ours whose own row was lost with a newer database; the record carries its stamp."
    row = replace(_row(stamp, link.key, Side.CRM, note, now), record_id=opportunity.id)
    case.keep(await room.store.finish(case.taken, [row], link))


# --- the whole ---------------------------------------------------------------------------------------


async def step(room: Room, sweep: Callable[[], Awaitable[object]]) -> None:
    """Sweeps once nothing of the lost time can come to light any more, and ends the mode afterwards."""
    mode, now = room.careful, room.clock.now()
    if not mode.on:
        return
    if mode.swept is None:
        mine = now >= mode.since + reach(room) and await room.store.hold_lease(ALERT, room.owner, now, LEASE)
        if mine:
            await sweep()
            await _keep(room, replace(mode, swept=room.clock.now()))
        return
    load = await room.store.load(now)
    if not (load.due or load.running) or now - load.oldest_wait > mode.swept + GRACE:
        await _keep(room, Mode(over=now))
        await room.store.poke_all("sweep", now)
        await room.alerts.clear(ALERT)
        log.warning("careful.off")


async def _keep(room: Room, mode: Mode) -> None:
    room.careful = mode
    await room.store.set_setting(SETTING, mode.told(), "cosell", room.clock.now())


def reach(room: Room) -> float:
    """Seconds after which a request of the lost time has landed, and is found, if it ever will be."""
    able = [desk.system.capabilities for desk in room.desks.values()]
    return max(one.patience + one.index_lag for one in able) + GRACE
