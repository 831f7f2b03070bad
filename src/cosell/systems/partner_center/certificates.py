"""Signing certificates: from exact addresses, led back to a trusted authority, kept for a while (7.3)."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import re
import ssl
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from cosell.core.errors import CosellError, Misconfigured
from cosell.http import Http, Transport
from cosell.ports import Clock
from cosell.systems.partner_center.options import Options

_PATH = re.compile(r"/cert/[A-Za-z0-9._-]{1,128}\.cer\Z")
_LARGEST = 64 * 1024
_PATIENCE = 5.0
_DEPTH = 4
_SMALLEST_KEY = 2048
_FAILED_FOR = 60.0
_DOWNLOADS_A_MINUTE = 10
_KEPT = 16


class Untrusted(Exception):
    """A certificate that vouches for nothing; the reason is for the log."""


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    key: rsa.RSAPublicKey | None
    """None where the last attempt failed."""
    why: str = ""


class Certificates:
    """Gives the public key behind a certificate address, or Untrusted."""

    def __init__(self, options: Options, *, transport: Transport, clock: Clock) -> None:
        self._options, self._clock = options, clock
        origins = [one if "://" in one else f"https://{one}" for one in options.certificate_origins]
        self._origins = frozenset(one.rstrip("/") for one in origins)
        self.http = Http(
            transport,
            name="The store of signing certificates",
            allow=self._origins,
            concurrency=2,
            max_body=_LARGEST,
        )
        # Read at once: a broken file of authorities must stop the start, not every event.
        self._anchors = anchors(options.certificate_roots) if options.certificate_roots else None
        self._kept: dict[str, _Kept] = {}
        self._recent: list[float] = []
        self._one_at_a_time = asyncio.Lock()

    def allowed(self, url: str) -> bool:
        """Whether an address is one of the few a signing certificate may come from."""
        origin, slash, path = url.partition("/cert/")
        return origin in self._origins and bool(slash) and _PATH.match(f"/cert/{path}") is not None

    async def key(self, url: str) -> rsa.RSAPublicKey:
        """The verified key at `url`; fetched once for all who wait, and not again while it is fresh."""
        if not self.allowed(url):
            raise Untrusted("the certificate address is not an allowed one")
        kept = self._fresh(url)
        if kept is None:
            async with self._one_at_a_time:
                kept = self._fresh(url) or await self._fetch(url)
        if kept.key is None:
            raise Untrusted(kept.why)
        return kept.key

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.http.aclose()

    def _fresh(self, url: str) -> _Kept | None:
        kept = self._kept.get(url)
        return kept if kept is not None and self._clock.monotonic() < kept.until else None

    async def _fetch(self, url: str) -> _Kept:
        now = self._clock.monotonic()
        self._admit(url, now)
        try:
            body = await self.http.download(url, max_body=_LARGEST, timeout=_PATIENCE)
            moment = datetime.fromtimestamp(self._clock.now(), UTC)
            key, ends = self._judge(body, moment)
            life = min(self._options.certificate_life, (ends - moment).total_seconds())
            kept = _Kept(now + life, key)
        except Untrusted as why:
            kept = _Kept(now + _FAILED_FOR, None, str(why))
        except CosellError:
            kept = _Kept(now + _FAILED_FOR, None, "the certificate could not be fetched")
        self._kept.pop(url, None)
        self._kept[url] = kept
        while len(self._kept) > _KEPT:
            # Failures go first: forged names must not drive out the one that counts.
            failed = next((one for one, what in self._kept.items() if what.key is None), None)
            del self._kept[failed or next(iter(self._kept))]
        return kept

    def _admit(self, url: str, now: float) -> None:
        """Bounds the downloads strangers can cause; an address that proved good is always fetched again."""
        self._recent = [one for one in self._recent if now - one < 60.0]
        known = self._kept.get(url)
        if known is not None and known.key is not None:
            return
        if len(self._recent) >= _DOWNLOADS_A_MINUTE:
            raise Untrusted("too many certificates were asked for")
        self._recent.append(now)

    # --- judging ---------------------------------------------------------------------------------

    def _judge(self, body: bytes, moment: datetime) -> tuple[rsa.RSAPublicKey, datetime]:
        leaf, *others = parsed(body)
        self._check_names(leaf)
        ends = self._chain(leaf, others, moment, depth=0)
        key = leaf.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _SMALLEST_KEY:
            raise Untrusted("the certificate holds no RSA key of sufficient size")
        return key, ends

    def _check_names(self, leaf: x509.Certificate) -> None:
        makers = {str(one.value) for one in leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)}
        if self._options.certificate_issuer not in makers:
            raise Untrusted("the certificate was not issued by Microsoft")
        names = {
            str(one.value).casefold() for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        }
        patterns = [one.casefold() for one in self._options.certificate_subjects]
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns):
            raise Untrusted("the certificate is not Microsoft's own")

    def _chain(
        self, lower: x509.Certificate, others: Sequence[x509.Certificate], moment: datetime, *, depth: int
    ) -> datetime:
        """When the trust in `lower` ends; Untrusted where no path leads to an anchor."""
        _check_dates(lower, moment)
        for anchor in self._trusted():
            if _issued(anchor, lower):
                _check_dates(anchor, moment)
                return min(lower.not_valid_after_utc, anchor.not_valid_after_utc)
        if depth < _DEPTH:
            for upper in others:
                if upper is not lower and _issued(upper, lower):
                    ends = self._chain(upper, others, moment, depth=depth + 1)
                    return min(lower.not_valid_after_utc, ends)
        raise Untrusted("the certificate leads to no trusted authority")

    def _trusted(self) -> tuple[x509.Certificate, ...]:
        if self._anchors is None:
            self._anchors = anchors(self._options.certificate_roots)
        return self._anchors


def anchors(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The authorities in `pem`, intermediates included; without any, those this machine trusts."""
    if pem:
        try:
            return tuple(x509.load_pem_x509_certificates(pem))
        except ValueError:
            raise Misconfigured("The file of certificate authorities for webhooks cannot be read.") from None
    found = []
    with warnings.catch_warnings():
        # Old authorities bend the rules for serial numbers; that they are trusted is not ours to judge.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for der in ssl.create_default_context().get_ca_certs(binary_form=True):
            with contextlib.suppress(ValueError):
                found.append(x509.load_der_x509_certificate(der))
    return tuple(found)


def parsed(body: bytes) -> list[x509.Certificate]:
    """The certificates in a file, the signing one first; DER and PEM occur both (7.3)."""
    try:
        if b"-----BEGIN" in body[:4096]:
            return x509.load_pem_x509_certificates(body)
        return [x509.load_der_x509_certificate(body)]
    except (ValueError, TypeError):
        raise Untrusted("the file holds no certificate") from None


def _check_dates(certificate: x509.Certificate, moment: datetime) -> None:
    if moment < certificate.not_valid_before_utc:
        raise Untrusted("the certificate is not valid yet")
    if moment >= certificate.not_valid_after_utc:
        raise Untrusted("the certificate has expired")


def _issued(upper: x509.Certificate, lower: x509.Certificate) -> bool:
    """Whether `upper` is an authority and signed `lower`."""
    if upper.subject != lower.issuer or not _is_authority(upper.extensions):
        return False
    try:
        lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> bool:
    return any(isinstance(one.value, x509.BasicConstraints) and one.value.ca for one in extensions)
