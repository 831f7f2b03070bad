"""Which tables a database has, and how it gets today's.

A new file is made whole under another name and then put in its place, so that an empty or half-made file
under the real name is never our own doing and is refused (reliability.md 8.7).
"""

from __future__ import annotations

import functools
import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

from cosell.core.errors import Misconfigured
from cosell.store.sqlite import complaints, connect_file, connect_memory, engine_on

HEAD = "0001"
"""The newest step; a test compares it with the steps themselves, so that opening need not load Alembic."""

_STEPS = Path(__file__).parent / "migrations"
_STEPPING = threading.Lock()
"""Alembic keeps the connection it works on in a global: two threads must not apply steps at once."""


def migrate(path: Path) -> str:
    """Brings the database to today's tables, all steps or none; answers the version it has now."""
    raw = connect_file(path)
    try:
        with complaints():
            return upgrade(raw, path.name)
    finally:
        raw.close()


def schema_version(path: Path) -> str | None:
    """The newest step that was applied to the database; None for one without tables."""
    raw = connect_file(path)
    try:
        with complaints():
            return version_of(raw)
    finally:
        raw.close()


def version_of(raw: sqlite3.Connection) -> str | None:
    """The same for an open connection."""
    if not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
        return None
    found = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else None


def upgrade(raw: sqlite3.Connection, name: str) -> str:
    """Applies the missing steps in one transaction; refuses tables of a newer Cosell."""
    raw.execute(
        "BEGIN IMMEDIATE"
    )  # of two programs that start at once, one waits here and then finds it done
    try:
        version = version_of(raw)
        if version != HEAD:
            _apply_steps(raw, version, name)
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
    return HEAD


def _apply_steps(raw: sqlite3.Connection, version: str | None, name: str) -> None:
    from alembic import command  # costs a fifth of a second, which only an upgrade should pay
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise newer(name, version)
    with _STEPPING, engine_on(raw).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def create(path: Path) -> None:
    """Makes a new database in place; leaves one alone that somebody else made meanwhile."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(template())
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(draft, path)
    except OSError as error:
        raise Misconfigured(
            f"The database {path.name} cannot be made.",
            detail=error.strerror or "",
            advice="Check that the folder exists, that its disk has room, and that Cosell may write to it.",
            code="store_cannot_open",
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _put_in_place(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # unlike a rename, never replaces what is there
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not path.exists():
            draft.rename(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@functools.cache
def template() -> bytes:
    """A migrated empty database, to be copied to a disk or into memory as often as wanted."""
    raw = connect_memory()
    try:
        upgrade(raw, "in memory")
        return raw.serialize()
    finally:
        raw.close()


def newer(name: str, version: str) -> Misconfigured:
    """The refusal of tables that this version does not know."""
    return Misconfigured(
        f"The database {name} was written by a newer version of Cosell.",
        detail=f"schema {version}, this version knows {HEAD}",
        advice="Install the newer version again, or restore a backup made with this one.",
        code="store_newer",
    )


def outdated(name: str, version: str | None) -> Misconfigured:
    """The refusal of tables that were to be left as they are and are not today's."""
    return Misconfigured(
        f"The database {name} has the tables of another version of Cosell.",
        detail=f"schema {version}, this version needs {HEAD}",
        advice="Start Cosell once without forbidding it to upgrade the database.",
        code="store_outdated",
    )
