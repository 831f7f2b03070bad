"""Change tracking: delta links, tombstones, tokens that expire (sheet section 4.1, traps 5 and 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, refusal
from cosell.sandbox.dataverse.lists import LIST, applied, check_options
from cosell.sandbox.dataverse.odata import Selection, read_selection
from cosell.sandbox.dataverse.odata.paths import Scope
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.paging import Cookie, malformed_cookie, next_link, read_cookie
from cosell.sandbox.dataverse.security import require_whole_table
from cosell.sandbox.dataverse.shapes import Shaper
from cosell.sandbox.dataverse.store import Row

_TOKEN = re.compile(r"^(\d+)!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)$")
_REFUSED = ("$filter", "$orderby", "$expand", "$top")
_STAMP = "%m/%d/%Y %H:%M:%S"


class Tracking:
    """Answers the first read of a table with tracking, and what changed since a token."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def wanted(self, call: Call, options: Mapping[str, str]) -> bool:
        """Whether a list is asked for with change tracking; in later pages the cookie says so."""
        if "$skiptoken" in options:
            return 'istracking="true"' in options["$skiptoken"].lower()
        return call.prefers.track or "$deltatoken" in options

    def answer(self, call: Call, table: Table) -> Reply:
        """One page of the table, or of what changed in it."""
        options = check_options(call.options())
        self._check(call, table, options)
        selection = read_selection(Scope(self._org, table, call.actor), options)
        cookie = self._cookie(options)
        size = min(call.prefers.page_size or self._org.settings.largest_page, self._org.settings.largest_page)
        if cookie.since < 0:
            found, place = self._first_read(table, cookie), "id"
        else:
            found, place = self._changes(table, cookie), "version"
        page, rest = found[:size], found[size:]
        body = self._body(call, table, selection, page, delta=place == "version")
        if rest:
            at = Cookie(cookie.page + 1, [page[-1][0]], True, cookie.since, cookie.until)
            body["@odata.nextLink"] = next_link(
                call, table.entity_set, at, drop=("$deltatoken", "%24deltatoken")
            )
        else:
            body["@odata.deltaLink"] = self._delta_link(call, table, options, cookie.until)
        headers = {"Content-Type": LIST, **applied(call, paged=True, tracked=True)}
        return Reply(200, body, headers)

    def count(self, call: Call, table: Table) -> Reply:
        """The number of changes since a token."""
        options = check_options(call.options())
        self._check(call, table, options)
        number = len(self._changes(table, self._cookie(options)))
        return Reply(200, str(number).encode(), {"Content-Type": "text/plain"})

    def _check(self, call: Call, table: Table, options: Mapping[str, str]) -> None:
        if not table.change_tracking or table.name in self._org.settings.untracked_tables:
            raise refusal(400, "0x80072491", f"Entity {table.name} isn't enabled for change tracking.")
        for name in _REFUSED:
            if name in options:
                text = f'The "{name[1:]}" query parameter isn\'t supported when Change Tracking is enabled.'
                raise bad_request(text)
        require_whole_table(self._org, call.actor, table)

    def _cookie(self, options: Mapping[str, str]) -> Cookie:
        """Where to go on: at a page, at a token, or at the beginning."""
        if "$skiptoken" in options:
            return _checked(read_cookie(options["$skiptoken"]))
        # A row of a transaction still open has an older version than those that came meanwhile.
        until = self._org.settled_version()
        if "$deltatoken" not in options:
            return Cookie(1, [], True, -1, until)
        since = self._since(options["$deltatoken"])
        return Cookie(1, [], True, since, max(since, until))

    def _since(self, token: str) -> int:
        match = _TOKEN.match(token)
        if match is None:
            raise bad_request(f"The delta token '{token}' is not valid.")
        try:
            made = datetime.strptime(match[2], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            raise bad_request(f"The delta token '{token}' is not valid.") from None
        if self._org.now() - made > timedelta(days=self._life()) or int(match[1]) > self._org.version:
            raise self._expired()
        return int(match[1])

    def _life(self) -> int:
        """Days a token lives: a column of the organization."""
        row = self._org.store.get("organization", self._org.organization_id) or {}
        return int(row.get("expirechangetrackingindays", 7))

    def _expired(self) -> DataverseError:
        text = "Version stamp associated with the client has expired. Please perform a full sync."
        return refusal(self._org.settings.expired_token_status, "0x80044352", text)

    def _first_read(self, table: Table, cookie: Cookie) -> list[tuple[Any, Row | str]]:
        after = cookie.last[0] if cookie.last else ""
        rows = self._org.store.table(table.name).live
        return [(row_id, rows[row_id]) for row_id in sorted(rows) if row_id > after]

    def _changes(self, table: Table, cookie: Cookie) -> list[tuple[Any, Row | str]]:
        """New and changed rows by version, deletions after them."""
        rows = self._org.store.table(table.name)
        graves, after = False, cookie.since
        if cookie.last:
            graves, after = cookie.last[0]
        made: list[tuple[Any, Row | str]] = []
        if not graves:
            changed = rows.changed(after, cookie.until)
            made = [([False, row["versionnumber"]], row) for row in changed]
            after = cookie.since
        return made + [([True, version], gone) for version, gone in rows.buried(after, cookie.until)]

    def _body(
        self,
        call: Call,
        table: Table,
        selection: Selection,
        page: list[tuple[Any, Row | str]],
        *,
        delta: bool,
    ) -> dict[str, Any]:
        shaper = Shaper(self._org, call, lambda *_: ([], None))
        called = f"{call.root}/$metadata#{table.entity_set}"
        value = [
            {"@odata.context": f"{called}/$deletedEntity", "id": one, "reason": "deleted"}
            if isinstance(one, str)
            else shaper.row(table, one, selection)
            for _, one in page
        ]
        context = f"{called}{selection.context}"
        return {"@odata.context": f"{context}/$delta" if delta else context, "value": value}

    def _delta_link(self, call: Call, table: Table, options: Mapping[str, str], until: int) -> str:
        token = quote(f"{until}!{self._org.now().strftime(_STAMP)}", safe="").replace("%2F", "%2f")
        select = f"$select={quote(options['$select'], safe=',_')}&" if "$select" in options else ""
        return f"{call.root}/{table.entity_set}?{select}$deltatoken={token.replace('%3A', '%3a')}"


def _checked(cookie: Cookie) -> Cookie:
    """A cookie with the place of a row by id, or of a change by kind and version."""
    match cookie.last:
        case [str()] if cookie.since < 0:
            return cookie
        case [[bool(), int()]] if cookie.since >= 0:
            return cookie
    raise malformed_cookie()
