"""A poll comes earlier when the CRM says that there is something to find, and never too often."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any, cast

from cosell.core.errors import Unavailable
from cosell.core.records import Side
from cosell.engine import Engine, Pace
from cosell.engine.engine import HURRY
from cosell.ports import Capabilities

LONG = 600.0
ABLE = Capabilities("blind", "none", False, False, frozenset(), frozenset(), frozenset(), frozenset())


class Hands:
    """A clock on which short waits pass at once and long ones never, and nothing else."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    def random(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if seconds > HURRY:
            await asyncio.Event().wait()


def an_engine(hands: Hands) -> Engine:
    sides = {side: SimpleNamespace(name=str(side), side=side, capabilities=ABLE) for side in Side}
    whole: dict[str, Any] = {
        "store": None,
        "partner_center": sides[Side.PARTNER_CENTER],
        "crm": sides[Side.CRM],
        "rules": {},
        "policy": None,
        "pace": Pace(poll_crm=LONG),
        "clock": hands,
        "dice": hands,
        "alerts": None,
        "owner": "test",
    }
    return Engine(**cast(Any, whole))


async def polled(engine: Engine, times: int, *, hurried: int, fails: bool = False) -> int:
    """How often a watcher polls that is hurried before each of so many polls."""
    polls: list[int] = []

    async def poll() -> None:
        polls.append(1)
        if len(polls) <= hurried:
            engine.hurry()
        if fails:
            raise Unavailable("Not now.")

    task = asyncio.create_task(engine._every(LONG, poll, "poll", early=engine._hurry))
    for _ in range(20 * times):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return len(polls)


async def test_without_a_hint_the_next_poll_waits_its_time() -> None:
    assert await polled(an_engine(Hands()), 5, hurried=0) == 1


async def test_each_hint_brings_a_poll_after_a_pause() -> None:
    hands = Hands()
    assert await polled(an_engine(hands), 10, hurried=3) == 4
    assert hands.waits.count(HURRY) == 4


async def test_many_hints_bring_one_poll() -> None:
    engine = an_engine(Hands())
    for _ in range(100):
        engine.hurry()
    assert await polled(engine, 10, hurried=1) == 2


async def test_a_crm_in_trouble_is_not_hurried() -> None:
    hands = Hands()
    engine = an_engine(hands)
    engine.watch.wait_after = lambda error, failures: LONG  # type: ignore[method-assign]
    assert await polled(engine, 10, hurried=100, fails=True) == 1
    assert hands.waits == [0.0, LONG]
