"""What rests on a lease: begin, send again, finish, save, join."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from cosell.core.errors import Twins
from cosell.core.records import Link, LinkState, Write, WriteState
from cosell.ports import LeaseLost, Taken
from cosell.store import SqlStore
from tests.store.things import (
    BASE,
    CRM,
    PC,
    T0,
    Open,
    done,
    linked,
    opportunity,
    referral,
    statements,
    take_one,
    taken_anew,
    update,
)

Verb = Callable[[SqlStore, Taken], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "begin": lambda store, taken: store.begin(taken, update(taken, "late"), replace(taken.link, mark="x")),
    "begin without a link": lambda store, taken: store.begin(taken, update(taken, "late")),
    "send again": lambda store, taken: store.sent_again(taken, replace(update(taken), attempt=2)),
    "finish": lambda store, taken: store.finish(taken, [done(update(taken))], replace(taken.link, mark="x")),
    "save": lambda store, taken: store.save(taken, replace(taken.link, mark="x")),
    "join": lambda store, taken: store.join(taken, "d-other"),
    "done": lambda store, taken: store.done(taken, T0),
}


async def everything(store: SqlStore, taken: Taken) -> object:
    return await store.link(taken.key), await store.journal(None, 10), await store.load(T0)


@pytest.mark.parametrize("verb", VERBS)
async def test_whoever_lost_the_lease_writes_nothing(store: SqlStore, verb: str) -> None:
    """INV-8: the fence of the next lease shuts the former holder out."""
    old = await taken_anew(store)
    await store.begin(old, update(old))
    await store.take(1, "bob", T0 + 60, 60)
    before = await everything(store, old)
    with pytest.raises(LeaseLost):
        await VERBS[verb](store, old)
    assert await everything(store, old) == before


@pytest.mark.parametrize("verb", VERBS)
async def test_a_released_key_cannot_be_worked_on(store: SqlStore, verb: str) -> None:
    taken = await taken_anew(store)
    await store.begin(taken, update(taken))
    await store.done(taken, T0)
    before = await everything(store, taken)
    with pytest.raises(LeaseLost):
        await VERBS[verb](store, taken)
    assert await everything(store, taken) == before


@pytest.mark.parametrize("verb", ["begin", "finish", "save"])
async def test_a_link_that_moved_is_not_overwritten(store: SqlStore, verb: str) -> None:
    """INV-8: the link row moves only by compare-and-swap."""
    taken = await taken_anew(store)
    await store.begin(taken, update(taken))
    moved = await store.save(taken, replace(taken.link, detail="newer"))
    before = await everything(store, taken)
    with pytest.raises(LeaseLost):
        await VERBS[verb](store, taken)
    assert await everything(store, taken) == before
    assert moved.revision == taken.link.revision + 1


async def test_the_intent_is_durable_together_with_its_link(store: SqlStore) -> None:
    """INV-7."""
    taken = await taken_anew(store)
    saved = await store.begin(taken, update(taken), linked(taken.link))
    assert saved == replace(linked(taken.link), revision=1)
    assert await store.link(taken.key) == saved
    (row,) = await store.journal(taken.key, 10)
    assert (row.write, row.seq, row.hash) == (update(taken), None, "")


async def test_begin_without_a_link_answers_the_link_as_it_stands(store: SqlStore) -> None:
    taken = await taken_anew(store)
    assert await store.begin(taken, update(taken, "w1")) == taken.link
    saved = await store.save(taken, linked(taken.link))
    assert await store.begin(taken, update(taken, "w2")) == saved


async def test_finish_completes_the_row_and_moves_the_link_at_once(store: SqlStore) -> None:
    taken = await taken_anew(store)
    link = await store.begin(taken, update(taken), taken.link)
    finished = done(update(taken), record_id="o1-full")
    saved = await store.finish(taken, [finished], linked(link))
    assert await store.link(taken.key) == saved == replace(linked(link), revision=2)
    (row,) = await store.journal(taken.key, 10)
    assert (row.write, row.seq) == (finished, 1)
    assert len(row.hash) == 64


async def test_several_rows_finish_together_and_decisions_need_no_intent(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.begin(taken, update(taken, "w1"))
    await store.begin(taken, update(taken, "w2"))
    writes = [done(update(taken, name)) for name in ("w2", "noted", "w1")]
    await store.finish(taken, writes, taken.link)
    assert [(row.seq, row.write.id) for row in await store.journal(None, 10)] == [
        (3, "w1"),
        (2, "noted"),
        (1, "w2"),
    ]
    assert (await store.verify()).bad_seq is None


async def test_a_finished_row_never_changes(store: SqlStore) -> None:
    """INV-7: neither finished once more nor sent again."""
    taken = await taken_anew(store)
    link = await store.begin(taken, update(taken), taken.link)
    link = await store.finish(taken, [done(update(taken))], link)
    before = await everything(store, taken)
    with pytest.raises(LeaseLost):
        await store.finish(taken, [done(update(taken), state=WriteState.ABSENT)], link)
    with pytest.raises(LeaseLost):
        await store.sent_again(taken, replace(update(taken), attempt=2))
    with pytest.raises(LeaseLost):
        await store.begin(taken, update(taken), link)
    assert await everything(store, taken) == before


async def test_an_open_write_sent_again_keeps_everything_but_attempt_and_time(store: SqlStore) -> None:
    """INV-10: re-sent verbatim."""
    taken = await taken_anew(store)
    await store.begin(taken, update(taken))
    other = update(taken, cause="other", attempt=2, sent_at=T0 + 90, fields={})
    await store.sent_again(taken, other)
    (row,) = await store.journal(None, 1)
    assert row.write == replace(update(taken), attempt=2, sent_at=T0 + 90)


async def test_an_unanswered_write_is_there_for_the_next_worker(store: SqlStore) -> None:
    """INV-9, INV-10: a crash between begin and finish."""
    dead = await taken_anew(store)
    await store.begin(dead, update(dead, "w1"))
    await store.begin(dead, update(dead, "w2", created_at=T0 - 1))
    heir = await take_one(store, T0 + 60, "bob")
    assert [write.id for write in heir.open_writes] == ["w2", "w1"]
    assert (await store.load(T0)).open_writes == 2
    await store.finish(heir, [done(write) for write in heir.open_writes], heir.link)
    await store.done(heir, T0 + 61)
    assert (await taken_anew(store, now=T0 + 62)).open_writes == ()


async def test_what_makes_no_sense_is_refused_loudly(store: SqlStore) -> None:
    taken = await taken_anew(store)
    nonsense: list[Awaitable[object]] = [
        store.begin(taken, done(update(taken))),
        store.finish(taken, [update(taken)], taken.link),
        store.save(taken, Link("d-other")),
        store.begin(taken, replace(update(taken), link_key="d-other")),
        store.join(taken, taken.key),
    ]
    for call in nonsense:
        with pytest.raises(ValueError, match=r"d-|w1"):
            await call
    assert await store.journal(None, 10) == []


async def test_a_hundred_workers_begin_with_the_statements_of_one(store: SqlStore) -> None:
    await store.poke([referral(str(n)) for n in range(101)], T0)
    first, *others = await store.take(101, "ann", T0, 60)
    with statements() as one:
        await store.begin(first, update(first, first.key), replace(first.link, base=BASE))
    with statements() as hundred:
        begun = (store.begin(t, update(t, t.key), replace(t.link, base=BASE)) for t in others)
        await asyncio.gather(*begun)
    assert len(hundred) <= 4 * len(one)  # in a thread the first of them may go ahead alone
    assert (await store.load(T0)).open_writes == 101


# --- two halves meet ---------------------------------------------------------------------------------


async def test_a_joined_stub_hands_over_what_it_knows_and_disappears(store: SqlStore) -> None:
    await store.poke([referral("r1", engagement_id="e1")], T0)
    first = await take_one(store)
    await store.begin(first, update(first))
    await store.poke([opportunity("o1", cause="poll")], T0 + 1)
    second = await take_one(store, T0 + 1)
    await store.join(first, second.key)
    assert await store.link(first.key) is None
    await store.done(second, T0 + 2)
    both = await take_one(store, T0 + 3)
    assert (both.key, both.causes, both.sides) == (second.key, ("webhook",), frozenset({PC}))
    assert (both.link.partner_center_id, both.link.engagement_id, both.link.crm_id) == ("r1", "e1", "o1")
    assert [write.id for write in both.open_writes] == ["w1"]
    with pytest.raises(LeaseLost):
        await store.done(first, T0 + 3)


async def test_a_worker_who_does_not_know_the_new_half_cannot_take_it_back(store: SqlStore) -> None:
    first = await taken_anew(store)
    await store.poke([opportunity("o1")], T0)
    second = await take_one(store)
    await store.join(first, second.key)
    with pytest.raises(LeaseLost):
        await store.save(second, replace(second.link, detail="knows one half only"))


async def test_ids_the_other_link_has_already_are_left_alone(store: SqlStore) -> None:
    known = await taken_anew(store, "r1")
    saved = await store.save(known, linked(known.link, "o1"))
    await store.poke([referral("copy")], T0)
    stub = await take_one(store)
    await store.join(stub, known.key)
    assert await store.link(known.key) == saved
    assert await store.links_of(PC, ["copy"]) == {}


async def test_a_link_with_a_base_is_never_folded_away(store: SqlStore) -> None:
    """INV-2: what was agreed is not forgotten."""
    known = await taken_anew(store, "r1")
    await store.save(known, replace(known.link, base=BASE))
    await store.poke([opportunity("o1")], T0)
    other = await take_one(store)
    with pytest.raises(ValueError, match="base"):
        await store.join(known, other.key)
    assert await store.link(known.key) is not None


async def test_joining_a_link_that_is_gone_changes_nothing(store: SqlStore) -> None:
    stub = await taken_anew(store)
    with pytest.raises(LeaseLost):
        await store.join(stub, "d-nobody")
    assert await store.link(stub.key) == stub.link


@pytest.mark.parametrize("leased", [False, True])
async def test_a_stub_poked_for_a_record_we_just_made_gives_way(store: SqlStore, leased: bool) -> None:
    """INV-3: the poll saw the new record before its create was finished."""
    maker = await taken_anew(store)
    create = update(maker, record_id=None)
    await store.begin(maker, create)
    await store.poke([opportunity("o1")], T0 + 1)
    stub = await take_one(store, T0 + 1, "bob") if leased else None
    saved = await store.finish(maker, [done(create, record_id="o1")], linked(maker.link, "o1"))
    assert await store.links_of(CRM, ["o1"]) == {"o1": saved}
    if stub:
        for call in (store.save(stub, stub.link), store.done(stub, T0 + 1)):
            with pytest.raises(LeaseLost):
                await call
    await store.done(maker, T0 + 2)
    assert (await take_one(store, T0 + 2)).causes == ("poll",)


async def test_a_stub_and_its_heir_in_one_commit(store: SqlStore) -> None:
    """The heir's finish and the stub's own begin may meet in one batch; only one of them holds."""
    maker = await taken_anew(store)
    await store.poke([opportunity("o1")], T0)
    stub = await take_one(store, T0, "bob")
    answers = await asyncio.gather(
        store.begin(stub, update(stub, "of the stub"), stub.link),
        store.save(maker, linked(maker.link, "o1")),
        return_exceptions=True,
    )
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(lost) == 1
    assert isinstance(lost[0], (LeaseLost, Twins))
    link = await store.link("o1")
    assert link is not None
    journal = await store.journal(None, 10)
    assert [row.write.link_key for row in journal] == ([] if link.key == maker.key else [stub.key])


async def test_two_real_links_never_share_a_record(store: SqlStore) -> None:
    """INV-3: a link with a history of its own does not give way; a person decides."""
    one = await taken_anew(store, "r1")
    await store.save(one, linked(one.link, "o1"))
    two = await taken_anew(store, "r2")
    before = await everything(store, two)
    with pytest.raises(Twins):
        await store.finish(two, [done(update(two))], linked(two.link, "o1"))
    assert await everything(store, two) == before


async def test_two_links_that_want_the_same_record_at_once_do_not_both_get_it(store: SqlStore) -> None:
    await store.poke([referral("r1"), referral("r2"), referral("r3")], T0)
    taken = await store.take(3, "ann", T0, 60)
    wanted = ["o1", "o1", "o3"]
    answers = await asyncio.gather(
        *(store.save(t, linked(t.link, crm_id)) for t, crm_id in zip(taken, wanted, strict=True)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Link, Twins, Link]


async def test_a_link_may_let_go_of_an_id(store: SqlStore) -> None:
    taken = await taken_anew(store)
    link = await store.save(taken, linked(taken.link, "o1"))
    link = await store.save(taken, replace(link, crm_id=None, state=LinkState.NEW))
    assert await store.links_of(CRM, ["o1"]) == {}


async def test_a_decision_loses_against_a_link_that_moved(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.save(taken, replace(taken.link, detail="newer"))
    decision = Write("p1", taken.key, CRM, update(taken).kind, None, None)
    with pytest.raises(LeaseLost):
        await store.decide(taken.link, decision, T0)
    assert await store.journal(None, 10) == []


async def test_two_stores_share_one_database(opens: Open) -> None:
    """INV-8 over two processes."""
    ann, bob = opens(), opens()
    await ann.poke([referral("r1")], T0)
    old = await take_one(ann)
    assert await bob.take(10, "bob", T0, 60) == []
    new = await take_one(bob, T0 + 60, "bob")
    await bob.finish(new, [done(update(new))], linked(new.link))
    with pytest.raises(LeaseLost):
        await ann.finish(old, [done(update(old))], linked(old.link))
    later = done(update(new, "w2"))
    current = await ann.link(new.key)
    assert current is not None
    await ann.decide(current, later, T0)
    assert (await bob.verify()).rows == 2
