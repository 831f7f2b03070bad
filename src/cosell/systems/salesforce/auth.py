"""Signs in to Salesforce and keeps one session for everybody (salesforce-api.md 2)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import jwt

from cosell.core.errors import (
    CosellError,
    Misconfigured,
    NotAllowed,
    Retryable,
    SignedOut,
    Unavailable,
    Uncertain,
)
from cosell.crm.certificates import private_part
from cosell.http import Http, Reply, is_loopback, origin
from cosell.ports import Clock
from cosell.sections.credentials import Credential, first_accepted, live
from cosell.systems.salesforce.options import ClientSecret, FixedToken, Jwt, Options
from cosell.systems.salesforce.outcomes import Refusal, real, refusals
from cosell.systems.salesforce.soql import long_id

JWT_LIFE = 180
"""Seconds; more than five minutes are refused."""
CLOCK_OFF = 60.0
"""Seconds between our clock and the server's from which a sign-in may have failed for it."""
_LONGEST_TOKEN = 12_000
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Session:
    """An access token, where it is good, and whose it is."""

    token: str = field(repr=False)
    origin: str
    user_id: str | None = None


class SignIn:
    """Fetches tokens; however many calls find theirs expired, one new token is fetched (trap 11)."""

    def __init__(self, http: Http, options: Options, clock: Clock) -> None:
        self._http, self._options, self._clock = http, options, clock
        self._session: Session | None = None
        self._one_at_a_time = asyncio.Lock()
        self._lately: deque[str] = deque(maxlen=8)
        """Tokens and assertions of late: one that was replaced may be repeated to us and still be good."""

    def secrets(self) -> Iterable[str]:
        """What must not be seen in any message."""
        login = self._options.login
        kept = (login.token,) if isinstance(login, FixedToken) else _credential(login).known()
        return [one for one in (*kept, *self._lately) if one]

    async def session(self) -> Session:
        """The present session; signs in where there is none."""
        return self._session or await self.renewed(None)

    async def renewed(self, stale: Session | None) -> Session:
        """A session other than `stale`. Raises what a person has to mend."""
        async with self._one_at_a_time:
            if self._session is not None and self._session is not stale:
                return self._session
            self._session = await self._fetched(stale)
            return self._session

    async def _fetched(self, stale: Session | None) -> Session:
        login = self._options.login
        if isinstance(login, FixedToken):
            return self._fixed(login, stale)
        return await first_accepted(_credential(login), partial(self._signed_in, login))

    async def _signed_in(self, login: Jwt | ClientSecret, secret: str) -> Session:
        before = self._http.skew or 0.0
        reply = await self._asked(login, secret)
        learned = abs((self._http.skew or 0.0) - before)
        if reply.status != 200 and isinstance(login, Jwt) and learned > CLOCK_OFF:
            # The refusal told the server's time, and ours is wrong: once more, by the server's.
            reply = await self._asked(login, secret)
        if reply.status != 200:
            raise _refused(reply, self._http)
        return self._read(reply)

    async def _asked(self, login: Jwt | ClientSecret, secret: str) -> Reply:
        url = f"{origin(self._options.login_url)}/services/oauth2/token"
        try:
            return await self._http.call("POST", url, form=self._form(login, secret), purpose="token")
        except Uncertain as why:
            # A token nobody saw binds nobody; asking again is harmless.
            raise Unavailable("Salesforce did not answer the sign-in.", detail=why.detail) from None

    def _fixed(self, login: FixedToken, stale: Session | None) -> Session:
        if stale is not None:
            raise SignedOut(
                "The access token of Salesforce has expired.",
                advice="A fixed token cannot be renewed: set up JWT or client-credentials sign-in.",
            )
        return Session(login.token, origin(self._options.instance_url or self._options.login_url))

    def _form(self, login: Jwt | ClientSecret, secret: str) -> Mapping[str, str]:
        if isinstance(login, ClientSecret):
            return {
                "grant_type": "client_credentials",
                "client_id": self._options.client_id,
                "client_secret": secret,
            }
        return {"grant_type": _GRANT, "assertion": self._assertion(login, secret)}

    def _assertion(self, login: Jwt, private_key: str) -> str:
        # By the server's clock as last seen, so that a host whose clock is wrong signs in all the same.
        now = self._clock.now() + (self._http.skew or 0.0)
        claims = {
            "iss": self._options.client_id,
            "sub": login.username,
            "aud": self._options.audience or audience_of(self._options.login_url),
            "exp": int(now) + JWT_LIFE,
        }
        try:
            made = jwt.encode(claims, private_part(private_key), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Misconfigured(
                "The private key for Salesforce is not an RSA key in PEM form.",
                advice="Use the key that belongs to the certificate uploaded to the app.",
            ) from None
        self._lately.append(made)
        return made

    def _read(self, reply: Reply) -> Session:
        body = _object(reply)
        token, where = body.get("access_token"), body.get("instance_url")
        if not isinstance(token, str) or not isinstance(where, str) or not _usable(token):
            raise Unavailable("Salesforce answered the sign-in with nonsense.", detail="no usable token")
        self._lately.append(token)
        return Session(token, self._checked(where), _user_of(body.get("id")))

    def _checked(self, instance_url: str) -> str:
        """The origin the answer names, if it may be spoken to; a token goes nowhere else."""
        options = self._options
        try:
            found = origin(instance_url)
        except CosellError:
            raise self._foreign("no https address") from None
        if options.instance_url is not None:
            if found == origin(options.instance_url):
                return found
            raise self._foreign(found)
        host = urlsplit(found).hostname or ""
        login_host = urlsplit(options.login_url).hostname or ""
        at_home = host == login_host or (is_loopback(host) and is_loopback(login_host))
        if at_home or (found.startswith("https:") and host.endswith(options.instance_hosts)):
            return found
        raise self._foreign(found)

    def _foreign(self, found: str) -> Misconfigured:
        return Misconfigured(
            "The sign-in named an address that is not Salesforce's; the token was thrown away.",
            detail=f"instance_url {found[:200]!r}",
            advice="Check login_url. If the org really lives there, set instance_url to that address.",
        )


def _credential(login: Jwt | ClientSecret) -> Credential:
    return live(login.private_key if isinstance(login, Jwt) else login.secret)


def audience_of(login_url: str) -> str:
    """The audience a JWT names: the login host of the world an org is in, also for My Domain addresses."""
    host = urlsplit(login_url).hostname or ""
    if not host.endswith(".my.salesforce.com"):
        return login_url.rstrip("/")
    return "https://test.salesforce.com" if ".sandbox." in host else "https://login.salesforce.com"


def _object(reply: Reply) -> Mapping[str, Any]:
    try:
        body = reply.json()
    except Uncertain as why:
        raise Unavailable("Salesforce answered the sign-in with nonsense.", detail=why.detail) from None
    return body if isinstance(body, dict) else {}


def _usable(token: str) -> bool:
    return 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isprintable() and " " not in token


def _user_of(identity: Any) -> str | None:
    """The user id, which is the last part of the identity address (salesforce-api.md 2.2)."""
    if not isinstance(identity, str):
        return None
    return long_id(identity.rstrip("/").rpartition("/")[2])


# error, words in its description, the error it means, what happened, what to do (salesforce-api.md 2.3).
_TABLE: tuple[tuple[str, str, type[CosellError], str, str], ...] = (
    (
        "invalid_grant",
        "approved",
        NotAllowed,
        "The integration user is not approved for the app in Salesforce.",
        "In the app's policies choose «Admin approved users are pre-authorized» and add the permission set.",
    ),
    (
        "invalid_app_access",
        "",
        NotAllowed,
        "The integration user is not admitted to the app in Salesforce.",
        "Add the user's permission set or profile to the app.",
    ),
    (
        "invalid_grant",
        "no client credentials user",
        Misconfigured,
        "The app in Salesforce has no Run As user.",
        "Enable the client credentials flow in the app's policies and choose the Run As user.",
    ),
    (
        "invalid_grant",
        "audience",
        Misconfigured,
        "The app in Salesforce refuses the sign-in's audience.",
        "Use https://login.salesforce.com, https://test.salesforce.com for a sandbox, or My Domain.",
    ),
    (
        "invalid_grant",
        "assertion",
        Misconfigured,
        "Salesforce refuses the signed sign-in.",
        "Check that the private key belongs to the app's certificate, and the clock of this machine.",
    ),
    (
        "invalid_grant",
        "",
        SignedOut,
        "Salesforce refuses the sign-in.",
        "Check user name, key and app; a user that is frozen or whose session was revoked signs in again.",
    ),
    (
        "invalid_client_id",
        "",
        Misconfigured,
        "Salesforce does not know the app's consumer key.",
        "Copy the consumer key again; a new app takes up to ten minutes to become known.",
    ),
    (
        "invalid_client",
        "",
        Misconfigured,
        "Salesforce refuses the app's secret.",
        "Copy the consumer secret again.",
    ),
    (
        "app_not_found",
        "",
        Misconfigured,
        "The app is not installed in the org that was asked.",
        "Check login_url: a sandbox signs in at https://test.salesforce.com or its My Domain address.",
    ),
    (
        "unsupported_grant_type",
        "",
        Misconfigured,
        "This address does not offer this way to sign in.",
        "Client credentials work at the org's My Domain address only.",
    ),
)


def _refused(reply: Reply, http: Http) -> CosellError:
    """What a refused sign-in means. None of the documented refusals goes away by itself."""
    one = real(refusals(reply.json_or_none())) or Refusal("", "")
    detail = http.redact(f"token endpoint: status {reply.status} {one.code}: {one.text}")
    if reply.status >= 500 or reply.status in (420, 429):
        return Unavailable("The sign-in of Salesforce is out of order.", detail=detail)
    if one.code in ("login_rate_exceeded", "rate_limit_exceeded"):
        return Retryable("Salesforce asks to sign in less often.", detail=detail)
    text = one.text.casefold()
    for code, words, kind, says, advice in _TABLE:
        if one.code == code and words in text:
            return kind(says, detail=detail, advice=advice)
    return SignedOut("Salesforce refuses the sign-in.", detail=detail)
