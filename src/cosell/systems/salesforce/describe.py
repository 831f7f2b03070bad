"""Reads describe answers: which fields an object has for the integration user (salesforce-api.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One field as the integration user may use it."""

    name: str
    label: str
    type: str
    length: int = 0
    creatable: bool = False
    updatable: bool = False
    filterable: bool = True
    unique: bool = False
    external_id: bool = False
    relationship: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    """Value and label of each active choice."""
    required: bool = False
    """A new row must name it: it may not be empty and has no default (salesforce-api.md 4)."""
    restricted: bool = False
    """Only the listed choices may be written."""
    help: str = ""
    """What the field says to whoever fills it."""

    @property
    def writable(self) -> bool:
        return self.creatable and self.updatable


@dataclass(frozen=True, slots=True)
class Table:
    """One object as the integration user may use it."""

    name: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    """By lower-case API name."""
    children: tuple[tuple[str, str, str], ...] = ()
    """Child object, its field that points here, and the relationship's name."""
    creatable: bool = False
    deletable: bool = False
    replicateable: bool = True
    prefix: str = ""
    """The first three characters of its ids."""
    last_modified: str | None = None

    def get(self, name: str) -> Column | None:
        return self.columns.get(name.lower())

    def resolve(self, name: str, labels: Iterable[str] = ()) -> Column | None:
        """The column called `name`, with any package's prefix before it, or else by its label.

        Two candidates of one kind are no answer: an ambiguity is not guessed away.
        """
        if not name:
            return None
        exact = self.get(name)
        if exact is not None:
            return exact
        ending = f"__{name.lower()}"
        prefixed = [c for key, c in self.columns.items() if key.endswith(ending)]
        wanted = {label.casefold() for label in labels}
        labelled = [c for c in self.columns.values() if c.label.casefold() in wanted]
        for found in (prefixed, labelled):
            if len(found) == 1:
                return found[0]
        return None

    def child(self, object_name: str, pointing: str | None = None) -> tuple[str, str, str] | None:
        """The relationship to the child object of this name, any package's prefix allowed."""
        ending = f"__{object_name.lower()}"
        named = [
            one
            for one in self.children
            if (one[0].lower() == object_name.lower() or one[0].lower().endswith(ending)) and one[2]
        ]
        if pointing is not None:
            exact = [one for one in named if one[1].lower().endswith(pointing.lower())]
            named = exact or named
        return named[0] if named else None


def table(body: Any, last_modified: str | None = None) -> Table | None:
    """A describe answer; None where it is not one."""
    if not isinstance(body, dict) or not isinstance(body.get("fields"), list):
        return None
    found = (_column(one) for one in body["fields"] if isinstance(one, dict))
    return Table(
        name=str(body.get("name", "")),
        columns={one.name.lower(): one for one in found if one.name},
        children=tuple(_children(body.get("childRelationships"))),
        creatable=body.get("createable") is True,
        deletable=body.get("deletable") is True,
        replicateable=body.get("replicateable") is not False,
        prefix=str(body.get("keyPrefix") or ""),
        last_modified=last_modified,
    )


def _column(raw: Mapping[str, Any]) -> Column:
    length = raw.get("length")
    relationship = raw.get("relationshipName")
    return Column(
        name=str(raw.get("name") or ""),
        label=str(raw.get("label") or ""),
        type=str(raw.get("type") or ""),
        length=length if isinstance(length, int) else 0,
        creatable=raw.get("createable") is True,
        updatable=raw.get("updateable") is True,
        filterable=raw.get("filterable") is not False,
        unique=raw.get("unique") is True,
        external_id=raw.get("externalId") is True,
        relationship=relationship if isinstance(relationship, str) else None,
        choices=tuple(_choices(raw.get("picklistValues"))),
        required=_required(raw),
        restricted=raw.get("restrictedPicklist") is True,
        help=str(raw.get("inlineHelpText") or ""),
    )


def _required(raw: Mapping[str, Any]) -> bool:
    optional = raw.get("nillable") is not False or raw.get("defaultedOnCreate") is True
    return raw.get("createable") is True and not optional


def _choices(raw: Any) -> Iterable[tuple[str, str]]:
    """Active choices only: inactive ones stay listed and must not be written."""
    for one in raw if isinstance(raw, list) else ():
        if isinstance(one, dict) and one.get("active") is not False and isinstance(one.get("value"), str):
            yield one["value"], str(one.get("label") or one["value"])


def _children(raw: Any) -> Iterable[tuple[str, str, str]]:
    for one in raw if isinstance(raw, list) else ():
        if isinstance(one, dict) and one.get("childSObject"):
            pointing, name = one.get("field") or "", one.get("relationshipName") or ""
            yield str(one["childSObject"]), str(pointing), str(name)
