"""What was refused is tried again when somebody asks for it: once, and not for ever."""

from __future__ import annotations

import pytest

from cosell.core.reasons import Reason
from cosell.core.records import Hold, Link
from cosell.engine.case import Case
from cosell.engine.schema import CAUSE, release
from cosell.ports import Taken

ASKED_AT, NOW = 1000.0, 1010.0


def held_after(cause: str, hold: Hold, *, asked_at: float = ASKED_AT) -> bool:
    """Whether a field is still held once the look begins that was caused so."""
    link = Link("d-1", "r1", "o1", holds={"notes": hold})
    taken = Taken("d-1", 1, 1, (cause,), frozenset(), link, (), asked_at)
    case = Case(taken, link)
    release(case, NOW)
    return "notes" in case.link.holds


@pytest.mark.parametrize(
    ("cause", "reason", "stays"),
    [
        ("person", Reason.REJECTED, False),
        ("person", Reason.UNKNOWN_CHOICE, False),
        (CAUSE, Reason.UNKNOWN_CHOICE, False),
        (CAUSE, Reason.REJECTED, True),
        ("poll", Reason.REJECTED, True),
        ("poll", Reason.UNKNOWN_CHOICE, True),
        ("person", Reason.CONFLICT, True),
        ("person", Reason.BY_PERSON, True),
    ],
)
def test_a_person_has_refusals_tried_again_and_a_changed_schema_unknown_choices(
    cause: str, reason: Reason, stays: bool
) -> None:
    """J-9: a validation rule that was mended over there changes no value here."""
    assert held_after(cause, Hold(reason, ASKED_AT - 1)) is stays


@pytest.mark.parametrize("cause", ["person", CAUSE])
def test_what_is_refused_once_more_stays_refused(cause: str) -> None:
    """Or one request would be sent every second, out of the user's quota."""
    assert held_after(cause, Hold(Reason.UNKNOWN_CHOICE, ASKED_AT + 1))


def test_a_clock_set_back_has_nothing_tried_for_ever() -> None:
    assert held_after("person", Hold(Reason.REJECTED, NOW - 1), asked_at=NOW + 3600)
