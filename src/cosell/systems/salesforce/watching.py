"""What changed since the last look: stamps in server time, looked at twice, reported once (10.2, INV-21)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cosell.ports import Changes
from cosell.systems.salesforce import deleted
from cosell.systems.salesforce.access import Access, Tools
from cosell.systems.salesforce.client import MOST_QUERIES, Answer, Part, query_part
from cosell.systems.salesforce.cursor import Cursor, Place, parse
from cosell.systems.salesforce.soql import literal, long_id, select
from cosell.systems.salesforce.streams import Row, Stream, our_leads, streams

Seen = Mapping[tuple[str, str], int]
"""Stamp by stream and row id, of rows reported already."""
_STEP = 60
_DAY = 86400


@dataclass(slots=True)
class _Poll:
    """What one poll has found so far."""

    cursor: Cursor
    seen: Seen
    marks: dict[str, int]
    places: dict[str, Place]
    touched: dict[str, None] = field(default_factory=dict)
    added: dict[tuple[str, str], int] = field(default_factory=dict)
    deleted: int = 0
    walk: bool = False


class Watching:
    """Polls one org. What was reported is remembered under the cursor that was answered with it.

    A cursor that was never stored takes its memory with it, so a report that got lost is repeated.
    """

    def __init__(self, access: Access) -> None:
        self._access, self._options = access, access.options
        self._parents = deleted.Parents()
        access.learn = self._parents.learn
        self._memory: dict[str, Seen] = {}
        self._name, self._count = uuid.uuid4().hex[:8], 0

    async def changes(self, text: str | None) -> Changes:
        """What changed since the cursor; with None, or a cursor nobody can read, everything open."""
        tools = await self._access.tools()
        cursor = parse(text)
        if cursor is None or cursor.walk_start is not None:
            return await self._walk(cursor, tools)
        return await self._poll(cursor, tools, text or "")

    # --- everything open ---------------------------------------------------------------------------

    async def _walk(self, cursor: Cursor | None, tools: Tools) -> Changes:
        after = cursor.walk_after if cursor is not None else ""
        limit = self._options.walk_page
        lead = tools.schema.lead
        of_leads = lead is not None and lead.owns(after)
        source, where = "Opportunity", f"{tools.schema.needed('sync')} = true AND IsClosed = false"
        if lead is not None and of_leads:
            source, where = "Lead", f"{our_leads(lead)} AND {lead.needed('converted')} = false"
        beyond = f" AND Id > {literal(after)}" if long_id(after) else ""
        soql = select(("Id",), source, f"WHERE {where}{beyond} ORDER BY Id LIMIT {limit}")
        answers = await self._access.client.reads([query_part(soql, "walk")], purpose="walk")
        rows = await self._access.client.rows(answers["walk"], purpose="walk")
        ids = [long for row in rows if isinstance(raw := row.get("Id"), str) and (long := long_id(raw))]
        found = await self._access.read(ids, tools)
        start = cursor.walk_start if cursor is not None else None
        if start is None:
            since = answers["walk"].since
            start = int(since if since is not None else self._access.clock.now() - _DAY)
        more = len(rows) >= limit and bool(ids)
        if more:
            then = Cursor(walk_start=start, walk_after=ids[-1])
        elif lead is not None and not of_leads:
            more, then = True, Cursor(walk_start=start, walk_after=lead.prefix)
        else:
            self._parents.warm = self._parents.warm or not after
            then = Cursor(marks={one.name: start for one in streams(tools.schema)}, deleted=start)
        return Changes(tuple(found.values()), (), then.text(), more)

    # --- what changed ------------------------------------------------------------------------------

    async def _poll(self, cursor: Cursor, tools: Tools, text: str) -> Changes:
        await self._parents.warm_up(self._access, tools)
        asked = list(streams(tools.schema))
        window = self._deletions_due(cursor)
        parts = [query_part(self._query(one, cursor), f"s{at}") for at, one in enumerate(asked)]
        if window is not None:
            parts += deleted.parts(tools.schema, *window)
        answers: dict[str, Answer] = {}
        for some in _calls(parts):
            answers |= await self._access.client.reads(some, purpose="poll")
        seen = self._memory.get(cursor.token, {})
        poll = _Poll(cursor, seen, dict(cursor.marks), dict(cursor.places), deleted=cursor.deleted)
        for at, one in enumerate(asked):
            await self._take(poll, one, answers[f"s{at}"])
        if window is not None:
            await self._take_deleted(poll, tools, answers, window)
        ids = list(poll.touched)
        found = await self._access.read(ids, tools)
        gone = tuple(one for one in ids if one.casefold() not in found)
        then = self._cursor_after(poll)
        return Changes(tuple(found.values()), gone, then, more=bool(poll.places) or poll.walk)

    def _query(self, stream: Stream, cursor: Cursor) -> str:
        since = cursor.marks.get(stream.name, min(cursor.marks.values(), default=cursor.deleted))
        place = cursor.places.get(stream.name)
        return stream.query(since - int(self._options.overlap), place, self._options.poll_page)

    async def _take(self, poll: _Poll, stream: Stream, answer: Answer) -> None:
        """Notes the rows of one stream and moves its watermark."""
        raw = await self._access.client.rows(answer, purpose="poll")
        rows = [row for one in raw if (row := stream.read(one)) is not None]
        for row in rows:
            self._note(poll, stream.name, row, answer.since)
        if len(raw) >= self._options.poll_page and rows:
            poll.places[stream.name] = Place(rows[-1].stamp, rows[-1].row_id)
            return
        poll.places.pop(stream.name, None)
        last = max((row.stamp for row in rows), default=0)
        poll.marks[stream.name] = self._watermark(poll.marks.get(stream.name, 0), last, answer.since)

    def _note(self, poll: _Poll, stream: str, row: Row, since: float | None) -> None:
        key = (stream, row.row_id)
        if poll.seen.get(key) == row.stamp:
            return
        poll.touched[row.opportunity] = None
        # A row stamped in a second that is not over may change again under the same stamp: look once more.
        if since is not None and since >= row.stamp + 1:
            poll.added[key] = row.stamp

    def _watermark(self, before: int, last: int, since: float | None) -> int:
        """The newest stamp seen, never beyond the server's time, and in quiet times not far behind it."""
        if since is None:
            return max(before, last)
        mark = max(before, min(last, int(since)))
        quiet = int(since - self._options.overlap)
        return quiet if quiet - mark >= _STEP else mark

    def _cursor_after(self, poll: _Poll) -> str:
        token = poll.cursor.token
        if poll.added:
            floor = min(poll.marks.values(), default=0) - int(self._options.overlap) - _STEP
            kept = {key: at for key, at in poll.seen.items() if at >= floor}
            self._count += 1
            token = f"{self._name}.{self._count}"
            self._memory = {poll.cursor.token: poll.seen, token: {**kept, **poll.added}}
        after = replace(poll.cursor, token=token, marks=poll.marks, places=poll.places, deleted=poll.deleted)
        if poll.walk:
            after = Cursor(token=token, walk_start=poll.deleted)
        return after.text()

    # --- deletions ---------------------------------------------------------------------------------

    def _deletions_due(self, cursor: Cursor) -> tuple[int, int] | None:
        now = self._access.client.server_now()
        if now is None or now - cursor.deleted < self._options.deleted_every:
            return None
        return deleted.window(cursor.deleted - int(self._options.overlap), now)

    async def _take_deleted(
        self, poll: _Poll, tools: Tools, answers: Mapping[str, Answer], window: tuple[int, int]
    ) -> None:
        names = list(deleted.objects(tools.schema))
        poll.deleted = window[1]
        if any(deleted.log_is_lost(answers[f"x{at}"]) for at in range(len(names))):
            # The log does not reach back: read everything open again, and leave the rest to the sweep.
            poll.walk = True
            return
        fresh: dict[str, Sequence[str]] = {}
        for at, name in enumerate(names):
            key = f"-{name}"
            new = [one for one in deleted.ids_of(answers[f"x{at}"]) if (key, one) not in poll.seen]
            fresh[name] = new
            poll.added.update({(key, one): window[1] for one in new})
        if any(fresh.values()):
            for one in await deleted.touched(self._access, tools, self._parents, fresh):
                poll.touched[one] = None


def _calls(parts: Sequence[Part]) -> list[Sequence[Part]]:
    """The questions in calls of at most five queries; deletions are no queries and go with the first."""
    queries = [one for one in parts if one.path.startswith("/query")]
    others = [one for one in parts if not one.path.startswith("/query")]
    first, rest = queries[:MOST_QUERIES], queries[MOST_QUERIES:]
    return [[*first, *others], rest] if rest else [parts]
