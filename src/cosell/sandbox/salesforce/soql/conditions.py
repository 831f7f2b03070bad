"""Turns WHERE into a function of a row, refusing what the field cannot be compared with."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from cosell.sandbox.salesforce.errors import SalesforceError
from cosell.sandbox.salesforce.fields import NUMERIC, REFERENCES, Field
from cosell.sandbox.salesforce.ids import long_id
from cosell.sandbox.salesforce.soql.lexer import trouble
from cosell.sandbox.salesforce.soql.paths import Read, Scope
from cosell.sandbox.salesforce.soql.periods import period
from cosell.sandbox.salesforce.soql.tree import And, Comparison, Condition, Literal, Not, Or, Select
from cosell.sandbox.salesforce.store import Row
from cosell.sandbox.salesforce.values import moment_of

Test = Callable[[Row], bool]
RunInner = Callable[[Select], frozenset[Any]]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_test(scope: Scope, condition: Condition, run_inner: RunInner) -> Test:
    """The condition as a function of a row."""
    if isinstance(condition, And):
        terms = [compile_test(scope, term, run_inner) for term in condition.terms]
        return lambda row: all(term(row) for term in terms)
    if isinstance(condition, Or):
        terms = [compile_test(scope, term, run_inner) for term in condition.terms]
        return lambda row: any(term(row) for term in terms)
    if isinstance(condition, Not):
        inside = compile_test(scope, condition.term, run_inner)
        return lambda row: not inside(row)
    return _comparison(scope, condition, run_inner)


def _comparison(scope: Scope, one: Comparison, run_inner: RunInner) -> Test:
    field, read = scope.resolve(one.field)
    if not field.filterable:
        message = f"field '{field.name}' can not be filtered in a query call"
        raise trouble("INVALID_FIELD", scope.soql, one.field.at, message)
    kind = kind_of(field)
    norm = _normal(read, kind)
    if isinstance(one.value, Select):
        found = run_inner(one.value)
        return lambda row: (norm(row) in found) != one.negated
    if isinstance(one.value, tuple):
        return _listed(scope, one, field, norm)
    if one.operator == "LIKE":
        return _like(scope, one, field, norm)
    if one.value.kind == "period":
        return _in_period(scope, one, field, norm)
    value = wire_value(scope, field, one.value)
    return _simple(scope, one, kind, value, norm)


def _simple(scope: Scope, one: Comparison, kind: str, value: Any, norm: Read) -> Test:
    if one.operator == "=":
        return lambda row: norm(row) == value
    if one.operator == "!=":
        return lambda row: norm(row) != value
    if kind == "boolean":
        raise trouble(
            "INVALID_QUERY_FILTER_OPERATOR", scope.soql, one.field.at, "invalid operator on boolean field"
        )
    compare = _COMPARE[one.operator]

    def ordered(row: Row) -> bool:
        have = norm(row)
        return have is not None and value is not None and compare(have, value)

    return ordered


def kind_of(field: Field) -> str:
    """How values of the field compare: id, number, boolean, date, datetime or text."""
    if field.type in REFERENCES:
        return "id"
    if field.type in NUMERIC:
        return "number"
    return field.type if field.type in ("boolean", "date", "datetime") else "text"


def _normal(read: Read, kind: str) -> Read:
    if kind == "text":

        def folded(row: Row) -> Any:
            value = read(row)
            return value.lower() if value is not None else None

        return folded
    if kind == "datetime":

        def seconds(row: Row) -> Any:
            value = read(row)
            return value[:19] if value is not None else None

        return seconds
    return read


def wire_value(scope: Scope, field: Field, literal: Literal) -> Any:
    """The literal as rows hold it, ready to compare; refuses one of another type."""
    kind = kind_of(field)
    if literal.kind == "null":
        return False if kind == "boolean" else None
    if kind == "id" and literal.kind == "string":
        return _id_value(scope, literal)
    if kind == "text" and literal.kind == "string":
        return literal.text.lower() or None
    if kind != literal.kind:
        raise _wrong_kind(scope, field, kind, literal)
    return _typed(scope, field, kind, literal)


def _typed(scope: Scope, field: Field, kind: str, literal: Literal) -> Any:
    if kind == "number":
        return float(literal.text)
    if kind == "boolean":
        return literal.text == "TRUE"
    if kind == "date":
        return literal.text
    wire = moment_of(literal.text)
    if wire is None:
        raise _wrong_kind(scope, field, kind, literal)
    return wire[:19]


def _id_value(scope: Scope, literal: Literal) -> str | None:
    if literal.text == "":
        return None
    row_id = long_id(literal.text)
    if row_id is None:
        message = f"invalid ID field: {literal.text}"
        raise trouble("INVALID_QUERY_FILTER_OPERATOR", scope.soql, literal.at, message)
    return row_id


def _wrong_kind(scope: Scope, field: Field, kind: str, literal: Literal) -> SalesforceError:
    names = {"id": "ID", "text": "string", "datetime": "dateTime", "number": field.type}
    quotes = "should be" if kind in ("id", "text") else "should not be"
    message = (
        f"value of filter criterion for field '{field.name}' must be of type {names.get(kind, kind)} and"
        f" {quotes} enclosed in quotes"
    )
    return trouble("INVALID_FIELD", scope.soql, literal.at, message)


def _listed(scope: Scope, one: Comparison, field: Field, norm: Read) -> Test:
    literals = one.value if isinstance(one.value, tuple) else ()
    wanted = frozenset(wire_value(scope, field, literal) for literal in literals)
    if one.operator == "IN":
        return lambda row: (norm(row) in wanted) != one.negated
    if field.type != "multipicklist":
        raise trouble(
            "INVALID_QUERY_FILTER_OPERATOR", scope.soql, one.field.at, "only valid on multipicklist fields"
        )
    groups = [set(str(value).split(";")) for value in wanted]

    def includes(row: Row) -> bool:
        have = set((norm(row) or "").split(";"))
        return any(group <= have for group in groups) == (one.operator == "INCLUDES")

    return includes


def _like(scope: Scope, one: Comparison, field: Field, norm: Read) -> Test:
    literal = one.value
    if not isinstance(literal, Literal) or literal.kind != "string" or kind_of(field) != "text":
        message = f"invalid operator on {field.type} field"
        raise trouble("INVALID_QUERY_FILTER_OPERATOR", scope.soql, one.field.at, message)
    pattern = re.compile(_like_pattern(literal.text.lower()), re.DOTALL)

    def matches(row: Row) -> bool:
        have = norm(row)
        return have is not None and pattern.fullmatch(have) is not None

    return matches


def _like_pattern(text: str) -> str:
    parts = re.split(r"(\\[%_]|[%_])", text)
    wild = {"%": ".*", "_": ".", "\\%": "%", "\\_": "_"}
    return "".join(wild.get(part, re.escape(part)) for part in parts)


def _in_period(scope: Scope, one: Comparison, field: Field, norm: Read) -> Test:
    literal = one.value
    days = period(literal.text, scope.org.now().date()) if isinstance(literal, Literal) else None
    if days is None or kind_of(field) not in ("date", "datetime"):
        shown = literal.text if isinstance(literal, Literal) else ""
        raise trouble("MALFORMED_QUERY", scope.soql, one.field.at, f"unexpected token: '{shown}'")
    # A date and the first ten characters of a date-time compare alike.
    start, end = days[0].isoformat(), days[1].isoformat()
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda have: start <= have < end,
        "!=": lambda have: not start <= have < end,
        "<": lambda have: have < start,
        "<=": lambda have: have < end,
        ">": lambda have: have >= end,
        ">=": lambda have: have >= start,
    }
    test = tests[one.operator]

    def within(row: Row) -> bool:
        have = norm(row)
        return one.operator == "!=" if have is None else test(have)

    return within
