"""Secrets at rest: sealed in the database with a key that is never kept inside it.

The key comes from the first of: the environment variable `COSELL_KEY`, the file that `COSELL_KEY_FILE`
names, the place that `COSELL_KEY_FROM` refers to (`keyring:…`, `vault:…`, `env:…` or `file:…`), the file
`<environment>.key` in the data directory, which is created with rights for its owner only.
A copy of the database alone opens nothing. Whoever copies the whole data directory has both; give the key
by environment or by a mounted file where that matters.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from cosell.core.errors import Misconfigured
from cosell.ports import Clock, Store
from cosell.sections.secrets import Reference

HOW_KEY = "Write where the key lies: keyring:SERVICE/NAME or vault:https://NAME.vault.azure.net/secrets/NAME."
SHORTEST = 6
"""Characters; a shorter text is too common to be starred out of every line."""


class LiveSecrets:
    """Every secret value in use by this process, so that logs and messages can leave them out (INV-13)."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._sources: list[Callable[[], Iterable[str]]] = []

    def also(self, source: Callable[[], Iterable[str]]) -> None:
        """Asks `source` each time as well, for secrets that change while the process runs."""
        self._sources.append(source)

    def add(self, secret: str) -> str:
        """Remembers `secret` and hands it back."""
        for value in (secret, *secret.splitlines()):
            if len(value.strip()) >= SHORTEST and not value.startswith("-----"):
                self._values.add(value.strip())
        return secret

    def redact(self, text: str) -> str:
        """The text with stars in place of every live secret."""
        for value in self:
            if value in text:
                text = text.replace(value, "***")
        return text

    def __iter__(self) -> Iterator[str]:
        moving = {value for source in self._sources for value in source() if len(value) >= SHORTEST}
        return iter(sorted(self._values | moving, key=len, reverse=True))


class SealedKeyring:
    """Keeps secrets in the store, sealed; only this process sees them open."""

    def __init__(self, store: Store, key: bytes, *, clock: Clock, live: LiveSecrets) -> None:
        self._store, self._clock, self._live = store, clock, live
        self._fernet = Fernet(key)

    async def get(self, name: str) -> str | None:
        sealed = await self._store.secret(name)
        if sealed is None:
            return None
        try:
            return self._live.add(self._fernet.decrypt(sealed).decode("utf-8"))
        except (InvalidToken, UnicodeDecodeError):
            raise Misconfigured(
                f"The secret {name} in the database was sealed with another key.",
                advice="Bring back that key (COSELL_KEY or the .key file), or sign in again.",
            ) from None

    async def put(self, name: str, secret: str) -> None:
        sealed = self._fernet.encrypt(self._live.add(secret).encode("utf-8"))
        await self._store.set_secret(name, sealed, self._clock.now())


def find_key(data: Path, environment: str, environ: Mapping[str, str]) -> bytes:
    """The key to seal with; a new one is written beside the database where none is given."""
    if (given := environ.get("COSELL_KEY")) is not None:
        return _checked(given, "COSELL_KEY")
    if (place := environ.get("COSELL_KEY_FROM")) is not None:
        return _checked(_referred(place, data, environ), "COSELL_KEY_FROM")
    named = environ.get("COSELL_KEY_FILE")
    path = Path(named) if named else data / f"{environment}.key"
    try:
        return _checked(path.read_text("ascii"), str(path))
    except FileNotFoundError:
        if named:
            raise Misconfigured(f"COSELL_KEY_FILE names {named}, which does not exist.") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise Misconfigured(f"The key file {path} cannot be read.") from error
    return _written(path)


def _referred(place: str, data: Path, environ: Mapping[str, str]) -> str:
    try:
        return Reference.parse(place).fetch("COSELL_KEY_FROM", environ, data)
    except ValueError as error:
        raise Misconfigured(f"COSELL_KEY_FROM {error}.", advice=HOW_KEY) from None


def _written(path: Path) -> bytes:
    key = Fernet.generate_key()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:  # another process was faster; its key is the key
        return _checked(path.read_text("ascii"), str(path))
    except OSError as error:
        raise Misconfigured(f"The key file {path} cannot be written ({error.strerror}).") from error
    return key


def _checked(text: str, where: str) -> bytes:
    try:
        Fernet(text.strip())
    except ValueError:
        raise Misconfigured(
            f"{where} does not hold a key.",
            advice="A key is 32 bytes in URL-safe base64: 44 characters, as `cosell init --key` prints one.",
        ) from None
    return text.strip().encode("ascii")
