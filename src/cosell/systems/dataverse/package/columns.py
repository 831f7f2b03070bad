"""Brings columns, tables and keys in: what lacks is made, what is too small grows, nothing shrinks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cosell.core.errors import Rejected, Unavailable
from cosell.crm.installing import Act, Step
from cosell.systems.dataverse.package import bodies
from cosell.systems.dataverse.package.bodies import CLASSES, Tongue
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.looking import FoundColumn, FoundTable, State
from cosell.systems.dataverse.package.parts import Column, Key, Kind, Lookup, Option, Package, Table
from cosell.systems.dataverse.package.tasks import Task, blocked, keep
from cosell.systems.dataverse.wire import page_of

_CRM = "Microsoft.Dynamics.CRM"
ACTIVE, FAILED = "Active", "Failed"
_KEY_PAUSES = (2.0, 4.0, 8.0, 15.0, *(30.0,) * 20)
"""Seconds between the looks at a key that is being built."""


def definitions(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    """Everything that is a definition, in the order in which one part needs the other."""
    tongue = state.tongue
    for addition in package.additions:
        found = state.tables.get(addition.table)
        if found is not None:
            for column in addition.columns:
                yield _column(addition.table, column, found, tongue, calls)
        elif addition.table == "opportunity":
            yield blocked(addition.table, "Dynamics 365 shows no such table: is this a Sales environment?")
    for table in package.tables:
        yield from _table(table, state.tables.get(table.name), tongue, calls)
    for name, key in package.all_keys():
        found = state.tables.get(name)
        if found is not None or any(table.name == name for table in package.tables):
            yield _key(name, key, found, tongue, calls)


def _path(table: str) -> str:
    return f"EntityDefinitions(LogicalName='{table}')"


# --- columns ---------------------------------------------------------------------------------------


def _column(table: str, column: Column, found: FoundTable | None, tongue: Tongue, calls: Calls) -> Task:
    what = f"{table}.{column.name}"
    present = found.columns.get(column.name) if found is not None else None
    if present is None:
        make = partial(_create_column, table, column, tongue, calls)
        return Task(Step(what, Act.CREATE, _kind(column)), make, table)
    wanted = CLASSES[column.kind][1]
    if present.type != wanted:
        return blocked(
            what,
            f"It is there as a column of the type {present.type}, and has to be {wanted}. Rename or remove "
            "it, or name another column in the settings.",
        )
    lacking = list(_lacking(column, present, tongue))
    if not lacking:
        return keep(what)
    grow = partial(_grow, table, column, present, tongue, calls)
    return Task(Step(what, Act.CHANGE, "; ".join(lacking)), grow, table)


def _kind(column: Column) -> str:
    return f"{column.kind.value}, {column.length} characters" if column.length else column.kind.value


async def _create_column(table: str, column: Column, tongue: Tongue, calls: Calls) -> None:
    at = f"{_path(table)}/Attributes(LogicalName='{column.name}')"
    await calls.create(f"{_path(table)}/Attributes", bodies.column(column, tongue), at=at)


def _lacking(column: Column, found: FoundColumn, tongue: Tongue) -> Iterator[str]:
    """What can be added without harm; an administrator's own words and longer columns stay."""
    if 0 < found.length < column.length:
        yield f"from {found.length} to {column.length} characters"
    if values := _new_values(column, found):
        yield f"choices added: {', '.join(tongue.one(one.label) for one in values)}"
    if languages := _new_languages(column, found, tongue):
        yield f"name added in the languages {', '.join(map(str, languages))}"


def _new_values(column: Column, found: FoundColumn) -> list[Option]:
    return [one for one in column.options if column.kind is Kind.CHOICE and one.value not in found.values]


def _new_languages(column: Column, found: FoundColumn, tongue: Tongue) -> list[int]:
    if not tongue.told or not found.languages:
        return []
    return [code for code in tongue.texts(column.label) if code not in found.languages]


async def _grow(table: str, column: Column, found: FoundColumn, tongue: Tongue, calls: Calls) -> None:
    for option in _new_values(column, found):
        told = {
            "EntityLogicalName": table,
            "AttributeLogicalName": column.name,
            **bodies.option(option, tongue),
            "SolutionUniqueName": calls.solution,
        }
        await calls.act("InsertOptionValue", told)
    languages = _new_languages(column, found, tongue)
    if not languages and found.length >= column.length:
        return
    path = f"{_path(table)}/Attributes(LogicalName='{column.name}')"
    kind = f"{_CRM}.{CLASSES[column.kind][0]}AttributeMetadata"
    answer = await calls.get(f"{path}/{kind}")
    if not answer.ok:
        raise answer.error(safe=True)
    whole = {name: value for name, value in answer.row.items() if name != "@odata.context"}
    whole["@odata.type"] = kind
    if column.length:
        whole["MaxLength"] = max(column.length, found.length)
    if languages:
        ours = tongue.texts(column.label)
        whole["DisplayName"] = bodies.label({code: ours[code] for code in languages})
    await calls.define(path, whole)


