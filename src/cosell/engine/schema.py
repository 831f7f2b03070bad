"""Notices what a side has lost and got back: only the rules concerned pause, and go on by themselves (J-9).

A system tells what it lacks by its settings; only what it once had is a loss, and that is remembered over
restarts. Reads carry what they could not bring (Snapshot.unread), so no plan rests on a schema that changed
under it. The metadata is looked at once a day, at each unknown field at once, and while something is lost
again and again, the more rarely the longer it lasts.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

from cosell.core import drift
from cosell.core.mapping import Flow
from cosell.core.plan import REFUSED
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Link, LinkState, Side, Snapshot
from cosell.engine import known
from cosell.engine.case import Case
from cosell.engine.known import Known, Loss
from cosell.engine.room import Room
from cosell.ports import Describing, LinkFilter, Store

log = logging.getLogger("cosell.engine")

ALERT = "schema_drift:"
"""Before the system's name and the part that is lost."""
CAUSE = "schema"
"""Why links are looked at that waited for a field: holds for an unknown choice are forgotten once."""
ASKED = "schema.asked"
"""When somebody last asked for a look: the doctor, or `cosell sync --all`."""
FIRST, RAREST = 60.0, 900.0
"""Seconds between two looks while something is lost, at first and after hours."""
SOON = 1.0
THOROUGH_EVERY = 3600.0
"""Seconds after which a look trusts no cache."""
WAITING = frozenset({Reason.DRIFT, Reason.UNKNOWN_CHOICE})
_PAGE = 500
_BIRTH = frozenset({"name", "state", "close_date"})
"""Fields without which the CRM takes no new deal."""
_INTRODUCTION = _BIRTH | frozenset(
    {"customer_name", "address_line", "city", "country", "deal_value", "currency", "solutions", "team"}
)
"""Fields without which nobody can say whether a deal is fit to be sent."""


# --- noticing ----------------------------------------------------------------------------------------


async def recall(room: Room) -> None:
    """Takes over what the store knows; once, and before a system is used."""
    if not room.recalled:
        async with room.noticing:
            if not room.recalled:
                room.known = await known.kept(room.store)
                for side, desk in room.desks.items():
                    known.rely(desk.system, room.known[side])
                room.recalled = True


async def notice(room: Room) -> None:
    """Takes in what the systems can do now, wherever it is news."""
    await recall(room)
    for side in room.desks:
        if _is_news(room, side):
            async with room.noticing:
                # Whoever held the lock before may have taken the same in.
                if _is_news(room, side):
                    await _take_in(room, side)


def _is_news(room: Room, side: Side) -> bool:
    able = room.desk(side).system.capabilities
    return able.asked and able is not room.noticed.get(side)


async def _take_in(room: Room, side: Side) -> None:
    """Acts on what a system can do now; nothing counts as known before it is acted on and kept."""
    able, last = room.desk(side).system.capabilities, room.noticed.get(side)
    kept = await known.of(room.store, side)
    # Another process may have learnt more, or have rung for a loss that this one never met.
    before = room.known[side].and_also(kept)
    after = before.after(able, room.rules, room.clock.now(), known.names_of(room.desk(side).system))
    news = known.usable(able) - known.usable(last) if last is not None else frozenset()
    await _act_on(room, side, before, after, offered=bool(news))
    if after != kept:
        await room.store.set_setting(known.KEPT + side, after.text(), "cosell", room.clock.now())
    room.noticed[side], room.known[side] = able, after


async def _act_on(room: Room, side: Side, before: Known, after: Known, *, offered: bool) -> None:
    found = before.lost.keys() - after.lost.keys()
    room.sweep_soon = room.sweep_soon or bool(drift.blinding(found))
    if found or offered:
        keys = [one.key async for one in _waiting(room.store)]
        await room.store.poke_keys(keys, CAUSE, room.clock.now())
    for part in sorted(found):
        log.info("schema.found", extra={"system": room.desk(side).system.name, "part": part})
        await room.alerts.clear(_code(room, side, part))
    # They told what there is: nothing that is needed to find records is missing.
    await room.alerts.clear("schema_drift")
    for part in sorted(after.lost.keys() - before.lost.keys()):
        log.warning("schema.lost", extra={"system": room.desk(side).system.name, "part": part})
    await _ring(room, side, after.lost)


async def _ring(room: Room, side: Side, lost: Mapping[str, Loss]) -> None:
    """Raises the alert of everything lost, each with the deals that wait now."""
    if not lost:
        return
    waiting = await waiting_by_field(room.store)
    for part, loss in sorted(lost.items()):
        await room.alerts.raise_(_code(room, side, part), loss.says(waiting[loss.field]), loss.advice)


async def waiting_by_field(store: Store) -> Counter[str]:
    """How many deals wait with each field."""
    return Counter([key async for link in _waiting(store) for key in _held(link)])


def _code(room: Room, side: Side, part: str) -> str:
    return f"{ALERT}{room.desk(side).system.name}:{part}"


