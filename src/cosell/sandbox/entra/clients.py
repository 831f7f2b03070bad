"""Tells which registered application a token request comes from, by its secret or by its certificate."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import jwt

from cosell.sandbox.entra import refusals
from cosell.sandbox.entra.directory import Application, Directory, Switches, Tenant
from cosell.sandbox.entra.keys import Keys

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Asked:
    """A token request as it came in; `url` is the address it came to."""

    form: Mapping[str, str]
    basic: str
    version: int
    url: str = ""

    def get(self, name: str) -> str:
        return self.form.get(name, "")

    def need(self, name: str) -> str:
        value = self.get(name)
        if not value:
            raise refusals.missing(name)
        return value


class Clients:
    """Knows the applications of one tenant, and believes them by what they sign in with."""

    def __init__(self, tenant: Tenant, directory: Directory, keys: Keys, switches: Switches) -> None:
        self._tenant, self._directory = tenant, directory
        self._keys, self._switches = keys, switches

    def named(self, client_id: str) -> Application:
        """The application of this id, or a Refusal."""
        application = self._tenant.application(client_id)
        if application is None:
            raise refusals.unknown_application(client_id)
        return application

    def check(self, asked: Asked, *, may_be_public: bool) -> Application:
        """The application that asks, once it has shown what it signs in with."""
        client_id, secret = self._credentials(asked)
        if not client_id:
            raise refusals.missing("client_id")
        application = self.named(client_id)
        if asked.get("client_assertion"):
            self._check_assertion(asked, application)
        elif secret:
            self._keys.check_secret(application, secret)
        elif not (may_be_public and self._switches.public_clients):
            raise refusals.no_secret()
        return application

    def is_public(self, asked: Asked) -> bool:
        """Whether nothing but the id was shown."""
        return not self._credentials(asked)[1] and not asked.get("client_assertion")

    def _credentials(self, asked: Asked) -> tuple[str, str]:
        if asked.basic:
            try:
                name, _, secret = b64decode(asked.basic, validate=True).decode().partition(":")
            except ValueError:
                raise refusals.wrong_secret("") from None
            return unquote(name), unquote(secret)
        return asked.get("client_id"), asked.get("client_secret")

    def _check_assertion(self, asked: Asked, application: Application) -> None:
        if asked.get("client_assertion_type") != ASSERTION:
            raise refusals.missing("client_assertion_type")
        for certificate in self._keys.good_certificates(application):
            try:
                claims = jwt.decode(
                    asked.get("client_assertion"),
                    certificate.key,
                    algorithms=["RS256", "PS256"],
                    audience=asked.url,
                    issuer=application.client_id,
                    # Time is the sandbox's own.
                    options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError as trouble:
                raise refusals.bad_assertion(str(trouble)) from None
            self._check_claims(claims, application)
            return
        raise refusals.strange_certificate()

    def _check_claims(self, claims: Mapping[str, object], application: Application) -> None:
        expires = claims.get("exp")
        if claims.get("sub") != application.client_id:
            raise refusals.bad_assertion("The subject is not the application")
        if not isinstance(expires, int | float) or expires <= self._directory.now():
            raise refusals.stale_assertion()
