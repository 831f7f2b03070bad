"""A connection of one process to one server: latency, faults and death on the way there and back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from cosell.core import drift
from cosell.core.errors import (
    CosellError,
    Rejected,
    Retryable,
    SchemaDrift,
    SignedOut,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.core.matching import Account
from cosell.core.records import RecordKind, Side, Snapshot, Values
from cosell.ports import (
    Budget,
    Capabilities,
    Changes,
    Creation,
    Finding,
    Invitation,
    Lack,
    Read,
    Update,
    Written,
)

from .fakes import Server
from .faults import READ_FATES, WRITE_FATES, Faults
from .process import Killed, Process

T = TypeVar("T")
TIMEOUT = 30.0
"""Seconds after which a client gives an answer up."""
LATEST = 20.0
"""Seconds after that in which the server may still begin to carry the request out."""
LOCK_WAIT = 10.0
"""Seconds a server waits for a record that somebody else holds."""


Answer = Snapshot | CosellError
_SILENT = {
    "lost": "request lost",
    "answer_lost": "answer lost",
    "late": "answer lost",
    "torn": "batch torn",
}
"""Fates after which no answer comes, and what they count as."""


@dataclass(frozen=True, slots=True)
class Job:
    """One write of a request, as the server will carry it out."""

    write_id: str
    record_id: str
    apply: Callable[[], Answer]


class Client:
    """The System port over a bad network."""

    def __init__(self, server: Server, process: Process, faults: Faults, latency: random.Random) -> None:
        self.name: str = server.name
        self.side: Side = server.side
        self.capabilities: Capabilities = server.capabilities
        self._server, self._process = server, process
        self._faults, self._latency = faults, latency
        self._told: dict[str, str] = {}
        """What is lost of the server's fields, as far as this connection was told."""
        self._denied = False
        self._learn()

    # --- what there is to read and write ---------------------------------------------------------

    names = "the same at every start"

    def rely(self) -> None:
        """There is nothing in a world's settings that could be wrong."""

    async def describe(self, *, thorough: bool) -> None:
        await self._read("describe", "", self._learn, quiet=True)

    def _learn(self) -> None:
        """Finds out what there is now."""
        self._denied = False
        if self._server.lost != self._told:
            self._told = dict(self._server.lost)
            self.capabilities = _without(self._server.capabilities, self._told)

    def _meet(self, wanted: Collection[str] = (), *, reading: bool = True) -> SchemaDrift | None:
        """Asks for fields the server does not know any more: it says so, and the next use finds out."""
        if self._denied:
            self._learn()
        gone = {key for key, how in self._server.lost.items() if how == "gone" and key not in self._told}
        barred = {key for key in wanted if key in self._server.lost and key not in self._told}
        named = sorted((gone if reading else set()) | barred)
        if not named:
            return None
        self._denied = True
        self._seen("unknown field met")
        return SchemaDrift(f"there is no {named[0]}", fields=tuple(named))

    def _shown(self, snapshot: Snapshot) -> Snapshot:
        """A read as it comes through: without what this connection does not ask for."""
        gone = frozenset(key for key, how in self._told.items() if how == "gone")
        if not gone or snapshot.kind is RecordKind.LEAD:
            return snapshot
        values = {key: value for key, value in snapshot.values.items() if key not in gone}
        return replace(snapshot, values=values, unread=gone)

    # --- reads -----------------------------------------------------------------------------------

    async def check(self, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
        return (Finding("connection", True, "It answers."),)

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        def look() -> Mapping[str, Read]:
            self._ask()
            found = {one: self._server.read(one) for one in ids}
            return {key: self._shown(one) if isinstance(one, Snapshot) else one for key, one in found.items()}

        return await self._read("get_many", ids, look)

    def _ask(self) -> None:
        unknown = self._meet()
        if unknown is not None:
            raise unknown

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        def look() -> Sequence[Snapshot]:
            self._ask()
            return tuple(map(self._shown, self._server.search(partner_id)))

        return await self._read("find", partner_id, look)

    async def accounts(self, values: Values, duns: str | None) -> Sequence[Account]:
        name = values.get("customer_name")
        found = await self._read("accounts", name, lambda: tuple(self._server.accounts(values)), quiet=True)
        self._tell("accounts =", name, tuple(one.id for one in found))
        return found

    async def changes(self, cursor: str | None) -> Changes:
        def page() -> Changes:
            self._ask()
            skip, repeat = self._faults.strikes("page_skipped"), self._faults.strikes("page_repeated")
            place = None if cursor and self._server.forgets(self._faults) else cursor
            found = self._server.feed(place, skip=skip, repeat=repeat)
            return replace(found, snapshots=tuple(map(self._shown, found.snapshots)))

        answer = await self._read("changes", cursor or "", page, quiet=True)
        if answer.snapshots or answer.gone:
            self._tell("changes =", answer.snapshots, answer.gone, answer.cursor)
        return answer

    async def _read(self, verb: str, about: object, look: Callable[[], T], *, quiet: bool = False) -> T:
        self._process.point(f"before {self.name}.{verb}")
        fate = self._faults.fate(READ_FATES)
        if fate == "read_failed":
            self._seen("read failed")
            await self._away(0.2 + 5 * self._latency.random())
            self._tell(verb, about, "no answer")
            raise Unavailable("no answer came")
        await self._refuse(verb, fate)
        await self._away(self._delay(fate))
        answer = look()
        await self._away(self._delay(None))
        if not quiet:
            self._tell(verb, about, answer)
        self._process.point(f"after {self.name}.{verb}")
        return answer

    # --- writes ----------------------------------------------------------------------------------

    async def create(self, creation: Creation) -> Snapshot:
        keys = frozenset() if creation.kind is RecordKind.LEAD else frozenset(creation.values)
        job = Job(creation.write_id, "", lambda: self._taken(keys, lambda: self._server.create(creation)))
        return await self._write_one("create", creation, job)

    async def invite(self, invitation: Invitation) -> Snapshot:
        job = Job(invitation.write_id, invitation.seen.id, lambda: self._server.invite(invitation))
        return await self._write_one("invite", invitation, job)

    async def _write_one(self, verb: str, about: object, job: Job) -> Snapshot:
        (answer,) = await self._write(verb, about, [job])
        if isinstance(answer, CosellError):
            raise answer
        return answer

    async def update_many(self, updates: Sequence[Update]) -> Mapping[str, Written]:
        answers = await self._write("update_many", updates, [self._job(one) for one in updates])
        return {one.write_id: answer for one, answer in zip(updates, answers, strict=True)}

    def _job(self, update: Update) -> Job:
        moody = self.capabilities.precondition == "moody" and self._faults.strikes("moody")
        keys = frozenset() if update.seen.kind is RecordKind.LEAD else frozenset(update.values)
        return Job(
            update.write_id,
            update.record_id,
            lambda: self._taken(keys, lambda: self._server.update(update, moody=moody)),
        )

    def _taken(self, keys: Collection[str], apply: Callable[[], Answer]) -> Answer:
        """What becomes of a write of these fields, unless one of them is lost."""
        unknown = self._meet(keys, reading=False)
        if unknown is not None:
            return unknown
        barred = tuple(sorted(key for key in keys if key in self._told))
        if barred:
            return Rejected(f"{barred[0]} is not taken from the connector", fields=barred, code="read_only")
        answer = apply()
        return self._shown(answer) if isinstance(answer, Snapshot) else answer

    async def _write(self, verb: str, about: object, jobs: list[Job]) -> list[Answer]:
        """Sends requests that live on in the server whatever becomes of us."""
        self._process.point(f"before {self.name}.{verb}")
        fate = self._faults.fate(WRITE_FATES)
        await self._refuse(verb, fate)
        if fate is None and len(jobs) > 1 and self._faults.strikes("torn"):
            fate = "torn"
        if fate == "torn" and len(jobs) == 1:
            fate = "answer_lost"
        self._tell(f"{verb} →", about, fate or "")
        if fate in _SILENT:
            self._seen(_SILENT[fate])
        if fate == "torn":
            jobs = [one for one in jobs if self._faults.rng.random() < 0.5]
        done: asyncio.Future[list[Answer]] = self._process.loop.create_future()
        late = fate == "late"
        if fate != "lost":
            delay = TIMEOUT + LATEST * self._faults.rng.random() if late else self._delay(fate)
            until = self._process.loop.now + delay + LOCK_WAIT
            self._process.loop.call_later(delay, self._arrive, jobs, done, late, until)
        if fate in _SILENT:
            return await self._give_up(verb, jobs)
        return await self._answers(verb, jobs, done)

    async def _answers(self, verb: str, jobs: list[Job], done: asyncio.Future[list[Answer]]) -> list[Answer]:
        try:
            answers = await done
        finally:
            if self._process.dead:
                self._seen("killed before an answer")
                self._unanswered(jobs)
        if self._process.dead:
            raise Killed
        await self._away(self._delay(None))
        self._tell(f"{verb} =", answers)
        self._process.point(f"after {self.name}.{verb}")
        return answers

    def _arrive(self, jobs: list[Job], done: asyncio.Future[list[Answer]], late: bool, until: float) -> None:
        """The server carries the requests out, as soon as nobody else holds their records; or gives up."""
        held = [self._server.find_record(one.record_id) for one in jobs]
        locked = max((one.locked_until for one in held if one is not None), default=0.0)
        now = self._process.loop.now
        if locked > now and now < until:
            self._seen("write waited for a lock")
            self._process.loop.call_at(min(locked, until), self._arrive, jobs, done, late, until)
            return
        busy = Retryable("somebody else is saving the record", code="locked")
        answers = [busy if locked > now else one.apply() for one in jobs]
        if late:
            landed = not all(isinstance(one, CosellError) for one in answers)
            self._seen("applied late" if landed else "late refused")
            self._server.story.tell(self.name, "arrived late", answers)
        if not done.done():
            done.set_result(answers)

    async def _give_up(self, verb: str, jobs: list[Job]) -> list[Answer]:
        self._unanswered(jobs)
        await self._away(TIMEOUT)
        self._tell(f"{verb} = no answer")
        self._process.point(f"after {self.name}.{verb}")
        raise Uncertain("no answer came; perhaps it was applied")

    def _unanswered(self, jobs: list[Job]) -> None:
        self._server.ledger.unanswered.update(one.write_id for one in jobs)

    # --- both ------------------------------------------------------------------------------------

    async def _refuse(self, verb: str, fate: str | None) -> None:
        now, server = self._process.loop.now, self._server
        if server.signed_out_until > now and not self._faults.over:
            self._seen("signed out")
            await self._away(0.05)
            raise SignedOut("somebody must sign in again")
        if fate == "throttled":
            told = self._faults.rng.choice((None, 3.0, 30.0))
            self._seen("throttled without wait" if told is None else "throttled with wait")
            await self._away(0.05)
            self._tell(verb, "429", str(told))
            raise Throttled("too many requests", retry_after=told)
        if fate == "unavailable" or (server.down_until > now and not self._faults.over):
            self._seen("unavailable")
            await self._away(0.05)
            self._tell(verb, "503")
            raise Unavailable("the service is not available")

    def _delay(self, fate: str | None) -> float:
        if fate == "slow":
            return 2.0 + 20.0 * self._latency.random()
        return 0.02 + 0.4 * self._latency.random()

    async def _away(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._process.dead:
            raise Killed

    def _tell(self, what: str, *about: object) -> None:
        self._process.story.tell(self._process.name, f"{self.name}.{what}", *about)

    def _seen(self, name: str) -> None:
        self._server.seen.happened(name)

    def budget(self) -> Budget:
        return Budget()

    async def aclose(self) -> None:
        """Holds nothing."""


def _without(full: Capabilities, lost: Mapping[str, str]) -> Capabilities:
    """What a server can do whose administrator took these fields away."""
    gone = frozenset(key for key, how in lost.items() if how == "gone")
    locked = frozenset(lost) - gone
    says = {"gone": "was removed", "locked": "may not be written any more"}
    return replace(
        full,
        readable=full.readable - gone,
        creatable=full.creatable - gone - locked,
        updatable=full.updatable - gone - locked,
        guarded=full.guarded - gone,
        lacks={
            key if how == "gone" else drift.part(key): Lack(f"Deal.{key}", key, says[how], "Bring it back.")
            for key, how in lost.items()
        },
    )
