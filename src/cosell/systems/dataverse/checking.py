"""Looks a Dataverse connection over, for `cosell doctor`; changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from cosell.core.answers import help_of
from cosell.core.errors import CosellError
from cosell.core.fields import HELP_LABELS, Help
from cosell.ports import Finding
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.metadata import Column
from cosell.systems.dataverse.rights import PAGE, rights
from cosell.systems.dataverse.rows import answer_of
from cosell.systems.dataverse.schema import Schema

WORST_SKEW = 120.0
FULL = 0.8
"""The share of a window's calls beyond which there is reason to worry."""
_SHORTEST_ID = 36


async def check(access: Access) -> Sequence[Finding]:
    """Everything a person might have to mend, good news included."""
    findings: list[Finding] = []
    if not await _step(findings, "sign-in", "Signed in at Entra ID.", access.client.sign_in.session):
        return findings
    if not await _step(
        findings, "application user", "The environment has an application user for us.", _who(access)
    ):
        return findings
    # The schema is asked again, so that what the admin has just mended is seen.
    access.ask_again()
    if not await _step(findings, "schema", "The columns the connector needs are there.", access.schema):
        return findings
    schema = await access.schema()
    findings += _environment(schema)
    findings += await rights(access, schema)
    findings += _columns(schema, access)
    findings += _key(schema)
    findings += _version(schema)
    findings += _currency(schema, access)
    findings += _statuses(schema)
    findings += _lists(schema, access)
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


def _who(access: Access) -> Callable[[], Awaitable[None]]:
    async def who() -> None:
        answer = await access.client.get("WhoAmI", purpose="check")
        if not answer.ok:
            raise answer.error(safe=True)

    return who


def _environment(schema: Schema) -> Iterable[Finding]:
    here = schema.organization
    named = f"«{here.name}»" if here.name else here.organization_id
    yield Finding("environment", True, f"This is the environment {named}.")


# --- columns ---------------------------------------------------------------------------------------

_NUMBER = frozenset(("Money", "Decimal", "Double", "Integer"))
_WORDS = frozenset(("String", "Memo"))
_TYPES: Mapping[str, frozenset[str]] = {
    "sync": frozenset(("Boolean",)),
    "visible": frozenset(("Boolean",)),
    "deal_value": _NUMBER,
    "close_date": frozenset(("DateTime",)),
    "currency": _WORDS | {"Lookup"},
    "state": frozenset(("Status",)),
    "help": _WORDS | {"Picklist"},
}
"""What kinds of column can hold each thing; a lookup, for instance, holds no country (CUS-07)."""


def _columns(schema: Schema, access: Access) -> Iterable[Finding]:
    for name in schema.missing:
        yield Finding(
            f"column {name}",
            False,
            f"{name} does not exist in Dynamics 365; what it holds is not synced.",
            "Install the connector's columns, or set another name; an empty name says it is not wanted.",
            PAGE,
        )
    for role, column in schema.opportunity.items():
        if role != "products" and not column.writable:
            yield Finding(
                f"column opportunity.{column.name}",
                False,
                f"opportunity.{column.name} cannot be written ({role}).",
                "A calculated column can only be read; name another one.",
                PAGE,
            )
    country = schema.account["country"]
    yield Finding("country", True, f"The customer's country is read from account.{country.name} (PRE-20).")
    columns = [(f"opportunity.{one.name}", role, one) for role, one in schema.opportunity.items()]
    for name, role, column in [*columns, (f"account.{country.name}", "country", country)]:
        fitting = _TYPES.get(role, _WORDS)
        if column.type not in fitting:
            yield Finding(
                f"column {name}",
                False,
                f"{name} is a column of the type {column.type}, which cannot hold {role.replace('_', ' ')}.",
                f"Name a column of one of these types instead: {', '.join(sorted(fitting))}.",
                PAGE,
            )
    yield from _answers(schema.opportunity.get("help"))
    if not schema.capabilities.stamp:
        yield Finding(
            "stamp",
            False,
            "Without the stamp column a write that was not answered is recognised by its values alone.",
            f"Install the column {access.options.fields.stamp or 'cosell_stamp'}.",
            PAGE,
        )


