"""Joins the parts of one signed-in connection to Partner Center."""

from __future__ import annotations

from dataclasses import dataclass

from cosell.http import Transport
from cosell.ports import Clock, Keyring
from cosell.sections.credentials import Credential
from cosell.systems.partner_center.auth import SignIn, Tokens
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.registration import Registration
from cosell.systems.partner_center.system import PartnerCenter
from cosell.systems.partner_center.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Connection:
    """The parts of one signed-in connection."""

    system: PartnerCenter
    webhook: Webhook
    registration: Registration
    tokens: Tokens

    async def aclose(self) -> None:
        """Closes the connections of every part."""
        await self.system.aclose()
        await self.webhook.aclose()
        await self.registration.aclose()


def open_connection(
    options: Options,
    *,
    transport: Transport,
    keyring: Keyring,
    clock: Clock,
    refresh_token: str | Credential = "",
    client_secret: str | Credential | None = None,
    tokens: Tokens | None = None,
) -> Connection:
    """Joins the parts over one transport; `tokens` replaces the sign-in, as for the sandbox's own tokens."""
    if tokens is None:
        tokens = SignIn(
            options,
            transport=transport,
            keyring=keyring,
            clock=clock,
            refresh_token=refresh_token,
            client_secret=client_secret,
        )
    registration = Registration(options, transport=transport, tokens=tokens)
    system = PartnerCenter(options, transport=transport, tokens=tokens, clock=clock)
    webhook = Webhook(options, transport=transport, clock=clock)
    return Connection(system, webhook, registration, tokens)
