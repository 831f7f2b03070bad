"""Microsoft Partner Center: referrals, sign-in, signed events and their registration.

connection = open_connection(options, transport=…, keyring=…, clock=…, refresh_token=…)
connection.system         # the System the engine works with
connection.webhook        # verifies events
connection.registration   # who receives them
"""

from __future__ import annotations

from dataclasses import dataclass

from cosell.core.records import Side


@dataclass(frozen=True, slots=True)
class Description:
    """What the product shows about a system."""

    name: str
    label: str
    side: Side


SYSTEM = Description("partner_center", "Microsoft Partner Center", Side.PARTNER_CENTER)
