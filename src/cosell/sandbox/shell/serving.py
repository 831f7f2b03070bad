"""Serves the simulators on their ports inside the running loop, and can hang up on a client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cosell.sandbox.frame import Cut
from cosell.sandbox.shell.offers import PlainHttp

GRACE_SECONDS = 0.4
LAST_PORT = 65535


class PortInUse(Exception):
    """A port the sandbox needs is taken or may not be opened."""


class _HangsUp:
    """Runs an application for one connection and closes that connection, unanswered, when it is cut."""

    def __init__(self, app: ASGIApp, transport: asyncio.Transport) -> None:
        self._app, self._transport = app, transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def send_later(message: Message) -> None:
            # Frameworks answer 500 before they let an exception out; the 500 of a Cut must not be sent.
            if held or (message["type"] == "http.response.start" and message["status"] == 500):
                held.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, send_later)
        except Cut:
            held.clear()
            await self._hang_up(receive)
        except asyncio.CancelledError:
            # Only the stopping server cancels a request; its client is being left anyway.
            held.clear()
            await self._hang_up(receive)
        finally:
            for message in held:
                await send(message)

    async def _hang_up(self, receive: Receive) -> None:
        self._transport.abort()
        # uvicorn takes a silent return for a mistake unless it has already seen the connection go.
        while (await receive())["type"] != "http.disconnect":
            pass


class _Protocol(PlainHttp):
    """HTTP as uvicorn speaks it, with an application that can hang up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = cast(Any, _HangsUp(cast(ASGIApp, self.app), transport))


class _Server(uvicorn.Server):
    """A server that leaves signals to its host program and wakes once a second instead of ten times."""

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

    def abandon(self) -> None:
        """Closes every connection that is still busy."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()


class Serving:
    """The running servers of one sandbox."""

    def __init__(self) -> None:
        self._running: list[tuple[_Server, asyncio.Task[None]]] = []

    async def open(self, app: ASGIApp, sock: socket.socket, *, pem: Path | None) -> None:
        """Serves `app` on an already bound socket until `close`."""
        server = _Server(_config(app, pem))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        self._running.append((server, task))
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the server ended before it had begun")
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        """Stops all servers within a second; a busy client is cut off."""
        tasks = [task for _, task in self._running]
        if not tasks:
            return
        for server, _ in self._running:
            server.leave()
        await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for server, task in self._running:
            if not task.done():
                server.abandon()
        await asyncio.gather(*tasks)
        self._running.clear()


def _config(app: ASGIApp, pem: Path | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ssl_certfile=str(pem) if pem else None,
    )


def bind(host: str, base_port: int, count: int) -> list[socket.socket]:
    """Opens `count` ports from `base_port` on, or any free ones when it is 0."""
    if not 0 <= base_port <= LAST_PORT + 1 - count:
        raise PortInUse(f"There are no {count} ports from {base_port} on; choose others with --base-port.")
    opened: list[socket.socket] = []
    for place in range(count):
        port = base_port + place if base_port else 0
        try:
            opened.append(_bind_one(host, port))
        except OSError as trouble:
            for sock in opened:
                sock.close()
            raise PortInUse(_sentence(host, port, base_port, count, trouble)) from trouble
    return opened


def _bind_one(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, proto)
    try:
        # A port left in TIME_WAIT by the sandbox of a moment ago is free.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Bound but silent ports can be bound by two programs; listening settles it now.
        sock.listen(128)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _sentence(host: str, port: int, base_port: int, count: int, trouble: OSError) -> str:
    why = trouble.strerror or str(trouble)
    last = base_port + count - 1
    return (
        f"The sandbox cannot open port {port} on {host} ({why.lower()}). It needs the ports {base_port} "
        f"to {last}: stop what uses them or choose others with --base-port."
    )
