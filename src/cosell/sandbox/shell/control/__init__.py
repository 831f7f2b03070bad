"""The control API: moves the simulated world from outside, in JSON over HTTP."""

from __future__ import annotations

from cosell.sandbox.shell.control import (
    dataverse,
    events,
    fields,
    leads,
    partner_center,
    salesforce,
    secrets,
    tokens,
    world,
)
from cosell.sandbox.shell.control.deals import VERBS as DEALS

VERBS = (
    *DEALS,
    *partner_center.VERBS,
    *salesforce.VERBS,
    *leads.VERBS,
    *dataverse.VERBS,
    *fields.VERBS,
    *events.VERBS,
    *secrets.VERBS,
    *tokens.VERBS,
    *world.VERBS,
)

__all__ = ["VERBS"]
