"""Key pairs with a certificate, for signing in without a shared secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from cosell.core.errors import Misconfigured

GOOD_FOR = timedelta(days=730)
"""The life of a certificate made here; its end is watched."""
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)


def make(name: str, now: datetime | None = None) -> str:
    """A new private key and its self-signed certificate, in one PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = now or datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + GOOD_FOR)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + made.public_bytes(serialization.Encoding.PEM)).decode("ascii")


def public_part(pem: str) -> str:
    """The certificates in a PEM text, without any key; empty where there is none."""
    return "".join(block[0] for block in _BLOCK.finditer(pem) if block[1] == "CERTIFICATE")


def private_part(pem: str) -> str:
    """The private key in a PEM text, without certificates; the text itself where none is recognised."""
    keys = [block[0] for block in _BLOCK.finditer(pem) if block[1].endswith("PRIVATE KEY")]
    return keys[0] if keys else pem


def ends(pem: str) -> float | None:
    """When the certificate in a PEM text ends, epoch seconds; None where it holds none that can be read."""
    try:
        return x509.load_pem_x509_certificate(public_part(pem).encode()).not_valid_after_utc.timestamp()
    except ValueError:
        return None


def opened(pem: str, password: str) -> str:
    """The same text with its private key no longer under a password; it is sealed as a whole afterwards."""
    try:
        key = serialization.load_pem_private_key(private_part(pem).encode(), password.encode() or None)
    except (ValueError, TypeError):
        raise Misconfigured(
            "The password does not open the private key.", advice="Check the password and the file."
        ) from None
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode("ascii") + public_part(pem)
