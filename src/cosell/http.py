"""The only way out: one HTTP client that speaks to named origins and never twice.

`Http` holds the rules (who may be spoken to, how much may come back, what an unanswered request means);
a `Transport` carries bytes: `AiohttpTransport` over sockets, `AsgiTransport` to applications in the same
thread, so that whole worlds run on a virtual clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from json import dumps as _dumps_loosely
from json import loads as _loads_loosely
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from cosell.core.errors import CosellError, Misconfigured, Unavailable, Uncertain

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
MAX_BODY = 32 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_URL_CHARACTERS = re.compile(r"[!-\[\]-~]+\Z")
_HEADER_TEXT = re.compile(r"[\t -~]*\Z")


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
        timeouts: Timeouts = Timeouts(),
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
            try:
                reply = await self._transport.send(
                    request, timeouts or self._timeouts, self._max_body if max_body is None else max_body
                )
            except NotSent as why:
                raise Unavailable(
                    f"{self.name} cannot be reached.", detail=self._detail(method, purpose, why)
                ) from None
            except NoAnswer as why:
                raise self._unanswered(harmless, self._detail(method, purpose, why)) from None
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


def origin(url: str, *, plain_on_loopback: bool = True) -> str:
    """The one spelling of the origin of `url`; Misconfigured where it is not a plain https origin."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    plain = parts.scheme == "http" and plain_on_loopback and is_loopback(host)
    if not host or not host.isascii() or "@" in parts.netloc or not (parts.scheme == "https" or plain):
        raise Misconfigured("An address is not a plain https address.", detail=f"host {host!r}")
    port = parts.netloc.rpartition(":")[2] if parts.port is not None else ""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}:{port}" if port else f"{parts.scheme}://{bracketed}"


def is_loopback(host: str) -> bool:
    """Tells whether a host name or address means this machine."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


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


# --- sockets ---------------------------------------------------------------------------------------


class AiohttpTransport:
    """HTTP/1.1 over sockets: no cookies, no redirects, no proxy from the environment, no second try."""

    def __init__(
        self, *, ca_file: str | None = None, connections: int = 64, allow_private: bool = False
    ) -> None:
        self._ca_file, self._connections, self._allow_private = ca_file, connections, allow_private
        self._session: aiohttp.ClientSession | None = None
        self._waits: dict[Timeouts, aiohttp.ClientTimeout] = {}

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        """Sends once; the body is limited as it arrives and as it unpacks."""
        session = self._session or self._open()
        try:
            async with session.request(
                request.method,
                # The caller encoded it; a second encoding would change what is asked.
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body or None,
                timeout=self._waits.get(timeouts) or self._wait(timeouts),
                allow_redirects=False,
            ) as response:
                headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.raw_headers}
                raw = await _read(response, max_body)
            return Reply(
                response.status, headers, unpacked(raw, headers.get("content-encoding", ""), max_body)
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as why:
            raise NotSent(type(why).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as why:
            raise NoAnswer(type(why).__name__) from None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _wait(self, timeouts: Timeouts) -> aiohttp.ClientTimeout:
        wait = aiohttp.ClientTimeout(
            total=timeouts.total, sock_connect=timeouts.connect, sock_read=timeouts.read
        )
        self._waits[timeouts] = wait
        return wait

    def _open(self) -> aiohttp.ClientSession:
        trust = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                trust.load_verify_locations(self._ca_file)
            except (OSError, ssl.SSLError):
                raise Misconfigured(f"The CA file {self._ca_file} cannot be read.") from None
        connector = aiohttp.TCPConnector(
            ssl=trust, limit=self._connections, resolver=PublicResolver(allow_private=self._allow_private)
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"user-agent": "cosell", "accept-encoding": "gzip, deflate"},
        )
        # aiohttp would send GET, PUT and DELETE again when a kept connection breaks; INV-10 forbids it.
        self._session._retry_connection = False
        return self._session


async def _read(response: aiohttp.ClientResponse, max_body: int) -> bytes:
    if (response.content_length or 0) > max_body:
        raise NoAnswer("more than the size limit")
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_body:
            raise NoAnswer("more than the size limit")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


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


class PublicResolver(AbstractResolver):
    """Resolves names and refuses answers that point into private networks, whatever the DNS says."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._inner: AbstractResolver | None = None
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of `host`; this machine's own only under the name localhost."""
        if self._inner is None:
            self._inner = ThreadedResolver()
        found = await self._inner.resolve(host, port, family)
        if self._allow_private:
            return found
        if is_loopback(host.lower()):
            return [one for one in found if is_loopback(one["host"])]
        public = [one for one in found if _is_public(one["host"])]
        if not public:
            raise OSError(None, "the name points into a private network")
        return public

    async def close(self) -> None:
        if self._inner is not None:
            await self._inner.close()


def _is_public(address: str) -> bool:
    with contextlib.suppress(ValueError):
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return parsed.is_global and not parsed.is_multicast
    return False


# --- applications in the same thread ---------------------------------------------------------------


AsgiApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


@dataclass(slots=True)
class _Exchange:
    """One request inside an application: what it reads and what it has answered so far."""

    body: bytes
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    asked: bool = False

    async def receive(self) -> MutableMapping[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.finished.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message.get("headers", ())
            }
        elif message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.finished.set()


class AsgiTransport:
    """Calls ASGI applications by origin, without sockets and threads; an unknown origin is out of reach."""

    def __init__(self, apps: Mapping[str, AsgiApp]) -> None:
        self._apps = {origin(url): app for url, app in apps.items()}
        self._running: set[asyncio.Task[None]] = set()

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        """Sends once. An application keeps working after the caller gave up, as a real server does."""
        at = request.url.find("/", 8)
        app = self._apps.get(request.url[:at])
        if app is None:
            raise NotSent("nobody listens")
        exchange = _Exchange(request.body)
        task = asyncio.ensure_future(_run(app, _scope(request, at), exchange))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            async with asyncio.timeout(min(timeouts.read, timeouts.total)):
                await asyncio.shield(task)
        except TimeoutError:
            exchange.finished.set()
            raise NoAnswer("timed out") from None
        body = b"".join(exchange.chunks)
        if not exchange.status or not exchange.finished.is_set() or len(body) > max_body:
            raise NoAnswer("hung up")
        plain = unpacked(body, exchange.headers.get("content-encoding", ""), max_body)
        return Reply(exchange.status, exchange.headers, plain)

    async def aclose(self) -> None:
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _run(app: AsgiApp, scope: MutableMapping[str, Any], exchange: _Exchange) -> None:
    # An application that raises has hung up, whatever its reason; the caller sees only that.
    with contextlib.suppress(Exception):
        await app(scope, exchange.receive, exchange.send)


def _scope(request: Request, at: int) -> MutableMapping[str, Any]:
    parts = urlsplit(request.url)
    headers = [(b"host", parts.netloc.encode()), (b"content-length", str(len(request.body)).encode())]
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    raw_path = request.url[at:].partition("?")[0].encode()
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": _unquoted(raw_path),
        "raw_path": raw_path,
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": headers,
        "server": (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)),
        "client": ("127.0.0.1", 0),
        "state": {},
    }


def _unquoted(raw_path: bytes) -> str:
    return URL(raw_path.decode(), encoded=True).path
