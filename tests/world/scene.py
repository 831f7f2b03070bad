"""Everything that exists in one world, and the hands that move it."""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cosell.core.guards import Brake, Policy
from cosell.core.mapping import DEFAULT, Conflict, Rule
from cosell.core.records import Resolution, Side, Write, WriteKind, WriteState
from cosell.engine import Engine, Pace, Preview, careful, schema
from cosell.engine.brake import SETTING as BRAKE
from cosell.ports import Poke, Store
from cosell.store import Memory, SqlStore, memory, open_store

from . import crm, partner_center
from .client import Client
from .fakes import Record
from .faults import DRIFTING, Faults
from .ledger import Ledger
from .loop import VirtualLoop, WorldClock, WorldDice
from .people import People, Step
from .process import GatedStore, Process, Reaper, own_tasks
from .sometimes import Sometimes
from .story import Story

NEVER = 1e9
"""A poll interval that never comes round."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One world as plain data: with the seed of its chances it can be kept, replayed and cut."""

    seed: int
    steps: tuple[Step, ...]
    faults: dict[str, float] = field(default_factory=dict)
    partner_center_precondition: str = "version"
    crm_precondition: str = "second"
    dynamics: bool = False
    """The CRM can what Dynamics 365 can: exact versions, large batches, contacts that only a person changes,
    and a feed whose place may be forgotten, so that it begins anew."""
    signals: str = "all"
    """all: events and polls. polls: no events. events: no polls, each change told once. sweep: neither, but
    a sweep every few minutes."""
    poll_partner_center: float = 60.0
    poll_crm: float = 60.0
    processes: int = 1
    lease: float = 120.0
    parallel: int = 8
    """Calls at once to one system: with one alone, what is asked meanwhile goes out together."""
    kill_at: tuple[int, ...] = ()
    """Numbers of the I/O operations at which the process dies."""
    conflict: str = "newest"
    tight_brake: bool = False
    whole_polls: bool = True
    rounds: bool = True
    leads: str = ""
    """\"plain\" and \"declining\": leads are synced; in the latter a status of leads means disqualified."""
    restore: tuple[float, float] | None = None
    """When a copy of the database is made, and when it takes the place of the database."""
    restore_told: bool = True
    """Whether it was put back by the command, which says so; else the connector has to find out."""


