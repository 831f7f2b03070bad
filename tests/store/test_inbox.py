"""Pokes, leases and due times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core.records import LinkState
from cosell.ports import LeaseLost
from cosell.store import SqlStore
from tests.store.things import (
    CRM,
    PC,
    T0,
    Open,
    linked,
    opportunity,
    referral,
    statements,
    take_one,
    taken_anew,
)


async def test_a_poke_of_an_unknown_id_makes_a_new_link_with_a_short_key(store: SqlStore) -> None:
    await store.poke([referral("r1", engagement_id="e1")], T0)
    taken = await take_one(store, T0 + 2)
    assert (taken.link.partner_center_id, taken.link.engagement_id) == ("r1", "e1")
    assert (taken.link.state, taken.link.revision, taken.link.crm_id) == (LinkState.NEW, 0, None)
    assert taken.key == taken.link.key
    assert taken.key.startswith("d-")
    assert len(taken.key) == 12
    assert (taken.causes, taken.sides, taken.poked_at) == (("webhook",), frozenset({PC}), T0)


async def test_many_pokes_of_one_record_are_one_look(store: SqlStore) -> None:
    await store.poke([referral(), referral(cause="poll"), referral()], T0)
    await store.poke([referral(cause="sweep"), referral()], T0 + 1)
    taken = await take_one(store, T0 + 1)
    assert taken.causes == ("webhook", "poll", "sweep")


async def test_both_halves_of_a_link_poke_the_same_key(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.save(taken, linked(taken.link, "o1"))
    await store.done(taken, T0)
    await store.poke([opportunity("o1"), referral("r1")], T0 + 1)
    again = await take_one(store, T0 + 1)
    assert (again.key, again.sides) == (taken.key, frozenset({PC, CRM}))


async def test_microsofts_own_referral_pokes_the_link_of_its_engagement(store: SqlStore) -> None:
    """partner-center-api.md 2.3: two referrals, one engagement."""
    taken = await taken_anew(store)
    await store.save(taken, replace(taken.link, engagement_id="e1", microsoft_id="ms1"))
    await store.done(taken, T0)
    for poke in (referral("ms1"), referral("unseen", engagement_id="e1")):
        await store.poke([poke], T0 + 1)
        again = await take_one(store, T0 + 1)
        assert again.key == taken.key
        await store.done(again, T0 + 1)


async def test_unknown_ids_of_one_engagement_share_one_stub(store: SqlStore) -> None:
    await store.poke([referral("a", engagement_id="e"), referral("b", engagement_id="e")], T0)
    assert (await take_one(store)).link.partner_center_id == "a"


@pytest.mark.parametrize("state", [LinkState.IGNORED, LinkState.GONE])
async def test_even_an_ignored_link_is_looked_at_when_poked(store: SqlStore, state: LinkState) -> None:
    taken = await taken_anew(store)
    await store.save(taken, replace(taken.link, state=state))
    await store.done(taken, T0)
    assert await store.poke_all("sweep", T0 + 1) == 0
    await store.poke([referral()], T0 + 1)
    assert (await take_one(store, T0 + 1)).link.state is state


async def test_poke_all_pokes_every_link_that_is_awake(store: SqlStore) -> None:
    await store.poke([referral(str(n)) for n in range(5)], T0)
    for taken in await store.take(10, "ann", T0, 60):
        await store.done(taken, T0)
    assert await store.poke_all("sweep", T0 + 1) == 5
    assert {taken.causes for taken in await store.take(10, "ann", T0 + 1, 60)} == {("sweep",)}


async def test_keys_can_be_poked_and_unknown_ones_are_passed_over(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.done(taken, T0)
    await store.poke_keys([taken.key, "d-nobody", taken.key], "person", T0 + 1)
    again = await take_one(store, T0 + 1)
    assert (again.key, again.causes, again.sides) == (taken.key, ("person",), frozenset())


async def test_a_thousand_pokes_are_a_handful_of_statements(store: SqlStore) -> None:
    pokes = [referral(str(n), engagement_id=f"e{n}") for n in range(500)]
    pokes += [opportunity(str(n)) for n in range(500)]
    with statements() as first:
        await store.poke(pokes, T0)
    with statements() as second:
        await store.poke(pokes, T0)
    assert len(first) <= 8
    assert len(second) <= 4


async def test_taking_costs_the_same_statements_for_one_key_and_for_a_hundred(store: SqlStore) -> None:
    await store.poke([referral(str(n)) for n in range(101)], T0)
    with statements() as one:
        assert len(await store.take(1, "ann", T0, 60)) == 1
    with statements() as hundred:
        assert len(await store.take(100, "ann", T0, 60)) == 100
    assert len(one) == len(hundred)


async def test_urgent_keys_come_first_then_those_that_wait_longest(store: SqlStore) -> None:
    await store.poke([referral("late")], T0 + 2)
    await store.poke([referral("early")], T0 + 1)
    await store.poke([referral("hurried", urgent=True)], T0 + 3)
    order = [taken.link.partner_center_id for taken in await store.take(3, "ann", T0 + 5, 60)]
    assert order == ["hurried", "early", "late"]


async def test_a_flood_of_urgent_keys_cannot_starve_the_others(store: SqlStore) -> None:
    """INV-19."""
    await store.poke([referral("patient")], T0)
    await store.poke([referral(str(n), urgent=True) for n in range(50)], T0)
    taken = await store.take(10, "ann", T0, 60)
    assert taken[-1].link.partner_center_id == "patient"
    assert len(taken) == 10


async def test_a_key_poked_again_and_again_keeps_its_place(store: SqlStore) -> None:
    """INV-19: neither lost to newcomers nor, once taken, ahead of those who still wait."""
    await store.poke([referral("hot")], T0)
    await store.poke([referral("cold")], T0 + 1)
    await store.poke([referral("hot")], T0 + 2)
    hot = (await store.take(1, "ann", T0 + 3, 60))[0]
    assert hot.link.partner_center_id == "hot"
    await store.poke([referral("hot")], T0 + 4)
    await store.done(hot, T0 + 4)
    order = [taken.link.partner_center_id for taken in await store.take(2, "ann", T0 + 5, 60)]
    assert order == ["cold", "hot"]


async def test_a_leased_key_is_not_given_twice(store: SqlStore) -> None:
    await taken_anew(store)
    await store.poke([referral()], T0 + 1)
    assert await store.take(10, "bob", T0 + 59, 60) == []


async def test_a_poke_while_the_work_ran_keeps_the_key_due(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.poke([opportunity("other")], T0 + 1)
    await store.poke([referral(cause="poll")], T0 + 5)
    await store.done(taken, T0 + 6)
    both = {one.link.partner_center_id: one for one in await store.take(10, "ann", T0 + 7, 60)}
    assert (both["r1"].causes, both["r1"].poked_at) == (("poll",), T0 + 5)


async def test_a_key_that_is_done_rests(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.done(taken, T0)
    assert await store.take(10, "ann", T0 + 10_000, 60) == []
    assert await store.next_due(T0) is None


async def test_work_put_off_comes_back_with_what_it_was_taken_for(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.done(taken, T0, not_before=T0 + 30)
    assert await store.take(10, "ann", T0 + 29, 60) == []
    assert await store.next_due(T0) == T0 + 30
    again = await take_one(store, T0 + 30)
    assert (again.causes, again.sides, again.poked_at) == (("webhook",), frozenset({PC}), T0)


async def test_a_poke_ends_a_delay(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.done(taken, T0, not_before=T0 + 600)
    await store.poke([referral(cause="person")], T0 + 1)
    assert (await take_one(store, T0 + 1)).causes == ("webhook", "person")


async def test_a_poke_beats_a_delay_asked_for_at_the_end_of_the_work(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.poke([referral(cause="poll")], T0 + 1)
    await store.done(taken, T0 + 2, not_before=T0 + 600)
    assert (await take_one(store, T0 + 2)).causes == ("webhook", "poll")


async def test_nothing_is_put_off_for_more_than_a_quarter_of_an_hour(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.done(taken, T0, not_before=T0 + 86_400)
    assert await store.take(10, "ann", T0 + 899, 60) == []
    assert await take_one(store, T0 + 900)


async def test_an_expired_lease_is_due_again_with_a_higher_fence_and_nothing_lost(store: SqlStore) -> None:
    """INV-8, INV-9: the first worker died; the sides it was to look at are not forgotten."""
    first = await taken_anew(store)
    await store.poke([opportunity("zzz")], T0)
    await store.poke_keys([first.key], "poll", T0 + 1)
    assert await store.next_due(T0 + 1) == T0 + 60
    second = next(one for one in await store.take(10, "bob", T0 + 60, 60) if one.key == first.key)
    assert second.fence > first.fence
    assert (second.sides, second.causes) == (frozenset({PC}), ("webhook", "poll"))
    with pytest.raises(LeaseLost):
        await store.done(first, T0 + 61)


async def test_a_fence_is_never_used_twice(store: SqlStore) -> None:
    fences = []
    for turn in range(3):
        taken = await taken_anew(store, now=T0 + turn)
        fences.append(taken.fence)
        await store.done(taken, T0 + turn)
    assert fences == sorted(set(fences))


async def test_a_renewed_lease_is_held_longer_and_a_lost_one_is_passed_over(store: SqlStore) -> None:
    taken = await taken_anew(store)
    lost = replace(taken, fence=taken.fence - 1)
    await store.renew([taken, lost], T0 + 50, 60)
    assert await store.take(10, "bob", T0 + 100, 60) == []
    assert await take_one(store, T0 + 110, "bob")


async def test_what_a_dead_process_held_is_due_at_once_and_others_keep_theirs(store: SqlStore) -> None:
    """INV-9, INV-18: after a kill nobody waits for a lease to end."""
    dead = await taken_anew(store, "r1")
    await store.poke([referral("r2")], T0)
    alive = await take_one(store, owner="host:2:x")
    assert await store.free_leases(lambda owner: owner == "ann") == 1
    again = await take_one(store, T0 + 1, "host:3:y")
    assert (again.key, again.fence > dead.fence) == (dead.key, True)
    with pytest.raises(LeaseLost):
        await store.done(dead, T0 + 1)
    await store.done(alive, T0 + 1)
    assert await store.free_leases(lambda owner: owner == "ann") == 0


async def test_a_released_key_cannot_be_renewed(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.done(taken, T0)
    await store.renew([taken], T0, 60)
    await store.poke([referral()], T0 + 1)
    assert await take_one(store, T0 + 1)


@pytest.mark.parametrize("hours", [1, 24])
async def test_a_wall_clock_set_back_strands_no_key(store: SqlStore, hours: int) -> None:
    """reliability.md 5, Time: pokes, delays and leases of before are due at once."""
    await store.poke([referral(name) for name in ("poked", "delayed", "leased")], T0)
    for taken in await store.take(3, "dead", T0, 60):
        if taken.link.partner_center_id != "leased":
            await store.done(taken, T0, not_before=T0 + 10)
    now = T0 - hours * 3600
    assert len(await store.take(10, "ann", now, 60)) == 3


async def test_the_load_tells_what_waits(store: SqlStore) -> None:
    await store.poke([referral(name) for name in "abcd"], T0)
    first, second, _third, _fourth = await store.take(4, "ann", T0, 60)
    await store.done(first, T0, not_before=T0 + 100)
    await store.done(second, T0)
    await store.poke([opportunity("o9")], T0 + 5)
    load = await store.load(T0 + 8)
    assert (load.due, load.later, load.running, load.oldest_wait) == (1, 1, 2, 3.0)
    assert (dict(load.links), load.open_writes) == ({"new": 5}, 0)


async def test_taking_none_takes_none(store: SqlStore) -> None:
    await store.poke([referral()], T0)
    assert await store.take(0, "ann", T0, 60) == []


async def test_a_cursor_moves_with_its_pokes_or_not_at_all(opens: Open) -> None:
    """INV-21."""

    def kill(moment: str) -> None:
        if moment == "before":
            raise ConnectionAbortedError

    dying, store = opens(on_commit=kill), opens()
    with pytest.raises(ConnectionAbortedError):
        await dying.advance("poll.crm", "c1", [opportunity()], T0)
    assert await store.cursor("poll.crm") is None
    assert await store.take(10, "ann", T0, 60) == []
    await store.advance("poll.crm", "c1", [opportunity()], T0)
    await store.advance("poll.crm", "c2", [], T0)
    assert await store.cursor("poll.crm") == "c2"
    assert (await take_one(store)).link.crm_id == "o1"


async def test_a_cause_with_odd_characters_does_no_harm(store: SqlStore) -> None:
    await store.poke([referral(cause="a,b%_'"), referral(cause="\ud800")], T0)
    assert (await take_one(store)).causes == ("a b%_'", "?")
