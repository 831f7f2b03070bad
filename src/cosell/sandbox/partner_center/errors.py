"""Refusals with the status and body of partner-center-api.md 2.8, and the ready answers for faults."""

from __future__ import annotations

from typing import Any

import orjson

from cosell.sandbox.frame import Answer

_PRECONDITION = "One of the specified pre-condition is not met. Etag value did not Match"


class Refusal(Exception):
    """A request that is refused; nothing of it was carried out."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        inner: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        # Both may repeat what the client sent, and a message is at most this long (2.8).
        self.error: dict[str, Any] = {"code": code, "message": message[:1024]}
        if target is not None:
            self.error["target"] = target[:1024]
        if inner is not None:
            self.error["innerError"] = inner

    def body(self) -> bytes:
        return orjson.dumps({"error": self.error})


def invalid(target: str, message: str, *, status: int = 400) -> Refusal:
    """A request that is malformed or breaks a rule; `target` names the field."""
    return Refusal(status, "invalidRequest", message, target=target)


def unauthenticated(message: str) -> Refusal:
    return Refusal(401, "unauthenticated", message)


def without_mfa() -> Refusal:
    return Refusal(401, "900421", "The access token carries no multi-factor authentication claim.")


def denied(message: str) -> Refusal:
    return Refusal(403, "accessDenied", message)


def out_of_scope() -> Refusal:
    """A referral that exists outside the role of the caller; the documented sample."""
    inner = {"code": "innerErrorCode", "message": "Unauthorized referral access"}
    text = "Caller is not authorized to access the resource."
    return Refusal(403, "unAuthorized", text, target="referral", inner=inner)


def not_found(referral_id: str) -> Refusal:
    return Refusal(404, "itemNotFound", f"No referral has the id {referral_id}.", target="referral")


def stale() -> Refusal:
    """The precondition of the request does not hold, as seen from production."""
    inner = {"code": "99918", "message": _PRECONDITION, "details": None}
    return Refusal(412, "preconditionFailed", _PRECONDITION, target="ETag", inner=inner)


def _answer(refusal: Refusal, **headers: str) -> Answer:
    return Answer(refusal.status, refusal.body(), {"content-type": "application/json", **headers})


def ready_answers() -> dict[str, Answer]:
    """The answers a person may make the next requests get, by name."""
    throttled = orjson.dumps(
        {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 2 seconds."}
    )
    return {
        "401": _answer(unauthenticated("The access token is missing or no longer valid.")),
        "900421": _answer(without_mfa()),
        "403": _answer(denied("The caller may not do this.")),
        "429": Answer(429, throttled, {"content-type": "application/json", "retry-after": "2"}),
        "429-empty": Answer(429, b"", {"retry-after": "2"}),
        "500": _answer(Refusal(500, "generalException", "An unspecified error has occurred.")),
        "503": _answer(
            Refusal(503, "serviceNotAvailable", "The service is not available. Try again later."),
            **{"retry-after": "1"},
        ),
        "504": Answer(504, b"<html><body>Gateway Timeout</body></html>", {"content-type": "text/html"}),
    }
