"""The brake: tripped by too many changes at once, released by a person only, kept over restarts (INV-17)."""

from __future__ import annotations

from cosell.core.plan import Plan
from cosell.core.reasons import Reason
from cosell.core.records import Side
from cosell.engine.case import Case
from cosell.engine.room import Room

SETTING = "brake"
"""on, or released; absent while nothing ever tripped."""
CLEARS = "brake.clears"
"""When fields were emptied within the last hour, epoch seconds."""
HOUR = 3600.0


async def stops(room: Room, case: Case, plan: Plan) -> bool:
    """Whether nothing may be written for this link now; trips the brake where the plan is one too many."""
    if "*" in case.link.holds:
        return True
    if room.tally.on:
        case.change(reason=Reason.BRAKE)
        return True
    if room.policy.dry_run:
        # Before the empty plan: marks and ids would be written for it as well.
        case.change(reason=case.link.reason if plan.empty else Reason.DRY_RUN)
        return True
    if plan.empty:
        return False
    brake, tally = room.policy.brake, room.tally
    clears = sum(value is None for side in Side for value in plan.writes_to(side).values())
    swept = set(case.taken.causes) == {"sweep"}
    too_many = swept and not brake.allows_links(len(tally.swept), tally.links)
    if too_many or (clears and await _too_empty(room, clears)):
        await _trip(room)
        case.change(reason=Reason.BRAKE)
        return True
    if swept:
        tally.swept.add(case.link.key)
    return False


async def _too_empty(room: Room, clears: int) -> bool:
    """Whether so many more fields may not be emptied within the hour; counted over restarts and processes."""
    async with room.tally.counting:
        now = room.clock.now()
        kept = [float(at) for at in (await room.store.setting(CLEARS) or "").split()]
        recent = [at for at in kept if at > now - HOUR]
        if not room.policy.brake.allows_clears(len(recent) + clears - 1, room.tally.links):
            return True
        told = " ".join(map(repr, [*recent, *[now] * clears]))
        await room.store.set_setting(CLEARS, told, "cosell", now)
        return False


async def _trip(room: Room) -> None:
    room.tally.on = True
    await room.store.set_setting(SETTING, "on", "cosell", room.clock.now())
    await room.alerts.raise_(
        SETTING,
        "Too many changes at once; nothing is written until somebody looks.",
        "See `cosell plan`, then `cosell hold --release-brake`.",
    )


async def look(room: Room) -> bool:
    """Takes over what other processes and people did to the brake; answers whether it is on."""
    kept = await room.store.setting(SETTING)
    if kept == "released":
        await room.store.set_setting(SETTING, None, "cosell", room.clock.now())
        await room.alerts.clear(SETTING)
        room.tally.on = False
        room.tally.swept.clear()
        await room.store.set_setting(CLEARS, None, "cosell", room.clock.now())
        await room.store.poke_all("person", room.clock.now())
    else:
        room.tally.on = kept == "on"
    return room.tally.on
