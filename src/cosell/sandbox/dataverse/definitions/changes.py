"""RetrieveMetadataChanges: chosen properties of chosen tables and columns in one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.definitions.attributes import Attributes
from cosell.sandbox.dataverse.definitions.options import Definition, Options
from cosell.sandbox.dataverse.errors import bad_request, not_simulated

_ALWAYS = ("@odata.type", "MetadataId", "LogicalName")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda one, two: bool(one == two),
    "NotEquals": lambda one, two: bool(one != two),
    "In": lambda one, two: isinstance(two, list) and one in two,
    "NotIn": lambda one, two: isinstance(two, list) and one not in two,
}


def query_in(text: str) -> Mapping[str, Any]:
    """The query expression; refused where it is none."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise bad_request("The parameter 'Query' is not an EntityQueryExpression.")
    return found


def found_in(query: Mapping[str, Any], tables: Iterable[tuple[Table, Definition]]) -> list[Definition]:
    """The tables that meet the query, each with the properties it names."""
    found = []
    for table, definition in tables:
        if not _meets(query, definition):
            continue
        shown = _projected(query, definition)
        names = _names(query)
        if names is None or "Attributes" in names:
            shown["Attributes"] = _columns(table, query.get("AttributeQuery") or {})
        found.append(shown)
    return found


def _columns(table: Table, query: Mapping[str, Any]) -> list[Definition]:
    columns = Attributes(table).listed(None, Options())
    return [_projected(query, one) for one in columns if _meets(query, one)]


def _names(query: Mapping[str, Any]) -> list[str] | None:
    """The properties wanted; None for all of them."""
    wanted = query.get("Properties") or {}
    if not isinstance(wanted, dict) or wanted.get("AllProperties") is True:
        return None
    names = wanted.get("PropertyNames")
    return [str(one) for one in names] if isinstance(names, list) else []


def _projected(query: Mapping[str, Any], definition: Definition) -> Definition:
    """What was asked for of a definition; a property that its kind has not is passed over."""
    names = _names(query)
    if names is None:
        return dict(definition)
    return {name: value for name, value in definition.items() if name in (*_ALWAYS, *names)}


def _meets(query: Mapping[str, Any], definition: Definition) -> bool:
    criteria = query.get("Criteria") or {}
    if not isinstance(criteria, dict) or criteria.get("Filters"):
        raise not_simulated("nested filters of RetrieveMetadataChanges")
    tests = [_holds(one, definition) for one in criteria.get("Conditions") or ()]
    return any(tests) if criteria.get("FilterOperator") == "Or" else all(tests)


def _holds(condition: Any, definition: Definition) -> bool:
    if not isinstance(condition, dict) or condition.get("PropertyName") not in definition:
        raise bad_request("A condition of the query names no property.")
    operator = _OPERATORS.get(str(condition.get("ConditionOperator")))
    if operator is None:
        raise not_simulated(f"the operator {condition.get('ConditionOperator')} of RetrieveMetadataChanges")
    value = condition.get("Value")
    wanted = value.get("Value") if isinstance(value, dict) else value
    return operator(definition[condition["PropertyName"]], wanted)
