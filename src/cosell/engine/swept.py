"""What a sweep found, kept for everybody to see, and when the next one is due."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, time, timedelta
from typing import Any

from cosell.engine.room import Pace
from cosell.ports import Store

REPORT = "sweep.report"
"""The report of the last sweep that came to its end, or had to give up."""
BEGUN = "sweep.begun"
"""When the last sweep began, epoch seconds: whoever writes it sweeps."""
WAITING = "sweep.waiting"
"""Since when the first sweep is waited for, epoch seconds."""
AGAIN = 3600.0
"""Seconds after which a sweep that did not come to its end is tried again."""
HALF_A_DAY = 43_200.0


@dataclass(frozen=True, slots=True)
class Report:
    """One sweep in numbers. Every link is counted once, under what became of it."""

    began: float
    seconds: float = 0.0
    links: int = 0
    """All links there were."""
    agreed: int = 0
    """Compared, and as they should be."""
    held: int = 0
    """Compared, and waiting for a person or a condition; nothing new."""
    repaired: int = 0
    """Compared, and not as they should be: poked, so that the ordinary reconcile brings them into step."""
    gone: int = 0
    """One half turned out to be deleted or out of sight."""
    half: int = 0
    """Links that still look for their other half; poked."""
    closed: int = 0
    """Closed on both sides when they last agreed, and not read again."""
    resting: int = 0
    """Paused, ignored or gone already."""
    unread: int = 0
    """Could not be read this time."""
    unknown: int = 0
    """Open records no link knew, found on either side; poked."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """Requests to each system meanwhile, those of other work included; empty where nobody counts."""
    error: str = ""
    """Why it gave up; empty when it came to its end."""

    @property
    def compared(self) -> int:
        """Links whose two halves were held against each other and against the base."""
        return self.agreed + self.held + self.repaired

    @property
    def poked(self) -> int:
        """Links and records that are looked at because of it."""
        return self.repaired + self.gone + self.half + self.unknown

    @property
    def agreement(self) -> float | None:
        """The share of the compared links that agree; None where none was compared."""
        return self.agreed / self.compared if self.compared else None

    def data(self) -> dict[str, Any]:
        """All of it in plain data."""
        return {**asdict(self), "compared": self.compared, "agreement": self.agreement}


def told(report: Report) -> str:
    """The report as the text that is kept."""
    return json.dumps(asdict(report))


def read(kept: str | None) -> Report | None:
    """The report behind a text that was kept; None where none can be made of it."""
    try:
        found = json.loads(kept or "")
        known = {one.name for one in fields(Report)}
        return Report(**{name: value for name, value in found.items() if name in known})
    except (ValueError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the sweeps of an environment stand."""

    report: Report | None
    begun: float | None
    waiting: float | None
    kept: str | None
    """The note behind `begun`, as it is kept: who changes it from exactly this begins the next sweep."""

    @property
    def unfinished(self) -> bool:
        """The last one is under way, was cut short, or gave up."""
        ended = self.report is not None and not self.report.error and self.report.began == self.begun
        return self.begun is not None and not ended

    def due(self, pace: Pace) -> float | None:
        """When the next one is due, epoch seconds; None where nobody has begun to wait for the first."""
        if self.begun is not None and self.unfinished:
            return self.begun + min(AGAIN, pace.sweep_every)
        if self.begun is not None:
            return next_turn(self.begun, pace)
        return None if self.waiting is None else first_turn(self.waiting, pace)


async def standing(store: Store) -> Standing:
    """Where the sweeps stand, as the store keeps it for all processes."""
    kept = await store.settings("sweep.")
    return Standing(
        read(kept.get(REPORT)), _number(kept.get(BEGUN)), _number(kept.get(WAITING)), kept.get(BEGUN)
    )


def next_turn(begun: float, pace: Pace) -> float:
    """When a sweep follows one that began then.

    With a time of day, the first such time after most of the pause is over: one that began a little late
    must not put the next one off by a day.
    """
    if pace.sweep_at is None:
        return begun + pace.sweep_every
    return at_clock(begun + pace.sweep_every - min(HALF_A_DAY, pace.sweep_every / 2), pace.sweep_at)


def first_turn(since: float, pace: Pace) -> float:
    """When the very first sweep follows the start of the product."""
    return since + pace.sweep_every if pace.sweep_at is None else at_clock(since, pace.sweep_at)


def at_clock(after: float, wanted: time) -> float:
    """The first moment after `after` at which clocks on this machine's walls show `wanted`."""
    found = datetime.combine(datetime.fromtimestamp(after, UTC).astimezone().date(), wanted)
    while (moment := found.timestamp()) <= after:
        found += timedelta(days=1)
    return moment


def _number(kept: str | None) -> float | None:
    try:
        return None if kept is None else float(kept)
    except ValueError:
        return None
