"""The verbs of an administrator of a CRM who changes fields, and takes the changes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.drifting import Fields
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

HERE = "/control/{system}/fields"
_SWITCHED: Mapping[str, Callable[[Fields, str, str], None]] = {
    "remove": lambda desk, table, name: desk.remove_field(table, name),
    "hide": lambda desk, table, name: desk.hide_field(table, name),
    "lock": lambda desk, table, name: desk.lock_field(table, name),
    "require": lambda desk, table, name: desk.require_field(table, name),
    "restore": lambda desk, table, name: desk.restore_field(table, name),
}
_NAMED: Mapping[str, Callable[[Fields, str, str, str], None]] = {
    "rename": lambda desk, table, name, word: desk.rename_field(table, name, word),
    "retype": lambda desk, table, name, word: desk.retype_field(table, name, word),
    "add_value": lambda desk, table, name, word: desk.add_value(table, name, word),
    "remove_value": lambda desk, table, name, word: desk.remove_value(table, name, word),
}
ACTS = (*_SWITCHED, *_NAMED, "rename_value")


def list_changed(sandbox: Sandbox, wish: Wish, system: str) -> dict[str, Any]:
    """The fields of a CRM that an administrator changed and has not restored."""
    wish.done()
    return {"changed": _desk(sandbox, system).changed_fields()}


def change_field(sandbox: Sandbox, wish: Wish, system: str, field: str) -> dict[str, Any]:
    """An administrator removes, renames, hides, locks, retypes or restores a field, or changes its values."""
    table, dot, name = field.partition(".")
    if not dot or not table or not name:
        raise Refused("A field is named like Opportunity.Audit__c.")
    desk = _desk(sandbox, system)
    asked = [act for act in ACTS if wish.has(act)]
    if len(asked) != 1:
        raise Refused(f"Say exactly one of: {', '.join(ACTS)}.")
    [act] = asked
    if act in _SWITCHED:
        if not wish.truth(act):
            raise Refused(f"“{act}” must be true.")
        wish.done()
        _SWITCHED[act](desk, table, name)
    elif act in _NAMED:
        word = wish.text(act)
        wish.done()
        _NAMED[act](desk, table, name, word)
    else:
        word, new = wish.text(act), wish.text("to")
        wish.done()
        desk.rename_value(table, name, word, new)
    return {"field": field, "done": act.replace("_", " "), "changed": desk.changed_fields()}


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


def _desk(sandbox: Sandbox, system: str) -> Fields:
    desks: dict[str, Fields] = {"salesforce": sandbox.salesforce_desk, "dataverse": sandbox.dataverse_desk}
    if system not in desks:
        raise Refused(f"Fields are changed in {' and '.join(desks)}.", status=404)
    return desks[system]


VERBS = (
    Verb("GET", HERE, list_changed),
    Verb("POST", HERE + "/{field}", change_field, '{"rename": "Trail__c"}'),
    Verb("POST", "/control/salesforce/quota", set_quota, '{"left": 10}'),
    Verb("POST", "/control/salesforce/layout", change_layout, '{"field": "NextStep"}'),
)
