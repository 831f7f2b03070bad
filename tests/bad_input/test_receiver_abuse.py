"""What strangers do to an open port: no request of theirs takes memory, places or lines without end (8.1)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from importlib import import_module
from urllib.parse import urlsplit

import pytest

from cosell import web
from tests.web.conftest import Product, Visitor

serving = import_module("cosell.web.serving")
HOOK = "/webhooks/partner-center/sandbox"
HEAD = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\n".encode()


@pytest.fixture
def product() -> Product:
    return Product()


@pytest.fixture
async def visitor(product: Product) -> AsyncIterator[Visitor]:
    with web.listen("127.0.0.1", 0) as sock:
        async with web.serving(web.build({"sandbox": product.face()}), sock) as address:
            yield Visitor(address)


async def pushed(visitor: Visitor, head: bytes, chunk: bytes, most: int) -> int:
    """How many bytes the server took before it hung up; `most` where it took everything."""
    parts = urlsplit(visitor.address)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    sent = 0
    try:
        writer.write(head)
        while sent < most:
            writer.write(chunk)
            await writer.drain()
            sent += len(chunk)
    except ConnectionError:
        return sent
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return most


GIGABYTE = 1 << 30
SOON = 32 << 20
"""Bytes; the buffers of the kernel on both ends hold some megabytes that nobody ever reads."""


async def test_a_gigabyte_in_chunks_is_hung_up_on(visitor: Visitor, product: Product) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    taken = await pushed(visitor, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk, GIGABYTE)
    assert taken < SOON
    assert product.verified == []
    assert (await visitor.post()).status == 202


@pytest.mark.parametrize("start", [HEAD + b"X: ", b"POST /", HEAD], ids=["header", "path", "headers"])
async def test_a_head_without_end_is_hung_up_on(visitor: Visitor, product: Product, start: bytes) -> None:
    chunk = b"x" * 0x10000 if start != HEAD else b"X-Y: z\r\n" * 0x2000
    assert await pushed(visitor, start, chunk, GIGABYTE) < SOON
    assert product.verified == []
    assert (await visitor.post()).status == 202


@pytest.mark.parametrize("said", [b"", b"POST", HEAD, HEAD + b"Content-Le"])
async def test_a_head_that_never_ends_gives_its_place_back(
    visitor: Visitor, product: Product, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """A thousand such connections would else shut everybody out."""
    monkeypatch.setattr(serving, "HEAD_PATIENCE", 0.05)
    parts = urlsplit(visitor.address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(said)
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()
    assert product.verified == []


async def test_the_second_head_of_a_connection_must_come_in_time_too(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEAD_PATIENCE", 0.05)
    parts = urlsplit(visitor.address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}" + b"POST /")
    async with asyncio.timeout(10):
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 202 " in answer
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


async def test_a_connection_that_works_slowly_keeps_its_place(
    visitor: Visitor, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only an unfinished head is hurried: a look may take its time, and a connection may be kept."""
    monkeypatch.setattr(serving, "HEAD_PATIENCE", 0.05)
    slow = asyncio.Event()

    async def hear(record_id: str) -> None:
        await slow.wait()
        await product.hear(record_id)

    face = product.face()
    with web.listen("127.0.0.1", 0) as sock:
        deaf = web.Face(face.verify, hear, face.status, face.ready, face.monotonic)
        app = web.build({"sandbox": deaf})
        async with web.serving(app, sock) as address:
            asking = asyncio.create_task(Visitor(address).post())
            await asyncio.sleep(0.2)
            assert not asking.done()
            slow.set()
            assert (await asking).status == 202


NONSENSE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
    b"GET\r\n\r\n",
    b"\x00" * 100,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
    b"POST /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /%zz%00 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    HEAD + b"X: a\r\n\tfolded\r\nContent-Length: 0\r\n\r\n",
    HEAD + b"X\x00Y: a\r\nContent-Length: 0\r\n\r\n",
    HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    HEAD + b"Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n",
]


async def test_nonsense_is_refused_and_a_flood_of_it_is_no_flood_of_lines(
    visitor: Visitor, product: Product, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for raw in NONSENSE:
            reply = await visitor.say(raw)
            assert reply is None or 300 <= reply.status < 500 or reply.status == 200, raw
            assert reply is None or b"evil" not in reply.body
    assert product.heard == []
    assert caplog.records == []
    assert (await visitor.post()).status == 202


async def test_ten_thousand_events_at_once_are_answered_and_the_service_stays_up(
    visitor: Visitor, product: Product
) -> None:
    """Its clock stands still, so no more than the bucket holds is let in."""
    request = HEAD + b"Content-Length: 2\r\n\r\n{}"
    parts = urlsplit(visitor.address)

    async def burst(count: int) -> list[int]:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request * count)
        statuses = [int((await reader.readuntil(b"\r\n\r\n")).split()[1]) for _ in range(count)]
        writer.close()
        await writer.wait_closed()
        return statuses

    statuses = [one for many in await asyncio.gather(*(burst(100) for _ in range(100))) for one in many]
    assert (statuses.count(202), statuses.count(429)) == (2000, 8000)
    assert len(product.heard) == 2000
    assert (await visitor.ask("GET", "/health/live")).status == 200


async def test_more_connections_than_there_are_places_leave_the_next_visitor_a_place(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEAD_PATIENCE", 0.2)
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 20)
    with web.listen("127.0.0.1", 0) as sock:
        async with web.serving(web.build({"sandbox": product.face()}), sock) as address:
            parts = urlsplit(address)
            idle = [socket.create_connection((parts.hostname, parts.port)) for _ in range(30)]
            visitor = Visitor(address)
            async with asyncio.timeout(10):
                while (await visitor.ask("GET", "/health/live")).status != 200:
                    await asyncio.sleep(0.02)
            for one in idle:
                one.close()
