"""What `cosell connect partner-center` asks, and how a sign-in is proven (partner-center-api.md 1)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from cosell.core.errors import NotAllowed, SignedOut
from cosell.crm.connecting import Proof, Question
from cosell.http import Http, Transport
from cosell.systems.partner_center import outcomes, wire
from cosell.systems.partner_center.connection import Connection
from cosell.systems.partner_center.options import REFERRALS_RESOURCE, WEBHOOKS_RESOURCE, Options
from cosell.systems.partner_center.outcomes import Act
from cosell.systems.partner_center.registration import Registration

QUESTIONS = (
    Question(
        "tenant",
        "Which tenant is the partner account linked to?",
        "Its id or domain, such as contoso.onmicrosoft.com; Partner Center shows it under Account settings, "
        "Tenants.",
    ),
    Question(
        "client_id",
        "What is the application id?",
        "An app registration of that tenant with the delegated permission user_impersonation of Microsoft "
        "Partner and Microsoft Partner Center, and the reply address http://localhost: as Web where it has a "
        "secret, else as mobile and desktop application.",
    ),
    Question(
        "client_secret",
        "What is the application's secret?",
        "Empty for a public client, which needs none; otherwise it is kept sealed and never shown.",
        secret=True,
        optional=True,
    ),
    Question(
        "ends",
        "When does the secret end? (YYYY-MM-DD)",
        "Entra ID shows the day beside the secret; you are warned before it.",
        optional=True,
        aside=True,
        end_of="client_secret",
        wanted=lambda answers: bool(answers.get("client_secret")),
    ),
    Question(
        "entra_form",
        "Which form of the token endpoint?",
        "v1 asks with a resource, as Microsoft documents it for Partner Center; v2 with a scope.",
        default="v1",
        choices=("v1", "v2"),
        expert=True,
    ),
    Question(
        "authority",
        "Which host gives tokens?",
        "Microsoft's, unless your administrator knows another one for a national cloud.",
        default="https://login.microsoftonline.com",
        expert=True,
    ),
    Question(
        "url",
        "Which host has the referrals API?",
        "Microsoft names a single one; a national cloud's is not published.",
        default="https://api.partner.microsoft.com",
        expert=True,
    ),
    Question(
        "webhooks_url",
        "Which host has the webhooks API?",
        "Microsoft's own, unless your administrator knows another one for a national cloud.",
        default="https://api.partnercenter.microsoft.com",
        expert=True,
    ),
    Question(
        "refresh_token",
        "Where is the refresh token?",
        "Only where a person signed in elsewhere; without it, you sign in now.",
        secret=True,
        optional=True,
        expert=True,
    ),
)
_FACTOR = "ValidateMfa"
_COMPLIANT = "isMfaCompliant"
_NAMES = ("upn", "unique_name", "preferred_username")


async def prove(connection: Connection, options: Options, transport: Transport) -> Proof:
    """Redeems both resources, reads one referral and the registration, and looks for the second factor."""
    token = await connection.tokens.token(REFERRALS_RESOURCE)
    claims = _claims(token)
    where, compliant = await _read(options, transport, connection, token)
    _refuse_one_factor(claims, compliant)
    await connection.tokens.token(WEBHOOKS_RESOURCE)
    notes = await _events(connection.registration)
    if _factor(claims) is None and compliant is None:
        notes += ("Microsoft does not tell whether a second factor was used; it will ask for one in time.",)
    who = next((str(claims[name]) for name in _NAMES if claims.get(name)), "the person who signed in")
    return Proof(who, where or f"tenant {options.tenant}", notes)


async def _read(
    options: Options, transport: Transport, connection: Connection, token: str
) -> tuple[str, bool | None]:
    """Whose referrals these are, and whether Microsoft counts the sign-in as one with a second factor."""
    http = Http(
        transport, name="Partner Center", allow=(options.base_url,), secrets=connection.tokens.secrets
    )
    reply = await http.call(
        "GET",
        f"{options.referrals_url}?$top=1",
        headers={"authorization": f"Bearer {token}", _FACTOR: "true"},
        purpose="connect",
    )
    if not reply.ok:
        raise _explained(outcomes.error(reply, Act.LIST, http.redact))
    body = reply.json()
    records = body.get("value") if isinstance(body, dict) else None
    ours = [
        wire.word(one, "organizationName")
        for one in (records if isinstance(records, list) else [])
        if isinstance(one, dict) and not wire.is_microsofts(one)
    ]
    told = reply.headers.get(_COMPLIANT.lower())
    return next(filter(None, ours), ""), None if told is None else told.strip().lower() == "true"


def _explained(error: Exception) -> Exception:
    """The same refusal with whose move it is (1.3)."""
    if isinstance(error, NotAllowed):
        error.advice = (
            "Whoever manages users in Partner Center (Account settings, User management) gives the person "
            "the role Referrals admin. Then sign in again."
        )
    elif isinstance(error, SignedOut) and error.code == "mfa_required":
        error.advice = _MFA_ADVICE
    return error


_MFA_ADVICE = (
    "Sign in again and complete the second factor. If none was asked for, an administrator of the tenant "
    "requires one for this person (security defaults or Conditional Access)."
)


def _refuse_one_factor(claims: Mapping[str, Any], compliant: bool | None) -> None:
    """Refuses what Microsoft refuses sooner or later: calls without a second factor (1.2)."""
    if compliant is False or (compliant is None and _factor(claims) is False):
        raise SignedOut(
            "The sign-in has no second factor; Partner Center refuses such calls.",
            code="mfa_required",
            advice=_MFA_ADVICE,
        )


def _factor(claims: Mapping[str, Any]) -> bool | None:
    """Whether the token says that a second factor was used; None where it does not say how at all."""
    methods = claims.get("amr")
    return "mfa" in methods if isinstance(methods, list) else None


async def _events(registration: Registration) -> tuple[str, ...]:
    """Reads the webhooks API, which polling can do without: its roles are others (1.3)."""
    try:
        await registration.status()
    except NotAllowed:
        return (
            "The person may not register webhooks; changes arrive by polling. For webhooks, Partner Center "
            "names the roles Billing admin, Admin agent, Sales agent and Helpdesk agent.",
        )
    return ()


def _claims(token: str) -> Mapping[str, Any]:
    """What an access token says about itself; only for display and a hint, the API checks it."""
    try:
        middle = token.split(".")[1]
        found = orjson.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
