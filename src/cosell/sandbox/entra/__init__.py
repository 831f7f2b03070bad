"""A simulator of the Entra ID endpoints that give tokens for Partner Center, its webhooks and Dataverse.

    entra = Entra(frame, base_url="http://127.0.0.1:8803")

`.app` is a plain Starlette application (wrap it in `frame.Watched(app, "entra", frame)`).
"""

from __future__ import annotations

from cosell.sandbox.entra.directory import CONTOSO, Application, Switches, Tenant
from cosell.sandbox.entra.mint import PARTNER_CENTER, WEBHOOKS, Caller, TokenRefused
from cosell.sandbox.entra.service import Entra

__all__ = [
    "CONTOSO",
    "PARTNER_CENTER",
    "WEBHOOKS",
    "Application",
    "Caller",
    "Entra",
    "Switches",
    "Tenant",
    "TokenRefused",
]
