"""Laws of the list merge: nothing invented, nothing lost, and it comes to rest."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cosell.core.merge import items, listed, merge, rebase
from cosell.core.records import Pair, Side
from cosell.core.values import Solution, Value

ENTRIES = st.builds(
    Solution,
    id=st.sampled_from(["SOL-1-AAA", "SOL-2-BBB", "SOL-3-CCC"]),
    quantity=st.sampled_from([None, Decimal(1), Decimal(2)]),
)
LISTS = st.lists(ENTRIES, max_size=3).map(lambda found: listed(found))
WINNERS = st.sampled_from([None, *Side])


@given(LISTS, LISTS, LISTS, LISTS, WINNERS)
def test_an_entry_changed_on_one_side_only_ends_on_both(
    was_ours: Value, was_theirs: Value, ours: Value, theirs: Value, winner: Side | None
) -> None:
    """INV-2, entry by entry."""
    merged = merge(Pair(was_ours, was_theirs), ours, theirs, winner=winner)
    old = {Side.PARTNER_CENTER: items(was_ours), Side.CRM: items(was_theirs)}
    now = {Side.PARTNER_CENTER: items(ours), Side.CRM: items(theirs)}
    result = {Side.PARTNER_CENTER: items(merged.partner_center), Side.CRM: items(merged.crm)}
    for key in {*now[Side.CRM], *now[Side.PARTNER_CENTER], *old[Side.CRM], *old[Side.PARTNER_CENTER]}:
        changed = [side for side in Side if now[side].get(key) != old[side].get(key)]
        if len(changed) == 1:
            assert all(result[side].get(key) == now[changed[0]].get(key) for side in Side)


@given(LISTS, LISTS, LISTS, LISTS, WINNERS)
def test_every_entry_of_the_result_was_said_by_somebody(
    was_ours: Value, was_theirs: Value, ours: Value, theirs: Value, winner: Side | None
) -> None:
    merged = merge(Pair(was_ours, was_theirs), ours, theirs, winner=winner)
    said = {*items(ours).values(), *items(theirs).values()}
    for side in (merged.partner_center, merged.crm):
        assert set(items(side).values()) <= said


@given(LISTS, LISTS)
def test_lists_that_meet_for_the_first_time_lose_no_entry(ours: Value, theirs: Value) -> None:
    """INV-11."""
    merged = merge(Pair(None, None), ours, theirs, winner=None, add_only=True)
    assert {*items(ours), *items(theirs)} == {*items(merged.partner_center)} == {*items(merged.crm)}


@given(LISTS, LISTS, LISTS, LISTS, WINNERS)
def test_a_merge_that_landed_on_both_sides_leaves_nothing_but_conflicts(
    was_ours: Value, was_theirs: Value, ours: Value, theirs: Value, winner: Side | None
) -> None:
    merged = merge(Pair(was_ours, was_theirs), ours, theirs, winner=winner)
    base = merged.base
    for side, before, after, source in (
        (Side.PARTNER_CENTER, ours, merged.partner_center, theirs),
        (Side.CRM, theirs, merged.crm, merged.partner_center),
    ):
        if before != after:
            base = rebase(base, side, before=before, after=after, stored=after, source=source)
    again = merge(base, merged.partner_center, merged.crm, winner=winner)
    assert (again.partner_center, again.crm) == (merged.partner_center, merged.crm)
    assert again.conflicts == merged.conflicts


@given(LISTS, LISTS, LISTS, LISTS)
def test_a_conflict_without_a_winner_moves_nothing(
    was_ours: Value, was_theirs: Value, ours: Value, theirs: Value
) -> None:
    merged = merge(Pair(was_ours, was_theirs), ours, theirs, winner=None)
    for key in merged.conflicts:
        assert items(merged.partner_center).get(key) == items(ours).get(key)
        assert items(merged.crm).get(key) == items(theirs).get(key)
