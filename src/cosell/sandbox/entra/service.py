"""The whole simulator in one object: its application, its verbs and what it hands out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from cosell.sandbox.entra import refusals
from cosell.sandbox.entra.clients import Asked, Clients
from cosell.sandbox.entra.directory import CONTOSO, Application, Code, Device, Directory, Switches, Tenant
from cosell.sandbox.entra.grants import Grants
from cosell.sandbox.entra.mint import PARTNER_CENTER, WEBHOOKS, Caller, Mint, public_keys
from cosell.sandbox.frame import Frame
from cosell.sandbox.switchboard import rest


class Entra:
    """One tenant, its registered applications, one person who is signed in to the first of them.

    `resources` maps every name a client may ask for to the audience of the token it gets; add the URL of
    another protected system to it.
    """

    def __init__(self, frame: Frame, *, base_url: str, tenant: Tenant = CONTOSO) -> None:
        self.frame, self.base_url = frame, base_url.rstrip("/")
        self._tenant, self._first = tenant, tenant.applications[0]
        self.tenant, self.email = tenant.id, tenant.person
        self.client_id, self.client_secret = self._first.client_id, self._first.secret
        self.switches = Switches()
        self.resources = {PARTNER_CENTER: PARTNER_CENTER, WEBHOOKS: WEBHOOKS}
        self._directory = Directory(frame)
        issuer = f"{self.base_url}/{tenant.id}/v2.0"
        self._mint = Mint(frame, issuer=issuer, tenant=tenant)
        self._clients = Clients(tenant, self._directory)
        self._grants = Grants(
            tenant, self._directory, self._clients, self._mint, self.switches, self.resources
        )
        self.refresh_token = self._directory.new_refresh_token()
        self.app = Starlette(routes=self._routes())

    def reset(self) -> None:
        """Expires all but static access tokens, keeps one refresh token, puts the switches back."""
        rest(self.switches)
        self._directory.clear()
        self._clients.forget()
        self._mint.expire(static=False)
        # Whoever was told this token (in /sandbox.json, say) must still be able to use it.
        self._directory.restore(self.refresh_token)

    def issue(self, resource: str, *, lifetime: float = 3600.0, static: bool = False) -> str:
        """Signs an access token of the person for a resource; a static one outlives `reset`."""
        audience = self.resources[resource.rstrip("/")]
        mfa = self.switches.mfa
        return self._mint.sign(
            audience, self._first, mfa=mfa, app_only=False, lifetime=lifetime, static=static
        )

    def issue_app_only(
        self,
        resource: str,
        *,
        application: Application | None = None,
        lifetime: float = 3600.0,
        static: bool = False,
    ) -> str:
        """Signs an access token of an application itself, the first one's, with no person behind it."""
        audience = self.resources[resource.rstrip("/")]
        chosen = application or self._first
        return self._mint.sign(audience, chosen, mfa=False, app_only=True, lifetime=lifetime, static=static)

    def trust_certificate(self, client_id: str, certificate_pem: str) -> None:
        """An administrator registers a certificate that an application may sign in with."""
        self._clients.trust(client_id, certificate_pem)

    def admit(self, token: str, audiences: Collection[str]) -> Caller:
        """Who the bearer of a token is, or TokenRefused."""
        return self._mint.admit(token, audiences)

    def revoke_refresh_tokens(self) -> None:
        """Makes every refresh token handed out so far useless (AADSTS50173)."""
        self._directory.revoke_all()

    def sign_in(self) -> str:
        """A person signs in anew; the new refresh token becomes `refresh_token`."""
        self.refresh_token = self._directory.new_refresh_token()
        return self.refresh_token

    def expire_access_tokens(self, *, static: bool = False) -> None:
        """Makes every access token handed out so far useless; static ones only when asked."""
        self._mint.expire(static=static)

    def approve_device(self, user_code: str) -> bool:
        """A person types the code of a waiting device; whether there was such a device."""
        for device in self._directory.devices.values():
            if device.user_code == user_code.upper():
                device.approved = True
                return True
        return False

    def _routes(self) -> list[Route]:
        return [
            Route("/common/discovery/instance", self._instance),
            Route("/devicelogin", self._device_login),
            Route("/{tenant}/oauth2/token", self._token_v1, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/token", self._token_v2, methods=["POST"]),
            Route("/{tenant}/oauth2/authorize", self._authorize_v1),
            Route("/{tenant}/oauth2/v2.0/authorize", self._authorize_v2),
            Route("/{tenant}/oauth2/devicecode", self._device_v1, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/devicecode", self._device_v2, methods=["POST"]),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._configuration_v2),
            Route("/{tenant}/.well-known/openid-configuration", self._configuration_v1),
            Route("/{tenant}/discovery/v2.0/keys", self._keys),
            Route("/{tenant}/discovery/keys", self._keys),
        ]

    async def _token_v1(self, request: Request) -> Response:
        return await self._token(request, version=1)

    async def _token_v2(self, request: Request) -> Response:
        return await self._token(request, version=2)

    async def _token(self, request: Request, *, version: int) -> Response:
        try:
            asked = await self._asked(request, version=version)
            return _json(self._grants.answer(asked))
        except refusals.Refusal as refusal:
            return self._refused(refusal)

    async def _authorize_v1(self, request: Request) -> Response:
        return self._authorize(request, version=1)

    async def _authorize_v2(self, request: Request) -> Response:
        return self._authorize(request, version=2)

    def _authorize(self, request: Request, *, version: int) -> Response:
        """Signs the sandbox's person in without a question and goes back with a code."""
        asked = Asked(dict(request.query_params), "", version)
        try:
            self._check_tenant(request)
            self._clients.named(asked.need("client_id"))
            target = asked.need("redirect_uri")
            if asked.need("response_type") != "code" or urlsplit(target).scheme not in ("http", "https"):
                raise refusals.Refusal("invalid_request", 900144, "Only response_type=code is served.")
            audience = self._grants.audience(asked, PARTNER_CENTER)
        except refusals.Refusal as refusal:
            return self._refused(refusal)
        code = self._directory.secret_text("0.Code")
        method = asked.get("code_challenge_method") or "plain"
        challenge = asked.get("code_challenge")
        now = self._directory.now()
        self._directory.codes[code] = Code(
            now, target, challenge, method, audience, asked.get("scope"), asked.get("nonce")
        )
        back = {"code": code, "state": asked.get("state"), "session_state": "sandbox"}
        join = "&" if urlsplit(target).query else "?"
        return RedirectResponse(f"{target}{join}{urlencode(back)}", status_code=302)

    async def _device_v1(self, request: Request) -> Response:
        return await self._device(request, version=1)

    async def _device_v2(self, request: Request) -> Response:
        return await self._device(request, version=2)

    async def _device(self, request: Request, *, version: int) -> Response:
        try:
            asked = await self._asked(request, version=version)
            self._clients.named(asked.need("client_id"))
            audience = self._grants.audience(asked, PARTNER_CENTER)
        except refusals.Refusal as refusal:
            return self._refused(refusal)
        device_code = self._directory.secret_text("DEVICE")
        user_code = f"{self.frame.dice.getrandbits(36):09X}"
        self._directory.devices[device_code] = Device(
            self._directory.now(), user_code, audience, asked.get("scope")
        )
        where = f"{self.base_url}/devicelogin"
        seconds: int | str = 900 if version == 2 else "900"
        return _json(
            {
                "user_code": user_code,
                "device_code": device_code,
                "verification_uri" if version == 2 else "verification_url": where,
                "expires_in": seconds,
                "interval": 1 if version == 2 else "1",
                "message": f"To sign in, open {where} and enter the code {user_code}.",
            }
        )

    async def _device_login(self, request: Request) -> Response:
        code = request.query_params.get("code", "")
        if self.approve_device(code):
            return PlainTextResponse("Signed in. You can close this page.")
        return PlainTextResponse("Open this address with ?code= and the code the device shows.", 404)

    async def _configuration_v1(self, request: Request) -> Response:
        return self._configuration(request, version="")

    async def _configuration_v2(self, request: Request) -> Response:
        return self._configuration(request, version="/v2.0")

    def _configuration(self, request: Request, *, version: str) -> Response:
        try:
            self._check_tenant(request)
        except refusals.Refusal as refusal:
            return self._refused(refusal)
        root = f"{self.base_url}/{request.path_params['tenant']}"
        return _json(
            {
                "issuer": f"{self.base_url}/{self.tenant}{version or '/'}",
                "authorization_endpoint": f"{root}/oauth2{version}/authorize",
                "token_endpoint": f"{root}/oauth2{version}/token",
                "device_authorization_endpoint": f"{root}/oauth2{version}/devicecode",
                "jwks_uri": f"{root}/discovery{version}/keys",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
            }
        )

    async def _instance(self, _request: Request) -> Response:
        host = urlsplit(self.base_url).netloc
        return _json(
            {
                "tenant_discovery_endpoint": (
                    f"{self.base_url}/{self.tenant}/v2.0/.well-known/openid-configuration"
                ),
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return _json(public_keys())

    async def _asked(self, request: Request, *, version: int) -> Asked:
        self._check_tenant(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise refusals.missing("grant_type")
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        url = f"{self.base_url}{request.url.path}"
        return Asked(form, basic.strip() if scheme.lower() == "basic" else "", version, url)

    def _check_tenant(self, request: Request) -> None:
        tenant = request.path_params["tenant"]
        if tenant.lower() not in self._tenant.names:
            raise refusals.unknown_tenant(tenant)

    def _refused(self, refusal: refusals.Refusal) -> Response:
        return _json(refusal.body(self.frame.clock.now(), self.base_url), status=refusal.status)


def _json(body: dict[str, Any], *, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", "pragma": "no-cache"}
    return Response(orjson.dumps(body), status, headers, "application/json; charset=utf-8")
