"""The whole simulator in one object: its application, its records, its switches and ready answers."""

from __future__ import annotations

from typing import Protocol

from starlette.applications import Starlette

from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Answer, Frame
from cosell.sandbox.partner_center.switches import Switches


class Announces(Protocol):
    """Takes the news of a changed referral to whoever registered for it."""

    def announce(self, event: str, referral_id: str) -> None: ...


class PartnerCenter:
    """Partner Center with no partner but ours and no Microsoft seller but whoever calls the verbs."""

    organization_id: str
    organization_name: str
    mpn_id: str
    solutions: list[dict[str, str]]

    def __init__(self, frame: Frame, *, base_url: str, webhook_sender: Announces, entra: Entra) -> None:
        self.frame, self.base_url, self.entra = frame, base_url, entra
        self.switches = Switches()
        self.faults: dict[str, Answer] = {}
        self.app = Starlette()

    def reset(self) -> None:
        """Forgets every referral and puts the switches back."""
