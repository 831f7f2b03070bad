"""A person signs in once, in a browser or with a code on another device (partner-center-api.md 1.2).

The Secure Application Model: what is kept of it is the refresh token alone. Both ways show the directory's
own pages, so that a second factor is asked for there and nowhere else.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode

from cosell.core.errors import CosellError, Misconfigured, NotAllowed, SignedOut, Throttled, Unavailable
from cosell.http import Http, Reply, Timeouts, Transport
from cosell.ports import Clock
from cosell.systems.partner_center.options import REFERRALS_RESOURCE, Options

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER = 5.0
"""Seconds added between two questions when asked to slow down (RFC 8628, 3.5)."""
_LONGEST_WAIT = 1800.0
_REASON = re.compile(r"AADSTS([0-9]{3,9})")
_CODE = re.compile(r"[!-~]{1,16384}\Z")
AGAIN = "Sign in again: cosell connect partner-center"


@dataclass(frozen=True, slots=True)
class Asked:
    """A sign-in that was begun: where the person is sent, and what proves that the answer is to it."""

    url: str
    redirect: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)

    def code(self, answer: Mapping[str, str]) -> str:
        """The code of an answer to this very question, or the error that the directory sent instead."""
        if not compare_digest(answer.get("state", "").encode(), self.state.encode()):
            raise SignedOut(
                "An answer came that belongs to another sign-in; it was thrown away.", advice=AGAIN
            )
        if "error" in answer:
            raise refusal(answer)
        if not _CODE.match(answer.get("code", "")):
            raise SignedOut("The sign-in came back without a code.", advice=AGAIN)
        return answer["code"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that waits until a person typed its code."""

    address: str
    user_code: str
    device_code: str = field(repr=False)
    interval: float = 5.0
    ends_in: float = 900.0


class SigningIn:
    """Both ways to a refresh token."""

    def __init__(
        self, options: Options, *, transport: Transport, clock: Clock, client_secret: str | None = None
    ) -> None:
        self._options, self._clock, self._secret = options, clock, client_secret
        self._http = Http(
            transport,
            name="The Microsoft sign-in",
            allow=(options.authority,),
            timeouts=Timeouts(5.0, 20.0, 30.0),
            max_body=256 * 1024,
            secrets=[client_secret] if client_secret else (),
        )
        self._v2 = options.entra_form == "v2"

    # --- in a browser ------------------------------------------------------------------------------

    def ask(self, redirect: str) -> Asked:
        """Where to send the person; the answer comes to `redirect`, which the application must have."""
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        proof = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        form = {
            "client_id": self._options.client_id,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": proof,
            "code_challenge_method": "S256",
            # Whoever is signed in to the browser already may be the wrong person.
            "prompt": "select_account",
        }
        url = f"{self._url('authorize')}?{urlencode(form | self._resource())}"
        return Asked(url, redirect, state, verifier)

    async def redeem(self, asked: Asked, code: str) -> str:
        """The refresh token that a code is good for, once."""
        return await self._granted(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": asked.redirect,
                "code_verifier": asked.verifier,
            }
        )

    # --- on another device -------------------------------------------------------------------------

    async def begin(self) -> Waiting:
        """A code for a person to type at an address, on any device with a browser."""
        form = {"client_id": self._options.client_id} | self._resource()
        reply = await self._http.call(
            "POST", self._url("devicecode"), form=form, purpose="device code", safe=True
        )
        told = self._body(reply)
        address = told.get("verification_uri") or told.get("verification_url")
        user_code, device_code = told.get("user_code"), told.get("device_code")
        if not (isinstance(address, str) and isinstance(user_code, str) and isinstance(device_code, str)):
            raise Unavailable("The Microsoft sign-in answered nonsense.", detail="no device code")
        return Waiting(
            address,
            user_code,
            device_code,
            _seconds(told.get("interval"), 5.0),
            _seconds(told.get("expires_in"), 900.0),
        )

    async def wait(self, waiting: Waiting, told: Callable[[], None] = lambda: None) -> str:
        """The refresh token once the person is done; `told` is called between two questions."""
        name = "device_code" if self._v2 else "code"
        form = {"grant_type": DEVICE_GRANT if self._v2 else "device_code", name: waiting.device_code}
        ends, pause = self._clock.monotonic() + waiting.ends_in, waiting.interval
        while self._clock.monotonic() < ends:
            await self._clock.sleep(pause)
            try:
                return await self._granted(form)
            except _Pending as pending:
                pause += SLOWER if pending.slower else 0.0
                told()
        raise SignedOut("Nobody typed the code in time.", advice=AGAIN)

    # --- the wire ----------------------------------------------------------------------------------

    async def _granted(self, form: Mapping[str, str]) -> str:
        whole = {**form, "client_id": self._options.client_id, **self._resource()}
        if self._secret:
            whole["client_secret"] = self._secret
        reply = await self._http.call("POST", self._url("token"), form=whole, purpose="sign in", safe=True)
        token = self._body(reply).get("refresh_token")
        if not isinstance(token, str) or not _CODE.match(token):
            raise NotAllowed(
                "The Microsoft sign-in gave no refresh token, so nobody could stay signed in.",
                advice="The application needs the permission offline_access; an administrator grants it.",
            )
        return token

    def _resource(self) -> dict[str, str]:
        if self._v2:
            return {"scope": f"{REFERRALS_RESOURCE}/.default offline_access openid"}
        return {"resource": REFERRALS_RESOURCE, "scope": "openid offline_access"}

    def _url(self, what: str) -> str:
        version = "v2.0/" if self._v2 else ""
        return f"{self._options.authority.rstrip('/')}/{self._options.tenant}/oauth2/{version}{what}"

    def _body(self, reply: Reply) -> Mapping[str, Any]:
        body = reply.json_or_none()
        told = body if isinstance(body, dict) else {}
        if reply.ok:
            return told
        if reply.status == 429:
            raise Throttled("The Microsoft sign-in asks us to slow down.", retry_after=reply.retry_after)
        if reply.status >= 500 or "error" not in told:
            raise Unavailable("The Microsoft sign-in is out of order.", detail=f"status {reply.status}")
        if told["error"] in ("authorization_pending", "slow_down"):
            raise _Pending(slower=told["error"] == "slow_down")
        raise refusal({name: str(value) for name, value in told.items()})

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


