"""What a system owes of single records: reading, creating, changing, finding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cosell.core.errors import Gone, Rejected, Stale
from cosell.core.fields import FIELDS, Help, Kind
from cosell.core.records import Snapshot, Values
from cosell.core.values import State, Unreadable, Value, normalise
from cosell.ports import Creation, Invitation, Marks, Update, Written

from . import samples
from .bench import Bench


async def read(bench: Bench, record_id: str) -> Snapshot:
    """A read that must succeed."""
    found = (await bench.system.get_many([record_id]))[record_id]
    assert isinstance(found, Snapshot), found
    return found


async def firm(bench: Bench, record_id: str) -> Snapshot:
    """A read behind whose version no later change can hide."""
    for _ in range(3):
        await bench.later(2)
        found = await read(bench, record_id)
        if found.firm:
            return found
    raise AssertionError("no read is ever firm")


async def write(bench: Bench, seen: Snapshot, values: Values, write_id: str = "w2") -> Written:
    """One guarded update on `seen`."""
    return (await bench.system.update_many([Update(write_id, seen.id, values, seen)]))[write_id]


async def done(bench: Bench, seen: Snapshot, values: Values, write_id: str = "w2") -> Snapshot:
    """One update that must succeed."""
    answer = await write(bench, seen, values, write_id)
    assert isinstance(answer, Snapshot), answer
    return answer


def creation(bench: Bench, number: int = 1, **changes: Value) -> Creation:
    """A deal that comes from the other side, with all that this side can be told at birth."""
    partner_id = f"0f1e2d3c-0000-4000-8000-{number:012d}"
    can = bench.system.capabilities.creatable
    # A customer who is known already would be taken as it stands, and not as the deal describes it.
    wanted = bench.deal(**{"customer_name": f"Fabrikam Logistics {number}", **changes})
    values = {key: value for key, value in wanted.items() if key in can and value is not None}
    return Creation(f"w{number}", partner_id, values, Marks(referral_id=partner_id, enroll=True))


async def made(bench: Bench, number: int = 1, **changes: Value) -> Snapshot:
    return await bench.system.create(creation(bench, number, **changes))


def sample(bench: Bench, key: str) -> tuple[Value, ...]:
    own = bench.samples(key)
    found = samples.samples(key) if own is None else own
    return tuple(one[: bench.longest.get(key)] if type(one) is str else one for one in found)


def undeclared(bench: Bench, sent: Values, got: Values, seen: dict[str, str]) -> dict[str, str]:
    """Losses that nobody declared; those that were declared are noted in `seen`."""
    found = samples.losses(sent, got)
    seen.update(found)
    return {key: what for key, what in found.items() if not bench.lossy.get(key, "").startswith(what)}


def differing(before: Any, after: Any) -> set[str]:
    """Names under which two drawers hold different things."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


