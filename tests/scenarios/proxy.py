"""A reverse proxy as people put it in front: with a path of its own, and with the vices proxies have."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HOP = {"host", "content-length", "connection", "transfer-encoding", "accept-encoding"}


@dataclass(slots=True)
class Proxy:
    """Hands requests on to `target`, an address that may change; what is set to vice is done to each."""

    target: str = ""
    takes_off: str = ""
    """A path it removes before it hands on."""
    eats_authorization: bool = False
    answers: int = 0
    """A status it gives by itself instead."""
    forges: dict[str, str] = field(default_factory=dict)
    """Headers it adds, true or not."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = Response(status_code=self.answers) if self.answers else await self._hand_on(request)
        await response(scope, receive, send)

    async def _hand_on(self, request: Request) -> Response:
        path = request.url.path
        if self.takes_off and path.startswith(self.takes_off):
            path = path.removeprefix(self.takes_off) or "/"
        kept = {name: value for name, value in request.headers.items() if name not in HOP}
        if self.eats_authorization:
            kept.pop("authorization", None)
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.request(
                    request.method,
                    f"{self.target}{path}",
                    data=await request.body(),
                    headers={**kept, **self.forges},
                    allow_redirects=False,
                ) as answer,
            ):
                return Response(await answer.read(), answer.status)
        except aiohttp.ClientError:
            return Response(status_code=502)
