"""Group commit: what was asked for while one commit ran becomes durable with the next, all at once.

Nobody is told of success before the commit. A batch that fails for a reason of one of its orders is taken
back and each order tried again alone, so that neighbours never pay for each other.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from cosell.core.errors import CosellError, Unavailable
from cosell.store.changes import Change, change_all
from cosell.store.sqlite import Database
from cosell.store.transaction import Transaction

T = TypeVar("T")
Work: TypeAlias = Callable[[Transaction], T]
OnCommit: TypeAlias = Callable[[Literal["before", "after"]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One call of one verb and where its answer goes."""

    work: Change | Work[Any]
    writes: bool
    answer: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class _Killed(Exception):
    """Carries what the commit hook raised past everything that would try again."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


_Settled: TypeAlias = list[tuple[Order, Any]]


class Desk(Protocol):
    """Where orders are put; they are carried out in batches, on the event loop or beside it."""

    def put(self, order: Order) -> None: ...

    async def aclose(self) -> None: ...


class GroupCommit:
    """Carries out batches of orders on one connection."""

    def __init__(
        self, database: Database, environment: str, *, digest_key: bytes, on_commit: OnCommit | None
    ) -> None:
        self._database = database
        self._environment = environment
        self._digest_key = digest_key
        self._on_commit = on_commit

    def run(self, orders: Sequence[Order]) -> Iterator[_Settled]:
        """Carries out the orders, writing ones first, and yields answers as soon as they are true."""
        waiting = [order for order in orders if not order.answer.cancelled()]
        writing = [order for order in waiting if order.writes]
        if writing:
            yield self._run_safely(writing, self._write)
        reading = [order for order in waiting if not order.writes]
        if reading:
            yield self._run_safely(reading, self._read)

    def close(self) -> None:
        """Lets go of the connection."""
        self._database.close()

    def _run_safely(self, orders: Sequence[Order], run: Callable[[Sequence[Order]], _Settled]) -> _Settled:
        try:
            return run(orders)
        except _Killed as kill:
            return _all(orders, kill.error)
        except CosellError as error:  # the disk, not an order: nothing gets better by trying each alone
            return _all(orders, error)
        except Exception as error:
            if len(orders) == 1:
                return _all(orders, error)
            return [settled for order in orders for settled in self._run_safely([order], run)]

    def _write(self, orders: Sequence[Order]) -> _Settled:
        with self._database.transaction(writing=True) as connection:
            transaction = Transaction(connection, self._environment)
            settled = [pair for run in _runs(orders) for pair in self._carry_out(transaction, run)]
            if transaction.changed:
                self._hook("before")
        if transaction.changed:
            self._hook("after")
        return settled

    def _read(self, orders: Sequence[Order]) -> _Settled:
        with self._database.transaction(writing=False) as connection:
            transaction = Transaction(connection, self._environment)
            return [pair for order in orders for pair in self._carry_out(transaction, [order])]

    def _carry_out(self, transaction: Transaction, run: Sequence[Order]) -> _Settled:
        changes = [order.work for order in run if isinstance(order.work, Change)]
        if changes:
            outcomes = change_all(transaction, changes, self._digest_key)
            return [
                (o, _Failed(a) if isinstance(a, Exception) else a) for o, a in zip(run, outcomes, strict=True)
            ]
        return [(order, order.work(transaction)) for order in run if not isinstance(order.work, Change)]

    def _hook(self, moment: Literal["before", "after"]) -> None:
        if self._on_commit is None:
            return
        try:
            self._on_commit(moment)
        except BaseException as error:
            raise _Killed(error) from error


def _runs(orders: Iterable[Order]) -> Iterator[list[Order]]:
    """Groups neighbouring changes to different keys; everything else goes alone, in order."""
    run: list[Order] = []
    keys: set[str] = set()
    for order in orders:
        key = order.work.taken.key if isinstance(order.work, Change) else None
        if run and (key is None or key in keys):
            yield run
            run, keys = [], set()
        run.append(order)
        if key is None:
            yield run
            run = []
        else:
            keys.add(key)
    if run:
        yield run


def _all(orders: Iterable[Order], error: BaseException) -> _Settled:
    return [(order, _Failed(error)) for order in orders]


def _tell(settled: _Settled) -> None:
    for order, answer in settled:
        if order.answer.done():  # the caller was cancelled meanwhile
            continue
        if isinstance(answer, _Failed):
            order.answer.set_exception(answer.error)
        else:
            order.answer.set_result(answer)


def _closed() -> Unavailable:
    return Unavailable("The database is closed.", advice="Start the service again.")


class InlineDesk:
    """Carries orders out on the event loop itself, those of one turn together. For worlds: no thread."""

    def __init__(self, commits: GroupCommit) -> None:
        self._commits = commits
        self._orders: list[Order] = []
        self._closed = False

    def put(self, order: Order) -> None:
        if self._closed:
            raise _closed()
        if not self._orders:
            order.answer.get_loop().call_soon(self._flush)
        self._orders.append(order)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._flush()
            self._commits.close()

    def _flush(self) -> None:
        orders, self._orders = self._orders, []
        for settled in self._commits.run(orders):
            _tell(settled)


class ThreadDesk:
    """Carries orders out in one thread of its own, so that fsync never holds up the event loop.

    Orders of one turn of the loop are handed over together: one by one the thread would commit the first
    alone while the rest is still being asked, and the two threads would fight for the interpreter.
    """

    def __init__(self, commits: GroupCommit) -> None:
        self._commits = commits
        self._fresh: dict[asyncio.AbstractEventLoop, list[Order]] = {}
        self._orders: list[Order] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="cosell-store", daemon=True)
        self._thread.start()

    def put(self, order: Order) -> None:
        loop = order.answer.get_loop()
        with self._changed:
            if self._closed:
                raise _closed()
            fresh = self._fresh.get(loop)
            if fresh is not None:
                fresh.append(order)
                return
            self._fresh[loop] = [order]
        loop.call_soon(self._hand_over, loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._changed:
            self._orders += self._fresh.pop(loop, ())
            self._changed.notify()

    async def aclose(self) -> None:
        with self._changed:
            self._closed = True
            for fresh in self._fresh.values():
                self._orders += fresh
            self._fresh.clear()
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while orders := self._next():
            for settled in self._commits.run(orders):
                _tell_across(settled)
        self._commits.close()

    def _next(self) -> list[Order]:
        with self._changed:
            self._changed.wait_for(lambda: self._orders or self._closed)
            orders, self._orders = self._orders, []
        return orders


def _tell_across(settled: _Settled) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, _Settled] = {}
    for pair in settled:
        by_loop.setdefault(pair[0].answer.get_loop(), []).append(pair)
    for loop, pairs in by_loop.items():
        with suppress(RuntimeError):  # a loop that was closed meanwhile: nobody is left to be told
            loop.call_soon_threadsafe(_tell, pairs)
