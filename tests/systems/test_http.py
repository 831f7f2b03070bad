"""The only way out: who may be called, how much may come back, what silence means (reliability.md 10, 11)."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cosell.core.errors import Misconfigured, Unavailable, Uncertain
from cosell.http import AiohttpTransport, AsgiTransport, Http, PublicResolver, Reply, Timeouts, origin
from tests.world import loop as world_loop

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Far:
    """A server whose answers a test sets, and a client that may call it."""

    def __init__(self) -> None:
        self.answer: Answer = self._hello
        self.seen: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def _hello(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"hello": request.path_qs})

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        return await self.answer(request)

    def client(self, **changes: Any) -> Http:
        return Http(AiohttpTransport(), **{"name": "The far side", "allow": [self.url], **changes})

    def says(self, body: bytes, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=named)

        self.answer = answer

    def hangs_up(self) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        self.answer = answer


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    far = Far()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", far.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    far.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield far
    await runner.cleanup()


@pytest.fixture
async def client(far: Far) -> AsyncIterator[Http]:
    http = far.client()
    yield http
    await http.aclose()


async def test_a_request_arrives_as_it_was_written(far: Far, client: Http) -> None:
    reply = await client.call(
        "PATCH", f"{far.url}/a%2Fb?$filter=x%20eq%20'1'", json=[1], headers={"If-Match": '"tag"'}
    )
    assert reply.json() == {"hello": "/a%2Fb?$filter=x%20eq%20'1'"}
    assert far.seen[0].headers["If-Match"] == '"tag"'
    assert far.seen[0].headers["Content-Type"] == "application/json"
    assert far.bodies == [b"[1]"]


async def test_a_form_is_sent_as_a_form(far: Far, client: Http) -> None:
    await client.call("POST", f"{far.url}/token", form={"a": "b c", "d": "é&"})
    assert far.bodies == [b"a=b+c&d=%C3%A9%26"]
    assert far.seen[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


async def test_every_call_is_counted_by_method_and_purpose(far: Far, client: Http) -> None:
    await client.call("GET", f"{far.url}/", purpose="read")
    await client.call("GET", f"{far.url}/", purpose="read")
    far.hangs_up()
    with pytest.raises(Uncertain):
        await client.call("POST", f"{far.url}/", purpose="write")
    assert dict(client.calls) == {("GET", "read"): 2, ("POST", "write"): 1}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{other}/",
        "http://localhost:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@evil.test/",
        "http://127.0.0.1:{port}.evil.test/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}",
        "http://127.0.0.1:{port}/ space",
        "http://127.0.0.1:{port}/\r\nHost: evil.test",
        "http://127.0.0.1:{port}/back\\slash",
        "http://127.0.0.1:{port}/é",
        "http://2130706433:{port}/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/",
    ],
)
async def test_an_address_that_is_not_spelled_like_an_allowed_one_is_never_called(
    far: Far, client: Http, url: str
) -> None:
    """Reliability.md 10, SSRF."""
    port = int(far.url.rpartition(":")[2])
    with pytest.raises(Misconfigured):
        await client.call("GET", url.format(port=port, other=port + 1))
    assert far.seen == []
    assert not client.calls


@pytest.mark.parametrize("url", ["http://example.com", "ftp://example.com", "https://", "https://a@b.test"])
def test_only_https_may_be_allowed_beyond_this_machine(url: str) -> None:
    with pytest.raises(Misconfigured):
        origin(url)


def test_plain_http_on_this_machine_can_be_forbidden_too() -> None:
    assert origin("http://127.0.0.1:8801/path") == "http://127.0.0.1:8801"
    with pytest.raises(Misconfigured):
        origin("http://127.0.0.1:8801", plain_on_loopback=False)


async def test_a_header_with_a_line_break_is_not_sent(far: Far, client: Http) -> None:
    with pytest.raises(Misconfigured):
        await client.call("GET", f"{far.url}/", headers={"If-Match": 'x"\r\nX-Evil: 1'})
    assert far.seen == []


async def test_a_redirect_is_an_answer_and_is_not_followed(far: Far, client: Http) -> None:
    far.says(b"", 302, Location=f"{far.url}/elsewhere")
    assert (await client.call("GET", f"{far.url}/")).status == 302
    assert len(far.seen) == 1


async def test_cookies_are_not_kept(far: Far, client: Http) -> None:
    """Reliability.md 8.2: Set-Cookie."""
    far.says(b"{}", Set_Cookie="session=1")
    for _ in range(2):
        await client.call("GET", f"{far.url}/")
    assert "Cookie" not in far.seen[1].headers


async def test_a_refused_connection_leaves_nothing_applied_whatever_the_method() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    client = Http(AiohttpTransport(), name="Nobody", allow=[url])
    for method in ("GET", "POST", "PATCH"):
        with pytest.raises(Unavailable):
            await client.call(method, f"{url}/")
    await client.aclose()


@pytest.mark.parametrize(("method", "kind"), [("GET", Unavailable), ("POST", Uncertain), ("PUT", Uncertain)])
async def test_a_broken_connection_is_uncertain_for_writes_and_never_tried_again(
    far: Far, client: Http, method: str, kind: type[Exception]
) -> None:
    """INV-10. The connection is a kept one, which HTTP libraries like to try again."""
    await client.call("GET", f"{far.url}/")
    far.hangs_up()
    with pytest.raises(kind):
        await client.call(method, f"{far.url}/")
    assert len(far.seen) == 2


async def test_a_post_that_only_reads_is_as_harmless_as_a_get(far: Far, client: Http) -> None:
    far.hangs_up()
    with pytest.raises(Unavailable):
        await client.call("POST", f"{far.url}/", safe=True)


@pytest.mark.parametrize(("method", "kind"), [("GET", Unavailable), ("PATCH", Uncertain)])
async def test_silence_ends_after_the_time_allowed(far: Far, method: str, kind: type[Exception]) -> None:
    never = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    far.answer = answer
    client = far.client(timeouts=Timeouts(connect=1, read=0.05, total=1))
    with pytest.raises(kind):
        await client.call(method, f"{far.url}/")
    await client.aclose()


async def test_a_body_that_drips_for_ever_ends_with_the_whole_time_allowed(far: Far) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        with contextlib.suppress(ConnectionError, aiohttp.ClientConnectionError):
            while True:
                await stream.write(b" ")
                await asyncio.sleep(0.005)
        return stream

    far.answer = answer
    client = far.client(timeouts=Timeouts(connect=1, read=1, total=0.1))
    with pytest.raises(Unavailable):
        await client.call("GET", f"{far.url}/")
    await client.aclose()


async def test_a_body_above_the_limit_is_not_read_to_its_end(far: Far) -> None:
    """Reliability.md 8.2: 100 MB."""
    far.says(b"x" * 2_000_000)
    client = far.client(max_body=100_000)
    with pytest.raises(Unavailable, match="did not answer") as caught:
        await client.call("GET", f"{far.url}/")
    assert "limit" in caught.value.detail
    await client.aclose()


@pytest.mark.parametrize("squeeze", [gzip.compress, zlib.compress])
async def test_a_small_body_that_unpacks_to_a_large_one_is_refused(
    far: Far, squeeze: Callable[[bytes], bytes]
) -> None:
    """Reliability.md 8.2: gzip bomb."""
    far.says(squeeze(b"0" * 50_000_000), Content_Encoding="gzip" if squeeze is gzip.compress else "deflate")
    client = far.client(max_body=100_000)
    with pytest.raises(Unavailable):
        await client.call("GET", f"{far.url}/")
    with pytest.raises(Uncertain):
        await client.call("POST", f"{far.url}/")
    await client.aclose()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"a":1}', mtime=0)),
        ("deflate", zlib.compress(b'{"a":1}')),
        ("deflate", zlib.compress(b'{"a":1}')[2:-4]),
        ("identity", b'{"a":1}'),
    ],
)
async def test_compressed_answers_are_unpacked(far: Far, client: Http, encoding: str, body: bytes) -> None:
    far.says(body, Content_Encoding=encoding)
    assert (await client.call("GET", f"{far.url}/")).json() == {"a": 1}


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("br", b"?"), ("gzip", b"not gzip"), ("gzip", gzip.compress(b"x" * 999, mtime=0)[:20])],
)
async def test_compression_we_cannot_undo_is_no_answer(
    far: Far, client: Http, encoding: str, body: bytes
) -> None:
    far.says(body, Content_Encoding=encoding)
    with pytest.raises(Unavailable):
        await client.call("GET", f"{far.url}/")


async def test_a_body_cut_short_is_no_answer(far: Far, client: Http) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        stream = web.StreamResponse(headers={"Content-Length": "100"})
        await stream.prepare(request)
        await stream.write(b"{")
        request.transport.abort()
        return stream

    far.answer = answer
    with pytest.raises(Unavailable):
        await client.call("GET", f"{far.url}/")


@pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>", b"{", b"\xff\xfe{", b"[" * 100_000, b"NaN"])
def test_nonsense_is_unavailable_for_a_read_and_uncertain_for_a_write(body: bytes) -> None:
    with pytest.raises(Unavailable):
        Reply(200, {}, body).json()
    with pytest.raises(Uncertain):
        Reply(200, {}, body, safe=False).json()
    assert Reply(500, {}, body).json_or_none() is None


@pytest.mark.parametrize(
    ("body", "parsed"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"x\\ud800y"}', {"a": "x\ufffdy"}),
    ],
)
def test_a_byte_order_mark_and_half_characters_do_not_spoil_an_answer(body: bytes, parsed: object) -> None:
    """Reliability.md 8.3: unpaired surrogate."""
    assert Reply(200, {}, body).json() == parsed


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("57", 57.0),
        ("0", 0.0),
        ("Sat, 21 Nov 2026 10:01:00 GMT", 60.0),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1e9", None),
        ("99999999999999", None),
        ("soon", None),
        ("²", None),
        ("Sat, 99 Nov 2026 10:01:00 GMT", None),
    ],
)
def test_the_wish_to_wait_is_understood_in_both_forms(header: str, seconds: float | None) -> None:
    """Reliability.md 5: Retry-After seconds, date, absent, absurd."""
    reply = Reply(429, {"retry-after": header, "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, b"")
    assert reply.retry_after == seconds


async def test_no_more_calls_run_at_once_than_allowed(far: Far) -> None:
    running, most, free = 0, 0, asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            free.set()
        await free.wait()
        running -= 1
        return web.Response()

    far.answer = answer
    client = far.client(concurrency=3)
    await asyncio.gather(*(client.call("GET", f"{far.url}/") for _ in range(9)))
    assert most == 3
    await client.aclose()


async def test_secrets_are_struck_out_of_what_people_read(far: Far) -> None:
    """INV-13."""
    client = far.client(secrets=lambda: ["s3cret-token", "s3cret"])
    assert client.redact("Bearer s3cret-token\x1b[31m and s3cret") == "Bearer *** [31m and ***"
    assert len(client.redact("x" * 5000)) == 1024


async def test_an_error_names_neither_address_nor_headers_nor_body(far: Far, client: Http) -> None:
    """INV-13."""
    far.hangs_up()
    with pytest.raises(Uncertain) as caught:
        await client.call(
            "POST", f"{far.url}/secret-path", headers={"Authorization": "Bearer hidden"}, body=b"hidden"
        )
    told = f"{caught.value} {caught.value.message} {caught.value.detail} {caught.value.__cause__}"
    assert "hidden" not in told
    assert "secret-path" not in told


async def test_the_difference_of_the_clocks_is_noticed(far: Far) -> None:
    class Late:
        def now(self) -> float:
            return 1_000_000.0

    far.says(b"{}", Date="Mon, 12 Jan 1970 13:48:20 GMT")
    client = far.client(clock=Late())
    await client.call("GET", f"{far.url}/")
    assert client.skew == pytest.approx(100.0)
    await client.aclose()


async def test_a_file_is_given_only_for_a_plain_200(far: Far, client: Http) -> None:
    far.says(b"file")
    assert await client.download(f"{far.url}/x.cer", max_body=10, timeout=5) == b"file"
    far.says(b"", 301, Location=f"{far.url}/y.cer")
    with pytest.raises(Unavailable):
        await client.download(f"{far.url}/x.cer", max_body=10, timeout=5)
    far.says(b"x" * 11)
    with pytest.raises(Unavailable):
        await client.download(f"{far.url}/x.cer", max_body=10, timeout=5)


async def test_a_name_that_points_into_a_private_network_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reliability.md 10: whatever the DNS says (rebinding)."""
    for address in ("10.0.0.8", "169.254.169.254", "127.0.0.1", "192.168.1.1", "::1", "fd00::1", "224.0.0.1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def resolved(*_: object, address: str = address, family: int = family, **__: object) -> Any:
            return [(family, socket.SOCK_STREAM, 6, "", (address, 443))]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        client = Http(AiohttpTransport(), name="Rebound", allow=["https://rebound.test"])
        with pytest.raises(Unavailable) as caught:
            await client.call("POST", "https://rebound.test/")
        assert "DNS" in caught.value.detail
        await client.aclose()


async def test_localhost_means_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(*_: object, **__: object) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in ("127.0.0.1", "10.0.0.8")]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    resolver = PublicResolver()
    found = await resolver.resolve("localhost", 80)
    assert [one["host"] for one in found] == ["127.0.0.1"]
    await resolver.close()


