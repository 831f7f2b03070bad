"""Where the polls of one connection stand: a link or a watermark per stream, in the server's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import orjson

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """What has been looked at. All times are epoch seconds of the server."""

    links: Mapping[str, str] = field(default_factory=dict)
    """By stream: the delta link that tells what changes from here on."""
    marks: Mapping[str, int] = field(default_factory=dict)
    """By stream without change tracking: how far its stamps were seen."""
    pages: Mapping[str, str] = field(default_factory=dict)
    """By stream in the middle of its pages: where the next page is."""
    walk: bool = False
    """Everything is being read in full."""
    since: int = 0
    """When the last look began that missed nothing. A walk reports what is open or was changed after."""
    start: int = 0
    """When the walk, or the look in several pages, began."""
    token: str = ""
    """Names what this process remembers having reported up to here; see `Watching`."""

    def text(self) -> str:
        return orjson.dumps(
            {
                "v": 1,
                "d": dict(self.links),
                "m": dict(self.marks),
                "p": dict(self.pages),
                "w": self.walk,
                "s": self.since,
                "b": self.start,
                "t": self.token,
            }
        ).decode()

    def anew(self) -> Cursor:
        """The beginning of a full read, after which nothing since the last good look is missing."""
        return Cursor(walk=True, since=self.since)

    def of(self, streams: Sequence[str]) -> Cursor:
        """The cursor without streams that are watched no more; begun anew where one of these is new to it."""
        links, marks, pages = _of(self.links, streams), _of(self.marks, streams), _of(self.pages, streams)
        if not self.walk and any(one not in {**links, **marks, **pages} for one in streams):
            return self.anew()
        return replace(self, links=links, marks=marks, pages=pages)

    def at_page(self, stream: str, page: str | None) -> Cursor:
        rest = {name: link for name, link in self.pages.items() if name != stream}
        return replace(self, pages=rest if page is None else {**rest, stream: page})


def _of(told: Mapping[str, T], streams: Sequence[str]) -> dict[str, T]:
    return {one: told[one] for one in streams if one in told}


def parse(text: str | None) -> Cursor:
    """The cursor as `Cursor.text` wrote it; anything else means: begin anew."""
    try:
        raw = orjson.loads(text) if text is not None else None
        return _read(raw) if raw is not None and raw["v"] == 1 else Cursor(walk=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Cursor(walk=True)


def _read(raw: Mapping[str, Any]) -> Cursor:
    return Cursor(
        links={str(name): str(link) for name, link in raw["d"].items()},
        marks={str(name): int(mark) for name, mark in raw["m"].items()},
        pages={str(name): str(link) for name, link in raw["p"].items()},
        walk=raw["w"] is True,
        since=int(raw["s"]),
        start=int(raw["b"]),
        token=str(raw["t"]),
    )
