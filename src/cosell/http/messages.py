"""What goes out, what comes back, and what may carry them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from json import dumps as _dumps_loosely
from json import loads as _loads_loosely
from typing import Any, Protocol

import orjson

from cosell.core.errors import CosellError, Unavailable, Uncertain

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait (reliability.md 11)."""

    connect: float = 5.0
    read: float = 30.0
    total: float = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    safe: bool = True
    """False where the request may have changed something."""
    name: str = "The other side"

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The parsed body. Nonsense is Unavailable, or Uncertain where something may have been changed."""
        try:
            return parse_json(self.body)
        except ValueError:
            raise self.nonsense(f"{len(self.body)} bytes that are not JSON") from None

    def nonsense(self, why: str) -> CosellError:
        """The error behind an answer nobody can use, by what the request may have done."""
        kind: type[CosellError] = Unavailable if self.safe or not self.ok else Uncertain
        return kind(f"{self.name} answered nonsense.", detail=f"status {self.status}: {why}")

    def json_or_none(self) -> Any:
        """The parsed body, or None where it is not JSON: for bodies of refusals."""
        try:
            return parse_json(self.body)
        except ValueError:
            return None

    @property
    def date(self) -> float | None:
        """The server's own time in epoch seconds; None where it does not tell."""
        return _epoch(self.headers.get("date"))

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asks us to wait; None where it does not ask or asks nonsense."""
        asked = self.headers.get("retry-after", "").strip()
        if asked.isascii() and asked.isdigit() and len(asked) < 10:
            return float(asked)
        until, now = _epoch(asked), self.date
        return None if until is None or now is None else max(0.0, until - now)


def parse_json(body: bytes) -> Any:
    """Parses JSON strictly; lone surrogates become the replacement character. Raises ValueError."""
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if b"\\ud" not in body and b"\\uD" not in body:
            raise
    try:
        loose = _dumps_loosely(_loads_loosely(body, parse_constant=_refuse_constant), ensure_ascii=False)
    except RecursionError:
        raise ValueError("too deeply nested") from None
    return orjson.loads(loose.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _epoch(http_date: str | None) -> float | None:
    if not http_date or len(http_date) > 64:
        return None
    try:
        moment = parsedate_to_datetime(http_date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


class NotSent(Exception):
    """The request surely did not reach the other side."""


class NoAnswer(Exception):
    """The request may have reached the other side; no usable answer came."""


class Transport(Protocol):
    """Carries one request and its reply. Raises NotSent, NoAnswer and nothing else."""

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply: ...

    async def aclose(self) -> None: ...


class Watch(Protocol):
    """The part of a clock this module needs."""

    def now(self) -> float: ...


def unpacked(raw: bytes, encoding: str, max_body: int) -> bytes:
    """The body as it was before compression; NoAnswer where it would exceed `max_body`."""
    encoding = encoding.strip().lower()
    if not raw or encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise NoAnswer("unknown compression")
    zlib_wrapped = encoding == "deflate" and raw[0] & 0x0F == 8
    bits = zlib.MAX_WBITS | 32 if encoding != "deflate" or zlib_wrapped else -zlib.MAX_WBITS
    stream = zlib.decompressobj(bits)
    try:
        plain = stream.decompress(raw, max_body + 1)
    except zlib.error:
        raise NoAnswer("broken compression") from None
    if len(plain) > max_body or not stream.eof:
        raise NoAnswer("cut off, or more than the size limit once unpacked")
    return plain
