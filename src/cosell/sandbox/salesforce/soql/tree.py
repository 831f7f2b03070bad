"""What a parsed query is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """A field path such as ``Account.Owner.Name``."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: string, number, boolean, null, date, datetime, or period (``LAST_N_DAYS:7``)."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field operator value``; IN carries a tuple of literals or a query."""

    field: Name
    operator: str
    value: Literal | tuple[Literal, ...] | Select
    negated: bool = False


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: Condition


Condition = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY."""

    field: Name
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """``FIELDS(ALL)``, ``FIELDS(STANDARD)`` or ``FIELDS(CUSTOM)``."""

    which: str
    at: int


@dataclass(frozen=True, slots=True)
class Select:
    """A whole query, or one in brackets."""

    items: tuple[Name | Select | Fields, ...]
    count: bool
    source: Name
    alias: str | None
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int
    at: int
