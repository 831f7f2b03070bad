"""Tokens: asked for once however many wait, renewed ahead of time, and never lost when they rotate.

Partner Center takes delegated tokens only (partner-center-api.md 1.2): a person signs in once with
multi-factor authentication, and the refresh token that leaves is kept from then on.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from cosell.core.errors import CosellError, Misconfigured, Retryable, SignedOut, Throttled, Unavailable
from cosell.http import Http, Reply, Timeouts, Transport
from cosell.ports import Clock, Keyring
from cosell.sections.credentials import Credential, live
from cosell.systems.partner_center.options import Options

KEY = "partner_center.refresh_token"
AHEAD = 300.0
"""Seconds before its end at which a token is renewed, at most a tenth of its life."""
UNSAID_LIFE = 300.0
NOTED_EVERY = 86_400.0
"""Seconds between two notes of when a refresh token that does not change was used last."""
_LARGEST = 256 * 1024
_TOKEN = re.compile(r"[!-~]{1,16384}\Z")
_REASON = re.compile(r"AADSTS[0-9]{3,9}")
_A_PERSON_MUST = frozenset(("invalid_grant", "interaction_required", "consent_required", "login_required"))


class Tokens(Protocol):
    """Gives access tokens; `refused` is one the other side no longer accepts."""

    async def token(self, resource: str, *, refused: str | None = None) -> str: ...

    def secrets(self) -> Iterable[str]:
        """Everything that must never be shown."""
        ...


class StaticTokens:
    """Tokens that were handed to us and cannot be renewed."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = dict(tokens)

    async def token(self, resource: str, *, refused: str | None = None) -> str:
        """The token of `resource`; SignedOut once it is refused."""
        found = self._tokens.get(resource)
        if found is None or found == refused:
            raise SignedOut("The access token for Partner Center is not accepted any more.")
        return found

    def secrets(self) -> Iterable[str]:
        return self._tokens.values()


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    renew_at: float
    ends_at: float


