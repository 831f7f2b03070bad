"""What the applications of a tenant sign in with: secrets and certificates, side by side, with ends."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from cosell.sandbox.entra import refusals
from cosell.sandbox.entra.directory import Application, Directory, Tenant

_HINT = 3
"""Characters of a secret that the portal goes on showing."""


@dataclass(slots=True)
class Secret:
    """A client secret; its value is told once, when it is made."""

    key_id: str
    value: str
    begins: float
    ends: float | None = None


@dataclass(slots=True)
class Certificate:
    """A certificate an administrator registered; its thumbprint is its key id."""

    key_id: str
    key: rsa.RSAPublicKey
    begins: float
    ends: float | None = None


class Keys:
    """Holds what every application of one tenant may show, and refuses what is not good now."""

    def __init__(self, tenant: Tenant, directory: Directory) -> None:
        self._tenant, self._directory = tenant, directory
        self._secrets: dict[str, list[Secret]] = {}
        self._certificates: dict[str, list[Certificate]] = {}
        self.forget()

    def forget(self) -> None:
        """Every application is left with the one secret it was registered with."""
        self._certificates = {one.client_id: [] for one in self._tenant.applications}
        self._secrets = {one.client_id: [_first(one)] for one in self._tenant.applications}

    def new_secret(self, client_id: str, *, lifetime: float | None = None) -> Secret:
        """Adds a secret beside those there are; without a lifetime it has no end."""
        now = self._directory.now()
        key_id = self._directory.new_id()
        made = Secret(
            key_id, self._directory.secret_text(""), now, None if lifetime is None else now + lifetime
        )
        self._of(self._secrets, client_id).append(made)
        return made

    def trust(self, client_id: str, certificate_pem: str) -> Certificate:
        """Registers a certificate beside those there are."""
        known = self._of(self._certificates, client_id)
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("the certificate must hold an RSA key")
        thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Entra's own name for it
        ends = certificate.not_valid_after_utc.timestamp()
        made = Certificate(thumbprint, key, self._directory.now(), ends)
        known.append(made)
        return made

    def end(self, client_id: str, key_id: str) -> Secret | Certificate:
        """Brings the end of a secret or certificate forward to now; `oldest` is the first that is good."""
        wanted = key_id.strip().lower()
        for one in self.held(client_id):
            meant = not self._has_ended(one) if wanted == "oldest" else one.key_id.lower() == wanted
            if meant:
                one.ends = self._directory.now()
                return one
        raise LookupError(f"the application has no key {key_id}")

    def held(self, client_id: str) -> Iterator[Secret | Certificate]:
        """Everything the application may show, ended or not, the oldest first."""
        yield from self._of(self._secrets, client_id)
        yield from self._of(self._certificates, client_id)

    def check_secret(self, application: Application, shown: str) -> None:
        """Returns where the secret shown is one of the application's that has not ended."""
        matching = [
            one
            for one in self._secrets[application.client_id]
            if compare_digest(one.value.encode(), shown.encode())
        ]
        if not matching:
            raise refusals.wrong_secret(application.client_id)
        if all(self._has_ended(one) for one in matching):
            raise refusals.ended_secret(application.client_id)

    def good_certificates(self, application: Application) -> list[Certificate]:
        """The certificates that have not ended."""
        return [one for one in self._certificates[application.client_id] if not self._has_ended(one)]

    def _has_ended(self, one: Secret | Certificate) -> bool:
        return one.ends is not None and one.ends <= self._directory.now()

    def _of(self, held: dict[str, list[Any]], client_id: str) -> list[Any]:
        if client_id.lower() not in held:
            raise LookupError(f"there is no application {client_id}")
        return held[client_id.lower()]


class Drawer:
    """The keys of one application, as an administrator sees and changes them."""

    def __init__(self, keys: Keys, client_id: str) -> None:
        self._keys, self._client_id = keys, client_id

    def new_secret(self, *, lifetime: float | None = None) -> dict[str, Any]:
        """Makes one more secret and tells its value, this once."""
        made = self._keys.new_secret(self._client_id, lifetime=lifetime)
        return {**_told(made), "client_id": self._client_id, "secret": made.value}

    def trust(self, certificate_pem: str) -> dict[str, Any]:
        """Registers a certificate beside what there is."""
        return {**_told(self._keys.trust(self._client_id, certificate_pem)), "client_id": self._client_id}

    def end_secret(self, key_id: str) -> dict[str, Any]:
        """Ends a secret or certificate at once; LookupError where there is no such."""
        return {**_told(self._keys.end(self._client_id, key_id)), "client_id": self._client_id}

    def secrets(self) -> list[dict[str, Any]]:
        """All secrets and certificates, by their ids and ends, without their values."""
        return [_told(one) for one in self._keys.held(self._client_id)]


def _first(application: Application) -> Secret:
    # Not thrown with the dice: the ids of everything else must not hang on how many applications there are.
    key_id = str(uuid.uuid5(uuid.NAMESPACE_OID, application.client_id))
    return Secret(key_id, application.secret, 0.0)


def _told(one: Secret | Certificate) -> dict[str, Any]:
    kind = "secret" if isinstance(one, Secret) else "certificate"
    hint = one.value[:_HINT] if isinstance(one, Secret) else ""
    ends = None if one.ends is None else datetime.fromtimestamp(one.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"key_id": one.key_id, "kind": kind, "hint": hint, "ends": ends}