def test_a_file_of_authorities_that_cannot_be_read_is_named(tmp_path: Any) -> None:
    async def call() -> None:
        transport = AiohttpTransport(ca_file=str(tmp_path / "none.pem"))
        await Http(transport, name="X", allow=["https://x.test"]).call("GET", "https://x.test/")

    with pytest.raises(Misconfigured, match=r"none\.pem"):
        asyncio.run(call())


# --- the same thread -------------------------------------------------------------------------------


async def application(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application with a few moods."""
    message = await receive()
    match scope["path"]:
        case "/raises":
            raise RuntimeError("inside")
        case "/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            return
        case "/slow":
            await asyncio.sleep(10)
            scope["state"]["done"] = True
    told = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} ".encode() + message["body"]
    await send({"type": "http.response.start", "status": 201, "headers": [(b"X-Two", b"2")]})
    await send({"type": "http.response.body", "body": told[:3], "more_body": True})
    await send({"type": "http.response.body", "body": told[3:]})


def in_thread() -> Http:
    return Http(AsgiTransport({"https://app.test": application}), name="App", allow=["https://app.test"])


async def test_an_application_is_called_without_sockets() -> None:
    reply = await in_thread().call("POST", "https://app.test/a%20b?c=%20d", body=b"body")
    assert (reply.status, reply.headers) == (201, {"x-two": "2"})
    assert reply.body == b"POST /a b?c=%20d body"


@pytest.mark.parametrize("path", ["raises", "half"])
async def test_an_application_that_breaks_has_hung_up(path: str) -> None:
    with pytest.raises(Uncertain):
        await in_thread().call("POST", f"https://app.test/{path}")


async def test_an_application_nobody_serves_is_out_of_reach() -> None:
    client = Http(AsgiTransport({}), name="App", allow=["https://app.test"])
    with pytest.raises(Unavailable, match="cannot be reached"):
        await client.call("POST", "https://app.test/")


async def test_an_application_goes_on_after_the_caller_gave_up() -> None:
    """Reliability.md 5: applied after we gave up."""
    applied = asyncio.Event()
    gate = asyncio.Event()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await gate.wait()
        applied.set()

    client = Http(AsgiTransport({"https://app.test": late}), name="App", allow=["https://app.test"])
    with pytest.raises(Uncertain):
        await client.call("POST", "https://app.test/", timeouts=Timeouts(read=0.01))
    gate.set()
    await applied.wait()
    await client.aclose()


def test_waiting_costs_no_time_where_time_is_virtual() -> None:
    """Reliability.md 6.1: no socket, no thread, no real second."""

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(3600)

    async def main(loop: asyncio.AbstractEventLoop) -> float:
        client = Http(AsgiTransport({"https://app.test": silent}), name="App", allow=["https://app.test"])
        with pytest.raises(Uncertain):
            await client.call("POST", "https://app.test/")
        await client.aclose()
        return loop.time()

    assert world_loop.run(main) == pytest.approx(30.0, abs=0.1)
