"""Looks a Dataverse connection over, for `cosell doctor`; changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from cosell.core.errors import CosellError
from cosell.core.reasons import Who
from cosell.core.records import Snapshot
from cosell.crm import fitting
from cosell.ports import Finding
from cosell.systems.dataverse import column_checks
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.odata import within
from cosell.systems.dataverse.rights import PAGE, rights
from cosell.systems.dataverse.schema import Schema

WORST_SKEW = 120.0
FULL = 0.8
"""The share of a window's calls beyond which there is reason to worry."""


async def check(access: Access, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
    """Everything a person might have to mend, good news included."""
    findings: list[Finding] = []
    good, session = "Signed in at Entra ID.", access.client.sign_in.session
    if not await _step(findings, "sign-in", good, session, Who.ENTRA_ADMIN, "TRB-3.4", "TRB-3.5"):
        return findings
    good = "The environment has an application user for us."
    if not await _step(findings, "application user", good, _who(access), Who.CRM_ADMIN, "TRB-3.5"):
        return findings
    # The schema is asked again, so that what the admin has just mended is seen.
    access.ask_again()
    good = "The columns the connector needs are there."
    if not await _step(findings, "schema", good, access.schema, Who.CRM_ADMIN, "PRE-17"):
        return findings
    schema = await access.schema()
    findings.append(_environment(schema))
    findings += await rights(access, schema)
    findings += column_checks.columns(schema, access)
    findings.append(_team(schema))
    findings.append(column_checks.leads(schema, access))
    findings += await _fit(access, schema, sample)
    findings += _budget(access)
    findings += _clock(access)
    return findings


async def _step(
    findings: list[Finding],
    name: str,
    good: str,
    act: Callable[[], Awaitable[Any]],
    who: Who,
    *rows: str,
) -> bool:
    try:
        await act()
    except CosellError as why:
        findings.append(Finding(name, False, why.message, why.advice, PAGE, rows, who))
        return False
    findings.append(Finding(name, True, good, page=PAGE, rows=rows))
    return True


def _who(access: Access) -> Callable[[], Awaitable[None]]:
    async def who() -> None:
        answer = await access.client.get("WhoAmI", purpose="check")
        if not answer.ok:
            raise answer.error(safe=True)

    return who


def _environment(schema: Schema) -> Finding:
    here = schema.organization
    named = f"«{here.name}»" if here.name else here.organization_id
    return Finding("environment", True, f"This is the environment {named}.", page=PAGE)


def _team(schema: Schema) -> Finding:
    rows = ("PRE-13", "TRB-1.4")
    if schema.user:
        return Finding("team", True, "Sellers are found by their e-mail addresses.", page=PAGE, rows=rows)
    return Finding(
        "team",
        True,
        "The table of users is out of sight: every deal belongs to the connector's own user.",
        "Give the security role organization-wide read on users.",
        PAGE,
        rows,
        Who.CRM_ADMIN,
    )


async def _fit(access: Access, schema: Schema, sample: Sequence[Snapshot]) -> list[Finding]:
    """Whether recent deals of Partner Center fit: currencies, and people (one call).

    The country is free text in Dynamics 365, so every country fits.
    """
    found = [
        fitting.currencies(sample, schema.currencies, page=PAGE),
        fitting.countries(sample, lambda _: True, page=PAGE),
        await _people(access, schema, sample),
    ]
    return [one for one in found if one is not None]


async def _people(access: Access, schema: Schema, sample: Sequence[Snapshot]) -> Finding | None:
    wanted = sorted(fitting.mailboxes(sample))
    if not wanted or not schema.user:
        return None
    email = schema.user["email"].name
    query = {"$select": email, "$filter": f"{within(email, wanted)} and isdisabled eq false"}
    try:
        part = read(schema.tables["systemuser"].set, query, ref="users")
        answers = await access.client.reads([part], purpose="check")
        rows = await access.client.rows(answers["users"], purpose="check")
    except CosellError as why:
        return Finding("sales team", False, why.message, why.advice, PAGE, ("PRE-13",), Who.CRM_ADMIN)
    return fitting.people(sample, (str(row.get(email)) for row in rows), page=PAGE)


def _budget(access: Access) -> Iterable[Finding]:
    budget = access.client.budget
    if budget.used is None or not budget.limit:
        return
    good = budget.used < FULL * budget.limit
    said = f"{budget.used} of {budget.limit} requests of five minutes are used."
    advice = "" if good else "Another integration uses the same application user; give each its own."
    yield Finding("budget", good, said, advice, PAGE, ("TRB-1.1",), None if good else Who.CRM_ADMIN)


def _clock(access: Access) -> Iterable[Finding]:
    skew = access.client.skew
    if skew is None:
        return
    good = abs(skew) <= WORST_SKEW
    said = f"The clock of Dynamics 365 is {skew:+.0f} s from ours."
    advice = "" if good else "Turn on time synchronisation on this machine; certificates depend on it."
    yield Finding("clock", good, said, advice, PAGE, (), None if good else Who.OPERATOR)
