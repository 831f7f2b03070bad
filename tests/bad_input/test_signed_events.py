"""Hostile events under a true signature: at most one look at a well-formed id, and nothing named is called.

The whole product behind a real port (reliability.md 8.1, INV-16).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest_asyncio

from cosell.core.records import LinkState
from tests.bad_input.conftest import House

ID = "a2000000-0000-4000-8000-00000000000f"


def body(uri: Any, **more: Any) -> bytes:
    return orjson.dumps({"EventName": "referral-updated", "ResourceUri": uri, **more})


@pytest_asyncio.fixture
async def trap() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port that notes whoever connects."""
    caught: list[bytes] = []

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caught.append(b"visited")
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0, family=socket.AF_INET)
    yield server.sockets[0].getsockname()[1], caught
    server.close()
    await server.wait_closed()


ADDRESSES = [
    "http://localhost:{port}/{id}",
    "http://127.0.0.1:{port}/{id}",
    "http://2130706433:{port}/{id}",
    "http://0x7f000001:{port}/{id}",
    "http://0177.0.0.1:{port}/{id}",
    "http://[::1]:{port}/{id}",
    "http://[::ffff:127.0.0.1]:{port}/{id}",
    "http://169.254.169.254/latest/meta-data/{id}",
    "http://api.partnercenter.microsoft.com@127.0.0.1:{port}/{id}",
    "https://api.partnercenter.microsoft.com.evil.test/engagements/v1/referrals/{id}",
    "//127.0.0.1:{port}/{id}",
    "file:///etc/{id}",
    "gopher://127.0.0.1:{port}/{id}",
    "javascript:alert(1)//{id}",
    "https://api.partnercenter.microsoft.com/other-tenant/referrals/../../../{id}",
    "https://x/{id}?to=http://127.0.0.1:{port}/#http://127.0.0.1:{port}/",
    "https://x/\r\nHost: 127.0.0.1:{port}\r\n\r\n/{id}",
    "{id}",
]


async def test_an_address_in_an_event_is_never_called_and_its_id_costs_one_look(
    house: House, trap: tuple[int, list[bytes]]
) -> None:
    port, caught = trap
    await house.desk.sync()
    house.calls()
    for address in ADDRESSES:
        uri = address.format(port=port, id=ID)
        certificate = house.sandbox.webhooks.certificate_url
        event = body(uri, AuditUri=f"http://127.0.0.1:{port}/audit", CertificateUrl=certificate)
        assert (await house.event(event)).status == 202, uri
    assert house.calls() == []
    await house.running.engine.drain()
    assert caught == []
    reads = house.calls()
    assert {(system, method) for system, method, _ in reads} == {("partner_center", "GET")}
    assert all(ID in path or path.endswith("/engagements/referrals") for _, _, path in reads)
    assert len(reads) <= 2
    (link,) = await house.links()
    assert (link.partner_center_id, link.crm_id) == (ID, None)
    assert link.state in (LinkState.GONE, LinkState.NEW, LinkState.HELD)
    await house.running.engine.drain()
    assert house.calls() == []


SHAPES = [
    b"\x00",
    b"\xef\xbb\xbf",
    body(f"https://x/{ID}").decode().encode("utf-16"),
    b'{"EventName":"referral-updated","ResourceUri":"https://x/' + ID.encode() + b'\xff"}',
    b"[" * 60_000,
    b'{"a":' * 12_000,
    b'{"EventName":"referral-updated","ResourceUri":' + b"[" * 60_000,
    b'{"EventName":"referral-updated","ResourceUri":1e999}',
    b'{"EventName":"referral-updated","ResourceUri":NaN}',
    b'{"EventName":"referral-updated","ResourceUri":' + b"9" * 60_000 + b"}",
    b'{"EventName":"referral-updated","eventname":"test-created","ResourceUri":"https://x/'
    + ID.encode()
    + b'"}',
    body(f"https://x/{ID}")[:-1] + b',"ResourceUri":"https://x/' + ID.encode() + b'"}',
    b"[]",
    b'"referral-updated"',
    b"null",
    b"{}",
    body(None),
    body(5),
    body({"id": ID}),
    body([ID]),
    body(""),
    body(f"https://x/{ID}/"),
    body(f"https://x/%2e%2e%2f{ID}"),
    body(f"https://x%2f{ID}"),
    body(f"https://x/{ID}%00"),
    body(f"https://x/{ID} "),
    body(f"https://x/{ID}\n"),
    body(f"https://x/{{{ID}}}"),
    body(f"https://x/{ID[:-1]}"),
    body(f"https://x/{ID[:-1]}\u0660"),
    body("https://x/" + "a" * 60_000),
    body("https://x/' or '1' eq '1"),
]


async def test_a_signed_body_of_any_other_shape_leaves_no_trace(house: House) -> None:
    for event in SHAPES:
        reply = await house.event(event)
        assert (reply.status, reply.body) == (401, b""), event[:200]
    assert await house.links() == []
    assert house.calls() == []
    assert (await house.event(body(f"https://x/{ID}"))).status == 202


async def test_a_body_beyond_the_limit_is_not_even_verified(house: House) -> None:
    event = body(f"https://x/{ID}", ResourceName="x" * (1 << 20))
    assert (await house.event(event)).status == 413
    assert await house.links() == []


async def test_events_that_are_forged_replayed_doubled_or_of_another_kind_change_nothing(
    house: House,
) -> None:
    """Reordered and repeated true events end where one event ends; unknown events are thanked for."""
    referral = house.desk.portal()
    await house.desk.sync()
    house.calls()
    true = body(f"https://x/{referral}", ResourceChangeUtcDate="1601-01-01T00:00:00")
    old = body(f"https://x/{referral.upper()}", ResourceChangeUtcDate="2999-01-01T00:00:00+14:00")
    unknown = orjson.dumps({"EventName": "azure-fraud-event-detected", "ResourceUri": "https://x/1"})
    for _ in range(5):
        for event in (true, old, unknown):
            assert (await house.event(event)).status == 202
    forged = await house.event(true, Authorization="Signature " + "A" * 344)
    assert (forged.status, forged.body) == (401, b"")
    assert await house.running.engine.drain() == 1
    assert {method for _, method, path in house.calls() if "composite" not in path} <= {"GET"}
    assert len(await house.links()) == 1
    rows = await house.desk.journal(referral)
    await house.desk.sync()
    assert await house.desk.journal(referral) == rows
