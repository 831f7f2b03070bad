"""The application on the base port: the index, the description, the controls, the pages for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cosell.sandbox.shell import pages
from cosell.sandbox.shell.control import VERBS
from cosell.sandbox.shell.control.route import answer_json
from cosell.sandbox.shell.pages.ink import print_page
from cosell.sandbox.shell.wishes import Refused

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def front(sandbox: Sandbox) -> ASGIApp:
    """The application that people and scripts open first."""

    async def describe(_request: Request) -> Response:
        return answer_json(sandbox.description)

    async def no_icon(_request: Request) -> Response:
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/sandbox.json", describe),
            Route("/favicon.ico", no_icon),
            *(verb.route(sandbox) for verb in VERBS),
            *pages.routes(sandbox),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(_OwnPagesOnly)],
        exception_handlers={Refused: _refuse, HTTPException: _refuse},
    )


async def _refuse(request: Request, trouble: Exception) -> Response:
    """Says no in the form the asker reads: JSON for scripts, a page for people."""
    if isinstance(trouble, Refused):
        sentence, status = trouble.sentence, trouble.status
    else:
        status = getattr(trouble, "status_code", 500)
        sentence = {
            404: "There is nothing at this address.",
            405: "This address does not take this method.",
        }.get(status, str(getattr(trouble, "detail", trouble)))
    if request.url.path.startswith("/control") or request.url.path.endswith(".json"):
        return answer_json({"error": sentence}, status=status)
    return print_page("refused.html", status=status, sentence=sentence)


class _OwnPagesOnly:
    """Refuses changes asked for by another site's page, and frames every answer safely.

    The sandbox has no sign-in, so any page open in the same browser could otherwise press its buttons.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = POLICY
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "no-referrer"
            await send(message)

        if scope["method"] not in ("GET", "HEAD") and _is_foreign(Headers(scope=scope)):
            refusal = answer_json({"error": "The sandbox takes changes from its own pages only."}, status=403)
            await refusal(scope, receive, send_framed)
            return
        await self._app(scope, receive, send_framed)


def _is_foreign(headers: Headers) -> bool:
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
