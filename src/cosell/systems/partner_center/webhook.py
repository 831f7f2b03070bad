"""Signed events: the raw body is verified, and what is left of it is a name and an id (7.2, 7.3).

Nothing named in the body is ever fetched, and nothing it says is believed (INV-16). The signature carries
neither time nor nonce, so a replay passes; it costs one read.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from cosell.core.errors import CosellError
from cosell.core.values import GUID
from cosell.http import Transport, parse_json
from cosell.ports import Clock
from cosell.systems.partner_center.certificates import Certificates, Untrusted
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.registration import REFERRAL_EVENTS

LARGEST_BODY = 64 * 1024
_LARGEST_HEADER = 4096
_WANTED = ("authorization", "x-ms-signature", "x-ms-certificate-url", "x-ms-signature-algorithm")
_SIGNATURE_SIZES = range(256, 1025)
_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Refused(CosellError):
    """The call did not come from Partner Center, or says nothing that makes sense."""

    did = "The event was thrown away; polling finds every change without it."
    advice = "Nothing to do unless this stays: then look at `cosell webhook status`."


@dataclass(frozen=True, slots=True)
class Event:
    """All that is taken from a verified event."""

    name: str
    referral_id: str
    """Whose referral it is, ours or Microsoft's, is unknown; empty for events about anything else."""


class Webhook:
    """Verifies events."""

    def __init__(self, options: Options, *, transport: Transport, clock: Clock) -> None:
        self._certificates = Certificates(options, transport=transport, clock=clock)

    async def verify(self, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Event:
        """The event of a call, by its raw headers and raw body; Refused and nothing else otherwise."""
        try:
            if not 0 < len(body) <= LARGEST_BODY:
                raise Untrusted("the body is empty or too large")
            found = _headers(headers)
            signature = _signature(found)
            _check_algorithm(found.get("x-ms-signature-algorithm", ""))
            key = await self._certificates.key(found.get("x-ms-certificate-url", ""))
            key.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())
            return _event(body)
        except Untrusted as why:
            raise _refused(str(why)) from None
        except InvalidSignature:
            raise _refused("the signature does not fit the body") from None
        except CosellError as error:
            raise _refused(error.message) from None

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._certificates.aclose()


def _refused(why: str) -> Refused:
    return Refused("The event could not be verified.", detail=why)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The four headers that matter; one that comes twice could mean two things and is refused."""
    found: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        if key not in _WANTED:
            continue
        if key in found:
            raise Untrusted(f"the header {key} came twice")
        if len(value) > _LARGEST_HEADER or not value.isascii():
            raise Untrusted(f"the header {key} cannot be read")
        found[key] = value.decode("ascii").strip()
    return found


def _signature(found: dict[str, str]) -> bytes:
    """The signature from Authorization, else from the header of its own, where a gateway ate the first."""
    for header in ("authorization", "x-ms-signature"):
        scheme, _, encoded = found.get(header, "").partition(" ")
        if scheme.casefold() == "signature":
            return _decoded(encoded.strip())
    raise Untrusted("there is no signature")


def _decoded(encoded: str) -> bytes:
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Untrusted("the signature is not base64") from None
    if len(signature) not in _SIGNATURE_SIZES:
        raise Untrusted("the signature has an impossible size")
    return signature


def _check_algorithm(named: str) -> None:
    # The sample also knows sha1; accepting it would let an attacker choose the weaker one.
    if named.casefold() != "rsa-sha256":
        raise Untrusted("the signature algorithm is not rsa-sha256")


def _event(body: bytes) -> Event:
    try:
        parse_json(body)
        whole = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Untrusted("the body is not JSON, or says a thing twice") from None
    name = whole.get("eventname") if isinstance(whole, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= 64 or not _NAME_LETTERS.issuperset(name.lower()):
        raise Untrusted("the body names no event")
    if name.lower() not in REFERRAL_EVENTS:
        # One registration serves a whole tenant: other products' events may come here as well (7.1).
        return Event(name.lower(), "")
    return Event(name.lower(), _referral_id(whole.get("resourceuri")))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {key.casefold(): value for key, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _referral_id(uri: object) -> str:
    """The last step of the path; host and path occur in several forms and are never called (7.2)."""
    if isinstance(uri, str) and len(uri) <= 2048:
        last = uri.partition("#")[0].partition("?")[0].rpartition("/")[2]
        if GUID.match(last):
            return last.lower()
    raise Untrusted("the body names no referral")
