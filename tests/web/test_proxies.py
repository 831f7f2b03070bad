"""Behind proxies: a path of theirs is taken off, and what they claim of their visitors is not read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cosell import web
from tests.web.conftest import Product, Visitor


@pytest.fixture
async def under_a_path(product: Product) -> AsyncIterator[Visitor]:
    """The web as it is reached under /cosell, and in another environment under /cosell/staging."""
    app = web.build({"sandbox": product.face()}, prefixes={"/cosell", "/cosell/staging/", ""})
    with web.listen("127.0.0.1", 0) as sock:
        async with web.serving(app, sock) as address:
            yield Visitor(address)


@pytest.mark.parametrize("prefix", ["", "/cosell", "/cosell/staging"])
async def test_every_page_answers_with_the_path_of_the_proxy_and_without(
    under_a_path: Visitor, product: Product, prefix: str
) -> None:
    for path in ("/health/live", "/status.json", "/style.css", "/"):
        assert (await under_a_path.ask("GET", prefix + path)).status == 200
    reply = await under_a_path.ask("POST", f"{prefix}/webhooks/partner-center/sandbox", body=b"{}")
    assert reply.status == 202
    assert len(product.heard) == 1


@pytest.mark.parametrize("path", ["/cosellx/health/live", "/cosell/cosell/health/live", "/other/health/live"])
async def test_no_other_path_is_taken_off(under_a_path: Visitor, path: str) -> None:
    assert (await under_a_path.ask("GET", path)).status == 404


async def test_claims_of_a_proxy_come_back_in_no_answer(under_a_path: Visitor) -> None:
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "192.0.2.1",
        "Forwarded": "for=192.0.2.1;host=evil.example;proto=https",
    }
    for path in ("/", "/cosell", "/cosell/nothing", "/status.json"):
        reply = await under_a_path.ask("GET", path, headers=forged)
        assert b"evil" not in reply.body
        assert all("evil" not in value and "192.0.2.1" not in value for value in reply.headers.values())
