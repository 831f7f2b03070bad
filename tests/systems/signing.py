"""Certificates and signatures of a Microsoft that tests own."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cosell.http import AsgiTransport
from cosell.sandbox.frame import Answer, send_answer
from cosell.systems.partner_center.options import CERTIFICATES, Options
from cosell.systems.partner_center.webhook import Webhook
from tests.systems.office import OwnClock

URL = f"{CERTIFICATES}/cert/pcnotifications-dispatch.microsoft.com.cer"
REFERRAL = "a2000000-0000-4000-8000-000000000001"
MICROSOFT = "Microsoft Corporation"
SIGNER = "pcnotifications-dispatch.microsoft.com"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key(name: str, size: int = 2048) -> rsa.RSAPrivateKey:
    """A key by name; making one is slow."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def named(common: str, organisation: str = MICROSOFT) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def issue(
    common: str,
    by: Holder | None = None,
    *,
    own: Key | None = None,
    authority: bool = False,
    organisation: str = MICROSOFT,
    since: timedelta = timedelta(days=-1),
    until: timedelta = timedelta(days=365),
) -> Holder:
    """A certificate of `common` made by an authority, or by itself."""
    own = own or key(common)
    now = datetime.now(UTC)
    subject = named(common, organisation)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(own.public_key())
    builder = builder.issuer_name(by.certificate.subject if by else subject)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + since).not_valid_after(now + until)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    return Holder(builder.sign(by.key if by else own, hashes.SHA256()), own)


@cache
def root() -> Holder:
    return issue("Microsoft Test Root", authority=True)


@cache
def leaf() -> Holder:
    return issue(SIGNER, root())


def event(**changes: Any) -> bytes:
    """The documented event, compact as the wire has it."""
    return orjson.dumps(
        {
            "EventName": "referral-updated",
            "ResourceUri": f"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{REFERRAL}",
            "ResourceName": "referral",
            "AuditUri": None,
            "ResourceChangeUtcDate": "2026-01-20T15:00:01.5485487+00:00",
            **changes,
        }
    )


def signature(body: bytes, holder: Holder | None = None, algorithm: Any = None) -> bytes:
    signer = (holder or leaf()).key
    assert isinstance(signer, rsa.RSAPrivateKey)
    return base64.b64encode(signer.sign(body, padding.PKCS1v15(), algorithm or hashes.SHA256()))


def headers(body: bytes, holder: Holder | None = None, **changes: bytes | None) -> list[tuple[bytes, bytes]]:
    """The headers of a call; a name with `_` for `-` replaces one, None leaves it out."""
    found: dict[str, bytes | None] = {
        "authorization": b"Signature " + signature(body, holder),
        "x-ms-certificate-url": URL.encode(),
        "x-ms-signature-algorithm": b"rsa-sha256",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return [(name.encode(), value) for name, value in found.items() if value is not None]


@dataclass(slots=True)
class Store:
    """Microsoft's storage account, with one file for every address."""

    file: Answer = field(default_factory=lambda: Answer(200, leaf().der))
    asked: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self.asked.append(scope["path"])
        await send_answer(send, self.file)


def webhook(store: Store | None = None, **changes: Any) -> tuple[Webhook, Store, OwnClock]:
    """A receiver with default settings but for the trusted root."""
    store, clock = store or Store(), OwnClock()
    options = Options(**{"certificate_roots": root().pem, **changes})
    transport = AsgiTransport({CERTIFICATES: store})
    return Webhook(options, transport=transport, clock=clock), store, clock
