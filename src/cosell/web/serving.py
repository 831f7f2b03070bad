"""Serves the web inside the running loop, and leaves the signals to the program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cosell.core.errors import Misconfigured

GRACE = 0.5
MOST_CONNECTIONS = 1000
HEAD_PATIENCE = 10.0
"""Seconds a visitor has to say what it wants; a place without a request is given to somebody else."""
LARGEST_HEAD = 512 * 1024
"""Bytes after which a head counts as endless; whatever is over the receiver's own limit is refused there."""


class _Hurried(HttpToolsProtocol):
    """Hangs up on a visitor whose head does not end, be it too slow or too long (reliability.md 8.1)."""

    _due: asyncio.TimerHandle | None = None
    _heard = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # An address may hold a key (dataverse-api.md 4.3), whatever was done to the server's loggers.
        self.access_log = False
        self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._hurry()

    def on_headers_complete(self) -> None:
        self._relax()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._heard += len(data)
        if self._due is None:
            self._heard = 0
        elif self._heard > LARGEST_HEAD:
            self.transport.abort()

    def _hurry(self) -> None:
        self._relax()
        self._due = self.loop.call_later(HEAD_PATIENCE, self.transport.abort)

    def _relax(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


class _Server(uvicorn.Server):
    """A server that leaves signals alone and wakes once a second: an idle product costs next to nothing."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), timeout=1.0)

    def leave(self) -> None:
        """Begins the end: no new connection is taken."""
        self.should_exit = True
        self._leaving.set()


def listen(host: str, port: int) -> socket.socket:
    """Opens the port, or says in one sentence why it cannot be had."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise Misconfigured(f"[web] host «{host}» is not an address of this machine.") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1024)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise Misconfigured(
            f"Port {port} on {host} cannot be opened ({(error.strerror or str(error)).lower()}).",
            advice="Stop what uses it, or choose another with --port or [web] port.",
        ) from error
    return sock


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, sock: socket.socket) -> AsyncIterator[str]:
    """Serves `app` on an open socket until the block ends; answers its address."""
    # Strangers decide how often it would warn of their requests.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    server = _Server(
        uvicorn.Config(
            app,
            http=_Hurried,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=1024,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the server ended before it had begun")
            await asyncio.sleep(0.005)
        host, port = sock.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104
        yield f"http://{host}:{port}"
    finally:
        await _leave(server, task)


async def _leave(server: _Server, task: asyncio.Task[None]) -> None:
    server.leave()
    await asyncio.wait([task], timeout=GRACE)
    if not task.done():
        server.force_exit = True
        for connection in list(server.server_state.connections):
            connection.transport.abort()
    with contextlib.suppress(asyncio.CancelledError):
        await task
