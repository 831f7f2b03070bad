"""What is still believed of a link after a restore (INV-24, INV-11)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cosell.core.careful import MARK, looked_at, marked
from cosell.core.mapping import DEFAULT, First, Rule
from cosell.core.plan import plan
from cosell.core.reasons import Reason
from cosell.core.records import Consent, Hold, Link, LinkState, Pair, Resolution, Side, Snapshot
from cosell.core.values import State, Unreadable, Value
from tests.core.meeting import ground

NOW = 1_800_000_000.0


def link(**base: tuple[Value, Value]) -> Link:
    """A link marked by a restore, with what it remembers of each field: Partner Center's value, the CRM's."""
    pairs = {key: Pair(*values) for key, values in base.items()}
    return marked(Link("d", "r", "o", state=LinkState.LINKED, base=pairs), NOW)


def after(before: Link, rules: dict[str, Rule] | None = None, /, **present: tuple[Value, Value]) -> Link:
    """The link once both sides were read."""
    ours, theirs = _read(before, **present)
    return looked_at({**DEFAULT, **(rules or {})}, before, ours, theirs, NOW)


def test_what_both_sides_say_by_now_is_the_agreement() -> None:
    seen = after(link(notes=("a", "a")), notes=("b", "b"))
    assert seen.base["notes"] == Pair("b", "b")
    assert seen.holds == {}


@pytest.mark.parametrize("present", [("a", "b"), ("b", "a"), ("b", "c"), (None, "a"), ("a", None)])
def test_where_they_differ_a_person_is_asked_even_if_one_side_stands_as_remembered(
    present: tuple[Value, Value],
) -> None:
    """The side that stands may have been moved there and back; an empty one may have been emptied."""
    seen = after(link(notes=("a", "a")), notes=present)
    assert seen.holds["notes"] == Hold(Reason.RESTORED, NOW, *present)
    found = plan(ground(), seen, *_read(seen, notes=present))
    assert found.empty


def test_the_hold_ends_by_itself_once_both_sides_say_the_same() -> None:
    held = after(link(notes=("a", "a")), notes=("a", "b"))
    assert plan(ground(), held, *_read(held, notes=("c", "c"))).agreed["notes"] == Pair("c", "c")


def test_a_difference_that_was_agreed_stays_one() -> None:
    """A server that rounds is no edit, after a restore either."""
    rounded = (Decimal("10.005"), Decimal("10.01"))
    assert after(link(deal_value=rounded), deal_value=rounded).holds == {}


def test_a_field_never_agreed_is_held_too_since_its_link_may_be_what_was_lost() -> None:
    assert after(link(), notes=("a", None)).holds.keys() == {"notes"}
    assert after(link(), notes=("a", "a")).base["notes"] == Pair("a", "a")


def test_a_rule_that_names_the_side_of_a_first_meeting_decides() -> None:
    rules = {"notes": Rule("notes", first=First.CRM)}
    seen = after(link(notes=("a", "a")), rules, notes=("a", "b"))
    assert "notes" not in seen.base
    assert seen.holds == {}


def test_no_stage_is_pushed_on_by_what_was_wished_before() -> None:
    """INV-6: an acceptance on the way to Won waits for a person."""
    seen = after(link(state=(State.ACTIVE, State.WON)), state=(State.ACTIVE, State.WON))
    assert seen.holds["state"].reason == Reason.RESTORED


def test_consents_and_answers_of_the_past_count_no_more() -> None:
    given = Consent(True, "ada", "then", "ticked")
    answer = Resolution(Side.CRM, "a", "b", "ada", 1.0)
    before = Link("d", "r", "o", consents={"visible": given, "lead o": given}, resolutions={"notes": answer})
    seen = marked(before, NOW)
    assert seen.consents == {"lead o": given}  # whose act a conversion was stays true
    assert seen.resolutions == {}
    assert seen.holds[MARK].reason == Reason.CAREFUL


def test_what_cannot_be_understood_is_no_reason_to_believe_or_to_doubt() -> None:
    seen = after(
        link(deal_value=(Decimal(1), Decimal(1))), deal_value=(Decimal(1), Unreadable("?", "no number"))
    )
    assert seen.base["deal_value"] == Pair(Decimal(1), Decimal(1))
    assert seen.holds == {}


def _read(seen: Link, **present: tuple[Value, Value]) -> list[Snapshot]:
    return [
        Snapshot(side, seen.id_of(side) or "", {key: values[at] for key, values in present.items()})
        for at, side in enumerate(Side)
    ]
