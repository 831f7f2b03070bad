"""The HTTP face: authentication, headers, bodies, status codes."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.entra import Caller, Entra, TokenRefused, second_factor
from cosell.sandbox.frame import JsonObject
from cosell.sandbox.partner_center import errors, listing, moments
from cosell.sandbox.partner_center.documents import placed, value_at
from cosell.sandbox.partner_center.errors import Refusal
from cosell.sandbox.partner_center.ledger import Ledger
from cosell.sandbox.partner_center.operations import Operations
from cosell.sandbox.partner_center.records import Record

COLLECTION = "/v1.0/engagements/referrals"
# Where the next link of the documentation points; only a skip token is answered there.
SHORT_COLLECTION = "/v1.0/referrals"
LARGEST_BODY = 1024 * 1024
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_JSON = "application/json"
_BOM = b"\xef\xbb\xbf"


class Api:
    """Turns requests into operations and records into answers."""

    def __init__(
        self, ledger: Ledger, operations: Operations, entra: Entra, *, base_url: str, audiences: list[str]
    ) -> None:
        self._ledger, self._operations, self._entra = ledger, operations, entra
        self._switches = ledger.switches
        self._listing = listing.Listing(ledger.switches)
        self._base_url, self._audiences = base_url, audiences
        self.app = Starlette(
            routes=[
                Route(COLLECTION + "{rest:path}", self._serve, methods=_METHODS),
                Route(SHORT_COLLECTION, self._serve_short, methods=["GET"]),
            ],
            exception_handlers={404: _no_such_path, 405: _no_such_path},
        )

    async def _serve(self, request: Request) -> Response:
        segments = [one for one in request.path_params["rest"].split("/") if one]
        glued = request.path_params["rest"] and not request.path_params["rest"].startswith("/")
        if glued or len(segments) > 1:
            return await _no_such_path(request, None)
        return await self._guarded(request, lambda caller: self._dispatch(request, segments, caller))

    async def _serve_short(self, request: Request) -> Response:
        if "$skiptoken" not in request.query_params:
            return await _no_such_path(request, None)
        return await self._guarded(request, lambda caller: self._list(request, caller))

    async def _guarded(self, request: Request, work: Callable[[Caller], Awaitable[Response]]) -> Response:
        try:
            caller = self._caller(request)
            self._ledger.tick()
            response = await work(caller)
        except Refusal as refusal:
            response = Response(refusal.body(), refusal.status, media_type=_JSON)
            if refusal.status == 401:
                response.headers["www-authenticate"] = "Bearer"
        self._mark(request, response)
        return response

    async def _dispatch(self, request: Request, segments: list[str], caller: Caller) -> Response:
        method = request.method
        if not segments:
            if method in ("GET", "HEAD"):
                return await self._list(request, caller)
            if method == "POST":
                return await self._create(request)
            return _not_allowed("GET, POST")
        if method not in ("GET", "HEAD", "PATCH", "PUT"):
            return _not_allowed("GET, PATCH, PUT")
        record = self._record(segments[0], caller)
        if method in ("GET", "HEAD"):
            return self._entity(record)
        return await self._change(request, record)

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.unauthenticated("A bearer token is required.")
        try:
            caller = self._entra.admit(token.strip(), self._audiences)
        except TokenRefused as refused:
            raise errors.unauthenticated(str(refused)) from refused
        second_factor.note(request, caller)
        if caller.app_only:
            raise errors.denied("Referrals can only be used with a signed-in person.")
        if not caller.mfa:
            raise errors.without_mfa()
        return caller

    def _mark(self, request: Request, response: Response) -> None:
        """Puts the documented headers on an answer."""
        headers = response.headers
        headers["request-id"] = str(uuid.uuid4())
        headers["timestamp"] = moments.render(self._ledger.now())
        second_factor.tell(request, response)
        headers["x-ms-ags-diagnostic"] = '{"ServerInfo":{"DataCenter":"Sandbox"}}'
        if "client-request-id" in request.headers:
            headers["client-request-id"] = request.headers["client-request-id"]

    def _visible(self, caller: Caller) -> Callable[[Record], bool] | None:
        """Which records a Referrals user sees: those of deals whose team holds the person (1.3)."""
        if self._switches.role == "referrals-admin":
            return None
        email = (self._switches.role_email or caller.email).lower()

        def holds(record: Record) -> bool:
            return any((one["email"] or "").lower() == email for one in record.body["team"] or ())

        # Microsoft's deal holds nobody of ours; it goes with the partner's own deal.
        return lambda record: any(map(holds, self._ledger.records.engagement(record.engagement)))

    def _record(self, referral_id: str, caller: Caller) -> Record:
        record = self._ledger.records.get(referral_id)
        if record is None:
            raise errors.not_found(referral_id)
        visible = self._visible(caller)
        if visible is not None and not visible(record):
            raise errors.out_of_scope()
        return record

    async def _list(self, request: Request, caller: Caller) -> Response:
        query = listing.read(request.query_params)
        visible = self._visible(caller)
        page = self._listing.page(self._ledger.records, query, now=self._ledger.now(), visible=visible)
        entries = [self._bytes(record, page.select) for record in page.records]
        parts = [b'{"@odata.context":', orjson.dumps(self._context("http", "#Referrals"))]
        if self._switches.count != "absent":
            count = len(entries) if self._switches.count == "page" else page.total
            parts.append(b',"@odata.count":%d' % count)
        parts += [b',"value":[', b",".join(entries), b"]"]
        if page.next is not None:
            link = self._listing.link(page.next, self._base_url)
            parts += [b',"@odata.nextLink":', orjson.dumps(link)]
        return Response(b"".join([*parts, b"}"]), media_type=_JSON)

    async def _create(self, request: Request) -> Response:
        raw = await _json_body(request, kinds=(_JSON,))
        return self._entity(self._operations.create(raw))

    async def _change(self, request: Request, record: Record) -> Response:
        kinds = (_JSON,) if request.method == "PUT" else (_JSON, "application/json-patch+json")
        raw = await _json_body(request, kinds=kinds)
        if_match = request.headers.get("if-match")
        if request.method == "PUT":
            self._operations.put(record, raw, if_match)
            return self._entity(record)
        self._operations.patch(record, raw, if_match)
        if _wants_representation(request):
            return self._entity(record)
        return Response(status_code=204)

    def _entity(self, record: Record) -> Response:
        context = orjson.dumps(self._context("https", "#Referrals/$entity"))
        content = b'{"@odata.context":%b,%b' % (context, self._bytes(record, ())[1:])
        response = Response(content, media_type=_JSON)
        if self._switches.etag_header:
            response.headers["etag"] = record.body["eTag"]
        return response

    def _context(self, scheme: str, fragment: str) -> str:
        host = self._base_url.partition("://")[2]
        return f"{scheme}://{host}/v1.0/$metadata{fragment}"

    def _bytes(self, record: Record, select: tuple[str, ...]) -> bytes:
        switches = self._switches
        strange = switches.extra_properties or switches.new_enum_values
        if not (strange or select or switches.deal_value_form == "string"):
            return record.wire()
        body = self._altered(record.body)
        return orjson.dumps(listing.selected(body, select) if select else body)

    def _altered(self, body: JsonObject) -> JsonObject:
        """The referral as a later or a different version of the service would show it."""
        switches = self._switches
        if switches.deal_value_form == "string" and body["details"]["dealValue"] is not None:
            body = placed(body, ("details", "dealValue"), str(body["details"]["dealValue"]))
        for path, value in {**switches.extra_properties, **switches.new_enum_values}.items():
            keys = path.split(".")
            if isinstance(value_at(body, keys[:-1]), dict):
                body = placed(body, keys, value)
        return body


async def _json_body(request: Request, *, kinds: tuple[str, ...]) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise errors.invalid("Content-Type", f"The content type must be {' or '.join(kinds)}.", status=415)
    raw = bytearray()
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > LARGEST_BODY:
                raise errors.invalid("body", "The request is too large.", status=413)
    except ClientDisconnect:
        raise errors.invalid("body", "The request ended early.") from None
    try:
        return orjson.loads(bytes(raw).removeprefix(_BOM))
    except orjson.JSONDecodeError:
        raise errors.invalid("body", "The request is not valid JSON.") from None


def _wants_representation(request: Request) -> bool:
    wishes = request.headers.get("prefer", "").lower().replace(" ", "").replace(";", ",").split(",")
    return "return=representation" in wishes


def _not_allowed(allow: str) -> Response:
    refusal = errors.invalid("method", "The method is not allowed here.", status=405)
    return Response(refusal.body(), 405, {"allow": allow}, _JSON)


async def _no_such_path(_request: Request, _trouble: Exception | None) -> Response:
    refusal = Refusal(404, "itemNotFound", "There is nothing at this address.")
    return Response(refusal.body(), 404, media_type=_JSON)
