"""The line between a system and its simulator: counts, remembers secrets, can be cut and hurried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

from cosell.http import AiohttpTransport, Reply, Request, Timeouts
from cosell.http.messages import NotSent

_FORM = ("refresh_token", "client_secret", "assertion", "code")
_ANSWER = ("access_token", "refresh_token", "id_token")


class Line:
    """A transport over real sockets that a test can interfere with."""

    def __init__(self) -> None:
        self._inner = AiohttpTransport()
        self.sent = 0
        self.secrets: set[str] = set()
        self.shown: set[str] = set()
        """Those of them that the system was shown, and could repeat to us."""
        self.awaited: list[tuple[Callable[[Request], bool], Callable[[], None]]] = []
        """What happens just before the first request of a kind; each once."""
        self.cut = False
        """The request at hand never leaves."""
        self.hurried = False
        """The next answer is waited for a tenth of a second only."""
        self.at: tuple[int, Callable[[], None]] | None = None
        """What happens just before the request of this number."""

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        self._meet(request)
        if self.cut:
            self.cut = False
            raise NotSent("cut")
        self.sent += 1
        if self.at is not None and self.sent >= self.at[0]:
            self.at[1]()
            self.at = None
        self._note_request(request)
        if self.hurried:
            self.hurried, timeouts = False, replace(timeouts, read=0.1, total=0.2)
        reply = await self._inner.send(request, timeouts, max_body)
        self._note_reply(reply)
        return reply

    def _meet(self, request: Request) -> None:
        for place, (kind, act) in enumerate(self.awaited):
            if kind(request):
                del self.awaited[place]
                act()
                return

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _note_request(self, request: Request) -> None:
        bearer = request.headers.get("authorization", "").partition(" ")[2]
        self.shown |= {bearer} - {""}
        form = "urlencoded" in request.headers.get("content-type", "")
        told = dict(parse_qsl(request.body.decode())) if form else {}
        self.secrets |= {bearer, *(told.get(name, "") for name in _FORM)} - {""}

    def _note_reply(self, reply: Reply) -> None:
        told = reply.json_or_none()
        if isinstance(told, dict):
            self.secrets |= {str(told[name]) for name in _ANSWER if told.get(name)}
