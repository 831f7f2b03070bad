"""The registration API: one address per tenant, its events, and test events to check it (7.1)."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.entra import Entra, TokenRefused, second_factor
from cosell.sandbox.frame import Frame
from cosell.sandbox.partner_center import errors, moments
from cosell.sandbox.partner_center.errors import Refusal, invalid
from cosell.sandbox.webhooks import signing
from cosell.sandbox.webhooks.sender import Delivery
from cosell.sandbox.webhooks.switches import Switches

TEST_EVENT = "test-created"
KNOWN_EVENTS = (
    "referral-created",
    "referral-updated",
    "related-referral-created",
    "related-referral-updated",
    TEST_EVENT,
    # Of another product, so that a client can meet a list that is not its own.
    "subscription-updated",
)
TESTS_A_MINUTE = 2
_KEPT_SECONDS = 7 * 86_400
_LARGEST_BODY = 64 * 1024
_JSON = "application/json"
_ROOT = "/webhooks/v1/registration"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the events of the tenant go."""

    subscriber_id: str
    url: str
    events: tuple[str, ...]
    signature_in_ms_header: bool = False

    def public(self, *, with_id: bool) -> dict[str, Any]:
        body: dict[str, Any] = {"SubscriberId": self.subscriber_id} if with_id else {}
        return body | {"WebhookUrl": self.url, "WebhookEvents": list(self.events)}


@dataclass(frozen=True, slots=True)
class _Test:
    """A test event that was asked for."""

    asked: float
    delivery: Delivery


class Registry:
    """Holds the registration and serves the API around it."""

    def __init__(
        self,
        frame: Frame,
        entra: Entra,
        switches: Switches,
        *,
        audiences: list[str],
        partner_id: str,
        send_test: Callable[[str], Delivery],
    ) -> None:
        self._frame, self._entra, self._switches = frame, entra, switches
        self._audiences, self._partner_id, self._send_test = audiences, partner_id, send_test
        self.present: Registration | None = None
        self._tests: dict[str, _Test] = {}
        self._asked: list[float] = []
        self.app = Starlette(
            routes=[
                Route("/cert/{name}.cer", self._certificate),
                Route(_ROOT + "{rest:path}", self._serve, methods=_METHODS),
            ],
            exception_handlers={404: _no_such_path},
        )

    def clear(self) -> None:
        self.present = None
        self._tests.clear()
        self._asked.clear()

    def register(self, url: str, events: tuple[str, ...], *, ms_header: bool = False) -> Registration:
        """Puts an address in place of whatever was there."""
        known = self.present.subscriber_id if self.present else None
        subscriber = known or str(uuid.UUID(int=self._frame.dice.getrandbits(128), version=4))
        self.present = Registration(subscriber, url, events, ms_header)
        return self.present

    async def _certificate(self, request: Request) -> Response:
        name = request.path_params["name"]
        form = self._switches.certificate_form
        if name == "root":
            return Response(signing.root_file(form), media_type="application/pkix-cert")
        for known in signing.NAMES:
            if known == name:
                return Response(signing.certificate_file(known, form), media_type="application/pkix-cert")
        return Response(status_code=404)

    async def _serve(self, request: Request) -> Response:
        try:
            self._admit(request)
            response = await self._dispatch(request)
        except Refusal as refusal:
            response = Response(refusal.body(), refusal.status, media_type=_JSON)
        headers = response.headers
        headers["ms-requestid"] = request.headers.get("ms-requestid") or str(uuid.uuid4())
        headers["ms-correlationid"] = request.headers.get("ms-correlationid") or str(uuid.uuid4())
        second_factor.tell(request, response)
        headers["x-locale"] = request.headers.get("x-locale") or "en-US"
        return response

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.unauthenticated("A bearer token is required.")
        try:
            caller = self._entra.admit(token.strip(), self._audiences)
        except TokenRefused as refused:
            raise errors.unauthenticated(str(refused)) from refused
        second_factor.note(request, caller)
        # An application's own token is welcome here and carries no such claim (1.2, 7.1).
        if not caller.app_only and not caller.mfa:
            raise errors.without_mfa()

    async def _dispatch(self, request: Request) -> Response:
        rest = [one for one in request.path_params["rest"].split("/") if one]
        method = "GET" if request.method == "HEAD" else request.method
        match method, [one.lower() for one in rest]:
            case "GET", []:
                return self._get()
            case "POST", []:
                return await self._post(request)
            case "PUT", []:
                return await self._put(request)
            case "GET", ["events"]:
                return _json(list(KNOWN_EVENTS))
            case "POST", ["validationevents"]:
                return self._post_test()
            case "GET", ["validationevents", correlation]:
                return self._get_test(correlation)
            case _, [] | ["events"] | ["validationevents"] | ["validationevents", _]:
                return Response(status_code=405)
        return await _no_such_path(request, None)

    def _get(self) -> Response:
        if self.present is not None:
            return _json(self.present.public(with_id=False))
        if self._switches.no_registration == "empty":
            return Response(b"", 200, media_type=_JSON)
        raise Refusal(404, "itemNotFound", "The tenant has no registration.")

    async def _post(self, request: Request) -> Response:
        url, events, ms_header = await _read(request)
        if self.present is not None:
            text = "The tenant has a registration already; change it with PUT."
            raise invalid("registration", text, status=409)
        return _json(self.register(url, events, ms_header=ms_header).public(with_id=True))

    async def _put(self, request: Request) -> Response:
        url, events, ms_header = await _read(request)
        if self.present is None:
            raise Refusal(404, "itemNotFound", "The tenant has no registration; make one with POST.")
        return _json(self.register(url, events, ms_header=ms_header).public(with_id=True))

    def _post_test(self) -> Response:
        now = self._frame.clock.now().timestamp()
        self._asked = [asked for asked in self._asked if asked > now - 60]
        if len(self._asked) >= TESTS_A_MINUTE:
            return _throttled(round(60 - (now - self._asked[0])) + 1)
        if self.present is None or TEST_EVENT not in self.present.events:
            raise invalid("WebhookEvents", f"The registration does not list {TEST_EVENT}.")
        self._asked.append(now)
        correlation = str(uuid.UUID(int=self._frame.dice.getrandbits(128), version=4))
        self._tests[correlation] = _Test(now, self._send_test(correlation))
        return _json({"correlationId": correlation})

    def _get_test(self, correlation: str) -> Response:
        test = self._tests.get(correlation)
        now = self._frame.clock.now().timestamp()
        if test is None or now - test.asked > _KEPT_SECONDS:
            raise Refusal(404, "itemNotFound", f"There is no test event {correlation}.")
        results = [
            {
                "responseCode": _named(one.status),
                "responseMessage": one.trouble,
                "systemError": one.status == 0,
                "dateTimeUtc": moments.render(moments.ticks_of(one.at)).rstrip("Z"),
            }
            for one in test.delivery.attempts
        ]
        return _json(
            {
                "correlationId": correlation,
                "partnerId": self._partner_id,
                "status": "completed" if test.delivery.ended else "inProgress",
                "callbackUrl": test.delivery.url,
                "results": results,
            }
        )


