"""Looks over what the application user may do: each privilege by its name (dataverse-api.md 1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cosell.core.errors import CosellError, Misconfigured, NotAllowed
from cosell.core.reasons import Who
from cosell.ports import Finding
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import TRACK_CHANGES, page_size, read
from cosell.systems.dataverse.metadata import Table
from cosell.systems.dataverse.options import FieldNames
from cosell.systems.dataverse.outcomes import NO_TRACKING
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.wire import Answer

PAGE = "how-to/connect-dynamics.md"
_MINE = "Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
_ALL = ("Create", "Read", "Write", "Append", "AppendTo")
_NOUNS = {"systemuser": "User", "transactioncurrency": "TransactionCurrency"}
"""Tables whose privileges are not called after them."""
ORGANIZATION: Mapping[str, tuple[str, ...]] = {"organization": ("Read",)}
"""A comfort: without it the organization's own currency has to be set."""
_GRANT = "Add it to the security role of the application user."
_TOO_MANY = (
    "prvActOnBehalfOfAnotherUser",
    "prvBypassCustomBusinessLogic",
    "prvBypassCustomPlugins",
    "prvDeleteOpportunity",
    "prvDeleteAccount",
    "prvDeleteContact",
)
"""Rights that administrators have and the connector never uses (1.3; INV-15)."""
_ROWS = ("PRE-06", "TRB-3.5")


async def rights(access: Access, schema: Schema) -> list[Finding]:
    """Every privilege that is missing, and whether changes can be tracked: one call."""
    tables = [schema.tables[name] for name in wanted(access, schema)]
    tracked = tracked_tables(access, schema)
    parts = [Part("GET", f"systemusers({schema.organization.user_id})/{_MINE}", "privileges")]
    for table in tables:
        parts.append(read(table.set, {"$select": table.id, "$top": "1"}, ref=f"read {table.name}"))
    for table in tracked:
        prefer = (TRACK_CHANGES, page_size(1))
        parts.append(read(table.set, {"$select": table.id}, prefer=prefer, ref=f"track {table.name}"))
    try:
        answers = await access.client.reads(parts, purpose="check")
    except CosellError as why:
        return [Finding("rights", False, why.message, why.advice, PAGE, _ROWS, Who.CRM_ADMIN)]
    depths = depths_of(answers["privileges"])
    findings = list(_privileges(access, schema, depths, tracked))
    if depths is None:
        findings += _by_reading(answers, tables)
    findings += [_tracking(table, answers[f"track {table.name}"]) for table in tracked]
    return findings


