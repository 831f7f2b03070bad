"""Keeps every referral in memory, found by id and by engagement, ordered by creation and by change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import orjson

from cosell.sandbox.frame import JsonObject

Owner = Literal["partner", "microsoft"]
SortKey = tuple[int, int]


@dataclass(slots=True, eq=False)
class Record:
    """One referral and what the simulator has to know beside its wire form."""

    body: JsonObject
    owner: Owner
    created: SortKey
    updated: SortKey
    listed_from: int
    expires: int | None = None
    _wire: bytes | None = None

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def engagement(self) -> str:
        return str(self.body["engagementId"])

    def wire(self) -> bytes:
        """The wire form as bytes, made once after each change."""
        if self._wire is None:
            self._wire = orjson.dumps(self.body)
        return self._wire

    def replace(self, body: JsonObject, updated: SortKey, expires: int | None) -> None:
        self.body, self.updated, self.expires, self._wire = body, updated, expires, None


class _Order:
    """Records by one moment; sorted anew only after something changed."""

    def __init__(self, key: Callable[[Record], SortKey]) -> None:
        self._key = key
        self._members: dict[str, Record] = {}
        self._sorted: list[Record] | None = None

    def put(self, record: Record) -> None:
        """Takes a record in, or moves it to where it belongs now."""
        # Almost always the newest, so that sorting later has nothing left to do.
        self._members.pop(record.id, None)
        self._members[record.id] = record
        self._sorted = None

    def records(self) -> list[Record]:
        if self._sorted is None:
            self._sorted = sorted(self._members.values(), key=self._key)
        return self._sorted

    def between(self, low: SortKey | None, high: SortKey | None, *, descending: bool) -> Iterable[Record]:
        """Records strictly after `low` and strictly before `high`."""
        records = self.records()
        start = 0 if low is None else bisect_right(records, low, key=self._key)
        stop = len(records) if high is None else bisect_left(records, high, key=self._key)
        if descending:
            return (records[place] for place in range(stop - 1, start - 1, -1))
        return islice(records, start, stop)


class Records:
    """The whole memory of one Partner Center."""

    def __init__(self) -> None:
        self._by_id: dict[str, Record] = {}
        self._by_engagement: dict[str, list[Record]] = {}
        self._waiting: dict[str, Record] = {}
        self._soonest: int | None = None
        self.by_created = _Order(lambda record: record.created)
        self.by_updated = _Order(lambda record: record.updated)

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, record: Record) -> None:
        self._by_id[record.id] = record
        self._by_engagement.setdefault(record.engagement, []).append(record)
        self.by_created.put(record)
        self.by_updated.put(record)
        self._wait(record)

    def change(self, record: Record, body: JsonObject, *, updated: SortKey, expires: int | None) -> None:
        """Gives a record its new content."""
        record.replace(body, updated, expires)
        self.by_updated.put(record)
        self._wait(record)

    def get(self, referral_id: str) -> Record | None:
        return self._by_id.get(referral_id.lower())

    def engagement(self, engagement_id: str) -> list[Record]:
        return self._by_engagement.get(engagement_id.lower(), [])

    def all(self) -> list[Record]:
        return list(self._by_id.values())

    def due(self, now: int) -> list[Record]:
        """Records whose time to be answered is over; quick when there are none."""
        if self._soonest is None or self._soonest > now:
            return []
        due = [one for one in self._waiting.values() if one.expires is not None and one.expires <= now]
        self._soonest = min(
            (one.expires for one in self._waiting.values() if one.expires is not None and one.expires > now),
            default=None,
        )
        return due

    def _wait(self, record: Record) -> None:
        if record.expires is None:
            self._waiting.pop(record.id, None)
            return
        self._waiting[record.id] = record
        if self._soonest is None or record.expires < self._soonest:
            self._soonest = record.expires
