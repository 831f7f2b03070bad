"""Who stands behind a request: the bearer of a token, and for whom it acts (sheet section 1)."""

from __future__ import annotations

from collections.abc import Mapping

from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.errors import DataverseError, invalid, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import may_impersonate
from cosell.sandbox.dataverse.store import Row
from cosell.sandbox.dataverse.values import guid
from cosell.sandbox.entra import Caller, Entra, TokenRefused


class Unauthorized(Exception):
    """Nobody known asks; the answer tells where to sign in."""


class SignIn:
    """Turns an Authorization header into a user of the environment."""

    def __init__(self, org: Org, entra: Entra, resource: str) -> None:
        self._org, self._entra, self._resource = org, entra, resource

    @property
    def challenge(self) -> str:
        """The WWW-Authenticate header: the tenant and the resource, learnt without a token (1.4)."""
        authority = f"{self._entra.base_url}/{self._entra.tenant}/oauth2/authorize"
        return f"Bearer authorization_uri={authority}, resource_id={self._resource}/"

    def actor(self, headers: Mapping[str, str]) -> Actor:
        """The user behind the token; 401 without a good one, 403 for who is nobody here."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized
        try:
            caller = self._entra.admit(token.strip(), {self._resource})
        except TokenRefused as refused:
            raise Unauthorized from refused
        user = self._user(caller)
        if user is None:
            raise refusal(403, "0x80072560", "The user is not a member of the organization.")
        self._check_roles(user, caller)
        return self.acting_for(Actor(user["systemuserid"], secured=caller.app_only), headers)

    def _user(self, caller: Caller) -> Row | None:
        if caller.app_only:
            if not self._org.settings.application_user:
                return None
            return self._first("applicationid", caller.client_id)
        by_id = self._first("azureactivedirectoryobjectid", caller.object_id)
        return by_id or self._first("internalemailaddress", caller.email)

    def _first(self, column: str, value: str) -> Row | None:
        table = self._org.store.table("systemuser")
        found = table.ids_where(column, value) if value else []
        return table.live[found[0]] if found else None

    def _check_roles(self, user: Row, caller: Caller) -> None:
        pairs = self._org.store.table("systemuserroles")
        held = pairs.ids_where("systemuserid", user["systemuserid"])
        if not held or (caller.app_only and not self._org.settings.application_roles):
            text = f"The user with id {user['systemuserid']} has not been assigned any roles."
            raise refusal(403, "0x80042f09", text)

    def acting_for(self, actor: Actor, headers: Mapping[str, str]) -> Actor:
        """The actor on behalf of the user that CallerObjectId or MSCRMCallerID names."""
        row = None
        if "callerobjectid" in headers:
            row = self._first("azureactivedirectoryobjectid", headers["callerobjectid"].strip().lower())
        elif "mscrmcallerid" in headers:
            row = self._org.store.get("systemuser", guid(headers["mscrmcallerid"].strip()) or "")
        else:
            return actor
        if row is None:
            raise invalid("The user to act for does not exist.")
        if not may_impersonate(self._org, actor):
            raise self._no_delegate(actor)
        return Actor(actor.user_id, actor.secured, row["systemuserid"])

    def _no_delegate(self, actor: Actor) -> DataverseError:
        text = (
            f"User (id={actor.user_id}) cannot act on behalf of another user: the privilege"
            " prvActOnBehalfOfAnotherUser is missing."
        )
        return refusal(403, "0x8004a110", text)
