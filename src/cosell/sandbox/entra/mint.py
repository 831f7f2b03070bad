"""Signs access tokens, and admits or refuses the bearer of one."""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from cosell.sandbox.entra.directory import Application, Tenant
from cosell.sandbox.frame import Frame

PARTNER_CENTER = "https://api.partner.microsoft.com"
WEBHOOKS = "https://api.partnercenter.microsoft.com"
KEY_ID = "sandbox-1"
_REMEMBERED = 4096


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """The one key of this process; making a new one for every sandbox would only cost time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_keys() -> dict[str, Any]:
    """The key set that a client may use to look into tokens."""
    numbers = signing_key().public_key().public_numbers()
    key = {"kty": "RSA", "use": "sig", "kid": KEY_ID, "n": _base64(numbers.n), "e": _base64(numbers.e)}
    return {"keys": [key]}


def _base64(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands behind an admitted token."""

    audience: str
    mfa: bool
    app_only: bool
    email: str
    client_id: str
    """The application that asked for the token."""
    object_id: str
    """The person in the directory, or the application's service principal when there is none."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was verified once, so that thousands of calls do not verify it again."""

    caller: Caller
    expires: float
    generation: int
    static: bool


class TokenRefused(Exception):
    """The bearer is not let in; the text says why."""


class Mint:
    """Makes tokens and remembers which of them still hold."""

    def __init__(self, frame: Frame, *, issuer: str, tenant: Tenant) -> None:
        self._frame, self._issuer, self._tenant = frame, issuer, tenant
        self._generation = self._static_generation = 0
        self._known: dict[str, _Known] = {}

    def sign(
        self,
        audience: str,
        application: Application,
        *,
        mfa: bool,
        app_only: bool,
        lifetime: float,
        static: bool = False,
    ) -> str:
        """A signed access token; a static one outlives `expire` unless that is asked for."""
        now = int(self._frame.clock.now().timestamp())
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": self._issuer,
            "iat": now,
            "nbf": now,
            "exp": now + int(lifetime),
            "tid": self._tenant.id,
            "appid": application.client_id,
            "ver": "1.0",
            "uti": uuid.uuid4().hex[:22],
            "sandbox_generation": self._static_generation if static else self._generation,
            "sandbox_static": static,
        }
        claims |= _itself(application) if app_only else self._person(mfa=mfa)
        return jwt.encode(claims, signing_key(), algorithm="RS256", headers={"kid": KEY_ID})

    def _person(self, *, mfa: bool) -> dict[str, Any]:
        return {
            "amr": ["pwd", "mfa"] if mfa else ["pwd"],
            "scp": "user_impersonation",
            "oid": self._tenant.person_id,
            "upn": self._tenant.person,
            "unique_name": self._tenant.person,
        }

    def identity(self, application: Application, nonce: str = "") -> str:
        """A signed identity token of the same person, for clients that asked for `openid`."""
        now = int(self._frame.clock.now().timestamp())
        claims: dict[str, Any] = {
            "aud": application.client_id,
            "iss": self._issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "tid": self._tenant.id,
            "sub": "sandbox-person",
            "oid": self._tenant.person_id,
            "preferred_username": self._tenant.person,
            "ver": "2.0",
        }
        if nonce:
            claims["nonce"] = nonce
        return jwt.encode(claims, signing_key(), algorithm="RS256", headers={"kid": KEY_ID})

    def expire(self, *, static: bool) -> None:
        """Makes every token signed so far useless; the static ones only when asked."""
        self._generation += 1
        self._static_generation += static

    def admit(self, token: str, audiences: Collection[str]) -> Caller:
        """The caller behind a token that is ours, current and meant for one of `audiences`."""
        known = self._known.get(token) or self._remember(token)
        generation = self._static_generation if known.static else self._generation
        if known.generation != generation or known.expires <= self._frame.clock.now().timestamp():
            raise TokenRefused("The access token expired.")
        if known.caller.audience not in audiences:
            raise TokenRefused("The access token is for another audience.")
        return known.caller

    def _remember(self, token: str) -> _Known:
        try:
            claims = jwt.decode(
                token,
                signing_key().public_key(),
                algorithms=["RS256"],
                # One key signs for every tenant of this process.
                issuer=self._issuer,
                # Time is the sandbox's own, and the audience differs per simulator.
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.PyJWTError as trouble:
            raise TokenRefused("The access token is malformed or was not issued here.") from trouble
        if "sandbox_generation" not in claims:
            raise TokenRefused("This is not an access token.")
        caller = Caller(
            audience=str(claims["aud"]).rstrip("/"),
            mfa="mfa" in claims.get("amr", ()),
            app_only=claims.get("idtyp") == "app",
            email=claims.get("upn", ""),
            client_id=claims["appid"],
            object_id=claims["oid"],
        )
        known = _Known(caller, claims["exp"], claims["sandbox_generation"], claims["sandbox_static"])
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[token] = known
        return known


def _itself(application: Application) -> dict[str, Any]:
    return {"idtyp": "app", "oid": application.object_id}
