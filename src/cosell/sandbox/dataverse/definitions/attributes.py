"""The columns of one table as the metadata endpoints list, find, cast and show them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cosell.sandbox.dataverse.columns import Column, Table
from cosell.sandbox.dataverse.definitions import columns
from cosell.sandbox.dataverse.definitions.labels import metadata_id
from cosell.sandbox.dataverse.definitions.options import Definition, Options, kept, shown
from cosell.sandbox.dataverse.errors import refusal

NAMESPACE = "Microsoft.Dynamics.CRM"
_NAMED = re.compile(r"\s*(?P<property>\w+)\s*=\s*'(?P<name>[^']*)'\s*")


class Attributes:
    """What there is to say about the columns of a table; `cast` may be PicklistAttributeMetadata, say."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def listed(self, cast: str | None, options: Options) -> list[Definition]:
        """The columns of that type that pass the filter."""
        found = {
            column.name: self._definition(column, cast, number)
            for number, column in enumerate(self._table.columns.values(), 1)
            if cast is None or columns.is_a(column, cast)
        }
        passed = {one["LogicalName"] for one in kept(found.values(), options, self._type(cast))}
        return [
            self.shown(column, cast, options)
            for column in self._table.columns.values()
            if column.name in passed
        ]

    def named(self, key: str, cast: str | None) -> Column:
        """The column with that logical name or id, if it is of that type."""
        name = name_of(key, "LogicalName")
        for column in self._table.columns.values():
            if column.name == name or metadata_id(self._table.name, column.name) == key.lower():
                if cast is None or columns.is_a(column, cast):
                    return column
                break
        raise refusal(404, "0x80040217", f"AttributeMetadata {key} Does Not Exist")

    def shown(self, column: Column, cast: str | None, options: Options) -> Definition:
        """The definition of a column, with all that its kind adds when nothing was selected."""
        number = list(self._table.columns).index(column.name) + 1
        definition = self._definition(column, cast, number)
        if options.select is None:
            definition = {**definition, **columns.peculiar(self._table, column)}

        def expansion(name: str) -> Callable[[Options], Any] | None:
            return self._expansion(column, cast, name)

        return shown(definition, options, self._type(cast), expansion)

    def _definition(self, column: Column, cast: str | None, number: int) -> Definition:
        """Named by its type where the address does not say it; a base type knows nothing of its kinds."""
        made = columns.common(self._table, column, number)
        if cast is not None:
            made |= columns.peculiar(self._table, column)
        own = columns.class_of(column)
        return made if own == cast else {"@odata.type": f"#{NAMESPACE}.{own}", **made}

    def _expansion(self, column: Column, cast: str | None, name: str) -> Callable[[Options], Any] | None:
        if cast is None or name not in ("OptionSet", "GlobalOptionSet"):
            return None
        made = columns.option_set(self._table, column)
        if made is None:
            return None
        shared = bool(column.option_set)
        if (name == "GlobalOptionSet") != shared:
            return lambda _: None
        return lambda options: shown(made, options, f"{NAMESPACE}.OptionSetMetadata", lambda _: None)

    @staticmethod
    def _type(cast: str | None) -> str:
        return f"{NAMESPACE}.{cast or 'AttributeMetadata'}"


def name_of(key: str, property_name: str) -> str | None:
    """The name in a key such as ``LogicalName='name'``; None when the key is of another form."""
    match = _NAMED.fullmatch(key)
    return match["name"] if match and match["property"] == property_name else None
