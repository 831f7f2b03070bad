"""Backups: whole, told from others, and refused where they do not belong (INV-24)."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from cosell.core.errors import Misconfigured
from cosell.engine import careful
from cosell.store import copying, open_store
from cosell.wiring import backups
from cosell.wiring.environment import Environment
from cosell.wiring.joining import absent_sandbox
from cosell.wiring.places import Place
from cosell.wiring.world import FairDice
from tests.store.things import T0, finished_rows

NAME = "sandbox"


def place(tmp_path: Path, name: str = NAME) -> Place:
    return Place(name, tmp_path / name, absent_sandbox())


async def made(where: Place, target: Path, rows: int = 3) -> backups.Manifest:
    """A database with some rows, and its backup, taken while it is open."""
    where.prepare()
    store = open_store(where.database, environment=where.name, dice=FairDice())
    env = Environment(where, absent_sandbox(), store, environ={})
    try:
        await finished_rows(store, rows)
        await store.set_secret("token", b"old", T0)
        return await backups.back_up(env, target, key=None)
    finally:
        await env.aclose()


async def kept(where: Place, *names: str) -> list[object]:
    """Settings and secrets as they stand in the database."""
    store = open_store(where.database, environment=where.name, dice=FairDice(), inline=True)
    try:
        return [await store.setting(one) if "." in one else await store.secret(one) for one in names]
    finally:
        await store.aclose()


async def test_a_backup_tells_how_far_the_audit_had_come(tmp_path: Path) -> None:
    manifest = await made(place(tmp_path), tmp_path / "b")
    assert (manifest.audit_rows, manifest.counts["write"], manifest.counts["link"]) == (3, 3, 1)
    assert len(manifest.audit_head) == 64
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


async def test_a_restore_is_careful_and_keeps_what_it_replaces(tmp_path: Path) -> None:
    where = place(tmp_path)
    await made(where, tmp_path / "b")
    done = await backups.restore(where, tmp_path / "b", who="ada")
    assert done.aside is not None
    assert copying.facts(done.aside).counts["write"] == 3
    (mode,) = await kept(where, careful.SETTING)
    assert careful.read(str(mode)).on


async def test_newer_secrets_survive_a_restore(tmp_path: Path) -> None:
    """A refresh token that was renewed since may be the only one that still works."""
    where = place(tmp_path)
    await made(where, tmp_path / "b")
    store = open_store(where.database, environment=NAME, dice=FairDice(), inline=True)
    await store.set_secret("token", b"renewed", T0 + 9)
    await store.set_setting("brake", "on", "cosell", T0 + 9)
    await store.aclose()
    done = await backups.restore(where, tmp_path / "b", who="ada")
    assert done.carried_over == 2
    assert await kept(where, "token") == [b"renewed"]


async def test_nothing_is_taken_from_a_database_of_another_past(tmp_path: Path) -> None:
    where = place(tmp_path)
    await made(where, tmp_path / "b")
    where.database.unlink()
    store = open_store(where.database, environment=NAME, dice=FairDice(), inline=True)
    await store.set_secret("token", b"of somebody else", T0 + 9)
    await store.aclose()
    assert (await backups.restore(where, tmp_path / "b", who="ada")).carried_over == 0
    assert await kept(where, "token") == [b"old"]


async def test_a_database_that_cannot_be_read_is_replaced_and_kept_all_the_same(tmp_path: Path) -> None:
    where = place(tmp_path)
    await made(where, tmp_path / "b")
    where.database.write_bytes(b"SQLite format 3\0 and then nothing that makes sense")
    done = await backups.restore(where, tmp_path / "b", who="ada")
    assert done.aside is not None
    assert done.aside.read_bytes().endswith(b"makes sense")
    assert await kept(where, "token") == [b"old"]


async def test_a_restore_into_an_empty_directory_needs_nothing_but_the_backup(tmp_path: Path) -> None:
    await made(place(tmp_path), tmp_path / "b")
    elsewhere = place(tmp_path / "new machine")
    assert (await backups.restore(elsewhere, tmp_path / "b", who="ada")).aside is None
    assert await kept(elsewhere, "token") == [b"old"]


async def test_a_backup_of_another_environment_is_refused(tmp_path: Path) -> None:
    await made(place(tmp_path, "staging"), tmp_path / "b")
    with pytest.raises(Misconfigured, match="is of the environment staging, and this one is sandbox"):
        await backups.restore(place(tmp_path), tmp_path / "b", who="ada")
    assert not place(tmp_path).database.exists()


async def test_a_backup_with_the_tables_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    where = place(tmp_path)
    await made(where, tmp_path / "b")
    inside = _changed(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="newer version of Cosell"):
        await backups.restore(where, inside, who="ada")


@pytest.mark.parametrize("damage", ["cut off", "one byte", "no manifest", "not a backup"])
async def test_a_broken_backup_is_refused_and_nothing_is_touched(tmp_path: Path, damage: str) -> None:
    where, backup = place(tmp_path), tmp_path / "b"
    await made(where, backup)
    whole, before = backup.read_bytes(), where.database.read_bytes()
    match damage:
        case "cut off":
            backup.write_bytes(whole[: len(whole) // 2])
        case "one byte":
            middle = len(whole) // 2
            backup.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        case "no manifest":
            with zipfile.ZipFile(backup, "w") as packed:
                packed.writestr("cosell.db", b"?")
        case _:
            backup.write_text("a list of groceries")
    with pytest.raises(Misconfigured, match="not a whole backup"):
        await backups.restore(where, backup, who="ada")
    assert where.database.read_bytes() == before


async def test_the_database_of_a_process_that_runs_is_not_replaced(tmp_path: Path) -> None:
    where = place(tmp_path)
    await made(where, tmp_path / "b")
    with where.alone(), pytest.raises(Misconfigured, match="Another cosell already runs"):
        await backups.restore(where, tmp_path / "b", who="ada")


def _changed(tmp_path: Path, statement: str) -> Path:
    """The backup with a database changed by somebody who also corrected its checksum."""
    with zipfile.ZipFile(tmp_path / "b") as packed:
        packed.extractall(tmp_path / "x")
    with closing(sqlite3.connect(tmp_path / "x" / "cosell.db")) as raw, raw:
        raw.execute(statement)
    manifest = json.loads((tmp_path / "x" / "manifest.json").read_text())
    manifest["checksums"]["cosell.db"] = backups._sum_of(tmp_path / "x" / "cosell.db")
    with zipfile.ZipFile(tmp_path / "c", "w") as packed:
        packed.writestr("manifest.json", json.dumps(manifest))
        packed.write(tmp_path / "x" / "cosell.db", "cosell.db")
    return tmp_path / "c"