class SignIn:
    """Redeems the refresh token for access tokens of each resource."""

    def __init__(
        self,
        options: Options,
        *,
        transport: Transport,
        keyring: Keyring,
        clock: Clock,
        refresh_token: str | Credential,
        client_secret: str | Credential | None = None,
    ) -> None:
        self._options, self._keyring, self._clock = options, keyring, clock
        self._roots = live(refresh_token)
        self._client_secrets = None if not client_secret else live(client_secret)
        self._root = ""
        """The refresh token a person left, from which the newest descends."""
        self._refresh_token: str | None = None
        self._unsaved = False
        self._saved_at = 0.0
        self._held: dict[str, _Held] = {}
        self._lately: deque[str] = deque(maxlen=8)
        """Tokens of late: one that was replaced may be repeated to us, and may still be good."""
        self._flights: dict[str, asyncio.Task[str]] = {}
        self._one_at_a_time = asyncio.Lock()
        self.http = Http(
            transport,
            name="The Microsoft sign-in",
            allow=(options.authority,),
            timeouts=Timeouts(5.0, 20.0, 30.0),
            max_body=_LARGEST,
            secrets=self.secrets,
        )

    async def token(self, resource: str, *, refused: str | None = None) -> str:
        """A token good for a while; all who wait at the same time share one request and its outcome."""
        held = self._held.get(resource)
        if held is not None and held.token != refused and self._clock.monotonic() < held.renew_at:
            return held.token
        flight = self._flights.get(resource)
        if flight is None:
            flight = asyncio.ensure_future(self._renew(resource, refused))
            self._flights[resource] = flight
            flight.add_done_callback(lambda done: self._landed(resource, done))
        return await asyncio.shield(flight)

    def secrets(self) -> Iterable[str]:
        """The client secret, both refresh tokens and every token in use or used of late."""
        fixed = self._client_secrets.known() if self._client_secrets is not None else ()
        known = (*self._roots.known(), self._refresh_token, *fixed, *self._lately)
        return [one for one in known if one]

    def _landed(self, resource: str, flight: asyncio.Task[str]) -> None:
        del self._flights[resource]
        if not flight.cancelled():
            # Whoever waited may have gone; the failure is then nobody's and must not be reported twice.
            flight.exception()

    async def _renew(self, resource: str, refused: str | None) -> str:
        # Both resources live on one refresh token; two rotations at once would lose one of them.
        async with self._one_at_a_time:
            try:
                return await self._redeem(resource)
            except Retryable:
                held = self._held.get(resource)
                if held and held.token != refused and self._clock.monotonic() < held.ends_at:
                    return held.token
                raise

    async def _redeem(self, resource: str) -> str:
        """Redeems with whatever is accepted: while something is replaced, old and new stand side by side."""
        secrets = await self._client_secrets.values() if self._client_secrets is not None else (None,)
        refusal: CosellError | None = None
        for root in await self._roots.values():
            for secret in secrets:
                try:
                    return await self._redeemed(resource, root, secret)
                except Misconfigured as why:  # the application is refused: perhaps its other secret is good
                    refusal = refusal or why
                except SignedOut as why:  # the person's sign-in is: no secret of the application mends it
                    refusal = refusal or why
                    break
        assert refusal is not None, "a credential has at least one value"
        raise refusal

    async def _redeemed(self, resource: str, root: str, secret: str | None) -> str:
        await self._save()
        held = self._refresh_token if root == self._root else None
        current = held or await self._recall(root)
        try:
            return await self._spent(resource, current, secret)
        except SignedOut:
            # Another process of ours may have renewed it meanwhile, and the one held here is spent.
            if held is None or (newest := await self._recall(root)) == held:
                raise
            return await self._spent(resource, newest, secret)

    async def _spent(self, resource: str, current: str, secret: str | None) -> str:
        form = self._form(resource, current, secret)
        reply = await self.http.call("POST", self._url(), form=form, purpose="sign in", safe=True)
        if not reply.ok:
            raise self._refusal(reply)
        answer = reply.json()
        if not isinstance(answer, dict) or not _usable(answer.get("access_token")):
            raise Unavailable("The Microsoft sign-in answered nonsense.", detail="no usable access_token")
        await self._keep(current, answer.get("refresh_token"))
        return self._hold(resource, answer)

    def _url(self) -> str:
        version = "v2.0/" if self._options.entra_form == "v2" else ""
        return f"{self._options.authority.rstrip('/')}/{self._options.tenant}/oauth2/{version}token"

    def _form(self, resource: str, refresh_token: str, client_secret: str | None) -> dict[str, str]:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._options.client_id,
            "refresh_token": refresh_token,
        }
        if client_secret:
            form["client_secret"] = client_secret
        if self._options.entra_form == "v2":
            return form | {"scope": f"{resource}/.default offline_access"}
        return form | {"resource": resource, "scope": "openid"}

    def _hold(self, resource: str, answer: Mapping[str, Any]) -> str:
        token, life = str(answer["access_token"]), _seconds(answer.get("expires_in"))
        if life <= 0:
            raise Unavailable("The Microsoft sign-in gave a token that has already ended.")
        now = self._clock.monotonic()
        self._lately.append(token)
        self._held[resource] = _Held(token, now + life - min(AHEAD, life / 10), now + life)
        return token

    async def _recall(self, root: str) -> str:
        """The newest refresh token that descends from the one a person left."""
        if not root:
            raise SignedOut(
                "Nobody has signed in to Partner Center yet.", advice="Sign in: cosell connect partner-center"
            )
        self._root = root
        self._refresh_token = descendant(await self._keyring.get(KEY), root) or root
        return self._refresh_token

    async def _keep(self, current: str, rotated: object) -> None:
        if isinstance(rotated, str) and _usable(rotated) and rotated != current:
            self._refresh_token, self._unsaved = rotated, True
        elif self._clock.now() - self._saved_at > NOTED_EVERY:
            self._unsaved = True
        await self._save()

    async def _save(self) -> None:
        """Keeps a rotated token before anything is done with it: a crash must not leave the spent one."""
        if not self._unsaved:
            return
        told = {"from": _fingerprint(self._root), "token": self._refresh_token, "used": self._clock.now()}
        kept = orjson.dumps(told).decode()
        try:
            await self._keyring.put(KEY, kept)
        except Exception as error:
            if isinstance(error, CosellError):
                raise
            raise Unavailable(
                "The renewed sign-in to Partner Center could not be kept.", detail=type(error).__name__
            ) from None
        self._unsaved, self._saved_at = False, self._clock.now()

    def _refusal(self, reply: Reply) -> CosellError:
        said = reply.json_or_none()
        code = said.get("error") if isinstance(said, dict) else None
        described = str(said.get("error_description", "")) if isinstance(said, dict) else ""
        reasons = ", ".join(dict.fromkeys(_REASON.findall(described[:4096])))
        detail = self.http.redact(f"status {reply.status} · {code} · {reasons}", limit=200)
        if code in _A_PERSON_MUST:
            return SignedOut("The sign-in to Partner Center has lapsed or was revoked.", detail=detail)
        if reply.status == 429:
            return Throttled(
                "The Microsoft sign-in asks us to slow down.", retry_after=reply.retry_after, detail=detail
            )
        if reply.status >= 500 or code is None:
            return Unavailable("The Microsoft sign-in is out of order.", detail=detail)
        return Misconfigured(
            "The Microsoft sign-in refuses this application.",
            detail=detail,
            did="Everything on this connection waits; nothing is lost.",
            advice="Check tenant, client id and client secret; a secret may have ended.",
        )


def _usable(token: object) -> bool:
    return isinstance(token, str) and _TOKEN.match(token) is not None


def _seconds(raw: object) -> float:
    """The life of a token; the older endpoint writes it as text (1.2)."""
    if isinstance(raw, str) and raw.strip().lstrip("-").isdigit() and len(raw) < 12:
        return float(raw)
    if isinstance(raw, (int, float)) and not isinstance(raw, bool) and abs(raw) < 1e9:
        return float(raw)
    return UNSAID_LIFE


def descendant(stored: str | None, given: str) -> str | None:
    """The kept token where it descends from `given`; a person who signed in again put another one there."""
    kept = _read(stored)
    if kept.get("from") != _fingerprint(given):
        return None
    return kept["token"] if _usable(kept.get("token")) else None


def last_used(stored: str | None) -> float | None:
    """When the kept token was redeemed last, epoch seconds; None where that is not known."""
    used = _read(stored).get("used")
    return float(used) if isinstance(used, int | float) else None


def _read(stored: str | None) -> dict[str, Any]:
    try:
        kept = orjson.loads(stored or "null")
    except orjson.JSONDecodeError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
