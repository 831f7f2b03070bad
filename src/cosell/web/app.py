"""The connector's own web: webhooks, health, and a small page for people. It decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cosell.crm import Hints
from cosell.web.limits import Bucket
from cosell.web.receiver import Heard, Hinted, Receiver, Verify, hint_receiver
from cosell.web.scraping import Numbers
from cosell.wiring.environment import CRM_HOOKS, HOOKS

Status: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Ready: TypeAlias = Callable[[], Awaitable[str]]
"""Why it is not ready, as a sentence; empty when it is."""

HERE = Path(__file__).parent
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
EVENTS_A_SECOND = 500.0
EVENTS_AT_ONCE = 2000.0


@dataclass(frozen=True, slots=True)
class Face:
    """What the web needs to know of one running environment."""

    verify: Verify
    heard: Heard
    status: Status
    ready: Ready
    monotonic: Callable[[], float]
    hints: Hints | None = None
    """How the CRM's own webhooks are taken; without it they have no address."""
    hinted: Hinted | None = None


def build(
    faces: Mapping[str, Face], numbers: Numbers | None = None, *, prefixes: Collection[str] = ()
) -> ASGIApp:
    """The whole web of the environments, by their names, as one ASGI application.

    `prefixes` are the paths under which proxies serve it; whether they hand them on or not.
    """
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True)
    page, style = templates.get_template("status.html"), (HERE / "static" / "style.css").read_bytes()

    async def live(_: Request) -> Response:
        return _json({"live": True})

    async def ready(_: Request) -> Response:
        told = {name: await face.ready() for name, face in faces.items()}
        why = " ".join(f"{name}: {said}" if len(told) > 1 else said for name, said in told.items() if said)
        return _json({"ready": not why, "why": why}, 503 if why else 200)

    async def statuses() -> list[Mapping[str, Any]]:
        return [await face.status() for face in faces.values()]

    async def status(_: Request) -> Response:
        return _json({"environments": await statuses()})

    async def home(_: Request) -> Response:
        return Response(page.render(environments=await statuses()), media_type="text/html")

    async def look(_: Request) -> Response:
        return Response(style, media_type="text/css")

    routes = [
        *(Route(HOOKS + name, _receiver(face)) for name, face in faces.items()),
        *_crm_hooks(faces),
        Route("/health/live", live),
        Route("/health/ready", ready),
        *([Route("/metrics", numbers.answer)] if numbers is not None else []),
        Route("/status.json", status),
        Route("/style.css", look),
        Route("/", home),
    ]
    # Every unforeseen failure looks the same from outside; the log has its place in the code.
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refusal, Exception: _failure})
    # A redirect would repeat the Host header a stranger sent.
    app.router.redirect_slashes = False
    return Guarded(Prefixed(app, prefixes))


def _receiver(face: Face) -> Receiver[str]:
    return Receiver(face.verify, face.heard, bucket=_bucket(face))


def _crm_hooks(faces: Mapping[str, Face]) -> Iterator[Route]:
    for name, face in faces.items():
        if face.hints is not None and face.hinted is not None:
            yield Route(CRM_HOOKS + name, hint_receiver(face.hints, face.hinted, bucket=_bucket(face)))


def _bucket(face: Face) -> Bucket:
    return Bucket(rate=EVENTS_A_SECOND, burst=EVENTS_AT_ONCE, monotonic=face.monotonic)


async def _refusal(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(b"", status, headers=dict(headers or {}))


async def _failure(_: Request, __: Exception) -> Response:
    return Response(b"", 500)


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    body = orjson.dumps(value, default=str, option=orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, media_type="application/json")


class Prefixed:
    """Takes the path of a proxy off a request, where the proxy left it on."""

    def __init__(self, app: ASGIApp, prefixes: Collection[str]) -> None:
        kept = {prefix.rstrip("/") for prefix in prefixes} - {""}
        self._app, self._prefixes = app, sorted(kept, key=len, reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        for prefix in self._prefixes:
            if path == prefix or path.startswith(f"{prefix}/"):
                scope = {**scope, "path": path.removeprefix(prefix) or "/"}
                break
        await self._app(scope, receive, send)


class Guarded:
    """Puts the same protective headers on every answer."""

    HEADERS = (
        (b"content-security-policy", POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.HEADERS]
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)
