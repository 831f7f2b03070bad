"""Death at every I/O operation of named scripts, and life going on as if nothing had been (INV-9, 24)."""

from __future__ import annotations

import pytest

from .scenarios import SAME_END, SCRIPTS, setting
from .world import Outcome, run


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_kill_between_any_two_operations_is_survived(name: str) -> None:
    """reliability.md 7, K: every point before and after every remote call and every commit."""
    alive = run(setting(name))
    assert alive.ok, _told(alive)
    assert alive.busy > 20
    for point in range(1, alive.busy + 3):
        outcome = run(setting(name, (point,)))
        assert outcome.ok, f"killed at I/O {point}\n{_told(outcome)}"
        if name in SAME_END:
            assert outcome.end == alive.end, f"killed at I/O {point}, and something else came of it"


def _told(outcome: Outcome) -> str:
    return "\n".join([*outcome.lines[-80:], *map(str, outcome.violations)])
