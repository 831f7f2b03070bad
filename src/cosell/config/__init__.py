"""Settings: read once from `cosell.toml`, checked, and the same for everybody from then on."""

from __future__ import annotations

from cosell.config.models import Settings, Tag
from cosell.config.reading import parse_settings, read, rules
from cosell.config.secrets import Reference

__all__ = ["Reference", "Settings", "Tag", "parse_settings", "read", "rules"]
