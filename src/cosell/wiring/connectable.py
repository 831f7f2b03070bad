"""Which systems can be connected to: Partner Center, and every CRM that declares how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosell.config.models import PartnerCenterSettings
from cosell.core.errors import Misconfigured
from cosell.crm import named, supported
from cosell.crm.connecting import Connecting
from cosell.sections import Section
from cosell.systems.partner_center.connecting import QUESTIONS
from cosell.wiring.signing_in import prove_partner_center

PARTNER_CENTER = "partner_center"


@dataclass(frozen=True, slots=True)
class Which:
    """The system that is connected to."""

    word: str
    """As a person types it."""
    table: str
    label: str
    model: type[Section]
    how: Connecting


def which(word: str) -> Which:
    """The system of that name, or Misconfigured with those there are."""
    table = word.replace("-", "_")
    if table == PARTNER_CENTER:
        how = Connecting(QUESTIONS, prove_partner_center)
        return Which("partner-center", table, "Partner Center", PartnerCenterSettings, how)
    if table in supported() and (connecting := supported()[table].connecting) is not None:
        crm = named(table)
        return Which(table.replace("_", "-"), table, crm.label, crm.settings, connecting())
    known = ", ".join(one.replace("_", "-") for one in (PARTNER_CENTER, *supported()))
    raise Misconfigured(
        f"There is nothing called «{word[:40]}» to connect to.", advice=f"There are: {known}."
    )


def connectable() -> Sequence[str]:
    """The tables of all that can be connected to."""
    return (PARTNER_CENTER, *(name for name, crm in supported().items() if crm.connecting is not None))
