"""The nouns of a Dataverse schema: columns, choices, lookups, keys, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Kind = Literal[
    "string",
    "memo",
    "boolean",
    "integer",
    "bigint",
    "decimal",
    "double",
    "money",
    "datetime",
    "picklist",
    "multipicklist",
    "state",
    "status",
    "lookup",
    "uniqueidentifier",
    "managedproperty",
]
Required = Literal["None", "Recommended", "ApplicationRequired", "SystemRequired"]
OnDelete = Literal["unlink", "cascade", "restrict"]
CHOICES = frozenset({"picklist", "multipicklist", "state", "status"})
NUMBERS = frozenset({"integer", "bigint", "decimal", "double", "money"})
TEXTS = frozenset({"string", "memo"})


class Words(str):
    """A label in the base language of the environment that knows itself in other languages too."""

    __slots__ = ("others",)

    others: dict[int, str]

    def __new__(cls, text: str, others: Mapping[int, str] | None = None) -> Self:
        made = super().__new__(cls, text)
        made.others = dict(others or {})
        return made


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a choice column; a status belongs to a state, a state knows its default status."""

    value: int
    label: str
    state: int | None = None
    default_status: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One table a lookup may point to, with the case-sensitive names of both ends."""

    table: str
    navigation: str
    """The single-valued navigation property on the table of the lookup."""
    collection: str
    """The relationship's name: the collection-valued navigation property on the target."""
    on_delete: OnDelete = "unlink"


@dataclass(frozen=True, slots=True)
class Column:
    """One column, as an administrator defined it."""

    name: str
    label: str
    kind: Kind
    schema_name: str = ""
    length: int = 0
    precision: int = 0
    low: float | None = None
    high: float | None = None
    required: Required = "None"
    creatable: bool = True
    updatable: bool = True
    readable: bool = True
    date_only: bool = False
    format: str = ""
    """Text, Email, Url, Phone, TextArea: how forms show it; the API does not check it."""
    choices: tuple[Choice, ...] = ()
    default: Any = None
    targets: tuple[Target, ...] = ()
    description: str = ""
    behaviour: str = ""
    """UserLocal, DateOnly or TimeZoneIndependent; empty: as `date_only` says."""
    option_set: str = ""
    """The choice that is shared between tables; empty: the column's own."""
    secured: bool = False
    """Whether only users of a field security profile may see it."""
    added: bool = False
    """Whether an administrator or a solution made it."""
    managed: bool = False
    """Whether it came with a managed solution."""

    @property
    def wire(self) -> str:
        """The name under which rows carry it: lookups are read as ``_name_value``."""
        return f"_{self.name}_value" if self.kind == "lookup" else self.name

    @property
    def custom(self) -> bool:
        """Whether it was added by a solution: it can be renamed or dropped."""
        known = ("cosell", "msft", "csl", "new", "cr1")
        return self.added or ("_" in self.name and self.name.partition("_")[0] in known)

    def choice(self, value: int) -> Choice | None:
        return next((one for one in self.choices if one.value == value), None)

    def target(self, table: str) -> Target | None:
        return next((one for one in self.targets if one.table == table), None)


@dataclass(frozen=True, slots=True)
class Key:
    """An alternate key."""

    name: str
    label: str
    columns: tuple[str, ...]
    schema_name: str = ""
    status: Literal["Pending", "InProgress", "Active", "Failed"] = "Active"
    due: float = 0.0
    """When its index is ready, in seconds since 1970."""
    managed: bool = False


@dataclass(frozen=True, slots=True)
class OptionSet:
    """A choice that tables share."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    description: str = ""
    managed: bool = False


@dataclass(slots=True)
class Table:
    """One table: its names, what may be done with it, and its columns by logical name."""

    name: str
    schema_name: str
    entity_set: str
    label: str
    plural: str
    code: int
    """The object type code."""
    primary_id: str
    primary_name: str | None
    ownership: Literal["UserOwned", "OrganizationOwned", "BusinessOwned", "None"] = "UserOwned"
    change_tracking: bool = False
    can_change_tracking: bool = True
    optimistic_concurrency: bool = True
    activity: bool = False
    has_notes: bool = False
    custom: bool = False
    managed: bool = False
    description: str = ""
    creatable: bool = True
    updatable: bool = True
    deletable: bool = True
    columns: dict[str, Column] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)

    def add(self, *columns: Column) -> Table:
        for one in columns:
            self.columns[one.name] = one
        return self

    @property
    def state(self) -> Column | None:
        found = self.columns.get("statecode")
        return found if found is not None and found.kind == "state" else None

    @property
    def type_name(self) -> str:
        """The name of the entity type in ``$metadata``."""
        return f"Microsoft.Dynamics.CRM.{self.name}"

    def by_wire(self, name: str) -> Column | None:
        """The column that rows carry under this name."""
        found = self.columns.get(name)
        if found is not None:
            return None if found.kind == "lookup" else found
        if name.startswith("_") and name.endswith("_value"):
            found = self.columns.get(name[1:-6])
            return found if found is not None and found.kind == "lookup" else None
        return None

    def by_navigation(self, name: str) -> tuple[Column, tuple[Target, ...]] | None:
        """The lookup and its targets behind a single-valued navigation property; case counts."""
        for one in self.columns.values():
            reached = tuple(target for target in one.targets if target.navigation == name)
            if reached:
                return one, reached
        return None
