"""The errors of the token endpoint, in Entra's words and numbers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any


class Refusal(Exception):
    """A token request that is refused; `number` is the AADSTS code a client may look at."""

    def __init__(self, error: str, number: int, text: str, *, status: int = 400, sub: str = "") -> None:
        super().__init__(text)
        self.error, self.number, self.text, self.status = error, number, text, status
        self.sub = sub

    def body(self, now: datetime, base_url: str) -> dict[str, Any]:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
        kind = {"suberror": self.sub} if self.sub else {}
        return kind | {
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


def wrong_secret(client_id: str) -> Refusal:
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        f"value, not the client secret ID, for a secret added to app '{client_id}'."
    )
    return Refusal("invalid_client", 7000215, text, status=401)


def ended_secret(client_id: str) -> Refusal:
    text = (
        f"The provided client secret keys for app '{client_id}' are expired. Create new keys for your app, "
        "or consider using certificate credentials for added security."
    )
    return Refusal("invalid_client", 7000222, text, status=401)


def no_secret() -> Refusal:
    text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
    return Refusal("invalid_client", 7000218, text, status=401)


def needless_secret() -> Refusal:
    text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."
    return Refusal("invalid_client", 700025, text, status=401)


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


def wrong_redirect(redirect_uri: str, client_id: str) -> Refusal:
    text = (
        f"The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs "
        f"configured for the application '{client_id}'."
    )
    return Refusal("invalid_request", 50011, text)


def not_consented(client_id: str) -> Refusal:
    text = (
        f"The user or administrator has not consented to use the application with ID '{client_id}'. "
        "Send an interactive authorization request for this user and resource."
    )
    return Refusal("invalid_grant", 65001, text, sub="consent_required")


def blocked() -> Refusal:
    text = (
        "Access has been blocked by Conditional Access policies. "
        "The access policy does not allow token issuance."
    )
    return Refusal("invalid_grant", 53003, text, sub="message_only")


def factor_needed() -> Refusal:
    text = (
        "Due to a configuration change made by your administrator, or because you moved to a new location, "
        "you must use multi-factor authentication to access the resource."
    )
    return Refusal("interaction_required", 50076, text, sub="basic_action")


def proof_needed() -> Refusal:
    text = "Proof Key for Code Exchange is required for public clients; the method must be S256."
    return Refusal("invalid_request", 9002325, text)


def declined() -> Refusal:
    return Refusal("access_denied", 65004, "User declined to consent to access the app.")


def nobody_signed_in() -> Refusal:
    text = "Session information is not sufficient for single-sign-on."
    return Refusal("login_required", 50058, text)
