"""What a solution file says, taken apart (sheet 5.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cosell.sandbox.dataverse.columns import Column, Key, OnDelete, OptionSet
from cosell.sandbox.dataverse.security import Depth

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manifest:
    """``solution.xml``: whose solution it is, and what it is made of."""

    name: str
    label: str
    description: str
    version: str
    managed: bool
    publisher: Row
    """The columns of the publisher's row."""
    roots: tuple[tuple[int, str, int], ...] = ()
    """Component type, schema name or id, and behavior."""
    required: tuple[tuple[int, str, str], ...] = ()
    """Component type, schema name and parent of what must be there already."""


@dataclass(frozen=True, slots=True)
class TablePart:
    """One table: all of it, or what is added to one that is there."""

    name: str
    schema_name: str
    added: Row | None
    """What describes the table where it is new; None where it must be there."""
    columns: tuple[Column, ...] = ()
    primary_name: str | None = None
    keys: tuple[Key, ...] = ()
    views: tuple[Row, ...] = ()
    forms: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationPart:
    """A one-to-many relationship."""

    name: str
    referencing: str
    referenced: str
    attribute: str
    navigation: str
    on_delete: OnDelete


@dataclass(frozen=True, slots=True)
class RolePart:
    """A role with its privileges by name."""

    id: str
    name: str
    privileges: tuple[tuple[str, Depth], ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """A whole solution file."""

    manifest: Manifest
    tables: tuple[TablePart, ...] = ()
    relations: tuple[RelationPart, ...] = ()
    choices: tuple[OptionSet, ...] = ()
    roles: tuple[RolePart, ...] = field(default=())
