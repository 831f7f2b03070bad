"""Looks a Salesforce connection over, for `cosell doctor`; changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cosell.core.errors import CosellError
from cosell.core.reasons import Who
from cosell.core.records import Snapshot
from cosell.ports import Finding
from cosell.systems.salesforce import field_checks, org_checks, right_checks
from cosell.systems.salesforce.access import Access

PAGE = "how-to/connect-salesforce.md"


async def check(access: Access, sample: Sequence[Snapshot]) -> Sequence[Finding]:
    """Everything a person might have to mend, good news included."""
    findings: list[Finding] = []
    session = access.client.sign_in.session
    if not await _step(findings, "sign-in", "Signed in to Salesforce.", session, ("TRB-3.4", "TRB-3.5")):
        return findings
    # The schema is asked again, so that what the admin has just mended is seen.
    access.ask_again()
    there = "The fields the connector needs are there."
    if not await _step(findings, "schema", there, access.tools, ("PRE-17", "TRB-3.5")):
        return findings
    tools = await access.tools()
    findings += field_checks.fields(tools.schema, access)
    findings += field_checks.country(tools.schema)
    findings += field_checks.leads(tools.schema, access)
    findings.append(await right_checks.too_many(access))
    findings.append(_page())
    findings += await org_checks.org(access)
    findings += await org_checks.fit(access, tools, sample)
    findings += org_checks.budget(access)
    findings += org_checks.clock(access)
    return findings


async def _step(
    findings: list[Finding],
    name: str,
    good: str,
    act: Callable[[], Awaitable[Any]],
    rows: tuple[str, ...],
) -> bool:
    try:
        await act()
    except CosellError as why:
        findings.append(Finding(name, False, why.message, why.advice, PAGE, rows, Who.CRM_ADMIN))
        return False
    findings.append(Finding(name, True, good, page=PAGE, rows=rows))
    return True


def _page() -> Finding:
    """PRE-18: a page layout is assigned by profile, and ours is not the sellers'."""
    said = "What sellers see on their page only an administrator's rights can tell: the installer shows it."
    return Finding("page", True, said, page="how-to/install-into-salesforce.md", rows=("PRE-18",))
