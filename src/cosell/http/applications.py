"""Bytes to ASGI applications in the same thread, so that whole worlds run on a virtual clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from yarl import URL

from cosell.http.messages import NoAnswer, NotSent, Reply, Request, Timeouts, unpacked
from cosell.http.origins import origin

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
