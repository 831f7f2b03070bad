"""The browser comes back to this machine, and only the answer to our own question counts (RFC 8252)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from cosell.core.errors import Misconfigured, SignedOut
from cosell.wiring.loopback import Loopback, listening


async def ask(loopback: Loopback, target: str, *, method: str = "GET") -> str:
    port = urlsplit(loopback.redirect).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_code_arrives_and_the_person_is_told_to_close_the_page() -> None:
    async with listening() as loopback:
        loopback.state = "ours"
        page = await ask(loopback, "/?code=abc&state=ours")
        assert "200 OK" in page
        assert "You are signed in" in page
        assert "abc" not in page
        assert (await loopback.answer())["code"] == "abc"


@pytest.mark.parametrize(
    "target",
    ["/?code=abc&state=theirs", "/?code=abc", "/favicon.ico", "/x?code=abc&state=ours", "/?state=ours"],
)
async def test_what_is_no_answer_to_us_changes_nothing(target: str) -> None:
    async with listening() as loopback:
        loopback.state = "ours"
        assert "404" in await ask(loopback, target)
        assert "404" in await ask(loopback, "/?code=abc&state=ours", method="POST")
        with pytest.raises(SignedOut, match="in time"):
            await loopback.answer(patience=0.01)


async def test_before_a_question_is_asked_nothing_is_an_answer() -> None:
    async with listening() as loopback:
        assert "404" in await ask(loopback, "/?code=abc&state=")


async def test_a_refusal_is_passed_on_and_shown_as_one() -> None:
    async with listening() as loopback:
        loopback.state = "ours"
        page = await ask(loopback, "/?error=access_denied&state=ours")
        assert "did not succeed" in page
        assert (await loopback.answer())["error"] == "access_denied"


async def test_a_port_that_is_taken_says_how_to_choose_another() -> None:
    async with listening() as loopback:
        with pytest.raises(Misconfigured, match="is taken") as caught:
            async with listening(urlsplit(loopback.redirect).port or 0):
                pass
    assert "--redirect-port" in caught.value.advice
