"""A running process that may be killed between any two of its I/O operations, and its way to the disk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any

from cosell.core.errors import Unavailable
from cosell.core.records import Write, WriteState
from cosell.engine.swept import BEGUN
from cosell.ports import LeaseLost, Store

from .ledger import Ledger
from .loop import VirtualLoop
from .sometimes import Sometimes
from .story import Story


class Killed(BaseException):
    """The process is dead; nothing of it may catch this and nothing of it may act any more."""


CURRENT: ContextVar[Process | None] = ContextVar("process", default=None)


class Reaper:
    """Counts the I/O operations of all processes and kills at the chosen ones."""

    def __init__(self, kill_at: frozenset[int]) -> None:
        self.kill_at = kill_at
        self.count = 0
        self.busy = 0
        """The count when something was last written anywhere."""

    def strikes(self) -> bool:
        self.count += 1
        return self.count in self.kill_at


class Process:
    """One incarnation of the connector."""

    def __init__(
        self, name: str, reaper: Reaper, loop: VirtualLoop, story: Story, *, died: Callable[[Process], None]
    ) -> None:
        self.name, self.loop, self.story = name, loop, story
        self.dead = False
        self.tasks: list[asyncio.Task[Any]] = []
        self._reaper, self._died = reaper, died

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Starts `work` as a part of this process; what it starts belongs to the process too."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return self.loop.create_task(work, context=context)

    def point(self, label: str) -> None:
        """One side of an I/O operation: the place where a process may die."""
        if self.dead:
            raise Killed
        if self._reaper.strikes():
            self.story.tell(self.name, "KILLED", label, f"I/O {self._reaper.count}")
            self.kill()
            raise Killed

    def worked(self) -> None:
        """Something was written."""
        self._reaper.busy = self._reaper.count

    def kill(self) -> None:
        """Ends every task of this process where it stands."""
        self.dead = True
        for task in self.tasks:
            if not task.done():
                task.cancel()
        self._died(self)


def own_tasks(loop: VirtualLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    """The task factory of a world: a task belongs to the process that started it."""
    context = options.get("context")
    task = asyncio.Task(work, loop=loop, **options)
    owner = context.get(CURRENT) if context is not None else CURRENT.get()
    if owner is not None:
        owner.tasks.append(task)
        if owner.dead:
            task.cancel()
    return task


class GatedStore:
    """A Store whose every verb is an I/O point: seen by the ledger, delayed a little, deadly at times."""

    def __init__(
        self,
        store: Store,
        process: Process,
        ledger: Ledger,
        latency: random.Random,
        seen: Sometimes,
    ) -> None:
        self._store, self._process, self._ledger = store, process, ledger
        self._latency, self._seen = latency, seen
        self._verbs: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {}

    @property
    def trouble(self) -> Unavailable | None:
        """As the store itself says."""
        return self._store.trouble

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        verb = self._verbs.get(name)
        if verb is None:
            verb = self._verbs[name] = self._gate(name)
        return verb

    def _gate(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        inner: Callable[..., Coroutine[Any, Any, Any]] = getattr(self._store, name)
        before, after, process = f"before store.{name}", f"after store.{name}", self._process
        watch = getattr(self, f"_saw_{name}", None)
        expect = self._ledger.expects if name == "begin" else None
        quiet = name in _QUIET

        async def call(*args: Any, **named: Any) -> Any:
            process.point(before)
            await asyncio.sleep(max(0.0, 0.008 * (self._latency.random() - 0.6)))
            if process.dead:
                raise Killed
            if expect is not None:
                expect(args[1])
            try:
                answer = await inner(*args, **named)
            except LeaseLost:
                self._seen.happened("swap or lease lost")
                process.story.tell(process.name, f"store.{name}", "LeaseLost")
                raise
            if watch is not None:
                watch(*args, **named)
            elif not quiet:
                process.story.tell(process.name, f"store.{name}")
            process.point(after)
            return answer

        return call

    def _saw_begin(self, taken: Any, write: Write, link: Any = None, *, known: Any = None) -> None:
        self._tell("store.begin", write)
        self._ledger.begun(self._process.name, write)

    def _saw_sent_again(self, taken: Any, write: Write) -> None:
        self._tell("store.sent_again", write)
        self._seen.happened("sent again")
        self._ledger.resent(write)

    def _saw_finish(self, taken: Any, writes: Any, link: Any, *, known: Any = None) -> None:
        self._process.worked()
        for write in writes:
            self._tell("store.finish", write)
            self._ledger.finished(write)
        self._process.story.tell(self._process.name, "link", link.key[:8], str(link.state), link.reason)

    def _saw_save(self, taken: Any, link: Any) -> None:
        self._process.worked()
        holds = ",".join(f"{key}:{hold.reason}" for key, hold in sorted(link.holds.items()))
        self._process.story.tell(
            self._process.name, "store.save", link.key[:8], str(link.state), link.reason, holds
        )

    def _saw_join(self, taken: Any, other_key: str) -> None:
        self._process.story.tell(self._process.name, "store.join", other_key[:8])
        self._seen.happened("stubs joined")

    def _saw_amend(self, name: str, *_: Any, **__: Any) -> None:
        if name == BEGUN:
            self._seen.happened("swept")

    def _saw_set_setting(self, name: str, *_: Any, **__: Any) -> None:
        self._saw_amend(name)

    def _saw_distrust(self, *_: Any, **__: Any) -> None:
        self._seen.happened("found to be older")
        self._ledger.all_ended()

    def _saw_poke(self, pokes: Any, now: float) -> None:
        self._process.story.tell(
            self._process.name, "store.poke", [f"{one.cause}:{one.record_id}" for one in pokes]
        )

    def _tell(self, verb: str, write: Write) -> None:
        state = "" if write.state is WriteState.OPEN else f"{write.state} {write.outcome}"
        fields = {key: (one.before, one.after) for key, one in write.fields.items()}
        self._process.story.tell(
            self._process.name, verb, write.id[:6], str(write.side), str(write.kind), fields, state
        )


_QUIET = frozenset(
    {
        "take",
        "next_due",
        "renew",
        "done",
        "cursor",
        "load",
        "hold_lease",
        "link",
        "links_of",
        "setting",
        "settings",
        "advance",
    }
)
