"""Looks a Salesforce connection over, for `cosell doctor`; changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from cosell.core.answers import help_choices
from cosell.core.errors import CosellError
from cosell.core.fields import HELP_LABELS, Help
from cosell.ports import Finding
from cosell.systems.salesforce.access import Access, Tools
from cosell.systems.salesforce.client import Answer, Part, query_part, rows_of
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.schema import Schema
from cosell.systems.salesforce.soql import select

PAGE = "how-to/connect-salesforce.md"
WORST_SKEW = 120.0
FULL = 0.8
"""The share of the org's call quota beyond which there is reason to worry."""


async def check(access: Access) -> Sequence[Finding]:
    """Everything a person might have to mend, good news included."""
    findings: list[Finding] = []
    if not await _step(findings, "sign-in", "Signed in to Salesforce.", access.client.sign_in.session):
        return findings
    # The schema is asked again, so that what the admin has just mended is seen.
    access.ask_again()
    if not await _step(findings, "schema", "The fields the connector needs are there.", access.tools):
        return findings
    tools = await access.tools()
    findings += _fields(tools.schema, access)
    findings += _country(tools.schema)
    findings += _leads(tools.schema, access)
    await _org(findings, access, tools)
    findings += _budget(access)
    findings += _clock(access)
    return findings


async def _step(findings: list[Finding], name: str, good: str, act: Callable[[], Awaitable[Any]]) -> bool:
    try:
        await act()
    except CosellError as why:
        findings.append(Finding(name, False, why.message, why.advice, PAGE))
        return False
    findings.append(Finding(name, True, good))
    return True


# --- fields ----------------------------------------------------------------------------------------


def _fields(schema: Schema, access: Access) -> Iterable[Finding]:
    for name in schema.missing:
        yield Finding(
            f"field {name}",
            False,
            f"{name} does not exist, or the integration user may not see it; what it holds is not synced.",
            "Install the connector's fields and assign its permission set, or set another name.",
            PAGE,
        )
    for role, column in schema.opportunity.items():
        if not column.writable:
            yield Finding(
                f"field {column.name}",
                False,
                f"The integration user may not write Opportunity.{column.name} ({role}).",
                "Give the permission set edit access. A formula field can only be read.",
                PAGE,
            )
    yield from _key(schema.opportunity["referral_id"])
    yield from _types(schema)
    if not schema.capabilities.stamp:
        yield Finding(
            "stamp",
            False,
            "Without the stamp field a write whose answer was lost has to be recognised by its values alone.",
            "Install the field Cosell_Stamp__c and give the integration user edit access.",
            PAGE,
        )
    yield _presence(schema.teams, "teams", "Opportunity Teams are on.", "Opportunity Teams are off (PRE-16).")
    yield _currency(schema, access)
    yield _stages(schema)


_NUMBER = frozenset(("currency", "double", "int", "percent"))
_WORDS = frozenset(("string", "textarea", "picklist", "combobox", "url"))
_TYPES: Mapping[str, frozenset[str]] = {
    "sync": frozenset(("boolean",)),
    "visible": frozenset(("boolean",)),
    "deal_value": _NUMBER,
    "close_date": frozenset(("date",)),
    "currency": _WORDS,
    "help": _WORDS,
    "notes": _WORDS,
    "audit": _WORDS,
    "referral_link": _WORDS,
    "referral_id": _WORDS,
    "microsoft_id": _WORDS,
    "program": _WORDS,
    "stamp": _WORDS,
}
"""What kinds of field can hold each thing; a lookup, for instance, holds none of them (CUS-07)."""


def _types(schema: Schema) -> Iterable[Finding]:
    columns = [(f"Opportunity.{one.name}", role, one) for role, one in schema.opportunity.items()]
    country = schema.account["country"]
    for name, role, column in [*columns, (f"Account.{country.name}", "country", country)]:
        fitting = _TYPES.get(role, _WORDS if role == "country" else frozenset((column.type,)))
        if column.type not in fitting:
            yield Finding(
                f"field {column.name}",
                False,
                f"{name} is a field of the type {column.type}, which cannot hold {role.replace('_', ' ')}.",
                f"Name a field of one of these types instead: {', '.join(sorted(fitting))}.",
                PAGE,
            )
    yield from _answers(schema.opportunity.get("help"))


def _answers(column: Column | None) -> Iterable[Finding]:
    if column is None or not column.choices:
        return
    known = help_choices(column.choices)
    lacking = [HELP_LABELS[answer] for answer in Help if answer not in known]
    if lacking:
        yield Finding(
            "help",
            False,
            f"The picklist {column.name} lacks: {', '.join(lacking)}.",
            "Add the values, spelled like this or as Partner Center's codes.",
            PAGE,
        )


def _key(column: Column) -> Iterable[Finding]:
    good = column.unique and column.external_id and column.length >= 36
    yield Finding(
        "referral id",
        good,
        f"{column.name} is an external id and unique."
        if good
        else f"{column.name} is not both External ID and Unique: Salesforce would accept doubles (trap 4).",
        "" if good else "Tick External ID and Unique on the field, with a length of 36 or more.",
        "" if good else PAGE,
    )


