"""Finds the fields a query names, through parents too, and reads them from rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cosell.sandbox.salesforce.addresses import whole_address
from cosell.sandbox.salesforce.errors import SalesforceError
from cosell.sandbox.salesforce.fields import Field
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.schema import Seen, View
from cosell.sandbox.salesforce.soql.lexer import trouble
from cosell.sandbox.salesforce.soql.tree import Name
from cosell.sandbox.salesforce.store import Row

Read = Callable[[Row], Any]
_ADVICE = " Please reference your WSDL or the describe call for the appropriate names."


class Scope:
    """One query's object among the objects a user sees."""

    def __init__(self, org: Org, view: View, seen: Seen, soql: str, alias: str | None = None) -> None:
        self.org, self.view, self.seen, self.soql = org, view, seen, soql
        self._alias = alias.lower() if alias else None

    def own_parts(self, name: Name) -> tuple[str, ...]:
        """The path without the alias or the object's own name in front."""
        first = name.parts[0].lower()
        own = first == self._alias or (first == self.seen.name.lower() and first not in self.seen.parents)
        return name.parts[1:] if own and len(name.parts) > 1 else name.parts

    def resolve(self, name: Name) -> tuple[Field, Read]:
        """The field at the end of a path and how to read it from a row."""
        parts = self.own_parts(name)
        seen, hops = self.seen, []
        for step in parts[:-1]:
            one = seen.parents.get(step.lower())
            parent = self.view.find(one.reference_to[0]) if one else None
            if one is None or parent is None:
                raise self._no_relationship(step, name)
            hops.append((one.name, parent.name))
            seen = parent
        field = seen.fields.get(parts[-1].lower())
        if field is None:
            raise self._no_column(parts[-1], seen.name, name)
        read = reader(field)
        for key, table in reversed(hops):
            read = self._through(key, table, read)
        return field, read

    def _through(self, key: str, table: str, read: Read) -> Read:
        store = self.org.store

        def through(row: Row) -> Any:
            parent_id = row.get(key)
            parent = store.get(table, parent_id) if parent_id else None
            return None if parent is None else read(parent)

        return through

    def _no_column(self, part: str, entity: str, name: Name) -> SalesforceError:
        message = (
            f"No such column '{part}' on entity '{entity}'. If you are attempting to use a custom field, be"
            f" sure to append the '__c' after the custom field name.{_ADVICE}"
        )
        return trouble("INVALID_FIELD", self.soql, name.at, message)

    def _no_relationship(self, part: str, name: Name) -> SalesforceError:
        message = (
            f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom"
            f" relationship, be sure to append the '__r' after the custom relationship name.{_ADVICE}"
        )
        return trouble("INVALID_FIELD", self.soql, name.at, message)


def reader(field: Field) -> Read:
    """How to read a field of a row that keeps no nulls."""
    key = field.name
    if field.type == "boolean":
        return lambda row: bool(row.get(key))
    if field.type == "address":
        prefix = key.removesuffix("Address")
        return lambda row: whole_address(row, prefix, codes=f"{prefix}CountryCode" in row)
    return lambda row: row.get(key)


def no_object(soql: str, name: Name) -> SalesforceError:
    """The refusal of an object that does not exist or is not visible."""
    message = (
        f"sObject type '{name.text}' is not supported. If you are attempting to use a custom object, be sure"
        f" to append the '__c' after the entity name.{_ADVICE}"
    )
    return trouble("INVALID_TYPE", soql, name.at, message)