def needed(names: FieldNames, *, leads: bool, learns: bool, connections: bool) -> dict[str, tuple[str, ...]]:
    """What the connector does at run time to each table it uses, and thus has to be allowed."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(("opportunity", "account", "contact"), _ALL)
    if leads:
        found["lead"] = _ALL
    if names.solution_table:
        found[names.solution_table] = (*_ALL, "Delete")
    if names.detail_table and learns:
        found[names.detail_table] = ("Create", "Read", "Write")
    if connections:
        found["connection"] = (*_ALL, "Delete")
    # To point to a row is to append to it: amounts point to their currency, records to their owner.
    return found | dict.fromkeys(("systemuser", "transactioncurrency"), ("Read", "AppendTo"))


def wanted(access: Access, schema: Schema) -> dict[str, tuple[str, ...]]:
    """What is needed on each table that is used and there."""
    options = access.options
    found = needed(
        options.fields,
        leads=schema.leads is not None,
        learns=options.learn_solutions and schema.details is not None,
        connections=options.connections,
    )
    if schema.solution is None:
        found.pop(options.fields.solution_table, None)
    return {name: rights for name, rights in found.items() if name in schema.tables}


def tracked_tables(access: Access, schema: Schema) -> list[Table]:
    """The tables whose changes the watcher follows by change tracking."""
    if access.options.watcher != "change_tracking":
        return []
    names = ["opportunity"] + ([schema.solution.name] if schema.solution is not None else [])
    return [schema.tables[name] for name in names]


def depths_of(answer: Answer) -> dict[str, str] | None:
    """How far each privilege reaches, by its name in lower case; None where that is not told."""
    listed = answer.row.get("RolePrivileges") if answer.ok else None
    if not isinstance(listed, list):
        return None
    named = [one for one in listed if isinstance(one, dict) and isinstance(one.get("PrivilegeName"), str)]
    return {one["PrivilegeName"].lower(): str(one.get("Depth")) for one in named} if named else None


def _privileges(
    access: Access, schema: Schema, depths: Mapping[str, str] | None, tracked: Iterable[Table]
) -> Iterable[Finding]:
    if depths is None:
        yield Finding(
            "privileges",
            True,
            "Dynamics 365 does not list our privileges; those to read were tried, those to write were not.",
            page=PAGE,
            rows=_ROWS,
        )
        return
    yield _too_many(depths)
    lacking = [
        (name, privilege(name, right))
        for name, all_rights in wanted(access, schema).items()
        for right in all_rights
        if privilege(name, right).lower() not in depths
    ]
    for _, named in lacking:
        yield Finding(
            f"privilege {named}",
            False,
            f"The application user lacks {named}.",
            _GRANT,
            PAGE,
            _ROWS,
            Who.CRM_ADMIN,
        )
    if not lacking:
        said = "The application user has every privilege it needs."
        yield Finding("privileges", True, said, page=PAGE, rows=_ROWS)
    for table in tracked:
        reading = privilege(table.name, "Read")
        if depths.get(reading.lower(), "Global") != "Global":
            yield _shallow(table, reading)


def _too_many(depths: Mapping[str, str]) -> Finding:
    """PRE-06: an administrator's rights are for the installer; whoever has the secret has them as well."""
    more = [one for one in _TOO_MANY if one.lower() in depths]
    if not more:
        said = "The application user has no right of an administrator."
        return Finding("too many rights", True, said, page=PAGE, rows=("PRE-06",))
    return Finding(
        "too many rights",
        True,
        f"The application user may do more than the connector ever does: {', '.join(more)}.",
        "Take System Administrator and the like away from it; the connector's own security role is enough.",
        PAGE,
        ("PRE-06",),
        Who.CRM_ADMIN,
    )


def privilege(table: str, right: str) -> str:
    """The name of a privilege, such as `prvReadOpportunity`."""
    return f"prv{right}{_NOUNS.get(table) or (table if '_' in table else table.capitalize())}"


def _by_reading(answers: Mapping[str, Answer], tables: Iterable[Table]) -> Iterable[Finding]:
    for table in tables:
        answer = answers[f"read {table.name}"]
        if not answer.ok:
            why = answer.error(safe=True)
            yield Finding(f"read {table.name}", False, why.message, why.advice, PAGE, _ROWS, Who.CRM_ADMIN)


def _tracking(table: Table, answer: Answer) -> Finding:
    name = f"change tracking {table.name}"
    if answer.ok:
        return Finding(name, True, f"Changes of the table {table.name} are tracked.", page=PAGE)
    why = answer.error(safe=True)
    if isinstance(why, NotAllowed):
        return _shallow(table, privilege(table.name, "Read"))
    if isinstance(why, Misconfigured) and why.code == NO_TRACKING:
        can = "It can be switched on in the table's options; it stays on then." if table.trackable else ""
        return Finding(
            name,
            False,
            f"Change tracking is off for the table {table.name}. {can}".strip(),
            'Switch it on, or set watcher to "modified_on": then what is deleted is noticed later.',
            PAGE,
            who=Who.CRM_ADMIN,
        )
    return Finding(name, False, why.message, why.advice, PAGE, who=Who.CRM_ADMIN)


def _shallow(table: Table, reading: str) -> Finding:
    return Finding(
        f"change tracking {table.name}",
        False,
        f"Change tracking needs {reading} for the whole organization.",
        f'Give the role organization depth for {reading}, or set watcher to "modified_on".',
        PAGE,
        _ROWS,
        Who.CRM_ADMIN,
    )
