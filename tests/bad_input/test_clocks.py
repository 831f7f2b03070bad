"""Clocks that step and clocks that disagree: nothing but display depends on them (reliability.md 5, Time)."""

from __future__ import annotations

import pytest

from tests.bad_input.conftest import House


class SteppingClock:
    """Moves the machine's wall clock, and not the one that waits are measured by."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self._clock, self._monkeypatch = house.desk.clock, monkeypatch
        self._true = house.desk.clock.now

    def step(self, seconds: float) -> None:
        self._monkeypatch.setattr(self._clock, "now", lambda: self._true() + seconds)


@pytest.mark.parametrize("hours", [-24, -1, 1, 24 * 365])
async def test_a_wall_clock_that_steps_loses_and_doubles_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    desk, clock = house.desk, SteppingClock(house, monkeypatch)
    before = desk.portal()
    await desk.sync()
    clock.step(hours * 3600)
    after = desk.portal()
    desk.change(before, details__notes="After the step.")
    await desk.sync_over(600, 60)
    clock.step(0)
    desk.change(after, details__notes="After the step back.")
    await desk.sync_over(600, 60)
    for referral, notes in ((before, "After the step."), (after, "After the step back.")):
        (row,) = desk.opportunities(referral)
        assert row["Description"] == notes
    assert (await house.running.env.store.verify()).bad_seq is None


async def test_systems_whose_clock_is_weeks_ahead_are_signed_in_to_again(house: House) -> None:
    """As after `cosell sandbox advance 14d`: the session has ended, and only the server's time has moved."""
    desk = house.desk
    referral = desk.portal()
    await desk.sync()
    house.sandbox.frame.clock.advance(14 * 86400)
    house.sandbox.salesforce.expire_sessions()
    house.sandbox.entra.expire_access_tokens()
    desk.change(referral, details__notes="Two weeks later.")
    await desk.sync_over(60, 10)
    (row,) = desk.opportunities(referral)
    assert row["Description"] == "Two weeks later."
