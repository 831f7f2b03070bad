"""Each planted mistake is caught within its number of worlds, else the worlds have gone soft."""

from __future__ import annotations

import pytest

from .planted import BUGS, hunt


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_mistake_is_caught(name: str) -> None:
    """reliability.md 2.2 and 7, M."""
    caught = hunt(BUGS[name])
    assert caught is not None, f"not caught within {BUGS[name].worlds} worlds"
    worlds, outcome = caught
    assert worlds <= BUGS[name].worlds
    assert outcome.lines, "a failing world tells its story"
