"""A database that is older than the world: found out, and made careful (INV-24)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core.careful import MARK
from cosell.core.records import LinkState, Pair, Write, WriteKind, WriteState
from cosell.core.values import State
from cosell.ports import UnknownWrite
from cosell.store import SqlStore
from tests.store.things import CRM, T0, done, linked, take_one, taken_anew, update

MODE = ("brake.careful", "on")


def decision(row_id: str = "restored") -> Write:
    given = {"note": "a restore", "state": WriteState.DONE, "created_at": T0, "finished_at": T0}
    return Write(row_id, "-", CRM, WriteKind.DECISION, None, None, **given)  # type: ignore[arg-type]


async def test_nothing_begins_that_rests_on_a_write_the_journal_does_not_know(store: SqlStore) -> None:
    taken = await taken_anew(store)
    link = linked(taken.link)
    with pytest.raises(UnknownWrite):
        await store.begin(taken, update(taken), link, known="of a lost row")
    assert await store.journal(None, 10) == []
    assert await store.link(taken.key) == taken.link
    link = await store.begin(taken, update(taken), link)
    await store.finish(taken, [done(update(taken))], link, known="w1")


async def test_no_verdict_rests_on_a_write_the_journal_does_not_know(store: SqlStore) -> None:
    taken = await taken_anew(store)
    link = await store.begin(taken, update(taken), linked(taken.link))
    absent = done(update(taken), state=WriteState.ABSENT)
    with pytest.raises(UnknownWrite):
        await store.finish(taken, [absent], link, known="of a lost row")
    assert [row.write.state for row in await store.journal(None, 10)] == [WriteState.OPEN]
    assert await store.known_writes(["w1", "of a lost row"]) == {"w1"}


async def test_distrust_leaves_nothing_a_write_could_rest_on(store: SqlStore) -> None:
    taken = await taken_anew(store)
    link = replace(linked(taken.link), crm_version="7", partner_center_version="8")
    await store.begin(taken, update(taken), link)
    assert await store.distrust(decision(), MODE, T0) == 1
    again = await take_one(store, T0 + 1)  # the lease is nobody's any more
    assert MARK in again.link.holds
    assert (again.link.crm_version, again.link.partner_center_version) == (None, None)
    assert again.open_writes == ()
    rows = {row.write.id: row.write.state for row in await store.journal(None, 10)}
    assert rows == {"restored": WriteState.DONE, "w1": WriteState.UNKNOWN}
    assert (await store.verify()).bad_seq is None
    assert await store.setting(MODE[0]) == "on"


async def test_two_halves_whose_meeting_was_not_over_are_distrusted_too(store: SqlStore) -> None:
    """It may have been since, and a seller may have emptied what a first meeting would fill in."""
    taken = await taken_anew(store)
    await store.save(taken, replace(taken.link, crm_id="o1", state=LinkState.HELD, reason="twins"))
    assert await store.distrust(decision(), MODE, T0) == 1
    again = await take_one(store, T0 + 1000)
    assert MARK in again.link.holds


async def test_deals_that_are_over_and_strangers_are_left_as_they_are(store: SqlStore) -> None:
    over = await taken_anew(store)
    ended = Pair(State.WON, State.WON)
    closed = replace(over.link, crm_id="o1", state=LinkState.LINKED, base={"state": ended})
    await store.save(over, closed)
    await store.done(over, T0)
    stranger = await taken_anew(store, "r2")
    assert await store.distrust(decision(), MODE, T0) == 0
    assert await store.link(stranger.key) == stranger.link
