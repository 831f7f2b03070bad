"""Turns lists into requests: the solutions and the contacts of an opportunity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from cosell.core.errors import Rejected, Stale
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution, Unreadable, Value
from cosell.ports import Update
from cosell.systems.salesforce.client import Part, refers
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.schema import Schema
from cosell.systems.salesforce.soql import literals, select


def number(amount: Decimal) -> orjson.Fragment:
    """An amount as a JSON number, digit by digit."""
    return orjson.Fragment(format(amount, "f").encode())


class Children:
    """Writes the related rows of opportunities of one schema."""

    def __init__(self, schema: Schema, options: Options) -> None:
        self._schema, self._options = schema, options

    # --- solutions ---------------------------------------------------------------------------------

    def solutions(self, update: Update, ref: str) -> Iterable[Part]:
        wanted = _solutions(update.values["solutions"])
        present = _solutions(_seen_list(update.seen, "solutions"))
        table = self._schema.solution
        if table is None:
            raise Rejected("This org keeps no solutions.", fields=("solutions",), code="read_only")
        parts: list[tuple[str, str, Any]] = []
        for key, solution in wanted.items():
            rows = _row_ids(update.seen, f"solution:{key}")
            if key not in present:
                body = self.solution_body(solution, update.record_id)
                parts.append(("POST", f"/sobjects/{table.name}", body))
            elif solution != present[key] and rows:
                parts.append(("PATCH", f"/sobjects/{table.name}/{rows[0]}", self._amounts(solution)))
        for key in present.keys() - wanted.keys():
            rows = _row_ids(update.seen, f"solution:{key}")
            parts += [("DELETE", f"/sobjects/{table.name}/{row}", None) for row in rows]
        return [Part(method, path, f"{ref}{at}", body) for at, (method, path, body) in enumerate(parts)]

    def solution_body(self, solution: Solution, opportunity_id: str) -> dict[str, Any]:
        """A new solution row."""
        table = self._schema.solution
        assert table is not None
        body = {table.opportunity: opportunity_id, table.id: solution.id, **self._amounts(solution)}
        if table.label is not None and table.label_length:
            body[table.label] = (solution.name or solution.id)[: table.label_length]
        refuse_references({**body, table.opportunity: None}, "solutions")
        return body

    def _amounts(self, solution: Solution) -> dict[str, Any]:
        table = self._schema.solution
        assert table is not None
        body: dict[str, Any] = {}
        for column, amount in ((table.quantity, solution.quantity), (table.price, solution.price)):
            if column is not None:
                body[column] = None if amount is None else number(amount)
        return body

    # --- contacts ----------------------------------------------------------------------------------

    def contacts(self, update: Update, ref: str, known: Mapping[tuple[str, str], str]) -> Iterable[Part]:
        """Adds and corrects contacts; none is ever taken away."""
        present = _people(_seen_list(update.seen, "contacts"))
        account = update.seen.facts.get("account")
        for at, (key, person) in enumerate(_people(update.values["contacts"]).items()):
            if key not in present:
                found = known.get((account or "", person.email.casefold()))
                yield from self.contact(person, account, update.record_id, found, f"{ref}{at}")
            elif person != present[key]:
                contact_id = update.seen.facts.get(f"contact:{key}")
                if contact_id is not None:
                    yield Part("PATCH", f"/sobjects/Contact/{contact_id}", f"{ref}{at}", self._words(person))

    def contact(
        self, person: Person, account: str | None, opportunity: str, found: str | None, ref: str
    ) -> Iterable[Part]:
        """Makes the contact unless it was found, and ties it to the opportunity."""
        contact_id = found
        if contact_id is None:
            body = self._words(person) | ({"AccountId": account} if account else {})
            yield Part("POST", "/sobjects/Contact", ref, body, self.duplicate_headers())
            contact_id = f"@{{{ref}.id}}"
        role: dict[str, Any] = {"OpportunityId": opportunity, "ContactId": contact_id}
        if self._options.contact_role:
            role["Role"] = self._options.contact_role
        yield Part("POST", "/sobjects/OpportunityContactRole", f"{ref}r", role)

    def _words(self, person: Person) -> dict[str, Any]:
        # Salesforce wants a last name; where the other side has none, the person's own other words stand in.
        words = {
            "email": person.email or None,
            "first_name": person.first_name or None if person.last_name else None,
            "last_name": person.last_name or person.first_name or person.email,
            "phone": person.phone or None,
        }
        body = {column.name: words[key] for key, column in self._schema.contact.items()}
        refuse_references(body, "contacts")
        return body

    def duplicate_headers(self) -> dict[str, str] | None:
        """Lets a create pass duplicate rules that only warn, where the operator chose so."""
        if self._options.duplicate_alerts == "stop":
            return None
        return {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}


def refuse_references(body: Mapping[str, Any], key: str) -> None:
    """Refuses text that a composite would replace by something else of the same call."""
    if refers(body):
        raise Rejected(
            "A text holds the signs «@{», which Salesforce would take for a reference.",
            fields=(key,),
            advice="Take these two signs apart.",
            code="reference_text",
        )


def missing_contacts(update: Update) -> Iterable[tuple[str, str]]:
    """Account id and e-mail of each contact the update adds, to be looked up first."""
    if "contacts" not in update.values or "contacts" not in update.seen.values:
        return
    present = _people(update.seen.values["contacts"])
    account = update.seen.facts.get("account")
    for key, person in _people(update.values["contacts"]).items():
        if key not in present and person.email and account:
            yield account, person.email


def contact_query(emails: Iterable[str]) -> str:
    """Finds contacts by e-mail; which account they belong to is compared afterwards."""
    where = f"WHERE Email IN {literals(sorted(set(emails)))} ORDER BY CreatedDate,Id LIMIT 2000"
    return select(("Id", "Email", "AccountId"), "Contact", where)


def contacts_found(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Contact ids by account and e-mail; of several, the oldest."""
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        words = (row.get("AccountId"), row.get("Email"), row.get("Id"))
        if all(isinstance(word, str) for word in words):
            found.setdefault((str(words[0]), str(words[1]).casefold()), str(words[2]))
    return found


def _people(value: Value) -> dict[str, Person]:
    return {one.key: one for one in _items(value) if isinstance(one, Person)}


def _solutions(value: Value) -> dict[str, Solution]:
    return {one.key: one for one in _items(value) if isinstance(one, Solution)}


def _items(value: Value) -> Iterable[Person | Solution]:
    if isinstance(value, Unreadable):
        raise Rejected(f"A list in Salesforce {value.why}, so it is left alone.", code="unreadable")
    return value if isinstance(value, tuple) else ()


def _seen_list(seen: Snapshot, key: str) -> Value:
    if key not in seen.values:
        # Without the rows as they stand nobody knows which to add: adding blindly would double them.
        raise Stale("The opportunity has to be read completely before its lists are changed.")
    return seen.values[key]


def _row_ids(seen: Snapshot, fact: str) -> list[str]:
    return [row for row in seen.facts.get(fact, "").split(",") if row]
