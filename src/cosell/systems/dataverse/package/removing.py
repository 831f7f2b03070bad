"""Takes the package out again: rights and pages first, what holds data only where a person asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from cosell.core.errors import Rejected
from cosell.crm.installing import Act, Step, Wish
from cosell.systems.dataverse.odata import guid
from cosell.systems.dataverse.package import forms
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.looking import Form, FoundTable, State
from cosell.systems.dataverse.package.parts import Addition, Package
from cosell.systems.dataverse.package.planning import draft
from cosell.systems.dataverse.package.tasks import Task, keep

_DATA = "it holds data of yours; it goes only where you say so"


def tasks(package: Package, state: State, wish: Wish, calls: Calls) -> list[Task]:
    """Every step in an order in which nothing that goes is still needed by what stays."""
    sections = [_section(one, package, calls) for one in state.forms if _shows(one, package)]
    if state.managed:
        return [*sections, *_assignment(package, state, calls), _managed(package, state, wish, calls)]
    return [
        *sections,
        *_views(package, state, calls),
        *_assignment(package, state, calls),
        *_role(package, state, calls),
        *_data(package, state, wish, calls),
    ]


def _shows(form: Form, package: Package) -> bool:
    return forms.has_section(form.xml, package.section.name)


def _section(form: Form, package: Package, calls: Calls) -> Task:
    after = forms.without_section(form.xml, package.section.name)
    step = Step(
        f"form {form.name} of opportunity",
        Act.CHANGE,
        "our section removed",
        forms.difference(form.xml, after, form.name),
    )
    return Task(step, partial(_take_section, form, package.section.name, calls), "opportunity")


async def _take_section(form: Form, name: str, calls: Calls) -> None:
    answer = await calls.get(f"systemforms({form.id})?$select=formxml")
    now = answer.row.get("formxml")
    if not answer.ok or not isinstance(now, str):
        raise answer.error(safe=True)
    then = forms.without_section(now, name)
    drafted = await draft(form.id, calls)
    if drafted not in (None, now, then):
        raise Rejected(
            f"The form {form.name} has changes that are not published.",
            advice="Publish or discard them; then remove again.",
            code="form",
        )
    if drafted != then:
        await calls.change(f"systemforms({form.id})", {"formxml": then})


async def _remove(calls: Calls, path: str) -> None:
    await calls.remove(path)


def _gone(what: str, path: str, calls: Calls, publishes: str = "") -> Task:
    return Task(Step(what, Act.REMOVE), partial(_remove, calls, path), publishes)


def _views(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    for view in package.views:
        if view.id in state.views:
            what = f"view {state.tongue.one(view.label)} of {view.table}"
            yield _gone(what, f"savedqueries({view.id})", calls, view.table)


def _assignment(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    if not _is_ours(package, state) or not state.assigned:
        return
    if state.user_id is not None and state.role_for_user is not None:
        path = f"systemusers({state.user_id})/systemuserroles_association({state.role_for_user})/$ref"
        yield _gone(f"role {package.role.name} of the application user", path, calls)


def _role(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    """Only a role that we made: one of the same name that somebody else made has another id."""
    if _is_ours(package, state):
        yield _gone(f"role {package.role.name}", f"roles({package.role.id})", calls)
    elif state.role is not None:
        yield keep(f"role {package.role.name}", "somebody else made it")


def _is_ours(package: Package, state: State) -> bool:
    return state.role is not None and state.role.id == package.role.id


def _managed(package: Package, state: State, wish: Wish, calls: Calls) -> Task:
    what = f"solution {package.name}"
    if not wish.data:
        return keep(what, f"managed: it goes as a whole, and {_DATA}")
    assert state.solution is not None
    return _gone(what, f"solutions({guid(state.solution.get('solutionid'))})", calls)


# --- what holds data -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Definition:
    """A definition of the package that is there."""

    what: str
    path: str
    id: str
    table: str = ""
    """Of Microsoft's, to be published afterwards."""


def _data(package: Package, state: State, wish: Wish, calls: Calls) -> Iterator[Task]:
    for one in _definitions(package, state):
        if one.id not in state.components:
            yield keep(one.what, "the installer did not make it")
        elif wish.data:
            yield _gone(one.what, one.path, calls, one.table)
        else:
            yield keep(one.what, _DATA)
    if state.solution is None:
        return
    if not wish.data:
        yield keep(f"solution {package.name}", "it names what stays as ours")
        return
    solution_id = guid(state.solution.get("solutionid"))
    yield _gone(f"solution {package.name}", f"solutions({solution_id})", calls)
    yield from _publisher(package, state, calls)


def _definitions(package: Package, state: State) -> Iterator[_Definition]:
    """Keys before their columns, tables before those they point to."""
    for addition in package.additions:
        found = state.tables.get(addition.table)
        if found is not None:
            yield from _of_addition(addition, found)
    for table in reversed(package.tables):
        present = state.tables.get(table.name)
        if present is not None:
            path = f"EntityDefinitions(LogicalName='{table.name}')"
            yield _Definition(table.name, path, present.id)


def _of_addition(addition: Addition, found: FoundTable) -> Iterator[_Definition]:
    table = addition.table
    where = f"EntityDefinitions(LogicalName='{table}')"
    for key in addition.keys:
        if key.name in found.key_ids:
            path = f"{where}/Keys(LogicalName='{key.name}')"
            yield _Definition(f"{table}: key {key.name}", path, found.key_ids[key.name], table)
    for column in addition.columns:
        present = found.columns.get(column.name)
        if present is not None:
            path = f"{where}/Attributes(LogicalName='{column.name}')"
            yield _Definition(f"{table}.{column.name}", path, present.id, table)


def _publisher(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    if state.publisher is None:
        return
    what = f"publisher {package.publisher.name}"
    others = sorted(state.publications - {package.name})
    if others:
        yield keep(what, f"it has other solutions: {', '.join(others)}")
    else:
        yield _gone(what, f"publishers({guid(state.publisher.get('publisherid'))})", calls)
