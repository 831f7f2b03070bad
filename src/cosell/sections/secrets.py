"""Secrets by reference: a setting names where a secret lies, never the secret itself."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cosell.core.errors import Misconfigured
from cosell.sections import elsewhere

LARGEST = 64 * 1024
"""Bytes; no secret of either system comes near."""

IN_CLEAR = "holds a secret in clear, which does not belong in a file"
HOW = (
    "Write where it lies instead: env:NAME for an environment variable, file:/path for a file, "
    "keyring:SERVICE/NAME or vault:https://NAME.vault.azure.net/secrets/NAME; "
    "or have `cosell connect` keep it sealed."
)
_SHAPES = {
    "env": (re.compile(r"\S.*"), "env:NAME"),
    "file": (re.compile(r"\S.*"), "file:/path"),
    "keyring": (re.compile(r"[^/\s]+/\S+"), "keyring:SERVICE/NAME"),
    "vault": (
        re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/secrets/[A-Za-z0-9-]+(/[A-Za-z0-9]+)?"),
        "vault:https://NAME.vault.azure.net/secrets/NAME",
    ),
    "sealed": (re.compile(r"[a-z0-9_]+\.[a-z0-9_]+"), "sealed:CONNECTION.NAME"),
}
"""For each place a secret may lie: what names it there, and how a person writes that."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret lies; the sandbox hands its own over in memory.

    `env:NAME`, `file:/path`, `keyring:SERVICE/NAME` for the keyring of the operating system,
    `vault:https://…/secrets/NAME` for Azure Key Vault, `sealed:CONNECTION.NAME` for the database.
    """

    kind: str
    place: str = ""
    _given: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Reads a reference; anything else is taken for a secret in clear and refused.

        Raises ValueError whose text never repeats what was written, for it may be the secret (INV-13).
        """
        kind, colon, place = text.partition(":")
        if not colon or kind not in _SHAPES or not place.strip():
            raise ValueError(IN_CLEAR)
        shape, written = _SHAPES[kind]
        if not shape.fullmatch(place.strip()):
            raise ValueError(f"must have the form {written}")
        return cls(kind, place.strip())

    @classmethod
    def given(cls, secret: str) -> Reference:
        """Wraps a secret that is at hand already; cannot be written in a file."""
        return cls("given", _given=secret)

    def __str__(self) -> str:
        return "(handed over)" if self.kind == "given" else f"{self.kind}:{self.place}"

    def fetch(self, setting: str, environ: Mapping[str, str], folder: Path, *, lines: bool = False) -> str:
        """The secret itself, checked; `setting` is the name to complain about, `lines` allows line breaks.

        What is sealed only the database opens (`wiring.credentials`); it is refused here.
        """
        match self.kind:
            case "given":
                return self._given
            case "env":
                found = self._from_env(setting, environ)
            case "file":
                found = self._from_file(setting, folder)
            case "keyring":
                found = elsewhere.from_keyring(setting, self.place)
            case "vault":
                found = elsewhere.from_vault(setting, self.place)
            case _:
                raise Misconfigured(
                    f"{setting} cannot be kept sealed by Cosell.",
                    advice="Name a place of this kind for it: env:NAME, file:/path or keyring:SERVICE/NAME.",
                )
        return self._checked(setting, found, lines=lines)

    def _from_env(self, setting: str, environ: Mapping[str, str]) -> str:
        if self.place not in environ:
            raise Misconfigured(
                f"{setting} points at the environment variable {self.place}, which is not set.",
                advice=f"Set {self.place} in the environment of cosell and start again.",
            )
        return environ[self.place]

    def _from_file(self, setting: str, folder: Path) -> str:
        path = folder / Path(self.place).expanduser()
        try:
            kind = path.stat()
            if not stat.S_ISREG(kind.st_mode):
                raise Misconfigured(f"{setting} points at {self.place}, which is not a file.")
            if os.name == "posix" and kind.st_mode & stat.S_IROTH:
                raise Misconfigured(
                    f"{setting} points at {self.place}, which everybody on this machine can read.",
                    advice=f"Run `chmod o-r {self.place}` and start again.",
                )
            if kind.st_size > LARGEST:
                raise Misconfigured(f"{setting} points at {self.place}, which is far too large for a secret.")
            return path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise Misconfigured(f"{setting} points at {self.place}, which is not UTF-8 text.") from error
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no usable path"
            raise Misconfigured(
                f"{setting} points at {self.place}, which cannot be read ({why.lower()})."
            ) from error

    def _checked(self, setting: str, secret: str, *, lines: bool) -> str:
        if not secret.strip():
            raise Misconfigured(f"{setting} points at {self}, which is empty.")
        if lines:
            return secret.strip() + "\n"
        if "\n" in secret or "\r" in secret:
            raise Misconfigured(f"{setting} points at {self}, which holds more than one line.")
        if secret != secret.strip():
            raise Misconfigured(
                f"{setting} points at {self}, which has spaces around the secret.",
                advice="Remove the spaces before and after it and start again.",
            )
        return secret
