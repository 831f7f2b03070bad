"""The HTTP side of the Web API: versions, tokens, sizes, headers (sheet sections 1.4, 2.1, 2.11)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cosell.sandbox.dataverse.calls import Actor, Call, Reply, wants_details
from cosell.sandbox.dataverse.errors import JSON, DataverseError, bad_request, no_segment
from cosell.sandbox.dataverse.limits import Limits
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.rest import Rest
from cosell.sandbox.dataverse.sign_in import SignIn, Unauthorized

SERVICE = "/api/data"
_VERSION = re.compile(r"^v9\.[0-2]$", re.IGNORECASE)
_WITH_BODY = ("POST", "PATCH", "PUT")


class Door:
    """The ASGI endpoint under ``/api/data``."""

    def __init__(self, org: Org, rest: Rest, sign_in: SignIn, limits: Limits, base_url: str) -> None:
        self._org, self._rest, self._sign_in, self._limits = org, rest, sign_in, limits
        self._base_url = base_url
        self._served = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            reply = await self._reply(request)
        except ClientDisconnect:
            # Nobody is left to answer, and nothing was begun.
            return
        except Unauthorized:
            page = b"HTTP Error 401 - Unauthorized: Access is denied"
            challenge = {"WWW-Authenticate": self._sign_in.challenge, "Content-Type": "text/html"}
            reply = Reply(401, page, challenge)
        await self._response(reply)(scope, receive, send)

    async def _reply(self, request: Request) -> Reply:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            version, path = _split(request)
            actor = self._sign_in.actor(headers)
            with self._limits.seat(actor.user_id):
                body = await request.body()
                reply = self._answer(request, actor, version, path, headers, body)
        except DataverseError as refused:
            return Reply.refused(refused, details=wants_details(headers))
        reply.headers |= self._limits.headers(actor.user_id)
        return reply

    def _answer(
        self, request: Request, actor: Actor, version: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        early = self._check_sizes(request, body)
        if early is not None:
            return early
        _check_headers(request.method, path, headers, body)
        root = f"{self._base_url}{SERVICE}/{version}"
        query = request.scope["query_string"].decode("utf-8", "replace")
        call = Call(request.method, path, query, headers, body, root, actor)
        try:
            return self._rest.answer(call)
        finally:
            self._org.settle()

    def _check_sizes(self, request: Request, body: bytes) -> Reply | None:
        page = {"Content-Type": "text/html"}
        address = len(request.scope.get("raw_path", b"")) + len(request.scope["query_string"])
        if address > self._org.settings.longest_address:
            return Reply(414, b"<html><body>Request URI Too Long</body></html>", page)
        if len(body) > self._org.settings.largest_body:
            return Reply(413, b"<html><body>Request Entity Too Large</body></html>", page)
        return None

    def _response(self, reply: Reply) -> Response:
        self._served += 1
        mark = str(uuid.UUID(int=self._served, version=4))
        headers = {
            "cache-control": "no-cache",
            "odata-version": "4.0",
            "x-ms-service-request-id": mark,
            "req_id": mark,
        }
        if reply.body is not None:
            headers["content-type"] = JSON
        headers |= {name.lower(): value for name, value in reply.headers.items()}
        return Response(reply.content(), reply.status, headers)


def _split(request: Request) -> tuple[str, str]:
    """The version and the raw path below the service root."""
    raw = request.scope.get("raw_path", b"").split(b"?")[0].decode("ascii", "replace")
    version, _, path = raw.removeprefix(SERVICE).lstrip("/").partition("/")
    if not _VERSION.match(version):
        raise no_segment(version)
    return version.lower(), path


def _check_headers(method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
    for name in ("odata-version", "odata-maxversion"):
        if headers.get(name, "4.0").strip() not in ("4.0", "4.01"):
            raise bad_request(f"The OData version '{headers[name]}' is not supported.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method in _WITH_BODY and body and kind != "application/json" and not path.startswith("$batch"):
        raise bad_request(
            f"The content type '{kind}' of the request is not supported; send application/json."
        )
