"""The registration API and the sender in one object."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette

from cosell.sandbox.entra import Entra
from cosell.sandbox.frame import Frame


@dataclass(slots=True)
class Switches:
    """How the sender behaves."""

    events_on: bool = True


class Webhooks:
    """The webhooks API of Partner Center: one registration, signed events, bounded attempts."""

    root_certificate_pem: bytes
    certificate_url: str

    def __init__(self, frame: Frame, *, base_url: str, entra: Entra) -> None:
        self.frame, self.base_url, self.entra = frame, base_url, entra
        self.switches = Switches()
        self.app = Starlette()

    def announce(self, event: str, referral_id: str) -> None:
        """Queues an event for the registered address."""

    async def settled(self) -> None:
        """Returns when no event is on its way."""

    async def aclose(self) -> None:
        """Stops the sender."""

    def reset(self) -> None:
        """Forgets the registration and every event on its way."""
