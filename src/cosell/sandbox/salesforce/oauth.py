"""The OAuth endpoints: token, userinfo, identity, revoke (reference 2.2 to 2.4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

import jwt
import orjson
from starlette.requests import Request
from starlette.responses import Response

from cosell.sandbox.salesforce.application import App
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.sessions import Sessions
from cosell.sandbox.salesforce.store import Row
from cosell.sandbox.salesforce.wire import parameters

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "api id refresh_token offline_access"
_NO_STORE = {"cache-control": "no-cache, no-store", "pragma": "no-cache"}
Form = Mapping[str, str]


class TokenError(Exception):
    """A refusal of the token endpoint: always 400 and an object, not an array (trap 1)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}


class OAuth:
    """Signs the integration in."""

    def __init__(self, org: Org, app: App, sessions: Sessions, base_url: str) -> None:
        self._org, self._app, self._sessions, self._base_url = org, app, sessions, base_url
        self._grants: dict[str, Callable[[Form, Request], dict[str, Any]]] = {
            JWT_BEARER: self._jwt_bearer,
            "client_credentials": self._client_credentials,
            "refresh_token": self._refresh,
            "password": self._password,
        }

    async def token(self, request: Request) -> Response:
        """`POST /services/oauth2/token`."""
        form = parameters((await request.body()).decode("utf-8", "replace"))
        try:
            if request.method != "POST":
                raise TokenError("invalid_request", "must use HTTP POST")
            grant = self._grants.get(form.get("grant_type", ""))
            if grant is None:
                raise TokenError("unsupported_grant_type", "grant type not supported")
            if not self._org.settings.app_installed:
                raise TokenError("app_not_found", "External client app is not installed in this org")
            return _json(200, grant(form, request))
        except TokenError as refused:
            return _json(400, refused.body)

    async def revoke(self, request: Request) -> Response:
        """`POST /services/oauth2/revoke`."""
        form = {**request.query_params, **parameters((await request.body()).decode("utf-8", "replace"))}
        if self._sessions.close(form.get("token", "")):
            return Response(status_code=200)
        return _json(400, {"error": "unsupported_token_type", "error_description": "invalid token"})

    async def userinfo(self, request: Request) -> Response:
        """`GET /services/oauth2/userinfo`."""
        user = self._user_of(request)
        if user is None:
            return Response("Bad_OAuth_Token", status_code=403)
        return _json(
            200,
            {
                "sub": self._identity_url(user["Id"]),
                "user_id": user["Id"],
                "organization_id": self._org.org_id,
                "preferred_username": user["Username"],
                "name": user["Name"],
                "email": user["Email"],
                "email_verified": True,
                "user_type": "STANDARD",
                "language": "en_US",
                "locale": "en_US",
                "active": True,
                "urls": self._urls(user["Id"]),
            },
        )

    async def identity(self, request: Request) -> Response:
        """`GET /id/ORG/USER`."""
        user = self._user_of(request)
        if user is None:
            return Response("Bad_OAuth_Token", status_code=403)
        wanted = (request.path_params["org"][:15], request.path_params["user"][:15])
        if wanted != (self._org.org_id[:15], user["Id"][:15]):
            return Response("Wrong_Org", status_code=404)
        return _json(
            200,
            {
                "id": self._identity_url(user["Id"]),
                "asserted_user": True,
                "user_id": user["Id"],
                "organization_id": self._org.org_id,
                "username": user["Username"],
                "nick_name": user.get("Alias"),
                "display_name": user["Name"],
                "email": user["Email"],
                "active": True,
                "user_type": "STANDARD",
                "language": "en_US",
                "locale": "en_US",
                "urls": self._urls(user["Id"]),
            },
        )

    def _jwt_bearer(self, form: Form, request: Request) -> dict[str, Any]:
        claims = self._claims(form.get("assertion", ""))
        self._check_times(claims)
        users = self._org.store.table("User")
        ids = users.ids_where("Username", str(claims.get("sub", "")))
        if not ids or self._sessions.revoked or not self._org.settings.user_approved:
            raise TokenError("invalid_grant", "user hasn't approved this consumer")
        approved = (self._org.integration_user, self._org.administrator)
        allowed = self._org.settings.admin_approved and ids[0] in approved
        if not allowed:
            raise TokenError("invalid_app_access", "user is not admin approved to access this app")
        made = self._opened(ids[0])
        return {key: made[key] for key in ("access_token", "scope", "instance_url", "id", "token_type")}

    def _claims(self, assertion: str) -> dict[str, Any]:
        try:
            claims = orjson.loads(jwt.PyJWS().decode_complete(assertion, options=_UNVERIFIED)["payload"])
        except (jwt.PyJWTError, orjson.JSONDecodeError) as wrong:
            raise TokenError("invalid_grant", "invalid assertion") from wrong
        if not isinstance(claims, dict):
            raise TokenError("invalid_grant", "invalid assertion")
        if claims.get("iss") != self._app.client_id:
            raise TokenError("invalid_client_id", "client identifier invalid")
        if not any(_is_signed(assertion, key) for key in self._app.public_keys.values()):
            raise TokenError("invalid_grant", "invalid assertion")
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        audience = str(claims.get("aud", "")).rstrip("/")
        accepted = {one.rstrip("/") for one in (*self._org.settings.audiences, self._base_url)}
        if audience not in accepted:
            raise TokenError("invalid_grant", "audience is invalid")
        try:
            expires = _seconds(float(claims["exp"]))
        except (KeyError, TypeError, ValueError) as wrong:
            raise TokenError("invalid_grant", "invalid assertion: exp is missing or no number") from wrong
        skew, longest = self._org.settings.jwt_skew_seconds, self._org.settings.jwt_longest_seconds
        # Real time for clients that go by their own, the sandbox's for those that go by our Date header.
        real, ours = time.time(), self._org.frame.clock.now().timestamp()
        if any(now - skew <= expires <= now + longest + _GRACE_SECONDS for now in (real, ours)):
            return
        if expires < real:
            raise TokenError("invalid_grant", "expired assertion")
        raise TokenError("invalid_grant", "invalid assertion: exp is too far in the future")

    def _client_credentials(self, form: Form, request: Request) -> dict[str, Any]:
        self._check_client(form, request)
        if not self._org.settings.run_as_user or self._sessions.revoked:
            raise TokenError("invalid_grant", "no client credentials user enabled")
        made = self._opened(self._org.integration_user)
        return {**made, "api_instance_url": "https://api.salesforce.com"}

    def _refresh(self, form: Form, request: Request) -> dict[str, Any]:
        self._check_client(form, request)
        if self._sessions.revoked or form.get("refresh_token") != self._sessions.refresh_token:
            raise TokenError("invalid_grant", "expired access/refresh token")
        made = self._opened(self._org.integration_user)
        if self._org.settings.rotate_refresh_tokens:
            made["refresh_token"] = self._sessions.rotate()
        return made

    def _password(self, form: Form, request: Request) -> dict[str, Any]:
        """The org blocks user name and password sign-in, as new orgs do."""
        raise TokenError("invalid_grant", "authentication failure")

    def _check_client(self, form: Form, request: Request) -> None:
        client_id, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if client_id != self._app.client_id:
            raise TokenError("invalid_client_id", "client identifier invalid")
        if not any(
            hmac.compare_digest(secret.encode(), one.encode()) for one in self._app.good_secrets.values()
        ):
            raise TokenError("invalid_client", "invalid client credentials")

    def _opened(self, user_id: str) -> dict[str, Any]:
        issued = str(int(time.time() * 1000))
        identity = self._identity_url(user_id)
        digest = hmac.new(self._app.client_secret.encode(), (identity + issued).encode(), hashlib.sha256)
        return {
            "access_token": self._sessions.open(user_id),
            "signature": base64.b64encode(digest.digest()).decode(),
            "scope": SCOPE,
            "instance_url": self._base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
        }

    def _user_of(self, request: Request) -> Row | None:
        asked = request.query_params.get("oauth_token")
        header = f"Bearer {asked}" if asked else request.headers.get("authorization")
        user_id = self._sessions.user_of(header)
        return self._org.store.get("User", user_id) if user_id else None

    def _identity_url(self, user_id: str) -> str:
        return f"{self._base_url}/id/{self._org.org_id}/{user_id}"

    def _urls(self, user_id: str) -> dict[str, str]:
        rest = f"{self._base_url}/services/data/v{{version}}/"
        return {
            "rest": rest,
            "sobjects": rest + "sobjects/",
            "query": rest + "query/",
            "profile": f"{self._base_url}/{user_id}",
        }


# 1973 in milliseconds, the year 5138 in seconds: nobody means the other one.
_MILLISECONDS_FROM = 1e11
_UNVERIFIED: Any = {"verify_signature": False}
_GRACE_SECONDS = 5.0


def _is_signed(assertion: str, public_key_pem: str) -> bool:
    try:
        jwt.PyJWS().decode_complete(assertion, public_key_pem, algorithms=["RS256"])
    except jwt.PyJWTError:
        return False
    return True


def _seconds(epoch: float) -> float:
    """Seconds since 1970; the vendor's own command line sends milliseconds and is let in."""
    return epoch / 1000 if epoch >= _MILLISECONDS_FROM else epoch


def _basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret from HTTP Basic, if they came so."""
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(packed.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _json(status: int, body: Any) -> Response:
    headers = {**_NO_STORE, "content-type": "application/json;charset=UTF-8"}
    return Response(orjson.dumps(body), status, headers)