def _held(link: Link) -> Iterable[str]:
    """What a link waits for: fields, or that leads are kept."""
    if link.reason == Reason.NO_LEADS:
        yield known.LEADS
    yield from (key for key, hold in link.holds.items() if hold.reason in WAITING)


async def _waiting(store: Store) -> AsyncIterator[Link]:
    """The links that wait for a field, in whole or with a part."""
    after = ""
    alive = (LinkState.LINKED, LinkState.HELD)
    while links := await store.links(LinkFilter(alive, attention=True, limit=_PAGE, after=after)):
        after = links[-1].key
        for link in links:
            if link.reason in WAITING or any(_held(link)):
                yield link


def release(case: Case, now: float) -> None:
    """Forgets which choices were unknown once there may be new ones, and any refusal a person wants tried.

    Only those of before that was asked for: what is refused again stays refused.
    """
    taken = case.taken
    tried = {Reason.UNKNOWN_CHOICE} if CAUSE in taken.causes else set()
    tried |= REFUSED if "person" in taken.causes else set()

    def again(hold: Hold) -> bool:
        return hold.reason in tried and hold.since <= taken.poked_at <= now

    holds = case.link.holds
    if any(map(again, holds.values())):
        case.change(holds={key: hold for key, hold in holds.items() if not again(hold)})


# --- what it means -----------------------------------------------------------------------------------


def hinders_birth(room: Room) -> str:
    """The fields that keep the CRM from taking any new deal now; empty where it can."""
    return ", ".join(sorted(_BIRTH & _away(room, Side.CRM)))


def _away(room: Room, side: Side) -> frozenset[str]:
    """The fields that are out of reach, whether they were ever there or not."""
    lacking = room.desk(side).system.capabilities.lacks
    return room.known[side].paused | drift.fields_of(one for one in lacking if not drift.is_choice(one))


def back(room: Room, link: Link) -> float | None:
    """Seconds until a link is looked at again that was read before its field came back; None: it waits on."""
    waits = {key for key, hold in link.holds.items() if hold.reason == Reason.DRIFT}
    if link.reason == Reason.DRIFT:
        waits |= set(link.detail.split(", "))
    away = frozenset[str]().union(*(_away(room, side) for side in room.desks))
    return SOON if waits - away else None


def hinders_introduction(room: Room, opportunity: Snapshot) -> str:
    """The fields that keep everybody from telling whether this deal is fit to be sent; or none."""
    parts = opportunity.unread & room.known[Side.CRM].once
    needed = _INTRODUCTION | ({"contacts"} if opportunity.values.get("help") is not None else set())
    return ", ".join(sorted(needed & drift.fields_of(parts)))


def unread(room: Room, snapshot: Snapshot) -> frozenset[str]:
    """The fields of which a read tells nothing."""
    return drift.fields_of(snapshot.unread & room.known[snapshot.side].once)


# --- looking -----------------------------------------------------------------------------------------


class SchemaWatch:
    """Asks the systems what they can do now: rarely, and more often while something is lost."""

    def __init__(self, room: Room, sweep: Callable[[], Awaitable[object]]) -> None:
        self.room, self._sweep = room, sweep
        self._looked_at = self._thorough_at = room.clock.monotonic()
        self._began = room.clock.now()
        self._asked: str | None = None
        self._listened = False

    async def turn(self) -> None:
        """Looks if it is time, or if somebody asked for it."""
        await notice(self.room)
        asked = await self.room.store.setting(ASKED)
        wanted = self._listened and asked != self._asked
        self._asked, self._listened = asked, True
        if wanted or self._due():
            await self.look(thorough=wanted)
        if self.room.sweep_soon and Flow.REPAIR in self.room.policy.flows:
            # A poll that could not read the field has reported its records, and will not do so again.
            await self._sweep()
        self.room.sweep_soon = False

    async def look(self, *, thorough: bool = True) -> None:
        """Asks every system that can be asked, and takes in what it says."""
        now = self.room.clock.monotonic()
        thorough = thorough or now - self._thorough_at >= THOROUGH_EVERY
        for side, desk in self.room.desks.items():
            if isinstance(desk.system, Describing):
                await desk.describe(thorough=thorough)
                async with self.room.noticing:
                    await _take_in(self.room, side)
        self._looked_at = now
        self._thorough_at = now if thorough else self._thorough_at

    def _due(self) -> bool:
        return self.room.clock.monotonic() - self._looked_at >= self._every()

    def _every(self) -> float:
        """Seconds between two looks: a tenth of the time something has been missing, within limits."""
        since = [one.since for kept in self.room.known.values() for one in kept.lost.values()]
        if hinders_birth(self.room):
            # Never there yet, and so no loss: but somebody is about to grant it, and new deals wait.
            since.append(self._began)
        if not since:
            return self.room.pace.schema_every
        lasts = self.room.clock.now() - max(since)
        return min(self.room.pace.schema_every, max(FIRST, min(RAREST, lasts / 10)))


async def ask(store: Store, now: float) -> None:
    """Has the running process look at the metadata: somebody may just have mended it."""
    await store.set_setting(ASKED, repr(now), "cosell", now)
