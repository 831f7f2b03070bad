"""A served web on a free port, and a plain socket to speak to it with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from cosell import web
from cosell.core.errors import Unavailable
from cosell.crm import Hint
from cosell.systems.dataverse.hinting import Hinting
from cosell.systems.partner_center.webhook import Refused

KEY = "k3y-of-the-connector-0001"
HINTS = Hinting(KEY, records=frozenset({"opportunity"}), around=frozenset({"cosell_opportunitysolution"}))

STATUS: dict[str, Any] = {
    "environment": {"name": "sandbox", "kind": "sandbox"},
    "summary": "1 deal in step.",
    "flows": {"repair": True, "inbound_referral": False},
    "links": {"linked": 1, "held": 0},
    "waiting": {"due": 2, "later": 0, "running": 0, "oldest_seconds": 0.0, "unanswered_writes": 0},
    "alerts": [],
    "attention": [],
}


@dataclass(slots=True)
class Product:
    """Stands in for the running product: what it heard, and what it is to answer."""

    heard: list[str] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    verified: list[tuple[list[tuple[bytes, bytes]], bytes]] = field(default_factory=list)
    refuses: bool = False
    broken: bool = False
    not_ready: str = ""
    status_now: Mapping[str, Any] = field(default_factory=lambda: STATUS)
    time: float = 0.0

    async def verify(self, headers: list[tuple[bytes, bytes]], body: bytes) -> str:
        self.verified.append((headers, body))
        if self.refuses:
            raise Refused("The event could not be verified.", detail="secret reason")
        return "a2000000-0000-4000-8000-000000000001"

    async def hear(self, record_id: str) -> None:
        if self.broken:
            raise Unavailable("The database is locked.")
        self.heard.append(record_id)

    async def hint(self, hint: Hint) -> None:
        if self.broken:
            raise Unavailable("The database is locked.")
        self.hints.append(hint)

    async def status(self) -> Mapping[str, Any]:
        return self.status_now

    async def ready(self) -> str:
        return self.not_ready

    def face(self) -> web.Face:
        return web.Face(
            verify=self.verify,
            heard=self.hear,
            status=self.status,
            ready=self.ready,
            monotonic=lambda: self.time,
            hints=HINTS,
            hinted=self.hint,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Visitor:
    """Speaks HTTP by hand, so that nothing is corrected on the way."""

    address: str

    async def say(self, raw: bytes, *, then: bytes = b"", patience: float = 10.0) -> Reply | None:
        """The reply to raw bytes; None where the connection was closed without one."""
        parts = urlsplit(self.address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(raw)
            await writer.drain()
            if then:
                with contextlib.suppress(ConnectionError):
                    writer.write(then)
                    await writer.drain()
            async with asyncio.timeout(patience):
                return await _reply(reader)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One well-formed request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: cosell.example", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        reply = await self.say(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        assert reply is not None
        return reply

    async def post(self, body: bytes = b"{}", **headers: str) -> Reply:
        """One event."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", "/webhooks/partner-center/sandbox", body, named)


async def _reply(reader: asyncio.StreamReader) -> Reply | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        try:
            line = await reader.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        head += line
    first, *rest = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(int(first.split()[1]), headers, body)


@pytest.fixture
def product() -> Product:
    return Product()


@pytest.fixture
async def visitor(product: Product) -> AsyncIterator[Visitor]:
    with web.listen("127.0.0.1", 0) as sock:
        async with web.serving(web.build({"sandbox": product.face()}), sock) as address:
            yield Visitor(address)
