"""Whoever hands out the secrets that an application signs in with, whatever the vendor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

OLDEST = "oldest"
"""Stands for the key that was made first and is good still."""


@runtime_checkable
class SecretKeeper(Protocol):
    """The keys of one application, as its administrator sees and changes them."""

    def new_secret(self, *, lifetime: float | None = None) -> Mapping[str, Any]:
        """Makes one more secret: at least `key_id`, `secret` and `ends`; ValueError where it may not."""
        ...

    def end_secret(self, key_id: str) -> Mapping[str, Any]:
        """Ends one at once, by its id or as the oldest; LookupError where there is no such."""
        ...

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        """All there are, by `key_id` and `ends`, without their values."""
        ...


@runtime_checkable
class PlainApplication(Protocol):
    """An application whose secrets have neither ids nor ends of their own."""

    client_id: str
    secrets: list[str]

    def new_secret(self) -> str: ...


class PlainKeeper:
    """Gives the secrets of a plain application ids, so that one of them can be meant."""

    def __init__(self, application: PlainApplication) -> None:
        self._application = application

    def new_secret(self, *, lifetime: float | None = None) -> Mapping[str, Any]:
        """One more secret; it has no end before somebody ends it."""
        if lifetime is not None:
            raise ValueError("The secrets of this application have no end of their own.")
        secret = self._application.new_secret()
        return {**_told(secret), "client_id": self._application.client_id, "secret": secret}

    def end_secret(self, key_id: str) -> Mapping[str, Any]:
        """Takes the secret away."""
        held = self._application.secrets
        for secret in held[:1] if key_id == OLDEST else [*held]:
            if key_id in (OLDEST, _told(secret)["key_id"]):
                held.remove(secret)
                return {**_told(secret), "client_id": self._application.client_id}
        raise LookupError(f"the application has no key {key_id}")

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        """Those that are good."""
        return [_told(secret) for secret in self._application.secrets]


def keepers(sandbox: Sandbox) -> dict[str, SecretKeeper]:
    """Every keeper by the system whose sign-in hangs on it."""
    found: dict[str, SecretKeeper] = {
        "entra": sandbox.entra.drawer(),
        "entra_2": sandbox.entra_2.drawer(),
        "dataverse": sandbox.entra_2.drawer(sandbox.dataverse.client_id),
    }
    application = getattr(sandbox.salesforce, "application", None)
    if isinstance(application, PlainApplication):
        found["salesforce"] = PlainKeeper(application)
    return found


def _told(secret: str) -> dict[str, Any]:
    key_id = hashlib.sha256(secret.encode()).hexdigest()[:12]
    return {"key_id": key_id, "kind": "secret", "hint": secret[:3], "ends": None}
