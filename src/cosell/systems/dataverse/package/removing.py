"""Takes the package out again: rights and pages first, what holds data only where a person asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cosell.crm.installing import Act, Step, Wish
from cosell.systems.dataverse.odata import guid
from cosell.systems.dataverse.package import forms
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.looking import Form, State
from cosell.systems.dataverse.package.parts import Package
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
    await calls.change(f"systemforms({form.id})", {"formxml": forms.without_section(now, name)})


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
    if state.assigned and state.user_id is not None and state.role_for_user is not None:
        path = f"systemusers({state.user_id})/systemuserroles_association({state.role_for_user})/$ref"
        yield _gone(f"role {package.role.name} of the application user", path, calls)


def _role(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    """Only a role that we made: one of the same name that somebody else made has another id."""
    if state.role is None:
        return
    if state.role.id == package.role.id:
        yield _gone(f"role {package.role.name}", f"roles({state.role.id})", calls)
    else:
        yield keep(f"role {package.role.name}", "somebody else made it")


def _managed(package: Package, state: State, wish: Wish, calls: Calls) -> Task:
    what = f"solution {package.name}"
    if not wish.data:
        return keep(what, f"managed: it goes as a whole, and {_DATA}")
    assert state.solution is not None
    return _gone(what, f"solutions({guid(state.solution.get('solutionid'))})", calls)


# --- what holds data -------------------------------------------------------------------------------


def _data(package: Package, state: State, wish: Wish, calls: Calls) -> Iterator[Task]:
    if state.solution is None:
        detail = "the installer did not make it"
        yield from (keep(what, detail) for what, _, _ in _definitions(package, state))
        return
    if not wish.data:
        yield from (keep(what, _DATA) for what, _, _ in _definitions(package, state))
        yield keep(f"solution {package.name}", "it names what stays as ours")
        return
    for what, path, table in _definitions(package, state):
        yield _gone(what, path, calls, table)
    solution_id = guid(state.solution.get("solutionid"))
    yield _gone(f"solution {package.name}", f"solutions({solution_id})", calls)
    yield from _publisher(package, state, calls)


def _definitions(package: Package, state: State) -> Iterator[tuple[str, str, str]]:
    """Name, address and table to publish of each definition that is there; keys before their columns."""
    for addition in package.additions:
        found = state.tables.get(addition.table)
        if found is None:
            continue
        where = f"EntityDefinitions(LogicalName='{addition.table}')"
        ours = {one.name for one in addition.keys}
        for key in found.keys.values():
            if key.name.lower() in ours:
                what = f"{addition.table}: key {key.name.lower()}"
                yield what, f"{where}/Keys(LogicalName='{key.name.lower()}')", addition.table
        for column in addition.columns:
            if column.name in found.columns:
                what = f"{addition.table}.{column.name}"
                yield what, f"{where}/Attributes(LogicalName='{column.name}')", addition.table
    for table in reversed(package.tables):
        if table.name in state.tables:
            yield table.name, f"EntityDefinitions(LogicalName='{table.name}')", ""


def _publisher(package: Package, state: State, calls: Calls) -> Iterator[Task]:
    if state.publisher is None:
        return
    what = f"publisher {package.publisher.name}"
    others = sorted(state.publications - {package.name})
    if others:
        yield keep(what, f"it has other solutions: {', '.join(others)}")
    else:
        yield _gone(what, f"publishers({guid(state.publisher.get('publisherid'))})", calls)
