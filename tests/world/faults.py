"""What goes wrong in a world, drawn by swarm: each kind is absent from many worlds and violent in some."""

from __future__ import annotations

import random
from collections.abc import Mapping

RATES = (0.03, 0.1, 0.3)

WRITE_FATES = ("lost", "answer_lost", "late", "torn", "throttled", "unavailable", "slow")
READ_FATES = ("read_failed", "throttled", "unavailable", "slow")
SIGNAL_FATES = ("webhook_lost", "webhook_doubled", "webhook_late", "webhook_unknown", "webhook_early")
FEED_FATES = ("page_skipped", "page_repeated")
OTHERS = ("moody", "poison", "slow_transaction", "outage", "signed_out", "kill")
DRIFTING = ("notes", "deal_value", "close_date", "solutions", "contacts", "visible", "program")
"""Fields an administrator of the CRM may take away for a while."""

KINDS = tuple(dict.fromkeys((*WRITE_FATES, *READ_FATES, *SIGNAL_FATES, *FEED_FATES, *OTHERS)))


def draw(rng: random.Random) -> dict[str, float]:
    """Which kinds exist in this world and how violent each is; one world in eight is peaceful."""
    if rng.random() < 0.125:
        return {}
    return {kind: rng.choice(RATES) for kind in KINDS if rng.random() < 0.35}


def draw_restore(rng: random.Random, last: float) -> tuple[float, float] | None:
    """When the database is copied, and when the copy is put back; in most worlds never."""
    if rng.random() >= 0.06:
        return None
    copied = rng.uniform(0.0, 0.8) * last
    return round(copied, 3), round(rng.uniform(copied, last) + 5.0, 3)


class Faults:
    """Decides the fate of each request from one stream; `calm` ends everything."""

    def __init__(self, rates: Mapping[str, float], rng: random.Random) -> None:
        self.rates = dict(rates)
        self.rng = rng
        self.over = False

    def calm(self) -> None:
        self.over = True

    def strikes(self, kind: str) -> bool:
        """Whether a fault of this kind happens now."""
        rate = self.rates.get(kind, 0.0)
        return rate > 0 and not self.over and self.rng.random() < rate

    def fate(self, kinds: tuple[str, ...]) -> str | None:
        """At most one of `kinds`, by one roll, so that switching a kind off does not move the others."""
        if self.over:
            return None
        roll = self.rng.random()
        for kind in kinds:
            rate = self.rates.get(kind, 0.0) * 0.5
            if roll < rate:
                return kind
            roll -= rate
        return None
