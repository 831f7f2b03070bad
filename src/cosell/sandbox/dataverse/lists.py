"""Lists of rows: `$filter`, `$orderby`, `$top`, `$count`, pages (sheet section 2.3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from cosell.sandbox.dataverse.calls import Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError, bad_request, not_simulated
from cosell.sandbox.dataverse.odata import Expand, Order, pick, read_order, read_selection
from cosell.sandbox.dataverse.odata.ordering import Place, place_of, sort_rows, ways
from cosell.sandbox.dataverse.odata.paths import Scope
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.paging import Cookie, malformed_cookie, next_link, read_cookie
from cosell.sandbox.dataverse.security import require, visible
from cosell.sandbox.dataverse.shapes import Nested, Shaper
from cosell.sandbox.dataverse.store import Row

LIST = "application/json; odata.metadata=minimal; odata.streaming=true"
TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"
_KNOWN = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken"}
)
_UNSERVED = frozenset({"$apply", "$search", "$compute", "fetchXml", "userQuery", "savedQuery"})


class Lists:
    """Answers what asks for many rows."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(self, call: Call, table: Table, rows: list[Row], path: str, context: str) -> Reply:
        """One page of `rows`; `path` is where they are asked for, `context` what they are called."""
        options = check_options(call.options())
        if "$deltatoken" in options:
            raise unsupported("$deltatoken")
        scope = Scope(self._org, table, call.actor)
        require(self._org, call.actor, table, "Read")
        selection = read_selection(scope, options)
        orders = read_order(scope, options.get("$orderby"))
        found = self._found(scope, options, orders, rows)
        page, cookie = self._page(call, table, options, orders, found)
        shaper = Shaper(self._org, call, self.nested(call))
        body: dict[str, Any] = {"@odata.context": f"{call.root}/$metadata#{context}{selection.context}"}
        self._count(call, options, len(found), body)
        body["value"] = [shaper.row(table, row, selection) for row in page]
        if cookie is not None:
            body["@odata.nextLink"] = next_link(call, path, cookie)
        return Reply(200, body, {"Content-Type": LIST, **applied(call, paged=True)})

    def count(self, call: Call, table: Table, rows: list[Row]) -> Reply:
        """The bare number of rows a filter selects."""
        options = check_options(call.options())
        require(self._org, call.actor, table, "Read")
        scope = Scope(self._org, table, call.actor)
        number = min(len(self._found(scope, options, [], rows)), self._org.settings.largest_count)
        return Reply(200, str(number).encode(), {"Content-Type": "text/plain"})

    def nested(self, call: Call) -> Nested:
        """How an expanded collection is picked, sorted and cut."""

        def pick(table: Table, row: Row, one: Expand, rows: list[Row]) -> tuple[list[Row], str | None]:
            scope = Scope(self._org, one.table, call.actor)
            orders = read_order(scope, one.options.get("$orderby"))
            found = self._found(scope, one.options, orders, rows)
            inner = replace(call, query=urlencode(one.options, safe="$,/'()"))
            page, cookie = self._page(inner, one.table, one.options, orders, found)
            path = f"{table.entity_set}({row[table.primary_id]})/{one.name}"
            return page, None if cookie is None else next_link(inner, path, cookie)

        return pick

    def _found(
        self, scope: Scope, options: Mapping[str, str], orders: list[Order], rows: list[Row]
    ) -> list[Row]:
        rows = visible(self._org, scope.actor, scope.table, rows)
        text = options.get("$filter")
        if text is not None:
            aliases = {name: value for name, value in options.items() if name.startswith("@")}
            rows = pick(scope, text, aliases, rows)
        return sort_rows(orders, scope.table.primary_id, rows)

    def _page(
        self, call: Call, table: Table, options: Mapping[str, str], orders: list[Order], rows: list[Row]
    ) -> tuple[list[Row], Cookie | None]:
        """The rows of this page, and the cookie of the next."""
        wish, largest = call.prefers.page_size, self._org.settings.largest_page
        size = min(wish or largest, largest)
        number, start = 1, 0
        if "$skiptoken" in options:
            cookie = read_cookie(options["$skiptoken"])
            if len(cookie.last) != len(orders) + 1:
                raise malformed_cookie()
            number = cookie.page
            last = Place(cookie.last, ways(orders))
            try:
                start = bisect_right(rows, last, key=lambda row: place_of(orders, table.primary_id, row))
            except TypeError:
                raise malformed_cookie() from None
        top = _top(options)
        if top is not None and wish is None:
            return rows[start : start + min(top, largest)], None
        page = rows[start : start + size]
        if start + size >= len(rows):
            return page, None
        return page, Cookie(number + 1, place_of(orders, table.primary_id, page[-1]).values)

    def _count(self, call: Call, options: Mapping[str, str], number: int, body: dict[str, Any]) -> None:
        counted = options.get("$count", "false")
        if counted not in ("true", "false"):
            raise bad_request(f"The value '{counted}' of $count is not valid.")
        largest = self._org.settings.largest_count
        if counted == "true":
            body["@odata.count"] = min(number, largest)
        if call.prefers.wants(TOTAL):
            body[f"@{TOTAL}"] = min(number, largest) if counted == "true" else -1
            body[f"@{TOTAL}limitexceeded"] = counted == "true" and number > largest


def check_options(options: Mapping[str, str]) -> Mapping[str, str]:
    """The query options, refused where the product knows none of the name (trap 4) or the sandbox has not."""
    for name in options:
        if name in _UNSERVED:
            raise not_simulated(name)
        if name.startswith("$") and name not in _KNOWN:
            raise unsupported(name)
    return options


def unsupported(name: str) -> DataverseError:
    return bad_request(f"The query parameter {name} is not supported")


def _top(options: Mapping[str, str]) -> int | None:
    text = options.get("$top")
    if text is None:
        return None
    if not text.isdigit():
        raise bad_request(f"Invalid value '{text}' for $top query option.")
    return int(text)


def applied(
    call: Call, *, representation: bool = False, paged: bool = False, tracked: bool = False
) -> dict[str, str]:
    """The Preference-Applied header: what was honoured of the wishes."""
    wishes, made = call.prefers, []
    if representation and wishes.representation:
        made.append("return=representation")
    if wishes.annotations:
        made.append(f'odata.include-annotations="{",".join(wishes.annotations)}"')
    if paged and wishes.page_size is not None:
        made.append(f"odata.maxpagesize={wishes.page_size}")
    if tracked and wishes.track:
        made.append("odata.track-changes")
    return {"Preference-Applied": ",".join(made)} if made else {}
