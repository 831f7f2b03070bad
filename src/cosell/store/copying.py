"""Copies of a database: made while it is at work, checked, and put in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cosell.core.errors import CosellError, Misconfigured
from cosell.store import schema
from cosell.store.sqlite import check_file, check_owner, complaints

COUNTED = ("link", "write", "inbox", "setting", "secret")
CHAIN_KEY = "chain.key"
"""Made with a database and never changed: two copies that share it have one past."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a copy says of itself."""

    schema: str
    counts: Mapping[str, int]


def copy(source: Path, target: Path) -> None:
    """Copies the database as it is at one moment into a new file of its own; whoever works on it goes on."""
    check_file(source)
    with complaints(), _opened(source) as old:
        check_owner(old, source)
        target.touch(mode=0o600, exist_ok=False)
        with closing(sqlite3.connect(target)) as new:
            old.backup(new)
            # A copy is one file: with a log beside it half of it could be left behind.
            new.execute("PRAGMA journal_mode=DELETE")


def facts(path: Path) -> Facts:
    """What the copy holds. Misconfigured where it is damaged, or not ours, or of a newer version."""
    check_file(path)
    with complaints(), _opened(path) as raw:
        check_owner(raw, path)
        said = [row[0] for row in raw.execute("PRAGMA integrity_check(3)")]
        if said != ["ok"]:
            raise Misconfigured(
                f"The database {path.name} is damaged.",
                detail="; ".join(map(str, said))[:200],
                advice="Take another backup.",
                code="store_damaged",
            )
        version = schema.version_of(raw) or ""
        if version > schema.HEAD:
            raise schema.newer(path.name, version)
        counts = {one: raw.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in COUNTED}  # noqa: S608
        return Facts(version, counts)


def carry_over(replaced: Path, copied: Path, settings: tuple[str, ...]) -> int:
    """Takes newer secrets, and these settings where they stand, out of a database into its older copy.

    A refresh token that was renewed since may be the only one that still works. Nothing is taken where the
    two do not share one past, or the replaced one cannot be read. Answers how many rows were taken.
    """
    with suppress(CosellError, OSError), complaints(), _opened(replaced) as old, _opened(copied) as new:
        key = "SELECT sealed FROM secret WHERE name = ?"
        if old.execute(key, (CHAIN_KEY,)).fetchone() != new.execute(key, (CHAIN_KEY,)).fetchone():
            return 0
        secrets = old.execute("SELECT environment, name, sealed, changed_at FROM secret").fetchall()
        kept = dict(new.execute("SELECT name, changed_at FROM secret").fetchall())
        newer = [row for row in secrets if row[3] > kept.get(row[1], -1.0) and row[1] != CHAIN_KEY]
        marks = ",".join("?" * len(settings))
        switches = old.execute(
            f"SELECT environment, name, value, who, changed_at FROM setting WHERE name IN ({marks})",  # noqa: S608
            settings,
        ).fetchall()
        with new:
            new.executemany("REPLACE INTO secret VALUES (?, ?, ?, ?)", newer)
            new.executemany("REPLACE INTO setting VALUES (?, ?, ?, ?, ?)", switches)
        return len(newer) + len(switches)
    return 0


def replace(database: Path, copied: Path, aside: Path) -> None:
    """Puts the copy in the place of the database, which stays as `aside`; nobody may have it open.

    At every moment there is either the old one or the new one under the name: a process that starts in
    between must never find nothing, for it would begin anew.
    """
    if database.exists():
        try:
            copy(database, aside)
            settle(database)  # the log of the old one would be taken for the new one's
        except CosellError:
            _move_aside(database, aside)
    os.replace(copied, database)
    _make_durable(database.parent)


def settle(path: Path) -> None:
    """Makes a database that nobody has open one file, with nothing beside it."""
    with complaints(), _opened(path) as raw:
        raw.execute("PRAGMA journal_mode=DELETE")


def _move_aside(database: Path, aside: Path) -> None:
    """Keeps a database that cannot be read as it is, with what lies beside it."""
    aside.unlink(missing_ok=True)
    for ending in ("-wal", "-shm", ""):
        beside = database.with_name(database.name + ending)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + ending))


def _make_durable(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=5.0)) as raw:
        yield raw