class _Pending(Exception):
    """The person is not done yet."""

    def __init__(self, *, slower: bool) -> None:
        super().__init__()
        self.slower = slower


def _seconds(raw: object, unsaid: float) -> float:
    """Numbers come as text from the older endpoint (1.2)."""
    try:
        return min(max(float(str(raw)), 0.0), _LONGEST_WAIT)
    except ValueError:
        return unsaid


def refusal(told: Mapping[str, str]) -> CosellError:
    """What a refused sign-in means: by its AADSTS number, never by its text."""
    numbers = tuple(dict.fromkeys(_REASON.findall(told.get("error_description", "")[:4096])))
    error = re.sub(r"[^a-z_]", "", told.get("error", ""))[:60]
    detail = f"{error} · AADSTS {', '.join(numbers)}"
    for number in numbers:
        if number in _NUMBERS:
            kind, message, advice = _NUMBERS[number]
            return kind(message, detail=detail, advice=advice)
    if error in ("access_denied", "authorization_declined"):
        return SignedOut("The sign-in was declined.", detail=detail, advice=AGAIN)
    if error in ("invalid_grant", "expired_token", "code_expired"):
        return SignedOut("The sign-in took too long, or was used already.", detail=detail, advice=AGAIN)
    return Misconfigured(
        "The Microsoft sign-in refuses the application.",
        detail=detail,
        advice="Check tenant, client id and client secret, and the app registration's reply address.",
    )


_ADMIN = (
    "An administrator of the tenant opens the app registration, «API permissions», and grants consent for "
    "Microsoft Partner and Microsoft Partner Center (user_impersonation)."
)
# learn.microsoft.com/entra/identity-platform/reference-error-codes
_NUMBERS: dict[str, tuple[type[CosellError], str, str]] = {
    "65001": (NotAllowed, "Nobody consented to what the application asks for.", _ADMIN),
    "65004": (SignedOut, "The person declined what the application asks for.", _ADMIN),
    "90094": (NotAllowed, "The tenant lets only an administrator consent.", _ADMIN),
    "90095": (NotAllowed, "The tenant lets only an administrator consent, and one was asked.", _ADMIN),
    "50105": (
        NotAllowed,
        "The person may not use the application.",
        "An administrator assigns the person under Enterprise applications, «Users and groups».",
    ),
    "50020": (
        SignedOut,
        "The person belongs to another tenant.",
        "Sign in with an account of the tenant that the partner account is linked to.",
    ),
    "50011": (
        Misconfigured,
        "The app registration does not know the reply address.",
        "Add http://localhost under «Authentication»: with a secret as «Web», without one as «Mobile and "
        "desktop applications».",
    ),
    "50076": (SignedOut, "The tenant wants a second factor.", AGAIN),
    "50079": (SignedOut, "The person has to register a second factor first.", AGAIN),
    "53003": (
        NotAllowed,
        "A Conditional Access policy of the tenant stops the sign-in.",
        "An administrator looks at the sign-in log in Entra ID, which names the policy.",
    ),
    "700016": (
        Misconfigured,
        "The tenant does not know the application.",
        "Check tenant and client_id: the app registration lives in the tenant of the partner account.",
    ),
    "90002": (Misconfigured, "The tenant does not exist.", "Check tenant."),
    "7000215": (
        SignedOut,
        "The secret of the application is wrong.",
        "Copy the secret's value again, not its id.",
    ),
    "7000222": (
        SignedOut,
        "The secret of the application has ended.",
        "Make a new secret in the app registration; then: cosell connect partner-center --rotate",
    ),
    "700025": (
        Misconfigured,
        "The application is registered as one without a secret, and one was shown.",
        "Register http://localhost under «Authentication» as «Web», or give no client_secret.",
    ),
    "7000218": (
        Misconfigured,
        "The application has to show a secret.",
        "Give client_secret, or allow public client flows in the app registration.",
    ),
    "500011": (
        Misconfigured,
        "The tenant does not know Partner Center's API.",
        "An administrator adds the API permissions Microsoft Partner and Microsoft Partner Center.",
    ),
}
