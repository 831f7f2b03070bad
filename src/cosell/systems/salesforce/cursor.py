"""Where the polls of one connection stand: a watermark per stream, in the server's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Place:
    """The last row of a page: where the next page of equal and later stamps begins."""

    stamp: int
    row_id: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """What has been looked at. All times are epoch seconds of the server."""

    token: str = ""
    """Names what this process remembers having reported up to here; see `Watching`."""
    marks: Mapping[str, int] = field(default_factory=dict)
    """Watermark by stream."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Streams in the middle of their pages."""
    deleted: int = 0
    """Deletions are known up to here."""
    walk_start: int | None = None
    """Set while everything enrolled and open is being read."""
    walk_after: str = ""

    def text(self) -> str:
        return orjson.dumps(
            {
                "v": 1,
                "t": self.token,
                "w": dict(self.marks),
                "p": {name: [place.stamp, place.row_id] for name, place in self.places.items()},
                "d": self.deleted,
                "s": self.walk_start,
                "a": self.walk_after,
            }
        ).decode()


def parse(text: str | None) -> Cursor | None:
    """The cursor as `Cursor.text` wrote it; None for anything else, which means: begin anew."""
    if text is None:
        return None
    try:
        raw = orjson.loads(text)
        return _read(raw) if raw["v"] == 1 else None
    except (ValueError, KeyError, TypeError):
        return None


def _read(raw: Mapping[str, Any]) -> Cursor:
    start = raw["s"]
    return Cursor(
        token=str(raw["t"]),
        marks={str(name): int(mark) for name, mark in raw["w"].items()},
        places={str(name): Place(int(stamp), str(row)) for name, (stamp, row) in raw["p"].items()},
        deleted=int(raw["d"]),
        walk_start=None if start is None else int(start),
        walk_after=str(raw["a"]),
    )
