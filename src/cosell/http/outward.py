"""The rules of the way out: who may be spoken to, how much may come back, what silence means."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from cosell.core.errors import CosellError, Misconfigured, Unavailable, Uncertain
from cosell.http.messages import NoAnswer, NotSent, Reply, Request, Timeouts, Transport, Watch
from cosell.http.observing import Observer
from cosell.http.origins import origin

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
MAX_BODY = 32 * 1024 * 1024
USUAL = Timeouts()
_URL_CHARACTERS = re.compile(r"[!-\[\]-~]+\Z")
_HEADER_TEXT = re.compile(r"[\t -~]*\Z")

Secrets = Collection[str] | Callable[[], Iterable[str]]


class Http:
    """Calls a fixed set of origins, counts the calls, and says what an unanswered one means."""

    def __init__(
        self,
        transport: Transport,
        *,
        name: str,
        allow: Iterable[str],
        concurrency: int = 8,
        timeouts: Timeouts = USUAL,
        max_body: int = MAX_BODY,
        secrets: Secrets = (),
        clock: Watch | None = None,
        plain_on_loopback: bool = True,
    ) -> None:
        self.name = name
        self.calls: Counter[tuple[str, str]] = Counter()
        self.skew: float | None = None
        """Seconds the other side's clock is ahead of ours, as last seen."""
        self._transport, self._timeouts, self._max_body = transport, timeouts, max_body
        self._allowed = frozenset(origin(url, plain_on_loopback=plain_on_loopback) for url in allow)
        self._slots = asyncio.Semaphore(concurrency)
        self._secrets, self._clock = secrets, clock
        self._observer: Observer | None = getattr(transport, "observer", None)

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        purpose: str = "",
        safe: bool | None = None,
        max_body: int | None = None,
        timeouts: Timeouts | None = None,
    ) -> Reply:
        """Sends one request once and answers whatever status comes back; redirects are not followed.

        `url` is complete and percent-encoded. Without an answer it raises Unavailable where surely nothing
        was changed (never sent, or a safe method; `safe=True` says so of a POST that only reads), else
        Uncertain.
        """
        harmless = method in SAFE_METHODS if safe is None else safe
        request = Request(method, url, *_packed(headers, json, form, body))
        self._check(request)
        async with self._slots:
            self.calls[method, purpose] += 1
            ended = _unseen if self._observer is None else self._observer.calling(self.name, method, purpose)
            outcome = "cut_short"
            try:
                reply = await self._transport.send(
                    request, timeouts or self._timeouts, self._max_body if max_body is None else max_body
                )
                outcome = str(reply.status)
            except NotSent as why:
                outcome = "not_sent"
                raise Unavailable(
                    f"{self.name} cannot be reached.", detail=self._detail(method, purpose, why)
                ) from None
            except NoAnswer as why:
                outcome = "no_answer"
                raise self._unanswered(harmless, self._detail(method, purpose, why)) from None
            finally:
                ended(outcome)
        self._note_skew(reply)
        return Reply(reply.status, reply.headers, reply.body, harmless, self.name)

    async def download(self, url: str, *, max_body: int, timeout: float) -> bytes:
        """Fetches one small public file; anything but a plain 200 is Unavailable."""
        patience = Timeouts(min(timeout, self._timeouts.connect), timeout, timeout)
        reply = await self.call("GET", url, purpose="download", max_body=max_body, timeouts=patience)
        if reply.status != 200:
            raise Unavailable(f"{self.name} did not give the file.", detail=f"status {reply.status}")
        return reply.body

    def redact(self, text: str, *, limit: int = 1024) -> str:
        """The text without live secrets and control characters, cut to `limit`."""
        live = self._secrets() if callable(self._secrets) else self._secrets
        for secret in sorted((s for s in live if len(s) >= 4), key=len, reverse=True):
            text = text.replace(secret, "***")
        return "".join(c if c.isprintable() else " " for c in text[:limit])

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()

    def _check(self, request: Request) -> None:
        # Comparing the spelled origin refuses user names, other ports and look-alikes without parsing them.
        end = request.url.find("/", 8)
        if end < 0 or request.url[:end] not in self._allowed or not _URL_CHARACTERS.match(request.url):
            raise Misconfigured(f"{self.name} may not be called at this address.", detail="not allow-listed")
        for value in request.headers.values():
            if not _HEADER_TEXT.match(value):
                raise Misconfigured(f"A header for {self.name} holds a character no header may hold.")

    def _unanswered(self, harmless: bool, detail: str) -> CosellError:
        if harmless:
            return Unavailable(f"{self.name} did not answer.", detail=detail)
        return Uncertain(f"{self.name} did not answer; the change may have been made.", detail=detail)

    def _detail(self, method: str, purpose: str, why: Exception) -> str:
        return self.redact(f"{method} {purpose}: {why}")

    def _note_skew(self, reply: Reply) -> None:
        if self._clock is not None and (date := reply.date) is not None:
            self.skew = date - self._clock.now()


def _unseen(_: str) -> None:
    """Nobody watches."""


def _packed(
    headers: Mapping[str, str] | None, json: Any, form: Mapping[str, str] | None, body: bytes | None
) -> tuple[dict[str, str], bytes]:
    packed = {"accept": "application/json"}
    if json is not None:
        packed["content-type"], body = "application/json", orjson.dumps(json)
    elif form is not None:
        packed["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(form).encode()
    if headers:
        packed.update((name.lower(), value) for name, value in headers.items())
    return packed, body or b""
