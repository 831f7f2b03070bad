"""Checks the Salesforce org itself: edition, notes, versions, quota, clock, and whether deals would fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cosell.core.errors import CosellError
from cosell.core.reasons import Who
from cosell.core.records import Snapshot
from cosell.crm import fitting
from cosell.ports import Finding
from cosell.systems.salesforce.access import Access, Tools
from cosell.systems.salesforce.client import Answer, Part, query_part, rows_of
from cosell.systems.salesforce.soql import literals, select

PAGE = "how-to/connect-salesforce.md"
WORST_SKEW = 120.0
FULL = 0.8
"""The share of the org's call quota beyond which there is reason to worry."""


async def org(access: Access) -> list[Finding]:
    """Edition, notes, versions: two calls."""
    parts = [
        query_part(select(("Name", "IsSandbox"), "Organization"), "org"),
        Part("GET", "/sobjects/ContentNote/describe", "notes"),
    ]
    try:
        answers = await access.client.reads(parts, purpose="check")
        versions = await access.client.call("GET", "/services/data/", purpose="versions", versioned=False)
    except CosellError as why:
        return [_of("org", why)]
    return [
        _kind(answers["org"]),
        _notes(answers["notes"].ok),
        _version(versions, access.options.api_version),
    ]


def _of(name: str, why: CosellError) -> Finding:
    return Finding(name, False, why.message, why.advice, PAGE, who=Who.CRM_ADMIN)


def _kind(answer: Answer) -> Finding:
    try:
        row = next(iter(rows_of(answer)), {})
    except CosellError as why:
        return _of("org", why)
    kind = "a sandbox" if row.get("IsSandbox") is True else "a production org"
    return Finding("org", True, f"This is {kind}.", page=PAGE)


def _notes(on: bool) -> Finding:
    """PRE-15: the notes of a deal are kept in a field of its own, so the feature is not needed."""
    feature = "The Notes feature is on." if on else "The Notes feature is off, and not needed."
    said = f"{feature} Notes are kept in the opportunity's own notes field."
    return Finding("notes", True, said, page=PAGE, rows=("PRE-15",))


def _version(answer: Answer, wanted: str) -> Finding:
    listed = answer.body if isinstance(answer.body, list) else []
    known = [one.get("version") for one in listed if isinstance(one, dict)]
    if known and wanted not in known:
        said = f"This org does not offer the API version {wanted}."
        return Finding("version", False, said, f"Set api_version to {known[-1]}.", PAGE, (), Who.OPERATOR)
    return Finding("version", True, f"API version {wanted}.", page=PAGE)


def budget(access: Access) -> Iterable[Finding]:
    """How much of the org's daily calls is left."""
    left = access.client.budget
    if left.used is None or not left.limit:
        return
    good = left.used < FULL * left.limit
    said = f"{left.used} of {left.limit} API calls of 24 hours are used."
    advice = "" if good else "The quota is shared with every integration of the org; see who spends it."
    yield Finding("budget", good, said, advice, PAGE, ("TRB-1.1",), None if good else Who.CRM_ADMIN)


def clock(access: Access) -> Iterable[Finding]:
    """Whether both clocks agree: a sign-in by certificate depends on it (2.2)."""
    skew = access.client.skew
    if skew is None:
        return
    good = abs(skew) <= WORST_SKEW
    advice = "" if good else "Turn on time synchronisation on this machine; signing in depends on it."
    said = f"Salesforce's clock is {skew:+.0f} s from ours."
    yield Finding("clock", good, said, advice, PAGE, (), None if good else Who.OPERATOR)


# --- would recent deals fit? -----------------------------------------------------------------------


async def fit(access: Access, tools: Tools, sample: Sequence[Snapshot]) -> list[Finding]:
    """Whether recent deals of Partner Center fit: currencies, countries, and people (one call)."""
    schema = tools.schema
    column, single = schema.opportunity.get("currency"), access.options.corporate_currency
    codes = [value for value, _ in column.choices] if column else [single] if single else []
    country = schema.account["country"]
    named = {value for value, _ in country.choices}
    found = [
        fitting.currencies(sample, codes, page=PAGE) if codes else None,
        fitting.countries(sample, lambda code: not named or code in named, page=PAGE),
        await _people(access, sample),
    ]
    return [one for one in found if one is not None]


async def _people(access: Access, sample: Sequence[Snapshot]) -> Finding | None:
    wanted = sorted(fitting.mailboxes(sample))
    if not wanted:
        return None
    where = f"WHERE IsActive = true AND Email IN {literals(wanted)} LIMIT 200"
    try:
        part = query_part(select(("Email",), "User", where), "users")
        answers = await access.client.reads([part], purpose="check")
        rows = await access.client.rows(answers["users"], purpose="check")
    except CosellError as why:
        return _of("sales team", why)
    return fitting.people(sample, (str(row.get("Email")) for row in rows), page=PAGE)
