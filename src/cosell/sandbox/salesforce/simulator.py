"""One simulated Salesforce org behind an ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette

from cosell.sandbox.frame import Answer, Frame
from cosell.sandbox.salesforce.errors import ready_answers
from cosell.sandbox.salesforce.sellers import Sellers
from cosell.sandbox.salesforce.settings import Settings


class Salesforce:
    """A strict Salesforce for clients, with a side door for people (`as_seller`)."""

    def __init__(self, frame: Frame, *, base_url: str) -> None:
        self.frame = frame
        self.base_url = base_url.rstrip("/")
        self.settings = Settings()
        self.faults: dict[str, Answer] = ready_answers()
        self.as_seller = Sellers()
        self.app = Starlette()
        self.client_id = ""
        self.client_secret = ""
        self.username = ""
        self.private_key_pem = ""
        self.access_token = ""

    def reset(self) -> None:
        """Returns the org to the day it was made."""

    def expire_sessions(self) -> None:
        """Ends every session; tokens must be fetched again."""

    def revoke(self) -> None:
        """Takes the app's permission away, as an administrator would."""
