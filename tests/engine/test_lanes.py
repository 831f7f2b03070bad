"""A lane waits as long as it is asked, probes what is down, and tells people once (INV-20)."""

from __future__ import annotations

import pytest

from cosell.core.errors import Rejected, SignedOut, Throttled, Unavailable
from cosell.engine.lanes import PROBE_AFTER, PROBE_EVERY, Lane


class Hands:
    """Clock, dice and alerts in the hands of a test."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.raised: list[str] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        return "token"

    async def raise_(self, code: str, message: str, advice: str = "") -> None:
        self.raised.append(code)

    async def clear(self, code: str) -> None:
        self.raised = [one for one in self.raised if one != code]


def lane(hands: Hands) -> Lane:
    return Lane("salesforce", clock=hands, dice=hands, alerts=hands)


async def test_a_throttled_lane_waits_as_long_as_it_was_asked() -> None:
    hands = Hands()
    road = lane(hands)
    await road.heard(Throttled("Slow down.", retry_after=57.0))
    with pytest.raises(Throttled):
        road.check()
    hands.time += 57.1
    road.check()


async def test_an_absurd_wish_is_cut_to_a_quarter_of_an_hour() -> None:
    hands = Hands()
    road = lane(hands)
    await road.heard(Throttled("Slow down.", retry_after=1e9))
    hands.time += 901
    road.check()


async def test_after_a_throttle_half_the_calls_run_at_once_and_one_more_each_minute() -> None:
    """AIMD, reliability.md 11."""
    hands = Hands()
    road = lane(hands)
    assert road.places(8) == 8
    await road.heard(Throttled("Slow down.", retry_after=0.0))
    assert road.places(8) == 4
    hands.time += 120
    assert road.places(8) == 6
    hands.time += 600
    assert road.places(8) == 8


async def test_a_system_that_is_down_is_probed_once_a_minute_and_told_once() -> None:
    hands = Hands()
    road = lane(hands)
    for _ in range(PROBE_AFTER - 1):
        await road.heard(Unavailable("Down."))
    road.check()
    await road.heard(Unavailable("Down."))
    assert hands.raised == ["unavailable:salesforce"]
    with pytest.raises(Throttled):
        road.check()
    hands.time += PROBE_EVERY + 1
    road.check()
    await road.heard(None)
    assert hands.raised == []


async def test_a_signed_out_lane_says_so_to_whoever_comes() -> None:
    hands = Hands()
    road = lane(hands)
    await road.heard(SignedOut("Sign in again."))
    with pytest.raises(SignedOut):
        road.check()
    assert hands.raised == ["signed_out:salesforce"]


async def test_a_refused_value_is_no_trouble_of_the_lane() -> None:
    """INV-14."""
    hands = Hands()
    road = lane(hands)
    for _ in range(20):
        await road.heard(Rejected("No."))
    road.check()


async def test_retries_come_out_of_a_budget_that_fills_again() -> None:
    hands = Hands()
    road = lane(hands)
    assert sum(road.may_retry() for _ in range(50)) == 10
    for _ in range(1000):
        road.called()
    assert sum(road.may_retry() for _ in range(200)) == 90
    hands.time += 301
    assert road.may_retry()
