"""Cursors, named leases, settings, secrets."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cosell.core.records import Write, WriteKind
from cosell.ports import Taken
from cosell.store import SqlStore
from tests.store.things import T0, Open, done, taken_anew, update


async def test_a_named_lease_has_one_holder(opens: Open) -> None:
    ann, bob = opens(), opens()
    assert await ann.hold_lease("watch", "ann", T0, 60)
    assert not await bob.hold_lease("watch", "bob", T0 + 59, 60)
    assert await bob.hold_lease("other", "bob", T0, 60)
    assert await ann.hold_lease("watch", "ann", T0 + 59, 60)
    assert not await bob.hold_lease("watch", "bob", T0 + 118, 60)
    assert await bob.hold_lease("watch", "bob", T0 + 119, 60)
    assert not await ann.hold_lease("watch", "ann", T0 + 120, 60)


async def test_only_the_holder_releases_a_lease(store: SqlStore) -> None:
    await store.hold_lease("watch", "ann", T0, 60)
    await store.release_lease("watch", "bob")
    assert not await store.hold_lease("watch", "bob", T0, 60)
    await store.release_lease("watch", "ann")
    assert await store.hold_lease("watch", "bob", T0, 60)


def creation(taken: Taken) -> Write:
    return replace(update(taken, record_id=None), kind=WriteKind.CREATE)


async def test_a_finished_creation_lets_go_of_the_leases_of_its_key(store: SqlStore) -> None:
    """J-4: by a step of its own a kill in between would keep the next deal of that customer waiting."""
    taken = await taken_anew(store)
    assert await store.hold_lease("customer", taken.key, T0, 890)
    link = await store.begin(taken, creation(taken), taken.link)
    assert not await store.hold_lease("customer", "another", T0, 890)
    await store.finish(taken, [done(creation(taken))], link)
    assert await store.hold_lease("customer", "another", T0, 890)


async def test_a_finished_update_keeps_them(store: SqlStore) -> None:
    taken = await taken_anew(store)
    assert await store.hold_lease("customer", taken.key, T0, 890)
    link = await store.begin(taken, update(taken), taken.link)
    await store.finish(taken, [done(update(taken))], link)
    assert not await store.hold_lease("customer", "another", T0, 890)


@pytest.mark.parametrize("unanswered", [True, False])
async def test_leases_of_a_folded_key_go_with_its_open_creation_or_end(
    store: SqlStore, *, unanswered: bool
) -> None:
    stub = await taken_anew(store)
    assert await store.hold_lease("customer", stub.key, T0, 890)
    if unanswered:
        await store.begin(stub, creation(stub), stub.link)
    other = await taken_anew(store, "r2")
    await store.join(stub, other.key)
    assert await store.hold_lease("customer", "another", T0, 890) is not unanswered
    assert await store.hold_lease("customer", other.key, T0, 890) is unanswered


async def test_a_lease_of_a_clock_since_set_back_is_free(store: SqlStore) -> None:
    await store.hold_lease("watch", "dead", T0, 60)
    assert await store.hold_lease("watch", "ann", T0 - 3600, 60)


async def test_a_setting_is_kept_changed_and_forgotten(store: SqlStore) -> None:
    assert await store.setting("flow.outward") is None
    await store.set_setting("flow.outward", "off", "ann", T0)
    await store.set_setting("flow.outward", "on", "bob", T0)
    await store.set_setting("flow.inward", "", "bob", T0)
    await store.set_setting("Flow.other", "x", "bob", T0)
    await store.set_setting("flow%", "y", "bob", T0)
    assert await store.setting("flow.outward") == "on"
    assert await store.settings("flow.") == {"flow.inward": "", "flow.outward": "on"}
    await store.set_setting("flow.outward", None, "ann", T0)
    await store.set_setting("never there", None, "ann", T0)
    assert await store.settings("flow.") == {"flow.inward": ""}


async def test_two_processes_that_count_in_one_setting_lose_nothing_of_each_other(opens: Open) -> None:
    """INV-17: what the brake counts is counted for all processes."""

    def one_more(kept: str | None) -> str:
        return str(int(kept or "0") + 1)

    stores = [opens(), opens()]
    counts = [store.amend("tally", one_more, "cosell", T0) for _ in range(20) for store in stores]
    answers = await asyncio.gather(*counts)
    assert sorted(int(after or "") for _, after in answers) == list(range(1, 41))
    assert all(int(after or "") == int(before or "0") + 1 for before, after in answers)
    assert await stores[0].setting("tally") == "40"


async def test_an_amendment_may_leave_a_setting_alone_or_forget_it(store: SqlStore) -> None:
    await store.set_setting("a", "1", "ann", T0)
    assert await store.amend("a", lambda kept: kept, "bob", T0) == ("1", "1")
    assert await store.amend("a", lambda _: None, "bob", T0) == ("1", None)
    assert await store.amend("a", lambda _: None, "bob", T0) == (None, None)


@pytest.mark.parametrize("sealed", [b"", b"\x00\xff sealed"])
async def test_a_secret_is_kept_as_it_was_sealed(store: SqlStore, sealed: bytes) -> None:
    assert await store.secret("salesforce") is None
    await store.set_secret("salesforce", b"old", T0)
    await store.set_secret("salesforce", sealed, T0)
    assert await store.secret("salesforce") == sealed
