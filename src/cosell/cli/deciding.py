"""What a person decides: look now, hold, release, take one side."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cosell.cli.finding import link_named, opened
from cosell.cli.speaking import FAILED, PARTLY, STALE, USAGE, Answer, Refusal, Voice
from cosell.core.fields import FIELDS
from cosell.core.reasons import Reason
from cosell.core.records import (
    FieldWrite,
    Hold,
    Link,
    LinkState,
    Resolution,
    Side,
    Write,
    WriteKind,
    WriteState,
)
from cosell.ports import LeaseLost
from cosell.wiring import drift, sweeps
from cosell.wiring.environment import Environment

if TYPE_CHECKING:
    from cosell.engine import Engine

WHOLE = "*"
"""The hold of a whole deal."""
BRAKE, ON, RELEASED = "brake", "on", "released"
"""The setting that keeps the brake, and its two words."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is asked of `cosell hold`."""

    link: str | None
    release: bool
    release_brake: bool
    note: str


def person() -> str:
    """Who sits at the keyboard, as this machine knows."""
    try:
        return os.environ.get("COSELL_WHO") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


# --- sync ------------------------------------------------------------------------------------------


async def sync(config: str | None, named: str | None, *, every: bool) -> Answer:
    """Has one deal or all of them looked at: by the running process, or here and now."""
    if (named is None) is not every:
        raise Refusal("Name one deal, or use --all.", exit_code=USAGE)
    async with opened(config, new=every) as env:
        if every:
            await drift.mended(env.store, now=env.clock.now())
        if named is None and env.settings.flows.repair:
            return await _sweep(env)
        now = env.clock.now()
        keys = [(await link_named(env, named)).key] if named else None
        if env.place.running():
            count = await _poke(env, keys, now)
            return Answer({"poked": count, "by": "running process"}, lambda voice: _queued(voice, count))
        return await _here(env, keys)


async def _sweep(env: Environment) -> Answer:
    """Compares every link; what differs is repaired by the running process, or here and now."""
    engine, running = env.engine(), bool(env.place.running())
    looks = 0 if running else await _caught_up(engine)
    report = await engine.sweep()
    looks += 0 if running else await engine.drain()

    def show(voice: Voice) -> None:
        voice.line(sweeps.says(report))
        if running and report.poked:
            voice.line("The running process brings them into step: cosell status, cosell explain LINK.")
        elif not running:
            voice.line(f"Looked {looks} time{'' if looks == 1 else 's'}.")

    by = "running process" if running else "this command"
    data = {"sweep": {**report.data(), "says": sweeps.says(report)}, "looks": looks, "by": by, "links": []}
    return Answer(data, show)


async def _caught_up(engine: Engine) -> int:
    """What the polls bring comes first: a change told of is no drift. Answers how many looks it took."""
    for side in Side:
        await engine.poll(side)
    return await engine.drain()


async def _poke(env: Environment, keys: list[str] | None, now: float) -> int:
    if keys is None:
        return await env.store.poke_all("person", now)
    await env.store.poke_keys(keys, "person", now)
    return len(keys)


def _queued(voice: Voice, count: int) -> None:
    voice.line(f"The running process looks at {count} deal{'' if count == 1 else 's'} now.")
    voice.line("See what came of it: cosell status, cosell explain LINK.")


async def _here(env: Environment, keys: list[str] | None) -> Answer:
    engine = env.engine()
    looks = await _caught_up(engine) if keys is None else 0
    await _poke(env, keys, env.clock.now())
    looks += await engine.drain()
    links = [await env.store.link(key) for key in keys or ()]
    told = [_told(link) for link in links if link is not None]
    troubled = [
        one for one in told if one["state"] not in (LinkState.LINKED, LinkState.PAUSED) or one["reason"]
    ]
    code = (FAILED if keys and len(keys) == 1 else PARTLY) if troubled else 0

    def show(voice: Voice) -> None:
        voice.line(f"Looked {looks} time{'' if looks == 1 else 's'}.")
        for one in told:
            voice.line(f"{one['key']}: {one['state']} {one['reason']} {one['detail']}".rstrip())

    return Answer({"looks": looks, "by": "this command", "links": told}, show, code)


def _told(link: Link) -> dict[str, Any]:
    return {"key": link.key, "state": str(link.state), "reason": link.reason, "detail": link.detail}


# --- hold ------------------------------------------------------------------------------------------


async def hold(config: str | None, wanted: Holding) -> Answer:
    """Holds a deal or releases it; or releases the brake."""
    if wanted.release_brake:
        if wanted.link or wanted.release:
            raise Refusal("--release-brake stands alone.", exit_code=USAGE)
        return await _release_brake(config)
    if wanted.link is None:
        raise Refusal("Name the deal to hold.", exit_code=USAGE)
    async with opened(config) as env:
        link = await link_named(env, wanted.link)
        if wanted.release:
            return await _release(env, link)
        return await _hold(env, link, wanted.note)