async def _read(request: Request) -> tuple[str, tuple[str, ...], bool]:
    """The address, events and header choice of a request, whatever the case of its names."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise invalid("Content-Type", f"The content type must be {_JSON}.", status=415)
    raw = await request.body()
    if len(raw) > _LARGEST_BODY:
        raise invalid("body", "The request is too large.", status=413)
    try:
        body = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise invalid("body", "The request is not valid JSON.") from None
    if not isinstance(body, dict):
        raise invalid("body", "A registration is expected.")
    given = {name.lower(): value for name, value in body.items()}
    ms_header = given.get("signaturetokentomssignatureheader")
    if ms_header is not None and not isinstance(ms_header, bool):
        raise invalid("SignatureTokenToMsSignatureHeader", "True or false is expected.")
    return _url(given.get("webhookurl")), _events(given.get("webhookevents")), bool(ms_header)


def _url(value: Any) -> str:
    """An https address, or a plain one on this machine, which the real service could not reach."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        fits = parts is not None and (
            bool(parts.hostname)
            and (parts.scheme == "https" or (parts.scheme == "http" and _is_local(parts.hostname or "")))
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        fits = False
    if not fits or re.search(r"\s", value):
        raise invalid("WebhookUrl", "An absolute https address is expected.")
    return str(value)


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def _events(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise invalid("WebhookEvents", "At least one event is expected.")
    known = {event.lower(): event for event in KNOWN_EVENTS}
    for event in value:
        if not isinstance(event, str) or event.lower() not in known:
            raise invalid("WebhookEvents", f"There is no event {event!r}.")
    return tuple(dict.fromkeys(known[event.lower()] for event in value))


def _throttled(seconds: int) -> Response:
    body = {"statusCode": 429, "message": f"Rate limit is exceeded. Try again in {seconds} seconds."}
    return Response(orjson.dumps(body), 429, {"retry-after": str(seconds)}, _JSON)


def _named(status: int) -> str | None:
    """The name .NET gives a status, which is what the samples show; nothing where none came."""
    if status == 0:
        return None
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        return str(status)
    return phrase if phrase == "OK" else re.sub(r"[^A-Za-z]", "", phrase.title())


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body), media_type=_JSON)


async def _no_such_path(_request: Request, _trouble: Exception | None) -> Response:
    refusal = Refusal(404, "itemNotFound", "There is nothing at this address.")
    return Response(refusal.body(), 404, media_type=_JSON)
