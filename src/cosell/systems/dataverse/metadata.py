"""Reads metadata answers: what a table has for the connector (dataverse-api.md 2, 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LOOKUPS = frozenset(("Lookup", "Customer", "Owner"))
CHOICES = frozenset(("Picklist", "State", "Status"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a choice column; `state` is the statecode a status reason belongs to."""

    value: int
    label: str
    state: int | None = None
    labels: tuple[str, ...] = ()
    """What it is called in every language the environment tells."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the connector may use it."""

    name: str
    """Logical name: lower case, as in `$select`."""
    label: str
    type: str
    """`AttributeType`: String, Memo, Money, Picklist, Lookup, Customer, Owner, ..."""
    length: int = 0
    creatable: bool = False
    updatable: bool = False
    required: bool = False
    """Forms demand it; what the system itself requires it fills by itself."""
    choices: tuple[Choice, ...] = ()
    navigation: Mapping[str, str] = field(default_factory=dict)
    """Lookups: the navigation property to each table it may point to; its case counts (trap 3)."""

    @property
    def writable(self) -> bool:
        return self.creatable and self.updatable

    @property
    def is_lookup(self) -> bool:
        return self.type in LOOKUPS

    @property
    def shown(self) -> str:
        """The name under which rows carry the value: a lookup's id is `_name_value`."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    def choice(self, word: str) -> Choice | None:
        """The choice of this value or label."""
        wanted = word.strip().casefold()
        return next((c for c in self.choices if wanted in (str(c.value), c.label.casefold())), None)


@dataclass(frozen=True, slots=True)
class Key:
    """An alternate key."""

    name: str
    columns: tuple[str, ...]
    active: bool
    state: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """A lookup of one table to another, and the collection of its rows as seen from there."""

    table: str
    column: str
    navigation: str
    """The collection's name on the parent."""
    parent: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table as the connector may use it."""

    name: str
    set: str
    """The entity set: the name in addresses."""
    id: str
    """The primary key column."""
    label: str
    """The primary name column."""
    columns: Mapping[str, Column] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()
    children: tuple[Child, ...] = ()
    change_tracking: bool = False
    trackable: bool = False
    """Change tracking may be switched on."""
    concurrency: bool = False
    """`If-Match` with an etag is honoured."""

    def get(self, name: str) -> Column | None:
        return self.columns.get(name.lower())

    def resolve(self, name: str, labels: Iterable[str] = ()) -> Column | None:
        """The column called `name`, else the one of these labels; two candidates are no answer."""
        if not name:
            return None
        exact = self.get(name)
        if exact is not None:
            return exact
        wanted = {label.casefold() for label in labels}
        labelled = [c for c in self.columns.values() if c.label.casefold() in wanted]
        return labelled[0] if len(labelled) == 1 else None

    def key_of(self, column: str) -> Key | None:
        """The alternate key of this column alone."""
        return next((key for key in self.keys if key.columns == (column,)), None)

    def children_of(self, table: str) -> tuple[Child, ...]:
        return tuple(child for child in self.children if child.table == table)


# --- answers ---------------------------------------------------------------------------------------


def columns_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Column]:
    """Columns by logical name; those that cannot be read by anybody are left out."""
    found = (_column(row) for row in rows if row.get("IsValidForRead") is not False)
    return {one.name: one for one in found if one.name}


def _column(row: Mapping[str, Any]) -> Column:
    return Column(
        name=str(row.get("LogicalName") or "").lower(),
        label=label_of(row.get("DisplayName")),
        type=str(row.get("AttributeType") or ""),
        creatable=row.get("IsValidForCreate") is True,
        updatable=row.get("IsValidForUpdate") is True,
        required=_managed(row.get("RequiredLevel")) == "ApplicationRequired",
    )


def label_of(raw: Any) -> str:
    """The text of a Label: in the user's language, else in any."""
    if not isinstance(raw, dict):
        return ""
    mine = raw.get("UserLocalizedLabel")
    known = raw.get("LocalizedLabels")
    for one in (mine, *(known if isinstance(known, list) else ())):
        if isinstance(one, dict) and isinstance(one.get("Label"), str):
            return str(one["Label"])
    return ""


def texts_of(raw: Any) -> dict[int, str]:
    """The texts of a Label by language."""
    known = raw.get("LocalizedLabels") if isinstance(raw, dict) else None
    return {
        one["LanguageCode"]: one["Label"]
        for one in (known if isinstance(known, list) else ())
        if isinstance(one, dict)
        and isinstance(one.get("Label"), str)
        and isinstance(one.get("LanguageCode"), int)
    }


def choices_of(row: Mapping[str, Any]) -> tuple[Choice, ...]:
    """The choices of a column, its own or those it shares with others."""
    for kind in ("OptionSet", "GlobalOptionSet"):
        options = row.get(kind)
        listed = options.get("Options") if isinstance(options, dict) else None
        if isinstance(listed, list) and listed:
            return tuple(_choices(listed))
    return ()


def _choices(listed: Iterable[Any]) -> Iterable[Choice]:
    for one in listed:
        if isinstance(one, dict) and isinstance(one.get("Value"), int):
            state = one.get("State")
            yield Choice(
                one["Value"],
                label_of(one.get("Label")),
                state if isinstance(state, int) else None,
                tuple(texts_of(one.get("Label")).values()),
            )


def keys_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Key, ...]:
    """Alternate keys; one whose index is not Active refuses nothing."""
    return tuple(
        Key(
            name=str(row.get("LogicalName") or row.get("SchemaName") or ""),
            columns=tuple(str(name).lower() for name in _list(row.get("KeyAttributes"))),
            active=row.get("EntityKeyIndexStatus") == "Active",
            state=str(row.get("EntityKeyIndexStatus") or ""),
        )
        for row in rows
    )


def navigations_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """By lookup column: the navigation property to each table it may point to."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        name = row.get("ReferencingEntityNavigationPropertyName")
        column, target = row.get("ReferencingAttribute"), row.get("ReferencedEntity")
        if all(isinstance(one, str) and one for one in (name, column, target)):
            found.setdefault(str(column).lower(), {})[str(target).lower()] = str(name)
    return found


def children_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Child, ...]:
    """The lookups of a table, each with the collection at its other end."""
    found = []
    for row in rows:
        named = [row.get(name) for name in _RELATION]
        if all(isinstance(one, str) and one for one in named):
            table, column, navigation, parent = map(str, named)
            found.append(Child(table.lower(), column.lower(), navigation, parent.lower()))
    return tuple(found)


_RELATION = (
    "ReferencingEntity",
    "ReferencingAttribute",
    "ReferencedEntityNavigationPropertyName",
    "ReferencedEntity",
)


def _managed(raw: Any) -> Any:
    """A managed property carries its value inside."""
    return raw.get("Value") if isinstance(raw, dict) else raw


def truth(raw: Any) -> bool:
    """A plain or managed yes."""
    return _managed(raw) is True


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []
