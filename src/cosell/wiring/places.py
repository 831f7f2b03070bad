"""Where an environment lives: its settings, its data directory, and the note of the process that runs it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cosell.config import Settings, read
from cosell.core.errors import Misconfigured

FILE = "cosell.toml"
SANDBOX = "sandbox"
SANDBOXES = (SANDBOX, "sandbox-dynamics")
"""The environments that run with the sandbox where there is no settings file: one for each CRM."""


@dataclass(frozen=True, slots=True)
class Place:
    """One environment on this machine; without settings it is the sandbox environment."""

    name: str
    data: Path
    settings: Settings | None = None
    file: Path | None = None
    """Where the settings stand."""

    @property
    def database(self) -> Path:
        return self.data / f"{self.name}.db"

    @property
    def note(self) -> Path:
        """What the running process tells the others: addresses and process id, no secret."""
        return self.data / "runtime.json"

    def running(self) -> dict[str, Any] | None:
        """The note of the process that runs this environment now; None when nobody does."""
        try:
            told = json.loads(self.note.read_text("utf-8"))
            return told if isinstance(told, dict) and alive(int(told["pid"])) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @contextlib.contextmanager
    def told(self, addresses: Mapping[str, str]) -> Iterator[None]:
        """Leaves the note while the block runs."""
        note = {"pid": os.getpid(), "environment": self.name, **addresses}
        fresh = self.note.with_suffix(".new")
        fresh.write_text(json.dumps(note, indent=2) + "\n", "utf-8")
        fresh.replace(self.note)
        try:
            yield
        finally:
            self.note.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Makes the data directory, for its owner only."""
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Misconfigured(
                f"The data directory {self.data} cannot be made ({(error.strerror or '').lower()}).",
                advice="Choose another with [environment] data or COSELL_DATA.",
            ) from error

    def _writable(self, name: str) -> IO[str]:
        """A file of the data directory, open to be written; or the reason why it cannot be, in a sentence."""
        try:
            return (self.data / name).open("a")
        except OSError as error:
            raise Misconfigured(
                f"The data directory {self.data} cannot be written to ({(error.strerror or '').lower()}).",
                advice="Give the user that runs Cosell the right to write there, or choose another place.",
            ) from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps a second `cosell run` out of this data directory while the block runs."""
        import fcntl

        with self._writable("run.lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Misconfigured(
                    f"Another cosell already runs the environment {self.name} from {self.data}.",
                    advice="Stop it first, or give this one another directory with COSELL_DATA.",
                ) from None
            yield


def meant(config: str | None, environ: Mapping[str, str]) -> Path | str:
    """The settings file meant: --config, else COSELL_CONFIG, else ./cosell.toml; else a sandbox's name.

    Of the sandbox's environments each can be meant by its name.
    """
    named = config or environ.get("COSELL_CONFIG")
    path = Path(named or FILE)
    if path.exists() or (named and named not in SANDBOXES):
        return path
    return named or SANDBOX


def locate(config: str | None, environ: Mapping[str, str]) -> Place:
    """The environment meant; its settings are read, and refused where they are wrong."""
    found = meant(config, environ)
    return place_of(read(found), found) if isinstance(found, Path) else sandbox_place(found, environ)


def place_of(settings: Settings, file: Path) -> Place:
    """Where the environment of these settings, read from `file`, lives."""
    name = settings.environment.name
    return Place(name, settings.data / name, settings, file)


def sandbox_place(name: str, environ: Mapping[str, str]) -> Place:
    """Where an environment of the sandbox lives."""
    return Place(name, Path(environ.get("COSELL_DATA") or "cosell-data") / name)


def located(configs: Sequence[str], environ: Mapping[str, str]) -> list[Place]:
    """All environments one process is to run: those named, else the one meant, else the whole sandbox."""
    places = [locate(one, environ) for one in configs] or [locate(None, environ)]
    if places[0].settings is None and not configs and not environ.get("COSELL_CONFIG"):
        places = [locate(name, environ) for name in SANDBOXES]
    names = [place.name for place in places]
    if twice := [name for name in names if names.count(name) > 1]:
        raise Misconfigured(
            f"Two environments are called {twice[0]}.", advice="Give each its own [environment] name."
        )
    return places


def alive(pid: int) -> bool:
    """Tells whether a process of this machine runs."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
