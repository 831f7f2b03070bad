"""Compares the package with an environment and says what is to do: the plan, ready to be carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from cosell.core.errors import Rejected
from cosell.crm.installing import Act, Step, Wish
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.odata import guid, literal
from cosell.systems.dataverse.package import adopting, bodies, forms, lists
from cosell.systems.dataverse.package.bodies import Tongue
from cosell.systems.dataverse.package.calls import Calls
from cosell.systems.dataverse.package.columns import definitions
from cosell.systems.dataverse.package.granting import grants
from cosell.systems.dataverse.package.looking import Form, State
from cosell.systems.dataverse.package.parts import Column, Package, View
from cosell.systems.dataverse.package.tasks import Task, blocked, keep
from cosell.systems.dataverse.wire import page_of

_SHIPPED = (Act.CREATE, Act.CHANGE)


def tasks(package: Package, state: State, wish: Wish, taken: Mapping[str, str], calls: Calls) -> list[Task]:
    """Every step in its order; `taken` are the columns of others that serve, by what they hold."""
    chosen = adopting.adapted(package, taken)
    shipped = [
        _publisher(chosen, state, calls),
        _solution(chosen, state, calls),
        *definitions(chosen, state, calls),
        *(_view(one, state, calls) for one in chosen.views),
    ]
    if state.managed:
        shipped = [_sealed(one) for one in shipped]
    found = [*shipped, *grants(chosen, state, calls), _form(package, chosen, state, wish, calls)]
    return [*_adoptions(taken, state, asked=wish.adopt), *found]


def _sealed(task: Task) -> Task:
    """What a managed solution lacks comes with a newer file of it, never piece by piece."""
    if task.step.act not in _SHIPPED:
        return task
    return blocked(
        task.step.what,
        "Cosell is here as a managed solution, which lacks this. Import the managed file of this version "
        "(cosell package dynamics).",
    )


# --- publisher and solution --------------------------------------------------------------------------


def _publisher(package: Package, state: State, calls: Calls) -> Task:
    ours = package.publisher
    what = f"publisher {ours.name}"
    if state.publisher is None:
        make = partial(_make_publisher, package, state.tongue, calls)
        return Task(Step(what, Act.CREATE, f"prefix {ours.prefix}"), make)
    prefix = state.publisher.get("customizationprefix")
    if prefix != ours.prefix:
        return blocked(what, f"It is there with the prefix {prefix}; ours is {ours.prefix}.")
    return keep(what)


async def _make_publisher(package: Package, tongue: Tongue, calls: Calls) -> None:
    body = bodies.publisher(package, tongue)
    await calls.create("publishers", body, at=f"publishers({body['publisherid']})", component=False)


def _solution(package: Package, state: State, calls: Calls) -> Task:
    what = f"solution {package.name}"
    if state.solution is None:
        return Task(
            Step(what, Act.CREATE, package.version), partial(_make_solution, package, state.tongue, calls)
        )
    here = str(state.solution.get("version") or "")
    if state.managed:
        return keep(what, f"managed, {here}")
    if _number(here) < _number(package.version):
        path = f"solutions({guid(state.solution.get('solutionid'))})"
        raised = partial(_raise, calls, path, package.version)
        return Task(Step(what, Act.CHANGE, f"from {here} to {package.version}"), raised)
    return keep(what, here)


async def _make_solution(package: Package, tongue: Tongue, calls: Calls) -> None:
    named = f"uniquename eq {literal(package.publisher.name)}"
    part = read("publishers", {"$select": "publisherid", "$filter": named}, ref="publisher")
    row = next(iter(page_of((await calls.reads([part]))["publisher"]).rows), {})
    publisher_id = guid(row.get("publisherid"))
    if publisher_id is None:
        raise Rejected("Dynamics 365 does not show the publisher that was just made.", code="publisher")
    body = bodies.solution(package, publisher_id, tongue)
    await calls.create("solutions", body, at=f"solutions({body['solutionid']})", component=False)


async def _raise(calls: Calls, path: str, version: str) -> None:
    await calls.change(path, {"version": version})


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isascii() and part.isdigit())


# --- views -----------------------------------------------------------------------------------------


def _view(view: View, state: State, calls: Calls) -> Task:
    what = f"view {state.tongue.one(view.label)} of {view.table}"
    if view.id in state.views:
        return keep(what)
    return Task(Step(what, Act.CREATE), partial(_make_view, view, state.tongue, calls), view.table)


async def _make_view(view: View, tongue: Tongue, calls: Calls) -> None:
    answer = await calls.get(f"EntityDefinitions(LogicalName='{view.table}')?$select=ObjectTypeCode")
    code = answer.row.get("ObjectTypeCode")
    body = {
        "savedqueryid": view.id,
        "name": tongue.one(view.label),
        "description": tongue.one(view.description),
        "returnedtypecode": view.table,
        "querytype": 0,
        "fetchxml": lists.text(lists.fetch(view)),
        "layoutxml": lists.text(lists.layout(view, code if isinstance(code, int) else None)),
    }
    await calls.create("savedqueries", body, at=f"savedqueries({view.id})")


# --- the form --------------------------------------------------------------------------------------


def _form(whole: Package, package: Package, state: State, wish: Wish, calls: Calls) -> Task:
    """`whole` knows every column, those that Microsoft's stand in for included."""
    section = _section(whole, package, state.tongue)
    if not wish.page:
        return _by_hand(package, state, section)
    what = f"form {wish.page} of opportunity"
    named = [one for one in state.forms if one.name.casefold() == wish.page.casefold()]
    if len(named) != 1:
        known = ", ".join(f"«{one.name}»" for one in state.forms) or "none"
        many = "There are several main forms" if named else "There is no main form"
        return blocked(what, f"{many} of that name. The main forms of the opportunity: {known}.")
    form = named[0]
    if forms.has_section(form.xml, package.section.name):
        return keep(what, "it shows our section")
    if not form.changeable:
        return blocked(what, "Dynamics 365 does not let this form be customised; choose another one.")
    then = forms.with_section(form.xml, section, package.section.name)
    diff = forms.difference(form.xml, then, form.name)
    add = partial(_add_section, form, package.section.name, section, calls)
    return Task(Step(what, Act.CHANGE, "one section added", diff), add, "opportunity")


