"""Group commit: durable before anybody is told, one fsync for many, nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from cosell.core.errors import CosellError, Unavailable
from cosell.ports import LeaseLost, LinkFilter
from cosell.store import SqlStore, memory, open_store
from tests.store.things import (
    T0,
    Dice,
    Open,
    done,
    finished_rows,
    linked,
    referral,
    take_one,
    taken_anew,
    update,
)

Moment = Literal["before", "after"]


class Kill(Exception):
    """What a world throws at an I/O point."""


class Executioner:
    """Counts commits, and kills at one of them."""

    def __init__(self, at: Moment | None = None, victim: int = 0) -> None:
        self.commits = 0
        self._at = at
        self._victim = victim

    def __call__(self, moment: Moment) -> None:
        kills = moment == self._at and self.commits == self._victim
        self.commits += moment == "after"
        if kills:
            self._at = None
            raise Kill


async def test_many_callers_share_one_commit(opens: Open) -> None:
    """In a thread the first may go ahead alone; the rest waits for it and then goes together."""
    hook = Executioner()
    store = opens(on_commit=hook)
    await asyncio.gather(*(store.poke([referral(str(n))], T0) for n in range(100)))
    taken = await store.take(100, "ann", T0, 60)
    assert len(taken) == 100
    hook.commits = 0
    await asyncio.gather(*(store.begin(one, update(one, one.key), one.link) for one in taken))
    assert 1 <= hook.commits <= 5
    assert (await store.load(T0)).open_writes == 100


async def test_nothing_to_write_is_no_commit(opens: Open) -> None:
    hook = Executioner()
    store = opens(on_commit=hook)
    await asyncio.gather(store.take(10, "ann", T0, 60), store.poke([], T0), store.poke_keys([], "sweep", T0))
    await asyncio.gather(store.load(T0), store.links(LinkFilter()), store.verify())
    assert hook.commits == 0


@pytest.mark.parametrize(("moment", "kept"), [("before", 0), ("after", 3)])
async def test_a_kill_at_the_commit_reaches_all_its_callers(opens: Open, moment: Moment, kept: int) -> None:
    """INV-9: before the commit nothing happened, after it everything."""
    store = opens(inline=True, on_commit=Executioner(moment))
    answers = await asyncio.gather(
        *(store.poke([referral(str(n))], T0) for n in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Kill] * 3
    reopened = opens()
    assert len(await reopened.take(10, "bob", T0, 60)) == kept


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_kill_in_a_thread_reaches_the_caller_and_the_thread_goes_on(
    path: Path, moment: Moment
) -> None:
    store = open_store(path, environment="staging", dice=Dice(), on_commit=Executioner(moment))
    with pytest.raises(Kill):
        await store.poke([referral()], T0)
    await store.poke([referral()], T0)
    assert await take_one(store)
    await store.aclose()


async def whole_cycle(store: SqlStore) -> None:
    await store.poke([referral()], T0)
    taken = await take_one(store)
    link = await store.begin(taken, update(taken), taken.link)
    await store.finish(taken, [done(update(taken))], linked(link))
    await store.done(taken, T0)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("victim", range(5))
async def test_a_kill_at_any_commit_of_a_cycle_leaves_a_whole_state(victim: int, moment: Moment) -> None:
    """INV-9: a new store on the same memory finds the old or the new, and nothing between."""
    shared, hook = memory(), Executioner(moment, victim)
    dying = open_store(shared, environment="world", dice=Dice(), inline=True, on_commit=hook)
    with pytest.raises(Kill):
        await whole_cycle(dying)
    store = open_store(shared, environment="world", dice=Dice("heir"), inline=True)
    kept = victim + (moment == "after")  # of poke, take, begin, finish, done
    link = await store.link("r1")
    assert (link is not None) == (kept >= 1)
    assert (await store.load(T0)).running == (1 if 2 <= kept <= 4 else 0)
    assert [row.seq for row in await store.journal(None, 9)] == ([], [], [], [None], [1], [1])[kept]
    assert (link is not None and link.crm_id == "o1") == (kept >= 4)
    assert (await store.verify()).bad_seq is None
    await store.aclose()
    shared.close()


async def test_a_lost_lease_does_not_hurt_its_neighbours(opens: Open) -> None:
    store = opens()
    await store.poke([referral("r1"), referral("r2"), referral("r3")], T0)
    one, two, three = await store.take(3, "ann", T0, 60)
    two = replace(two, fence=two.fence + 1)
    answers = await asyncio.gather(
        *(store.begin(t, update(t, t.key), t.link) for t in (one, two, three)), return_exceptions=True
    )
    assert [isinstance(answer, LeaseLost) for answer in answers] == [False, True, False]
    assert {row.write.id for row in await store.journal(None, 9)} == {one.key, three.key}


async def test_an_order_that_fails_in_the_database_does_not_hurt_its_neighbours(opens: Open) -> None:
    """Two writes under one id: the second is refused, whatever else was in the batch."""
    store = opens()
    await store.poke([referral("r1"), referral("r2"), referral("r3")], T0)
    one, two, three = await store.take(3, "ann", T0, 60)
    answers = await asyncio.gather(
        store.begin(one, update(one, "same"), one.link),
        store.begin(two, update(two, "same"), two.link),
        store.begin(three, update(three, "other"), three.link),
        store.set_setting("neighbour", "served", "ann", T0),
        return_exceptions=True,
    )
    assert [isinstance(answer, LeaseLost) for answer in answers] == [False, True, False, False]
    assert await store.setting("neighbour") == "served"
    assert {row.write.id for row in await store.journal(None, 9)} == {"same", "other"}
    assert await store.link(two.key) == two.link


NONSENSE: list[dict[str, object]] = [
    {"cause": None},
    {"attempt": object()},
    {"attempt": 2**70},
    {"attempt": None},
]


async def test_a_bug_in_one_order_does_not_hurt_its_neighbours(opens: Open) -> None:
    store = opens()
    taken = await taken_anew(store)
    broken = [replace(update(taken), **nonsense) for nonsense in NONSENSE]  # type: ignore[arg-type]
    *failed, served = await asyncio.gather(
        *(store.begin(taken, write) for write in broken),
        store.set_setting("neighbour", "served", "ann", T0),
        return_exceptions=True,
    )
    assert all(isinstance(answer, Exception) and not isinstance(answer, CosellError) for answer in failed)
    assert served is None
    assert await store.setting("neighbour") == "served"


async def test_two_changes_to_one_key_go_one_after_the_other(opens: Open) -> None:
    """INV-8: of two saves of the same revision one holds."""
    store = opens()
    taken = await taken_anew(store)
    answers = await asyncio.gather(
        *(store.save(taken, replace(taken.link, detail=text)) for text in "ab"), return_exceptions=True
    )
    assert isinstance(answers[1], LeaseLost)
    assert (await store.link(taken.key)) == answers[0]


async def test_a_caller_who_gave_up_before_is_not_served(opens: Open) -> None:
    store = opens(inline=True)
    call = asyncio.ensure_future(store.set_setting("wanted", "no more", "ann", T0))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert await store.setting("wanted") is None


async def test_a_caller_who_gives_up_meanwhile_disturbs_nobody(path: Path) -> None:
    gate = threading.Event()

    def wait(moment: Moment) -> None:
        gate.wait(10)

    store = open_store(path, environment="staging", dice=Dice(), on_commit=wait)
    calls = [asyncio.ensure_future(store.set_setting(name, "x", "ann", T0)) for name in "abc"]
    await asyncio.sleep(0)
    calls[0].cancel()
    gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers[1:]] == [type(None)] * 2
    await store.aclose()


async def test_inline_uses_no_thread(path: Path) -> None:
    before = threading.active_count()
    store = open_store(path, environment="world", dice=Dice(), inline=True)
    await finished_rows(store, 1)
    assert threading.active_count() == before
    await store.aclose()


async def test_the_event_loop_runs_on_while_a_commit_waits_for_the_disk(path: Path) -> None:
    gate = threading.Event()

    def wait(moment: Moment) -> None:
        assert gate.wait(10)

    store = open_store(path, environment="staging", dice=Dice(), on_commit=wait)
    call = asyncio.ensure_future(store.set_setting("a", "b", "ann", T0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not call.done()  # nobody is told before the commit
    gate.set()
    await call
    await store.aclose()


async def test_closing_finishes_what_was_asked_for(opens: Open) -> None:
    store = opens()
    calls = [asyncio.ensure_future(store.set_setting(str(n), "x", "ann", T0)) for n in range(50)]
    await asyncio.sleep(0)
    await store.aclose()
    await asyncio.gather(*calls)
    assert len(await opens().settings("")) == 50


async def test_a_closed_store_says_so_and_closes_twice(opens: Open) -> None:
    store = opens()
    await store.aclose()
    await store.aclose()
    with pytest.raises(Unavailable, match="closed"):
        await store.load(T0)


async def test_a_store_outlives_its_event_loop(path: Path) -> None:
    """The command line runs several short loops on one store."""
    store = open_store(path, environment="staging", dice=Dice())

    def in_own_loop() -> int:
        return asyncio.run(store.poke_all("sweep", T0))

    assert await asyncio.to_thread(in_own_loop) == 0
    await store.poke([referral()], T0)
    assert await asyncio.to_thread(in_own_loop) == 1
    await store.aclose()
