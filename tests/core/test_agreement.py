"""Whether a link needs anything: the shortcut of a sweep finds what the whole plan finds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.core import agreement
from cosell.core.fields import FIELDS
from cosell.core.plan import plan
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Link, Pair, Resolution, Side
from cosell.core.values import State, Value
from tests.core.meeting import CRM, PC, ground, link, opportunity, referral

STATES = st.sampled_from([None, *State])
FLAGS = st.sampled_from([None, False, True])
TEXTS = st.sampled_from([None, "a", "b"])
KINDS = {"state": STATES, "visible": FLAGS, "deal_value": st.sampled_from([None, Decimal(1), Decimal(2)])}
KEYS = ("state", "visible", "help", "deal_value", "notes", "microsoft_state", "city")


def values() -> st.SearchStrategy[dict[str, Value]]:
    """What one side may say; a field may be missing."""
    return st.fixed_dictionaries({}, optional={key: KINDS.get(key, TEXTS) for key in KEYS})


@st.composite
def links(draw: st.DrawFn) -> Link:
    pairs = {key: Pair(draw(KINDS.get(key, TEXTS)), draw(KINDS.get(key, TEXTS))) for key in KEYS}
    base = {key: pairs[key] for key in KEYS if draw(st.booleans())}
    held = draw(st.sampled_from([(), ("notes",), ("*",), ("deal_value", "city")]))
    holds = {key: Hold(draw(st.sampled_from([Reason.CONFLICT, Reason.DOUBT])), 1.0) for key in held}
    answers = {"notes": Resolution(Side.CRM, "a", "b", "Ada", 1.0)} if draw(st.booleans()) else {}
    return replace(link(), base=base, holds=holds, resolutions=answers)


@given(links(), values(), values())
def test_the_plan_of_a_sweep_finds_what_the_whole_plan_finds(
    before: Link, ours: dict[str, Value], theirs: dict[str, Value]
) -> None:
    on, seen, met = ground(), referral(ours), opportunity(theirs)
    whole, short = plan(on, before, seen, met), agreement.plan_of(on, before, seen, met)
    assert agreement.at_rest(before, short) is agreement.at_rest(before, whole)
    for side in Side:
        assert short.writes_to(side) == whole.writes_to(side)


@given(links(), values(), values())
def test_a_link_that_took_a_plan_in_is_at_rest_unless_something_is_to_be_written(
    before: Link, ours: dict[str, Value], theirs: dict[str, Value]
) -> None:
    """INV-4: what a reconcile leaves behind is not met again as news by the next sweep."""
    on, seen, met = ground(), referral(ours), opportunity(theirs)
    found = plan(on, before, seen, met)
    if not found.empty:
        return
    after = replace(
        before, base={**before.base, **found.agreed}, holds=agreement.holds_after(before, found, 5.0)
    )
    assert agreement.at_rest(after, plan(on, after, seen, met))


def test_a_side_stands_where_it_says_what_was_agreed_and_what_is_held_was_read() -> None:
    held = link({"notes": Pair("old", "old")}, holds={"notes": Hold(Reason.CONFLICT, 1.0, "ours", "theirs")})
    assert agreement.stands(held, referral({"notes": "ours"}))
    assert agreement.stands(held, opportunity({"notes": "theirs"}))
    assert not agreement.stands(held, opportunity({"notes": "old"}))
    assert not agreement.stands(held, referral({"notes": "ours", "city": "new here"}))
    assert agreement.last_seen(held, CRM).values["notes"] == "theirs"


@pytest.mark.parametrize(
    ("change", "astray"),
    [
        ({}, False),
        ({"partner_id": None}, True),
        ({"partner_id": None, "version": None}, True),
        ({"partner_id": None, "id": "Microsoft's own"}, False),
        ({"partner_id": "somebody else"}, True),
        ({"enrolled": False}, True),
        ({"became": "006"}, True),
    ],
)
def test_what_stands_beside_the_values_wants_a_look_as_well(change: dict[str, object], astray: bool) -> None:
    for snapshot in (referral({}, **change), opportunity({}, **change)):
        assert agreement.strays(link(), snapshot) is astray


def test_a_closed_referral_without_our_id_is_left_alone() -> None:
    assert not agreement.strays(link(), referral({"state": State.LOST}, partner_id=None))


def test_what_an_incomplete_read_left_out_is_named() -> None:
    known = link({"notes": Pair("a", "a"), "help": Pair(None, None)})
    assert agreement.unread(known, referral({"notes": "a"})) == frozenset()
    assert agreement.unread(known, referral({"notes": "a"}, complete=False)) == {"help"}


@pytest.mark.parametrize(
    ("word", "known", "rests"),
    [(None, None, True), (None, "M", False), ("pending", "M", False), ("won", "M", True)],
)
def test_microsofts_half_rests_when_it_was_never_there_or_is_closed(
    word: str | None, known: str | None, rests: bool
) -> None:
    asked = link({"microsoft_state": Pair(word, None)}, microsoft_id=known)
    assert agreement.microsoft_rests(asked) is rests


def test_a_deal_is_closed_when_both_sides_are() -> None:
    both = link({"state": Pair(State.DECLINED, State.LOST)})
    ours = link({"state": Pair(State.DECLINED, State.ACTIVE)})
    assert (agreement.closed(both), agreement.final(both)) == (True, True)
    assert (agreement.closed(ours), agreement.final(ours)) == (False, True)
    assert not agreement.closed(Link("d-2"))


def test_a_linked_deal_with_a_mark_to_change_or_a_line_to_write_is_pending() -> None:
    rested = link(mark="ok")
    assert not agreement.pending(rested, check_mark=True)
    for change in ({"mark": "failed"}, {"trail_written": False}, {"failures": 1}, {"reason": Reason.BRAKE}):
        assert agreement.pending(replace(rested, **change), check_mark=True)
    assert not agreement.pending(replace(rested, mark=None), check_mark=False)
    by_person = {"*": Hold(Reason.BY_PERSON, 1.0)}
    assert not agreement.pending(replace(rested, trail_written=False, holds=by_person), check_mark=True)


def test_every_field_of_microsofts_exists() -> None:
    assert FIELDS.keys() >= agreement.MICROSOFTS
    assert agreement.last_seen(link(), PC).partner_id == "O"
