"""Migrations: from nothing to today's tables, all steps or none (craft.md 2.5)."""

from __future__ import annotations

import ast
import multiprocessing
import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from cosell.core.errors import Misconfigured
from cosell.store import memory, migrate, open_store, schema, schema_version
from cosell.store.sqlite import engine_on
from cosell.store.tables import METADATA
from tests.store.things import Dice, finished_rows, rows, tamper

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
STEPS = Path(schema.__file__).parent / "migrations"
SCHEMA = (
    "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version' ORDER BY name"
)


def spawned(count: int) -> Executor:
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


def outdate(path: Path) -> None:
    """A database as it was before the first step."""
    with closing(sqlite3.connect(path)) as raw:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'link'"
        for (name,) in [*raw.execute(tables).fetchall(), ("link",)]:
            raw.execute(f"DROP TABLE {name}")
        raw.commit()


def test_there_are_exactly_seven_tables_and_every_row_names_its_environment() -> None:
    assert sorted(METADATA.tables) == ["cursor", "inbox", "lease", "link", "secret", "setting", "write"]
    for table in METADATA.tables.values():
        assert next(iter(table.primary_key.columns)).name == "environment"


def test_the_steps_lead_to_the_tables_the_code_knows(path: Path) -> None:
    assert migrate(path) == schema.HEAD
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        METADATA.create_all(engine_on(fresh))
        expected = fresh.execute(SCHEMA).fetchall()
    assert rows(path, SCHEMA) == expected
    with closing(sqlite3.connect(path, isolation_level=None)) as raw, engine_on(raw).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_newest_step_is_the_one_the_code_names() -> None:
    assert ScriptDirectory(str(STEPS)).get_current_head() == schema.HEAD


@pytest.mark.parametrize("step", sorted((STEPS / "versions").glob("0*.py")), ids=lambda step: str(step.stem))
def test_every_step_says_whether_it_runs_before_or_after_the_new_code(step: Path) -> None:
    said = ast.get_docstring(ast.parse(step.read_text()))
    assert said is not None
    assert re.match(r"(pre|post): [A-Z].+\.", said)


def test_the_same_tables_can_be_made_on_postgresql() -> None:
    """A later issue; nothing in the tables may stand in its way."""
    for table in METADATA.sorted_tables:
        assert str(CreateTable(table).compile(dialect=POSTGRESQL))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=POSTGRESQL))


def test_only_those_who_handle_the_file_itself_speak_sqlites_own_words() -> None:
    words = re.compile(r"PRAGMA|sqlite_master|BEGIN IMMEDIATE|json_|ON CONFLICT|sqlite3\.", re.IGNORECASE)
    speaking = {
        module.name
        for module in Path(schema.__file__).parent.glob("*.py")
        if words.search(module.read_text())
    }
    assert speaking <= {"sqlite.py", "schema.py", "copying.py"}


async def test_a_database_without_tables_is_brought_up_to_date_when_opened(path: Path) -> None:
    migrate(path)
    outdate(path)
    assert schema_version(path) is None
    store = open_store(path, environment="staging", dice=Dice(), inline=True)
    await finished_rows(store, 1)
    await store.aclose()
    assert schema_version(path) == schema.HEAD


def test_an_old_database_is_left_alone_where_upgrading_is_forbidden(path: Path) -> None:
    migrate(path)
    outdate(path)
    with pytest.raises(Misconfigured) as caught:
        open_store(path, environment="staging", dice=Dice(), migrate=False)
    assert caught.value.code == "store_outdated"
    assert rows(path, SCHEMA) == []


def test_a_step_that_fails_leaves_everything_as_it_was(path: Path) -> None:
    migrate(path)
    outdate(path)
    tamper(path, "CREATE TABLE setting (mine)")  # in the way of the last table of the first step
    before = rows(path, SCHEMA)
    with pytest.raises(Misconfigured):
        migrate(path)
    assert rows(path, SCHEMA) == before


def test_migrating_twice_changes_nothing(path: Path) -> None:
    assert migrate(path) == migrate(path) == schema.HEAD
    assert schema_version(path) == schema.HEAD


@pytest.mark.parametrize("programs", [ThreadPoolExecutor, spawned])
def test_two_programs_that_make_the_database_at_once_get_the_same_one(
    path: Path, programs: Callable[[int], Executor]
) -> None:
    with programs(2) as pool:
        assert set(pool.map(migrate, [path] * 4)) == {schema.HEAD}
    assert [file.name for file in path.parent.iterdir()] == ["cosell.db"]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_worlds_do_not_share_a_memory_unless_they_want_to() -> None:
    one, two = memory(), memory()
    stores = [open_store(shared, environment="world", dice=Dice()) for shared in (one, one, two)]
    await stores[0].set_setting("seen", "yes", "ann", 0.0)
    assert [await store.setting("seen") for store in stores] == ["yes", "yes", None]
    for store in stores:
        await store.aclose()
    reopened = open_store(one, environment="world", dice=Dice())
    assert await reopened.setting("seen") == "yes"
    await reopened.aclose()
    one.close()
    two.close()
