"""A disk or a file that is not as it should be: the declared error, with advice, and nothing lost.

reliability.md 5 (Disk) and 8.7.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cosell.core.errors import CosellError, Misconfigured, Unavailable
from cosell.store import migrate, open_store, schema_version
from cosell.store.sqlite import PATIENCE, Database, translated
from tests.store.things import T0, Dice, finished_rows, referral, rows, take_one, tamper


def open_file(path: Path | str, **more: object) -> object:
    return open_store(path, environment="staging", dice=Dice(), inline=True, **more)  # type: ignore[arg-type]


async def some_data(path: Path, count: int = 3) -> None:
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    await finished_rows(store, count)
    await store.aclose()


def tells(error: CosellError, path: Path) -> None:
    """Says what happened, what we did and what you can do, without the place of the file."""
    assert error.message
    assert error.advice
    assert error.did.startswith("Nothing was ")
    assert str(path.parent) not in error.message


# --- at the start ------------------------------------------------------------------------------------


def of_another_application(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE customer (id)")
        raw.execute("PRAGMA application_id=42")
        raw.commit()


def of_nobody(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE customer (id)")
        raw.commit()


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "store_empty"),
    "one byte": (lambda path: path.write_bytes(b"S"), "store_not_database"),
    "text": (lambda path: path.write_text("[settings]\npath = x\n" * 99), "store_not_database"),
    "only a head": (lambda path: path.write_bytes(b"SQLite format 3\0" + b"x" * 5000), "store_not_database"),
    "a folder": (lambda path: path.mkdir(), "store_folder"),
    "another application's": (of_another_application, "store_foreign"),
    "a database of nobody": (of_nobody, "store_foreign"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_not_our_database_is_refused_and_left_as_it_is(path: Path, how: str) -> None:
    make, code = BROKEN[how]
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for call in (open_file, migrate, schema_version):
        with pytest.raises(Misconfigured) as caught:
            call(path)
        assert caught.value.code == code
        tells(caught.value, path)
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize("part", [0.3, 0.9])
async def test_a_truncated_database_is_refused(path: Path, part: float) -> None:
    await some_data(path, 30)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(Misconfigured) as caught:
        open_file(path)
    assert caught.value.code == "store_damaged"
    assert "backup" in caught.value.advice


async def test_a_damaged_page_is_reported_when_it_is_met(path: Path) -> None:
    await some_data(path, 400)
    with path.open("r+b") as file:
        pages = path.stat().st_size // 4096
        for page in range(pages // 2, pages):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    with pytest.raises(Misconfigured) as caught:
        await store.verify()
    await store.aclose()
    assert caught.value.code == "store_damaged"


async def test_a_newer_schema_is_refused(path: Path) -> None:
    """INV-24: a downgrade is refused cleanly."""
    await some_data(path)
    tamper(path, "UPDATE alembic_version SET version_num = '9999'")
    for call in (open_file, migrate):
        with pytest.raises(Misconfigured, match="newer") as caught:
            call(path)
        tells(caught.value, path)
    assert schema_version(path) == "9999"


@pytest.mark.parametrize("url", ["postgresql://db/cosell", "sqlite://", "mysql+x://u:secret@h/d"])
def test_another_kind_of_database_is_refused_without_echoing_secrets(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        open_file(url)
    assert "secret" not in caught.value.message + caught.value.detail


async def test_a_url_names_the_same_file(path: Path) -> None:
    await some_data(path)
    store = open_store(f"sqlite:///{path}", environment="staging", dice=Dice(), inline=True)
    assert (await store.verify()).rows == 3
    await store.aclose()


async def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    await some_data(tmp_path / "new" / "deeper" / "cosell.db")
    assert [file.name for file in (tmp_path / "new" / "deeper").iterdir()] == ["cosell.db"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured) as caught:
        open_file(tmp_path / "file" / "cosell.db")
    assert caught.value.code == "store_cannot_open"


AS_NOBODY = """
import os, sys
sys.path[:0] = {path!r}
from cosell.core.errors import CosellError
from cosell.store import open_store
from tests.store.things import Dice
dice = Dice()
os.getuid() or (os.setgid(65534), os.setuid(65534))
try:
    open_store({where!r}, environment="staging", dice=dice, inline=True)
except CosellError as error:
    print(error.code)
"""


@pytest.mark.parametrize(("mode", "code"), [(0o444, "store_read_only"), (0o000, "store_unreadable")])
async def test_a_database_that_may_not_be_written_is_refused_at_the_start(mode: int, code: str) -> None:
    """Tried as a user without special rights, whoever runs the tests."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        path = folder / "cosell.db"
        await some_data(path)
        path.chmod(mode)
        folder.chmod(0o555)
        script = AS_NOBODY.format(path=sys.path, where=str(path))
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        folder.chmod(0o755)
    assert (ran.stdout.strip(), ran.stderr) == (code, "")


