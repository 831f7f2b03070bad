"""What hangs on an opportunity in rows of its own: solutions, and people tied to it by connections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cosell.core import values as normal
from cosell.core.values import Person, Solution, Unreadable, Value
from cosell.systems.dataverse import rows
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.metadata import Column
from cosell.systems.dataverse.odata import guid, literal
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema

Rows = Sequence[Mapping[str, Any]]
SOLUTIONS, CONNECTIONS = "-solutions", "-connections"
"""What the refs of the reads of child rows end in, and the names of the child rows of one opportunity."""


class Ties:
    """Reads the child rows of opportunities of one schema.

    They are read beside their parents and not inside them: whether an expanded collection comes whole, in
    pages, or as a link alone differs between environments (dataverse-api.md 2.3).
    """

    def __init__(self, schema: Schema, options: Options) -> None:
        self._schema = schema
        self._table = schema.tables.get("connection") if options.connections else None
        if not (schema.contact or schema.user):
            self._table = None
        self._reach = {"contact": schema.contact, "systemuser": schema.user}
        self._navigation = {name: self._other(name) for name in self._reach}

    @property
    def connected(self) -> bool:
        """People are tied to opportunities by connections too."""
        return self._table is not None

    def _other(self, table: str) -> str | None:
        column = self._table.get("record2id") if self._table is not None else None
        return column.navigation.get(table) if column is not None and self._reach[table] else None

    # --- questions ---------------------------------------------------------------------------------

    def by_ids(self, ids: Sequence[str], ref: str) -> list[Part]:
        """The reads of the child rows of these opportunities."""
        parts = []
        solution = self._schema.solution
        if solution is not None:
            parts.append(self._solutions(any_of(solution.opportunity.shown, ids), ref))
        if self._table is not None:
            parts.append(self._connections(any_of("_record1id_value", ids), ref))
        return parts

    def by_referral(self, referral_id: str, ref: str) -> list[Part]:
        """The same, where the opportunities are known by their referral id only."""
        own = f"{self._schema.needed('referral_id')} eq {literal(referral_id)}"
        parts = []
        solution = self._schema.solution
        if solution is not None:
            parts.append(self._solutions(f"{solution.parent}/{own}", ref))
        if self._table is not None:
            column = self._table.get("record1id")
            path = column.navigation.get("opportunity") if column is not None else None
            if path is not None:
                parts.append(self._connections(f"{path}/{own}", ref))
        return parts

    def by_people(self, people: Sequence[tuple[str, str]], ref: str) -> list[Part]:
        """The read of what these contacts are connected to, opportunities among it."""
        contacts = [one for table, one in people if table == "contact"]
        if self._table is None or not contacts:
            return []
        condition = f"({any_of('_record2id_value', contacts)}) and statecode eq 0"
        query = {"$select": f"{self._table.id},_record1id_value", "$filter": condition}
        return [read(self._table.set, query, ref=f"{ref}{CONNECTIONS}")]

    def _solutions(self, condition: str, ref: str) -> Part:
        table = self._schema.solution
        assert table is not None
        named = (table.id, table.label, table.quantity, table.price, table.opportunity)
        columns = [table.key, *(column.shown for column in named if column is not None)]
        query = {"$select": ",".join(dict.fromkeys(columns)), "$filter": condition}
        detail = self._schema.details
        if table.detail is not None and detail is not None:
            query["$expand"] = f"{table.detail}($select={detail.id.name})"
        return read(table.set, query, ref=f"{ref}{SOLUTIONS}")

    def _connections(self, condition: str, ref: str) -> Part:
        assert self._table is not None
        wanted = [
            f"{navigation}($select={columns_of(self._schema, name, self._reach[name])})"
            for name, navigation in self._navigation.items()
            if navigation is not None
        ]
        query = {
            "$select": f"{self._table.id},_record1id_value,_record2id_value",
            "$expand": ",".join(wanted),
            "$filter": f"({condition}) and statecode eq 0",
        }
        return read(self._table.set, query, ref=f"{ref}{CONNECTIONS}")

    # --- answers -----------------------------------------------------------------------------------

    def sorted_out(self, found: Mapping[str, Rows], ref: str) -> dict[str, dict[str, Rows]]:
        """The child rows by opportunity, and then by kind."""
        solution = self._schema.solution
        parents = {SOLUTIONS: solution.opportunity.shown if solution else "", CONNECTIONS: "_record1id_value"}
        sorted_out: dict[str, dict[str, Any]] = {}
        for kind, column in parents.items():
            for row in found.get(f"{ref}{kind}", ()):
                parent = guid(row.get(column))
                if parent is not None:
                    sorted_out.setdefault(parent, {}).setdefault(kind, []).append(row)
        return sorted_out

    def solutions(self, mine: Mapping[str, Rows], facts: dict[str, str]) -> Value:
        """The solutions of one opportunity; an id that stands twice is one solution in two rows."""
        table = self._schema.solution
        if table is None:
            return None
        found = []
        for row in mine.get(SOLUTIONS, ()):
            solution_id, row_id = self._solution_id(row), guid(row.get(table.key))
            if solution_id is None or row_id is None:
                continue
            quantity, price = _amount(row, table.quantity), _amount(row, table.price)
            if isinstance(quantity, Unreadable) or isinstance(price, Unreadable):
                return Unreadable(solution_id[:80], "has a quantity or price that is no number")
            name = rows.word(row.get(table.label.name)) if table.label is not None else None
            one = Solution(solution_id, quantity, price, name or "")
            found.append(one)
            remember(facts, f"solution:{one.key}", row_id)
        return normal.solutions(found)

    def _solution_id(self, row: Mapping[str, Any]) -> str | None:
        """The id in the row; where a seller only chose from the catalogue, the one that stands there."""
        table, detail = self._schema.solution, self._schema.details
        own = rows.word(row.get(table.id.shown)) if table is not None else None
        if own is not None or table is None or detail is None:
            return own
        return rows.word(rows.inner(row, table.detail).get(detail.id.name))

    def contact(self, row: Mapping[str, Any], facts: dict[str, str]) -> Person:
        """One contact, whose id is remembered under the person's key."""
        person = rows.person(row, self._schema.contact)
        contact_id = guid(row.get(self._schema.tables["contact"].id))
        if contact_id is not None and person.key.strip():
            facts.setdefault(f"contact:{person.key}", contact_id)
        return person

    def connected_contacts(self, mine: Mapping[str, Rows], facts: dict[str, str]) -> list[Person]:
        name = self._navigation["contact"]
        found = (rows.inner(row, name) for row in mine.get(CONNECTIONS, ()))
        return [self.contact(one, facts) for one in found if one]

    def connected_users(self, mine: Mapping[str, Rows], *, but: str) -> Iterable[Person]:
        name = self._navigation["systemuser"]
        for row in mine.get(CONNECTIONS, ()):
            user = rows.inner(row, name)
            if user and guid(row.get("_record2id_value")) != but:
                yield rows.person(user, self._schema.user)


def columns_of(schema: Schema, table: str, columns: Mapping[str, Column]) -> str:
    """What to select of an expanded row: its id, and these columns."""
    return ",".join(dict.fromkeys((schema.tables[table].id, *(one.name for one in columns.values()))))


def any_of(column: str, ids: Iterable[str]) -> str:
    """The condition that a lookup points to one of these rows."""
    return " or ".join(f"{column} eq {one}" for one in ids)


def remember(facts: dict[str, str], key: str, row_id: str) -> None:
    facts[key] = f"{facts[key]},{row_id}" if key in facts else row_id


def _amount(row: Mapping[str, Any], column: Column | None) -> Any:
    raw = row.get(column.name) if column is not None else None
    return None if raw is None else normal.money(raw)
