"""The verbs of an administrator of a CRM who changes fields, and takes the changes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.drifting import Details, Fields
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HERE = "/control/{system}/fields"
SWITCHED = ("remove", "hide", "lock", "require", "restore")
NAMED = ("rename", "retype", "add_value", "remove_value", "rename_value")
_MORE = {
    "lock": "lock_field",
    "retype": "retype_field",
    "require": "require_field",
    "add_value": "add_value",
    "remove_value": "remove_value",
    "rename_value": "rename_value",
}


def list_changed(sandbox: Sandbox, wish: Wish, system: str) -> dict[str, Any]:
    """The fields of a CRM that an administrator changed and has not restored."""
    wish.done()
    desk = _desk(sandbox, system)
    return {"changed": desk.changed_fields() if isinstance(desk, Details) else []}


def change_field(sandbox: Sandbox, wish: Wish, system: str, field: str) -> dict[str, Any]:
    """An administrator removes, renames, hides, locks, retypes or restores a field, or changes its values."""
    table, dot, name = field.partition(".")
    if not dot or not table or not name:
        raise Refused("A field is named like Opportunity.Audit__c.")
    act, words = _wanted(wish)
    desk = _desk(sandbox, system)
    if not isinstance(desk, Fields) or (act in _MORE and not isinstance(desk, Details)):
        raise Refused(f"Nobody can {act.replace('_', ' ')} at a field of {system} here.")
    getattr(desk, _MORE.get(act, f"{act}_field"))(table, name, *words)
    return {"field": field, "done": act.replace("_", " "), **list_changed(sandbox, Wish({}), system)}


def set_quota(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Uses the daily calls of Salesforce up but for a few, or gives the full number back."""
    if wish.truth("restore", False):
        wish.done()
        sandbox.salesforce.restore_quota()
    else:
        left = wish.whole("left", 0, least=0, most=10_000_000)
        wish.done()
        sandbox.salesforce.fill_quota(left)
    most = sandbox.salesforce.settings.daily_api_calls
    return {"daily": most, "left": max(0, most - sandbox.salesforce.calls_used)}


def change_layout(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """An administrator of Salesforce puts one more field on the page of an opportunity."""
    field = wish.text("field")
    wish.done()
    try:
        sandbox.salesforce.rearrange_layout(field)
    except KeyError:
        raise Refused(f"An opportunity has no field “{field}”.", status=404) from None
    return {"added": field}


def _wanted(wish: Wish) -> tuple[str, list[str]]:
    """The one act that is asked for, and the words that go with it."""
    asked = [name for name in (*SWITCHED, *NAMED) if wish.has(name)]
    if len(asked) != 1:
        raise Refused(f"Say exactly one of: {', '.join((*SWITCHED, *NAMED))}.")
    [act] = asked
    words: list[str] = []
    if act in SWITCHED:
        if not wish.truth(act):
            raise Refused(f"“{act}” must be true.")
    else:
        words.append(wish.text(act))
        if act == "rename_value":
            words.append(wish.text("to"))
    wish.done()
    return act, words


def _desk(sandbox: Sandbox, system: str) -> object:
    desks = {"salesforce": sandbox.salesforce_desk, "dataverse": sandbox.dataverse_desk}
    if system not in desks:
        raise Refused(f"Fields are changed in {' and '.join(desks)}.", status=404)
    return desks[system]


VERBS = (
    Verb("GET", HERE, list_changed),
    Verb("POST", HERE + "/{field}", change_field, '{"rename": "Trail__c"}'),
    Verb("POST", "/control/salesforce/quota", set_quota, '{"left": 10}'),
    Verb("POST", "/control/salesforce/layout", change_layout, '{"field": "NextStep"}'),
)
