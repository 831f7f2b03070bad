"""Waiting: never negative, never endless, and as long as the other side asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cosell.core import backoff

CHANCE = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10_000), CHANCE)
def test_a_wait_lies_between_nothing_and_the_cap(failures: int, chance: float) -> None:
    assert 0 <= backoff.delay(failures, chance) <= backoff.CAP


@given(st.one_of(st.none(), st.floats(-1e9, 1e9)), st.integers(0, 100), CHANCE)
def test_what_the_other_side_asks_is_honoured_up_to_the_cap(
    asked: float | None, failures: int, chance: float
) -> None:
    wait = backoff.asked(asked, failures, chance)
    assert 0 <= wait <= backoff.CAP
    if asked is not None and 0 <= asked <= backoff.CAP:
        assert wait == asked


@given(st.integers(0, 1000), st.integers(0, 100_000))
def test_retries_are_at_most_a_tenth_or_ten(retries: int, requests: int) -> None:
    """INV-20."""
    assert backoff.may_retry(retries, requests) == (retries < max(10, requests // 10))
