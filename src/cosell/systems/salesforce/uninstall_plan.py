"""What a removal takes out of an org: what the package made, and of what holds data nothing unasked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cosell.crm.installing import Act, Step, Wish
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.inventory import Inventory
from cosell.systems.salesforce.needs import OBJECTS, Need, Sheet
from cosell.systems.salesforce.package_source import LIST_VIEW, PERMISSION_SET, of, the

_STAYS = "holds data of yours, so it stays; --data removes it too"
_BIN = "Salesforce keeps it for 15 days under Deleted Fields"


@dataclass(slots=True)
class Removal:
    """What is to be taken away, in the order of the deploys."""

    steps: list[Step] = field(default_factory=list)
    shown: dict[str, list[str]] = field(default_factory=dict)
    """List view and tabs, by kind: first, for they show fields."""
    data: dict[str, list[str]] = field(default_factory=dict)
    """Fields and objects, by kind."""
    assignment: str | None = None
    rights: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    """How the org calls each field of the package that is there."""


def removed(inventory: Inventory, needs: Sequence[Need], wish: Wish) -> Removal:
    """The removal from an org as it was found."""
    plan = Removal()
    for sheet, name in inventory.names.items():
        found = inventory.table(sheet)
        if found is None:
            continue
        wanted = {need.ours: need for need in needs if need.sheet is sheet}
        columns = [column for need in wanted.values() if (column := found.get(need.ours)) is not None]
        plan.fields |= {f"{sheet}.{one.name}": f"{name}.{one.name}" for one in columns}
        if sheet in OBJECTS:
            others = [one.name for one in found.columns.values() if one.name.endswith("__c")]
            foreign = sorted({*others} - {*wanted})
            _object(plan, sheet, name, columns, foreign=foreign, wish=wish)
        else:
            for column in columns:
                _field(plan, f"{name}.{column.name}", is_ours(f"{sheet}.{column.name}", column), wish)
    _rights(plan, inventory)
    return plan


def is_ours(part: str, column: Column) -> bool:
    """Whether the package made a field: it says there what ours says, in one of our languages.

    A field that somebody made by hand after Microsoft's old table has the same name, and is theirs.
    """
    sheet, _, name = part.partition(".")
    texts = {the("CustomField", part).body.findtext("inlineHelpText")}
    for one in of("CustomFieldTranslation"):
        if one.name.startswith(f"{sheet}-") and one.name.endswith(f".{name}"):
            texts.add(one.body.findtext("help"))
    return column.help in texts


def _field(plan: Removal, what: str, ours: bool, wish: Wish) -> None:
    if not ours:
        why = "Its help text is not ours, so it is not taken for ours: delete it in Setup if nobody needs it."
        plan.steps.append(Step(what, Act.BY_HAND if wish.data else Act.KEEP, why))
    elif wish.data:
        plan.steps.append(Step(what, Act.REMOVE, _BIN))
        plan.data.setdefault("CustomField", []).append(what)
    else:
        plan.steps.append(Step(what, Act.KEEP, _STAYS))


def _object(
    plan: Removal,
    sheet: Sheet,
    name: str,
    columns: Sequence[Column],
    *,
    foreign: Sequence[str],
    wish: Wish,
) -> None:
    made = [one for one in columns if is_ours(f"{sheet}.{one.name}", one)]
    if name != sheet or len(made) < len(columns):
        plan.steps.append(Step(name, Act.KEEP, "not ours"))
        for one in made:
            _field(plan, f"{name}.{one.name}", True, wish)
    elif foreign:
        why = f"It has fields that others made: {', '.join(foreign)}. Delete it in Setup if nobody needs it."
        plan.steps.append(Step(name, Act.BY_HAND if wish.data else Act.KEEP, why))
    elif wish.data:
        plan.steps.append(Step(name, Act.REMOVE, "with all its rows, fields, tab and page layout"))
        plan.data.setdefault("CustomObject", []).append(name)
        plan.shown.setdefault("CustomTab", []).append(name)
    else:
        plan.steps.append(Step(name, Act.KEEP, _STAYS))


def _rights(plan: Removal, inventory: Inventory) -> None:
    if inventory.permission_set is None:
        return
    what = f"permission set {PERMISSION_SET}"
    plan.shown.setdefault("ListView", []).append(LIST_VIEW)
    plan.steps.append(Step(f"list view {LIST_VIEW}", Act.REMOVE))
    plan.assignment = inventory.assignments.get(inventory.user_id)
    if plan.assignment:
        plan.steps.append(Step(f"{what} for the connector's user", Act.REMOVE))
    others = len(inventory.assignments.keys() - {inventory.user_id})
    if others:
        why = f"{others} other users have it. Take it from them in Setup, Permission Sets; then start again."
        plan.steps.append(Step(what, Act.BY_HAND, why))
    else:
        plan.rights = True
        plan.steps.append(Step(what, Act.REMOVE))


def groups(plan: Removal) -> Sequence[Mapping[str, Sequence[str]]]:
    """What goes before the assignment is taken away: each deploy on its own."""
    return [one for one in (plan.shown, plan.data) if one]
