"""Serves the web inside the running loop, and leaves the signals to the program."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from cosell.core.errors import Misconfigured

GRACE = 0.5
MOST_CONNECTIONS = 1000


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
    server = _Server(
        uvicorn.Config(
            app,
            http="httptools",
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
