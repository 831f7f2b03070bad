"""The schema of one org, which drifts while clients look, and the part of it one user sees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

from cosell.sandbox.frame import Org as Kind
from cosell.sandbox.salesforce.catalogue import fresh_objects
from cosell.sandbox.salesforce.countries import COUNTRIES, STATES
from cosell.sandbox.salesforce.fields import Choice, Field, SObject, stamps
from cosell.sandbox.salesforce.rights import EVERYTHING, Rights
from cosell.sandbox.salesforce.settings import Settings

REFERRAL_ID = "Opportunity.Referral_Identifier__c"
Renamed = Callable[[str, str, str | None], None]


class Schema:
    """What the administrator defined; every change shows in describe and queries from the next call on."""

    def __init__(self, kind: Kind = Kind.READY) -> None:
        self.kind, self.generation = kind, 0
        self.objects: dict[str, SObject] = {}
        self.on_rename: Renamed = lambda *_: None
        self.reset()

    def reset(self) -> None:
        """Returns to the schema of a fresh org."""
        self.objects = {one.name.lower(): one for one in fresh_objects(self.kind)}
        self.generation += 1

    def object(self, name: str) -> SObject:
        """The object of that name; KeyError if the org has none."""
        return self.objects[name.lower()]

    def field(self, sobject: str, name: str) -> Field:
        """The field of that name; KeyError if the object has none."""
        return self.object(sobject).fields[name.lower()]

    def add_object(self, made: SObject) -> None:
        self.objects[made.name.lower()] = made
        self.generation += 1

    def drop_object(self, name: str) -> None:
        del self.objects[name.lower()]
        self.generation += 1

    def add_field(self, sobject: str, field: Field) -> None:
        """Adds a field, or replaces the one of the same name; it stands before the audit fields."""
        owner = self.object(sobject)
        audit = {one.name.lower(): owner.fields.pop(one.name.lower()) for one in stamps()}
        owner.fields[field.name.lower()] = field
        owner.fields.update(audit)
        self.generation += 1

    def drop_field(self, sobject: str, name: str) -> None:
        """Removes a custom field and forgets its values."""
        _custom(name)
        gone = self.object(sobject).fields.pop(name.lower())
        self.generation += 1
        self.on_rename(self.object(sobject).name, gone.name, None)

    def rename_field(self, sobject: str, name: str, new_name: str) -> None:
        """Renames a custom field; its values stay."""
        _custom(name)
        owner = self.object(sobject)
        old = self.field(sobject, name)
        renamed = replace(old, name=new_name)
        if old.relationship:
            renamed = replace(renamed, relationship=new_name.removesuffix("__c") + "__r")
        owner.fields = {
            (new_name.lower() if key == name.lower() else key): (renamed if one is old else one)
            for key, one in owner.fields.items()
        }
        self.generation += 1
        self.on_rename(owner.name, old.name, new_name)

    def change_field(self, sobject: str, name: str, **changes: Any) -> None:
        """Changes properties of a field: its length, its label, whether it is required."""
        old = self.field(sobject, name)
        self.object(sobject).fields[name.lower()] = replace(old, **changes)
        self.generation += 1

    def view(self, settings: Settings, rights: Rights) -> View:
        """The schema one user sees: the switches hold for all, the rights are the user's own."""
        seen: dict[str, Seen] = {}
        for key, one in self.objects.items():
            acts = rights.acts(one)
            if acts and (one.feature is None or getattr(settings, one.feature)):
                seen[key] = _seen(one, settings, rights, acts)
        for name, reader in seen.items():
            _connect(name, reader, seen)
        return View(seen, (self.generation, settings.fingerprint(), rights), rights)


@dataclass(slots=True)
class Seen:
    """One object as a user sees it, with its parents and children by lower-case relationship name."""

    object: SObject
    fields: dict[str, Field]
    parents: dict[str, Field]
    children: dict[str, tuple[str, Field]]
    locked: frozenset[str]
    acts: frozenset[str] = EVERYTHING

    @property
    def name(self) -> str:
        return self.object.name

    @property
    def createable(self) -> bool:
        return self.object.createable and "Create" in self.acts

    @property
    def updateable(self) -> bool:
        return self.object.updateable and "Edit" in self.acts

    @property
    def deletable(self) -> bool:
        return self.object.deletable and "Delete" in self.acts


@dataclass(slots=True)
class View:
    """The objects a user sees, by lower-case name, and a mark that changes when any of it changes."""

    objects: dict[str, Seen]
    mark: Hashable
    rights: Rights = dataclasses.field(default_factory=Rights)

    def find(self, name: str) -> Seen | None:
        return self.objects.get(name.lower())


def _custom(name: str) -> None:
    if not name.lower().endswith("__c"):
        raise ValueError(f"{name} is a standard field: it can be hidden, never dropped or renamed")


def _seen(one: SObject, settings: Settings, rights: Rights, acts: frozenset[str]) -> Seen:
    fields: dict[str, Field] = {}
    for key, each in one.fields.items():
        if (each.feature and not getattr(settings, each.feature)) or not rights.sees(one, each):
            continue
        fields[key] = _switched(f"{one.name}.{each.name}", each, settings)
    parents = {f.relationship.lower(): f for f in fields.values() if f.relationship}
    read_only = frozenset(key for key, each in fields.items() if not rights.writes(one, each))
    return Seen(one, fields, parents, {}, read_only, acts)


def _switched(path: str, field: Field, settings: Settings) -> Field:
    """The field with what the switches make of it."""
    if path == REFERRAL_ID and not settings.unique_referral_id:
        return replace(field, unique=False)
    if path in settings.restricted_picklists:
        return replace(field, restricted=True)
    if field.feature == "multi_currency":
        corporate = settings.corporate_currency
        choices = tuple(Choice(code, code, default=code == corporate) for code in settings.currencies)
        return replace(field, choices=choices)
    if field.feature == "state_country_picklists":
        return replace(field, choices=_places(field.name))
    return field


def _places(name: str) -> tuple[Choice, ...]:
    if name.endswith("CountryCode"):
        return tuple(Choice(code, label) for code, label in COUNTRIES.items())
    return tuple(Choice(code, label) for states in STATES.values() for code, label in states.items())


def _connect(name: str, child: Seen, seen: dict[str, Seen]) -> None:
    """Tells every parent of `child` under which name it sees these rows."""
    for field in child.fields.values():
        for target in field.reference_to:
            parent = seen.get(target.lower())
            if parent is not None and field.children:
                parent.children[field.children.lower()] = (name, field)
