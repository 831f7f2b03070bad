"""Takes in webhooks: a proved note that a record is worth a look, and nothing more.

The answer is 202 or 401 without detail. The body is limited before it is read, kept as raw bytes for the
signature, and nothing named in it is ever fetched (INV-16).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from starlette.types import Message, Receive, Scope, Send

from cosell.core.errors import CosellError
from cosell.crm import Hint, Hints, RawHeaders
from cosell.web.limits import Bucket

T = TypeVar("T")
Verify: TypeAlias = Callable[[RawHeaders, bytes], Awaitable[str]]
"""Answers the id the event names, or raises CosellError. Headers come raw: a doubled one must be seen."""
Heard: TypeAlias = Callable[[str], Awaitable[None]]
Hinted: TypeAlias = Callable[[Hint], Awaitable[None]]

LARGEST_BODY = 64 * 1024
LARGEST_HEADERS = 16 * 1024
PATIENCE = 5.0
"""Seconds a sender has for its body; a slow drip is cut off."""
_FOREIGN = (
    b"multipart/",
    b"application/x-www-form-urlencoded",
    b"text/html",
    b"application/xml",
    b"text/xml",
)

log = logging.getLogger("cosell.webhook")


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Gate:
    """A proof that stands in the head of a request, looked at before any of its body is read."""

    admits: Callable[[RawHeaders, bytes], bool]
    """By the raw headers and the raw query."""
    largest: int
    """Bytes a body may have."""


class Receiver(Generic[T]):
    """The ASGI application behind one address that takes webhooks."""

    def __init__(
        self,
        verify: Callable[[RawHeaders, bytes], Awaitable[T]],
        heard: Callable[[T], Awaitable[None]],
        *,
        bucket: Bucket,
        patience: float = PATIENCE,
        gate: Gate | None = None,
    ) -> None:
        self._verify, self._heard, self._bucket, self._patience = verify, heard, bucket, patience
        self._gate, self._largest = gate, LARGEST_BODY if gate is None else gate.largest
        self._refusing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        unread = True
        try:
            self._admit(scope)
            async with asyncio.timeout(self._patience):
                body = await _read(receive, self._largest)
            unread = False
            status = await self._take(scope["headers"], body)
        except _Refused as refusal:
            status = refusal.status
        except TimeoutError:
            status = 408
        except _Left:
            return
        await _answer(send, status, unread=unread)

    def _admit(self, scope: Scope) -> None:
        """Refuses what can be refused by its head alone."""
        if scope["method"] != "POST":
            raise _Refused(405, "method")
        headers: RawHeaders = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > LARGEST_HEADERS:
            raise _Refused(431, "headers")
        if not self._bucket.take():
            raise _Refused(429, "rate")
        for name, value in headers:
            if name == b"content-length" and (not value.isdigit() or int(value[:20]) > self._largest):
                raise _Refused(413, "size")
            if name == b"content-type" and value.lower().startswith(_FOREIGN):
                raise _Refused(415, "type")
        if self._gate is not None and not self._gate.admits(headers, scope.get("query_string", b"")):
            self._note_refusal("wrong_key")
            raise _Refused(401, "key")

    async def _take(self, headers: RawHeaders, body: bytes) -> int:
        try:
            told = await self._verify(headers, body)
        except CosellError as error:
            self._note_refusal(error.code)
            return 401
        try:
            await self._heard(told)
        except Exception as error:  # whatever it was, the sender must keep the event and send it again
            log.error("webhook.not_kept", extra={"error": type(error).__name__})
            return 503
        self._refusing = False
        return 202

    def _note_refusal(self, code: str) -> None:
        # Once per change of state: a flood of forged events must not become a flood of lines.
        if not self._refusing:
            self._refusing = True
            log.warning("webhook.refused", extra={"code": code})


def hint_receiver(hints: Hints, hinted: Hinted, *, bucket: Bucket) -> Receiver[Hint]:
    """The receiver of a CRM's own webhooks."""

    async def read(_: RawHeaders, body: bytes) -> Hint:
        return hints.read(body)

    return Receiver(read, hinted, bucket=bucket, gate=Gate(hints.admits, hints.largest))


class _Left(Exception):
    """The sender went away."""


async def _read(receive: Receive, largest: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > largest:
            raise _Refused(413, "size")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


_HASTY = {401, 408, 413, 431}
"""Where answered before the body was read, the connection is not used again."""


async def _answer(send: Send, status: int, *, unread: bool) -> None:
    headers = [(b"content-length", b"0")]
    if status == 405:
        headers.append((b"allow", b"POST"))
    if status in (429, 503):
        headers.append((b"retry-after", b"5"))
    if unread and status in _HASTY:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
