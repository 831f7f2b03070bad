"""How the records of a query look: own fields, parents inside, children inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.schema import Seen
from cosell.sandbox.salesforce.soql.lexer import trouble
from cosell.sandbox.salesforce.soql.paths import Read, Scope, reader
from cosell.sandbox.salesforce.soql.tree import Name, Select
from cosell.sandbox.salesforce.store import Row, Store

Render = Callable[[Row, str], Any]
RowsOf = Callable[[Row], list[Row]]


@dataclass(slots=True)
class Shape:
    """Writes rows of one object as records; `base` is the versioned path in front of every address."""

    seen: Seen
    own: list[tuple[str, Read]] = field(default_factory=list)
    nested: list[tuple[str, Render]] = field(default_factory=list)
    child_rows: list[RowsOf] = field(default_factory=list)
    columns: list[tuple[str, Field, tuple[str, ...]]] = field(default_factory=list)

    def render(self, row: Row, base: str) -> dict[str, Any]:
        name = self.seen.name
        record: dict[str, Any] = {
            "attributes": {"type": name, "url": f"{base}/sobjects/{name}/{row['Id']}"},
        }
        for key, read in self.own:
            record[key] = read(row)
        for key, render in self.nested:
            record[key] = render(row, base)
        return record

    def weight(self, row: Row) -> int:
        """How much of a page a row takes: its children count too."""
        return 1 + sum(len(rows_of(row)) for rows_of in self.child_rows)

    @property
    def long_texts(self) -> int:
        """How many custom long texts are selected; two of them make pages short (trap 13)."""
        return sum(1 for _, one, _ in self.columns if one.custom and one.long_text)


def compile_shape(
    scope: Scope,
    items: list[Name | Select],
    child: Callable[[Scope, Select], tuple[str, RowsOf, Shape]],
) -> Shape:
    """The shape of a SELECT list."""
    shape = Shape(scope.seen)
    parents: dict[str, Shape] = {}
    for item in items:
        if isinstance(item, Select):
            key, rows_of, inner = child(scope, item)
            shape.nested.append((key, _children(rows_of, inner)))
            shape.child_rows.append(rows_of)
            continue
        found, _ = scope.resolve(item)
        parts = scope.own_parts(item)
        shape.columns.append((found.name, found, parts))
        _place(scope, shape, parents, parts, item)
    return shape


def _place(scope: Scope, shape: Shape, parents: dict[str, Shape], parts: tuple[str, ...], item: Name) -> None:
    """Puts a field into the shape of the parent it belongs to."""
    here, path = shape, ""
    for step in parts[:-1]:
        one = here.seen.parents[step.lower()]
        target = scope.view.find(one.reference_to[0])
        if target is None:
            raise trouble("INVALID_FIELD", scope.soql, item.at, f"Didn't understand relationship '{step}'")
        path += "." + step.lower()
        if path not in parents:
            parents[path] = Shape(target)
            here.nested.append(
                (one.relationship or step, _parent(scope.org.store, one.name, target.name, parents[path]))
            )
        here = parents[path]
    found = here.seen.fields[parts[-1].lower()]
    if found.name in (name for name, _ in here.own) or found.name in (name for name, _ in here.nested):
        raise trouble("INVALID_FIELD", scope.soql, item.at, f"duplicate field selected: {found.name}")
    if found.type == "base64":
        here.nested.append((found.name, _blob(here.seen.name, found.name)))
    else:
        here.own.append((found.name, reader(found)))


def _blob(sobject: str, name: str) -> Render:
    return lambda row, base: f"{base}/sobjects/{sobject}/{row['Id']}/{name}" if row.get(name) else None


def _parent(store: Store, key: str, table: str, shape: Shape) -> Render:
    def render(row: Row, base: str) -> Any:
        parent_id = row.get(key)
        parent = store.get(table, parent_id) if parent_id else None
        return None if parent is None else shape.render(parent, base)

    return render


def _children(rows_of: RowsOf, shape: Shape) -> Render:
    def render(row: Row, base: str) -> Any:
        rows = rows_of(row)
        if not rows:
            return None
        records = [shape.render(one, base) for one in rows]
        return {"totalSize": len(records), "done": True, "records": records}

    return render
