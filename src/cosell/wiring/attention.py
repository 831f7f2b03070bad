"""What needs somebody: one entry per cause, with whose move it is and the deals it hits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosell.core.reasons import Who, text
from cosell.core.records import Link
from cosell.ports import LinkFilter, Store

LOOKED_AT = 1000
SHOWN = 5
"""Deals named for one cause; the count tells the rest."""


async def attention(store: Store) -> list[dict[str, Any]]:
    """The causes, the one that hits most deals first."""
    hit: dict[str, list[str]] = {}
    for link in await store.links(LinkFilter(attention=True, limit=LOOKED_AT)):
        for reason in dict.fromkeys(causes(link)):
            hit.setdefault(reason, []).append(link.key)
    entries = [_entry(reason, keys) for reason, keys in hit.items()]
    return sorted(entries, key=lambda entry: (-entry["count"], entry["reason"]))


def causes(link: Link) -> Iterator[str]:
    """The reasons on a link that somebody can do something about."""
    for reason in (link.reason, *(hold.reason for hold in link.holds.values())):
        if reason and (text(reason).who is not Who.NOBODY or text(reason).fix):
            yield str(reason)


def _entry(reason: str, keys: list[str]) -> dict[str, Any]:
    words = text(reason)
    return {
        "reason": reason,
        "says": words.says,
        "who": str(words.who),
        "fix": words.fix,
        "count": len(keys),
        "links": keys[:SHOWN],
    }
