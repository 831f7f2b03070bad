"""Real time and real chance, for everything outside the tests."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time

TOKEN = 12
"""Bytes of chance in a token."""


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
        self._stock = b""

    def random(self) -> float:
        return self._source.random()

    def token(self) -> str:
        """Sixteen characters out of 64: short enough for a CRM field, too many to meet twice."""
        # Asking the system lets other threads in front each time; a busy connector asks by the hundred.
        if len(self._stock) < TOKEN:
            self._stock = secrets.token_bytes(TOKEN * 256)
        taken, self._stock = self._stock[:TOKEN], self._stock[TOKEN:]
        return base64.urlsafe_b64encode(taken).decode()
