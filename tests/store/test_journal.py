"""The journal, decisions, and the chain that shows tampering (INV-7, reliability.md 10)."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosell.core.records import Consent, FieldWrite, Hold, Side, Write, WriteKind, WriteState
from cosell.core.values import Unreadable
from cosell.ports import ChainReport
from cosell.store import SqlStore, memory, open_store
from cosell.store.chain import PAGE
from tests.store.things import (
    ADA,
    BASE,
    CRM,
    T0,
    Dice,
    done,
    finished_rows,
    referral,
    rows,
    take_one,
    taken_anew,
    tamper,
    update,
)

PERSONAL = {"contacts": FieldWrite(None, ADA, ADA, "edited"), "name": FieldWrite("a", "b", "b")}


async def test_rows_are_read_newest_first_and_open_ones_before_all(store: SqlStore) -> None:
    await finished_rows(store, 3)
    await store.poke([referral("r2")], T0)
    other = await take_one(store)
    await store.begin(other, update(other, "open"))
    assert [(row.write.id, row.seq) for row in await store.journal(None, 3)] == [
        ("open", None),
        ("w3", 3),
        ("w2", 2),
    ]
    assert [row.seq for row in await store.journal(None, 10, before=3)] == [2, 1]
    assert [row.write.id for row in await store.journal(other.key, 10)] == ["open"]
    assert await store.journal(None, 0) == []


async def test_a_decision_is_chained_moves_the_link_and_hurries_it(store: SqlStore) -> None:
    held = await taken_anew(store)
    link = await store.save(held, replace(held.link, holds={"name": Hold("conflict", T0)}))
    await store.done(held, T0)
    await store.poke([referral("first")], T0)
    decision = Write(
        "p1",
        link.key,
        Side.CRM,
        WriteKind.DECISION,
        None,
        None,
        note="ann takes the CRM's name",
        created_at=T0,
    )
    saved = await store.decide(replace(link, holds={}), decision, T0 + 5)
    assert saved == replace(link, holds={}, revision=link.revision + 1) == await store.link(link.key)
    (row,) = await store.journal(link.key, 10)
    assert row.seq == 1
    assert row.write == replace(decision, state=WriteState.DONE, finished_at=T0 + 5)
    first, _ = await store.take(2, "ann", T0 + 6, 60)
    assert (first.key, first.causes) == (link.key, ("person",))


async def test_a_decision_keeps_the_end_it_was_given(store: SqlStore) -> None:
    held = await taken_anew(store)
    decision = Write(
        "p1",
        held.key,
        Side.CRM,
        WriteKind.DECISION,
        None,
        None,
        state=WriteState.REFUSED,
        finished_at=T0 + 1,
        outcome="no",
    )
    await store.decide(held.link, decision, T0 + 5)
    assert (await store.journal(None, 1))[0].write == decision


async def test_an_untouched_chain_verifies(store: SqlStore) -> None:
    assert await store.verify() == ChainReport(rows=0, head="")
    await finished_rows(store, 3, fields=PERSONAL)
    head = (await store.journal(None, 1))[0].hash
    assert await store.verify() == ChainReport(rows=3, head=head)


async def test_each_environment_has_a_chain_of_its_own() -> None:
    shared = memory()
    stores = [open_store(shared, environment=name, dice=Dice()) for name in ("staging", "production")]
    for store in stores:
        await finished_rows(store, 2)
    assert [(await store.verify()).rows for store in stores] == [2, 2]
    for store in stores:
        await store.aclose()
    shared.close()


CHANGED = "changed"
TAMPERINGS: list[tuple[str, str, int, str | None]] = [
    *(
        (f"UPDATE write SET {column} = '{value}' WHERE seq = 3", CHANGED, 3, "w3")
        for column, value in {
            "link_key": "d-other",
            "side": "partner_center",
            "kind": "create",
            "record_id": "x",
            "partner_id": "x",
            "fields": "{}",
            "expected_version": "x",
            "cause": "x",
            "consents": "[]",
            "note": "x",
            "created_at": 1,
            "sent_at": 1,
            "attempt": 9,
            "state": "refused",
            "finished_at": 1,
            "outcome": "x",
            "hash": "x",
        }.items()
    ),
    ("UPDATE write SET id = 'x' WHERE seq = 3", CHANGED, 3, "x"),
    ("UPDATE write SET note = x'ff' WHERE seq = 3", CHANGED, 3, "w3"),
    ("UPDATE write SET personal = replace(personal, 'ada', 'eve') WHERE seq = 3", CHANGED, 3, "w3"),
    ('UPDATE write SET personal = \'{"fields":{"name":[1,2,3]}}\' WHERE seq = 3', CHANGED, 3, "w3"),
    ("UPDATE write SET personal = 'junk' WHERE seq = 3", CHANGED, 3, "w3"),
    ("DELETE FROM write WHERE seq = 1", "missing", 1, "w2"),
    ("DELETE FROM write WHERE seq = 3", "missing", 3, "w4"),
    ("DELETE FROM write WHERE seq = 5", "too early", 5, None),
    ("DELETE FROM write", "too early", 1, None),
    ("UPDATE write SET environment = 'other' WHERE seq = 5", "too early", 5, None),
    ("UPDATE write SET seq = 9 WHERE seq = 3", "missing", 3, "w4"),
    ("UPDATE write SET seq = NULL WHERE seq = 5", "outside the chain", 5, "w5"),
    ("DELETE FROM cursor WHERE name = 'chain.head'", "goes on", 1, "w1"),
    ("UPDATE cursor SET value = '4:x' WHERE name = 'chain.head'", "goes on", 5, "w5"),
    ("UPDATE cursor SET value = 'junk' WHERE name = 'chain.head'", "goes on", 1, "w1"),
]


@pytest.mark.parametrize(("statement", "why", "seq", "write"), TAMPERINGS)
async def test_a_tampered_chain_names_its_first_bad_row(
    file_store: SqlStore, path: Path, statement: str, why: str, seq: int, write: str | None
) -> None:
    await finished_rows(file_store, 5, fields=PERSONAL)
    tamper(path, statement)
    report = await file_store.verify()
    assert (report.bad_seq, report.bad_write) == (seq, write)
    assert why in report.why


async def test_rows_that_changed_places_are_found(file_store: SqlStore, path: Path) -> None:
    await finished_rows(file_store, 4)
    tamper(
        path,
        "UPDATE write SET seq = 99 WHERE seq = 2",
        "UPDATE write SET seq = 2 WHERE seq = 3",
        "UPDATE write SET seq = 3 WHERE seq = 99",
    )
    report = await file_store.verify()
    assert (report.rows, report.bad_seq, report.bad_write) == (1, 2, "w3")


async def test_a_row_put_in_between_is_found(file_store: SqlStore, path: Path) -> None:
    await finished_rows(file_store, 3)
    columns = [name for (name,) in rows(path, "SELECT name FROM pragma_table_info('write')")]
    copied = ", ".join({"id": "'forged'", "seq": "2"}.get(name, name) for name in columns)
    tamper(
        path,
        "UPDATE write SET seq = 4 WHERE seq = 3",
        "UPDATE write SET seq = 3 WHERE seq = 2",
        f"INSERT INTO write SELECT {copied} FROM write WHERE seq = 3",
    )
    assert (await file_store.verify()).bad_write == "forged"


async def test_a_row_put_in_at_the_end_is_found(file_store: SqlStore, path: Path) -> None:
    """Even with a hash that fits, because the kept head does not know it."""
    await finished_rows(file_store, 3)
    kept = rows(path, "SELECT value FROM cursor WHERE name = 'chain.head'")[0][0]
    taken = await taken_anew(file_store, now=T0 + 99)
    await file_store.finish(taken, [done(update(taken, "forged"))], taken.link)
    tamper(path, f"UPDATE cursor SET value = '{kept}' WHERE name = 'chain.head'")
    report = await file_store.verify()
    assert (report.bad_seq, report.bad_write) == (4, "forged")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_the_law_of_the_chain(data: st.DataObject) -> None:
    """reliability.md 6.3: any changed, removed or reordered row is detected."""
    shared = memory()
    store = open_store(shared, environment="staging", dice=Dice())
    try:
        await finished_rows(store, 6)
        seqs = st.integers(1, 6)
        one, two = data.draw(st.tuples(seqs, seqs).filter(lambda pair: pair[0] < pair[1]))
        how = data.draw(st.sampled_from(["change", "remove", "swap"]))
        raw = shared._raw
        if how == "change":
            raw.execute("UPDATE write SET outcome = outcome || '!' WHERE seq = ?", (one,))
        elif how == "remove":
            raw.execute("DELETE FROM write WHERE seq BETWEEN ? AND ?", (one, two - 1))
        else:
            for old, new in ((one, -1), (two, one), (-1, two)):
                raw.execute("UPDATE write SET seq = ? WHERE seq = ?", (new, old))
        assert (await store.verify()).bad_seq == one
    finally:
        await store.aclose()
        shared.close()


# --- personal values ---------------------------------------------------------------------------------


async def test_personal_values_are_erased_without_breaking_the_chain(
    file_store: SqlStore, path: Path
) -> None:
    consent = Consent(ADA, "ann", "2026-01-01", "contacts became Ada")
    await finished_rows(file_store, 2, fields=PERSONAL, consents={"contacts": consent})
    tamper(path, "UPDATE write SET personal = NULL WHERE seq = 1")
    assert (await file_store.verify()).bad_seq is None
    kept, erased = (row.write for row in await file_store.journal(None, 2))
    assert kept.fields == PERSONAL
    assert kept.consents == {"contacts": consent}
    gone = Unreadable("", "was erased")
    assert erased.fields == PERSONAL | {"contacts": FieldWrite(gone, gone, gone, "edited")}
    assert erased.consents["contacts"].value == gone


async def test_outside_their_column_personal_values_are_only_digests(
    file_store: SqlStore, path: Path
) -> None:
    """INV-13: nothing of Ada is left once that column is emptied, not even a digest worth guessing at."""
    await finished_rows(file_store, 2, fields=PERSONAL)
    tamper(path, "UPDATE write SET personal = NULL")
    assert re.search(r"\bada\b", str(rows(path, "SELECT * FROM write")), re.IGNORECASE) is None
    (one,), (two,) = rows(path, "SELECT json_extract(fields, '$.contacts[0]') FROM write")
    assert len(one) == 64
    assert one != two


async def test_digests_of_two_databases_differ(tmp_path: Path) -> None:
    found = set()
    for name in "ab":
        store = open_store(tmp_path / name, environment="staging", dice=Dice())
        await finished_rows(store, 1, fields=PERSONAL)
        await store.aclose()
        found |= set(rows(tmp_path / name, "SELECT json_extract(fields, '$.contacts[0]') FROM write"))
    assert len(found) == 2


async def test_a_world_and_its_replay_have_the_same_chain() -> None:
    heads = set()
    for _ in range(2):
        shared = memory()
        store = open_store(shared, environment="world", dice=Dice())
        await finished_rows(store, 2, fields=PERSONAL)
        heads.add((await store.verify()).head)
        await store.aclose()
        shared.close()
    assert len(heads) == 1


async def test_a_long_chain_is_checked_page_by_page(store: SqlStore) -> None:
    taken = await taken_anew(store)
    count = 2 * PAGE + 1
    writes = [done(update(taken, f"w{number}")) for number in range(count)]
    await store.finish(taken, writes, replace(taken.link, base=BASE))
    report = await store.verify()
    assert (report.rows, report.bad_seq) == (count, None)


async def test_what_is_open_can_still_change_and_is_not_in_the_chain(store: SqlStore) -> None:
    taken = await taken_anew(store)
    await store.begin(taken, update(taken))
    assert (await store.verify()).rows == 0
    fields = {"name": FieldWrite("a", "b", "b")}
    await store.finish(taken, [done(update(taken), fields=fields, side=CRM)], taken.link)
    (row,) = itertools.islice(await store.journal(None, 9), 9)
    assert row.write.fields == fields
