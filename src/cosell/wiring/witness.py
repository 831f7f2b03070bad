"""Those who watch the work: what they are told, and the place in the store's verbs where it is seen.

The engine knows nothing of them. They learn counts, ids and times, never a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from cosell.core.records import Link, Write
from cosell.ports import Clock, Store, Taken

if TYPE_CHECKING:
    # What asks only the database must not wait until the network is loaded.
    from cosell.http import Ended


class Witness(Protocol):
    """Watches one environment."""

    def calling(self, system: str, method: str, purpose: str) -> Ended:
        """A request leaves now."""
        ...

    def batch(self, keys: Sequence[str]) -> Ended:
        """These links are taken in hand; called again when the last of them is let go."""
        ...

    def wrote(self, write: Write, seconds: float) -> None:
        """A row of the journal was finished, so long after the connector first heard of its cause."""
        ...


class Several:
    """Several witnesses as one."""

    def __init__(self, witnesses: Iterable[Witness]) -> None:
        self._all = tuple(witnesses)

    def calling(self, system: str, method: str, purpose: str) -> Ended:
        return _together([one.calling(system, method, purpose) for one in self._all])

    def batch(self, keys: Sequence[str]) -> Ended:
        return _together([one.batch(keys) for one in self._all])

    def wrote(self, write: Write, seconds: float) -> None:
        for one in self._all:
            one.wrote(write, seconds)


def _together(ends: Sequence[Ended]) -> Ended:
    if len(ends) == 1:
        return ends[0]

    def ended(how: str) -> None:
        for end in ends:
            end(how)

    return ended


def watched(store: Store, witness: Witness, clock: Clock) -> Store:
    """The store, with everything taken and finished told to the witness."""
    return cast(Store, _Watched(store, witness, clock))


class _Batch:
    """Keys taken together, until the last of them is let go."""

    __slots__ = ("end", "left")

    def __init__(self, left: int, end: Ended) -> None:
        self.left, self.end = left, end


class _Watched:
    """Adds nothing to the store's verbs but a look at three of them."""

    def __init__(self, store: Store, witness: Witness, clock: Clock) -> None:
        self._store, self._witness, self._clock = store, witness, clock
        self._in_hand: dict[str, _Batch] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def take(self, limit: int, owner: str, now: float, lease_for: float) -> Sequence[Taken]:
        taken = await self._store.take(limit, owner, now, lease_for)
        if taken:
            end = self._witness.batch([one.key for one in taken])
            batch = _Batch(len(taken), end)
            for one in taken:
                self._let_go(one.key)  # its lease had ended, and it was taken again
                self._in_hand[one.key] = batch
        return taken

    async def done(self, taken: Taken, now: float, not_before: float | None = None) -> None:
        try:
            await self._store.done(taken, now, not_before)
        finally:
            self._let_go(taken.key)

    async def join(self, taken: Taken, other_key: str) -> None:
        try:
            await self._store.join(taken, other_key)
        finally:
            self._let_go(taken.key)

    async def finish(
        self, taken: Taken, writes: Sequence[Write], link: Link, *, known: str | None = None
    ) -> Link:
        saved = await self._store.finish(taken, writes, link, known=known)
        seconds = max(0.0, self._clock.now() - taken.poked_at)
        for write in writes:
            self._witness.wrote(write, seconds)
        return saved

    def _let_go(self, key: str) -> None:
        batch = self._in_hand.pop(key, None)
        if batch is not None:
            batch.left -= 1
            if batch.left == 0:
                batch.end("done")
