"""How a reconcile comes by its two reads, with as few calls as honesty allows.

Three kinds of read count. A *fresh* one was fetched now. A *polled* one was brought by the poll that
caused this very reconcile. A *remembered* one is the base itself: the version we last saw in full
agreement, sent along as the precondition of the write, is a read whose truth the other side checks
(INV-1). A remembered read is never enough for a one-way step, nor for what its version does not guard.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum

from cosell.core.errors import Gone
from cosell.core.plan import Plan
from cosell.core.records import Link, LinkState, Side, Snapshot
from cosell.engine.room import Room
from cosell.ports import Taken

ONE_WAY = frozenset({"state", "visible", "help"})
ECHO_WITHIN = 120.0
"""Seconds after a write of ours within which a signal is taken for its echo, as a guess at costs only."""


class Source(StrEnum):
    """Where a read came from."""

    FRESH = "fresh"
    POLLED = "polled"
    REMEMBERED = "remembered"


@dataclass(frozen=True, slots=True)
class Reading:
    """One side's snapshot and where it came from."""

    snapshot: Snapshot
    source: Source


Both = dict[Side, Reading]


class HalfGone(Gone):
    """One half of a link is deleted or out of sight."""

    def __init__(self, side: Side, error: Gone) -> None:
        super().__init__(error.message, detail=error.detail, advice=error.advice)
        self.side = side


async def both(room: Room, taken: Taken, link: Link) -> dict[Side, Reading]:
    """Reads both halves of a link, in parallel where two calls are needed.

    Raises the error of the side that could not be read; both are awaited first.
    """
    wanted: dict[Side, Reading | None] = {side: _cheap(room, taken, link, side) for side in Side}
    if all(one is not None and one.source is Source.REMEMBERED for one in wanted.values()):
        wanted = dict.fromkeys(Side)
    echo = await _echo(room, taken, link, wanted)
    if echo is not None:
        return echo
    missing = [side for side, reading in wanted.items() if reading is None]
    fetched = await asyncio.gather(*(fresh(room, link, side) for side in missing), return_exceptions=True)
    for side, answer in zip(missing, fetched, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        wanted[side] = answer
    return {side: reading for side, reading in wanted.items() if reading is not None}


async def fresh(room: Room, link: Link, side: Side) -> Reading:
    """Fetches one half now."""
    record_id = link.id_of(side)
    assert record_id is not None
    try:
        return Reading(await room.desk(side).get(record_id), Source.FRESH)
    except Gone as error:
        raise HalfGone(side, error) from error


def _cheap(room: Room, taken: Taken, link: Link, side: Side) -> Reading | None:
    """A read that costs no call, if one is honest here."""
    polled = room.take_polled(side, link)
    if taken.open_writes or link.failures or link.stale:
        return None
    if polled is not None:
        if polled.complete:
            return Reading(polled, Source.POLLED)
        if _in_step(link) and polled.version is not None and _covered(room, link):
            return Reading(_completed(link, polled), Source.POLLED)
        return None
    if taken.sides and side not in taken.sides and _rememberable(room, link, side):
        return Reading(remembered(link, side), Source.REMEMBERED)
    return None


async def _echo(
    room: Room, taken: Taken, link: Link, wanted: dict[Side, Reading | None]
) -> dict[Side, Reading] | None:
    """One call instead of two where the signal is most likely the echo of our own write.

    Shortly after a write the signalled side is read first. If it stands as agreed there is nothing to
    carry and the other side need not be asked; if not, the read is kept and the other side follows.
    """
    recent = link.synced_at is not None and room.clock.now() - link.synced_at < ECHO_WITHIN
    busy = taken.open_writes or any(wanted.values()) or not link.trail_written or link.resolutions
    recent = recent and _covered(room, link)
    if not recent or not _in_step(link) or len(taken.sides) != 1 or busy:
        return None
    (side,) = taken.sides
    wanted[side] = seen = await fresh(room, link, side)
    if agreeing(link, seen.snapshot) and seen.snapshot.enrolled and seen.snapshot.partner_id is not None:
        return {side: seen, side.other: Reading(remembered(link, side.other), Source.REMEMBERED)}
    return None


def _in_step(link: Link) -> bool:
    return link.state is LinkState.LINKED and bool(link.base) and not link.holds


def _rememberable(room: Room, link: Link, side: Side) -> bool:
    honoured = room.desk(side).system.capabilities.precondition != "none"
    return honoured and _in_step(link) and link.version_of(side) is not None and _covered(room, link)


def _covered(room: Room, link: Link) -> bool:
    """Whether the base knows every field both sides have; one it lacks would never be seen to change."""
    return room.common_fields() <= link.base.keys()


def remembered(link: Link, side: Side) -> Snapshot:
    """The base of one side as a read, guarded by the version it was seen at."""
    return Snapshot(
        side=side,
        id=link.id_of(side) or "",
        values={key: pair.of(side) for key, pair in link.base.items()},
        version=link.version_of(side),
        complete=False,
        partner_id=link.id_of(side.other),
        engagement_id=link.engagement_id,
        microsoft_id=link.microsoft_id,
        mark=link.mark,
    )


def _completed(link: Link, polled: Snapshot) -> Snapshot:
    """A partial read filled up with what was last agreed for the fields it could not bring."""
    rest = {key: pair.of(polled.side) for key, pair in link.base.items()}
    return replace(
        polled,
        values={**rest, **polled.values},
        microsoft_id=polled.microsoft_id or link.microsoft_id,
        engagement_id=polled.engagement_id or link.engagement_id,
    )


def too_thin(room: Room, plan: Plan, readings: dict[Side, Reading]) -> list[Side]:
    """The sides whose read is not good enough for what the plan wants to write there."""
    thin = []
    for side, reading in readings.items():
        partial = reading.source is not Source.FRESH and not reading.snapshot.complete
        guarded = room.desk(side).system.capabilities.guarded - ONE_WAY
        if partial and not set(plan.writes_to(side)) <= guarded:
            thin.append(side)
    return thin


def agreeing_version(link: Link, snapshot: Snapshot) -> str | None:
    """The version to remember: only of a read that stands in full agreement with the base."""
    good = snapshot.firm and snapshot.lasting and agreeing(link, snapshot)
    return snapshot.version if good else None


def agreeing(link: Link, snapshot: Snapshot) -> bool:
    """Whether every value read is the one last agreed for that side."""
    return all(
        key in link.base and link.base[key].of(snapshot.side) == value
        for key, value in snapshot.values.items()
    )
