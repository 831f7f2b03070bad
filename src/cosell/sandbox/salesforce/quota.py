"""The daily API quota, over the last 24 hours of the sandbox clock (reference 9)."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Any

from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.org import Org

_DAY = timedelta(hours=24)


class Quota:
    """Counts calls in hours and refuses them when the day's share is used up."""

    def __init__(self, org: Org, base_url: str) -> None:
        self._org, self._base_url = org, base_url
        self._hours: deque[tuple[datetime, int]] = deque()

    @property
    def used(self) -> int:
        """Calls counted in the last 24 hours."""
        self._forget_old()
        return sum(count for _, count in self._hours)

    def reset(self) -> None:
        self._hours.clear()

    def spend(self, calls: int = 1) -> None:
        """Counts calls; refuses when the quota was used up before."""
        if self.used + calls > self._org.settings.daily_api_calls:
            raise refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        hour = self._org.now().replace(minute=0, second=0)
        if self._hours and self._hours[-1][0] == hour:
            self._hours[-1] = (hour, self._hours[-1][1] + calls)
        else:
            self._hours.append((hour, calls))

    def header(self) -> str:
        """The value of `Sforce-Limit-Info`."""
        return f"api-usage={self.used}/{self._org.settings.daily_api_calls}"

    def limits(self) -> dict[str, Any]:
        """The answer of `/limits`."""
        most = self._org.settings.daily_api_calls
        return {
            "DailyApiRequests": {"Max": most, "Remaining": max(0, most - self.used)},
            "DailyAsyncApexExecutions": {"Max": 250_000, "Remaining": 250_000},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
            "DailyDeliveredPlatformEvents": {"Max": 25_000, "Remaining": 25_000},
            "DataStorageMB": {"Max": 10_240, "Remaining": 10_200},
            "FileStorageMB": {"Max": 10_240, "Remaining": 10_240},
            "HourlyPublishedPlatformEvents": {"Max": 250_000, "Remaining": 250_000},
            "SingleEmail": {"Max": 5_000, "Remaining": 5_000},
        }

    def identity_url(self, user_id: str) -> str:
        """Where a user's identity is told."""
        return f"{self._base_url}/id/{self._org.org_id}/{user_id}"

    def _forget_old(self) -> None:
        now = self._org.now()
        while self._hours and now - self._hours[0][0] > _DAY:
            self._hours.popleft()
