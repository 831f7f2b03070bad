"""The poll: what changed since a cursor, told once, with an overlap that forgives late commits (INV-21).

The list is read newest first. Between two looks through the whole overlap the first page without news
ends a poll. A version counts as told only when the cursor it came with comes back, for only then is it
durable on our side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from cosell.core.errors import Gone, Misconfigured, Rejected
from cosell.core.records import Snapshot
from cosell.ports import Changes, Clock
from cosell.systems.partner_center import wire
from cosell.systems.partner_center.client import Client, Page, query
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.reading import NEWEST_FIRST, Reading, by_engagement
from cosell.systems.partner_center.wire import Reader, Record

OPEN = ("New", "Active")
_REMEMBERED = 50_000
_LATEST = 4e9
_A_DAY = 86_400.0
_STRANGE = 3600.0
"""Seconds by which the server's clock may differ from ours and still be believed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor taken apart."""

    at: float
    """Everything before this was told, epoch seconds by the server's clock."""
    number: int = 0
    rest: tuple[str, ...] = ()
    """First look only: the states still to list; the first of them is under way."""
    follow: str = ""

    def text(self) -> str:
        whole: dict[str, Any] = {"at": self.at, "n": self.number}
        if self.rest:
            whole |= {"rest": self.rest, "follow": self.follow}
        return orjson.dumps(whole).decode()


def place(cursor: str | None) -> Place | None:
    """The place behind a cursor; one we cannot read means to begin anew."""
    try:
        whole = orjson.loads(cursor or "")
        at = float(whole["at"])
        rest, follow = tuple(map(str, whole.get("rest", ()))), str(whole.get("follow", ""))
        return Place(at, int(whole.get("n", 0)), rest, follow) if 0 <= at < _LATEST else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


