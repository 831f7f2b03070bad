"""What an installation does to an org: each part stays, comes, changes, or stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from cosell.core.answers import help_choices
from cosell.core.fields import HELP_LABELS, Help
from cosell.crm.installing import Act, Step, Wish
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.inventory import Inventory
from cosell.systems.salesforce.metadata import element, every, put
from cosell.systems.salesforce.needs import OBJECTS, Need, Sheet, is_managed
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.package_source import (
    LANGUAGES,
    LIST_VIEW,
    PERMISSION_SET,
    Part,
    of,
    parts,
    the,
)
from cosell.systems.salesforce.rights import Called, called, composed, lacking

SHORTEST_KEY = 36
"""Characters of a referral id."""


@dataclass(slots=True)
class Plan:
    """What is to be done, and the parts that do it."""

    steps: list[Step] = field(default_factory=list)
    """In the order of the package; rights and assignment come last."""
    parts: list[Part] = field(default_factory=list)
    translations: list[Part] = field(default_factory=list)
    """Of the parts to be made; an org takes them only where it has the language."""
    names: dict[str, str] = field(default_factory=dict)
    """What the settings have to say, by dotted name: where the org calls something otherwise."""
    fields: dict[str, str] = field(default_factory=dict)
    """How the org calls each field of the package, or will; by its full name there."""
    rights: Part | None = None
    """The permission set, where it has to be made or to grant more."""
    assign: bool = False

    @property
    def blocked(self) -> bool:
        return any(step.act is Act.BLOCKED for step in self.steps)


def planned(inventory: Inventory, needs: Sequence[Need], options: Options, wish: Wish) -> Plan:
    """The plan for an org as it was found."""
    plan, made = Plan(), set()
    for sheet, name in inventory.names.items():
        if sheet in OBJECTS:
            if inventory.table(sheet) is None and name not in inventory.granted:
                if not _object(plan, sheet, name):
                    continue
                made.add(sheet)
            else:
                _present_object(plan, sheet, name)
        for need in needs:
            if need.sheet is sheet:
                _field(plan, inventory, need, wish)
    _rights(plan, inventory, options)
    _translations(plan, made, inventory)
    return plan


# --- objects -----------------------------------------------------------------------------------------


def _object(plan: Plan, sheet: Sheet, name: str) -> bool:
    """Plans a whole object; False where the settings name one that is not ours to make."""
    if name != sheet:
        setting = f"[salesforce.fields] {OBJECTS[sheet]}"
        why = f"{setting} names it, and it is not there. Make it in Setup, or remove the setting to get ours."
        plan.steps.append(Step(name, Act.BY_HAND, why))
        return False
    body = the("CustomObject", name).body
    plan.steps.append(Step(name, Act.CREATE, f"object «{body.findtext('label')}» with tab and page layout"))
    plan.parts += of("CustomObject", [name]) + of("CustomTab", [name])
    plan.parts += [one for one in parts() if one.kind == "Layout" and one.name.startswith(f"{name}-")]
    plan.parts += [one for one in parts() if one.kind == "ListView" and one.owner == name]
    return True


def _present_object(plan: Plan, sheet: Sheet, name: str) -> None:
    detail = ""
    if name != sheet:
        detail = "used in place of ours"
        plan.names[f"fields.{OBJECTS[sheet]}"] = name
    plan.steps.append(Step(name, Act.KEEP, detail))


# --- fields ------------------------------------------------------------------------------------------


def _field(plan: Plan, inventory: Inventory, need: Need, wish: Wish) -> None:
    sheet = inventory.table(need.sheet)
    column = sheet.get(need.name) if sheet is not None else None
    other = sheet.resolve(need.name, need.labels) if sheet is not None and column is None else None
    if column is None and wish.adopt and other is not None:
        column = other
    owner = inventory.names[need.sheet]
    if column is None and _is_granted(inventory, owner, need):
        plan.fields[need.part] = f"{owner}.{need.name}"
        plan.steps.append(Step(f"{owner}.{need.name}", Act.KEEP))
        return
    if column is None:
        _missing(plan, owner, need, other)
        return
    what = f"{owner}.{column.name}"
    plan.fields[need.part] = what
    if column.name != need.name:
        plan.names[need.setting] = column.name
    if column.type not in need.types:
        wanted = ", ".join(sorted(need.types))
        why = (
            f"It is a field of the type {column.type}, where one of these is needed: {wanted}. Rename it in "
            f"Salesforce, or name another field under [salesforce.{need.setting.replace('.', '] ')}."
        )
        plan.steps.append(Step(what, Act.BLOCKED, why))
        return
    _present(plan, what, need, column)


def _is_granted(inventory: Inventory, owner: str, need: Need) -> bool:
    """Whether the permission set names a field that neither user sees; of a detail, its object will do."""
    alone = need.role == "solution_opportunity" and inventory.table(need.sheet) is None
    return f"{owner}.{need.name}" in inventory.granted or (alone and owner in inventory.granted)


def _missing(plan: Plan, owner: str, need: Need, other: Column | None) -> None:
    if need.name != need.ours:
        setting = f"[salesforce.{need.setting.replace('.', '] ')}"
        why = f"{setting} names it, and nobody sees it. Make it in Setup, or remove the setting to get ours."
        plan.steps.append(Step(f"{owner}.{need.name}", Act.BY_HAND, why))
        return
    part = the("CustomField", need.part)
    name = f"{owner}.{need.ours}"
    detail = f"{part.body.findtext('type')} «{part.body.findtext('label')}»"
    if other is not None:
        detail += f"; {other.name} stands beside it, and --adopt would use that instead"
    plan.steps.append(Step(name, Act.CREATE, detail))
    plan.parts.append(Part(part.kind, name, part.body))
    plan.fields[need.part] = name


def _present(plan: Plan, what: str, need: Need, column: Column) -> None:
    """A field that is there; what it lacks is added where it is not somebody's package's."""
    body, lacks = _completed(need, column)
    adopted = "used in place of ours" if column.name != need.ours else ""
    if body is None:
        plan.steps.append(Step(what, Act.KEEP, adopted))
    elif is_managed(column.name):
        plan.steps.append(
            Step(what, Act.BY_HAND, f"It {lacks}; only the package it came with can change it.")
        )
    else:
        plan.steps.append(Step(what, Act.CHANGE, f"It {lacks}; this is added."))
        plan.parts.append(Part("CustomField", what, body))


def _completed(need: Need, column: Column) -> tuple[Element | None, str]:
    """The field with what it lacks, and what that is; None where it lacks nothing."""
    if need.role == "referral_id":
        return _key(need, column)
    if need.role == "help" and column.type == "picklist":
        return _choices(need, column)
    return None, ""


def _like(need: Need, column: Column) -> Element:
    """Our definition with the words the org has given the field: nothing of theirs is replaced.

    Nor is our help added: by it a removal would take the field for ours.
    """
    body = the("CustomField", need.part).changed()
    put(body, "fullName", column.name)
    put(body, "label", column.label or need.labels[0])
    for ours in body.findall("inlineHelpText"):
        body.remove(ours)
    if column.help:
        put(body, "inlineHelpText", column.help)
    return body


def _key(need: Need, column: Column) -> tuple[Element | None, str]:
    lacks = []
    if not (column.unique and column.external_id):
        lacks.append("is not both External ID and Unique, so Salesforce would accept doubles")
    if column.length < SHORTEST_KEY:
        lacks.append(f"holds {column.length} characters, {SHORTEST_KEY} are needed")
    if not lacks:
        return None, ""
    body = _like(need, column)
    put(body, "length", max(column.length, 100))
    return body, " and ".join(lacks)


def _choices(need: Need, column: Column) -> tuple[Element | None, str]:
    known = help_choices(column.choices)
    wanted = [HELP_LABELS[one] for one in Help if one not in known]
    if not wanted:
        return None, ""
    body = _like(need, column)
    entries = [*column.choices, *((one, one) for one in wanted)]
    values = [
        element("value", ("fullName", value), ("default", False), ("label", label))
        for value, label in entries
    ]
    definition = element("valueSetDefinition", ("sorted", False), *values)
    for one in body.findall("valueSet"):
        body.remove(one)
    body.append(element("valueSet", ("restricted", column.restricted), definition))
    return body, f"lacks the answers: {', '.join(wanted)}"


# --- rights, list view, translations -----------------------------------------------------------------


def _rights(plan: Plan, inventory: Inventory, options: Options) -> None:
    names = called(inventory, plan.fields, options)
    wanted = composed(names, inventory, options)
    count = sum(1 for _ in every(wanted.body, "fieldPermissions"))
    what = f"permission set {PERMISSION_SET}"
    if inventory.permission_set is None:
        plan.parts.append(_list_view(names))
        plan.steps.append(Step(f"list view {LIST_VIEW}", Act.CREATE, "opportunities that are synced"))
        plan.steps.append(Step(what, Act.CREATE, f"rights to the {count} mapped fields and their objects"))
        plan.rights = wanted
    else:
        missing = lacking(wanted, inventory) if inventory.assigned else _of_new(plan)
        if missing:
            plan.rights = wanted
            plan.steps.append(Step(what, Act.CHANGE, f"grants more: {', '.join(missing)}"))
        else:
            plan.steps.append(Step(what, Act.KEEP))
    plan.assign = not inventory.assigned
    whose = "for the connector's user"
    plan.steps.append(Step(f"{what} {whose}", Act.CREATE if plan.assign else Act.KEEP))


def _of_new(plan: Plan) -> list[str]:
    return [one.name for one in plan.parts if one.kind in ("CustomField", "CustomObject")]


def _list_view(names: Called) -> Part:
    """Our list view, with the fields as this org calls them."""
    part = the("ListView", LIST_VIEW)
    body = part.changed()
    for one in list(body.iter()):
        if one.text and one.text.endswith("__c"):
            one.text = names.field(f"{part.owner}.{one.text}").rpartition(".")[2]
    for column in body.findall("columns"):
        if not column.text:
            body.remove(column)
    return Part(part.kind, part.name, body)


def _translations(plan: Plan, made: set[Sheet], inventory: Inventory) -> None:
    """The words of new fields and objects in each language we have."""
    fresh = [one.name for one in plan.parts if one.kind == "CustomField" and one.name in _created(plan)]
    for tag, language in LANGUAGES.items():
        found = [one for name in fresh if (one := _translated(name, tag, inventory.names)) is not None]
        found += of("CustomObjectTranslation", [f"{sheet}-{tag}" for sheet in made])
        if found:
            plan.translations += found
            detail = "labels and help; left out where the org has no such language"
            plan.steps.append(Step(f"translations {tag}", Act.CREATE, f"{language}: {detail}"))


def _created(plan: Plan) -> set[str]:
    return {step.what for step in plan.steps if step.act is Act.CREATE}


def _translated(name: str, tag: str, names: Mapping[Sheet, str]) -> Part | None:
    owner, _, own = name.partition(".")
    ours = next(str(sheet) for sheet, called_here in names.items() if called_here == owner)
    found = of("CustomFieldTranslation", [f"{ours}-{tag}.{own}"])
    return Part(found[0].kind, f"{owner}-{tag}.{own}", found[0].body) if found else None
