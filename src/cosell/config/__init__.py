"""Settings: read once from `cosell.toml`, checked, and the same for everybody from then on."""

from __future__ import annotations

from cosell.config.models import Settings
from cosell.config.reading import parse_settings, read, rules, settings_of
from cosell.sections import Tag
from cosell.sections.secrets import Reference

__all__ = ["Reference", "Settings", "Tag", "parse_settings", "read", "rules", "settings_of"]
