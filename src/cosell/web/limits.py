"""How much may come in."""

from __future__ import annotations

from collections.abc import Callable


class Bucket:
    """Lets `rate` things a second pass, and `burst` at once after a rest."""

    def __init__(self, *, rate: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._rate, self._burst, self._monotonic = rate, burst, monotonic
        self._left, self._at = burst, monotonic()

    def take(self) -> bool:
        """Takes one; False when there is none."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
