"""Texts that a column has no room for (dataverse-api.md trap 7)."""

from __future__ import annotations

from cosell.core.errors import Rejected
from cosell.core.marks import units
from cosell.systems.dataverse.metadata import Column
from cosell.systems.dataverse.options import Options


def fitting(key: str, text: str, column: Column, options: Options) -> str:
    """The text as the column can hold it; too long a one is refused or cut, as the settings say."""
    room = column.length
    # Whether a sign beyond the first 65,536 counts once or twice is the environment's to say.
    if not room or (len(text) if options.long_texts == "refuse" else units(text)) <= room:
        return text
    if options.long_texts == "cut":
        return text.encode("utf-16-le", "replace")[: 2 * room].decode("utf-16-le", "ignore").rstrip()
    raise Rejected(
        f"The text for {key} has {len(text)} characters; {column.label or column.name} of Dynamics 365 has "
        f"room for {room}.",
        fields=(key,),
        advice="Shorten it, lengthen the column in Dynamics 365, or set long_texts to cut.",
        code="too_long",
    )
