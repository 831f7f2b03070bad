"""A field that is out of reach: its rule waits, its past stays, and nothing is lost when it is back (J-9)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest

from cosell.core import agreement, drift
from cosell.core.fields import FIELDS
from cosell.core.mapping import DEFAULT, Direction, Rule
from cosell.core.plan import Verdict, plan
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Pair, RecordKind
from cosell.core.values import Person, State, Value

from .meeting import CRM, PC, carried_out, ground, link, one, opportunity, referral

ONCE = {CRM: frozenset({"notes", "notes.write", "contacts", "contacts.phone", "deal_value", "currency"})}
GONE = frozenset({"notes"})


def test_a_field_that_vanished_is_no_edit_to_empty() -> None:
    """INV-2: its absence says nothing about its value."""
    before = link({"notes": Pair("a", "a")})
    found = plan(ground(once=ONCE), before, referral({"notes": "a"}), opportunity({}, unread=GONE))
    entry = one(found, "notes")
    assert (entry.verdict, entry.reason) == (Verdict.SAME, Reason.DRIFT)
    assert "notes" not in found.agreed


def test_what_the_other_side_changed_meanwhile_waits() -> None:
    before = link({"notes": Pair("a", "a")})
    found = plan(ground(once=ONCE), before, referral({"notes": "b"}), opportunity({}, unread=GONE))
    entry = one(found, "notes")
    assert (entry.verdict, entry.reason) == (Verdict.HOLD, Reason.DRIFT)
    assert (entry.partner_center, entry.crm) == ("b", "a")
    assert "notes" not in found.agreed


def test_a_field_that_was_never_there_is_left_alone_as_ever() -> None:
    found = plan(ground(), link(), referral({"notes": "a"}), opportunity({}, unread=GONE))
    assert one(found, "notes").reason is Reason.NOT_THERE
    assert "notes" not in found.agreed


def test_a_field_that_an_administrator_adds_later_meets_for_the_first_time() -> None:
    """INV-11: an absence is no past; else the seller's first value would pass for an edit."""
    was_missing = plan(ground(), link(), referral({"notes": "a"}), opportunity({}, unread=GONE))
    after = link(dict(was_missing.agreed))
    found = plan(ground(once=ONCE), after, referral({"notes": "a"}), opportunity({"notes": None}))
    entry = one(found, "notes")
    assert (entry.verdict, entry.reason) == (Verdict.WRITE, Reason.FIRST_MEETING)
    assert entry.writes == {CRM: "a"}


@pytest.mark.parametrize("direction", list(Direction))
def test_whatever_happens_while_a_field_is_out_of_reach_comes_out_as_if_it_never_was(
    direction: Direction,
) -> None:
    """Every base and every two values: the detour over the drift ends where the straight way does."""
    values: tuple[Value, ...] = (None, "a", "b", "c")
    bases = (None, *(Pair(p, c) for p, c in itertools.product((None, "a", "b"), repeat=2)))
    on = ground({"notes": Rule("notes", update=direction)}, once=ONCE)
    for base, ours, theirs in itertools.product(bases, values, values):
        before = link({"notes": base} if base else {})
        seen, back = referral({"notes": ours}), opportunity({"notes": theirs})
        hidden = plan(on, before, seen, opportunity({}, unread=GONE))
        holds = agreement.holds_after(before, hidden, 1.0)
        between = replace(before, base={**before.base, **hidden.agreed}, holds=holds)
        assert hidden.empty
        assert between.base == before.base
        straight, detour = (one(plan(on, at, seen, back), "notes") for at in (before, between))
        assert replace(detour, base=None) == replace(straight, base=None), (base, ours, theirs)


def test_a_list_of_which_a_part_is_hidden_is_not_believed() -> None:
    """A phone number nobody may see is no deleted phone number."""
    ada = Person("ada@x.example", "Ada", "X", "+1")
    bare = replace(ada, phone="")
    before = link({"contacts": Pair((ada,), (ada,))})
    unread = frozenset({"contacts.phone"})
    there = referral({"contacts": (ada,)})
    found = plan(ground(once=ONCE), before, there, opportunity({"contacts": (bare,)}, unread=unread))
    assert one(found, "contacts").reason is Reason.DRIFT
    assert found.empty
    believed = plan(ground(), before, there, opportunity({"contacts": (bare,)}, unread=unread))
    assert believed.writes_to(PC) == {"contacts": (bare,)}


def test_an_amount_waits_with_its_currency() -> None:
    before = link({"deal_value": Pair(Decimal(1), Decimal(1)), "currency": Pair("EUR", "EUR")})
    seen = referral({"deal_value": Decimal(2), "currency": "USD"})
    there = opportunity({"currency": "EUR"}, unread=frozenset({"deal_value"}))
    found = plan(ground(once=ONCE), before, seen, there)
    assert one(found, "currency").reason is Reason.DRIFT
    assert found.empty


def test_a_field_that_may_not_be_written_any_more_still_tells_its_changes() -> None:
    able = {PC: frozenset(FIELDS), CRM: frozenset(FIELDS) - {"notes"}}
    on = ground(once=ONCE, updatable=able, locked={CRM: frozenset({"notes"})})
    before = link({"notes": Pair("a", "a")})
    inward = one(plan(on, before, referral({"notes": "b"}), opportunity({"notes": "a"})), "notes")
    assert (inward.verdict, inward.reason) == (Verdict.HOLD, Reason.DRIFT)
    outward = plan(on, before, referral({"notes": "a"}), opportunity({"notes": "b"}))
    assert outward.writes_to(PC) == {"notes": "b"}


def test_after_the_return_the_waiting_change_goes() -> None:
    on = ground({"notes": DEFAULT["notes"]}, once=ONCE)
    held = link({"notes": Pair("a", "a")}, holds={"notes": Hold(Reason.DRIFT, 1.0, "b", "a")})
    seen = {PC: referral({"notes": "b"}), CRM: opportunity({"notes": "a"})}
    _, _, now = carried_out(on, held, seen)
    assert now[CRM].values["notes"] == "b"


def test_a_doubt_outlives_the_drift() -> None:
    doubtful = link({"notes": Pair("a", "a")}, holds={"notes": Hold(Reason.DOUBT, 1.0, "b", "a")})
    found = plan(ground(once=ONCE), doubtful, referral({"notes": "b"}), opportunity({}, unread=GONE))
    assert one(found, "notes").reason is Reason.DOUBT


def test_an_unknown_choice_waits_as_long_as_nothing_changes() -> None:
    hold = Hold(Reason.UNKNOWN_CHOICE, 1.0, State.WON, State.ACTIVE)
    before = link(holds={"state": hold})
    same = one(plan(ground(), before, referral({"state": State.WON}), opportunity({})), "state")
    assert (same.verdict, same.reason) == (Verdict.HOLD, Reason.UNKNOWN_CHOICE)
    other = plan(ground(), before, referral({"state": State.LOST}), opportunity({}))
    assert other.writes_to(CRM) == {"state": State.LOST}


def test_a_lead_without_the_field_holds_what_its_referral_changed() -> None:
    before = link({"notes": Pair("a", "a")})
    lead = opportunity({}, unread=GONE, kind=RecordKind.LEAD)
    found = plan(ground(once=ONCE), before, referral({"notes": "b"}), lead)
    assert one(found, "notes").reason is Reason.DRIFT


def test_parts_name_the_field_they_serve() -> None:
    parts = ("notes", "notes.write", "contacts.phone", "state=won")
    assert [drift.field_of(one) for one in parts] == ["notes", "notes", "contacts", "state"]
    assert drift.blinding(parts) == {"notes", "contacts.phone"}
