"""Signs callbacks as Microsoft does, under a test authority whose name contains Microsoft's."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CertificateName = Literal["pcnotifications-dispatch.sandbox", "stranger.sandbox", "expired.sandbox"]
GOOD: CertificateName = "pcnotifications-dispatch.sandbox"
STRANGER: CertificateName = "stranger.sandbox"
EXPIRED: CertificateName = "expired.sandbox"
NAMES: tuple[CertificateName, ...] = (GOOD, STRANGER, EXPIRED)


@cache
def _key(_whose: str) -> rsa.RSAPrivateKey:
    """A key of this process; making new ones for every sandbox would only cost time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Microsoft Corporation"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@cache
def root() -> x509.Certificate:
    """The test authority a client of the sandbox has to trust."""
    return _authority("root", "Cosell Sandbox Root (not Microsoft)")


@cache
def _strange_root() -> x509.Certificate:
    # The same name with another key: only the chain tells them apart.
    return _authority("strange-root", "Cosell Sandbox Root (not Microsoft)")


def _authority(key_name: str, common: str) -> x509.Certificate:
    key, now = _key(key_name), datetime.now(UTC)
    builder = _builder(_name(common), _name(common), key, now - timedelta(days=1), now + timedelta(days=3650))
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256())


@cache
def leaf(name: CertificateName) -> x509.Certificate:
    """The certificate that is downloaded to check a signature."""
    issuer, issuer_key = (
        (_strange_root(), _key("strange-root")) if name == STRANGER else (root(), _key("root"))
    )
    now = datetime.now(UTC)
    start = now - timedelta(days=400 if name == EXPIRED else 1)
    end = now - timedelta(days=30) if name == EXPIRED else now + timedelta(days=365)
    builder = _builder(_name(f"{name}.example"), issuer.subject, _key(name), start, end)
    alternative = x509.SubjectAlternativeName([x509.DNSName(f"{name}.example")])
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(alternative, critical=False)
    builder = builder.add_extension(purposes, critical=False)
    builder = builder.add_extension(authority, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(end)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False)


def root_pem() -> bytes:
    return root_file("pem")


def root_file(form: Literal["der", "pem"]) -> bytes:
    """The authority itself, for a receiver that checks the chain."""
    return root().public_bytes(Encoding.DER if form == "der" else Encoding.PEM)


def certificate_file(name: CertificateName, form: Literal["der", "pem"]) -> bytes:
    """What a download of the certificate gives."""
    return leaf(name).public_bytes(Encoding.DER if form == "der" else Encoding.PEM)


def signature(body: bytes, name: CertificateName) -> str:
    """RSA PKCS#1 v1.5 over SHA-256 of the raw body, as base64."""
    return b64encode(_key(name).sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
