"""PATCH: a JSON Patch of `add` and `replace` at the published paths, applied whole or not at all (2.4)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from cosell.sandbox.frame import JsonObject
from cosell.sandbox.partner_center import registration, rules
from cosell.sandbox.partner_center.documents import placed, value_at
from cosell.sandbox.partner_center.errors import invalid
from cosell.sandbox.partner_center.kinds import Kind
from cosell.sandbox.partner_center.shape import MEMBER, MOST_MEMBERS, MOST_SOLUTIONS, SOLUTION, kind_at
from cosell.sandbox.partner_center.switches import Switches

_PLAIN = (
    "campaignId",
    "consent/consentToShareReferralWithMicrosoftSellers",
    "customerProfile/team",
    "details/closingDateTime",
    "details/currency",
    "details/dealValue",
    "details/notes",
    "details/requirements/solutions",
    "externalReferenceId",
    "referralProgram",
    "salesStage",
    "status",
    "substatus",
    "statusReason",
    "team",
)
# No published path; some hold that a route to them existed (2.4), so a switch opens them.
_UNPUBLISHED = ("name", "details/requirements/additionalRequirements/attributes")
_ONE_OF = {
    "customerProfile/team/-": (MEMBER, MOST_MEMBERS),
    "details/requirements/solutions/-": (SOLUTION, MOST_SOLUTIONS),
    "team/-": (MEMBER, MOST_MEMBERS),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as it came in."""

    op: str
    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Slot:
    """A path that may be written: where it leads, what belongs there, and whether it adds to a list."""

    keys: tuple[str, ...]
    kind: Kind
    most: int | None = None


def _slot(path: str) -> _Slot:
    if path in _ONE_OF:
        kind, most = _ONE_OF[path]
        return _Slot(tuple(path.split("/")[:-1]), kind, most)
    found = kind_at(tuple(path.split("/")))
    if found is None:
        raise LookupError(path)
    return _Slot(found[1], found[0])


_SLOTS = {f"/{path}".lower(): _slot(path) for path in (*_PLAIN, *_ONE_OF)}
_EXTRA_SLOTS = {f"/{path}".lower(): _slot(path) for path in _UNPUBLISHED}


def operations(raw: Any) -> list[Operation]:
    """The operations of a patch document."""
    if not isinstance(raw, list) or not raw:
        raise invalid("patch", "A list of operations is expected.")
    return [_operation(one, place) for place, one in enumerate(raw)]


def _operation(raw: Any, place: int) -> Operation:
    if not isinstance(raw, dict):
        raise invalid(f"[{place}]", "An operation is expected.")
    given = {name.lower(): value for name, value in raw.items()}
    op, path = given.get("op"), given.get("path")
    if not isinstance(op, str) or op.lower() not in ("add", "replace"):
        raise invalid(f"[{place}].op", "Only add and replace are supported.")
    if not isinstance(path, str):
        raise invalid(f"[{place}].path", "A path is expected.")
    if "value" not in given:
        raise invalid(f"[{place}].value", "A value is expected.")
    return Operation(op.lower(), path, given["value"])


class Patching:
    """Applies operations to one referral and checks each value that is written."""

    def __init__(self, switches: Switches, catalogue: Collection[str]) -> None:
        self._switches, self._catalogue = switches, catalogue
        self._checks: dict[str, Callable[[Any], None]] = {
            "details.dealValue": lambda value: rules.check_value(value, "details.dealValue"),
            "details.currency": lambda value: rules.check_currency(value, "details.currency"),
            "details.closingDateTime": lambda value: _check_there(value, "details.closingDateTime"),
            "details.requirements.solutions": self._check_solutions,
            "team": lambda value: rules.check_team(value, "team"),
            "customerProfile.team": _check_contacts,
            "consent.consentToShareReferralWithMicrosoftSellers": _check_visible,
            "status": lambda value: _check_there(value, "status"),
            "substatus": lambda value: _check_there(value, "substatus"),
            "name": lambda value: _check_there(value, "name"),
        }

    def applied(self, referral: JsonObject, wanted: list[Operation]) -> JsonObject:
        """The referral after all operations; registration is not among them."""
        for operation in wanted:
            referral = self._apply(referral, operation)
        return referral

    def _apply(self, referral: JsonObject, operation: Operation) -> JsonObject:
        slot = self._slot(operation.path)
        target = ".".join(slot.keys)
        if slot.most is None:
            value = slot.kind.bind(operation.value, target)
        else:
            value = _appended(referral, slot, operation, target)
        if target in self._checks:
            self._checks[target](value)
        changed: JsonObject = placed(referral, slot.keys, value)
        return changed

    def _slot(self, path: str) -> _Slot:
        slot = _SLOTS.get(path.lower())
        if slot is None and self._switches.name_patchable:
            slot = _EXTRA_SLOTS.get(path.lower())
        if slot is None:
            raise invalid(path, f"The path {path} cannot be patched.")
        return slot

    def _check_solutions(self, value: list[JsonObject]) -> None:
        rules.check_solutions(value, self._switches, self._catalogue)


def _appended(referral: JsonObject, slot: _Slot, operation: Operation, target: str) -> list[Any]:
    if operation.op != "add":
        raise invalid(operation.path, "Only add can append to a list.")
    present = value_at(referral, slot.keys) or []
    if slot.most is not None and len(present) >= slot.most:
        raise invalid(target, f"At most {slot.most} entries are allowed.")
    if operation.value is None:
        raise invalid(target, "An entry may not be null.")
    return [*present, slot.kind.bind(operation.value, f"{target}[{len(present)}]")]


def _check_there(value: Any, target: str) -> None:
    if value is None or value == "":
        raise invalid(target, f"The property {target} cannot be emptied.")


def _check_contacts(contacts: list[JsonObject]) -> None:
    for place, contact in enumerate(contacts):
        rules.check_member(contact, f"customerProfile.team[{place}]")


def _check_visible(value: Any) -> None:
    if value is not True:
        raise invalid(
            "consent.consentToShareReferralWithMicrosoftSellers",
            "A deal that was shown to Microsoft sellers cannot be hidden again.",
        )


def split(wanted: list[Operation]) -> tuple[list[Operation], list[Operation]]:
    """Operations on the deal, and operations on its registrations."""
    deal = [one for one in wanted if not registration.concerns(one.path)]
    return deal, [one for one in wanted if registration.concerns(one.path)]
