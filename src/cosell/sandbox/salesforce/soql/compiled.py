"""A checked query, ready to run over the rows and to write its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.schema import View
from cosell.sandbox.salesforce.soql.conditions import Test, compile_test, kind_of
from cosell.sandbox.salesforce.soql.lexer import trouble
from cosell.sandbox.salesforce.soql.parser import parse_condition, parse_query
from cosell.sandbox.salesforce.soql.paths import Read, Scope, no_object
from cosell.sandbox.salesforce.soql.plans import Plan, filters_by, plan
from cosell.sandbox.salesforce.soql.shapes import Shape, compile_shape
from cosell.sandbox.salesforce.soql.tree import Condition, Fields, Name, Order, Select
from cosell.sandbox.salesforce.store import ERASED, Row

_LINK_KEYS = frozenset({"ContentDocumentId", "LinkedEntityId"})
_FIELDS_LIMIT = 200
SortKey = tuple[Read, bool, bool]


@dataclass(slots=True)
class Query:
    """One compiled query. `cacheable` is false where it depends on rows read while compiling."""

    org: Org
    table: str
    count: bool
    shape: Shape
    test: Test | None
    plan: Plan
    order: tuple[SortKey, ...]
    sorted_already: bool
    limit: int | None
    offset: int
    deleted_too: bool
    cacheable: bool

    def run(self) -> list[Row]:
        """The rows that answer the query, in order."""
        return self.arrange(self.matching(self.plan.rows(self.org.store.table(self.table))))

    def arrange(self, found: Iterator[Row]) -> list[Row]:
        """Sorts and cuts rows that passed."""
        end = None if self.limit is None else self.offset + self.limit
        if self.sorted_already:
            return list(islice(found, self.offset, end))
        rows = list(found)
        for read, descending, nulls_last in reversed(self.order):
            rows = _sorted(rows, read, descending=descending, nulls_last=nulls_last)
        return rows[self.offset : end]

    def matching(self, candidates: Any) -> Iterator[Row]:
        """The candidates that pass the condition."""
        test = self.test
        for row in candidates:
            if row.get("IsDeleted") and (not self.deleted_too or row.get(ERASED)):
                continue
            if test is None or test(row):
                yield row


def _sorted(rows: list[Row], read: Read, *, descending: bool, nulls_last: bool) -> list[Row]:
    nulls = [row for row in rows if read(row) is None]
    others = [row for row in rows if read(row) is not None]
    others.sort(key=read, reverse=descending)
    return others + nulls if nulls_last else nulls + others


def compile_query(org: Org, view: View, soql: str, *, deleted_too: bool = False) -> Query:
    """Checks a query against the schema a user sees and makes it ready to run."""
    return _Compiler(org, view, soql, deleted_too).top(parse_query(soql))


def compile_condition(org: Org, view: View, sobject: str, text: str) -> Test:
    """A WHERE text as a function of a row of `sobject`."""
    seen = view.find(sobject)
    if seen is None:
        raise no_object(text, Name((sobject,), 0))
    compiler = _Compiler(org, view, text, deleted_too=False)
    return compile_test(Scope(org, view, seen, text), parse_condition(text), compiler.inner)


class _Compiler:
    def __init__(self, org: Org, view: View, soql: str, deleted_too: bool) -> None:
        self.org, self.view, self.soql, self.deleted_too = org, view, soql, deleted_too
        self.cacheable = True

    def top(self, select: Select) -> Query:
        seen = self.view.find(select.source.text)
        if seen is None:
            raise no_object(self.soql, select.source)
        scope = Scope(self.org, self.view, seen, self.soql, select.alias)
        if seen.name == "ContentDocumentLink" and not filters_by(scope, select.where, _LINK_KEYS):
            message = (
                "Implementation restriction: ContentDocumentLink requires a filter by a single Id on"
                " ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the"
                " IN operator."
            )
            raise refusal(400, "MALFORMED_QUERY", message)
        return self.query(scope, select)

    def query(self, scope: Scope, select: Select) -> Query:
        order = tuple(self.sort_key(scope, one) for one in select.order)
        by_stamp = _is_stamp_order(scope, select.order)
        chosen = plan(scope, select.where, by_stamp=by_stamp)
        return Query(
            self.org,
            scope.seen.name,
            select.count,
            compile_shape(scope, self.expanded(scope, select), self.child),
            self.test(scope, select.where),
            chosen,
            order,
            not order or (by_stamp and chosen.since is not None),
            select.limit,
            select.offset,
            self.deleted_too,
            self.cacheable,
        )

    def test(self, scope: Scope, where: Condition | None) -> Test | None:
        return compile_test(scope, where, self.inner) if where is not None else None

    def sort_key(self, scope: Scope, one: Order) -> SortKey:
        field, read = scope.resolve(one.field)
        if not field.filterable:
            message = f"field '{field.name}' can not be sorted in a query call"
            raise trouble("INVALID_FIELD", self.soql, one.field.at, message)
        return _folding(field, read), one.descending, one.nulls_last

    def inner(self, select: Select) -> frozenset[Any]:
        """The values of a semi-join, read now: the outer query is good for one run only."""
        self.cacheable = False
        query = self.top(select)
        first = select.items[0] if len(select.items) == 1 else None
        if not isinstance(first, Name):
            raise trouble("MALFORMED_QUERY", self.soql, select.at, "semi join sub-selects take one field")
        seen = self.view.find(select.source.text)
        if seen is None:
            raise no_object(self.soql, select.source)
        _, read = Scope(self.org, self.view, seen, self.soql, select.alias).resolve(first)
        return frozenset(value for row in query.run() if (value := read(row)) is not None)

    def child(self, scope: Scope, select: Select) -> tuple[str, Callable[[Row], list[Row]], Shape]:
        """A sub-query: its key in the record, its rows for a parent, and their shape."""
        asked = select.source.parts[-1]
        found = scope.seen.children.get(asked.lower())
        seen = self.view.find(found[0]) if found else None
        if found is None or seen is None:
            message = (
                f"Didn't understand relationship '{asked}' in FROM part of query call. If you are attempting"
                " to use a custom relationship, be sure to append the '__r' after the custom relationship"
                " name. Please reference your WSDL or the describe call for the appropriate names."
            )
            raise trouble("INVALID_TYPE", self.soql, select.source.at, message)
        key = found[1].name
        query = self.query(Scope(self.org, self.view, seen, self.soql, select.alias), select)
        table = seen.name
        store = self.org.store

        def rows_of(parent: Row) -> list[Row]:
            rows = store.table(table).rows
            ids = store.table(table).ids_where(key, parent["Id"])
            candidates = sorted((rows[row_id] for row_id in ids), key=lambda row: str(row["Id"]))
            found_rows = query.matching(candidates)
            return Query.arrange(_unsorted(query), found_rows)

        return found[1].children or asked, rows_of, query.shape

    def expanded(self, scope: Scope, select: Select) -> list[Name | Select]:
        """The SELECT list with FIELDS() written out."""
        items: list[Name | Select] = []
        for item in select.items:
            if not isinstance(item, Fields):
                items.append(item)
                continue
            if item.which != "STANDARD" and (select.limit is None or select.limit > _FIELDS_LIMIT):
                message = (
                    "The SOQL FIELDS function must have a LIMIT of at most 200 for FIELDS(ALL) and"
                    " FIELDS(CUSTOM)"
                )
                raise trouble("MALFORMED_QUERY", self.soql, item.at, message)
            items.extend(
                Name((one.name,), item.at) for one in scope.seen.fields.values() if _among(one, item.which)
            )
        return items


def _unsorted(query: Query) -> Query:
    """The query as it must treat rows that do not come from its own plan."""
    query.sorted_already = not query.order
    return query


def _among(field: Field, which: str) -> bool:
    return which == "ALL" or field.custom == (which == "CUSTOM")


def _folding(field: Field, read: Read) -> Read:
    if kind_of(field) != "text":
        return read

    def folded(row: Row) -> Any:
        value = read(row)
        return value.lower() if value is not None else None

    return folded


def _is_stamp_order(scope: Scope, order: tuple[Order, ...]) -> bool:
    names = [".".join(scope.own_parts(one.field)).lower() for one in order]
    plain = not any(one.descending for one in order)
    return plain and names in (["systemmodstamp"], ["systemmodstamp", "id"])
