"""Microsoft Partner Center: referrals, sign-in, signed events and their registration.

connection = open_connection(options, transport=…, keyring=…, clock=…, refresh_token=…)
connection.system         # the System the engine works with
connection.webhook        # verifies events
connection.registration   # who receives them
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cosell.core.records import Side

if TYPE_CHECKING:
    from cosell.ports import Capabilities


@dataclass(frozen=True, slots=True)
class Description:
    """What the product shows about a system."""

    name: str
    label: str
    side: Side
    expected: Callable[[], Capabilities]
    """What it can do under the default settings."""


def _expected() -> Capabilities:
    from cosell.systems.partner_center.options import Options
    from cosell.systems.partner_center.system import capabilities

    return capabilities(Options())


SYSTEM = Description("partner_center", "Microsoft Partner Center", Side.PARTNER_CENTER, _expected)