def _presence(there: bool, name: str, yes: str, no: str) -> Finding:
    return Finding(name, True, yes if there else f"{no} The sales team is then the owner alone.")


def _stages(schema: Schema) -> Finding:
    lacking = schema.stages.unsaid()
    if not lacking:
        return Finding("stages", True, "The sales stages of the settings exist.")
    return Finding(
        "stages",
        False,
        f"No sales stage stands for: {', '.join(lacking)}. A deal that comes to it is held.",
        "Name one under [salesforce.stages]; `on_hold` is for deals of Microsoft that nobody accepted yet.",
        PAGE,
    )


def _currency(schema: Schema, access: Access) -> Finding:
    if "currency" in schema.opportunity:
        return Finding("currency", True, "The org keeps several currencies.")
    only = access.options.corporate_currency
    if only:
        return Finding("currency", True, f"The org keeps a single currency, set to be {only}.")
    return Finding(
        "currency",
        False,
        "The org keeps a single currency, and which one is not set.",
        "Set corporate_currency, or referrals cannot be created: Partner Center wants a currency.",
        PAGE,
    )


def _country(schema: Schema) -> Iterable[Finding]:
    column = schema.account["country"]
    yield Finding("country", True, f"The customer's country is read from Account.{column.name}.")


def _leads(schema: Schema, access: Access) -> Iterable[Finding]:
    """Whether leads can be kept, and whether the org takes those we would make (CUS-11, CUS-13)."""
    for problem in schema.lead_problems:
        yield Finding(
            "leads",
            False,
            f"{problem} Leads nobody accepted yet wait in Partner Center.",
            "Install the connector's fields on Lead with their rights, or set cosell_only to true.",
            PAGE,
        )
    if schema.lead is None:
        return
    if schema.lead.unfilled:
        yield Finding(
            "leads",
            False,
            f"Salesforce demands more of a new lead: {', '.join(schema.lead.unfilled)}.",
            "Give the values under [salesforce.lead_defaults], or [salesforce.lead_statuses] new.",
            PAGE,
        )
        return
    status = schema.lead.statuses.new or "the org's own default"
    yield Finding("leads", True, f"Leads are kept; a new one has the status {status}.")
    if not schema.lead.statuses.can_disqualify:
        advice = "Name the statuses under [salesforce.lead_statuses] disqualified, if leads shall decline."
        yield Finding("lead status", True, "No lead status declines a referral.", advice, PAGE)


# --- the org ---------------------------------------------------------------------------------------


async def _org(findings: list[Finding], access: Access, tools: Tools) -> None:
    """Edition, notes, versions, the call quota: one call."""
    parts = [
        query_part(select(("Name", "IsSandbox"), "Organization"), "org"),
        Part("GET", "/sobjects/ContentNote/describe", "notes"),
    ]
    try:
        answers = await access.client.reads(parts, purpose="check")
        versions = await access.client.call("GET", "/services/data/", purpose="versions", versioned=False)
    except CosellError as why:
        findings.append(Finding("org", False, why.message, why.advice, PAGE))
        return
    findings += _kind(answers["org"])
    on = answers["notes"].ok
    notes = "The Notes feature is on." if on else "The Notes feature is off (PRE-15)."
    findings.append(Finding("notes", True, f"{notes} Notes are kept in the opportunity's own notes field."))
    findings += _version(versions, access.options.api_version)


def _kind(answer: Answer) -> Iterable[Finding]:
    try:
        row = next(iter(rows_of(answer)), {})
    except CosellError as why:
        yield Finding("org", False, why.message, why.advice, PAGE)
        return
    kind = "a sandbox" if row.get("IsSandbox") is True else "a production org"
    yield Finding("org", True, f"This is {kind}.")


def _version(answer: Answer, wanted: str) -> Iterable[Finding]:
    known = (
        [one.get("version") for one in answer.body if isinstance(one, dict)]
        if isinstance(answer.body, list)
        else []
    )
    if known and wanted not in known:
        advice = f"Set api_version to {known[-1]}."
        yield Finding("version", False, f"This org does not offer the API version {wanted}.", advice, PAGE)
    else:
        yield Finding("version", True, f"API version {wanted}.")


def _budget(access: Access) -> Iterable[Finding]:
    budget = access.client.budget
    if budget.used is None or not budget.limit:
        return
    good = budget.used < FULL * budget.limit
    advice = "" if good else "The quota is shared with every integration of the org; see who spends it."
    yield Finding("budget", good, f"{budget.used} of {budget.limit} API calls of 24 hours are used.", advice)


def _clock(access: Access) -> Iterable[Finding]:
    skew = access.client.skew
    if skew is None:
        return
    good = abs(skew) <= WORST_SKEW
    advice = "" if good else "Turn on time synchronisation on this machine; signing in depends on it."
    yield Finding("clock", good, f"Salesforce's clock is {skew:+.0f} s from ours.", advice)
