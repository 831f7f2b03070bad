"""What the settings name and an org does not let us use as is needed (J-9, salesforce-api.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cosell.core import drift
from cosell.core.answers import help_choices
from cosell.core.fields import HELP_LABELS, Help
from cosell.core.values import State
from cosell.ports import Lack
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.schema import OWN, Schema

_NUMBER = frozenset(("currency", "double", "int", "percent"))
_WORDS = frozenset(("string", "textarea", "picklist", "combobox", "url"))
_TYPES: Mapping[str, frozenset[str]] = {
    "sync": frozenset(("boolean",)),
    "visible": frozenset(("boolean",)),
    "deal_value": _NUMBER,
    "close_date": frozenset(("date",)),
    **dict.fromkeys(
        ("currency", "help", "notes", "audit", "referral_link", "referral_id", "microsoft_id"), _WORDS
    ),
    "program": _WORDS,
    "stamp": _WORDS,
    "country": _WORDS,
}
"""What kinds of field can hold each thing; a lookup, for instance, holds none of them (CUS-07)."""
_SHOW = "Bring the field back, let the permission set of the integration user see it, or name another."
_PEOPLE = ("email", "first_name", "last_name", "phone")


def fitting(role: str, column: Column) -> frozenset[str]:
    """The types of field that can hold what the connector keeps there; Salesforce's own are as they are."""
    return _TYPES.get(role, frozenset((column.type,)))


def fits(role: str, column: Column) -> bool:
    """Whether this field can."""
    return column.type in fitting(role, column)


def unseen(place: str, label: str) -> Lack:
    """A field that was removed, renamed, or is hidden: the three look alike."""
    return Lack(place, label, "was removed, renamed, or is hidden from the integration user", _SHOW)


def unfit(place: str, column: Column) -> Lack:
    """A field whose type was changed."""
    says = f"is now a field of the type {column.type}, which cannot hold it"
    return Lack(place, column.label, says, "Give the field its old type back, or name another.")


def unwritable(place: str, column: Column) -> Lack:
    """A field that can be read and not changed."""
    says = "may not be written by the integration user any more"
    return Lack(place, column.label, says, "Give its permission set edit access to the field.")


def completed(schema: Schema) -> Schema:
    """The schema with what shows only once all of it is known: rights to write, and choices."""
    lacks = dict(schema.lacks)
    for key in OWN:
        column = schema.opportunity.get(key)
        if column is None or key in lacks:
            continue
        place = f"Opportunity.{column.name}"
        if not fits(key, column):
            lacks[key] = unfit(place, column)
        elif not column.updatable:
            lacks[drift.part(key)] = unwritable(place, column)
    if schema.solution is not None and not schema.solution.writable:
        says, fix = (
            "may not be written by the integration user any more",
            "Give its permission set the rights.",
        )
        lacks[drift.part("solutions")] = Lack(schema.solution.name, "", says, fix)
    lacks |= dict(_stages(schema)) | dict(_answers(schema))
    return replace(schema, lacks=lacks)


def _stages(schema: Schema) -> Iterable[tuple[str, Lack]]:
    place, label = "Opportunity.StageName", schema.opportunity["state"].label
    stages = schema.stages
    if stages.unclear:
        fix = "Bring the stage back, or name another in the settings."
        yield "state", Lack(place, label, f"has no stage as on_hold names one: {stages.unclear}", fix)
    for word in stages.unsaid():
        says = f"offers no stage for «{word}» any more"
        fix = f"Activate a stage for it, or name one in the setting {word}."
        yield drift.choice("state", word), Lack(place, label, says, fix)


def _answers(schema: Schema) -> Iterable[tuple[str, Lack]]:
    column = schema.opportunity.get("help")
    if column is None or not column.choices:
        return
    offered = help_choices(column.choices)
    for answer in Help:
        if answer not in offered:
            says = f"does not offer «{HELP_LABELS[answer]}» any more"
            lack = Lack(f"Opportunity.{column.name}", column.label, says, "Add the value to the picklist.")
            yield drift.choice("help", answer), lack


def details(schema: Schema) -> frozenset[str]:
    """The parts in use that can be lost by themselves."""
    found = {role for role in OWN if role in schema.opportunity and role not in schema.lacks}
    found |= {f"contacts.{key}" for key in schema.contact} | {f"team.{key}" for key in schema.user}
    table = schema.solution
    if table is not None:
        found |= {f"solutions.{key}" for key in ("quantity", "price") if getattr(table, key)}
    if "currency" in schema.opportunity:
        found.add("currency.own")
    unsaid = schema.stages.unsaid()
    found |= {drift.choice("state", one) for one in State if one.value not in unsaid}
    column = schema.opportunity.get("help")
    if column is not None:
        found |= {drift.choice("help", one) for one in help_choices(column.choices)}
    return frozenset(found)
