"""All that is special about SQLite: how it is opened, begun, carried in memory, and what its errors mean."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from cosell.core.errors import CosellError, Misconfigured, Unavailable
from cosell.ports import LeaseLost

APPLICATION_ID = 0x636F736C
"""Stands in the head of every database of ours ("cosl"); another application's is never touched."""

PATIENCE = 5.0
"""Seconds to wait while another program holds the database locked."""

_MAGIC = b"SQLite format 3\0"
_RESTORE = "Stop Cosell, keep a copy of the file, and restore the newest backup."
_COMPILED: dict[Any, Any] = {}
"""Statements compiled once for all databases of the process: a world must not pay for it."""


@functools.cache
def _dialect() -> sa.Dialect:
    engine = sa.create_engine("sqlite://")
    with engine.connect():  # lets the dialect learn which SQLite this is
        pass
    engine.dispose()
    return engine.dialect


def engine_on(raw: sqlite3.Connection) -> sa.Engine:
    """SQLAlchemy on a connection that was opened already; never closes it."""
    return sa.Engine(
        StaticPool(lambda: raw),  # type: ignore[arg-type]
        _dialect(),
        sa.make_url("sqlite://"),
        execution_options={"compiled_cache": _COMPILED},
        hide_parameters=True,  # values never reach an error text (INV-13)
    )


class Database:
    """One connection to one SQLite database."""

    def __init__(self, raw: sqlite3.Connection, *, owned: bool = True) -> None:
        self._raw = raw
        self._owned = owned
        self._connection = engine_on(raw).connect()

    @contextmanager
    def transaction(self, *, writing: bool) -> Iterator[sa.Connection]:
        """Begins; commits at the end, or takes everything back."""
        with complaints():
            try:
                self._raw.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
                yield self._connection
                self._connection.commit()
            finally:
                self._take_back()

    def _take_back(self) -> None:
        self._connection.rollback()
        if self._raw.in_transaction:  # begun, but nothing was run through SQLAlchemy yet
            self._raw.execute("ROLLBACK")

    def close(self) -> None:
        """Lets go of the connection, and closes it unless others share it."""
        self._connection.close()
        if self._owned:
            self._raw.close()


class Memory:
    """A migrated database in memory. Several stores may be opened on it, one after another or side by side,
    all on one event loop; it lives until `close`."""

    def __init__(self, template: bytes) -> None:
        self._raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._raw.deserialize(template)
        self._raw.execute("PRAGMA foreign_keys=ON")

    def database(self) -> Database:
        """One more view of it."""
        return Database(self._raw, owned=False)

    def copied(self) -> bytes:
        """All of it, as another memory can begin with."""
        return self._raw.serialize()

    def close(self) -> None:
        """Forgets everything."""
        self._raw.close()


def connect_file(path: Path, *, patience: float = PATIENCE) -> sqlite3.Connection:
    """A connection to an existing file that keeps every promise we make: WAL, full sync, foreign keys."""
    with complaints():
        raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=patience)
    try:
        with complaints():
            _prepare(raw, path)
    except BaseException:
        raw.close()
        raise
    return raw


def _prepare(raw: sqlite3.Connection, path: Path) -> None:
    check_owner(raw, path)
    raw.execute("PRAGMA foreign_keys=ON")
    (mode,) = raw.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise Misconfigured(
            f"The database {path.name} cannot be written safely where it lies.",
            detail=f"journal mode {mode}",
            advice="Put it on a local disk that Cosell may write to; a network share will not do.",
            code="store_place",
        )
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute(
        "BEGIN IMMEDIATE"
    )  # a file that cannot be written shows itself here and not at the first deal
    raw.execute("ROLLBACK")


def connect_memory() -> sqlite3.Connection:
    """A connection to an empty database in memory that is marked as ours."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    raw.execute(f"PRAGMA application_id={APPLICATION_ID}")
    return raw


def check_file(path: Path) -> None:
    """Refuses what is surely no database, before SQLite would take an empty file for a new one."""
    if path.is_dir():
        raise Misconfigured(
            f"{path.name} is a folder, not a database file.",
            advice="Name a file in the setting of the database.",
            code="store_folder",
        )
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise Misconfigured(
            f"The database file {path.name} cannot be read.",
            detail=error.strerror or "",
            advice="Give the user that runs Cosell the right to read and write the file and its folder.",
            code="store_unreadable",
        ) from error
    if not head:
        raise Misconfigured(
            f"The database file {path.name} is empty: what it held is lost, or it never was ours.",
            advice="Restore the newest backup; to begin anew, delete the file.",
            code="store_empty",
        )
    if head != _MAGIC:
        raise Misconfigured(
            f"{path.name} is not a database.",
            advice="Restore the newest backup, or name another file in the setting of the database.",
            code="store_not_database",
        )


def check_owner(raw: sqlite3.Connection, path: Path) -> None:
    """Refuses a database that another application made."""
    (application,) = raw.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise Misconfigured(
            f"The database {path.name} belongs to another application.",
            advice="Name another file in the setting of the database.",
            code="store_foreign",
        )


@contextmanager
def complaints() -> Iterator[None]:
    """Turns what SQLite complains about into our own words; what Python complains about stays a bug."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        meant = translated(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
        if meant is None:
            raise
        raise meant from error


_MEANING: dict[int, tuple[type[Misconfigured] | type[Unavailable], str, str, str]] = {
    sqlite3.SQLITE_FULL: (
        Unavailable,
        "store_full",
        "The disk of the database is full.",
        "Free some space; Cosell goes on by itself.",
    ),
    sqlite3.SQLITE_BUSY: (
        Unavailable,
        "store_locked",
        "Another program holds the database locked.",
        "Close the program that has the file open, such as a second Cosell or a database viewer.",
    ),
    sqlite3.SQLITE_IOERR: (
        Unavailable,
        "store_disk",
        "The disk of the database does not answer as it should.",
        "Look after the disk; Cosell goes on by itself when it works again.",
    ),
    sqlite3.SQLITE_READONLY: (
        Misconfigured,
        "store_read_only",
        "The database cannot be written to.",
        "Give the user that runs Cosell the right to write the file and its folder.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        Misconfigured,
        "store_cannot_open",
        "The database cannot be opened.",
        "Check that the folder exists and that Cosell may write to it.",
    ),
    sqlite3.SQLITE_CORRUPT: (Misconfigured, "store_damaged", "The database is damaged.", _RESTORE),
    sqlite3.SQLITE_NOTADB: (Misconfigured, "store_not_database", "The file is not a database.", _RESTORE),
}
_ODD = (Misconfigured, "store_odd", "The database does not fit this version of Cosell.", _RESTORE)
_MEANING[sqlite3.SQLITE_LOCKED] = _MEANING[sqlite3.SQLITE_BUSY]
_MEANING[sqlite3.SQLITE_PERM] = _MEANING[sqlite3.SQLITE_READONLY]


def translated(error: BaseException | None) -> CosellError | LeaseLost | None:
    """What a complaint of SQLite means for the product; None where it only shows a mistake of ours."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return LeaseLost(f"somebody else was faster: {error}")
    if code & 0xFF in (sqlite3.SQLITE_OK, sqlite3.SQLITE_CONSTRAINT):
        return None
    kind, name, message, advice = _MEANING.get(code & 0xFF, _ODD)
    did = (
        "Nothing was written."
        if kind is Misconfigured
        else "Nothing was written; it is tried again by itself."
    )
    return kind(message, detail=str(error), did=did, advice=advice, code=name)
