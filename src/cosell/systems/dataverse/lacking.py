"""What the settings name and an environment does not let us use as the mapping needs it (J-9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cosell.core import drift
from cosell.core.answers import help_choices
from cosell.core.fields import HELP_LABELS, Help
from cosell.core.values import State
from cosell.ports import Lack
from cosell.systems.dataverse.metadata import Column
from cosell.systems.dataverse.schema import OWN, Schema

_WORDS = frozenset(("String", "Memo"))
_TYPES: Mapping[str, frozenset[str]] = {
    "sync": frozenset(("Boolean",)),
    "visible": frozenset(("Boolean",)),
    "deal_value": frozenset(("Money", "Decimal", "Double", "Integer")),
    "close_date": frozenset(("DateTime",)),
    "currency": _WORDS | {"Lookup"},
    "state": frozenset(("Status",)),
    "help": _WORDS | {"Picklist"},
}
"""What kinds of column can hold each thing; a lookup, for instance, holds no country (CUS-07)."""


def fitting(role: str) -> frozenset[str]:
    """The types of column that can hold what the connector keeps there."""
    return _TYPES.get(role, _WORDS)


def fits(role: str, column: Column) -> bool:
    """Whether this column can."""
    return column.type in fitting(role)


def unseen(place: str, label: str) -> Lack:
    """A column that was removed or renamed."""
    fix = "Bring the column back, or name the one that takes its place under [dynamics.fields]."
    return Lack(place, label, "was removed or renamed", fix)


def unfit(place: str, column: Column) -> Lack:
    """A column whose type was changed."""
    says = f"is now a column of the type {column.type}, which cannot hold it"
    return Lack(place, column.label, says, "Make it a column of its old type again, or name another.")


def unwritable(place: str, column: Column) -> Lack:
    """A column that can be read and not changed."""
    says = "cannot be written any more"
    return Lack(place, column.label, says, "Make it a column that can be updated again, or name another.")


def completed(schema: Schema) -> Schema:
    """The schema with what shows only once all of it is known: rights to write, and choices."""
    lacks = dict(schema.lacks)
    for key in OWN:
        column = schema.opportunity.get(key)
        if column is None or key in lacks:
            continue
        place = f"opportunity.{column.name}"
        if not fits(key, column):
            lacks[key] = unfit(place, column)
        elif not column.updatable:
            lacks[drift.part(key)] = unwritable(place, column)
    if schema.solution is not None and not schema.solution.writable:
        fix = "Let the columns of the table be created again."
        lacks[drift.part("solutions")] = Lack(schema.solution.name, "", "cannot be written any more", fix)
    lacks |= dict(_statuses(schema)) | dict(_answers(schema))
    return replace(schema, lacks=lacks)


def _statuses(schema: Schema) -> Iterable[tuple[str, Lack]]:
    place, label = "opportunity.statuscode", schema.opportunity["state"].label
    if schema.statuses.unclear:
        says = f"has no status reason as on_hold names one: {schema.statuses.unclear}"
        fix = "Bring the status reason back, or name another in the settings."
        yield "state", Lack(place, label, says, fix)
    for word in schema.statuses.unsaid():
        says = f"offers no status reason for «{word}» any more"
        fix = f"Add a status reason for it, or name one in the setting {word}."
        yield drift.choice("state", word), Lack(place, label, says, fix)


def _answers(schema: Schema) -> Iterable[tuple[str, Lack]]:
    column = schema.opportunity.get("help")
    if column is None or not column.choices:
        return
    offered = _offered(column)
    for answer in Help:
        if answer not in offered:
            says = f"does not offer «{HELP_LABELS[answer]}» any more"
            lack = Lack(f"opportunity.{column.name}", column.label, says, "Add the value to the choice.")
            yield drift.choice("help", answer), lack


def _offered(column: Column) -> Iterable[Help]:
    return help_choices((str(one.value), one.label) for one in column.choices)


def details(schema: Schema) -> frozenset[str]:
    """The parts in use that can be lost by themselves."""
    found = {role for role in OWN if role in schema.opportunity and role not in schema.lacks}
    found |= {f"contacts.{key}" for key in schema.contact} | {f"team.{key}" for key in schema.user}
    table = schema.solution
    if table is not None:
        found |= {f"solutions.{key}" for key in ("quantity", "price") if getattr(table, key) is not None}
    unsaid = schema.statuses.unsaid()
    found |= {drift.choice("state", one) for one in State if one.value not in unsaid}
    found |= {drift.choice("currency", code) for code in schema.currencies}
    column = schema.opportunity.get("help")
    if column is not None:
        found |= {drift.choice("help", one) for one in _offered(column)}
    return frozenset(found)
