"""Whoever hands out the secrets that an application signs in with, whatever the vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox


class SecretKeeper(Protocol):
    """The keys of one application, as its administrator sees and changes them."""

    def new_secret(self, *, lifetime: float | None = None) -> Mapping[str, Any]:
        """Makes one more secret: at least `key_id`, `secret` and `ends`; ValueError where it may not."""
        ...

    def end_secret(self, key_id: str) -> Mapping[str, Any]:
        """Ends one at once; LookupError where there is no such."""
        ...

    def secrets(self) -> Sequence[Mapping[str, Any]]:
        """All there are, by `key_id` and `ends`, without their values."""
        ...


def keepers(sandbox: Sandbox) -> dict[str, SecretKeeper]:
    """Every keeper by the system whose sign-in hangs on it."""
    return {
        "entra": sandbox.entra.drawer(),
        "entra_2": sandbox.entra_2.drawer(),
        "dataverse": sandbox.entra_2.drawer(sandbox.dataverse.client_id),
        "salesforce": sandbox.salesforce.application,
    }
