"""From a seed to a world, from a world to its outcome."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from cosell.core.values import Value
from cosell.engine import careful
from cosell.ports import Store

from . import checks, faults, loop, people
from .ledger import Violation
from .scene import Scene, Setting

LONGEST_REST = 3600.0
"""Virtual seconds within which everything must have settled once all is calm."""
QUIET = 160.0
"""Virtual seconds watched afterwards, in which nothing may be written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a world."""

    setting: Setting
    violations: tuple[Violation, ...]
    lines: tuple[str, ...]
    """The story; empty unless asked for or something went wrong."""
    digest: str
    seen: Counter[str]
    operations: int
    """I/O operations of all processes."""
    busy: int
    """How many of them there were when something was last written."""
    seconds: float
    """Virtual seconds lived."""
    end: Mapping[str, Mapping[str, Value]]
    """What each record held at the end, by system, deal and order of birth."""

    @property
    def ok(self) -> bool:
        return not self.violations


def draw(seed: int) -> Setting:
    """The world of a seed."""
    rng = random.Random(f"{seed}:world")
    signals = rng.choices(("all", "polls", "events", "sweep"), (5, 3, 2, 1))[0]
    rates = faults.draw(random.Random(f"{seed}:swarm"))
    if rates:
        rates["place_forgotten"] = random.Random(f"{seed}:place").choice((0.0, *faults.RATES))
        rates["drift"] = random.Random(f"{seed}:drift").choice((0.0, 0.0, 0.0, 0.3, 0.9))
    if signals == "events":
        rates = {
            kind: rate for kind, rate in rates.items() if kind not in ("page_skipped", "slow_transaction")
        }
    kills = rng.randint(1, 3) if rates.get("kill") else 0
    tight = rng.random() < 0.06
    steps = people.draw(random.Random(f"{seed}:people"))
    if tight:  # somebody empties a field of every deal, twice
        last = steps[-1].at
        steps += tuple(
            people.Step(last + 30.0 * times, "clear_all", 0, key)
            for times, key in ((1, "notes"), (2, "notes"))
        )
    dynamics = random.Random(f"{seed}:crm").random() < 0.25
    leads, more = people.draw_leads(random.Random(f"{seed}:leads"), steps)
    last = max(step.at for step in more)
    restore = None if tight else faults.draw_restore(random.Random(f"{seed}:restore"), last)
    return Setting(
        seed=seed,
        restore=restore,
        restore_told=random.Random(f"{seed}:told").random() < 0.6,
        leads=leads,
        steps=more,
        faults=rates,
        partner_center_precondition=rng.choices(("version", "moody", "none"), (4, 3, 2))[0],
        crm_precondition=_exact(rng.choices(("second", "version"), (3, 1))[0], dynamics),
        dynamics=dynamics,
        signals=signals,
        poll_partner_center=rng.choice((20.0, 60.0, 90.0)),
        poll_crm=rng.choice((20.0, 60.0, 90.0)),
        processes=2 if rng.random() < 0.15 else 1,
        lease=rng.choice((15.0, 120.0)),
        parallel=random.Random(f"{seed}:parallel").choice((1, 8, 8, 8)),
        kill_at=tuple(sorted(int(rng.paretovariate(0.5) * 10) for _ in range(kills))),
        conflict=rng.choice(("newest", "newest", "ask", "crm", "partner_center")),
        tight_brake=tight,
        whole_polls=rng.random() < 0.6,
        rounds=rng.random() < 0.7,
    )


def _exact(drawn: str, dynamics: bool) -> str:
    return "version" if dynamics else drawn


def run(setting: Setting, *, tell: bool = False) -> Outcome:
    """Lives through one world."""
    return loop.run(lambda virtual: _live(setting, virtual, tell))


async def _live(setting: Setting, virtual: loop.VirtualLoop, tell: bool) -> Outcome:
    scene = Scene(setting, virtual)
    for step in setting.steps:
        if step.at <= 0:
            scene.step(step)
        else:
            virtual.call_at(step.at, scene.step, step)
    if setting.restore is not None:
        copied, put_back = setting.restore
        virtual.call_at(copied, scene.back_up)
        virtual.call_at(put_back, scene.restore)
    scene.maybe_poison()
    for number in range(setting.processes):
        scene.start("ab"[number])
    weather = virtual.create_task(scene.weather())
    admin = virtual.create_task(scene.administration())
    await asyncio.sleep(max(_moments(setting), default=0.0) + 60.0)
    scene.calm()
    weather.cancel()
    admin.cancel()
    store = scene.open_store("judge")
    await _rest(scene, store)
    busy = scene.reaper.busy
    if not scene.ledger.violations:
        await _judge(scene, store)
    await _stop(scene)
    for error in scene.errors:
        scene.ledger.violate("INV-14", "something unforeseen:", error)
    found = tuple(scene.ledger.violations)
    return Outcome(
        setting,
        found,
        tuple(scene.story.lines()) if tell or found else (),
        scene.story.digest() if tell else "",
        scene.seen.seen,
        scene.reaper.count,
        busy,
        virtual.now,
        _end(scene),
    )


def _moments(setting: Setting) -> list[float]:
    """When something is to happen that does not come by chance."""
    return [*(step.at for step in setting.steps), *(setting.restore or ())]


async def _rest(scene: Scene, store: Store) -> None:
    """Waits until nothing is left to do, or too long."""
    setting = scene.setting
    polling = setting.signals in ("all", "polls")
    slow = 1.5 * max(setting.poll_partner_center, setting.poll_crm) if polling else 0.0
    late = 240.0 if "webhook_late" in setting.faults or setting.tight_brake else 60.0
    await asyncio.sleep(late + slow)
    await scene.day_passes()
    # No list shows some of the leads: what an event did not tell is found by the sweep.
    if (
        setting.signals == "sweep"
        or setting.leads
        or {"page_skipped", "slow_transaction", "poison"} & setting.faults.keys()
    ):
        await scene.sweep()
        await _wait(scene, store)
        await scene.sweep()
    await _wait(scene, store)


async def _wait(scene: Scene, store: Store) -> None:
    until = scene.loop.now + LONGEST_REST
    while scene.loop.now < until and not await _settled(scene, store):
        await asyncio.sleep(30.0)


async def _settled(scene: Scene, store: Store) -> bool:
    if not scene.alive() or len(scene.alive()) < scene.setting.processes:
        return False
    if scene.setting.tight_brake and await scene.release_brake(store):
        return False
    if scene.drifting():
        return False
    if scene.setting.restore is not None and careful.read(await store.setting(careful.SETTING)).on:
        return False
    landings = scene.ledger.landings
    if landings and scene.loop.now - landings[-1].at < 65.0:
        return False
    load = await store.load(loop.EPOCH + scene.loop.now)
    return not (load.due or load.running or load.open_writes or load.later)


async def _judge(scene: Scene, store: Store) -> None:
    """The checks of rest; then silence, a sweep, and more silence, in which nothing may be written."""
    await checks.at_rest(scene, store)
    written = len(scene.ledger.landings)
    await scene.sweep()
    await asyncio.sleep(QUIET)
    if len(scene.ledger.landings) > written:
        last = scene.ledger.landings[-1]
        scene.ledger.violate("INV-4", "something was written at rest:", str(last.side), last.record_id)


def _end(scene: Scene) -> dict[str, Mapping[str, Value]]:
    found: dict[str, Mapping[str, Value]] = {}
    for server in (scene.partner_center, scene.crm):
        for record in server.alive():
            name = f"{server.name} {record.deal}"
            while name in found:
                name += "'"
            found[name] = record.values
    return found


async def _stop(scene: Scene) -> None:
    scene.ending = True
    for _, engine in scene.alive():
        engine.stop()
    await asyncio.sleep(5.0)
    for process, _ in scene.alive():
        process.dead = True
        for task in process.tasks:
            task.cancel()
    await asyncio.sleep(0)
