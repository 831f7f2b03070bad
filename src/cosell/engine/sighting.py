"""What a sweep remembers of what it has seen: marks for each link, and no reads but those of held ones."""

from __future__ import annotations

from dataclasses import replace

from cosell.core import agreement
from cosell.core.records import Link, Side, Snapshot


class Sightings:
    """Sides that were read and stand as last seen."""

    def __init__(self) -> None:
        self._left: dict[Side, dict[str, frozenset[str]]] = {side: {} for side in Side}
        """By link: the fields no page has shown yet."""
        self._held: dict[Side, dict[str, Snapshot]] = {side: {} for side in Side}
        """Of held links: who changed the side, and when; by that a conflict is decided."""
        self.listed = False
        """Every open referral was listed: what was not among them is not open."""

    def stands(self, link: Link, snapshot: Snapshot) -> None:
        """Notes that a read shows its side as it was last seen, as far as the read goes."""
        side = snapshot.side
        left, before = agreement.unread(link, snapshot), self._left[side].get(link.key)
        self._left[side][link.key] = left if before is None else left & before
        if link.holds and snapshot.id == link.id_of(side):
            self._held[side][link.key] = replace(
                agreement.last_seen(link, side),
                changed_at=snapshot.changed_at,
                touched_by=snapshot.touched_by,
                touched_by_us=snapshot.touched_by_us,
            )

    def whole(self, link: Link, side: Side) -> bool:
        """Whether the side surely stands as last seen, in every field."""
        ours = side is Side.PARTNER_CENTER
        if ours and agreement.final(link) and not link.holds:
            return True
        left = self._left[side].get(link.key)
        if left and ours and self.listed and agreement.microsoft_rests(link):
            left -= agreement.MICROSOFTS
        return left is not None and not left

    def seen(self, link: Link, side: Side) -> Snapshot:
        """A side that stands, as a read."""
        return self._held[side].get(link.key) or agreement.last_seen(link, side)
