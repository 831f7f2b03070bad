"""What all definitions have in common: ids, labels, managed properties."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any

LANGUAGE = 1033
_HOME = uuid.UUID("5c7b0000-0000-4000-8000-00000000da7a")


@lru_cache(maxsize=65_536)
def metadata_id(*names: str) -> str:
    """The id of a definition, the same for the same names in every environment."""
    return str(uuid.uuid5(_HOME, "/".join(names)))


def label(text: str, *names: str) -> dict[str, Any]:
    """A text in the one language of the environment; no text is a label without any."""
    if not text:
        return {"LocalizedLabels": [], "UserLocalizedLabel": None}
    one = {
        "Label": text,
        "LanguageCode": LANGUAGE,
        "IsManaged": True,
        "MetadataId": metadata_id("label", *names, text),
        "HasChanged": None,
    }
    return {"LocalizedLabels": [one], "UserLocalizedLabel": dict(one)}


def managed(value: Any, name: str, *, can_change: bool = True) -> dict[str, Any]:
    """A property that a solution may lock."""
    return {"Value": value, "CanBeChanged": can_change, "ManagedPropertyLogicalName": name}
