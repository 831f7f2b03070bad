"""What all definitions have in common: ids, labels, managed properties."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any

from cosell.sandbox.dataverse.columns import Words

LANGUAGE = 1033
"""The base language of the environment."""
_HOME = uuid.UUID("5c7b0000-0000-4000-8000-00000000da7a")


@lru_cache(maxsize=65_536)
def metadata_id(*names: str) -> str:
    """The id of a definition, the same for the same names in every environment."""
    return str(uuid.uuid5(_HOME, "/".join(names)))


def label(text: str, *names: str) -> dict[str, Any]:
    """A text in the languages it has, the base language first; no text is a label without any."""
    if not text:
        return {"LocalizedLabels": [], "UserLocalizedLabel": None}
    others = text.others if isinstance(text, Words) else {}
    found = {LANGUAGE: str(text), **others}
    made = [
        {
            "Label": words,
            "LanguageCode": language,
            "IsManaged": True,
            "MetadataId": metadata_id("label", *names, words),
            "HasChanged": None,
        }
        for language, words in found.items()
    ]
    return {"LocalizedLabels": made, "UserLocalizedLabel": dict(made[0])}


def managed(value: Any, name: str, *, can_change: bool = True) -> dict[str, Any]:
    """A property that a solution may lock."""
    return {"Value": value, "CanBeChanged": can_change, "ManagedPropertyLogicalName": name}
