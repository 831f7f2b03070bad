"""Chooses which rows a query must look at, so that the usual ones need not look at all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.soql.conditions import wire_value
from cosell.sandbox.salesforce.soql.paths import Scope
from cosell.sandbox.salesforce.soql.tree import And, Comparison, Condition, Literal, Or
from cosell.sandbox.salesforce.store import Row, Table


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows by the values of an indexed field, or by stamp from a bound on, or all."""

    field: str | None = None
    values: tuple[Any, ...] = ()
    since: str | None = None

    def rows(self, table: Table) -> Iterable[Row]:
        """The candidates, which still have to pass the condition."""
        if self.field == "Id":
            return [table.rows[row_id] for row_id in sorted(set(self.values)) if row_id in table.rows]
        if self.field is not None:
            ids = {row_id for value in self.values for row_id in table.ids_where(self.field, value)}
            return [table.rows[row_id] for row_id in sorted(ids)]
        if self.since is not None:
            return table.since(self.since)
        return table.rows.values()


def plan(scope: Scope, where: Condition | None, *, by_stamp: bool) -> Plan:
    """The cheapest safe set of candidates; `by_stamp` asks for them in stamp order if nothing is better."""
    terms = where.terms if isinstance(where, And) else (where,) if where is not None else ()
    best: tuple[int, Plan] | None = None
    for term in terms:
        field = _indexed(scope, term)
        if field is not None and isinstance(term, Comparison):
            made = Plan(field.name, _values(scope, field, term))
            if best is None or len(made.values) * (field.name != "Id") < best[0]:
                best = (len(made.values) * (field.name != "Id"), made)
    if best is not None:
        return best[1]
    bound = _bound(scope, where) if where is not None else None
    return Plan(since=bound if bound is not None else "" if by_stamp else None)


def filters_by(scope: Scope, where: Condition | None, names: frozenset[str]) -> bool:
    """Whether the condition fixes one of the named lookups."""
    terms = where.terms if isinstance(where, And) else (where,) if where is not None else ()
    fields = [_indexed(scope, term) for term in terms]
    return any(field is not None and field.name in names for field in fields)


def _own(scope: Scope, one: Comparison) -> Field | None:
    parts = scope.own_parts(one.field)
    return scope.seen.fields.get(parts[0].lower()) if len(parts) == 1 else None


def _indexed(scope: Scope, term: Condition) -> Field | None:
    if not isinstance(term, Comparison) or term.negated or term.operator not in ("=", "IN"):
        return None
    field = _own(scope, term)
    if field is None or not (field.type in ("id", "reference") or field.external_id or field.unique):
        return None
    literals = term.value if isinstance(term.value, tuple) else (term.value,)
    usable = all(isinstance(one, Literal) and one.kind == "string" and one.text for one in literals)
    return field if usable else None


def _values(scope: Scope, field: Field, term: Comparison) -> tuple[Any, ...]:
    literals = term.value if isinstance(term.value, tuple) else (term.value,)
    return tuple(wire_value(scope, field, one) for one in literals if isinstance(one, Literal))


def _bound(scope: Scope, condition: Condition) -> str | None:
    """The earliest SystemModstamp that can pass the condition; None if it says nothing about it."""
    if isinstance(condition, And):
        bounds = [bound for term in condition.terms if (bound := _bound(scope, term)) is not None]
        return max(bounds) if bounds else None
    if isinstance(condition, Or):
        either = [_bound(scope, term) for term in condition.terms]
        known = [bound for bound in either if bound is not None]
        return min(known) if len(known) == len(either) else None
    if not isinstance(condition, Comparison) or condition.operator not in ("=", ">", ">="):
        return None
    field = _own(scope, condition)
    if field is None or field.name != "SystemModstamp" or not isinstance(condition.value, Literal):
        return None
    if condition.value.kind != "datetime":
        return None
    return str(wire_value(scope, field, condition.value))