class Poll:
    """Tells changes of the list."""

    def __init__(
        self, client: Client, options: Options, reader: Reader, reading: Reading, clock: Clock
    ) -> None:
        self._client, self._options, self._reader = client, options, reader
        self._reading, self._clock = reading, clock
        self._told: dict[str, str] = {}
        self._telling: dict[str, str] = {}
        self._last_cursor: str | None = None
        self._number = 0
        self._deep_at = float("-inf")
        self._floor: tuple[float, float] | None = None
        """A time the server had surely reached, and our waiting clock at that moment."""
        self._ge_works: bool | None = None if options.try_filters else False

    async def changes(self, cursor: str | None) -> Changes:
        """What changed since `cursor`; with None everything open, a few pages at a time."""
        self._settle_told(cursor)
        here = place(cursor)
        if here is None:
            return await self._first_look(None)
        return await (self._first_look(here) if here.rest else self._since(here))

    def told(self, record: Record) -> None:
        """Notes a version the engine already holds as the answer to its own write."""
        self._told[wire.record_id(record)] = wire.fingerprint(record)

    def _settle_told(self, cursor: str | None) -> None:
        if cursor is not None and cursor == self._last_cursor:
            self._told.update(self._telling)
            while len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
        self._telling = {}

    def _answer(self, pages: Sequence[Page], news: Iterable[Record], here: Place, *, more: bool) -> Changes:
        self._telling = {wire.record_id(one): wire.fingerprint(one) for one in news}
        self._last_cursor = here.text()
        snapshots = self._folded([record for page in pages for record in page.records])
        return Changes(tuple(snapshots), (), self._last_cursor, more)

    def _folded(self, records: Iterable[Record]) -> list[Snapshot]:
        """One snapshot for each engagement with news; complete where nothing can be missing."""
        found = []
        for group in by_engagement(records).values():
            self._reading.remember(group)
            if not any(wire.record_id(one) in self._telling for one in group):
                continue
            own, microsoft = wire.split(group, self._options.organization_id)
            if own is not None:
                whole = microsoft is not None or not wire.may_have_microsoft(own)
                found.append(self._reader.engagement(own, microsoft, complete=whole))
            elif microsoft is not None:
                found.append(self._reader.microsoft_alone(microsoft))
        return found

    def _next(self, at: float, rest: tuple[str, ...] = (), follow: str = "") -> Place:
        self._number += 1
        return Place(at, self._number, rest, follow)

    # --- the first look --------------------------------------------------------------------------

    async def _first_look(self, here: Place | None) -> Changes:
        try:
            return await self._open_pages(here)
        except (Rejected, Gone, Misconfigured):
            # How long a place in a list stays valid is unknown (2.1): begin anew, nothing is lost.
            if here is None or not here.follow:
                raise
            return await self._open_pages(None)

    async def _open_pages(self, here: Place | None) -> Changes:
        started = self._clock.monotonic()
        rest = here.rest if here else OPEN
        follow = here.follow if here else ""
        first = follow or query(f"status eq '{rest[0]}'", order="createdDateTime desc", top=self._options.top)
        pages = [
            page
            async for page in self._client.pages(
                first, purpose="list open", at_most=self._options.pages_at_once
            )
        ]
        at = here.at if here else self._now(pages, started, default=self._clock.now() - _A_DAY)
        news = [record for page in pages for record in page.records]
        further = pages[-1].follow
        if further:
            return self._answer(pages, news, self._next(at, rest, further), more=True)
        return self._answer(pages, news, self._next(at, rest[1:]), more=len(rest) > 1)

    # --- every further look ----------------------------------------------------------------------

    async def _since(self, here: Place) -> Changes:
        since = here.at - self._options.overlap
        started = self._clock.monotonic()
        deep = started >= self._deep_at
        if self._ge_works is None:
            self._ge_works = await self._try_ge(since)
        pages: list[Page] = []
        news: list[Record] = []
        async for page in self._client.pages(self._query(since), purpose="list changes"):
            fresh = [one for one in page.records if self._is_news(one)]
            # A deep look walks thousands of records that are known; only what belongs to news is kept.
            pages.append(page if fresh or not pages else _beside(page, news))
            news += fresh
            if _reaches_back(page, since) or not (fresh or deep):
                break
        if deep:
            self._deep_at = started + self._options.deep_look_every
        at = max(here.at, self._now(pages, started, default=here.at))
        return self._answer(pages, news, self._next(at), more=False)

    def _is_news(self, record: Record) -> bool:
        return self._told.get(wire.record_id(record)) != wire.fingerprint(record)

    def _query(self, since: float) -> str:
        where = f"updatedDateTime ge {_stamp(since)}" if self._ge_works else ""
        return query(where, order=NEWEST_FIRST, top=self._options.top)

    async def _try_ge(self, since: float) -> bool:
        """Whether `ge` filters as one would expect; the newest change of all must pass it (12)."""
        newest = await self._client.page(query(order=NEWEST_FIRST, top=1), purpose="list newest")
        where = f"updatedDateTime ge {_stamp(since)}"
        try:
            found = await self._client.page(
                query(where, order=NEWEST_FIRST, top=self._options.top), purpose="try ge"
            )
        except Rejected:
            return False
        expected = {wire.record_id(one) for one in newest.records if _updated(one) >= since}
        return expected <= {wire.record_id(one) for one in found.records}

    def _now(self, pages: Sequence[Page], started: float, *, default: float) -> float:
        """A time the server had surely reached when the look began."""
        date = pages[0].date if pages else None
        if date is not None and abs(date - self._clock.now()) < _STRANGE:
            return date
        # Without a credible Date header its newest stamp counts, and from then on the time we waited. One
        # from the year 9999 must not carry the cursor past all that is still to come.
        newest = max((_updated(one) for page in pages for one in page.records), default=0.0)
        reached = min(newest, self._clock.now()) or default
        if self._floor is not None:
            reached = max(reached, self._floor[0] + started - self._floor[1])
        self._floor = (reached, started)
        return reached


def _updated(record: Record) -> float:
    found = wire.moment(record.get("updatedDateTime"))
    return 0.0 if found is None else found.timestamp()


def _reaches_back(page: Page, since: float) -> bool:
    """Whether the page holds a record from before `since`; nothing further down can be newer."""
    return any(0 < _updated(one) < since for one in page.records)


def _beside(page: Page, news: Iterable[Record]) -> Page:
    """The page with nothing on it but records of engagements that have news."""
    wanted = {wire.word(one, "engagementId") for one in news} - {""}
    kept = tuple(one for one in page.records if wire.word(one, "engagementId") in wanted)
    return replace(page, records=kept)


def _stamp(epoch: float) -> str:
    return datetime.fromtimestamp(max(0.0, epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
