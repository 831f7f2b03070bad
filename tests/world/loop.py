"""An event loop on virtual time, and the ports that read it (reliability.md 6.1).

Nothing waits: when every task sleeps, the clock jumps to the next timer. Callbacks stay first in, first
out, so only schedules that asyncio allows appear, and one seed always makes one world.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar

EPOCH = 1_767_225_600.0
"""2026-01-01 UTC: where the wall clock of each world starts."""
_DAY_ONE = datetime.fromtimestamp(EPOCH, UTC)
T = TypeVar("T")


class NotInAWorld(RuntimeError):
    """Something asked for a thread, a socket or the real time inside a world."""


class _Selector:
    """Waits by moving the clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NotInAWorld("Nothing is scheduled and something still waits: a deadlock.")
        if timeout > 0:
            self.loop.now += timeout
        return []

    def close(self) -> None:
        """Holds nothing."""


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise NotInAWorld("A world runs in one thread without sockets; something tried to leave it.")


class VirtualLoop(asyncio.base_events.BaseEventLoop):
    """Runs tasks against a clock that only jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._selector = _Selector(self)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.now

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody is outside to wake us."""

    run_in_executor = _refuse  # type: ignore[assignment]
    call_soon_threadsafe = _refuse  # type: ignore[assignment]
    getaddrinfo = _refuse
    create_connection = _refuse
    create_server = _refuse
    create_datagram_endpoint = _refuse
    subprocess_exec = _refuse
    subprocess_shell = _refuse
    add_signal_handler = _refuse  # type: ignore[assignment]


@contextmanager
def _sealed() -> Iterator[None]:
    """Lets no thread and no socket come into being."""
    start, make = threading.Thread.start, socket.socket.__init__
    threading.Thread.start = _refuse  # type: ignore[method-assign]
    socket.socket.__init__ = _refuse  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
        socket.socket.__init__ = make  # type: ignore[method-assign]


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Runs `main` to its end on a new loop; whatever is left over then is cancelled."""
    loop = VirtualLoop()
    gc.disable()  # a world is short, and its rings of tasks die together afterwards
    with _sealed():
        try:
            return loop.run_until_complete(main(loop))
        finally:
            left = [task for task in asyncio.all_tasks(loop) if not task.done()]
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.close()
            gc.enable()


def moment(seconds: float) -> datetime:
    """The wall-clock time `seconds` after the start of the world."""
    return _DAY_ONE + timedelta(seconds=seconds)


class WorldClock:
    """The Clock port on virtual time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return EPOCH + self._loop.now

    def monotonic(self) -> float:
        return self._loop.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class WorldDice:
    """The Dice port on a seeded stream."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def random(self) -> float:
        return self._rng.random()

    def token(self) -> str:
        return f"{self._rng.getrandbits(128):032x}"
