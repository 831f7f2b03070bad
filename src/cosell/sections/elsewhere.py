"""Secrets that other programs keep: the keyring of the operating system, and Azure Key Vault.

Both libraries are extras: whoever names no such place never loads them, nor needs them installed.
"""

from __future__ import annotations

import logging
from typing import Any

from cosell.core.errors import CosellError, Misconfigured, NotAllowed, Unavailable

WIRE: dict[str, Any] = {"connection_timeout": 20, "read_timeout": 20, "retry_total": 1}
"""How patiently a vault is asked."""


def from_keyring(setting: str, place: str) -> str:
    """The secret under SERVICE/NAME in the operating system's keyring."""
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        raise _not_installed(setting, "keyring") from None
    service, _, name = place.partition("/")
    try:
        found = keyring.get_password(service, name)
    except NoKeyringError:
        raise Misconfigured(
            f"{setting} points at the keyring, but this machine has none that can be opened.",
            advice="On a server without a desktop, use env:NAME, file:/path or vault:https://… instead.",
        ) from None
    except KeyringError as error:
        raise Misconfigured(
            f"{setting} points at the keyring, which cannot be opened.",
            detail=type(error).__name__,
            advice="Unlock the keyring of the user that runs Cosell and try again.",
        ) from None
    if found is None:
        raise Misconfigured(
            f"{setting} points at {place} in the keyring, which holds no such entry.",
            advice=f"Enter it: keyring set {service} {name}",
        )
    return found


def from_vault(setting: str, url: str) -> str:
    """The newest version of a secret in Azure Key Vault, or the version the address names.

    Who asks is found out by Microsoft's library: a managed identity, a workload identity, variables of the
    environment, or the person signed in to Azure on this machine.
    """
    try:
        from azure.core.exceptions import AzureError
        from azure.keyvault.secrets import SecretClient
    except ImportError:
        raise _not_installed(setting, "vault") from None
    logging.getLogger("azure").setLevel(logging.ERROR)
    vault, _, named = url.partition("/secrets/")
    name, _, version = named.partition("/")
    try:
        with identity() as who, SecretClient(vault, who, **WIRE) as client:
            return client.get_secret(name, version or None).value or ""
    except AzureError as error:
        raise _refusal(setting, url, error) from None


def identity() -> Any:
    """Who this machine is to Azure, as Microsoft's library finds out."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _refusal(setting: str, url: str, error: Exception) -> CosellError:
    """What the vault's refusal means; the library's own text may quote what was sent and is dropped."""
    status, kind = getattr(error, "status_code", None), type(error).__name__
    if status == 404:
        return Misconfigured(
            f"{setting} points at {url}, which does not exist.",
            detail=kind,
            advice="Check the names of vault and secret.",
        )
    if status in (401, 403):
        return NotAllowed(
            f"{setting} points at {url}, which this machine may not read.",
            detail=f"status {status}",
            advice="Give the identity that runs Cosell the role Key Vault Secrets User on that vault.",
        )
    if kind in ("ClientAuthenticationError", "CredentialUnavailableError"):
        return NotAllowed(
            f"{setting} points at Azure Key Vault, but nobody is signed in to Azure here.",
            detail=kind,
            advice="Give this machine a managed identity, or sign in with the Azure command line.",
        )
    return Unavailable(f"{setting} points at {url}, and that vault does not answer.", detail=kind)


def _not_installed(setting: str, extra: str) -> Misconfigured:
    what = {"keyring": "the keyring", "vault": "Azure Key Vault"}[extra]
    return Misconfigured(
        f"{setting} points at {what}, for which a part of Cosell is not installed.",
        advice=f"Install it: pip install 'cosell[{extra}]'",
    )
