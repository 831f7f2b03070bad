"""What a system owes when things go wrong: it says who has to act, and never that nothing happened."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.core.errors import CosellError, Throttled, Unavailable, Uncertain
from cosell.core.records import Snapshot

from .bench import Bench, To
from .records import creation, differing, firm, write


async def outcome_of_read(bench: Bench, record_id: str) -> Snapshot | CosellError:
    """What a read ends in, whether it was answered or raised."""
    try:
        return (await bench.system.get_many([record_id]))[record_id]
    except CosellError as why:
        return why


async def outcome_of_write(bench: Bench, seen: Snapshot) -> Snapshot | CosellError:
    """What an update ends in, whether it was answered or raised."""
    try:
        return await write(bench, seen, {"notes": "Ours."})
    except CosellError as why:
        return why


async def outcome(bench: Bench, to: To, seen: Snapshot) -> Snapshot | CosellError:
    return await (outcome_of_read(bench, seen.id) if to == "read" else outcome_of_write(bench, seen))


async def warm(bench: Bench) -> Snapshot:
    """A record, firmly read by a connection that is signed in and knows its way."""
    (record_id,) = await bench.person_makes()
    return await firm(bench, record_id)


def named(found: Any) -> CosellError:
    """An error fit for people."""
    assert isinstance(found, CosellError), found
    assert found.message.strip().endswith((".", "»", ":")) or found.message.strip(), found
    assert found.advice
    assert found.did
    return found


class Trouble:
    """Faults that either level knows."""

    @pytest.mark.parametrize("to", ["read", "write"])
    async def test_throttling_says_how_long_to_wait(self, bench: Bench, to: To) -> None:
        """429 with Retry-After."""
        seen = await warm(bench)
        before = bench.stored(seen.id)
        bench.strike("throttled_with_wait", to)
        found = named(await outcome(bench, to, seen))
        assert isinstance(found, Throttled)
        assert found.retry_after is not None
        assert found.retry_after > 0
        assert bench.stored(seen.id) == before

    @pytest.mark.parametrize("to", ["read", "write"])
    async def test_throttling_without_a_time_says_so(self, bench: Bench, to: To) -> None:
        """429 without Retry-After."""
        seen = await warm(bench)
        bench.strike("throttled", to)
        found = named(await outcome(bench, to, seen))
        assert isinstance(found, Throttled)
        assert found.retry_after is None

    async def test_a_timeout_after_an_update_was_applied_is_uncertain(self, bench: Bench) -> None:
        """INV-10."""
        seen = await warm(bench)
        before = bench.stored(seen.id)
        bench.strike("answer_lost", "write")
        found = named(await outcome_of_write(bench, seen))
        assert type(found) is Uncertain
        assert differing(before, bench.stored(seen.id)) == set(bench.places("notes"))

    async def test_a_timeout_after_a_creation_was_applied_is_uncertain_and_it_is_found(
        self, bench: Bench
    ) -> None:
        """INV-3, INV-10."""
        await warm(bench)
        wanted = creation(bench)
        bench.strike("answer_lost", "write")
        with pytest.raises(Uncertain):
            await bench.system.create(wanted)
        if bench.system.capabilities.create == "blind":
            pytest.skip("declares no search")
        await bench.later(bench.system.capabilities.index_lag)
        assert len(await bench.system.find(wanted.partner_id)) == 1

    @pytest.mark.parametrize("to", ["read", "write"])
    async def test_a_request_that_was_never_sent_is_unavailable_and_changes_nothing(
        self, bench: Bench, to: To
    ) -> None:
        seen = await warm(bench)
        before = bench.stored(seen.id)
        bench.strike("out_of_reach", to)
        found = named(await outcome(bench, to, seen))
        assert type(found) is Unavailable
        assert bench.stored(seen.id) == before
        assert isinstance(await outcome(bench, to, seen), Snapshot), "it does not recover"
