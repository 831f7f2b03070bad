"""A strict simulator of the Microsoft Partner Center referrals API.

    entra = Entra(frame, base_url="http://127.0.0.1:8803")
    webhooks = Webhooks(frame, base_url="http://127.0.0.1:8802", entra=entra)
    partner_center = PartnerCenter(
        frame, base_url="http://127.0.0.1:8801", webhook_sender=webhooks, entra=entra
    )

`.app` is a plain Starlette application: wrap it in `frame.Watched(app, "partner_center", frame)` to count
its calls and to let faults happen. Referrals are handed out as dictionaries in their wire form
(``referral["id"]``, ``referral["details"]["dealValue"]``); treat them as read-only and change them by the
verbs of `.referrals`.
"""

from __future__ import annotations

from cosell.sandbox.partner_center.ledger import Organization
from cosell.sandbox.partner_center.service import PartnerCenter
from cosell.sandbox.partner_center.switches import Switches

__all__ = ["Organization", "PartnerCenter", "Switches"]
