"""The external client app of the integration: who may sign in, and with which secrets and certificates."""

from __future__ import annotations

import hashlib
import random

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
        self.secrets: list[str] = []
        self.public_keys: list[str] = []
        self.private_key_pem = ""
        self.reset()

    def reset(self) -> None:
        """Returns to the secret and the certificate of the first day."""
        self._dice = random.Random(f"{self._seed} later")
        private, public = key_pair()
        self.secrets, self.public_keys, self.private_key_pem = [self._first], [public], private

    @property
    def client_secret(self) -> str:
        """The newest secret that is good; empty where all have ended."""
        return self.secrets[-1] if self.secrets else ""

    def new_secret(self) -> str:
        """Gives the app one more secret; the one before stays good."""
        _check_room(self.secrets, "secrets")
        self.secrets.append(_secret(self._dice))
        return self.client_secret

    def end_secret(self) -> None:
        """Ends the oldest secret."""
        _end(self.secrets, "secret")

    def new_certificate(self) -> str:
        """Gives the app one more certificate, and tells its private key."""
        _check_room(self.public_keys, "certificates")
        self.private_key_pem, public = new_key_pair()
        self.public_keys.append(public)
        return self.private_key_pem

    def trust_certificate(self, pem: str) -> None:
        """Takes a certificate that the integration made itself."""
        _check_room(self.public_keys, "certificates")
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("the certificate must hold an RSA key")
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_keys.append(key.public_bytes(serialization.Encoding.PEM, form).decode())

    def end_certificate(self) -> None:
        """Ends the oldest certificate."""
        _end(self.public_keys, "certificate")


def _secret(dice: random.Random) -> str:
    return hashlib.sha256(dice.randbytes(32)).hexdigest().upper()


def _check_room(given: list[str], what: str) -> None:
    if len(given) >= MOST:
        raise ValueError(f"the app has {MOST} {what} already; end the old one first")


def _end(given: list[str], what: str) -> None:
    if not given:
        raise ValueError(f"the app has no {what} any more")
    del given[0]
