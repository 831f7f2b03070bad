"""Whether the database is known to be older than the world, and how far the looking has come (INV-24)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Mode:
    """What this process knows of the careful mode."""

    on: bool = False
    since: float = 0.0
    swept: float | None = None
    """When the sweep that all wait for was through."""
    over: float = 0.0
    """When the last careful mode ended: what changed before is no news."""

    def data(self) -> dict[str, Any]:
        """All of it in plain data."""
        return asdict(self)

    def told(self) -> str:
        """All of it as the text that is kept."""
        return json.dumps(self.data())


def read(kept: str | None) -> Mode:
    """The mode as it was kept; off where nothing was."""
    try:
        told = json.loads(kept or "{}")
        swept = told.get("swept")
        return Mode(
            bool(told.get("on")),
            float(told.get("since", 0.0)),
            None if swept is None else float(swept),
            float(told.get("over", 0.0)),
        )
    except (ValueError, TypeError, AttributeError):
        return Mode(on=True)  # whatever stood there, the careful reading of it is this one
