"""What a system owes of its changes: none is lost, none told for ever, and a cursor outlives us (INV-21)."""

from __future__ import annotations

import orjson

from cosell.core.records import Snapshot

from .bench import Bench
from .records import creation, made

MANY = 8
"""More records than a page of any bench holds."""


async def news(bench: Bench, cursor: str | None) -> tuple[list[str], str]:
    """Everything until there is no more to fetch at once, and where to go on."""
    ids: list[str] = []
    for _ in range(200):
        found = await bench.system.changes(cursor)
        page = [one.id for one in found.snapshots] + list(found.gone)
        assert len(page) == len(set(page)), "an id stands in one answer twice"
        ids += page
        cursor = found.cursor
        if not found.more:
            return ids, cursor
    raise AssertionError("the changes never end")


async def at_rest(bench: Bench) -> str:
    """A cursor behind which nothing waits."""
    cursor: str | None = None
    for _ in range(10):
        ids, cursor = await news(bench, cursor)
        await bench.later(20)
        if not ids:
            return cursor
    raise AssertionError("the polls do not come to rest")


class Watching:
    """Changes."""

    async def test_changes_lose_none_across_pages(self, bench: Bench) -> None:
        """With no cursor everything open comes; afterwards everything that changed."""
        all_of_them = await bench.person_makes(MANY)
        first, cursor = await news(bench, None)
        assert set(first) >= set(all_of_them)
        await bench.later(2)
        for record_id in all_of_them:
            await bench.person_edits(record_id, notes=f"Edited {record_id}")
        await bench.later(2)
        second, _ = await news(bench, cursor)
        assert set(second) >= set(all_of_them)

    async def test_changes_lose_none_of_equal_timestamps(self, bench: Bench) -> None:
        cursor = await at_rest(bench)
        at_once = await bench.person_makes(MANY)
        found, cursor = await news(bench, cursor)
        await bench.later(2)
        more, _ = await news(bench, cursor)
        assert {*found, *more} >= set(at_once)

    async def test_a_change_in_the_moment_of_a_poll_is_told_by_the_next(self, bench: Bench) -> None:
        """Two changes that carry one time stamp, and a poll between them."""
        (record_id,) = await bench.person_makes()
        cursor = await at_rest(bench)
        await bench.person_edits(record_id, notes="Before the poll.")
        _, cursor = await news(bench, cursor)
        await bench.person_edits(record_id, notes="After the poll.")
        await bench.later(2)
        found, _ = await news(bench, cursor)
        assert record_id in found

    async def test_changes_lose_none_of_slow_transactions(self, bench: Bench) -> None:
        """Its time stamp is older than the cursor when it is seen at last."""
        (record_id,) = await bench.person_makes()
        cursor = await at_rest(bench)
        late = await bench.begin_late(record_id)
        await bench.later(5)
        (quick,) = await bench.person_makes()
        await bench.later(2)
        told, cursor = await news(bench, cursor)
        assert late.record_id not in told
        for _ in range(3):
            await bench.later(late.lasts / 3)
            found, cursor = await news(bench, cursor)
            told += found
        await late.finish()
        found, _ = await news(bench, cursor)
        # A feed may keep back what came after the begin of the slow one, until that is over.
        assert {late.record_id, quick} <= {*told, *found}

    async def test_the_cursor_survives_a_restart(self, bench: Bench) -> None:
        """Between two pages and between two polls; what was made while nobody ran is told."""
        known = await bench.person_makes(MANY)
        page = await bench.system.changes(None)
        await bench.restart()
        rest, cursor = ([], page.cursor) if not page.more else await news(bench, page.cursor)
        assert {*(one.id for one in page.snapshots), *rest} >= set(known)
        await bench.later(2)
        (new,) = await bench.person_makes()
        await bench.restart()
        await bench.later(2)
        found, _ = await news(bench, cursor)
        assert new in found

    async def test_a_cursor_names_records_by_id_only(self, bench: Bench) -> None:
        """A cursor is kept in plain text: no name, no address of anybody may stand in it (INV-13)."""
        values = creation(bench).values
        await made(bench)
        _, cursor = await news(bench, None)
        _, cursor = await news(bench, cursor)
        words = (values["name"], values["notes"], values["customer_name"], values["city"])
        assert [word for word in words if isinstance(word, str) and word in cursor] == []
        assert "@" not in cursor
        assert orjson.dumps(cursor)

    async def test_our_own_write_comes_back_at_most_as_what_it_was(self, bench: Bench) -> None:
        """The echo of a write shows what the write's own answer showed (INV-4)."""
        created = await made(bench)
        cursor = await at_rest(bench)
        await bench.later(2)
        seen = (await bench.system.get_many([created.id]))[created.id]
        assert isinstance(seen, Snapshot)
        found = await bench.system.changes(cursor)
        echoes = [one for one in found.snapshots if one.id == created.id]
        for echo in echoes:
            assert {key: seen.values[key] for key in echo.values} == dict(echo.values)
