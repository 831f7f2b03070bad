"""The HTTP side of the REST API: sizes, versions, sessions, bodies, headers (reference 1, 3, 16)."""

from __future__ import annotations

import re
import zlib
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cosell.sandbox.salesforce.errors import JSON, SalesforceError, entry, json_error, not_found, refusal
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.quota import Quota
from cosell.sandbox.salesforce.rest import Rest
from cosell.sandbox.salesforce.sessions import Sessions
from cosell.sandbox.salesforce.wire import NO_BODY, Call, Reply, parameters, segments

LARGEST_HEAD = 16_384
LARGEST_BODY = 50_000_000
OLDEST_VERSION = 31
_VERSION = re.compile(r"^v(\d{1,3})\.0$", re.IGNORECASE)
_CACHE = "no-cache,must-revalidate,max-age=0,no-store,private"
_SEASONS = ("Summer", "Winter", "Spring")


class Door:
    """The ASGI endpoint under `/services/data`."""

    def __init__(self, org: Org, rest: Rest, sessions: Sessions, quota: Quota) -> None:
        self._org, self._rest, self._sessions, self._quota = org, rest, sessions, quota

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
            reply, counted = self._answer(request, body)
        except ClientDisconnect:
            # Nobody is left to answer, and nothing was begun.
            return
        except SalesforceError as refused:
            reply, counted = Reply(refused.status, refused.entries), False
        await self._response(request, reply, counted=counted)(scope, receive, send)

    def _answer(self, request: Request, raw: bytes) -> tuple[Reply, bool]:
        """The reply, and whether the call counts against the quota."""
        _check_sizes(request, raw)
        path = segments(request.scope.get("raw_path", b"").split(b"?")[0].decode("ascii", "replace"))[2:]
        if not path:
            return Reply(200, self._versions()), False
        version = self._version(path[0])
        headers = {name.lower(): value for name, value in request.headers.items()}
        actor = self._sessions.actor(headers.get("authorization"))
        if not self._org.rights(actor).may("ApiEnabled"):
            raise refusal(403, "API_CURRENTLY_DISABLED", "API is currently disabled for this user.")
        self._quota.spend(_cost(path, raw))
        query = parameters(request.scope["query_string"].decode("utf-8", "replace"))
        method = query.get("_HttpMethod", request.method).upper()
        try:
            self._rest.catch_up()
            body = _read(headers, raw) if method in ("POST", "PATCH", "PUT") else NO_BODY
            call = Call(method, path[1:], query, headers, body, version, actor)
            reply = self._rest.answer(call)
        except SalesforceError as refused:
            reply = Reply(refused.status, refused.entries)
        except RecursionError:
            reply = Reply(400, json_error("The request is nested too deeply").entries)
        finally:
            self._org.store.settle()
        return reply, True

    def _version(self, segment: str) -> str:
        match = _VERSION.match(segment)
        if match is None or int(match[1]) > self._org.settings.newest_version:
            raise not_found()
        if int(match[1]) < OLDEST_VERSION:
            raise refusal(410, "GONE", f"The requested API version {match[1]}.0 is no longer available")
        return f"{int(match[1])}.0"

    def _versions(self) -> list[dict[str, str]]:
        return [
            {
                "label": f"{_SEASONS[(number - 31) % 3]} '{14 + (number - 29) // 3}",
                "url": f"/services/data/v{number}.0",
                "version": f"{number}.0",
            }
            for number in range(OLDEST_VERSION, self._org.settings.newest_version + 1)
        ]

    def _response(self, request: Request, reply: Reply, *, counted: bool) -> Response:
        headers = {"cache-control": _CACHE, "vary": "Accept-Encoding"}
        headers.update((name.lower(), value) for name, value in reply.headers.items())
        if counted:
            headers["sforce-limit-info"] = self._quota.header()
        content = b""
        if isinstance(reply.body, bytes):
            content, headers["content-type"] = reply.body, "application/octet-stream"
        elif reply.body is not None:
            content, headers["content-type"] = orjson.dumps(reply.body), JSON
        if request.method == "HEAD":
            content = b""
        return Response(content, reply.status, headers)


def _check_sizes(request: Request, raw: bytes) -> None:
    """The whole of address and headers is limited (trap 14)."""
    address = len(request.scope.get("raw_path", b"")) + 1 + len(request.scope["query_string"])
    if address > LARGEST_HEAD:
        raise SalesforceError(414, [entry("URI_TOO_LONG", "The length of the URI exceeds 16384 bytes")])
    head = sum(len(name) + len(value) + 4 for name, value in request.scope["headers"])
    if address + head > LARGEST_HEAD:
        text = "The combined length of the URI and headers exceeds 16384 bytes"
        raise SalesforceError(431, [entry("REQUEST_HEADER_FIELDS_TOO_LARGE", text)])
    if len(raw) > LARGEST_BODY:
        raise refusal(413, "REQUEST_ENTITY_TOO_LARGE", "The request body is too large")


def _cost(path: tuple[str, ...], raw: bytes) -> int:
    """A composite is one call; the parts of a batch count one by one."""
    if tuple(part.lower() for part in path[1:3]) != ("composite", "batch"):
        return 1
    try:
        parts = orjson.loads(raw).get("batchRequests")
    except (orjson.JSONDecodeError, AttributeError):
        return 1
    return max(1, len(parts)) if isinstance(parts, list) else 1


def _read(headers: dict[str, str], raw: bytes) -> Any:
    """The JSON body of a request."""
    if headers.get("content-encoding", "").lower() == "gzip":
        raw = _unzipped(raw)
    if not raw.strip():
        return NO_BODY
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return raw
    if kind != "application/json":
        text = f"Content type '{kind}' not supported; use application/json"
        raise refusal(415, "UNSUPPORTED_MEDIA_TYPE", text)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        text = f"{wrong.msg} at [line:{wrong.lineno}, column:{wrong.colno}]"
        raise json_error(text) from wrong


def _unzipped(raw: bytes) -> bytes:
    try:
        opened = zlib.decompressobj(wbits=31)
        made = opened.decompress(raw, LARGEST_BODY)
    except zlib.error as wrong:
        raise json_error("The request body is not valid gzip") from wrong
    if not opened.eof:
        raise json_error("The request body is cut off or too large")
    return made
