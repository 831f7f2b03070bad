"""Access tokens: who may sign in, which sessions are open, when they end (reference 2)."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.org import Actor, Org

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"


class Sessions:
    """The open sessions of the org, and the tokens that were handed out beforehand."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._dice = random.Random("sessions")
        self._open: dict[str, tuple[str, datetime]] = {}
        self.static_token = ""
        self.admin_token = ""
        self.refresh_token = ""
        self.revoked = False

    def reset(self) -> None:
        """Closes all sessions and hands out the lasting tokens anew, the same as ever."""
        self._dice = random.Random("sessions")
        self._open.clear()
        self.revoked = False
        self.static_token = self.token("static")
        self.admin_token = self.token("admin")
        self.refresh_token = "5Aep861" + _letters(random.Random("refresh"), 75)

    def token(self, seed: str | None = None) -> str:
        """A token of the usual form: the org, an exclamation mark, a secret."""
        dice = random.Random(seed) if seed else self._dice
        return f"{self._org.org_id[:15]}!AQ{_letters(dice, 90)}"

    def open(self, user_id: str) -> str:
        """Begins a session and gives its token."""
        token = self.token()
        self._open[token] = (user_id, self._org.now())
        return token

    def rotate(self) -> str:
        """Replaces the refresh token."""
        self.refresh_token = "5Aep861" + _letters(self._dice, 75)
        return self.refresh_token

    def expire(self) -> None:
        """Ends every session but the lasting ones."""
        self._open.clear()

    def revoke(self) -> None:
        """Ends everything, as when the administrator blocks the app."""
        self._open.clear()
        self.revoked = True

    def approve(self) -> None:
        """Lets the app in again."""
        self.revoked = False

    def close(self, token: str) -> bool:
        """Ends one session, or forgets the refresh token; False if there is no such token."""
        if token == self.refresh_token:
            self.rotate()
            return True
        return self._open.pop(token, None) is not None

    def user_of(self, authorization: str | None) -> str | None:
        """The user behind an Authorization header, None if the session is over."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() not in ("bearer", "oauth") or not token or self.revoked:
            return None
        if token == self.static_token:
            return self._org.integration_user
        if token == self.admin_token:
            return self._org.administrator
        found = self._open.get(token)
        if found is None:
            return None
        longest = self._org.settings.session_seconds
        if longest is not None and self._org.now() - found[1] > timedelta(seconds=longest):
            del self._open[token]
            return None
        return found[0]

    def actor(self, authorization: str | None) -> Actor:
        """Who calls; refuses a missing or ended session."""
        if not authorization:
            raise refusal(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        user_id = self.user_of(authorization)
        if user_id is None:
            raise refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return Actor(user_id, secured=True)


def _letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choice(_ALPHABET) for _ in range(count))
