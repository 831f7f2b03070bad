"""The lines of an address: one text on our side, columns of their own in Dynamics 365 (product.md M-12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosell.core import values as normal
from cosell.core.values import Value
from cosell.systems.dataverse import rows
from cosell.systems.dataverse.lengths import fitting
from cosell.systems.dataverse.metadata import Column, Table
from cosell.systems.dataverse.options import Options

FIRST, FURTHER = "address1_line1", ("address1_line2", "address1_line3")
_WRITTEN = 2
"""Partner Center has two lines; a third one in Dynamics 365 is read and never filled."""


def columns_of_street(table: Table, *, own: Mapping[str, Column]) -> tuple[Column, ...]:
    """The columns that hold the street, the first of them the one known as `address_line`."""
    first = own.get("address_line")
    if first is None:
        return ()
    further = [table.get(name) for name in FURTHER] if first.name == FIRST else []
    return (first, *(column for column in further if column is not None))


def street_of(row: Mapping[str, Any], columns: Sequence[Column]) -> Value:
    """The lines that say something, one below the other."""
    lines = [rows.word(row.get(column.name)) for column in columns]
    return normal.text("\n".join(line for line in lines if line is not None))


def lines_of(text: Value, columns: Sequence[Column], options: Options) -> dict[str, Any]:
    """What to write: the first line by itself, and those below it together, as Partner Center keeps them."""
    lines = [line.strip() for line in text.split("\n") if line.strip()] if isinstance(text, str) else []
    last = min(len(columns), _WRITTEN) - 1
    kept = [*lines[:last], ", ".join(lines[last:])] if len(lines) > last else lines
    body: dict[str, Any] = {column.name: None for column in columns}
    for column, line in zip(columns, kept, strict=False):
        body[column.name] = fitting("address_line", line, column, options)
    return body
