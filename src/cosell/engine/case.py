"""One link while it is in hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from cosell.core import trail
from cosell.core.errors import Twins
from cosell.core.records import Link
from cosell.ports import Store, Taken


@dataclass(slots=True)
class Case:
    """The leased key, the link as last saved, and the changes that ride with the next save."""

    taken: Taken
    link: Link
    joined: bool = False
    """The key was folded into another link, which goes on instead."""
    kept: Link | None = None
    """The link as the store holds it; None while it is as it was taken."""

    async def join(self, store: Store, other_key: str) -> None:
        """Folds this key, with the ids it learnt, into the link that already is the same deal (INV-8)."""
        # Ids that the other link has by now need not be lent; claiming them would look like twins.
        with contextlib.suppress(Twins):
            self.keep(await store.save(self.taken, self.link))
        await store.join(self.taken, other_key)
        self.joined = True

    def change(self, **changes: Any) -> None:
        """Changes the link in hand; durable with the next begin, finish or save."""
        self.link = replace(self.link, **changes)

    def say(self, now: float, lines: Iterable[str]) -> None:
        """Adds lines to the Audit text; they are written with the next write to the CRM."""
        told = trail.add(self.link.trail, (trail.stamped(now, line) for line in lines))
        if told != self.link.trail:
            self.change(trail=told, trail_written=False)

    def keep(self, link: Link) -> None:
        """Goes on from the link as the store has just saved it."""
        self.link = self.kept = link

    async def save(self, store: Store) -> None:
        """Saves the link if it differs from what the store holds."""
        held = self.kept or self.taken.link
        if (
            not self.joined
            and self.link is not held
            and self.link != replace(held, revision=self.link.revision)
        ):
            self.keep(await store.save(self.taken, self.link))
