"""What changed since the last look: one request for each table, and one for the deals found (4.1, INV-21)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cosell.core.errors import CosellError, Gone, Unavailable
from cosell.core.records import Snapshot
from cosell.ports import Changes
from cosell.systems.dataverse.cursor import Cursor, parse
from cosell.systems.dataverse.outcomes import LINK_EXPIRED
from cosell.systems.dataverse.streams import DEAL, LEAD, RECORDS, Row, Stream, rows_in, streams
from cosell.systems.dataverse.wire import Page, page_of
from cosell.systems.dataverse.workbench import Tools, Workbench

Seen = Mapping[tuple[str, str], tuple[str, int]]
"""Version and stamp by stream and row id, of rows reported already."""
_MOST_REMEMBERED = 500_000
_STEP = 60
_DAY = 86400


@dataclass(slots=True)
class _Look:
    """What one look has found so far."""

    cursor: Cursor
    seen: Seen
    deals: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    """Opportunities of changed child rows, ours or not."""
    people: dict[tuple[str, str], None] = field(default_factory=dict)
    """Changed contacts and accounts, by table and id."""
    leads: dict[str, None] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    added: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    lost: bool = False
    """A child row was deleted of which nobody knows the opportunity."""


class Watching:
    """Looks for changes in one environment.

    A deleted solution or connection tells nothing but its own id, so the opportunity of each is remembered.
    A connector that was just started knows none, and reads the table once. What vanished while it was away
    is nowhere to be found: then everything open is reported again.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench, self._options = bench, bench.options
        self._parent_of: dict[str, str] = {}
        self._ours: set[str] = set()
        self._cold = True
        self._memory: dict[str, Seen] = {}
        self._name, self._count = uuid.uuid4().hex[:8], 0

    async def changes(self, text: str | None) -> Changes:
        """What changed since the cursor; with None, or a cursor nobody can read, everything open.

        Costs one request for each table watched, and one more where something changed.
        """
        tools = await self._bench.tools()
        asked = list(streams(tools.schema, self._options))
        cursor = parse(text).of([stream.id for stream in asked])
        if not cursor.walk and self._cold:
            await self._warm_up(asked)
        try:
            return await self._look(cursor, asked, tools)
        except _LinkExpired:
            return await self._look(cursor.anew(), asked, tools)

    async def _warm_up(self, asked: Iterable[Stream]) -> None:
        """Asks once for the opportunity of every child row."""
        for stream in asked:
            if stream.parent and stream.tracked:
                query = {"$select": ",".join(stream.columns)}
                pages = self._bench.client.pages(stream.set, query, prefer=stream.prefer, purpose="children")
                async for page in pages:
                    self._learn(rows_in(stream, page.rows))

    # --- one look ----------------------------------------------------------------------------------

    async def _look(self, cursor: Cursor, asked: Sequence[Stream], tools: Tools) -> Changes:
        wanted = [one for one in asked if one.id in cursor.pages] if cursor.pages else list(asked)
        pages = await asyncio.gather(*(self._page(stream, cursor) for stream in wanted))
        if not cursor.start:
            told = [int(page.since) for page in pages if page.since is not None]
            start = min(told) if len(told) == len(pages) else int(self._bench.access.clock.now() - _DAY)
            cursor = replace(cursor, start=start)
        look = _Look(cursor, self._memory.get(cursor.token, {}))
        for stream, page in zip(wanted, pages, strict=True):
            self._take(look, stream, page)
        snapshots = await self._read(look, tools)
        after = self._cursor_after(look)
        return Changes(tuple(snapshots), tuple(look.gone), after.text(), more=bool(after.pages) or after.walk)

    async def _page(self, stream: Stream, cursor: Cursor) -> Page:
        """The next page of one stream."""
        client, page = self._bench.client, cursor.pages.get(stream.id)
        link = None if cursor.walk else cursor.links.get(stream.id)
        try:
            if page is not None:
                return await client.follow(page, prefer=stream.prefer, purpose="poll")
            if link is not None:
                return await client.follow(link, purpose="poll")
        except CosellError as why:
            if why.code == LINK_EXPIRED or isinstance(why, Gone):
                raise _LinkExpired from why
            raise
        mark = cursor.marks.get(stream.id)
        since = None if cursor.walk or mark is None else mark - int(self._options.overlap)
        answers = await self._bench.client.reads([stream.beginning(since)], purpose="poll")
        return page_of(answers[stream.name])

    def _take(self, look: _Look, stream: Stream, page: Page) -> None:
        """Notes the rows of one page, and where this stream goes on."""
        rows = rows_in(stream, page.rows)
        if stream.parent:
            self._take_children(look, rows)
        for row in rows:
            if not stream.tracked and not look.cursor.walk and not _is_news(look, stream, row):
                continue
            if row.deleted:
                look.gone.update({row.id: None} if stream.name in RECORDS else {})
            elif self._is_wanted(look.cursor, stream, row):
                _place(look, stream, row)
        cursor = look.cursor.at_page(stream.id, page.next)
        if stream.tracked and page.next is None:
            if page.delta is None:
                raise Unavailable("Dynamics 365 forgot to tell where its changes go on.", detail=stream.name)
            cursor = replace(cursor, links={**cursor.links, stream.id: page.delta})
        if not stream.tracked:
            mark = self._mark(cursor, stream, rows, page)
            cursor = replace(cursor, marks={**cursor.marks, stream.id: mark})
        look.cursor = cursor

    def _is_wanted(self, cursor: Cursor, stream: Stream, row: Row) -> bool:
        """Whether a row concerns us: in a walk what is open, and what changed since the last good look."""
        if not row.ours and row.id not in self._ours:
            return False
        if not cursor.walk:
            return True
        recent = cursor.since > 0 and row.stamp >= cursor.since - int(self._options.overlap)
        return recent or (row.open and stream.name in RECORDS)

    def _take_children(self, look: _Look, rows: Sequence[Row]) -> None:
        for row in rows:
            if not row.deleted:
                continue
            parent = self._parent_of.pop(row.id, None)
            if parent is not None:
                look.parents[parent] = None
            elif self._cold:
                look.lost = True
        self._learn(rows)

    def _learn(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if row.parent is not None and len(self._parent_of) < _MOST_REMEMBERED:
                self._parent_of[row.id] = row.parent

    # --- what it leads to --------------------------------------------------------------------------

    async def _read(self, look: _Look, tools: Tools) -> list[Snapshot]:
        """Fresh reads of all that changed; what cannot be read any more is gone."""
        around = await self._bench.deals_of(list(look.people), tools) if look.people else []
        look.parents.update(dict.fromkeys(around))
        ids = list({**look.deals, **look.parents})
        deals, leads = await asyncio.gather(
            self._bench.read(ids, tools) if ids else _nothing(),
            self._bench.read_leads(list(look.leads), tools) if look.leads else _nothing(),
        )
        look.gone.update({one: None for one in look.deals if one not in deals})
        look.gone.update({one: None for one in look.leads if one not in leads})
        for one in (*deals, *leads):
            look.gone.pop(one, None)
        found = [
            one
            for one in deals.values()
            if one.id in look.deals or one.enrolled or one.partner_id or one.id in self._ours
        ]
        found += leads.values()
        if len(self._ours) < _MOST_REMEMBERED:
            self._ours.update(one.id for one in found)
        return found

    def _cursor_after(self, look: _Look) -> Cursor:
        cursor = look.cursor
        if cursor.pages:
            return replace(cursor, token=self._remembered(look))
        self._cold = False
        if look.lost:
            return Cursor(walk=True, since=cursor.start)
        token = self._remembered(look)
        return Cursor(links=cursor.links, marks=cursor.marks, since=cursor.start, token=token)

    # --- streams without change tracking -----------------------------------------------------------

    def _mark(self, cursor: Cursor, stream: Stream, rows: Sequence[Row], page: Page) -> int:
        """The newest stamp seen, never beyond the server's time, and in quiet times not far behind it."""
        before = cursor.marks.get(stream.id, 0)
        last = max((row.stamp for row in rows), default=0)
        if page.since is None:
            return max(before, last)
        mark = max(before, min(last, int(page.since)))
        quiet = int(page.since - self._options.overlap)
        return quiet if page.next is None and quiet - mark >= _STEP else mark

    def _remembered(self, look: _Look) -> str:
        """The name of what was reported up to here; a cursor that is never stored takes it along."""
        before = look.cursor.token
        if not look.added:
            return before
        floor = min(look.cursor.marks.values(), default=0) - int(self._options.overlap) - _STEP
        kept = {key: one for key, one in look.seen.items() if one[1] >= floor}
        self._count += 1
        token = f"{self._name}.{self._count}"
        self._memory = {before: look.seen, token: {**kept, **look.added}}
        return token


class _LinkExpired(Exception):
    """The server has forgotten what this link stood for."""


def _is_news(look: _Look, stream: Stream, row: Row) -> bool:
    """Whether this version of a row was not reported yet; the overlap brings the others again."""
    key, version = (stream.name, row.id), (row.version, row.stamp)
    if look.seen.get(key) == version:
        return False
    look.added[key] = version
    return True


def _place(look: _Look, stream: Stream, row: Row) -> None:
    if stream.name == DEAL:
        look.deals[row.id] = None
    elif stream.name == LEAD:
        look.leads[row.id] = None
    elif row.parent is not None:
        look.parents[row.parent] = None
    elif not stream.parent:
        look.people[stream.name, row.id] = None


async def _nothing() -> dict[str, Snapshot]:
    return {}