class Ear(logging.Handler):
    """Hears what the connector could not foresee, and keeps the rest of its log out of everybody's way."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.scene: Scene | None = None

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if self.scene is not None and isinstance(error, Exception):
            self.scene.unforeseen(record.getMessage(), error)


EAR = Ear()
LOG = logging.getLogger("cosell")
LOG.addHandler(EAR)


class Bell:
    """The Alerts port: remembers what rings."""

    def __init__(self, story: Story, seen: Sometimes | None = None) -> None:
        self.story, self.seen, self.ringing = story, seen or Sometimes(), set[str]()

    async def raise_(self, code: str, message: str, advice: str = "") -> None:
        self.ringing.add(code)
        if code.startswith("schema_drift:") and " 0 deals" not in message:
            self.seen.happened("drift held")
        self.story.tell("alert", code, message)

    async def clear(self, code: str) -> None:
        self.ringing.discard(code)


class Scene:
    """The servers, the disk, the people and the processes of one world."""

    def __init__(self, setting: Setting, loop: VirtualLoop) -> None:
        self.setting, self.loop = setting, loop
        self.story, self.seen = Story(loop), Sometimes()
        self.rules = rules_of(setting)
        self.ledger = Ledger(self.rules, loop, self.story, self.seen)
        self.faults = Faults(setting.faults, self.stream("faults"))
        self.rng = self.stream("scene")
        self.latency = self.stream("latency")
        self.partner_center = partner_center.PartnerCenter(
            partner_center.capabilities(setting.partner_center_precondition),  # type: ignore[arg-type]
            self.ledger,
            loop,
            self.story,
            self.seen,
        )
        self.crm = crm.Crm(
            crm.capabilities(setting.crm_precondition, setting.leads, dynamics=setting.dynamics),  # type: ignore[arg-type]
            self.ledger,
            loop,
            self.story,
            self.seen,
            whole_polls=setting.whole_polls,
            rounds=setting.rounds,
            dynamics=setting.dynamics,
        )
        self.ledger.servers = {Side.PARTNER_CENTER: self.partner_center, Side.CRM: self.crm}
        self.partner_center.push = self.event
        self.crm.push = self.told
        self.people = People(self)
        self.bell = Bell(self.story, self.seen)
        self.memory = memory()
        self.reaper = Reaper(frozenset(setting.kill_at))
        self.processes: list[Process] = []
        self.engines: dict[str, tuple[Process, Engine]] = {}
        self.errors: list[str] = []
        self.policy = policy_of(setting)
        self.released = 1
        """Times the brake was fresh."""
        self.started = 0
        self.ending = False
        self._copy = b""
        loop.set_task_factory(own_tasks)  # type: ignore[arg-type]
        loop.set_exception_handler(self._uncaught)
        EAR.scene = self
        LOG.propagate = False

    def stream(self, purpose: str) -> random.Random:
        """Chance for one purpose only, so that a change in one does not shift the others."""
        return random.Random(f"{self.setting.seed}:{purpose}")

    # --- processes -------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Starts the connector on the disk as it stands."""
        self.started += 1
        process = Process(name, self.reaper, self.loop, self.story, died=self._died)
        label = f"{name}.{self.started}"
        store = GatedStore(
            self.open_store(label), process, self.ledger, self.stream(f"disk {label}"), self.seen
        )
        clients = [
            Client(server, process, self.faults, self.latency) for server in (self.partner_center, self.crm)
        ]
        pace = Pace(
            poll_partner_center=self.setting.poll_partner_center if self._polls else NEVER,
            poll_crm=self.setting.poll_crm if self._polls else NEVER,
            # Where nothing else tells of changes, drift is what sweeps live on.
            sweep_every=2.0 * self.setting.poll_crm if self.setting.signals == "sweep" else NEVER,
            idle=60.0,
            lease=self.setting.lease,
            parallel_calls=self.setting.parallel,
        )
        engine = Engine(
            store=store,
            partner_center=clients[0],
            crm=clients[1],
            rules=self.rules,
            policy=self.policy,
            pace=pace,
            clock=WorldClock(self.loop),
            dice=WorldDice(self.stream(f"dice {label}")),
            alerts=self.bell,
            owner=label,
        )
        self.processes.append(process)
        self.engines[name] = (process, engine)
        self.story.tell(name, "started", label)
        if len(self.alive()) > 1:
            self.seen.happened("two processes")
        process.start(engine.run())

    def open_store(self, who: str) -> SqlStore:
        """The disk as it stands, for one reader or writer."""
        return open_store(self.memory, environment="world", dice=WorldDice(self.stream(f"disk dice {who}")))

    # --- the disk ----------------------------------------------------------------------------------

    def back_up(self) -> None:
        """An operator copies the database while everything works."""
        self._copy, self._rang = self.memory.copied(), set(self.bell.ringing)
        self.story.tell("operator", "backs up")

    def restore(self) -> None:
        """An operator ends every process and puts the copy back."""
        self.story.tell("operator", "restores the backup")
        self.seen.happened("restored")
        for process, _ in self.alive():
            process.kill()
        self.memory = Memory(self._copy)
        # Alerts stand in the same database.
        self.bell.ringing = set(self._rang)
        self.loop.create_task(self._distrust())

    async def _distrust(self) -> None:
        store, now = self.open_store("operator"), WorldClock(self.loop).now()
        await self._forget(store)
        if self.setting.restore_told:
            await careful.enter(store, self.bell, why="restored", token=f"restored {now}", now=now)
            await self._forget(store)

    async def _forget(self, store: Store) -> None:
        kept = [row.write for row in await store.journal(None, 100_000)]
        self.ledger.forget(kept, told=self.setting.restore_told)

    @property
    def _polls(self) -> bool:
        return self.setting.signals in ("all", "polls")

    def _died(self, process: Process) -> None:
        self.seen.happened("killed")
        if any(write_id not in self.ledger.closed for write_id in self.ledger.journal):
            self.seen.happened("killed with an intent")
        if not self.ending:
            self.loop.call_later(self.rng.uniform(1.0, 30.0), self.start, process.name)

    def alive(self) -> list[tuple[Process, Engine]]:
        return [(process, engine) for process, engine in self.engines.values() if not process.dead]

    def _knock(self, record_id: str, side: Side, cause: str) -> None:
        """Lets a living process hear of a record, as an event or a click would."""
        for process, engine in self.alive()[:1]:
            if side is Side.PARTNER_CENTER:
                process.start(self.forgiving(process, partial(engine.heard, record_id, cause)))
            else:
                process.start(self.forgiving(process, partial(poke, engine, record_id, cause)))

    async def forgiving(self, process: Process, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Does what somebody asked for; an error is theirs to see and ends nothing."""
        try:
            await work()
        except Exception as error:
            self.story.tell(process.name, "a visitor met", error)

    def _uncaught(self, _: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self.unforeseen(str(context.get("message", "")), error)

    def unforeseen(self, message: str, error: Exception) -> None:
        """Something happened that no code expected."""
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = "".join(f" at {one.name}:{one.lineno}" for one in last)
        self.errors.append(f"{error!r}{place}")
        self.story.tell("loop", "UNFORESEEN", message, f"{error!r}{place}")

    # --- signals -----------------------------------------------------------------------------------

    def event(self, record_id: str) -> None:
        """Partner Center tells us of a change, as well as it can."""
        if self.setting.signals not in ("all", "events"):
            return
        if self.setting.signals == "events":
            self._deliver_later(Side.PARTNER_CENTER, record_id, 0.3)
            return
        if self.faults.strikes("webhook_lost"):
            self.seen.happened("webhook lost")
            return
        delay = self.rng.uniform(0.1, 3.0)
        if self.faults.strikes("webhook_late"):
            self.seen.happened("webhook late")
            delay = self.rng.uniform(10.0, 200.0)
        if self.faults.strikes("webhook_early"):
            delay = 0.0
        self._deliver_later(Side.PARTNER_CENTER, record_id, delay)
        if self.faults.strikes("webhook_doubled"):
            self.seen.happened("webhook doubled")
            self._deliver_later(Side.PARTNER_CENTER, record_id, delay + self.rng.uniform(0.0, 20.0))
        if self.faults.strikes("webhook_unknown"):
            self.seen.happened("webhook unknown")
            self._deliver_later(Side.PARTNER_CENTER, "0badf00d-0000-4000-8000-000000000000", delay)

    def told(self, record_id: str) -> None:
        """In worlds without polls the CRM tells of its changes too, each once."""
        if self.setting.signals == "events":
            self._deliver_later(Side.CRM, record_id, 0.3)

    def _deliver_later(self, side: Side, record_id: str, delay: float) -> None:
        self.loop.call_later(delay, self._deliver, side, record_id)

    def _deliver(self, side: Side, record_id: str) -> None:
        if not self.alive():
            if self.setting.signals == "events" and not self.ending:
                self._deliver_later(side, record_id, 5.0)
            return
        self.story.tell("event", str(side), record_id)
        self._knock(record_id, side, "webhook")

    # --- what people need --------------------------------------------------------------------------

    def slow_transaction(self, record: Record) -> bool:
        """Whether a person's change begins now and is seen later.

        Never within the second of the record's last change: there a whole-second version could not tell
        the two apart, which is a hole of that system and not of ours (reliability.md 13).
        """
        return int(self.loop.now) != int(record.changed) and self.faults.strikes("slow_transaction")

    def decide(self, record_id: str, key: str, side: Side) -> None:
        for process, engine in self.alive()[:1]:
            process.start(self.forgiving(process, partial(self._resolve, engine, record_id, key, side)))

    async def _resolve(self, engine: Engine, record_id: str, key: str, side: Side) -> None:
        """A person chooses a side for the field, or for the first held field there is."""
        store, now = engine.room.store, engine.room.clock.now()
        link = await store.link(record_id)
        held = [one for one in (key, *sorted(link.holds)) if one in link.holds] if link else []
        if link is None or not held:
            return
        chosen, hold = held[0], link.holds[held[0]]
        answer = Resolution(side, hold.partner_center, hold.crm, "a person", now)
        decision = Write(
            id=engine.room.dice.token(),
            link_key=link.key,
            side=side.other,
            kind=WriteKind.DECISION,
            record_id=link.id_of(side.other),
            partner_id=link.id_of(side),
            note=f"{chosen}: take {side}",
            created_at=now,
            state=WriteState.DONE,
            finished_at=now,
        )
        await store.decide(replace(link, resolutions={**link.resolutions, chosen: answer}), decision, now)
        self.seen.happened("hold resolved")
        self.story.tell("people", "resolved", link.key, chosen, str(side), hold.reason)
        for one in (link.partner_center_id, link.crm_id):
            if one:
                self.ledger.resolved.add((one, chosen))
        engine.worker.wake()

    def look_now(self, record_id: str) -> None:
        self._knock(record_id, Side.CRM, "person")

    async def sweep(self) -> None:
        """The nightly comparison comes round."""
        for process, engine in self.alive()[:1]:
            await asyncio.wait([process.start(self.forgiving(process, engine.sweep))])
            engine.worker.wake()

    async def day_passes(self) -> None:
        """The daily look at the metadata comes round, where nothing is missing that is looked for sooner, and
        the nightly comparison after it."""
        looked = False
        for process, engine in self.alive():
            room = engine.room
            missing = any(kept.lost for kept in room.known.values()) or schema.hinders_birth(room)
            if room.desk(Side.CRM).system.capabilities.lacks and not missing:
                await asyncio.wait([process.start(self.forgiving(process, engine.schema.look))])
                looked = True
        if looked:
            await self.sweep()

    async def previews(self) -> list[Preview]:
        """What a living process would still do; nothing where none lives."""
        found: list[Preview] = []

        async def ask(engine: Engine) -> None:
            found.extend(await engine.preview())

        for process, engine in self.alive()[:1]:
            await asyncio.wait([process.start(self.forgiving(process, partial(ask, engine)))])
        return found

    async def release_brake(self, store: Store) -> bool:
        """A person looks at the brake and lets go; answers whether it was on."""
        state = await store.setting(BRAKE)
        if state != "on":
            return state is not None  # released, and not taken notice of yet
        self.seen.happened("brake")
        self.released += 1
        await store.set_setting(BRAKE, "released", "a person", WorldClock(self.loop).now())
        self.story.tell("people", "released the brake")
        return True

    def step(self, step: Step) -> None:
        self.people.do(step)

    def maybe_poison(self) -> None:
        """Some records are refused for as long as things go wrong."""
        for server in (self.partner_center, self.crm):
            for record in server.records.values():
                record.poisoned = not self.faults.over and (record.poisoned or self.faults.strikes("poison"))

    async def weather(self) -> None:
        """Outages and lapsed sign-ins come and go until all is calm."""
        rng = self.stream("weather")
        while not self.faults.over:
            await asyncio.sleep(rng.uniform(20.0, 90.0))
            server = rng.choice((self.partner_center, self.crm))
            length = rng.uniform(10.0, 200.0)
            if self.faults.strikes("outage"):
                server.down_until = self.loop.now + length
                self.story.tell("weather", "outage", server.name, f"{length:.0f} s")
            if self.faults.strikes("signed_out"):
                server.signed_out_until = self.loop.now + length
                self.story.tell("weather", "signed out", server.name, f"{length:.0f} s")
            self.maybe_poison()

    async def administration(self) -> None:
        """An administrator of the CRM takes fields away and brings them back, until all is calm."""
        rng = self.stream("administration")
        rate = self.setting.faults.get("drift", 0.0)
        while rate and not self.faults.over:
            await asyncio.sleep(rng.uniform(5.0, 40.0))
            key, how = rng.choice(DRIFTING), rng.choice(("gone", "gone", "locked"))
            lasts = rng.uniform(5.0, 300.0)
            if rng.random() < rate and not self.faults.over:
                self.crm.lost[key] = how
                self.seen.happened("field lost")
                self.story.tell("admin", f"made {key} {how}", f"{lasts:.0f} s")
                self.loop.call_later(lasts, self._bring_back, key)

    def _bring_back(self, key: str) -> None:
        if self.crm.lost.pop(key, None):
            self.story.tell("admin", f"brought {key} back")

    def drifting(self) -> bool:
        """Whether a process still takes a field for lost, or believes in one that is."""
        rooms = [engine.room for _, engine in self.alive()]
        lost = any(kept.lost for room in rooms for kept in room.known.values())
        return bool(self.crm.lost) or lost or any(room.sweep_soon for room in rooms)

    def calm(self) -> None:
        for key in list(self.crm.lost):
            self._bring_back(key)
        self.faults.calm()
        self.reaper.kill_at = frozenset()
        self.maybe_poison()
        self.story.tell("weather", "calm")


async def poke(engine: Engine, record_id: str, cause: str) -> None:
    """A CRM that tells us, or a person who clicks."""
    await engine.room.store.poke([Poke(Side.CRM, record_id, cause)], engine.room.clock.now())
    engine.worker.wake()


def rules_of(setting: Setting) -> dict[str, Rule]:
    """The default mapping with the world's own way to settle conflicts."""
    rules = dict(DEFAULT)
    for key in ("deal_value", "close_date", "notes"):
        rules[key] = Rule(key, conflict=Conflict(setting.conflict))
    return rules


def policy_of(setting: Setting) -> Policy:
    brake = Brake(links=2, share=0.0, clears=1, clear_share=0.0) if setting.tight_brake else Brake()
    return Policy(brake=brake)
