"""Who may read the numbers."""

from __future__ import annotations

from typing import Any

import pytest

from cosell import web
from cosell.web import Numbers

HERE = ("127.0.0.1", 40000)
TOKEN = "t0ken-of-prometheus"


async def scrape() -> bytes:
    return b"cosell_up 1\n"


async def asked(
    numbers: Numbers | None, *, client: tuple[str, int] = HERE, **headers: str
) -> tuple[int, bytes]:
    """Status and body of GET /metrics by this client."""
    said: list[Any] = []
    named = {"host": "127.0.0.1:8080", **headers}

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "raw_path": b"/metrics",
        "query_string": b"",
        "scheme": "http",
        "server": ("127.0.0.1", 8080),
        "client": client,
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
    }
    await web.build({}, numbers)(scope, receive, send)
    return said[0]["status"], said[1]["body"]


OPEN = Numbers(scrape, "text/plain")
GUARDED = Numbers(scrape, "text/plain", TOKEN)


async def test_this_machine_may_read_them() -> None:
    assert await asked(OPEN) == (200, b"cosell_up 1\n")


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("198.51.100.7", 40000), {}),
        (HERE, {"x_forwarded_for": "198.51.100.7"}),
        (HERE, {"forwarded": "for=198.51.100.7"}),
        (HERE, {"host": "cosell.example"}),
    ],
    ids=["from afar", "through a proxy", "through another proxy", "under a public name"],
)
async def test_nobody_else_may_without_a_token(client: tuple[str, int], headers: dict[str, str]) -> None:
    assert await asked(OPEN, client=client, **headers) == (403, b"")


async def test_with_a_token_it_alone_counts() -> None:
    far = ("198.51.100.7", 40000)
    assert (await asked(GUARDED, client=far, authorization=f"Bearer {TOKEN}"))[0] == 200
    assert (await asked(GUARDED))[0] == 401
    assert (await asked(GUARDED, authorization="Bearer t0ken"))[0] == 401


async def test_without_numbers_there_is_no_such_page() -> None:
    assert (await asked(None))[0] == 404
