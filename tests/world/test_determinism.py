"""One seed, one world; and the same facts end the same whatever the signals (INV-23)."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace

import pytest

from . import loop
from .people import Step
from .scene import Setting
from .shrink import shrink
from .world import draw, run


@pytest.mark.parametrize("seed", [3, 8, 21, 34, 55])
def test_a_seed_makes_the_same_world_twice(seed: int) -> None:
    """reliability.md 6.2, determinism."""
    first, second = run(draw(seed), tell=True), run(draw(seed), tell=True)
    assert first.lines == second.lines
    assert first.digest == second.digest
    assert first.end == second.end


def _apart(signals: str, seed: int, **more: object) -> Setting:
    steps = (
        Step(1.0, "open", 0, "", 1),
        Step(150.0, "edit_crm", 0, "deal_value", 101),
        Step(151.0, "edit_portal", 0, "notes", 102),
        Step(152.0, "solutions_crm", 0, "", 106),
        Step(300.0, "edit_portal", 0, "close_date", 103),
        Step(301.0, "edit_crm", 0, "notes", 104),
    )
    return replace(Setting(seed=seed, steps=steps, signals=signals), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_order_and_number_of_signals_do_not_change_the_end(seed: int) -> None:
    """INV-23: events, polls, both, doubled, late or two workers: edits that do not overlap end the same."""
    noisy = {"webhook_doubled": 0.5, "webhook_late": 0.3, "webhook_unknown": 0.3, "page_repeated": 0.3}
    ends = [
        run(_apart("all", seed)),
        run(_apart("polls", seed)),
        run(_apart("all", seed, faults=noisy)),
        run(_apart("all", seed, processes=2)),
    ]
    assert all(one.ok for one in ends), [one.violations for one in ends]
    assert all(one.end == ends[0].end for one in ends)


def test_a_world_knows_no_threads_and_no_sockets() -> None:
    """reliability.md 6.1: any use fails loudly."""

    async def leave(virtual: loop.VirtualLoop) -> None:
        with pytest.raises(loop.NotInAWorld):
            await asyncio.to_thread(print)
        with pytest.raises(loop.NotInAWorld):
            socket.socket()
        with pytest.raises(loop.NotInAWorld):
            threading.Thread(target=print).start()
        await asyncio.sleep(86_400.0)
        assert virtual.now >= 86_400.0

    loop.run(leave)


def test_a_deadlock_is_said_and_not_waited_for() -> None:
    async def wait(virtual: loop.VirtualLoop) -> None:
        await virtual.create_future()

    with pytest.raises(loop.NotInAWorld):
        loop.run(wait)


def test_a_failing_world_is_cut_to_what_matters() -> None:
    """reliability.md 6.2, shrinker: steps and faults without which it fails as well are gone."""
    from .planted import planted

    with planted("strangers meet like old friends"):
        failing = next(one for one in map(draw, range(1, 200)) if not run(one).ok)
        small = shrink(failing)
        assert not run(small).ok
    assert len(small.steps) <= 2
    assert not small.faults