# --- tables ----------------------------------------------------------------------------------------


def _table(table: Table, found: FoundTable | None, tongue: Tongue, calls: Calls) -> Iterator[Task]:
    if found is None:
        make = partial(_create_table, table, tongue, calls)
        yield Task(Step(table.name, Act.CREATE, tongue.one(table.plural)), make, table.name)
    else:
        yield keep(table.name)
        yield _column(table.name, table.primary, found, tongue, calls)
    for column in table.columns:
        yield _column(table.name, column, found, tongue, calls)
    for lookup in table.lookups:
        yield _lookup(table.name, lookup, found, tongue, calls)


async def _create_table(table: Table, tongue: Tongue, calls: Calls) -> None:
    await calls.create("EntityDefinitions", bodies.table(table, tongue), at=_path(table.name))


def _lookup(table: str, lookup: Lookup, found: FoundTable | None, tongue: Tongue, calls: Calls) -> Task:
    what = f"{table}.{lookup.name}"
    present = found.columns.get(lookup.name) if found is not None else None
    if present is None:
        make = partial(_create_lookup, table, lookup, tongue, calls)
        return Task(Step(what, Act.CREATE, f"lookup to {lookup.target}"), make, table)
    if present.type != "Lookup":
        return blocked(what, f"It is there as a column of the type {present.type}, and has to be a lookup.")
    return keep(what)


async def _create_lookup(table: str, lookup: Lookup, tongue: Tongue, calls: Calls) -> None:
    at = f"{_path(table)}/Attributes(LogicalName='{lookup.name}')"
    await calls.create("RelationshipDefinitions", bodies.relationship(lookup, table, tongue), at=at)


# --- keys ------------------------------------------------------------------------------------------


def _key(table: str, key: Key, found: FoundTable | None, tongue: Tongue, calls: Calls) -> Task:
    what = f"{table}: key {key.name}"
    present = found.keys.get(key.columns) if found is not None else None
    if present is None:
        named = {one.name.lower() for one in found.keys.values()} if found is not None else set()
        if key.name in named:
            return blocked(what, "A key of that name is there, of other columns.")
        make = partial(_make_key, table, key, tongue, calls)
        return Task(Step(what, Act.CREATE, ", ".join(key.columns)), make, table)
    if present.state == FAILED:
        again = partial(_build_again, table, key, present.name, calls)
        return Task(Step(what, Act.CHANGE, "its index could not be built; it is tried again"), again, table)
    return keep(what, "" if present.active else f"its index is being built ({present.state})")


async def _make_key(table: str, key: Key, tongue: Tongue, calls: Calls) -> None:
    at = f"{_path(table)}/Keys(LogicalName='{key.name}')"
    await calls.create(f"{_path(table)}/Keys", bodies.key(key, tongue), at=at)
    await built(table, key, calls)


async def _build_again(table: str, key: Key, name: str, calls: Calls) -> None:
    told = {"EntityLogicalName": table, "EntityKeyLogicalName": name.lower()}
    await calls.act("ReactivateEntityKey", told)
    await built(table, key, calls)


async def built(table: str, key: Key, calls: Calls) -> None:
    """Returns once the index of a key is active; before, two records could carry one referral."""
    path = f"{_path(table)}/Keys?$select=SchemaName,KeyAttributes,EntityKeyIndexStatus"
    for pause in _KEY_PAUSES:
        rows = page_of(await calls.get(path)).rows
        states = [
            row.get("EntityKeyIndexStatus")
            for row in rows
            if tuple(str(one).lower() for one in row.get("KeyAttributes") or ()) == key.columns
        ]
        if ACTIVE in states:
            return
        if FAILED in states:
            raise Rejected(
                f"Dynamics 365 cannot build the index of the key on {table}.{', '.join(key.columns)}: two "
                "records hold the same value.",
                advice="Find the records with the same value, empty it on all but one, and install again.",
                code="key",
            )
        await calls.wait(pause)
    raise Unavailable(
        f"Dynamics 365 is still building the index of the key on {table}. Install again later: what is done "
        "is kept."
    )
