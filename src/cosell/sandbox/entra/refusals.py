"""The errors of the token endpoint, in Entra's words and numbers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any


class Refusal(Exception):
    """A token request that is refused; `number` is the AADSTS code a client may look at."""

    def __init__(self, error: str, number: int, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.number, self.text, self.status = error, number, text, status

    def body(self, now: datetime, base_url: str) -> dict[str, Any]:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": self.error,
            "error_description": (
                f"AADSTS{self.number}: {self.text} Trace ID: {trace} Correlation ID: {correlation} "
                f"Timestamp: {stamp}"
            ),
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{base_url}/error?code={self.number}",
        }


def missing(parameter: str) -> Refusal:
    text = f"The request body must contain the following parameter: '{parameter}'."
    return Refusal("invalid_request", 900144, text)


def unknown_tenant(tenant: str) -> Refusal:
    return Refusal("invalid_request", 90002, f"Tenant '{tenant}' not found.")


def unknown_application(client_id: str) -> Refusal:
    text = f"Application with identifier '{client_id}' was not found in the directory."
    return Refusal("unauthorized_client", 700016, text)


def wrong_secret() -> Refusal:
    return Refusal("invalid_client", 7000215, "Invalid client secret provided.", status=401)


def no_secret() -> Refusal:
    text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
    return Refusal("invalid_client", 7000218, text, status=401)


def strange_certificate() -> Refusal:
    text = "Client assertion failed signature validation: the certificate used to sign it is not registered."
    return Refusal("invalid_client", 700027, text, status=401)


def bad_assertion(why: str) -> Refusal:
    return Refusal("invalid_client", 50027, f"Invalid JWT token: {why}.", status=401)


def stale_assertion() -> Refusal:
    text = "Client assertion is not within its valid time range."
    return Refusal("invalid_client", 700024, text, status=401)


def unknown_resource(resource: str) -> Refusal:
    text = f"The resource principal named {resource} was not found in the tenant."
    return Refusal("invalid_resource", 500011, text)


def unsupported_grant(grant: str) -> Refusal:
    return Refusal("unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'.")


def bad_scope(scope: str) -> Refusal:
    return Refusal(
        "invalid_scope", 70011, f"The provided value for the input parameter 'scope' is not valid: {scope}."
    )


def invalid_grant(number: int, text: str) -> Refusal:
    return Refusal("invalid_grant", number, text)
