"""Works with the columns that Microsoft's own solution left (dataverse-api.md 7, product.md J-13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cosell.core.answers import help_of, is_no_help
from cosell.systems.dataverse.options import COSELL, MICROSOFT, FieldNames
from cosell.systems.dataverse.package.looking import State
from cosell.systems.dataverse.package.parts import Addition, Package, View

_WORDS = frozenset(("String", "Memo"))
_TYPES: Mapping[str, frozenset[str]] = {
    "sync": frozenset(("Boolean",)),
    "visible": frozenset(("Boolean",)),
    "help": _WORDS | {"Picklist"},
}
"""What can hold each thing; the kinds of Microsoft's columns are known from one export only."""
ROLES = tuple(role for role in FieldNames.__slots__ if getattr(MICROSOFT, role) != getattr(COSELL, role))
"""What Microsoft's solution has a column for."""
_ON_DEALS = (*ROLES, "stamp")


def adopted(state: State) -> dict[str, str]:
    """The columns of Microsoft's that are there and can serve, by what they hold."""
    found = {}
    for role in ROLES:
        name = getattr(MICROSOFT, role)
        column = state.column("opportunity", name)
        if column is not None and column.type in _TYPES.get(role, _WORDS):
            found[role] = name
    return found


def named(fields: FieldNames) -> dict[str, str]:
    """What the settings call otherwise than we do, of the opportunity's columns; empty: not wanted at all.

    Such a column is the organization's own: it is never made, nor changed.
    """
    return {role: name for role in _ON_DEALS if (name := getattr(fields, role)) != getattr(COSELL, role)}


def adapted(package: Package, taken: Mapping[str, str]) -> Package:
    """The package without the columns whose place others take; what names them names those."""
    names = {getattr(COSELL, role): name for role, name in taken.items() if getattr(COSELL, role)}
    shown = (names.get(one, one) for one in package.section.columns)
    section = replace(package.section, columns=tuple(filter(None, shown)))
    views = tuple(_view(one, names) for one in package.views)
    additions = tuple(
        _adapted(one, names) if one.table == "opportunity" else one for one in package.additions
    )
    return replace(package, additions=additions, section=section, views=views)


def _view(view: View, names: Mapping[str, str]) -> View:
    columns = ((names.get(name, name), width) for name, width in view.columns)
    return replace(
        view,
        columns=tuple((name, width) for name, width in columns if name),
        where=tuple(names.get(name, name) for name in view.where),
    )


def _adapted(addition: Addition, names: Mapping[str, str]) -> Addition:
    columns = tuple(one for one in addition.columns if one.name not in names)
    keys = tuple(
        replace(one, columns=tuple(names.get(name, name) for name in one.columns)) for one in addition.keys
    )
    return replace(addition, columns=columns, keys=keys)


def settings(taken: Mapping[str, str]) -> dict[str, str]:
    """What the settings file says so that these columns are used, and ours beside them."""
    ours = {role: getattr(COSELL, role) for role in ROLES if role not in taken}
    return {"names": "microsoft", **{f"fields.{role}": name for role, name in ours.items()}}


def understood(label: str) -> bool:
    """Whether a choice's label is one of the six answers, or none wanted (product.md B8)."""
    return help_of(label) is not None or is_no_help(label)
