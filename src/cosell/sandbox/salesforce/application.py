"""The external client app of the integration: who may sign in, and with which secrets and certificates."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sized
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cosell.sandbox.salesforce.keys import key_pair, new_key_pair

MOST = 2
"""How many secrets, and how many certificates, an app has at one time: the old and the new."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"


class App:
    """What the administrator of the org handed to the integration; the same for the same seed, keys aside."""

    username = "integration@cosell.example"
    administrator = "sana.admin@cosell.example"

    def __init__(self, seed: str) -> None:
        self._seed = seed
        dice = random.Random(seed)
        self.client_id = "3MVG9" + "".join(dice.choice(_ALPHABET) for _ in range(80))
        self._first = _secret(dice)
        self._dice = dice
        self.good_secrets: dict[str, str] = {}
        self.public_keys: dict[str, str] = {}
        self.private_key_pem = ""
        self._made = 0
        self.reset()

    def reset(self) -> None:
        """Returns to the secret and the certificate of the first day."""
        self._dice = random.Random(f"{self._seed} later")
        self._made = 0
        private, public = key_pair()
        self.good_secrets, self.public_keys = {"secret-0": self._first}, {"certificate-0": public}
        self.private_key_pem = private

    @property
    def client_secret(self) -> str:
        """The newest secret that is good; empty where all have ended."""
        return list(self.good_secrets.values())[-1] if self.good_secrets else ""

    def secrets(self) -> list[dict[str, Any]]:
        """What the app can be signed in with, without the values; nothing of it ends by itself."""
        return [{"key_id": one, "ends": None} for one in (*self.good_secrets, *self.public_keys)]

    def new_secret(self, *, lifetime: float | None = None) -> dict[str, Any]:
        """Gives the app one more secret; the one before stays good."""
        if lifetime is not None:
            raise ValueError("a consumer secret of Salesforce does not end by itself")
        _check_room(self.good_secrets, "secrets")
        key_id = self._next("secret")
        self.good_secrets[key_id] = _secret(self._dice)
        return {"key_id": key_id, "secret": self.client_secret, "ends": None}

    def new_certificate(self) -> str:
        """Gives the app one more certificate, and tells its private key."""
        _check_room(self.public_keys, "certificates")
        self.private_key_pem, self.public_keys[self._next("certificate")] = new_key_pair()
        return self.private_key_pem

    def trust_certificate(self, pem: str) -> dict[str, Any]:
        """Takes a certificate that the integration made itself."""
        _check_room(self.public_keys, "certificates")
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("the certificate must hold an RSA key")
        form, key_id = serialization.PublicFormat.SubjectPublicKeyInfo, self._next("certificate")
        self.public_keys[key_id] = key.public_bytes(serialization.Encoding.PEM, form).decode()
        return {"key_id": key_id, "ends": None}

    def end_secret(self, key_id: str) -> dict[str, Any]:
        """Ends a secret or certificate."""
        for kept in (self.good_secrets, self.public_keys):
            if key_id in kept:
                del kept[key_id]
                return {"key_id": key_id}
        raise LookupError(f"there is no {key_id}")

    def _next(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._made}"


def _secret(dice: random.Random) -> str:
    return hashlib.sha256(dice.randbytes(32)).hexdigest().upper()


def _check_room(given: Sized, what: str) -> None:
    if len(given) >= MOST:
        raise ValueError(f"the app has {MOST} {what} already; end the old one first")
