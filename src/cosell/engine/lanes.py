"""One lane per system: it is paused when the system asks for it, probed while the system is down."""

from __future__ import annotations

from cosell.core import backoff
from cosell.core.errors import CosellError, SignedOut, Throttled, Unavailable, Uncertain
from cosell.ports import Alerts, Clock, Dice

PROBE_AFTER = 5
"""Unavailable in a row until the lane counts as down."""
BUDGET_WINDOW = 300.0
"""Seconds over which retries are counted against requests."""
PROBE_EVERY = 60.0
"""Seconds between probes of a system that is down or signed out."""


class Lane:
    """Says whether a system may be called now, and learns from every answer (INV-20)."""

    def __init__(self, name: str, *, clock: Clock, dice: Dice, alerts: Alerts) -> None:
        self.name, self._clock, self._dice, self._alerts = name, clock, dice, alerts
        self._until = 0.0
        self._why: CosellError | None = None
        self._failures = 0
        self._throttled_at: float | None = None
        self._window, self._requests, self._retries = 0.0, 0, 0

    def check(self) -> None:
        """Passes, or raises what stands in the way, without calling anybody."""
        wait = self._until - self._clock.monotonic()
        if wait > 0 and self._why is not None:
            if isinstance(self._why, SignedOut):
                raise self._why
            raise Throttled(self._why.message, retry_after=wait + self._dice.random(), detail="lane paused")

    @property
    def paused(self) -> CosellError | None:
        """What the lane waits for, if it waits."""
        return self._why if self._until > self._clock.monotonic() else None

    def places(self, most: int) -> int:
        """How many calls may run at once: half after a throttle, then one more each minute (AIMD)."""
        if self._throttled_at is None:
            return most
        grown = most // 2 + int((self._clock.monotonic() - self._throttled_at) // 60)
        if grown >= most:
            self._throttled_at = None
        return max(1, min(most, grown))

    def called(self) -> None:
        """One request leaves."""
        self._roll()
        self._requests += 1

    def may_retry(self) -> bool:
        """Spends one retry of the budget: a tenth of the requests of these minutes, at least ten (INV-20)."""
        self._roll()
        allowed = backoff.may_retry(self._retries, self._requests)
        self._retries += allowed
        return allowed

    def _roll(self) -> None:
        now = self._clock.monotonic()
        if now - self._window > BUDGET_WINDOW:
            self._window, self._requests, self._retries = now, 0, 0

    async def heard(self, error: CosellError | None) -> None:
        """Learns from one answer: None is a good one."""
        match error:
            case Throttled(retry_after=asked):
                self._throttled_at = self._clock.monotonic()
                self._pause(backoff.asked(asked, self._failures, self._dice.random()), error)
            case SignedOut():
                self._pause(PROBE_EVERY, error)
                await self._alerts.raise_(f"signed_out:{self.name}", error.message, error.advice)
            case Unavailable() | Uncertain():
                self._failures += 1
                if self._failures >= PROBE_AFTER:
                    self._pause(PROBE_EVERY, error)
                    await self._alerts.raise_(f"unavailable:{self.name}", error.message, error.advice)
            case _:
                if self._failures >= PROBE_AFTER or self._why is not None:
                    await self._alerts.clear(f"unavailable:{self.name}")
                    await self._alerts.clear(f"signed_out:{self.name}")
                self._failures, self._why = 0, None

    def _pause(self, seconds: float, why: CosellError) -> None:
        self._until, self._why = self._clock.monotonic() + seconds, why
