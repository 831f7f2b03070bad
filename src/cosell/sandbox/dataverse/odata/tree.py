"""What a parsed `$filter` is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """A property path such as ``parentaccountid/name``."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: string, guid, moment, day, number, boolean or null."""

    kind: str
    text: str


Operand = Name | Literal


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True, slots=True)
class TextTest:
    """``contains``, ``startswith`` or ``endswith`` of a property and a text."""

    function: str
    name: Name
    value: Literal


@dataclass(frozen=True, slots=True)
class Function:
    """A function of ``Microsoft.Dynamics.CRM`` with its property and values."""

    function: str
    name: Name
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Lambda:
    """``rows/any(r:condition)`` or ``rows/all(r:condition)``."""

    path: tuple[str, ...]
    every: bool
    variable: str
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: Condition


Condition = Comparison | TextTest | Function | Lambda | And | Or | Not
