"""Single questions in, plural calls out: what many links ask at once goes to the system as one call.

Each link is reconciled by itself, in code that reads line by line; this is where their questions meet.
A question waits for nothing but a free place: alone it leaves at once. Only in a backlog does a call that
is not full wait a moment for those who are about to ask: the user's quota counts calls. It waits longer as
long as nobody in it brings more than signs, which no customer waits for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from cosell.core.errors import CosellError, Unavailable
from cosell.core.matching import Account
from cosell.core.records import Side, Snapshot, Values
from cosell.engine.lanes import Lane
from cosell.ports import Changes, Creation, Describing, Invitation, Read, System, Update

T = TypeVar("T")
R = TypeVar("R")

CROWD = 24
"""Links in hand from which on it is a backlog; below it nobody waits."""


class Patience(NamedTuple):
    """For how long a question waits for others in a backlog, and for how many."""

    seconds: float
    others: int
    """Links still to ask from which on waiting is worth while."""


HASTY = Patience(0.2, CROWD)
CALM = Patience(1.5, 1)
"""That of a write of a mark, an id or an Audit line alone; a stop still waits for it."""


class Batch(Generic[T, R]):
    """Collects questions asked in the same moment and sends them together, up to `size` per call."""

    def __init__(
        self,
        send: Callable[[Sequence[T]], Awaitable[Mapping[str, R | CosellError]]],
        *,
        key: Callable[[T], str],
        size: int,
        places: Callable[[], int],
        in_hand: Callable[[], int] = lambda: 0,
        patience: Callable[[T], Patience] = lambda _: HASTY,
    ) -> None:
        self._send, self._key, self._size, self._places = send, key, size, places
        self._in_hand, self._patience = in_hand, patience
        self._running = 0
        self._carried = 0
        self._lingering: asyncio.TimerHandle | None = None
        self._waiting: deque[tuple[T, asyncio.Future[R], float]] = deque()
        """Items, their answers, and when they began to wait."""
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, item: T) -> R:
        """The answer for one item; raises the error that stands in its place."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, future, loop.time()))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._start)
        return await future

    def _start(self) -> None:
        self._scheduled = False
        while self._waiting and self._running < self._places():
            if self._more_to_come() and self._linger():
                return
            taken = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            chunk = [(item, future) for item, future, _ in taken if not future.done()]
            if chunk:
                self._running += 1
                self._carried += len(chunk)
                task = asyncio.get_running_loop().create_task(self._carry(chunk))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _carry(self, chunk: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._send([item for item, _ in chunk])
            for item, future in chunk:
                answer = answers.get(self._key(item))
                if future.done():
                    continue
                if answer is None:
                    future.set_exception(Unavailable("The other side did not answer for this record."))
                elif isinstance(answer, CosellError):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        except BaseException as error:
            for _, future in chunk:
                if not future.done():
                    future.set_exception(error)
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            self._running -= 1
            self._carried -= len(chunk)
            self._start()

    def _more_to_come(self) -> bool:
        """Whether the next call would leave half empty although enough others are about to ask."""
        in_hand = self._in_hand()
        if len(self._waiting) >= self._size or in_hand < CROWD:
            return False
        still_to_ask = in_hand - self._carried - len(self._waiting)
        return still_to_ask >= max(self._patience(item).others for item, _, _ in self._waiting)

    def _linger(self) -> bool:
        """Has this looked at again when the least patient has waited long enough; False where it has."""
        loop = asyncio.get_running_loop()
        until = min(began + self._patience(item).seconds for item, _, began in self._waiting)
        if until <= loop.time():
            return False
        if self._lingering is None or self._lingering.when() > until:
            self._end_lingering()
            self._lingering = loop.call_at(until, self._lingered)
        return True

    def _lingered(self) -> None:
        self._lingering = None
        self._start()

    def _end_lingering(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()


def _patience(update: Update) -> Patience:
    return HASTY if update.values else CALM


class Desk:
    """One system as the engine uses it: in single questions, watched by its lane."""

    def __init__(
        self, system: System, lane: Lane, *, parallel: int = 8, in_hand: Callable[[], int] = lambda: 0
    ) -> None:
        self.system, self.lane = system, lane
        self.side: Side = system.side
        size = system.capabilities

        def places() -> int:
            return lane.places(parallel)

        self._reads: Batch[str, Snapshot] = Batch(
            self._get_many, key=str, size=size.read_size, places=places, in_hand=in_hand
        )
        self._updates: Batch[Update, Snapshot] = Batch(
            self._update_many,
            key=lambda update: update.write_id,
            size=size.write_size,
            places=places,
            in_hand=in_hand,
            patience=_patience,
        )

    async def get(self, record_id: str) -> Snapshot:
        return await self._reads.ask(record_id)

    async def update(self, update: Update) -> Snapshot:
        return await self._updates.ask(update)

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        return await self._watched(self.system.find(partner_id))

    async def accounts(self, values: Values, duns: str | None) -> Sequence[Account]:
        return await self._watched(self.system.accounts(values, duns))

    async def create(self, creation: Creation) -> Snapshot:
        return await self._watched(self.system.create(creation))

    async def invite(self, invitation: Invitation) -> Snapshot:
        return await self._watched(self.system.invite(invitation))

    async def describe(self, *, thorough: bool) -> None:
        """Has the system find out anew what there is, where it can."""
        if isinstance(self.system, Describing):
            self.lane.check()
            await self._watched(self.system.describe(thorough=thorough))

    async def changes(self, cursor: str | None) -> Changes:
        """One page of what changed; with None, the first of everything open."""
        self.lane.check()
        return await self._watched(self.system.changes(cursor))

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        """All these records at once, past the questions of single links; capability-sized by the caller."""
        return await self._get_many(ids)

    async def _get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        self.lane.check()
        return await self._each(self.system.get_many(list(dict.fromkeys(ids))))

    async def _update_many(self, updates: Sequence[Update]) -> Mapping[str, Read]:
        return await self._each(self.system.update_many(updates))

    async def _each(self, call: Awaitable[Mapping[str, Read]]) -> Mapping[str, Read]:
        answers = await self._watched(call)
        for answer in answers.values():
            if isinstance(answer, CosellError):
                await self.lane.heard(answer)
        return answers

    async def _watched(self, call: Awaitable[R]) -> R:
        self.lane.called()
        try:
            answer = await call
        except CosellError as error:
            await self.lane.heard(error)
            raise
        await self.lane.heard(None)
        return answer
