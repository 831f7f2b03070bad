"""A simulator of the Entra ID endpoints that give tokens for Partner Center and Dataverse.

    entra = Entra(frame, base_url="http://127.0.0.1:8803")

`.app` is a plain Starlette application (wrap it in `frame.Watched(app, "entra", frame)`).
"""

from __future__ import annotations

from starlette.applications import Starlette

from cosell.sandbox.frame import Frame

PARTNER_CENTER = "https://api.partner.microsoft.com"
WEBHOOKS = "https://api.partnercenter.microsoft.com"


class Entra:
    """One tenant, one registered application, one signed-in person."""

    tenant: str
    client_id: str
    client_secret: str
    refresh_token: str

    def __init__(self, frame: Frame, *, base_url: str) -> None:
        self.frame, self.base_url = frame, base_url
        self.app = Starlette()

    def issue(self, resource: str, *, lifetime: float = 3600.0, static: bool = False) -> str:
        """Signs an access token for a resource without asking anybody."""
        raise NotImplementedError

    def revoke_refresh_tokens(self) -> None:
        """Makes every refresh token handed out so far useless."""

    def expire_access_tokens(self) -> None:
        """Makes every access token handed out so far useless."""

    def reset(self) -> None:
        """Forgets what was revoked and puts the switches back."""
