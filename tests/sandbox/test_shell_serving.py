"""How a sandbox is served: ports, TLS, the description, cut connections, the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cosell.sandbox import Options, PortInUse, Sandbox, run_forever
from cosell.sandbox.frame import Cut, Fault, Frame, Watched
from cosell.sandbox.shell.composition import PLACES
from cosell.sandbox.shell.serving import Serving, bind

from .visitor import visiting

CONTRACT = {
    "partner_center": {"url", "access_token", "organization_id", "mpn_id", "solutions"},
    "webhooks": {"url", "access_token"},
    "entra": {
        "authority",
        "tenant",
        "client_id",
        "client_secret",
        "refresh_token",
        "person",
        "password",
        "second_factor",
    },
    "salesforce": {
        "login_url",
        "instance_url",
        "api_version",
        "client_id",
        "client_secret",
        "username",
        "private_key_pem",
        "access_token",
        "admin",
    },
    "dataverse": {"url", "tenant", "client_id", "client_secret", "access_token", "admin"},
}
SECOND = ("partner_center", "webhooks", "entra")


def free_ports() -> int:
    """The first of as many neighbouring ports as there are places, used by nobody."""
    for base in range(21000, 60000, 11):
        try:
            sockets = bind("127.0.0.1", base, len(PLACES))
        except PortInUse:
            continue
        for sock in sockets:
            sock.close()
        return base
    raise AssertionError("this machine has no free ports in a row")


async def status_of(url: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status


async def test_the_description_holds_exactly_the_promised_keys() -> None:
    """/sandbox.json is a stable contract."""
    async with visiting(empty=True) as visitor:
        described = await visitor.get("/sandbox.json")
        assert described == visitor.sandbox.description
        assert set(described) == {*CONTRACT, "second_account", "ca_file"}
        for system, keys in CONTRACT.items():
            assert set(described[system]) == keys
            assert all(described[system].values()), system
        second = described["second_account"]
        assert set(second) == {*SECOND}
        for system in SECOND:
            assert set(second[system]) == CONTRACT[system]
            assert all(second[system].values()), system
        assert described["ca_file"] is None


async def test_the_description_gives_the_same_tokens_each_time() -> None:
    async with visiting(empty=True) as visitor:
        assert await visitor.get("/sandbox.json") == await visitor.get("/sandbox.json")


async def test_the_ports_follow_one_another_in_the_promised_order() -> None:
    base = free_ports()
    async with Sandbox.serve(base_port=base, empty=True) as sandbox:
        assert [url.rsplit(":", 1)[1] for url in sandbox.urls.values()] == [str(base + n) for n in range(9)]
        first = ["index", "partner_center", "webhooks", "entra", "salesforce", "dataverse"]
        assert list(sandbox.urls) == [*first, "partner_center_2", "webhooks_2", "entra_2"]


async def test_a_port_in_use_is_told_in_one_line_and_the_others_are_given_back() -> None:
    base = free_ports()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", base + 3))
        squatter.listen()
        with pytest.raises(PortInUse) as trouble:
            async with Sandbox.serve(base_port=base, empty=True):
                pass
        sentence = str(trouble.value)
        assert str(base + 3) in sentence
        assert "--base-port" in sentence
        assert "\n" not in sentence
        for free in bind("127.0.0.1", base, 3):
            free.close()


async def test_a_base_port_beyond_the_last_port_is_told_and_not_a_crash() -> None:
    with pytest.raises(PortInUse):
        async with Sandbox.serve(base_port=65534, empty=True):
            pass


async def test_the_same_ports_can_be_used_again_at_once() -> None:
    base = free_ports()
    for _ in range(2):
        async with Sandbox.serve(base_port=base, empty=True) as sandbox:
            assert await status_of(sandbox.urls["index"] + "/sandbox.json") == 200


async def test_with_tls_every_address_answers_under_the_one_authority() -> None:
    async with Sandbox.serve(base_port=0, tls=True, empty=True) as sandbox:
        ca_file = sandbox.description["ca_file"]
        trust = ssl.create_default_context(cafile=ca_file)
        trust.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
        async with aiohttp.ClientSession() as http:
            for url in sandbox.urls.values():
                assert url.startswith("https://127.0.0.1:")
                async with http.get(url, ssl=trust) as answer:
                    assert answer.status > 0
            by_name = sandbox.urls["index"].replace("127.0.0.1", "localhost")
            async with http.get(by_name + "/sandbox.json", ssl=trust) as answer:
                assert (await answer.json())["ca_file"] == ca_file
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await http.get(sandbox.urls["index"])
    assert not os.path.exists(ca_file)


async def test_webhook_events_reach_an_https_address_under_the_same_authority() -> None:
    async with Sandbox.serve(base_port=0, tls=True, empty=True) as sandbox:
        callback = sandbox.urls["index"] + "/nobody-listens-here"
        sandbox.webhooks.register(callback, ["referral-created"])
        sandbox.webhooks.switches.attempts = 1
        trust = ssl.create_default_context(cafile=sandbox.description["ca_file"])
        url = sandbox.urls["index"] + "/control/partner_center/inbound"
        async with aiohttp.ClientSession() as http, http.post(url, ssl=trust, json={}) as answer:
            assert answer.status == 200
        await sandbox.webhooks.settled()
        # The address answers 404 after the handshake; a refused handshake would be a 0.
        assert [one.results for one in sandbox.webhooks.deliveries] == [[404]]


@pytest.mark.parametrize("kind", ["lose", "drop"])
async def test_a_cut_closes_the_connection_without_an_answer(kind: str) -> None:
    served = _Served()
    async with served.open() as url, aiohttp.ClientSession() as http:
        served.frame.faults.append(Fault("partner_center", kind))  # type: ignore[arg-type]
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.post(url + "/thing", data=b"x")
        assert served.carried_out == (1 if kind == "lose" else 0)
        async with http.post(url + "/thing", data=b"x") as answer:
            assert await answer.text() == "done"


async def test_a_cut_from_inside_a_framework_closes_the_connection_too() -> None:
    async def cut(_request: Request) -> Response:
        raise Cut

    async def fail(_request: Request) -> Response:
        return Response("broken", 500)

    served = _Served()
    served.inner = Starlette(routes=[Route("/cut", cut), Route("/fail", fail)])
    async with served.open() as url, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(url + "/cut")
        async with http.get(url + "/fail") as answer:
            assert (answer.status, await answer.text()) == (500, "broken")


async def test_a_cut_leaves_other_connections_alone() -> None:
    served = _Served()
    async with served.open() as url, aiohttp.ClientSession() as http:
        held = await http.post(url + "/held", data=b"x")
        served.frame.faults.append(Fault("partner_center", "lose", path="/thing"))
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.post(url + "/thing", data=b"x")
        served.go_on.set()
        assert await held.text() == "done"


async def test_a_garbled_answer_is_cut_in_half() -> None:
    served = _Served()
    async with served.open() as url, aiohttp.ClientSession() as http:
        served.frame.faults.append(Fault("partner_center", "garble"))
        async with http.post(url + "/thing", data=b"x") as answer:
            assert await answer.text() == "do"


async def test_a_busy_client_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    served = _Served()
    async with aiohttp.ClientSession() as http:
        async with served.open() as url:
            waiting = asyncio.ensure_future(http.post(url + "/for-ever", data=b"x"))
            await served.reached.wait()
        with pytest.raises(aiohttp.ClientConnectionError):
            await waiting
    assert not caplog.records


async def test_run_forever_ends_when_asked_to() -> None:
    urls: dict[str, str] = {}

    def started(sandbox: Sandbox) -> None:
        urls.update(sandbox.urls)
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)

    await run_forever(Options(base_port=0, empty=True), started=started)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(urls["index"].rsplit(":", 1)[1]))) != 0


class _Served:
    """A small application behind the real server, counted and harmed like a simulator."""

    def __init__(self) -> None:
        self.frame = Frame()
        self.carried_out = 0
        self.inner: ASGIApp | None = None
        self.go_on, self.reached = asyncio.Event(), asyncio.Event()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.carried_out += 1
        self.reached.set()
        if scope["path"] == "/for-ever":
            await asyncio.Event().wait()
        if self.inner is not None:
            await self.inner(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        if scope["path"] == "/held":
            await self.go_on.wait()
        await send({"type": "http.response.body", "body": b"done"})

    def open(self) -> _Opened:
        return _Opened(self)


class _Opened:
    def __init__(self, served: _Served) -> None:
        self._served, self._serving = served, Serving()

    async def __aenter__(self) -> str:
        (sock,) = bind("127.0.0.1", 0, 1)
        watched = Watched(self._served.app, "partner_center", self._served.frame)
        await self._serving.open(watched, sock, pem=None)
        return f"http://127.0.0.1:{sock.getsockname()[1]}"

    async def __aexit__(self, *_trouble: object) -> None:
        await self._serving.close()
