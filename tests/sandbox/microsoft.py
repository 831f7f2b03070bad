"""Microsoft's three simulators served over real HTTP, and a plain client to speak to them with."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from starlette.types import ASGIApp

from cosell.sandbox.entra import PARTNER_CENTER, WEBHOOKS, Entra
from cosell.sandbox.frame import Frame, Watched
from cosell.sandbox.partner_center import PartnerCenter
from cosell.sandbox.webhooks import Webhooks

Json = dict[str, Any]
_DATA = Path(__file__).parent / "schemas"


@cache
def _text(name: str) -> str:
    return (_DATA / f"{name}.json").read_text(encoding="utf-8")


def example(name: str) -> Any:
    """A fresh copy of a documented example or schema."""
    return json.loads(_text(name))


def private_deal(**changes: Any) -> Json:
    """The documented private deal, with top-level properties of the caller's."""
    return {**example("example-create-private"), **changes}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; header names compare without case."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> Json:
        error: Json = self.json["error"]
        return error


@dataclass(slots=True)
class Microsoft:
    """The simulators and a signed-in client of each."""

    frame: Frame
    entra: Entra
    webhooks: Webhooks
    partner_center: PartnerCenter
    session: aiohttp.ClientSession
    token: str = ""
    webhooks_token: str = ""

    @property
    def referrals_url(self) -> str:
        return f"{self.partner_center.base_url}/v1.0/engagements/referrals"

    async def ask(self, method: str, url: str, *, token: str | None = None, **options: Any) -> Reply:
        """One request as it is; `token` None sends no authorization."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self.session.request(method, url, headers=headers, **options) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def call(self, method: str, path: str = "", **options: Any) -> Reply:
        """One request to the referrals API."""
        return await self.ask(method, self.referrals_url + path, token=self.token, **options)

    async def listed(self, **options: str) -> list[Json]:
        """One page of the list, asked with `$` options."""
        params = {f"${name}": value for name, value in options.items()}
        reply = await self.call("GET", params=params)
        assert reply.status == 200, reply.raw
        found: list[Json] = reply.json["value"]
        return found

    async def refused(self, **options: str) -> Json:
        """The error of a list query that must be refused as malformed."""
        params = {f"${name}": value for name, value in options.items()}
        reply = await self.call("GET", params=params)
        assert reply.status == 400, reply.raw
        assert reply.error["code"] == "invalidRequest"
        return reply.error

    async def get(self, referral_id: str) -> Json:
        reply = await self.call("GET", f"/{referral_id}")
        assert reply.status == 200, reply.raw
        found: Json = reply.json
        return found

    async def post(self, deal: Any) -> Json:
        """A deal that must be accepted."""
        reply = await self.call("POST", json=deal)
        assert reply.status == 200, reply.raw
        made: Json = reply.json
        return made

    async def patch(self, referral_id: str, *changes: tuple[str, Any], **headers: str) -> Reply:
        """Replaces values at paths, or appends where a path ends in `-`."""
        document = [
            {"op": "add" if path.endswith("/-") else "replace", "path": path, "value": value}
            for path, value in changes
        ]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("PATCH", f"/{referral_id}", json=document, headers=named)

    async def registration(self, method: str, path: str = "", **options: Any) -> Reply:
        """One request to the webhooks API."""
        url = f"{self.webhooks.base_url}/webhooks/v1/registration{path}"
        return await self.ask(method, url, token=self.webhooks_token, **options)

    async def sign_in(self, *, version: int = 1, tenant: str | None = None, **form: str) -> Reply:
        """One request to the token endpoint, of the registered client."""
        middle = "oauth2/token" if version == 1 else "oauth2/v2.0/token"
        url = f"{self.entra.base_url}/{tenant or self.entra.tenant}/{middle}"
        known = {"client_id": self.entra.client_id, "client_secret": self.entra.client_secret}
        wanted = {name: value for name, value in {**known, **form}.items() if value}
        return await self.ask("POST", url, data=wanted)


class _Server(uvicorn.Server):
    """A server inside the test's own loop, which leaves signals to pytest and ends at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leaving = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends without the patience a real server has with its clients."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # A closed connection leaves the list in the next turn of the loop.
        await asyncio.sleep(0)


def free_socket() -> tuple[socket.socket, str]:
    """A bound loopback socket and its http address."""
    # asyncio turns Nagle off only where the protocol is named; without it every answer takes 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    sock.setblocking(False)
    return sock, f"http://127.0.0.1:{sock.getsockname()[1]}"


@asynccontextmanager
async def serving(app: ASGIApp, sock: socket.socket) -> AsyncIterator[None]:
    """Serves an application on a bound socket until the block ends."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        while not server.started:
            await asyncio.sleep(0)
        yield
    finally:
        server.leaving.set()
        await task


@asynccontextmanager
async def served_microsoft() -> AsyncIterator[Microsoft]:
    """The simulators on free ports in the running loop."""
    (api, api_url), (hooks, hooks_url), (login, login_url) = free_socket(), free_socket(), free_socket()
    frame = Frame(seed=7)
    entra = Entra(frame, base_url=login_url)
    webhooks = Webhooks(frame, base_url=hooks_url, entra=entra, partner_center_url=api_url)
    partner_center = PartnerCenter(frame, base_url=api_url, webhook_sender=webhooks, entra=entra)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(Watched(partner_center.app, "partner_center", frame), api))
        await stack.enter_async_context(serving(Watched(webhooks.app, "webhooks", frame), hooks))
        await stack.enter_async_context(serving(Watched(entra.app, "entra", frame), login))
        stack.push_async_callback(webhooks.aclose)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        token = entra.issue(PARTNER_CENTER, lifetime=10_000_000)
        hooks_token = entra.issue(WEBHOOKS, lifetime=10_000_000)
        yield Microsoft(frame, entra, webhooks, partner_center, session, token, hooks_token)
