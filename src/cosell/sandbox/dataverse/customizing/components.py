"""Which solution a customization belongs to, and whose prefix its name must bear (sheet 5.1 and 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cosell.sandbox.dataverse.calls import Actor, Call
from cosell.sandbox.dataverse.errors import DataverseError, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Ref, Row

HEADER = "mscrm.solutionuniquename"


class Kind(IntEnum):
    """What a component is, as solutioncomponent.componenttype numbers it."""

    TABLE = 1
    COLUMN = 2
    CHOICE = 9
    RELATIONSHIP = 10
    KEY = 14
    ROLE = 20
    VIEW = 26
    FORM = 60


COMPONENTS = {"role": Kind.ROLE, "savedquery": Kind.VIEW, "systemform": Kind.FORM}
"""The tables whose rows are components."""


class Behaviour(IntEnum):
    """How much of a table a solution holds."""

    WHOLE = 0
    LISTED = 1
    SHELL = 2


@dataclass(frozen=True, slots=True)
class Package:
    """The solution that new components are put into; None stands for the default solution."""

    solution: Row | None
    prefixes: frozenset[str]
    first_value: int
    """Where the values of new choices begin."""
    managed: bool = False


def package_of(org: Org, call: Call, named: object = None) -> Package:
    """The solution a request names, by its header or by a parameter."""
    name = str(named or call.options().get("SolutionUniqueName") or call.header(HEADER) or "").strip()
    if not name:
        return default_package(org)
    solution = solution_named(org, name)
    if solution is None:
        text = f"The solution unique name '{name}' is not that of a solution in this system."
        raise refusal(400, "0x8004f002", text)
    if solution.get("ismanaged"):
        text = f"Cannot update solution '{name}' because it is a managed solution."
        raise refusal(400, "0x8004f024", text)
    return package(org, solution)


def package(org: Org, solution: Row) -> Package:
    publisher = org.store.get("publisher", solution["publisherid"].id) or {}
    prefix = str(publisher.get("customizationprefix") or "")
    first = int(publisher.get("customizationoptionvalueprefix") or 0) * 10_000
    return Package(solution, frozenset({prefix.lower()}), first, bool(solution.get("ismanaged")))


def default_package(org: Org) -> Package:
    """Without a solution any publisher's prefix will do."""
    publishers = org.store.rows("publisher")
    prefixes = frozenset(str(one.get("customizationprefix")).lower() for one in publishers)
    return Package(None, prefixes, 10_000 * 10_000)


def solution_named(org: Org, name: str) -> Row | None:
    found = org.store.table("solution").ids_where("uniquename", name)
    return org.store.get("solution", found[0]) if found else None


def put_in(
    org: Org,
    actor: Actor,
    solution: Row | None,
    kind: Kind,
    object_id: str,
    behaviour: Behaviour | None = None,
) -> None:
    """Makes a component part of a solution, once."""
    if solution is None or member(org, solution["solutionid"], kind, object_id) is not None:
        return
    row: Row = {
        "componenttype": int(kind),
        "objectid": object_id,
        "solutionid": Ref("solution", solution["solutionid"]),
    }
    if kind is Kind.TABLE:
        row["rootcomponentbehavior"] = int(Behaviour.WHOLE if behaviour is None else behaviour)
    org.insert(org.schema.table("solutioncomponent"), row, actor)


def member(org: Org, solution_id: str, kind: int, object_id: str) -> Row | None:
    """The row that says a component is in a solution."""
    rows = org.store.table("solutioncomponent")
    for one in rows.ids_where("objectid", object_id):
        row = rows.live[one]
        if row["solutionid"].id == solution_id and row["componenttype"] == kind:
            return row
    return None


def members(org: Org, solution_id: str) -> list[Row]:
    """Everything in a solution."""
    rows = org.store.table("solutioncomponent")
    return [rows.live[one] for one in rows.ids_where("solutionid", Ref("solution", solution_id))]


def forget(org: Org, object_id: str) -> None:
    """Takes a component that is gone out of every solution."""
    table = org.schema.table("solutioncomponent")
    for one in org.store.table(table.name).ids_where("objectid", object_id):
        org.bury(table, one)


def in_use(name: str, kind: str, number: int) -> DataverseError:
    """The refusal of deleting what others need."""
    text = (
        f"The {kind}({name}) component cannot be deleted because it is referenced by {number} other"
        " components. For a list of referenced components, use the RetrieveDependenciesForDeleteRequest."
    )
    return refusal(400, "0x8004f01f", text)