class Records:
    """Single records."""

    async def test_get_returns_what_create_stored(self, bench: Bench) -> None:
        wanted = creation(bench)
        answered = await bench.system.create(wanted)
        await bench.later(bench.system.capabilities.index_lag)
        got = await read(bench, answered.id)
        asked = {k: v for k, v in wanted.values.items() if k not in bench.system.capabilities.acts}
        assert undeclared(bench, asked, got.values, {}) == {}
        assert got.partner_id == wanted.partner_id
        assert got.complete
        told = {key: value for key, value in answered.values.items() if got.values.get(key) != value}
        assert told == {}, "create told something else than what was stored"

    async def test_an_unknown_id_is_gone_and_hides_no_other(self, bench: Bench) -> None:
        (known,) = await bench.person_makes()
        unknown = (*known[:-4], *("0000" if known[-4:] != "0000" else "1111"))
        asked = ["".join(unknown), "no id at all", known]
        found = await bench.system.get_many(asked)
        assert isinstance(found[asked[0]], Gone)
        assert isinstance(found[asked[1]], Gone)
        assert isinstance(found[known], Snapshot)

    async def test_an_update_with_an_old_version_is_stale_and_changes_nothing(self, bench: Bench) -> None:
        """INV-1."""
        if bench.system.capabilities.precondition == "none":
            pytest.skip("declares no precondition")
        (record_id,) = await bench.person_makes()
        seen = await firm(bench, record_id)
        assert seen.version is not None
        await bench.later(2)
        await bench.person_edits(record_id, notes="Somebody was faster.")
        before = bench.stored(record_id)
        answer = await write(bench, seen, {"notes": "Ours.", "deal_value": seen.values["deal_value"]})
        assert isinstance(answer, Stale)
        assert bench.stored(record_id) == before

    async def test_an_update_touches_only_the_named_fields_and_moves_the_version(self, bench: Bench) -> None:
        """Each updatable field by itself, on a record that holds something in every field."""
        record_id = (await made(bench)).id
        for key in sorted(bench.system.capabilities.updatable - {"state"}):
            seen = await firm(bench, record_id)
            value = next((one for one in sample(bench, key) if one != seen.values.get(key)), None)
            if value is None:
                continue
            before = dict(bench.stored(record_id))
            await done(bench, seen, {key: value})
            changed = differing(before, bench.stored(record_id))
            assert changed <= set(bench.places(key)), key
            if key in bench.system.capabilities.guarded and seen.version is not None:
                assert (await firm(bench, record_id)).version != seen.version, key

    async def test_as_many_records_as_declared_are_read_and_written_at_once_each_by_itself(
        self, bench: Bench
    ) -> None:
        """One update that must fail takes none of its neighbours along (INV-14)."""
        can = bench.system.capabilities
        ids = await bench.person_makes(can.read_size + 1)
        await bench.later(2)
        found = await bench.system.get_many(ids)
        seen = [one for one in found.values() if isinstance(one, Snapshot)]
        assert {one.id for one in seen} == set(ids)
        wanted = [
            Update(f"w{at}", one.id, {"notes": f"Note {at}"}, one)
            for at, one in enumerate(seen[: can.write_size + 1])
        ]
        wanted[0] = replace(wanted[0], values={"notes": Unreadable("?", "is none")})
        answers = await bench.system.update_many(wanted)
        assert isinstance(answers["w0"], Rejected)
        for update in wanted[1:]:
            stored = answers[update.write_id]
            assert isinstance(stored, Snapshot), stored
            assert (stored.id, stored.values["notes"]) == (update.record_id, update.values["notes"])

    async def test_an_act_is_carried_out_and_nothing_undeclared_is(self, bench: Bench) -> None:
        """What cannot be repeated is never done by a creation or an update, only by `invite`."""
        can = bench.system.capabilities
        invitation = Invitation("w9", await made(bench), Help.PROOF.value, "Please join.")
        if "help" not in can.acts:
            with pytest.raises(Rejected):
                await bench.system.invite(invitation)
            return
        created = await made(bench, 2, help=Help.PROOF.value)
        assert (await read(bench, created.id)).values["help"] is None
        joined = await bench.system.invite(replace(invitation, seen=created))
        assert joined.values["help"] == Help.PROOF.value
        assert (await read(bench, created.id)).microsoft_id == joined.microsoft_id is not None

    async def test_every_field_survives_a_creation_or_is_declared_lossy(self, bench: Bench) -> None:
        can = bench.system.capabilities
        keys = (can.creatable & can.readable) - can.acts
        most = max(len(sample(bench, key)) for key in keys)
        seen: dict[str, str] = {}
        for number in range(most):
            chosen = {key: sample(bench, key)[number % len(sample(bench, key))] for key in keys}
            wanted = creation(bench, number + 1, **chosen)
            got = await read(bench, (await bench.system.create(wanted)).id)
            asked = {key: value for key, value in wanted.values.items() if key in keys}
            assert undeclared(bench, asked, got.values, seen) == {}, f"sample {number}"
        idle = {key for key in bench.lossy if key in keys and key not in seen and key not in can.updatable}
        assert idle == set(), "declared lossy, and lost nothing"

    async def test_every_field_survives_an_update_or_is_declared_lossy(self, bench: Bench) -> None:
        record_id = (await made(bench)).id
        can = bench.system.capabilities
        keys = sorted((can.updatable & can.readable) - {"state"})
        seen: dict[str, str] = {}
        for key in keys:
            for value in sample(bench, key):
                present = await firm(bench, record_id)
                await done(bench, present, {key: value})
                got = await read(bench, record_id)
                assert undeclared(bench, {key: value}, got.values, seen) == {}
        idle = {key for key in bench.lossy if key in keys and key not in seen}
        assert idle == set(), "declared lossy, and lost nothing"

    async def test_every_status_survives_an_update_or_is_declared_lossy(self, bench: Bench) -> None:
        can = bench.system.capabilities
        if "state" not in can.updatable:
            pytest.skip("declares no status that can be written")
        seen: dict[str, str] = {}
        for number, state in enumerate(sample(bench, "state"), start=1):
            record_id = (await made(bench, number, state=State.ACTIVE)).id
            await done(bench, await firm(bench, record_id), {"state": state})
            got = await read(bench, record_id)
            assert undeclared(bench, {"state": state}, got.values, seen) == {}
        assert ("state" in seen) == ("state" in bench.lossy)

    async def test_a_field_can_be_cleared_or_is_refused_by_name(self, bench: Bench) -> None:
        record_id = (await made(bench)).id
        cleared = set()
        for key in sorted(bench.system.capabilities.updatable - bench.lossy.keys() - {"state"}):
            seen, before = await firm(bench, record_id), bench.stored(record_id)
            answer = await write(bench, seen, {key: None})
            if isinstance(answer, Snapshot):
                assert not (await read(bench, record_id)).values[key], key
                cleared.add(key)
            else:
                assert isinstance(answer, Rejected), answer
                assert answer.fields, key
                assert bench.stored(record_id) == before, key
        assert "notes" in cleared | bench.lossy.keys()

    @pytest.mark.parametrize("kind", [*samples.TEXTS, "newlines"])
    async def test_text_of_every_script_survives(self, bench: Bench, kind: str) -> None:
        keys = [key for key in FIELDS if samples.is_text(key) and key in bench.system.capabilities.creatable]
        text = samples.TEXTS.get(kind, samples.LINES)
        chosen = [key for key in keys if kind != "newlines" or key in samples.MULTILINE - bench.lossy.keys()]
        fitting = {key: text[: bench.longest.get(key)] for key in chosen}
        got = await read(bench, (await made(bench, 1, **fitting)).id)
        expected = {key: normalise(Kind.TEXT, value) for key, value in fitting.items()}
        assert {key: got.values[key] for key in chosen} == expected
        assert "notes" in {*chosen, *bench.lossy}

    async def test_the_longest_text_survives_and_a_longer_one_is_refused_or_declared_lossy(
        self, bench: Bench
    ) -> None:
        can = bench.system.capabilities
        for number, key in enumerate(sorted(filter(samples.is_text, can.creatable)), start=1):
            longest = bench.longest.get(key)
            length = longest or 2000
            sent = "".join(chr(ord("a") + at % 26) for at in range(length))
            got = await read(bench, (await made(bench, number, **{key: sent})).id)
            assert undeclared(bench, {key: sent}, got.values, {}) == {}
            if longest is None:
                continue
            longer = creation(bench, number + 100, **{key: f"{sent}!"})
            if bench.lossy.get(key, "").startswith("length"):
                got = await bench.system.create(longer)
                assert samples.loss(key, f"{sent}!", got.values[key]) == "length"
                continue
            with pytest.raises(Rejected) as caught:
                await bench.system.create(longer)
            assert caught.value.fields, key

    async def test_creating_twice_by_key_gives_one_record_or_twins_that_are_seen(self, bench: Bench) -> None:
        """INV-3."""
        can = bench.system.capabilities
        if can.create == "blind":
            pytest.skip("declares neither a key nor a search")
        wanted = creation(bench)
        first = await bench.system.create(wanted)
        if can.create == "by_key":
            with pytest.raises(Rejected) as caught:
                await bench.system.create(wanted)
            assert caught.value.code == "exists"
            expected = {first.id}
        else:
            expected = {first.id, (await bench.system.create(wanted)).id}
        await bench.later(can.index_lag)
        assert {one.id for one in await bench.system.find(wanted.partner_id)} == expected

    async def test_find_sees_a_new_record_within_the_index_lag(self, bench: Bench) -> None:
        can = bench.system.capabilities
        if can.create == "blind":
            pytest.skip("declares no search")
        bench.index_lags()
        wanted = creation(bench)
        created = await bench.system.create(wanted)
        await bench.later(can.index_lag)
        (found,) = await bench.system.find(wanted.partner_id)
        assert (found.id, found.partner_id, found.complete) == (created.id, wanted.partner_id, True)
        assert list(await bench.system.find("0f1e2d3c-0000-4000-8000-00000000ffff")) == []

    async def test_the_stamp_is_readable_and_atomic_with_the_values(self, bench: Bench) -> None:
        if not bench.system.capabilities.stamp:
            pytest.skip("declares no stamp")
        record_id = (await made(bench)).id
        assert (await read(bench, record_id)).stamp == "w1"
        old = await firm(bench, record_id)
        await bench.later(2)
        stored = await done(bench, old, {"notes": "With a stamp."}, "w-new")
        assert (stored.stamp, stored.values["notes"]) == ("w-new", "With a stamp.")
        await bench.later(2)
        assert isinstance(await write(bench, old, {"notes": "Without."}, "w-stale"), Stale)
        got = await read(bench, record_id)
        assert (got.stamp, got.values["notes"]) == ("w-new", "With a stamp.")

    async def test_touched_by_tells_us_from_a_human(self, bench: Bench) -> None:
        if not bench.system.capabilities.touched_by:
            pytest.skip("declares not to tell who changed a record")
        (record_id,) = await bench.person_makes()
        assert (await read(bench, record_id)).touched_by_us is False
        await done(bench, await firm(bench, record_id), {"notes": "By us."})
        ours = await firm(bench, record_id)
        assert ours.touched_by_us is True
        await bench.person_edits(record_id, notes="By a person.")
        theirs = await read(bench, record_id)
        assert theirs.touched_by_us is False
        assert ours.touched_by != theirs.touched_by
