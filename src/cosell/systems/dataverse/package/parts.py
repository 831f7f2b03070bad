"""The parts a solution for Dynamics 365 is made of, as data (dataverse-api.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import NAMESPACE_DNS, uuid5

ENGLISH, KOREAN, CHINESE = 1033, 1042, 1028
"""Language codes: Chinese is the traditional one, of Taiwan."""
LANGUAGES = (ENGLISH, KOREAN, CHINESE)
_OURS = uuid5(NAMESPACE_DNS, "dynamics.cosell")


def id_of(*names: str) -> str:
    """The id of a part: the same in every environment and every file, however often it is made."""
    return str(uuid5(_OURS, "/".join(names)))


@dataclass(frozen=True, slots=True)
class Text:
    """One text in every language the package speaks."""

    english: str
    korean: str
    chinese: str

    def by_language(self) -> Mapping[int, str]:
        return {ENGLISH: self.english, KOREAN: self.korean, CHINESE: self.chinese}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    URL = "URL"
    MEMO = "multiple lines"
    FLAG = "yes/no"
    CHOICE = "choice"
    DECIMAL = "decimal"
    MONEY = "currency"


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice, or one side of a yes/no."""

    value: int
    label: Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column; its logical name is its schema name in lower case."""

    schema_name: str
    kind: Kind
    label: Text
    description: Text
    length: int = 0
    precision: int = 0
    required: bool = False
    options: tuple[Option, ...] = ()
    """Of a choice; of a yes/no first what no is called, then yes."""

    @property
    def name(self) -> str:
        return self.schema_name.lower()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column that points to a row of another table, and the relationship behind it."""

    schema_name: str
    relationship: str
    target: str
    label: Text
    description: Text
    required: bool = False
    follows: bool = False
    """The row is deleted with the one it points to; else only the link is."""

    @property
    def name(self) -> str:
        return self.schema_name.lower()


@dataclass(frozen=True, slots=True)
class Key:
    """An alternate key."""

    schema_name: str
    label: Text
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.schema_name.lower()


@dataclass(frozen=True, slots=True)
class Addition:
    """What a table of Microsoft's gets."""

    table: str
    schema_name: str
    """How the table itself is called in solution files."""
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours."""

    schema_name: str
    label: Text
    plural: Text
    description: Text
    primary: Column
    columns: tuple[Column, ...]
    lookups: tuple[Lookup, ...] = ()
    keys: tuple[Key, ...] = ()
    shared: bool = False
    """Belongs to the organization as a whole, as a catalogue does; else every row has an owner."""

    @property
    def name(self) -> str:
        return self.schema_name.lower()


@dataclass(frozen=True, slots=True)
class View:
    """A list of rows; `where` are columns that have to be true."""

    name: str
    table: str
    label: Text
    description: Text
    columns: tuple[tuple[str, int], ...]
    """Names and widths in pixels."""
    order: str
    where: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return id_of("view", self.name)


@dataclass(frozen=True, slots=True)
class Role:
    """A security role; every right reaches over the whole organization."""

    name: str
    description: str
    rights: Mapping[str, tuple[str, ...]]
    """By table: Create, Read, ..."""

    @property
    def id(self) -> str:
        return id_of("role", self.name)


@dataclass(frozen=True, slots=True)
class FormSection:
    """The section of the opportunity's main form."""

    name: str
    label: Text
    columns: tuple[str, ...]
    """Of the opportunity, in the order in which a seller reads them."""
    solutions: Text
    """What the list of the deal's solutions is called."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whose parts these are."""

    name: str
    label: Text
    description: Text
    prefix: str
    first_value: int
    """The publisher's number for choice values: its values begin at ten thousand times that."""


@dataclass(frozen=True, slots=True)
class Package:
    """All that is installed."""

    name: str
    version: str
    label: Text
    description: Text
    publisher: Publisher
    additions: tuple[Addition, ...]
    tables: tuple[Table, ...]
    views: tuple[View, ...]
    role: Role
    section: FormSection

    def addition(self, table: str) -> Addition:
        return next(one for one in self.additions if one.table == table)

    def all_keys(self) -> tuple[tuple[str, Key], ...]:
        """Every alternate key with its table."""
        added = tuple((one.table, key) for one in self.additions for key in one.keys)
        return added + tuple((one.name, key) for one in self.tables for key in one.keys)
