"""The nouns of a Salesforce schema: fields, picklist values, objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NUMERIC = frozenset({"currency", "double", "percent", "int"})
REFERENCES = frozenset({"id", "reference"})
CHOICES = frozenset({"picklist", "multipicklist"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a picklist; an inactive one stays listed."""

    value: str
    label: str = ""
    active: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object, as an administrator defined it."""

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted: bool = False
    choices: tuple[Choice, ...] = ()
    restricted: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    children: str | None = None
    """The name under which a parent sees the rows that point to it."""
    cascade: bool = False
    """Rows that point to a deleted parent go with it."""
    master: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    name_field: bool = False
    calculated: bool = False
    compound: str | None = None
    feature: str | None = None
    """The org switch without which the field does not exist."""
    help_text: str | None = None
    guarded: bool = False
    """Whether no profile opens the field, as after a deploy, so that only a permission set shows it."""

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def long_text(self) -> bool:
        """Long text can neither be filtered, sorted nor grouped."""
        return self.type in ("textarea", "base64") and (self.length > 255 or self.type == "base64")

    @property
    def filterable(self) -> bool:
        return not self.long_text and self.type not in ("address", "location")

    @property
    def required(self) -> bool:
        """Whether a create without it is refused."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def key(self) -> bool:
        """Whether rows can be found by it: the key of an upsert."""
        return self.external_id or self.id_lookup

    def default(self) -> object:
        """What a create without the field stores."""
        if self.type == "boolean":
            return any(choice.default for choice in self.choices)
        return next((choice.value for choice in self.choices if choice.default), None)


@dataclass(slots=True)
class SObject:
    """One object: its names, what may be done with it and its fields by lower-case name."""

    name: str
    label: str
    plural: str
    prefix: str | None
    fields: dict[str, Field] = field(default_factory=dict)
    feature: str | None = None
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    replicateable: bool = True
    recycle_bin: bool = True
    """False: directly deleted rows are seen by getDeleted only (trap 9)."""
    guarded: bool = False
    """Whether no profile opens the object, so that only a permission set does."""

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    def add(self, *fields: Field) -> SObject:
        for one in fields:
            self.fields[one.name.lower()] = one
        return self

    @property
    def name_field(self) -> Field | None:
        return next((one for one in self.fields.values() if one.name_field), None)


_READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}


def text(name: str, label: str, length: int = 255, **more: Any) -> Field:
    return Field(name, label, "string", length, **more)


def area(name: str, label: str, length: int = 255, **more: Any) -> Field:
    return Field(name, label, "textarea", length, **more)


def flag(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "boolean", nillable=False, defaulted=True, **more)


def money(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "currency", precision=18, scale=2, **more)


def number(name: str, label: str, precision: int, scale: int, kind: str = "double", **more: Any) -> Field:
    return Field(name, label, kind, precision=precision, scale=scale, **more)


def pick(name: str, label: str, values: str, length: int = 255, **more: Any) -> Field:
    """A picklist; `values` are separated by ``|``, a leading ``*`` marks the default."""
    choices = tuple(Choice(v.lstrip("*"), v.lstrip("*"), default=v[0] == "*") for v in values.split("|") if v)
    return Field(name, label, "picklist", length, choices=choices, **more)


def moment(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "datetime", **more)


def day(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "date", **more)


def ref(name: str, label: str, to: str, children: str | None = None, **more: Any) -> Field:
    """A lookup to one or more objects separated by ``|``."""
    targets = tuple(to.split("|"))
    relationship = name[:-3] + "__r" if name.endswith("__c") else name.removesuffix("Id")
    return Field(
        name,
        label,
        "reference",
        18,
        reference_to=targets,
        relationship=relationship,
        children=children,
        **more,
    )


def stamps() -> tuple[Field, ...]:
    """The audit fields every object has."""
    fixed: dict[str, Any] = {"nillable": False, "defaulted": True, **_READ_ONLY}
    return (
        moment("CreatedDate", "Created Date", **fixed),
        ref("CreatedById", "Created By ID", "User", **fixed),
        moment("LastModifiedDate", "Last Modified Date", **fixed),
        ref("LastModifiedById", "Last Modified By ID", "User", **fixed),
        moment("SystemModstamp", "System Modstamp", **fixed),
    )


def opening(label: str) -> tuple[Field, ...]:
    """The id, and the deleted flag."""
    row_id = Field(
        "Id", f"{label} ID", "id", 18, nillable=False, defaulted=True, id_lookup=True, **_READ_ONLY
    )
    return (row_id, Field("IsDeleted", "Deleted", "boolean", nillable=False, defaulted=True, **_READ_ONLY))


def currency_code() -> Field:
    """The currency of a row, in an org with several."""
    return Field(
        "CurrencyIsoCode", "Currency ISO Code", "picklist", 3, restricted=True, feature="multi_currency"
    )


def owner() -> Field:
    return ref("OwnerId", "Owner ID", "User", nillable=False, defaulted=True)


def sobject(name: str, label: str, plural: str, prefix: str | None, *fields: Field, **more: Any) -> SObject:
    """An object with id, audit fields and `fields` between them."""
    made = SObject(name, label, plural, prefix, **more)
    return made.add(*opening(label), *fields, *stamps())
