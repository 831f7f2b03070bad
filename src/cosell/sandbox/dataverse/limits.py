"""Service protection: three limits per user over a sliding window, and how a client is sent away (2.11)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import orjson

from cosell.sandbox.dataverse.errors import JSON, DataverseError
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.settings import Settings
from cosell.sandbox.frame import Answer, monotonic

Facet = Literal["requests", "time", "concurrency"]
CODES: Mapping[Facet, str] = {
    "requests": "0x80072322",
    "time": "0x80072321",
    "concurrency": "0x80072326",
}
REMAINING_REQUESTS = "x-ms-ratelimit-burst-remaining-xrm-requests"
REMAINING_TIME = "x-ms-ratelimit-time-remaining-xrm-requests"
PARALLEL = "x-ms-dop-hint"


@dataclass(slots=True)
class _Usage:
    """What one user did within the window."""

    calls: deque[tuple[float, float]] = field(default_factory=deque)
    """When each call was served, and the seconds it took."""
    seconds: float = 0.0
    busy: int = 0
    refusals: int = 0


class Limits:
    """Counts what every user does and refuses what is too much."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._users: dict[str, _Usage] = {}

    def reset(self) -> None:
        self._users.clear()

    @contextmanager
    def seat(self, user_id: str) -> Iterator[None]:
        """Holds a place for one request while it is served; 429 when there is none."""
        usage = self._users.setdefault(user_id, _Usage())
        self._admit(usage)
        usage.busy += 1
        began = monotonic()
        try:
            yield
        finally:
            usage.busy -= 1
            charged = self._settings.seconds_charged_per_request
            took = monotonic() - began if charged is None else charged
            usage.calls.append((self._now(), took))
            usage.seconds += took

    def headers(self, user_id: str) -> dict[str, str]:
        """What is left to the user, for debugging only, and how many requests at once are wise."""
        usage, settings = self._users.get(user_id, _Usage()), self._settings
        told = {PARALLEL: str(settings.parallelism_hint)}
        if settings.requests_limit is not None:
            told[REMAINING_REQUESTS] = str(max(0, settings.requests_limit - len(usage.calls)))
        if settings.execution_seconds_limit is not None:
            told[REMAINING_TIME] = f"{max(0.0, settings.execution_seconds_limit - usage.seconds):.2f}"
        return told

    @property
    def _settings(self) -> Settings:
        return self._org.settings

    def _now(self) -> float:
        return self._org.frame.clock.now().timestamp()

    def _admit(self, usage: _Usage) -> None:
        self._slide(usage)
        facet = self._exceeded(usage)
        if facet is None:
            usage.refusals = 0
            return
        usage.refusals += 1
        wait = self._wait(usage, facet) + self._settings.retry_after_growth * (usage.refusals - 1)
        raise throttled(facet, wait, self._settings)

    def _slide(self, usage: _Usage) -> None:
        """Forgets what the window has left behind."""
        begin = self._now() - self._settings.limits_window
        while usage.calls and usage.calls[0][0] <= begin:
            usage.seconds = max(0.0, usage.seconds - usage.calls.popleft()[1])

    def _exceeded(self, usage: _Usage) -> Facet | None:
        settings = self._settings
        if settings.throttle_next > 0:
            settings.throttle_next -= 1
            return settings.throttle_facet
        if settings.concurrency_limit is not None and usage.busy >= settings.concurrency_limit:
            return "concurrency"
        if settings.requests_limit is not None and len(usage.calls) >= settings.requests_limit:
            return "requests"
        if settings.execution_seconds_limit is not None and usage.seconds >= settings.execution_seconds_limit:
            return "time"
        return None

    def _wait(self, usage: _Usage, facet: Facet) -> int:
        """Whole seconds until the oldest call leaves the window; a moment when only places are short."""
        if facet == "concurrency" or not usage.calls:
            return self._settings.retry_after_seconds
        return max(1, math.ceil(usage.calls[0][0] + self._settings.limits_window - self._now()))


def throttled(facet: Facet, wait: int, settings: Settings) -> DataverseError:
    """The 429 of one facet; `Retry-After` in seconds."""
    window = f"{settings.limits_window:g}"
    texts: dict[Facet, str] = {
        "requests": (
            f"Number of requests exceeded the limit of {settings.requests_limit or 6000} over time window of "
            f"{window} seconds."
        ),
        "time": (
            "Combined execution time of incoming requests exceeded limit of "
            f"{round((settings.execution_seconds_limit or 1200) * 1000):,} milliseconds over time window of "
            f"{window} seconds. Decrease number of concurrent requests or reduce the duration of requests "
            "and try again later."
        ),
        "concurrency": (
            f"Number of concurrent requests exceeded the limit of {settings.concurrency_limit or 52}."
        ),
    }
    return DataverseError(429, CODES[facet], texts[facet], Retry_After=str(wait))


def ready_answers() -> dict[str, Answer]:
    """The three ways of being sent away by name, for injecting as faults."""
    found = {}
    for facet in CODES:
        refused = throttled(facet, 5, Settings())
        headers = {"content-type": JSON, "odata-version": "4.0", "retry-after": "5"}
        found[f"THROTTLED_{facet.upper()}"] = Answer(429, orjson.dumps(refused.body()), headers)
    return found
