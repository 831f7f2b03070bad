"""What a system owes when a field is taken away: that field alone is out of reach (J-9)."""

from __future__ import annotations

import pytest

from cosell.core.errors import CosellError, Rejected, SchemaDrift
from cosell.core.records import Snapshot
from cosell.ports import Describing

from .bench import Away, Bench
from .records import creation, done, firm, write


async def tried_again(bench: Bench, record_id: str) -> Snapshot:
    """A read that may meet the unknown field once, and then knows what there is."""
    for _ in range(2):
        try:
            found = (await bench.system.get_many([record_id]))[record_id]
        except SchemaDrift:
            continue
        if isinstance(found, Snapshot):
            return found
        assert isinstance(found, SchemaDrift), found
    raise AssertionError("it does not find out what there is")


def away(bench: Bench) -> Away:
    if bench.away is None:
        pytest.skip("declares that its fields are the same for everybody")
    return bench.away


class Drifting:
    """Fields that go and come back."""

    async def test_a_field_that_is_taken_away_is_said_to_be_unread_and_the_others_are_read(
        self, bench: Bench
    ) -> None:
        """INV-2: it must never look like an edit to empty."""
        gone = away(bench)
        (record_id,) = await bench.person_makes()
        before = await firm(bench, record_id)
        gone.take()
        seen = await tried_again(bench, record_id)
        assert gone.field in seen.unread
        assert gone.field not in seen.values
        others = {key: value for key, value in before.values.items() if key != gone.field}
        assert dict(seen.values) == others
        can = bench.system.capabilities
        assert gone.field not in can.readable | can.updatable | can.creatable
        lack = can.lacks[gone.field]
        assert all((lack.place, lack.says, lack.fix, lack.who))

    async def test_other_fields_are_written_while_one_is_away_and_it_is_refused_by_name(
        self, bench: Bench
    ) -> None:
        gone = away(bench)
        (record_id,) = await bench.person_makes()
        await firm(bench, record_id)
        gone.take()
        await tried_again(bench, record_id)
        seen = await firm(bench, record_id)
        refused = await write(bench, seen, {gone.field: "Ours."})
        assert isinstance(refused, Rejected)
        assert refused.fields == (gone.field,)
        stored = await done(bench, seen, {"name": "Renamed"}, "w3")
        assert stored.values["name"] == "Renamed"
        assert gone.field in stored.unread

    async def test_a_write_that_meets_the_loss_changes_nothing_and_says_so(self, bench: Bench) -> None:
        """The next look plans it anew."""
        gone = away(bench)
        (record_id,) = await bench.person_makes()
        seen = await firm(bench, record_id)
        gone.take()
        before = bench.stored(record_id)
        answer: Snapshot | CosellError
        try:
            answer = await write(bench, seen, {gone.field: "Ours."})
        except SchemaDrift as why:
            answer = why
        assert isinstance(answer, SchemaDrift), answer
        assert bench.stored(record_id) == before
        assert gone.field in (await tried_again(bench, record_id)).unread

    async def test_a_record_is_created_without_the_field_that_is_away(self, bench: Bench) -> None:
        gone = away(bench)
        (record_id,) = await bench.person_makes()
        await firm(bench, record_id)
        gone.take()
        await tried_again(bench, record_id)
        stored = await bench.system.create(creation(bench, 7))
        assert gone.field in stored.unread
        assert gone.field not in stored.values

    async def test_a_field_that_is_back_is_read_as_it_stands_once_it_is_asked_for(self, bench: Bench) -> None:
        gone = away(bench)
        (record_id,) = await bench.person_makes()
        before = await firm(bench, record_id)
        gone.take()
        await tried_again(bench, record_id)
        gone.bring_back()
        assert isinstance(bench.system, Describing)
        await bench.system.describe(thorough=True)
        seen = await firm(bench, record_id)
        assert seen.values == before.values
        assert gone.field not in seen.unread
        assert gone.field not in bench.system.capabilities.lacks
        assert gone.field in bench.system.capabilities.updatable
