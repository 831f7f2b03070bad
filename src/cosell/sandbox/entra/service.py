"""The whole simulator in one object: its application, its verbs and what it hands out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosell.sandbox.entra import refusals
from cosell.sandbox.entra.asking import Reader, as_json
from cosell.sandbox.entra.clients import Clients
from cosell.sandbox.entra.directory import CONTOSO, Application, Directory, Switches, Tenant
from cosell.sandbox.entra.grants import Grants
from cosell.sandbox.entra.interactive import Interactive
from cosell.sandbox.entra.keys import Drawer, Keys
from cosell.sandbox.entra.mint import PARTNER_CENTER, WEBHOOKS, Caller, Mint, public_keys
from cosell.sandbox.entra.redirects import refuse_unfit
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
        self._keys = Keys(tenant, self._directory)
        self._clients = Clients(tenant, self._directory, self._keys, self.switches)
        self._grants = Grants(
            tenant, self._directory, self._clients, self._mint, self.switches, self.resources
        )
        self._reader = Reader(frame, tenant, self.base_url)
        self._interactive = Interactive(
            tenant,
            self._directory,
            self._clients,
            self._grants,
            self.switches,
            self._reader,
            self.base_url,
        )
        self.refresh_token = self._directory.new_refresh_token(self.client_id)
        self.app = Starlette(routes=self._routes())

    def reset(self) -> None:
        """Expires all but static access tokens, keeps one refresh token, puts the switches back."""
        rest(self.switches)
        self._directory.clear()
        self._keys.forget()
        self._mint.expire(static=False)
        # Whoever was told this token (in /sandbox.json, say) must still be able to use it.
        self._directory.restore(self.refresh_token, self.client_id)

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

    def trust_certificate(self, client_id: str, certificate_pem: str) -> dict[str, Any]:
        """An administrator registers a certificate that an application may sign in with."""
        return self.drawer(client_id).trust(certificate_pem)

    def drawer(self, client_id: str = "") -> Drawer:
        """The secrets and certificates of an application, the first one's unless another is named."""
        return Drawer(self._keys, client_id or self.client_id)

    def register_redirect(self, redirect_uri: str, *, client_id: str = "") -> None:
        """An administrator adds a reply address; ValueError for one that may not be."""
        refuse_unfit(redirect_uri)
        known = self._directory.redirects.setdefault((client_id or self.client_id).lower(), [])
        known.append(redirect_uri)

    def admit(self, token: str, audiences: Collection[str]) -> Caller:
        """Who the bearer of a token is, or TokenRefused."""
        return self._mint.admit(token, audiences)

    def revoke_refresh_tokens(self) -> None:
        """Makes every refresh token handed out so far useless (AADSTS50173)."""
        self._directory.revoke_all()

    def sign_in(self, *, mfa: bool = True) -> str:
        """A person signs in anew; the new refresh token becomes `refresh_token`."""
        self.refresh_token = self._directory.new_refresh_token(self.client_id, mfa=mfa)
        return self.refresh_token

    def expire_access_tokens(self, *, static: bool = False) -> None:
        """Makes every access token handed out so far useless; static ones only when asked."""
        self._mint.expire(static=static)

    def approve_device(self, user_code: str, *, mfa: bool = True) -> bool:
        """A person types the code of a waiting device; whether there was such a device."""
        device = self._directory.device_of(user_code)
        if device is None:
            return False
        device.approved, device.mfa = True, mfa
        return True

    def _routes(self) -> list[Route]:
        return [
            Route("/common/discovery/instance", self._instance),
            *self._interactive.routes(),
            Route("/{tenant}/oauth2/token", self._token_v1, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/token", self._token_v2, methods=["POST"]),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._configuration_v2),
            Route("/{tenant}/.well-known/openid-configuration", self._configuration_v1),
            Route("/{tenant}/discovery/v2.0/keys", self._keys_of_tenant),
            Route("/{tenant}/discovery/keys", self._keys_of_tenant),
        ]

    async def _token_v1(self, request: Request) -> Response:
        return await self._token(request, version=1)

    async def _token_v2(self, request: Request) -> Response:
        return await self._token(request, version=2)

    async def _token(self, request: Request, *, version: int) -> Response:
        try:
            asked = await self._reader.asked(request, version=version)
            return as_json(self._grants.answer(asked))
        except refusals.Refusal as refusal:
            return self._reader.refused(refusal)

    async def _configuration_v1(self, request: Request) -> Response:
        return self._configuration(request, version="")

    async def _configuration_v2(self, request: Request) -> Response:
        return self._configuration(request, version="/v2.0")

    def _configuration(self, request: Request, *, version: str) -> Response:
        try:
            self._reader.check_tenant(request)
        except refusals.Refusal as refusal:
            return self._reader.refused(refusal)
        root = f"{self.base_url}/{request.path_params['tenant']}"
        return as_json(
            {
                "issuer": f"{self.base_url}/{self.tenant}{version or '/'}",
                "authorization_endpoint": f"{root}/oauth2{version}/authorize",
                "token_endpoint": f"{root}/oauth2{version}/token",
                "device_authorization_endpoint": f"{root}/oauth2{version}/devicecode",
                "jwks_uri": f"{root}/discovery{version}/keys",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "code_challenge_methods_supported": ["plain", "S256"],
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
        return as_json(
            {
                "tenant_discovery_endpoint": (
                    f"{self.base_url}/{self.tenant}/v2.0/.well-known/openid-configuration"
                ),
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    async def _keys_of_tenant(self, _request: Request) -> Response:
        return as_json(public_keys())
