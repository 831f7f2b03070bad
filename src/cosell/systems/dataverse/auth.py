"""Signs in to Dataverse as the application and keeps one token for everybody (dataverse-api.md 1)."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from cosell.core.errors import (
    CosellError,
    Misconfigured,
    NotAllowed,
    SignedOut,
    Throttled,
    Unavailable,
)
from cosell.http import Http, Reply, Timeouts, Transport, origin
from cosell.ports import Clock
from cosell.sections.credentials import first_accepted
from cosell.systems.dataverse.options import Certificate, ClientSecret, Either, FixedToken, Options

AHEAD = 300.0
"""Seconds before its end at which a token is renewed, at most a tenth of its life."""
_LARGEST = 256 * 1024
_TOKEN = re.compile(r"[!-~]{1,16384}\Z")
_REASON = re.compile(r"AADSTS([0-9]{3,9})")
_WHERE = re.compile(r"authorization_uri\s*=\s*\"?(https?://[^\s\",]{1,300})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Session:
    """An access token and when it is time for another one, by the monotonic clock."""

    token: str = field(repr=False)
    renew_at: float


class SignIn:
    """Fetches tokens; however many calls find theirs expired, one new token is fetched."""

    def __init__(self, options: Options, *, transport: Transport, environment: Http, clock: Clock) -> None:
        self._options, self._environment, self._clock = options, environment, clock
        self._authority = origin(options.authority)
        self._http = Http(
            transport,
            name="The Microsoft sign-in",
            allow=(self._authority,),
            timeouts=Timeouts(5.0, 20.0, 30.0),
            max_body=_LARGEST,
            secrets=self.secrets,
        )
        self._tenant = options.tenant
        self._session: Session | None = None
        self._refusals = 0
        self._refused: CosellError | None = None
        self._one_at_a_time = asyncio.Lock()
        self._lately: deque[str] = deque(maxlen=8)
        """Tokens of late: one that was replaced may be repeated to us and still be good."""

    def secrets(self) -> Iterable[str]:
        """What must not be seen in any message."""
        match self._options.login:
            case ClientSecret(secret):
                kept = [secret]
            case Certificate(pem, password):
                kept = [pem, password or ""]
            case Either(credential, password):
                kept = [*credential.known(), *(password.known() if password else ())]
            case FixedToken(token):
                kept = [token]
        return [one for one in (*kept, *self._lately) if one]

    async def session(self) -> Session:
        """A token that is good for a while; signs in where there is none."""
        held = self._session
        if held is not None and self._clock.monotonic() < held.renew_at:
            return held
        return await self.renewed(held)

    async def renewed(self, stale: Session | None) -> Session:
        """A session other than `stale`; whoever waits shares what comes of it, a refusal included."""
        before = self._refusals
        async with self._one_at_a_time:
            if self._session is not None and self._session is not stale:
                return self._session
            if self._refused is not None and self._refusals > before:
                raise self._refused
            try:
                self._session = await self._fetched(stale)
            except CosellError as why:
                self._refused, self._refusals = why, self._refusals + 1
                raise
            return self._session

    async def _fetched(self, stale: Session | None) -> Session:
        login = self._options.login
        if isinstance(login, FixedToken):
            if stale is not None:
                raise SignedOut(
                    "The access token for Dynamics 365 has expired.",
                    advice="A fixed token cannot be renewed: set a client secret or a certificate.",
                )
            return Session(login.token, float("inf"))
        if isinstance(login, Either):
            return await first_accepted(login.credential, partial(self._with, login))
        return await self._signed_in(login)

    async def _with(self, login: Either, value: str) -> Session:
        return await self._signed_in(await login.read(value))

    async def _signed_in(self, login: ClientSecret | Certificate) -> Session:
        # Whoever never speaks to Dataverse never loads the library.
        from cosell.systems.dataverse.identity import Carrier, fetch

        token, ends = await fetch(
            login,
            tenant=await self._whose(),
            client_id=self._options.client_id,
            scope=f"{origin(self._options.environment_url)}/.default",
            carrier=Carrier(self._http, self._authority, self._checked),
        )
        self._lately.append(token)
        # The library counts by the machine's own clock; what is left of the life is the same by any clock.
        life = max(0.0, ends - time.time())
        return Session(token, self._clock.monotonic() + life - min(AHEAD, life / 10))

    async def _whose(self) -> str:
        """The tenant: of the settings, else as the environment names it to strangers (1.4)."""
        if self._tenant is None:
            url = f"{origin(self._options.environment_url)}/api/data/v{self._options.api_version}/"
            reply = await self._environment.call("GET", url, purpose="tenant")
            self._tenant = self._named(reply)
        return self._tenant

    def _named(self, reply: Reply) -> str:
        if reply.status >= 500 or reply.status == 429:
            raise Unavailable("Dynamics 365 is out of order.", detail=f"status {reply.status}")
        found = _WHERE.search(reply.headers.get("www-authenticate", ""))
        if reply.status != 401 or found is None:
            raise Misconfigured(
                "There is no Dataverse Web API at the environment URL, or it does not name its tenant.",
                detail=f"status {reply.status}",
                advice="Set environment_url to https://ORG.crm.dynamics.com, and tenant.",
            )
        end = found[1].find("/", 8)
        tenant = found[1][end + 1 :].partition("/")[0] if end > 0 else ""
        if found[1][:end].lower() != self._authority or not tenant:
            raise Misconfigured(
                "The environment signs in at another authority than the one in the settings.",
                detail=self._http.redact(found[1], limit=200),
                advice="Set authority and tenant to those of the environment's cloud.",
            )
        return tenant

    def _checked(self, reply: Reply) -> Reply:
        """The reply if it holds a token; otherwise raises what it means."""
        if not reply.ok:
            raise self._refusal(reply)
        body = reply.json_or_none()
        token = body.get("access_token") if isinstance(body, dict) else None
        life = str(body.get("expires_in", "")) if isinstance(body, dict) else ""
        if not isinstance(token, str) or not _TOKEN.match(token) or not (life.isascii() and life.isdigit()):
            raise Unavailable("The Microsoft sign-in answered nonsense.", detail="no usable access_token")
        return reply

    def _refusal(self, reply: Reply) -> CosellError:
        said = reply.json_or_none()
        said = said if isinstance(said, dict) else {}
        numbers = tuple(dict.fromkeys(_REASON.findall(str(said.get("error_description", ""))[:4096])))
        detail = self._http.redact(
            f"status {reply.status} · {said.get('error')} · AADSTS {', '.join(numbers)}", limit=200
        )
        if reply.status == 429:
            return Throttled(
                "The Microsoft sign-in asks us to slow down.", retry_after=reply.retry_after, detail=detail
            )
        if reply.status >= 500 or "error" not in said:
            return Unavailable("The Microsoft sign-in is out of order.", detail=detail)
        for number in numbers:
            if number in _NUMBERS:
                kind, message, advice = _NUMBERS[number]
                return kind(message, detail=detail, advice=advice)
        if said["error"] in ("invalid_grant", "interaction_required", "consent_required"):
            return NotAllowed(
                "The tenant does not let the application sign in.",
                detail=detail,
                advice="Look at the application's sign-in log in Entra ID: a policy stopped it.",
            )
        return Misconfigured(
            "The Microsoft sign-in refuses the application.",
            detail=detail,
            advice="Check tenant, client_id and the secret or certificate.",
        )

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


# By AADSTS number, never by text (learn.microsoft.com/entra/identity-platform/reference-error-codes).
_NUMBERS: dict[str, tuple[type[CosellError], str, str]] = {
    "7000215": (
        SignedOut,
        "The secret of the application is wrong.",
        "Copy the secret's value again, not its id; then: cosell doctor",
    ),
    "7000222": (
        SignedOut,
        "The secret of the application has ended.",
        "Make a new secret in the app registration and set it; then: cosell doctor",
    ),
    "700027": (
        SignedOut,
        "The app registration does not know the certificate.",
        "Upload the certificate that belongs to this private key to the app registration.",
    ),
    "700024": (
        Misconfigured,
        "The signed sign-in is outside its time: the clock of this machine is off.",
        "Turn on time synchronisation on this machine; then: cosell doctor",
    ),
    "700016": (
        Misconfigured,
        "The tenant does not know the application.",
        "Check client_id and tenant: the application has to be registered in the environment's own tenant.",
    ),
    "7000112": (
        NotAllowed,
        "The application is disabled in the tenant.",
        "Enable it in Entra ID under Enterprise applications.",
    ),
    "90002": (Misconfigured, "The tenant does not exist.", "Check tenant; empty asks the environment."),
    "900023": (Misconfigured, "The tenant is no valid name.", "Check tenant; empty asks the environment."),
    "500011": (
        Misconfigured,
        "The tenant does not know the environment.",
        "Check environment_url and tenant: both belong to one organization.",
    ),
    "53003": (
        NotAllowed,
        "A Conditional Access policy of the tenant stops the application.",
        "Exempt the application, or allow the address this machine calls from.",
    ),
}
