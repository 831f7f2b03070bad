"""Backups: one file that holds the database and says what it is, and the way back (INV-24)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from cosell.core.errors import Misconfigured
from cosell.engine import brake, careful
from cosell.ports import ChainReport
from cosell.store import copying, open_store
from cosell.wiring.alerts import StoredAlerts
from cosell.wiring.environment import Environment
from cosell.wiring.places import Place
from cosell.wiring.world import FairDice, WallClock

FORMAT = 1
MANIFEST, DATABASE, SETTINGS, KEY = "manifest.json", "cosell.db", "cosell.toml", "sealing.key"
LARGEST_MANIFEST = 64 * 1024
AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    version: str
    """Of the cosell that made it."""
    schema: str
    environment: str
    made_at: float
    audit_rows: int
    audit_head: str
    """The hash of the last row of the audit: the backup's place in it."""
    counts: dict[str, int]
    checksums: dict[str, str]
    """SHA-256 of every file beside this one."""

    @property
    def with_key(self) -> bool:
        return KEY in self.checksums

    @property
    def made(self) -> str:
        """When, for people."""
        return f"{datetime.fromtimestamp(self.made_at, UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    to_look_at: int
    aside: Path | None
    carried_over: int
    """Newer secrets and switches that were kept."""


# --- out ---------------------------------------------------------------------------------------------


async def back_up(env: Environment, target: Path, *, key: bytes | None) -> Manifest:
    """Writes a backup of the environment and reads it back; the file appears whole or not at all."""
    place = env.place
    with _workshop(target.parent, "backup") as shop:
        copied = shop / DATABASE
        copying.copy(place.database, copied)
        told = copying.facts(copied)
        report = await _verified(copied, place.name)
        contents = {DATABASE: copied}
        for name, content in ((SETTINGS, _settings_text(env)), (KEY, key)):
            if content is not None:
                (shop / name).write_bytes(content)
                contents[name] = shop / name
        manifest = Manifest(
            FORMAT,
            version_of("cosell"),
            told.schema,
            place.name,
            env.clock.now(),
            report.rows,
            report.head,
            dict(told.counts),
            {name: _sum_of(path) for name, path in contents.items()},
        )
        draft = shop / "draft"
        _pack(draft, manifest, contents)
        with _unpacked(draft, shop / "again"):
            os.replace(draft, target)
        return manifest


async def _verified(copied: Path, environment: str) -> ChainReport:
    """The verdict on the audit of a copy; one that is broken is no backup."""
    store = open_store(copied, environment=environment, dice=FairDice(), migrate=False)
    try:
        report = await store.verify()
    finally:
        await store.aclose()
    copying.settle(copied)
    if report.bad_seq is not None or report.why:
        raise Misconfigured(
            f"The audit in the database is broken at row {report.bad_seq}; no backup was made.",
            advice="See `cosell audit verify`; keep the backups you have.",
            code="backup_audit",
        )
    return report


def _settings_text(env: Environment) -> bytes | None:
    """The settings file: it holds references to secrets and never a secret."""
    path = env.place.file
    return path.read_bytes() if path is not None and path.exists() else None


def _pack(draft: Path, manifest: Manifest, contents: dict[str, Path]) -> None:
    draft.touch(mode=0o600)
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        packed.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2) + "\n")
        for name, path in contents.items():
            packed.write(path, name)
    with draft.open("rb") as file:
        os.fsync(file.fileno())


# --- back --------------------------------------------------------------------------------------------


async def restore(place: Place, source: Path, *, who: str) -> Restored:
    """Puts a backup in the place of the database and makes it careful; keeps what it replaces."""
    if place.settings is None:
        raise Misconfigured(
            "The sandbox begins anew with each run; there is nothing to restore.",
            advice="Name the settings file of the environment with --config.",
        )
    place.prepare()
    with place.alone(), _workshop(place.data, "restore") as shop, _unpacked(source, shop) as manifest:
        _refuse_foreign(place, manifest)
        copied, now = shop / DATABASE, WallClock().now()
        aside = place.data / f"{place.name}.replaced-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}.db"
        carried = copying.carry_over(place.database, copied, (brake.SETTING,))
        store = open_store(copied, environment=place.name, dice=FairDice())
        try:
            why = f"{who} restored the backup of {manifest.made}, audit row {manifest.audit_rows}."
            alerts = StoredAlerts(store, clock=WallClock())
            count = await careful.enter(store, alerts, why=why, token=FairDice().token(), now=now)
        finally:
            await store.aclose()
        copying.settle(copied)
        existed = place.database.exists()
        copying.replace(place.database, copied, aside)
        return Restored(manifest, count, aside if existed else None, carried)


def _refuse_foreign(place: Place, manifest: Manifest) -> None:
    if manifest.environment != place.name:
        raise Misconfigured(
            f"The backup is of the environment {manifest.environment}, and this one is {place.name}.",
            advice="Name the settings file of that environment with --config.",
            code="backup_environment",
        )


@contextlib.contextmanager
def _unpacked(source: Path, folder: Path) -> Iterator[Manifest]:
    """Unpacks a backup into the folder; refuses one that is not what its manifest says."""
    folder.mkdir(exist_ok=True)
    try:
        with zipfile.ZipFile(source) as packed:
            manifest = _manifest(packed)
            for name, sum_ in manifest.checksums.items():
                if _unpack(packed, name, folder / name) != sum_:
                    raise _broken(source)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise _broken(source) from error
    if DATABASE not in manifest.checksums:
        raise _broken(source)
    copying.facts(folder / DATABASE)
    yield manifest


def _manifest(packed: zipfile.ZipFile) -> Manifest:
    if packed.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
        raise ValueError("too long")
    told: dict[str, Any] = json.loads(packed.read(MANIFEST))
    if told["format"] != FORMAT:
        raise Misconfigured(
            "The backup was made by a newer version of Cosell.",
            advice=f"Install version {str(told.get('version'))[:20]} or a later one, then restore.",
            code="backup_newer",
        )
    if not set(told["checksums"]) <= {DATABASE, SETTINGS, KEY}:
        raise ValueError("holds what no backup holds")
    return Manifest(**told)


def _unpack(packed: zipfile.ZipFile, name: str, target: Path) -> str:
    """Writes one file; answers its checksum."""
    sum_ = hashlib.sha256()
    target.touch(mode=0o600)
    with packed.open(name) as source, target.open("wb") as file:
        while some := source.read(AT_ONCE):
            sum_.update(some)
            file.write(some)
        file.flush()
        os.fsync(file.fileno())
    return sum_.hexdigest()


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _broken(source: Path) -> Misconfigured:
    return Misconfigured(
        f"{source.name} is not a whole backup of Cosell, or cannot be read.",
        advice="Take another backup; the database was left as it is.",
        code="backup_broken",
    )


@contextlib.contextmanager
def _workshop(folder: Path, name: str) -> Iterator[Path]:
    """A folder for drafts on the same disk, for its owner only; gone afterwards."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as made:
            yield Path(made)
    except OSError as error:
        if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError):
            raise Misconfigured(
                f"Nothing can be written to {folder} ({(error.strerror or '').lower()}).",
                advice="Choose another place.",
            ) from error
        raise
