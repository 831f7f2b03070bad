"""The token endpoint: which grant gives which token, and what is refused."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import orjson

from cosell.sandbox.entra import refusals
from cosell.sandbox.entra.clients import Asked, Clients
from cosell.sandbox.entra.directory import (
    Application,
    Code,
    Device,
    Directory,
    Question,
    Refreshable,
    Switches,
    Tenant,
)
from cosell.sandbox.entra.mint import PARTNER_CENTER, Mint

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_RESERVED = {"openid", "profile", "offline_access", "email"}
_CODE_LIFE = 600
_DEVICE_LIFE = 900


class Grants:
    """Answers token requests of both versions of the endpoint."""

    def __init__(
        self,
        tenant: Tenant,
        directory: Directory,
        clients: Clients,
        mint: Mint,
        switches: Switches,
        audiences: dict[str, str],
    ) -> None:
        self._tenant, self._directory, self._clients = tenant, directory, clients
        self._mint, self._switches, self._audiences = mint, switches, audiences

    def answer(self, asked: Asked) -> dict[str, Any]:
        """The body of a successful answer, or a Refusal."""
        grant = asked.need("grant_type")
        ways = {
            "refresh_token": self._refresh,
            "client_credentials": self._client_credentials,
            "authorization_code": self._code,
            "device_code": self._device,
            DEVICE_GRANT: self._device,
        }
        way = ways.get(grant)
        if way is None:
            raise refusals.unsupported_grant(grant)
        return way(asked)

    def audience(self, asked: Asked, fallback: str) -> str:
        """The resource a request is for, from `resource` or from the one resource among its scopes."""
        named = self._named_resource(asked)
        if named is None:
            if not fallback:
                raise refusals.missing("scope" if asked.version == 2 else "resource")
            return fallback
        audience = self._audiences.get(named.rstrip("/"))
        if audience is None:
            raise refusals.unknown_resource(named)
        return audience

    def _named_resource(self, asked: Asked) -> str | None:
        if asked.version == 1:
            return asked.get("resource") or None
        scopes = [one for one in asked.get("scope").split() if one not in _RESERVED]
        if not scopes:
            return None
        named = {one.rpartition("/")[0].rstrip("/") for one in scopes}
        if len(named) != 1 or "" in named:
            raise refusals.bad_scope(asked.get("scope"))
        return named.pop()

    def _refresh(self, asked: Asked) -> dict[str, Any]:
        text = asked.need("refresh_token")
        token = self._directory.refreshables.get(text)
        application = self._clients.check(asked, may_be_public=token is not None and token.public_client)
        if token is None:
            raise refusals.invalid_grant(9002313, "Invalid request. Request is malformed or invalid.")
        if token.revoked:
            raise refusals.invalid_grant(
                50173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
            )
        if token.client_id != application.client_id:
            raise refusals.invalid_grant(70000, "The provided grant was issued to another client.")
        if self._directory.is_lapsed(token):
            raise refusals.invalid_grant(
                70008, "The provided authorization code or refresh token has expired due to inactivity."
            )
        audience = self.audience(asked, PARTNER_CENTER)
        self._refuse_by_policy(application, mfa=token.mfa)
        token.last_used = self._directory.now()
        return self._for_person(asked, application, audience, self._rotated(text, token), mfa=token.mfa)

    def _refuse_by_policy(self, application: Application, *, mfa: bool) -> None:
        """What an administrator changed since the person signed in."""
        if self._switches.consent == "withheld":
            raise refusals.not_consented(application.client_id)
        if self._switches.conditional_access == "blocked":
            raise refusals.blocked()
        if self._switches.conditional_access == "second_factor" and not (mfa and self._switches.mfa):
            raise refusals.factor_needed()

    def _rotated(self, text: str, token: Refreshable) -> str:
        if not self._switches.rotate_refresh_tokens:
            return text
        if self._switches.old_refresh_token_dies:
            del self._directory.refreshables[text]
        return self._directory.new_refresh_token(
            token.client_id, public_client=token.public_client, mfa=token.mfa
        )

    def _client_credentials(self, asked: Asked) -> dict[str, Any]:
        application = self._clients.check(asked, may_be_public=False)
        if asked.version == 2 and not asked.need("scope").endswith("/.default"):
            raise refusals.bad_scope(asked.get("scope"))
        audience = self.audience(asked, "")
        lifetime = self._switches.access_token_seconds
        token = self._mint.sign(audience, application, mfa=False, app_only=True, lifetime=lifetime)
        return self._envelope(asked, audience, token)

    def _code(self, asked: Asked) -> dict[str, Any]:
        code = self._directory.codes.get(asked.need("code"))
        proof = code is not None and bool(code.question.challenge)
        application = self._clients.check(asked, may_be_public=proof)
        if code is None:
            raise refusals.invalid_grant(54005, "The authorization code was already redeemed or is unknown.")
        del self._directory.codes[asked.get("code")]
        self._refuse_code(asked, code, application)
        public_client, question = self._clients.is_public(asked), code.question
        refresh_token = self._directory.new_refresh_token(
            application.client_id, public_client=public_client, mfa=code.mfa
        )
        audience = self.audience(asked, question.audience)
        return self._for_person(asked, application, audience, refresh_token, mfa=code.mfa, question=question)

    def _refuse_code(self, asked: Asked, code: Code, application: Application) -> None:
        question = code.question
        if question.client_id != application.client_id:
            raise refusals.invalid_grant(70000, "The authorization code was issued to another client.")
        if self._directory.now() - code.born > _CODE_LIFE:
            raise refusals.invalid_grant(70008, "The provided authorization code has expired.")
        if asked.need("redirect_uri") != question.redirect_uri:
            raise refusals.invalid_grant(500112, "The reply address does not match the one of the request.")
        self._refuse_client(public=self._clients.is_public(asked), method=question.method)
        if question.challenge and not _proves(
            asked.get("code_verifier"), question.challenge, question.method
        ):
            raise refusals.invalid_grant(501481, "The Code_Verifier does not match the code_challenge.")

    def _refuse_client(self, *, public: bool, method: str) -> None:
        """Whether the kind of address and the kind of client go together."""
        if public and self._switches.redirects_as == "web":
            raise refusals.no_secret()
        if not public and self._switches.redirects_as == "mobile":
            raise refusals.needless_secret()
        if public and method != "S256":
            raise refusals.proof_needed()

    def _device(self, asked: Asked) -> dict[str, Any]:
        text = asked.get("device_code") or asked.need("code")
        application = self._clients.check(asked, may_be_public=True)
        device = self._directory.devices.get(text)
        if device is None or device.question.client_id != application.client_id:
            raise refusals.invalid_grant(70019, "Verification code is unknown or was used already.")
        self._refuse_device(text, device)
        del self._directory.devices[text]
        refresh_token = self._directory.new_refresh_token(
            application.client_id, public_client=self._clients.is_public(asked), mfa=device.mfa
        )
        audience, question = self.audience(asked, device.question.audience), device.question
        return self._for_person(
            asked, application, audience, refresh_token, mfa=device.mfa, question=question
        )

    def _refuse_device(self, text: str, device: Device) -> None:
        if self._directory.now() - device.born > _DEVICE_LIFE:
            raise refusals.Refusal("expired_token", 70020, "The provided device code has expired.")
        if device.declined:
            del self._directory.devices[text]
            raise refusals.Refusal("authorization_declined", 65004, refusals.declined().text)
        if self._switches.slow_down_next > 0:
            self._switches.slow_down_next -= 1
            # Entra's pages do not list this one; RFC 8628 has every client of the flow obey it.
            raise refusals.Refusal("slow_down", 70016, "Authorization is pending. Wait longer between polls.")
        device.asked += 1
        if self._switches.device_approves_itself and device.asked > 1:
            device.approved = True
        if not device.approved:
            raise refusals.Refusal(
                "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending."
            )

    def _for_person(
        self,
        asked: Asked,
        application: Application,
        audience: str,
        refresh_token: str,
        *,
        mfa: bool,
        question: Question | None = None,
    ) -> dict[str, Any]:
        """The answer for the person; the question was asked when the sign-in began."""
        lifetime, both = self._switches.access_token_seconds, mfa and self._switches.mfa
        token = self._mint.sign(audience, application, mfa=both, app_only=False, lifetime=lifetime)
        body = self._envelope(asked, audience, token)
        body["refresh_token"] = refresh_token
        scope, nonce = (question.scope, question.nonce) if question else ("", "")
        if "openid" in f"{asked.get('scope')} {scope}".split():
            body["id_token"] = self._mint.identity(application, nonce)
        if asked.get("client_info") == "1":
            body["client_info"] = _client_info(self._tenant)
        return body

    def _envelope(self, asked: Asked, audience: str, token: str) -> dict[str, Any]:
        seconds = self._switches.access_token_seconds
        if asked.version == 2:
            return {
                "token_type": "Bearer",
                "scope": f"{audience}/user_impersonation {audience}/.default",
                "expires_in": seconds,
                "ext_expires_in": seconds,
                "access_token": token,
            }
        now = int(self._directory.now())
        return {
            "token_type": "Bearer",
            "scope": "user_impersonation",
            "expires_in": str(seconds),
            "ext_expires_in": str(seconds),
            "expires_on": str(now + seconds),
            "not_before": str(now),
            "resource": audience,
            "access_token": token,
        }


def _proves(verifier: str, challenge: str, method: str) -> bool:
    if method == "plain":
        return verifier == challenge
    digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return digest == challenge


def _client_info(tenant: Tenant) -> str:
    raw = orjson.dumps({"uid": tenant.person_id, "utid": tenant.id})
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
