"""The functions of `Microsoft.Dynamics.CRM` in a `$filter`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.dataverse.errors import bad_request, not_simulated
from cosell.sandbox.dataverse.odata.paths import Read, Scope
from cosell.sandbox.dataverse.odata.periods import period
from cosell.sandbox.dataverse.odata.tree import Function, Literal
from cosell.sandbox.dataverse.odata.typed import comparable, typed
from cosell.sandbox.dataverse.org import wire_moment
from cosell.sandbox.dataverse.store import Ref, Row

Test = Callable[[Row], bool]


def compile_function(scope: Scope, one: Function) -> Test:
    """A function as a function of a row."""
    column, read = scope.column(one.name.parts, logical=True)
    norm = comparable(column, read)
    if one.function in ("In", "NotIn"):
        return _listed(column, norm, one)
    if one.function in ("Between", "NotBetween"):
        return _between(column, norm, one)
    if one.function in ("ContainValues", "DoesNotContainValues"):
        return _contains(column, read, one)
    if one.function in ("EqualUserId", "NotEqualUserId"):
        me = Ref("systemuser", scope.actor.writes_as)
        return lambda row: (read(row) == me) == (one.function == "EqualUserId")
    return _in_time(scope, column, norm, one)


def _literal(column: Column, value: Literal) -> Any:
    """A value of a list; lists carry everything as text."""
    if value.kind != "string":
        return typed(column, value)
    if column.kind in ("string", "memo", "multipicklist"):
        return typed(column, value)
    kind = {"boolean": "boolean", "lookup": "guid", "uniqueidentifier": "guid"}.get(column.kind, "number")
    if column.kind == "datetime":
        kind = "moment" if "T" in value.text.upper() else "day"
    elif kind == "number" and not value.text.lstrip("+-").replace(".", "", 1).isdigit():
        raise bad_request(f"The value '{value.text}' does not fit '{column.name}'.")
    return typed(column, Literal(kind, value.text))


def _listed(column: Column, norm: Read, one: Function) -> Test:
    wanted, inside = listed_values(column, one), one.function == "In"
    return lambda row: (norm(row) in wanted) == inside


def listed_values(column: Column, one: Function) -> frozenset[Any]:
    """The values of an `In`, as rows compare them."""
    if not one.values:
        raise bad_request(f"The function {one.function} needs PropertyValues.")
    return frozenset(_literal(column, value) for value in one.values)


def _between(column: Column, norm: Read, one: Function) -> Test:
    if len(one.values) != 2:
        raise bad_request(f"The function {one.function} needs two PropertyValues.")
    low, high = (_literal(column, value) for value in one.values)
    inside = one.function == "Between"
    return lambda row: (value := norm(row)) is not None and (low <= value <= high) == inside


def _contains(column: Column, read: Read, one: Function) -> Test:
    if column.kind != "multipicklist":
        raise bad_request(f"The function {one.function} does not fit '{column.name}'.")
    try:
        wanted = {int(value.text) for value in one.values}
    except ValueError:
        raise bad_request(f"The function {one.function} needs choice values.") from None
    inside = one.function == "ContainValues"
    return lambda row: bool(wanted & set(read(row) or ())) == inside


def _in_time(scope: Scope, column: Column, norm: Read, one: Function) -> Test:
    if column.kind != "datetime":
        raise bad_request(f"The function {one.function} does not fit '{column.name}'.")
    if one.function in _DAYS:
        return _by_day(column, norm, one)
    number = None
    if one.values:
        try:
            number = int(one.values[0].text)
        except ValueError:
            raise bad_request(f"The function {one.function} needs a whole number.") from None
    span = period(one.function, scope.org.now(), number)
    if span is None:
        raise not_simulated(f"the function {one.function}")
    low, high = (None if at is None else _bound(column, at) for at in span)

    def test(row: Row) -> bool:
        value = norm(row)
        return value is not None and (low is None or low <= value) and (high is None or value < high)

    return test


def _bound(column: Column, at: datetime) -> str:
    if not column.date_only:
        return wire_moment(at)
    # A day is before an exclusive end that lies inside it.
    midnight = at.replace(hour=0, minute=0, second=0)
    return (at if at == midnight else midnight + timedelta(days=1)).astimezone(UTC).isoformat()[:10]


def _by_day(column: Column, norm: Read, one: Function) -> Test:
    if len(one.values) != 1:
        raise bad_request(f"The function {one.function} needs a PropertyValue.")
    day = str(_literal(column, one.values[0]))[:10]
    compare = _DAYS[one.function]
    return lambda row: (value := norm(row)) is not None and compare(value[:10], day)


_DAYS: dict[str, Callable[[str, str], bool]] = {
    "On": lambda value, day: value == day,
    "NotOn": lambda value, day: value != day,
    "OnOrAfter": lambda value, day: value >= day,
    "OnOrBefore": lambda value, day: value <= day,
}
