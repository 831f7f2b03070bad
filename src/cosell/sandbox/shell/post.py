"""Carries the news from Partner Center to the webhook sender, some of it twice when asked to."""

from __future__ import annotations

from cosell.sandbox.webhooks import Webhooks


class Post:
    """Hands every announcement on; the next `duplicate_next` of them are handed on twice."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self.duplicate_next = 0

    def announce(self, event: str, referral_id: str) -> None:
        """Takes one announcement to the sender."""
        self._webhooks.announce(event, referral_id)
        if self.duplicate_next > 0:
            self.duplicate_next -= 1
            self._webhooks.announce(event, referral_id)
