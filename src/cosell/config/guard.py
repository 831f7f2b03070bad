"""Keeps worlds apart: a staging installation never touches production, nor the other way round."""

from __future__ import annotations

from urllib.parse import urlsplit

from cosell.config.models import Settings
from cosell.core.errors import Misconfigured
from cosell.sections import refuse_other_machines


def refuse_foreign_worlds(settings: Settings) -> None:
    """Raises Misconfigured unless both connections belong to the environment they are used in."""
    kind = settings.environment.kind
    for name, tag in (
        ("partner_center", settings.partner_center.environment),
        (settings.crm_name, settings.crm.environment),
    ):
        if tag is not kind:
            raise Misconfigured(
                f"This environment is {kind}, but [{name}] is tagged {tag}.",
                advice="Both connections must carry the same word as [environment] kind.",
            )
    settings.crm.refuse_contradictions(kind)
    partner_center = urlsplit(settings.partner_center.url).hostname or ""
    refuse_other_machines("partner_center] url", partner_center, kind)
