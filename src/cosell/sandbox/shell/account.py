"""One Partner Center account with all that belongs to it: referrals, events, a directory, a desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.entra import PARTNER_CENTER, WEBHOOKS, Entra
from cosell.sandbox.frame import Frame
from cosell.sandbox.partner_center import PartnerCenter
from cosell.sandbox.shell.desk.partner_center import PartnerCenterDesk
from cosell.sandbox.shell.identities import Identity
from cosell.sandbox.shell.post import Post
from cosell.sandbox.webhooks import Webhooks

LONG_LIFE = 10 * 365 * 86400.0


class Account:
    """The simulators of one partner; `urls` are theirs by the names partner_center, webhooks and entra."""

    def __init__(
        self, frame: Frame, identity: Identity, urls: Mapping[str, str], *, ca_pem: str | None
    ) -> None:
        self.identity, self._urls = identity, urls
        self.entra = Entra(frame, base_url=urls["entra"], tenant=identity.tenant)
        self.webhooks = Webhooks(
            frame,
            base_url=urls["webhooks"],
            entra=self.entra,
            partner_center_url=urls["partner_center"],
            partner_id=identity.organization.id,
        )
        if ca_pem is not None:
            self.webhooks.trust(ca_pem)
        self.post = Post(self.webhooks)
        self.partner_center = PartnerCenter(
            frame,
            base_url=urls["partner_center"],
            webhook_sender=self.post,
            entra=self.entra,
            organization=identity.organization,
            solutions=identity.solutions,
        )
        self.desk = PartnerCenterDesk(self.partner_center, sellers=identity.sellers)
        self._token = self.entra.issue(PARTNER_CENTER, lifetime=LONG_LIFE, static=True)
        self._webhooks_token = self.entra.issue(WEBHOOKS, lifetime=LONG_LIFE, static=True)

    def describe(self) -> dict[str, dict[str, Any]]:
        """What a client needs to know to use the account."""
        center, entra = self.partner_center, self.entra
        return {
            "partner_center": {
                "url": self._urls["partner_center"],
                "access_token": self._token,
                "organization_id": center.organization_id,
                "mpn_id": center.mpn_id,
                "solutions": [dict(solution) for solution in center.solutions],
            },
            "webhooks": {"url": self._urls["webhooks"], "access_token": self._webhooks_token},
            "entra": {
                "authority": self._urls["entra"],
                "tenant": entra.tenant,
                "client_id": entra.client_id,
                "client_secret": entra.client_secret,
                "refresh_token": entra.refresh_token,
                "person": self.identity.tenant.person,
                "password": self.identity.tenant.password,
                "second_factor": self.identity.tenant.second_factor,
            },
        }

    def reset(self) -> None:
        """Forgets every referral and every event."""
        self.post.duplicate_next = 0
        for simulator in (self.entra, self.webhooks, self.partner_center):
            simulator.reset()
