"""`$select` and `$expand`: which columns and which rows beside them an answer shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cosell.sandbox.dataverse.bodies import unknown
from cosell.sandbox.dataverse.columns import Column, Table, Target
from cosell.sandbox.dataverse.errors import bad_request
from cosell.sandbox.dataverse.odata.paths import Scope
from cosell.sandbox.dataverse.schema import Backward
from cosell.sandbox.dataverse.security import require

_INSIDE = frozenset({"$select", "$filter", "$orderby", "$top", "$expand", "$count"})


@dataclass(frozen=True, slots=True)
class Expand:
    """One expanded navigation property."""

    name: str
    table: Table
    lookup: Column | None = None
    targets: tuple[Target, ...] = ()
    backward: Backward | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The columns shown, None where all are, and the expanded properties."""

    columns: tuple[Column, ...] | None = None
    names: tuple[str, ...] = ()
    expands: tuple[Expand, ...] = ()

    @property
    def context(self) -> str:
        """What ``@odata.context`` says about it: ``(name,parentaccountid(name))``."""
        if self.columns is None and not self.expands:
            return ""
        inner = [
            f"{one.name}{one.selection.context or '()' if one.selection else '()'}" for one in self.expands
        ]
        return f"({','.join([*self.names, *inner])})"


def read_selection(scope: Scope, options: Mapping[str, str]) -> Selection:
    """The `$select` and `$expand` of a request, or of an expanded property."""
    columns: tuple[Column, ...] | None = None
    names: tuple[str, ...] = ()
    selected = options.get("$select")
    if selected is not None and selected.strip() != "*":
        names = tuple(dict.fromkeys(one.strip() for one in selected.split(",")))
        columns = tuple(_column(scope, name) for name in names)
    return Selection(columns, names, _expands(scope, options.get("$expand")))


def _column(scope: Scope, name: str) -> Column:
    found = scope.table.by_wire(name)
    if found is None or not found.readable:
        raise unknown(scope.org, scope.table, name)
    return found


def _expands(scope: Scope, text: str | None) -> tuple[Expand, ...]:
    if text is None:
        return ()
    return tuple(_expand(scope, part) for part in split_outside(text, ","))


def _expand(scope: Scope, text: str) -> Expand:
    name, bracket, inside = text.strip().partition("(")
    if bracket and not inside.endswith(")"):
        raise bad_request(f"Syntax error in $expand '{text}'.")
    options = _options(inside[:-1]) if bracket else {}
    if reached := scope.table.by_navigation(name):
        return _expand_lookup(scope, name, *reached, options)
    backward = scope.org.schema.backward(scope.table.name).get(name)
    if backward is None:
        raise unknown(scope.org, scope.table, name)
    require(scope.org, scope.actor, backward.table, "Read")
    inner = read_selection(scope.within(backward.table), options)
    return Expand(name, backward.table, backward=backward, options=options, selection=inner)


def _expand_lookup(
    scope: Scope, name: str, column: Column, targets: tuple[Target, ...], options: Mapping[str, str]
) -> Expand:
    if set(options) - {"$select", "$expand"}:
        raise bad_request(
            f"The options of the single-valued property '{name}' can only be $select and $expand."
        )
    table = scope.org.schema.table(targets[0].table)
    require(scope.org, scope.actor, table, "Read")
    if len(targets) > 1:
        # A principal: a person or a team; it shows nothing but its id.
        if options.get("$select", name) != name or "$expand" in options:
            wrong = options.get("$select", options.get("$expand", "")).split(",")[0]
            raise bad_request(
                f"Could not find a property named '{wrong}' on type 'Microsoft.Dynamics.CRM.principal'."
            )
        return Expand(name, table, column, targets)
    inner = read_selection(scope.within(table), options)
    return Expand(name, table, column, targets, options=options, selection=inner)


def _options(text: str) -> dict[str, str]:
    made: dict[str, str] = {}
    for part in split_outside(text, ";"):
        name, sign, value = part.strip().partition("=")
        if not sign or name not in _INSIDE or name in made:
            raise bad_request(f"The option '{name}' cannot stand inside $expand.")
        made[name] = value.strip()
    return made


def split_outside(text: str, mark: str) -> list[str]:
    """The parts between marks that stand neither in brackets nor in quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif not quoted and depth == 0 and letter == mark:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    if depth or quoted:
        raise bad_request(f"Syntax error: brackets or quotes do not match in '{text}'.")
    return parts
