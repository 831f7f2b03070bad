"""Finds the columns a query names, through lookups too, and reads them from rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cosell.sandbox.dataverse.bodies import unknown
from cosell.sandbox.dataverse.calls import Actor
from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.errors import refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.schema import Backward
from cosell.sandbox.dataverse.security import hides, require
from cosell.sandbox.dataverse.store import Ref, Row

Read = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """The table a condition speaks of, and who asks."""

    org: Org
    table: Table
    actor: Actor
    variable: str = ""
    """The name of a lambda's row; its paths begin with it."""

    def within(self, table: Table, variable: str = "") -> Scope:
        return Scope(self.org, table, self.actor, variable)

    def own(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """The path without the lambda's variable in front."""
        return parts[1:] if self.variable and parts[0] == self.variable and len(parts) > 1 else parts

    def column(self, parts: tuple[str, ...], *, logical: bool = False) -> tuple[Column, Read]:
        """The column at the end of a path and how to read it; `logical` takes a lookup's bare name too."""
        *steps, last = self.own(parts)
        table, through = self.walk(tuple(steps))
        found = table.by_wire(last) or (table.columns.get(last) if logical else None)
        if found is None or not found.readable:
            raise unknown(self.org, table, last)
        if hides(self.org, self.actor, found):
            text = "The Query contained a secured attribute to which the caller does not have access"
            raise refusal(403, "0x8004f506", text)
        name = found.name
        if not steps:
            return found, lambda row: row.get(name)

        def far(row: Row) -> Any:
            there = through(row)
            return None if there is None else there.get(name)

        return found, far

    def walk(self, steps: tuple[str, ...]) -> tuple[Table, Callable[[Row], Row | None]]:
        """The table at the end of single-valued navigation properties, and the row there."""
        table = self.table
        hops: list[tuple[str, str]] = []
        for step in steps:
            reached = table.by_navigation(step)
            if reached is None:
                raise unknown(self.org, table, step)
            column, targets = reached
            hops.append((column.name, targets[0].table))
            table = self.org.schema.table(targets[0].table)
            require(self.org, self.actor, table, "Read")
        store = self.org.store

        def through(row: Row) -> Row | None:
            here: Row | None = row
            for name, wanted in hops:
                link = here.get(name) if here is not None else None
                if not isinstance(link, Ref) or link.table != wanted:
                    return None
                here = store.get(link.table, link.id)
            return here

        return table, through

    def below(self, path: tuple[str, ...]) -> tuple[Backward, Callable[[Row], list[Row]]]:
        """The rows at the end of a path whose last step is a collection."""
        *steps, last = self.own(path)
        table, through = self.walk(tuple(steps))
        backward = self.org.schema.backward(table.name).get(last)
        if backward is None:
            raise unknown(self.org, table, last)
        require(self.org, self.actor, backward.table, "Read")

        def rows(row: Row) -> list[Row]:
            there = through(row)
            return [] if there is None else children(self.org, table, there, backward)

        return backward, rows


def children(org: Org, table: Table, row: Row, backward: Backward) -> list[Row]:
    """The rows that point to a row through one relationship."""
    below = org.store.table(backward.table.name)
    ids = below.ids_where(backward.column.name, Ref(table.name, row[table.primary_id]))
    return [below.live[one] for one in ids]
