"""The life of a deal, walked completely (partner-center-api.md 4)."""

from __future__ import annotations

import itertools

from cosell.core.lifecycle import STEPS, WIRE, in_crm_words, next_step, read_status
from cosell.core.values import State


def test_every_documented_pair_is_read_and_every_other_is_not() -> None:
    known = {*WIRE.values(), ("New", "Received")}
    statuses = ("None", "New", "Active", "Closed", "Odd", "", None)
    substatuses = (
        *("None", "Pending", "Received", "Accepted", "Won", "Lost", "Declined", "Expired", "Error", "Odd"),
        None,
    )
    for pair in itertools.product(statuses, substatuses):
        assert (read_status(*pair) is not None) == (pair in known)


def test_what_was_written_reads_as_what_was_meant() -> None:
    assert all(read_status(*pair) is state for state, pair in WIRE.items())


def test_only_documented_steps_are_ever_taken_and_closed_is_final() -> None:
    for present, wanted in itertools.product(State, State):
        step = next_step(present, wanted)
        if step is not None:
            assert step in STEPS[present]
        if present.terminal:
            assert step is None


def test_every_wish_of_the_crm_is_reached_or_refused_within_two_steps() -> None:
    for wanted in (State.ACTIVE, State.WON, State.LOST):
        present = State.PENDING
        for _ in range(2):
            step = next_step(present, wanted)
            present = step or present
        assert in_crm_words(present) is wanted


def test_the_server_alone_expires_a_deal() -> None:
    steps = {step for targets in STEPS.values() for step in targets}
    assert State.EXPIRED not in steps
    assert State.ERROR not in steps
