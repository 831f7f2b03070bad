"""`/query` and `/queryAll`: pages, cursors, column metadata (reference 5)."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cosell.sandbox.salesforce.errors import not_found, refusal
from cosell.sandbox.salesforce.ids import long_id
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.soql import Query, compile_query
from cosell.sandbox.salesforce.soql.shapes import Shape
from cosell.sandbox.salesforce.store import Row
from cosell.sandbox.salesforce.wire import Call, Reply, method_not_allowed

PAGE = 2_000
SMALLEST_PAGE = 200
KEPT_QUERIES = 256
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class _Cursor:
    rows: list[Row]
    shape: Shape
    size: int
    used: datetime


class Queries:
    """Runs queries; keeps compiled ones and the open cursors."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._compiled: OrderedDict[object, Query] = OrderedDict()
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()

    def reset(self) -> None:
        """Forgets cursors and compiled queries."""
        self._compiled.clear()
        self._cursors.clear()

    def answer(self, call: Call) -> Reply:
        if call.method not in ("GET", "HEAD"):
            raise method_not_allowed(call, "GET", "HEAD")
        if len(call.path) == 2:
            return self._next(call, call.path[1])
        if len(call.path) > 2:
            raise not_found()
        soql = call.query.get("q", "")
        if not soql.strip():
            raise refusal(400, "MALFORMED_QUERY", "SOQL statement cannot be empty.")
        query = self._query(call, soql)
        rows = query.run()
        if query.count:
            return Reply(200, {"totalSize": len(rows), "done": True, "records": []})
        reply = self._page(call, _Cursor(rows, query.shape, self._size(call, query), self._org.now()), None)
        if call.query.get("columns", "").lower() == "true":
            reply.body.update(_columns(query))
        return reply

    def _query(self, call: Call, soql: str) -> Query:
        view = self._org.view(call.actor)
        deleted_too = call.path[0].lower() == "queryall"
        key = (soql, deleted_too, view.mark, self._org.now().date())
        found = self._compiled.get(key)
        if found is None:
            found = compile_query(self._org, view, soql, deleted_too=deleted_too)
            if found.cacheable:
                self._compiled[key] = found
                if len(self._compiled) > KEPT_QUERIES:
                    self._compiled.popitem(last=False)
        return found

    def _size(self, call: Call, query: Query) -> int:
        asked = _BATCH.search(call.headers.get("sforce-query-options", ""))
        size = min(PAGE, max(SMALLEST_PAGE, int(asked[1]))) if asked else PAGE
        return min(size, SMALLEST_PAGE) if query.shape.long_texts >= 2 else size

    def _page(self, call: Call, cursor: _Cursor, place: tuple[str, int] | None) -> Reply:
        start = place[1] if place else 0
        end = _page_end(cursor, start)
        body: dict[str, Any] = {"totalSize": len(cursor.rows), "done": end >= len(cursor.rows)}
        if not body["done"]:
            name = place[0] if place else self._keep(cursor)
            body["nextRecordsUrl"] = f"{call.base}/{call.path[0]}/{name}-{end}"
        body["records"] = [cursor.shape.render(row, call.base) for row in cursor.rows[start:end]]
        return Reply(200, body)

    def _keep(self, cursor: _Cursor) -> str:
        name = self._org.mint.make("01g")
        self._cursors[name] = cursor
        while len(self._cursors) > self._org.settings.open_cursors:
            self._cursors.popitem(last=False)
        return name

    def _next(self, call: Call, locator: str) -> Reply:
        name, _, place = locator.rpartition("-")
        cursor = self._cursors.get(long_id(name) or "")
        idle = timedelta(seconds=self._org.settings.cursor_seconds)
        if cursor is None or not place.isdigit() or self._org.now() - cursor.used > idle:
            self._cursors.pop(name, None)
            raise refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        cursor.used = self._org.now()
        return self._page(call, cursor, (name, int(place)))


def _page_end(cursor: _Cursor, start: int) -> int:
    """The end of a page; children count, but a page has at least one row."""
    if not cursor.shape.child_rows:
        return start + cursor.size
    weight, end = 0, start
    for row in cursor.rows[start : start + cursor.size]:
        weight += cursor.shape.weight(row)
        if weight > cursor.size and end > start:
            break
        end += 1
    return end


def _columns(query: Query) -> dict[str, Any]:
    seen = query.shape.seen
    columns: list[dict[str, Any]] = [
        {
            "aggregate": False,
            "apexType": one.type.capitalize(),
            "booleanType": one.type == "boolean",
            "columnName": parts[-1] if len(parts) == 1 else ".".join(parts),
            "custom": one.custom,
            "displayName": parts[-1] if len(parts) == 1 else ".".join(parts),
            "foreignKeyName": one.relationship,
            "insertable": one.createable,
            "joinColumns": [],
            "numberType": one.precision > 0,
            "textType": one.type in ("string", "textarea", "picklist", "email", "phone", "url"),
            "updatable": one.updateable,
        }
        for _, one, parts in query.shape.columns
    ]
    return {
        "columnMetadata": columns,
        "entityName": seen.name,
        "groupBy": False,
        "idSelected": any(one.type == "id" for _, one, _ in query.shape.columns),
        "keyPrefix": seen.object.prefix,
    }
