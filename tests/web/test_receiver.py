"""The webhook endpoint: limits before reading, raw bytes to the signature, 202 or 401 (row 8.1)."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from cosell.core.errors import Misconfigured
from cosell.web import app, listen
from cosell.web.limits import Bucket
from cosell.web.receiver import LARGEST_BODY, Receiver
from tests.web.conftest import Product, Visitor

HOOK = "/webhooks/partner-center/sandbox"
ID = "a2000000-0000-4000-8000-000000000001"


async def test_a_verified_event_is_kept_and_answered_202(visitor: Visitor, product: Product) -> None:
    reply = await visitor.post(b'{"EventName":"referral-updated"}')
    assert (reply.status, reply.body) == (202, b"")
    assert product.heard == [ID]


async def test_the_signature_sees_the_bytes_as_they_came(visitor: Visitor, product: Product) -> None:
    raw = b'\xef\xbb\xbf{ "EventName" :\t"x\\u0041" }\r\n\x00'
    await visitor.post(raw)
    assert product.verified[0][1] == raw


async def test_a_header_that_comes_twice_is_seen_twice(visitor: Visitor, product: Product) -> None:
    request = (
        f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nX-MS-Signature: Signature a\r\n"
        "X-MS-Signature: Signature b\r\nContent-Length: 2\r\n\r\n{}"
    )
    await visitor.say(request.encode())
    names = [name for name, _ in product.verified[0][0]]
    assert names.count(b"x-ms-signature") == 2


async def test_a_forged_event_is_answered_401_without_a_reason(visitor: Visitor, product: Product) -> None:
    product.refuses = True
    reply = await visitor.post()
    assert (reply.status, reply.body) == (401, b"")
    assert product.heard == []


async def test_an_event_that_could_not_be_kept_is_to_be_sent_again(
    visitor: Visitor, product: Product
) -> None:
    product.broken = True
    reply = await visitor.post()
    assert reply.status == 503
    assert "retry-after" in reply.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
async def test_only_post_is_taken(visitor: Visitor, product: Product, method: str) -> None:
    reply = await visitor.ask(method, HOOK)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert product.verified == []


@pytest.mark.parametrize(
    "path", [f"{HOOK}/", f"/{HOOK}", HOOK.upper(), f"{HOOK}/../x", "/webhooks", "/webhooks/partner-center%2f"]
)
async def test_other_spellings_of_the_path_lead_nowhere(
    visitor: Visitor, product: Product, path: str
) -> None:
    reply = await visitor.ask("POST", path, b"{}")
    assert reply.status in (404, 405)
    assert "location" not in reply.headers
    assert product.verified == []


async def test_the_largest_body_is_taken_and_one_byte_more_is_not(visitor: Visitor, product: Product) -> None:
    assert (await visitor.post(b"x" * LARGEST_BODY)).status == 202
    assert (await visitor.post(b"x" * (LARGEST_BODY + 1))).status == 413
    assert len(product.verified) == 1


async def test_a_gigabyte_is_refused_by_its_announcement(visitor: Visitor, product: Product) -> None:
    reply = await visitor.say(
        f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n".encode()
    )
    assert reply is not None
    assert reply.status == 413
    assert product.verified == []


async def test_chunks_without_end_are_refused_at_the_limit(visitor: Visitor, product: Product) -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    reply = await visitor.say(
        f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode(), then=chunk * 8
    )
    assert reply is not None
    assert reply.status == 413
    assert reply.headers["connection"] == "close"
    assert product.verified == []


async def test_headers_without_end_are_refused(visitor: Visitor, product: Product) -> None:
    reply = await visitor.say(
        f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nX: {'y' * 20000}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    )
    assert reply is None or reply.status in (400, 431)
    assert product.verified == []


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/html", "TEXT/HTML"]
)
async def test_a_form_or_a_page_is_no_event(visitor: Visitor, product: Product, kind: str) -> None:
    assert (await visitor.post(b"{}", content_type=kind)).status == 415
    assert product.verified == []


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain"])
async def test_microsoft_names_no_content_type_so_any_likely_one_is_taken(
    visitor: Visitor, kind: str
) -> None:
    """partner-center-api.md 7.2 says nothing about it."""
    assert (await visitor.post(b"{}", content_type=kind)).status == 202


@pytest.mark.parametrize(
    "pair",
    [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: -2",
        "Content-Length: +2",
        "Content-Length: 2 2",
        "Transfer-Encoding: chunked, identity\r\nContent-Length: 2",
    ],
)
async def test_a_smuggling_pair_never_becomes_two_requests(
    visitor: Visitor, product: Product, pair: str
) -> None:
    hidden = f"POST {HOOK} HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{{}}"
    await visitor.say(f"POST {HOOK} HTTP/1.1\r\nHost: a\r\n{pair}\r\n\r\n{{}}{hidden}".encode())
    assert len(product.verified) <= 1


async def test_a_slow_drip_is_cut_off(product: Product) -> None:
    """The sender announces more than it ever sends."""
    said: list[int] = []

    async def never() -> dict[str, Any]:
        if not said:
            said.append(0)
            return {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    answers: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    bucket = Bucket(rate=1, burst=1, monotonic=lambda: 0.0)
    receiver = Receiver(product.verify, product.hear, bucket=bucket, patience=0.01)
    await receiver({"type": "http", "method": "POST", "headers": []}, never, send)
    assert answers == [408]
    assert product.verified == []


async def test_a_sender_that_leaves_is_forgotten(product: Product) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        raise AssertionError("nobody is there")

    bucket = Bucket(rate=1, burst=1, monotonic=lambda: 0.0)
    receiver = Receiver(product.verify, product.hear, bucket=bucket)
    await receiver({"type": "http", "method": "POST", "headers": []}, gone, send)
    assert product.verified == []


async def test_a_flood_is_slowed_down_and_the_service_stays_up(visitor: Visitor, product: Product) -> None:
    """The clock of this test stands still, so the bucket never fills again."""
    flood = int(app.EVENTS_AT_ONCE) + 1
    request = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    statuses = await _pipelined(visitor, request, flood)
    assert statuses.count(202) == flood - 1
    assert statuses[-1] == 429
    assert (await visitor.ask("GET", "/health/live")).status == 200
    product.time += 1
    assert (await visitor.post()).status == 202


async def _pipelined(visitor: Visitor, request: bytes, count: int) -> list[int]:
    parts = urlsplit(visitor.address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    statuses = []
    for _ in range(count):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        statuses.append(int(head.split()[1]))
    writer.close()
    await writer.wait_closed()
    return statuses


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with listen("127.0.0.1", 0) as sock, pytest.raises(Misconfigured, match="cannot be opened") as caught:
        listen("127.0.0.1", sock.getsockname()[1])
    assert "--port" in caught.value.advice


def test_a_host_that_is_no_address_of_this_machine_is_refused() -> None:
    with pytest.raises(Misconfigured, match="is not an address of this machine"):
        listen("no.such.host.invalid", 0)
