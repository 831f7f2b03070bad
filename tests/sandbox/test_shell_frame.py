"""The common ground of the simulators: clock, dice, faults, latency."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cosell.sandbox.frame import Fault, Frame


def test_the_clock_moves_forward_and_never_back() -> None:
    frame = Frame()
    before = frame.clock.now()
    frame.clock.advance(86400)
    assert frame.clock.now() - before >= timedelta(days=1)
    with pytest.raises(ValueError, match="forward"):
        frame.clock.advance(-1)


def test_a_fault_is_used_up_by_the_requests_it_matches_and_no_others() -> None:
    frame = Frame()
    frame.faults.append(Fault("salesforce", "drop", method="POST", path="/composite", times=2))
    assert frame.take_fault("salesforce", "GET", "/composite") is None
    assert frame.take_fault("salesforce", "POST", "/query") is None
    assert frame.take_fault("partner_center", "POST", "/composite") is None
    taken = [frame.take_fault("salesforce", "POST", "/services/data/v60.0/composite") for _ in range(3)]
    assert [fault is not None for fault in taken] == [True, True, False]


def test_the_first_fault_that_matches_happens_first() -> None:
    frame = Frame()
    frame.faults += [Fault("entra", "drop"), Fault("entra", "garble")]
    kinds = [fault.kind for _ in range(2) if (fault := frame.take_fault("entra", "POST", "/token"))]
    assert kinds == ["drop", "garble"]


def test_a_systems_own_latency_goes_before_the_common_one() -> None:
    frame = Frame()
    frame.latency = 0.5
    frame.latencies["entra"] = 0.0
    assert (frame.delay_of("entra"), frame.delay_of("salesforce")) == (0.0, 0.5)


def test_equal_seeds_throw_equal_dice_and_a_reset_forgets_the_rest() -> None:
    one, two = Frame(7), Frame(7)
    first = one.dice.random()
    assert first == two.dice.random()
    one.faults.append(Fault("entra", "drop"))
    one.calls["entra", "GET", "/"] += 1
    one.latencies["entra"] = 1.0
    one.reset(7)
    assert one.dice.random() == first
    assert (one.faults, one.calls, one.latencies) == ([], {}, {})
