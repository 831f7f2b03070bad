"""Looks what an org has already, with the eyes of the connector's own user and of the administrator.

A field that nobody was given a right to is shown to nobody: not even to the administrator who deployed it.
So what either of the two sees is there, and what our own user does not see still lacks the right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cosell.core.errors import NotAllowed, Unavailable
from cosell.systems.salesforce.client import Answer, Client, Part, query_part, rows_of
from cosell.systems.salesforce.deploying import ADMIN
from cosell.systems.salesforce.describe import Table, table
from cosell.systems.salesforce.needs import OBJECT_LABELS, OBJECTS, Sheet
from cosell.systems.salesforce.options import FieldNames
from cosell.systems.salesforce.package_source import PERMISSION_SET
from cosell.systems.salesforce.soql import literal, select

STANDARD = ("Account", "Contact")
"""Described too: the permission set names fields of theirs."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found."""

    own: Mapping[str, Table | None]
    """By object, as the connector's own user sees it."""
    seen: Mapping[str, Table | None]
    """The same, and what the administrator sees besides."""
    names: Mapping[Sheet, str]
    """How each object is called here."""
    user_id: str
    permission_set: str | None
    assignments: Mapping[str, str]
    """Of the permission set: the assignment by the user who has it."""
    granted: frozenset[str] = frozenset()
    """Objects and fields that the permission set names: they are there, whoever sees them."""

    def table(self, sheet: Sheet) -> Table | None:
        """An object as either of the two sees it; None where it is not there."""
        return self.seen.get(self.names[sheet])

    @property
    def assigned(self) -> bool:
        return self.user_id in self.assignments


async def taken(
    own: Client, admin: Client, user_id: str, names: FieldNames, *, leads: bool, adopt: bool
) -> Inventory:
    """The inventory of an org."""
    called = {one: str(one) for one in (Sheet.OPPORTUNITY, *((Sheet.LEAD,) if leads else ()))}
    called |= {sheet: getattr(names, setting) for sheet, setting in OBJECTS.items()}
    if adopt:
        called |= await _adopted(admin, called)
    objects = tuple(dict.fromkeys((*called.values(), *STANDARD)))
    ours, rows = await _described(own, objects)
    theirs = (await _described(admin, objects))[0] if admin is not own else ours
    if not rows and admin is not own:
        rows = await _permission_sets(admin)
    if ours.get(Sheet.OPPORTUNITY) is None and theirs.get(Sheet.OPPORTUNITY) is None:
        raise NotAllowed(
            "Nobody we sign in as sees opportunities in Salesforce.",
            did="Nothing was changed.",
            advice=f"Install with the rights of an administrator: {ADMIN}.",
        )
    permission_set = str(rows[0]["Id"]) if rows else None
    assigned, granted = await _contents(admin, permission_set) if permission_set else ({}, frozenset[str]())
    return Inventory(
        own=ours,
        seen={name: _both(ours[name], theirs[name]) for name in objects},
        names=called,
        user_id=user_id,
        permission_set=permission_set,
        assignments=assigned,
        granted=granted,
    )


async def _described(
    client: Client, objects: Sequence[str]
) -> tuple[dict[str, Table | None], list[dict[str, Any]]]:
    parts = [Part("GET", f"/sobjects/{name}/describe", f"d{at}") for at, name in enumerate(objects)]
    answers = await client.reads([*parts, query_part(_SETS, "sets")], purpose="inventory")
    tables = {name: _table(name, answers[f"d{at}"]) for at, name in enumerate(objects)}
    # Whoever may not look into Setup is refused the question, and knows of no permission set.
    return tables, rows_of(answers["sets"]) if answers["sets"].ok else []


def _table(name: str, answer: Answer) -> Table | None:
    if answer.status in (403, 404):
        return None
    if not answer.ok:
        raise answer.error(safe=True)
    found = table(answer.body)
    if found is None:
        raise Unavailable(f"Salesforce describes {name} in a way nobody can read.")
    return found


def _both(own: Table | None, other: Table | None) -> Table | None:
    """One object as two users see it."""
    if own is None or other is None:
        return own or other
    children = (*own.children, *(one for one in other.children if one not in own.children))
    return replace(own, columns={**other.columns, **own.columns}, children=children)


_SETS = select(("Id",), "PermissionSet", f"WHERE Name = {literal(PERMISSION_SET)}")


async def _permission_sets(client: Client) -> list[dict[str, Any]]:
    return await _rows(client, _SETS)


async def permission_set(client: Client) -> str | None:
    """The id of our permission set; None where it is not there."""
    rows = await _permission_sets(client)
    return str(rows[0]["Id"]) if rows else None


async def _contents(client: Client, permission_set: str) -> tuple[dict[str, str], frozenset[str]]:
    """Who has the permission set, and what it names."""
    one = literal(permission_set)
    asked = {
        "users": select(("Id", "AssigneeId"), "PermissionSetAssignment", f"WHERE PermissionSetId = {one}"),
        "fields": select(("Field",), "FieldPermissions", f"WHERE ParentId = {one}"),
        "objects": select(("SobjectType",), "ObjectPermissions", f"WHERE ParentId = {one}"),
    }
    answers = await client.reads([query_part(soql, ref) for ref, soql in asked.items()], purpose="inventory")
    found = {ref: await client.rows(answer, purpose="inventory") for ref, answer in answers.items()}
    users = {str(row.get("AssigneeId")): str(row.get("Id")) for row in found["users"]}
    fields = (str(row.get("Field")) for row in found["fields"])
    return users, frozenset((*fields, *(str(row.get("SobjectType")) for row in found["objects"])))


async def _rows(client: Client, soql: str) -> list[dict[str, Any]]:
    answers = await client.reads([query_part(soql, "rows")], purpose="inventory")
    return await client.rows(answers["rows"], purpose="inventory")


async def _adopted(client: Client, called: Mapping[Sheet, str]) -> dict[Sheet, str]:
    """The objects that Microsoft's package left, by name after any prefix, else by label."""
    answer = await client.call("GET", "/sobjects", purpose="inventory")
    if not answer.ok:
        raise answer.error(safe=True)
    told = answer.body.get("sobjects") if isinstance(answer.body, dict) else None
    objects = [one for one in told or () if isinstance(one, dict) and one.get("custom") is True]
    found = {}
    for sheet in OBJECTS:
        if any(one.get("name") == called[sheet] for one in objects):
            continue
        matches = list(_alike(objects, called[sheet], OBJECT_LABELS[sheet]))
        # Two candidates are no answer: an ambiguity is not guessed away.
        if len(matches) == 1:
            found[sheet] = matches[0]
    return found


def _alike(objects: Iterable[Mapping[str, Any]], name: str, labels: Sequence[str]) -> Iterable[str]:
    prefixed = [one for one in objects if str(one.get("name")).lower().endswith(f"__{name.lower()}")]
    wanted = {label.casefold() for label in labels}
    labelled = [
        one
        for one in objects
        if {str(one.get("label")).casefold(), str(one.get("labelPlural")).casefold()} & wanted
    ]
    for one in prefixed or labelled:
        yield str(one.get("name"))