def _answers(column: Column | None) -> Iterable[Finding]:
    if column is None or column.type != "Picklist":
        return
    known = {help_of(answer_of(choice, column)) for choice in column.choices}
    lacking = [HELP_LABELS[answer] for answer in Help if answer not in known]
    if lacking:
        yield Finding(
            "help",
            False,
            f"The choice {column.name} lacks: {', '.join(lacking)}.",
            "Add the values, with these labels or with Partner Center's codes as labels.",
            PAGE,
        )


def _key(schema: Schema) -> Iterable[Finding]:
    column = schema.opportunity["referral_id"]
    key = schema.deals.key_of(column.name)
    if 0 < column.length < _SHORTEST_ID:
        yield Finding(
            "referral id",
            False,
            f"opportunity.{column.name} holds {column.length} characters; a referral's id has 36.",
            "Make the column longer.",
            PAGE,
        )
    elif key is not None and key.active:
        yield Finding("referral id", True, f"{column.name} is an alternate key, and active.")
    else:
        state = f"is {key.state}, not Active" if key is not None else "does not exist"
        yield Finding(
            "referral id",
            False,
            f"The alternate key of opportunity.{column.name} {state}: Dynamics 365 would accept doubles.",
            "Create the key, or have its index built again, and wait until it is Active.",
            PAGE,
        )


def _version(schema: Schema) -> Iterable[Finding]:
    if schema.deals.concurrency:
        yield Finding("versions", True, "Optimistic concurrency is on for opportunities.")
        return
    yield Finding(
        "versions",
        False,
        "Optimistic concurrency is off for opportunities: a seller's edit of the very second could be lost.",
        "Ask Microsoft's support, or an administrator, to enable it for the table.",
        PAGE,
    )


def _currency(schema: Schema, access: Access) -> Iterable[Finding]:
    known = ", ".join(sorted(schema.currencies))
    if not known:
        yield Finding(
            "currency",
            False,
            "The organization has no active currency (PRE-12).",
            "Activate the currencies of your deals in the settings of Dynamics 365.",
            PAGE,
        )
        return
    base = access.options.base_currency or schema.organization.base_currency
    if access.options.base_currency and access.options.base_currency not in schema.currencies:
        yield Finding(
            "currency",
            False,
            f"The organization has no active currency {access.options.base_currency}.",
            f"Set base_currency to one of: {known}.",
            PAGE,
        )
        return
    yield Finding("currency", True, f"Currencies: {known}; the base currency is {base or 'not told'}.")


def _statuses(schema: Schema) -> Iterable[Finding]:
    lacking = schema.statuses.unsaid()
    if not lacking:
        yield Finding("status reasons", True, "The status reasons of the settings exist.")
        return
    yield Finding(
        "status reasons",
        False,
        f"No status reason stands for: {', '.join(lacking)}. A deal that comes to it is held.",
        "Name one in the status settings; `on_hold` is for deals of Microsoft that nobody accepted yet.",
        PAGE,
    )


def _lists(schema: Schema, access: Access) -> Iterable[Finding]:
    if schema.user:
        yield Finding("team", True, "Sellers are found by their e-mail addresses (PRE-13).")
    if not access.options.leads:
        yield Finding("leads", True, "Leads stay in Partner Center, as [partner_center] cosell_only says.")
    elif schema.capabilities.leads:
        yield Finding("leads", True, "Leads can carry their referral's id.")
    else:
        yield Finding(
            "leads",
            False,
            "Leads are not created: the table lead is out of sight, or has no column for the referral's id.",
            "Install the connector's columns on lead with their rights, or set cosell_only to true.",
            PAGE,
        )


def _budget(access: Access) -> Iterable[Finding]:
    budget = access.client.budget
    if budget.used is None or not budget.limit:
        return
    good = budget.used < FULL * budget.limit
    advice = "" if good else "Another integration uses the same application user; give each its own."
    yield Finding(
        "budget", good, f"{budget.used} of {budget.limit} requests of five minutes are used.", advice
    )


def _clock(access: Access) -> Iterable[Finding]:
    skew = access.client.skew
    if skew is None:
        return
    good = abs(skew) <= WORST_SKEW
    advice = "" if good else "Turn on time synchronisation on this machine; certificates depend on it."
    yield Finding("clock", good, f"The clock of Dynamics 365 is {skew:+.0f} s from ours.", advice)