async def _hold(env: Environment, link: Link, note: str) -> Answer:
    now = env.clock.now()
    detail = f"{person()}{': ' if note else ''}{note}"[:500]
    held = Hold(Reason.BY_PERSON, now, detail=detail)

    def changed(found: Link) -> Link:
        return replace(found, holds={**found.holds, WHOLE: held})

    await decide(env, link, changed, "held by a person")
    return Answer(
        {"key": link.key, "held": True},
        lambda voice: voice.line(
            f"{link.key} is held; nothing is written until: cosell hold {link.key} --release"
        ),
    )


async def _release(env: Environment, link: Link) -> Answer:
    if WHOLE not in link.holds:
        raise Refusal(
            f"{link.key} is not held by a person.",
            advice="A field held for a reason of its own: cosell resolve LINK FIELD --take SIDE",
        )

    def changed(found: Link) -> Link:
        # While the deal was held, each look held the fields that differ in the person's name as well.
        kept = {name: one for name, one in found.holds.items() if one.reason != Reason.BY_PERSON}
        return replace(found, holds=kept)

    await decide(env, link, changed, "released by a person")
    return Answer(
        {"key": link.key, "held": False},
        lambda voice: voice.line(f"{link.key} is released; what waited goes out with the next look."),
    )


async def _release_brake(config: str | None) -> Answer:
    async with opened(config) as env:
        if await env.store.setting(BRAKE) != ON:
            raise Refusal("The brake is not on.")
        await env.store.set_setting(BRAKE, RELEASED, person(), env.clock.now())
    return Answer(
        {"brake": RELEASED},
        lambda voice: voice.line("The brake is released; the changes it stopped go out with the next look."),
    )


# --- resolve ---------------------------------------------------------------------------------------


async def resolve(config: str | None, named: str, field: str, *, take: str) -> Answer:
    """Decides a held field for one side, for exactly the two values the hold shows."""
    sides = {"crm": Side.CRM, "partner_center": Side.PARTNER_CENTER}
    if take not in sides:
        raise Refusal(f"--take is crm or partner_center, not «{take[:40]}».", exit_code=USAGE)
    if field != "link" and field not in FIELDS:
        raise Refusal(
            f"There is no field «{field[:40]}».", advice="See: cosell mapping show", exit_code=USAGE
        )
    async with opened(config) as env:
        link = await link_named(env, named)
        held = link.holds.get(field)
        if field != "link" and held is None:
            raise Refusal(
                f"{field} of {link.key} is not held; there is nothing to decide.",
                advice=f"See: cosell explain {link.key}",
            )
        seen = held or Hold("", env.clock.now())
        answer = Resolution(sides[take], seen.partner_center, seen.crm, person(), env.clock.now())

        def changed(found: Link) -> Link:
            now_held = found.holds.get(field)
            if field != "link" and (now_held is None or not _same(now_held, seen)):
                raise Refusal(
                    f"{field} of {link.key} changed meanwhile; nothing was decided.",
                    advice=f"Look again: cosell explain {link.key}",
                    exit_code=STALE,
                )
            return replace(found, resolutions={**found.resolutions, field: answer})

        value = seen.crm if sides[take] is Side.CRM else seen.partner_center
        other = seen.partner_center if sides[take] is Side.CRM else seen.crm
        fields = {field: FieldWrite(other, value, value, Reason.RESOLVED)} if held else {}
        await decide(env, link, changed, f"{field}: {take} taken by a person", fields=fields)
    return Answer(
        {"key": link.key, "field": field, "take": take},
        lambda voice: voice.line(f"{field} of {link.key}: the value of {take} is taken with the next look."),
    )


def _same(one: Hold, other: Hold) -> bool:
    return (one.partner_center, one.crm) == (other.partner_center, other.crm)


async def decide(
    env: Environment, link: Link, changed: Any, note: str, *, fields: dict[str, FieldWrite] | None = None
) -> None:
    """Records a decision; when a look moved the link meanwhile, the decision is put on top of that."""
    now = env.clock.now()
    decision = Write(
        id=env.dice.token(),
        link_key=link.key,
        side=Side.CRM,
        kind=WriteKind.DECISION,
        record_id=None,
        partner_id=None,
        fields=fields or {},
        cause="person",
        note=f"{note} ({person()})",
        created_at=now,
        state=WriteState.DONE,
        finished_at=now,
    )
    found: Link | None = link
    for _ in range(5):
        if found is None:
            break
        try:
            await env.store.decide(changed(found), decision, now)
            return
        except LeaseLost:
            found = await env.store.link(link.key)
    raise Refusal(
        f"{link.key} is being worked on without pause.", advice="Try again in a moment.", exit_code=75
    )