def _section(whole: Package, package: Package, tongue: Tongue) -> str:
    ours = {one.name: one for one in whole.addition("opportunity").columns}
    shown: Mapping[str, Column] = {name: ours[name] for name in package.section.columns if name in ours}
    return forms.section_xml(package, shown, tongue)


def _by_hand(package: Package, state: State, section: str) -> Task:
    what = "main form of opportunity"
    shows = [one.name for one in state.forms if forms.has_section(one.xml, package.section.name)]
    if shows:
        return keep(what, f"our section stands in {', '.join(shows)}")
    known = ", ".join(f"«{one.name}»" for one in state.forms) or "none"
    return Task(
        Step(
            what,
            Act.BY_HAND,
            "No form is changed unless you name one. Either install again and name the form that is to show "
            f"the section ({known}), or open a form in the maker portal, add a section «"
            f"{state.tongue.one(package.section.label)}» and put the columns into it; this is the section:",
            "\n".join(f"+{line}" for line in section.replace("><", ">\n<").splitlines()),
        )
    )


async def _add_section(form: Form, name: str, section: str, calls: Calls) -> None:
    """Adds the section to the form as it stands at this moment; a colleague may have worked on it."""
    answer = await calls.get(f"systemforms({form.id})?$select=formxml")
    now = answer.row.get("formxml")
    if not answer.ok or not isinstance(now, str):
        raise answer.error(safe=True)
    then = forms.with_section(now, section, name)
    drafted = await draft(form.id, calls)
    if now != form.xml or drafted not in (None, now, then):
        raise Rejected(
            "Somebody is working on the form: it was changed since the plan was made, or has changes that "
            "are not published.",
            advice="Publish or discard those changes; then look at the plan and install again.",
            code="form",
        )
    if drafted != then:
        # Else an earlier run died before it published.
        await calls.change(f"systemforms({form.id})", {"formxml": then})


async def draft(form_id: str, calls: Calls) -> str | None:
    """The form with changes that are not published yet; None where that is not told."""
    answer = await calls.get(f"systemforms({form_id})/Microsoft.Dynamics.CRM.RetrieveUnpublished()")
    found = answer.row.get("formxml") if answer.ok else None
    return found if isinstance(found, str) else None


# --- adoption --------------------------------------------------------------------------------------


def _adoptions(taken: Mapping[str, str], state: State, *, asked: bool) -> Iterator[Task]:
    if asked and not adopting.adopted(state):
        yield blocked(
            "columns of Microsoft's solution",
            "This environment has none that can serve. Install without adopting.",
        )
    for role, name in taken.items():
        column = state.column("opportunity", name)
        if not name:
            continue
        if column is None:
            yield blocked(
                f"opportunity.{name}",
                "The settings name it, and it is not there. Make it, or take it out of the settings.",
            )
            continue
        unknown = [label for label in column.labels if not adopting.understood(label)]
        if role == "help" and unknown:
            yield Task(
                Step(
                    f"opportunity.{name}",
                    Act.BY_HAND,
                    f"These choices are none of the six answers: {', '.join(unknown)}. Deals with them are "
                    "held. Name them as in Partner Center, or leave them unused.",
                )
            )
        else:
            yield keep(f"opportunity.{name}", "not ours, used as it is")
