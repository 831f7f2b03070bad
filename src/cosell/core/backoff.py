"""How long to wait before trying again (reliability.md 11)."""

from __future__ import annotations

CAP = 900.0
"""Seconds; no wait is longer, so that a healed system is noticed within a quarter of an hour."""
FIRST = 2.0
STRUGGLING = 8
"""Failures in a row after which a link is shown as struggling."""
MAX_STALE = 3
"""Refused preconditions in a row before the deal waits like any other failure."""


def delay(failures: int, chance: float) -> float:
    """Seconds to wait after `failures` failures in a row; `chance` is drawn from [0, 1): full jitter."""
    return chance * min(CAP, FIRST * 2.0 ** min(failures, 20))


def asked(retry_after: float | None, failures: int, chance: float) -> float:
    """Seconds to wait when the other side said how long; absurd wishes are cut to the cap."""
    if retry_after is None or retry_after < 0:
        return max(1.0, delay(failures, chance))
    return min(CAP, retry_after)


def may_retry(retries: int, requests: int) -> bool:
    """Whether the retry budget allows one more: a tenth of the requests of the last minutes, at least ten."""
    return retries < max(10, requests // 10)