# --- at work -----------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("inline", [True, False])
async def test_while_another_program_holds_the_lock_writing_waits_and_reading_goes_on(
    path: Path, inline: bool
) -> None:
    store = open_store(path, environment="staging", dice=Dice(), inline=inline, patience=0.05)
    await store.set_setting("seen", "yes", "ann", T0)
    with locked(path):
        refused, read = await asyncio.gather(
            store.poke([referral()], T0), store.setting("seen"), return_exceptions=True
        )
    assert isinstance(refused, Unavailable)
    assert refused.code == "store_locked"
    tells(refused, path)
    assert read == "yes"
    await store.poke([referral()], T0)
    assert await take_one(store)
    await store.aclose()


async def test_a_lock_at_the_start_is_named(path: Path) -> None:
    await some_data(path)
    with locked(path), pytest.raises(Unavailable) as caught:
        open_file(path, patience=0.05)
    assert caught.value.code == "store_locked"
    assert PATIENCE > 1  # outside tests a short lock is simply waited for


async def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(path: Path) -> None:
    """The true error of SQLite, by PRAGMA max_page_count; and room again is enough to go on."""
    await some_data(path)
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    database: Database = store._desk._commits._database  # type: ignore[attr-defined]
    (pages,) = database._raw.execute("PRAGMA page_count").fetchone()
    database._raw.execute(f"PRAGMA max_page_count={pages}")
    flood = store.poke([referral(f"r{n}" * 20) for n in range(2000)], T0)
    neighbour = store.set_setting("neighbour", "x" * 20_000, "ann", T0)
    answers = await asyncio.gather(flood, neighbour, return_exceptions=True)
    for answer in answers:
        assert isinstance(answer, Unavailable)
        assert answer.code == "store_full"
        tells(answer, path)
    assert await store.setting("neighbour") is None
    assert (await store.verify()).rows == 3
    database._raw.execute("PRAGMA max_page_count=1000000")
    await store.poke([referral("r9")], T0)
    assert await take_one(store, T0)
    await store.aclose()


async def test_a_database_that_turns_read_only_at_work_is_named(path: Path) -> None:
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    database: Database = store._desk._commits._database  # type: ignore[attr-defined]
    database._raw.execute("PRAGMA query_only=ON")
    with pytest.raises(Misconfigured) as caught:
        await store.poke([referral()], T0)
    assert caught.value.code == "store_read_only"
    assert (await store.load(T0)).due == 0
    await store.aclose()


async def test_tables_that_vanished_are_named(path: Path) -> None:
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    tamper(path, "DROP TABLE setting")
    with pytest.raises(Misconfigured) as caught:
        await store.setting("x")
    assert caught.value.code == "store_odd"
    await store.aclose()


async def test_no_value_reaches_an_error_text(path: Path) -> None:
    """INV-13."""
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    tamper(path, "DROP TABLE setting")
    with pytest.raises(Misconfigured) as caught:
        await store.set_setting("x", "ada@example.com", "ann", T0)
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "ada@" not in str(chain)
        chain = chain.__cause__
    assert "ada@" not in caught.value.detail
    await store.aclose()


def test_every_complaint_of_sqlite_has_an_answer() -> None:
    for name in ("IOERR_FSYNC", "CANTOPEN_ISDIR", "BUSY_SNAPSHOT", "LOCKED", "READONLY_DIRECTORY", "NOMEM"):
        error = sqlite3.OperationalError("wire words")
        error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
        meaning = translated(error)
        assert isinstance(meaning, CosellError)
        assert "wire words" not in meaning.message
        assert meaning.detail == "wire words"


async def test_it_is_durable_by_write_ahead_log_and_full_sync(path: Path) -> None:
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    database: Database = store._desk._commits._database  # type: ignore[attr-defined]
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    found = [database._raw.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    assert found == ["wal", 2, 1]
    await store.aclose()
    assert [file.name for file in path.parent.iterdir()] == ["cosell.db"]


async def test_acknowledged_work_survives_kill_9(path: Path) -> None:
    """INV-9, with a real process and no goodbye."""
    script = (
        "import asyncio, os, sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from cosell.store import open_store\n"
        "from tests.store.things import *\n"
        "async def work():\n"
        f"    store = open_store({str(path)!r}, environment='staging', dice=Dice())\n"
        "    taken = await taken_anew(store)\n"
        "    await store.begin(taken, update(taken), taken.link)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(work())\n"
    )
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await killed.wait() == -9
    assert os.path.exists(f"{path}-wal")
    store = open_store(path, environment="staging", dice=Dice("b"))
    heir = await take_one(store, T0 + 60)
    assert [write.id for write in heir.open_writes] == ["w1"]
    assert heir.link.revision == 1
    await store.aclose()
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
