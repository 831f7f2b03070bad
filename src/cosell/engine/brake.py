"""The brake: tripped by too many changes at once, released by a person only, kept over restarts (INV-17)."""

from __future__ import annotations

from cosell.core.plan import Plan
from cosell.core.reasons import Reason
from cosell.core.records import Side
from cosell.engine import careful
from cosell.engine.case import Case
from cosell.engine.room import Room

SETTING = "brake"
"""on, or released; absent while nothing ever tripped."""
CLEARS = "brake.clears"
"""When fields were emptied within the last hour, epoch seconds."""
SWEPT = "brake.swept"
"""How many links there were when the present sweep began, and the keys of those it has written."""
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
    clears = sum(value is None for side in Side for value in plan.writes_to(side).values())
    swept = set(case.taken.causes) == {"sweep"}
    if (swept and await _too_many(room, case.link.key)) or (clears and await _too_empty(room, clears)):
        await _trip(room)
        case.change(reason=Reason.BRAKE)
        return True
    return False


async def begin_sweep(room: Room) -> int:
    """Counts the links anew and forgets what earlier sweeps wrote; answers how many links there are."""
    now = room.clock.now()
    links = sum((await room.store.load(now)).links.values())
    await room.store.amend(SWEPT, lambda _: str(links), "cosell", now)
    return links


async def _too_many(room: Room, key: str) -> bool:
    """Whether the present sweep may not write one more link; counted over restarts and processes."""
    allows = room.policy.brake.allows_links

    def counted(kept: str | None) -> str:
        links, written = _swept(kept)
        if key in written or not allows(len(written), links):
            return kept or ""
        return " ".join([str(links), *written, key])

    _, after = await room.store.amend(SWEPT, counted, "cosell", room.clock.now())
    return key not in _swept(after)[1]


def _swept(kept: str | None) -> tuple[int, list[str]]:
    links, *written = (kept or "").split() or ["0"]
    return int(links), written


async def _too_empty(room: Room, clears: int) -> bool:
    """Whether so many more fields may not be emptied within the hour; counted over restarts and processes."""
    now, allows = room.clock.now(), room.policy.brake.allows_clears
    links, _ = _swept(await room.store.setting(SWEPT))

    def counted(kept: str | None) -> str:
        recent = [at for at in map(float, (kept or "").split()) if at > now - HOUR]
        if not allows(len(recent) + clears - 1, links):
            return kept or ""
        return " ".join(map(repr, [*recent, *[now] * clears]))

    before, after = await room.store.amend(CLEARS, counted, "cosell", now)
    return (before or "") == after


async def _trip(room: Room) -> None:
    room.tally.on = True
    await room.store.set_setting(SETTING, "on", "cosell", room.clock.now())
    await room.alerts.raise_(
        SETTING,
        "Too many changes at once; nothing is written until somebody looks.",
        "See `cosell plan`, then `cosell hold --release-brake`.",
    )


async def look(room: Room) -> bool:
    """Takes over what other processes and people did to the brake; answers whether it is on.

    The same look finds out whether the database is to be distrusted (INV-24).
    """
    found = await room.store.settings(SETTING)
    kept = found.get(SETTING)
    room.careful = careful.read(found.get(careful.SETTING))
    if kept == "released":
        await room.store.set_setting(SETTING, None, "cosell", room.clock.now())
        await room.alerts.clear(SETTING)
        room.tally.on = False
        await room.store.set_setting(CLEARS, None, "cosell", room.clock.now())
        await room.store.amend(SWEPT, lambda kept: str(_swept(kept)[0]), "cosell", room.clock.now())
        await room.store.poke_all("person", room.clock.now())
    else:
        room.tally.on = kept == "on"
    return room.tally.on
