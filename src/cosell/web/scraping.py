"""Who may read the numbers: whoever has the token, or, where there is none, this machine alone."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from cosell.http import is_loopback

Scrape: TypeAlias = Callable[[], Awaitable[bytes]]
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "via")
"""A proxy on this machine sends these along for others, who are not this machine."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The metrics and what guards them."""

    scrape: Scrape
    content_type: str
    token: str | None = None

    async def answer(self, request: Request) -> Response:
        """The numbers, or 401 or 403 with nothing in it."""
        if self.token is not None:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
                return Response(b"", 401, {"www-authenticate": "Bearer"})
        elif not _from_here(request):
            return Response(b"", 403)
        return Response(await self.scrape(), media_type=self.content_type)


def _from_here(request: Request) -> bool:
    here = request.client is not None and is_loopback(request.client.host)
    # A page in a browser on this machine could be led here under another name.
    named = is_loopback((request.url.hostname or "").lower())
    return here and named and not any(name in request.headers for name in FORWARDED)
