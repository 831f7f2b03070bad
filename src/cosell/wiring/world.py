"""Real time and real chance, for everything outside the tests."""

from __future__ import annotations

import asyncio
import secrets
import time


class WallClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FairDice:
    """Chance nobody can predict: tokens name writes and leases, and are sent to other systems."""

    def __init__(self) -> None:
        self._source = secrets.SystemRandom()

    def random(self) -> float:
        return self._source.random()

    def token(self) -> str:
        """Sixteen characters out of 64: short enough for a CRM field, too many to meet twice."""
        return secrets.token_urlsafe(12)
