"""Turns lists into requests: the solutions and the contacts of an opportunity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cosell.core.errors import Rejected, Stale
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution, Unreadable, Value
from cosell.ports import Update
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.columns import Columns
from cosell.systems.dataverse.lengths import fitting
from cosell.systems.dataverse.odata import BIND, row, within
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema

ANY = {"If-Match": "*"}
"""Without it a PATCH of a row that is gone would make a new one (trap 1)."""


class Children:
    """Writes the rows around opportunities of one schema."""

    def __init__(self, schema: Schema, options: Options, columns: Columns) -> None:
        self._schema, self._options, self._columns = schema, options, columns
        deals, connection = schema.deals, schema.tables.get("connection")
        self.primary = schema.bind(deals.name, "parentcontactid", "contact")
        """Binds the primary contact on the opportunity's own row."""
        self._connection = connection if options.connections else None

    # --- solutions ---------------------------------------------------------------------------------

    def solutions(self, update: Update, ref: str) -> list[Part]:
        """Adds, corrects and takes away solution rows."""
        wanted = _solutions(update.values["solutions"])
        present = _solutions(_seen_list(update.seen, "solutions"))
        parent = f"/{row(self._schema.deals.set, update.record_id)}"
        currency = update.values.get("currency", update.seen.values.get("currency"))
        table = self._schema.solution
        if table is None:
            raise Rejected("This environment keeps no solutions.", fields=("solutions",), code="read_only")
        parts: list[tuple[str, str, Any]] = []
        for key, solution in wanted.items():
            ids = _row_ids(update.seen, f"solution:{key}")
            if not ids:
                parts.append(("POST", table.set, self.solution_body(solution, parent, currency)))
            elif solution != present.get(key):
                parts.append(("PATCH", row(table.set, ids[0]), self._amounts(solution)))
        for key in present.keys() - wanted.keys():
            ids = _row_ids(update.seen, f"solution:{key}")
            parts += [("DELETE", row(table.set, one), None) for one in ids]
        return [
            Part(method, path, f"{ref}{at}", body, ANY if method == "PATCH" else {})
            for at, (method, path, body) in enumerate(parts)
        ]

    def solution_body(self, solution: Solution, parent: str, currency: Value) -> dict[str, Any]:
        """A new solution row; a price without a currency would be one in the organization's own."""
        table = self._schema.solution
        assert table is not None
        body = {
            f"{table.parent}{BIND}": parent,
            table.id.name: fitting("solutions", solution.id, table.id, self._options),
            **self._amounts(solution),
        }
        if table.label is not None and table.label.creatable:
            body[table.label.name] = (solution.name or solution.id)[: table.label.length or None]
        if table.price is not None and solution.price is not None and isinstance(currency, str):
            body |= self._columns.currency(currency, table.name)
        return body

    def _amounts(self, solution: Solution) -> dict[str, Any]:
        table = self._schema.solution
        assert table is not None
        columns = ((table.quantity, solution.quantity), (table.price, solution.price))
        return {column.name: amount for column, amount in columns if column is not None}

    # --- contacts ----------------------------------------------------------------------------------

    def contacts(
        self, update: Update, ref: str, known: Mapping[tuple[str, str], str]
    ) -> tuple[list[Part], dict[str, Any]]:
        """Adds and corrects contacts; none is ever taken away. Also what the opportunity's row is to say."""
        present = people(_seen_list(update.seen, "contacts"))
        account = update.seen.facts.get("account")
        deal = f"/{row(self._schema.deals.set, update.record_id)}"
        parts: list[Part] = []
        body: dict[str, Any] = {}
        for at, (key, person) in enumerate(people(update.values["contacts"]).items()):
            mine = f"{ref}{at}"
            if key in present:
                contact_id = update.seen.facts.get(f"contact:{key}")
                if person != present[key] and contact_id is not None:
                    path = row(self._schema.tables["contact"].set, contact_id)
                    parts.append(Part("PATCH", path, mine, self._words(person), ANY))
                continue
            is_primary = not body and "primary" not in update.seen.facts
            found = known.get((account or "", person.email.casefold()))
            owner = f"/{row(self._schema.tables['account'].set, account)}" if account else None
            parts += self.contact(person, owner, deal, found, mine, primary=is_primary)
            if is_primary and self.primary is not None:
                body[self.primary] = self.place(found, mine)
        return parts, body

    def contact(
        self, person: Person, account: str | None, deal: str, found: str | None, ref: str, *, primary: bool
    ) -> Iterator[Part]:
        """Makes the contact unless it was found, and connects it unless it is the primary one.

        Without connections further contacts stand in the account alone.
        """
        if found is None:
            body = self._words(person)
            bind = self._schema.bind("contact", "parentcustomerid", "account")
            if account is not None and bind is not None:
                body[bind] = account
            yield Part("POST", self._schema.tables["contact"].set, ref, body)
        if not primary or self.primary is None:
            yield from self.connection(deal, "contact", self.place(found, ref), f"{ref}c")

    def connection(self, deal: str, table: str, other: str, ref: str) -> Iterator[Part]:
        """Ties a contact or user to an opportunity; the platform adds the mirrored row itself."""
        one = self._schema.bind("connection", "record1id", self._schema.deals.name)
        two = self._schema.bind("connection", "record2id", table)
        if self._connection is None or one is None or two is None:
            return
        body: dict[str, Any] = {one: deal, two: other}
        role = self._schema.bind("connection", "record2roleid", "connectionrole")
        if table == "contact" and self._options.connection_role and role is not None:
            body[role] = f"/connectionroles({self._options.connection_role})"
        yield Part("POST", self._connection.set, ref, body)

    def place(self, found: str | None, ref: str) -> str:
        """Where a contact is: an existing row, or the one this change set makes."""
        return f"${ref}" if found is None else f"/{row(self._schema.tables['contact'].set, found)}"

    def _words(self, person: Person) -> dict[str, Any]:
        # A contact has a last name; where the other side has none, the person's own other words stand in.
        words = {
            "email": person.email or None,
            "first_name": person.first_name or None if person.last_name else None,
            "last_name": person.last_name or person.first_name or person.email,
            "phone": person.phone or None,
        }
        return {
            column.name: text if text is None else fitting("contacts", text, column, self._options)
            for key, column in self._schema.contact.items()
            for text in (words[key],)
        }

    # --- questions ---------------------------------------------------------------------------------

    def contact_query(self, emails: Iterable[str]) -> dict[str, str]:
        """Finds contacts by e-mail; which account they belong to is compared afterwards."""
        table, email = self._schema.tables["contact"], self._schema.contact["email"].name
        return {
            "$select": f"{table.id},{email},_parentcustomerid_value",
            "$filter": f"{within(email, sorted(set(emails)))} and statecode eq 0",
            "$orderby": f"createdon asc,{table.id} asc",
        }

    def contacts_found(self, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
        """Contact ids by account and e-mail; of several, the oldest."""
        found: dict[tuple[str, str], str] = {}
        email, key = self._schema.contact["email"].name, self._schema.tables["contact"].id
        for one in rows:
            words = (one.get("_parentcustomerid_value"), one.get(email), one.get(key))
            if all(isinstance(word, str) for word in words):
                found.setdefault((str(words[0]).lower(), str(words[1]).casefold()), str(words[2]).lower())
        return found


def missing_contacts(update: Update) -> Iterator[tuple[str, str]]:
    """Account id and e-mail of each contact the update adds, to be looked up first."""
    if "contacts" not in update.values or "contacts" not in update.seen.values:
        return
    present = people(update.seen.values["contacts"])
    account = update.seen.facts.get("account")
    for key, person in people(update.values["contacts"]).items():
        if key not in present and person.email and account:
            yield account, person.email


def people(value: Value) -> dict[str, Person]:
    return {one.key: one for one in _items(value) if isinstance(one, Person)}


def _solutions(value: Value) -> dict[str, Solution]:
    return {one.key: one for one in _items(value) if isinstance(one, Solution)}


def _items(value: Value) -> Iterable[Person | Solution]:
    if isinstance(value, Unreadable):
        raise Rejected(f"A list in Dynamics 365 {value.why}, so it is left alone.", code="unreadable")
    return value if isinstance(value, tuple) else ()


def _seen_list(seen: Snapshot, key: str) -> Value:
    if key not in seen.values or not seen.complete:
        # Without the rows as they stand nobody knows which to add: adding blindly would double them.
        raise Stale("The opportunity has to be read completely before its lists are changed.")
    return seen.values[key]


def _row_ids(seen: Snapshot, fact: str) -> list[str]:
    return [one for one in seen.facts.get(fact, "").split(",") if one]
