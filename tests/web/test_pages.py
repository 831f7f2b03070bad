"""Health for machines, one small page for people."""

from __future__ import annotations

import json

from tests.web.conftest import STATUS, Product, Visitor

HOSTILE = "<script>alert(1)</script>{{7*7}}\"'><img src=x onerror=y>"


async def test_it_lives_as_long_as_it_answers(visitor: Visitor, product: Product) -> None:
    product.not_ready = "The engine does not run."
    assert (await visitor.ask("GET", "/health/live")).status == 200


async def test_it_says_why_it_is_not_ready(visitor: Visitor, product: Product) -> None:
    assert (await visitor.ask("GET", "/health/ready")).status == 200
    product.not_ready = "The engine does not run."
    reply = await visitor.ask("GET", "/health/ready")
    assert reply.status == 503
    assert json.loads(reply.body) == {"ready": False, "why": "The engine does not run."}


async def test_the_status_is_there_as_json(visitor: Visitor) -> None:
    reply = await visitor.ask("GET", "/status.json")
    assert json.loads(reply.body) == {"environments": [STATUS]}


async def test_the_page_shows_the_state_in_words(visitor: Visitor) -> None:
    reply = await visitor.ask("GET", "/")
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    for words in ("1 deal in step.", "inbound_referral", "off", "docs/tutorial"):
        assert words in page


async def test_the_page_tells_what_the_last_sweep_found(visitor: Visitor, product: Product) -> None:
    product.status_now = {**STATUS, "sweep": {"says": "100 % of 8 links compared agree; it took 2 s."}}
    page = (await visitor.ask("GET", "/")).body.decode()
    assert "100 % of 8 links compared agree" in page


async def test_hostile_text_stays_text(visitor: Visitor, product: Product) -> None:
    """reliability.md 8.3."""
    alert = {"code": "x", "message": HOSTILE, "advice": HOSTILE, "since": 0.0}
    cause = {"reason": "x", "says": HOSTILE, "fix": HOSTILE, "who": "x", "count": 1, "links": [HOSTILE]}
    product.status_now = {
        **STATUS,
        "alerts": [alert],
        "attention": [cause],
        "summary": HOSTILE,
        "sweep": {"says": HOSTILE},
        "links": {HOSTILE: 1},
    }
    page = (await visitor.ask("GET", "/")).body.decode()
    assert "<script>" not in page
    assert "<img" not in page
    assert "49" not in page
    assert "&lt;script&gt;" in page


async def test_every_answer_carries_the_protective_headers(visitor: Visitor) -> None:
    for path in ("/", "/status.json", "/absent", "/style.css", "/health/live"):
        headers = (await visitor.ask("GET", path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


async def test_the_host_a_stranger_names_is_never_repeated(visitor: Visitor) -> None:
    reply = await visitor.say(b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert reply is not None
    assert reply.status == 404
    assert "evil.example" not in str(reply.headers) + reply.body.decode()


async def test_an_unforeseen_failure_tells_nothing(visitor: Visitor, product: Product) -> None:
    product.status_now = {}
    reply = await visitor.ask("GET", "/")
    assert (reply.status, reply.body) == (500, b"")
