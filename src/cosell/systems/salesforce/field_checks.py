"""Checks the fields, stages and statuses a Salesforce connection works with."""

from __future__ import annotations

from collections.abc import Iterable

from cosell.core.answers import help_choices
from cosell.core.fields import HELP_LABELS, Help
from cosell.core.reasons import Who
from cosell.ports import Finding
from cosell.systems.salesforce import lacking
from cosell.systems.salesforce.access import Access
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.schema import Schema

PAGE = "how-to/connect-salesforce.md"


def fields(schema: Schema, access: Access) -> Iterable[Finding]:
    """The fields of the opportunity: there, writable, of a fitting kind; teams, currency and stages."""
    yield from _there(schema)
    yield _key(schema.opportunity["referral_id"])
    yield from _types(schema)
    yield from _answers(schema.opportunity.get("help"))
    if not schema.capabilities.stamp:
        yield _wrong(
            "stamp",
            "Without the stamp field a write whose answer was lost has to be recognised by its values alone.",
            "Install the field Cosell_Stamp__c and give the integration user edit access.",
            ("PRE-17",),
        )
    yield _demanded(schema)
    yield _teams(schema)
    yield _currency(schema, access)
    yield _stages(schema)


def _wrong(name: str, message: str, advice: str, rows: tuple[str, ...]) -> Finding:
    return Finding(name, False, message, advice, PAGE, rows, Who.CRM_ADMIN)


def _right(name: str, message: str, *rows: str) -> Finding:
    return Finding(name, True, message, page=PAGE, rows=rows)


def _there(schema: Schema) -> Iterable[Finding]:
    for name in schema.missing:
        yield _wrong(
            f"field {name}",
            f"{name} does not exist, or the integration user may not see it; what it holds is not synced.",
            "Install the connector's fields and assign its permission set, or set another name.",
            ("PRE-17", "TRB-3.5"),
        )
    for role, column in schema.opportunity.items():
        if not column.writable:
            yield _wrong(
                f"field {column.name}",
                f"The integration user may not write Opportunity.{column.name} ({role}).",
                "Give the permission set edit access. A formula field can only be read.",
                ("TRB-3.5",),
            )


def _types(schema: Schema) -> Iterable[Finding]:
    columns = [(f"Opportunity.{one.name}", role, one) for role, one in schema.opportunity.items()]
    column = schema.account["country"]
    for name, role, one in [*columns, (f"Account.{column.name}", "country", column)]:
        if not lacking.fits(role, one):
            fitting = ", ".join(sorted(lacking.fitting(role, one)))
            yield _wrong(
                f"field {one.name}",
                f"{name} is a field of the type {one.type}, which cannot hold {role.replace('_', ' ')}.",
                f"Name a field of one of these types instead: {fitting}.",
                ("PRE-17", "PRE-20") if role == "country" else ("PRE-17",),
            )


def _answers(column: Column | None) -> Iterable[Finding]:
    if column is None or not column.choices:
        return
    known = help_choices(column.choices)
    lacking = [HELP_LABELS[answer] for answer in Help if answer not in known]
    if lacking:
        yield _wrong(
            "help",
            f"The picklist {column.name} lacks: {', '.join(lacking)}.",
            "Add the values, spelled like this or as Partner Center's codes.",
            ("PRE-17",),
        )


def _key(column: Column) -> Finding:
    if column.unique and column.external_id and column.length >= 36:
        return _right("referral id", f"{column.name} is an external id and unique.", "PRE-17", "TRB-4.4")
    return _wrong(
        "referral id",
        f"{column.name} is not both External ID and Unique: Salesforce would accept doubles (trap 4).",
        "Tick External ID and Unique on the field, with a length of 36 or more.",
        ("PRE-17", "TRB-4.4"),
    )


def _demanded(schema: Schema) -> Finding:
    """CUS-10: what the org demands of records that we create."""
    if not schema.demanded:
        return _right("required fields", "The org demands nothing of a deal that a deal does not say.")
    return _wrong(
        "required fields",
        f"Salesforce demands more of what the connector creates: {', '.join(schema.demanded)}.",
        "Give the values under [salesforce.opportunity_defaults] or [salesforce.account_defaults], or make "
        "the fields optional.",
        ("TRB-3.8",),
    )


def _teams(schema: Schema) -> Finding:
    if schema.teams:
        return _right("teams", "Opportunity Teams are on.", "PRE-16")
    return Finding(
        "teams",
        True,
        "Opportunity Teams are off. The sales team is then the owner alone.",
        "To share a deal's whole team, turn them on: Setup, Opportunity Team Settings.",
        PAGE,
        ("PRE-16",),
        Who.CRM_ADMIN,
    )


def _stages(schema: Schema) -> Finding:
    lacking = schema.stages.unsaid()
    if not lacking:
        return _right("stages", "The sales stages of the settings exist.", "TRB-3.3")
    return _wrong(
        "stages",
        f"No sales stage stands for: {', '.join(lacking)}. A deal that comes to it is held.",
        "Name one under [salesforce.stages]; `on_hold` is for deals of Microsoft that nobody accepted yet.",
        ("TRB-3.3",),
    )


def _currency(schema: Schema, access: Access) -> Finding:
    rows = ("PRE-12", "PRE-19", "TRB-1.4", "TRB-3.3")
    if "currency" in schema.opportunity:
        return _right("currency", "The org keeps several currencies.", *rows)
    only = access.options.corporate_currency
    if only:
        return _right("currency", f"The org keeps a single currency, set to be {only}.", *rows)
    return _wrong(
        "currency",
        "The org keeps a single currency, and which one is not set.",
        "Set corporate_currency, or referrals cannot be created: Partner Center wants a currency.",
        rows,
    )


def country(schema: Schema) -> Iterable[Finding]:
    """PRE-20: where the customer's country is read from."""
    name = schema.account["country"].name
    yield _right("country", f"The customer's country is read from Account.{name}.", "PRE-20", "TRB-3.6")


def leads(schema: Schema, access: Access) -> Iterable[Finding]:
    """Whether leads can be kept, and whether the org takes those we would make (CUS-11, CUS-13)."""
    rows = ("TRB-4.2", "TRB-4.7")
    for problem in schema.lead_problems:
        yield _wrong(
            "leads",
            f"{problem} Leads nobody accepted yet wait in Partner Center.",
            "Install the connector's fields on Lead with their rights, or set cosell_only to true.",
            rows,
        )
    if schema.lead is None:
        if not access.options.leads:
            yield _right(
                "leads", "Leads stay in Partner Center, as [partner_center] cosell_only says.", *rows
            )
        return
    if schema.lead.unfilled:
        yield _wrong(
            "leads",
            f"Salesforce demands more of a new lead: {', '.join(schema.lead.unfilled)}.",
            "Give the values under [salesforce.lead_defaults], or [salesforce.lead_statuses] new.",
            rows,
        )
        return
    status = schema.lead.statuses.new or "the org's own default"
    yield _right("leads", f"Leads are kept; a new one has the status {status}.", *rows)
    if not schema.lead.statuses.can_disqualify:
        yield Finding(
            "lead status",
            True,
            "No lead status declines a referral.",
            "Name the statuses under [salesforce.lead_statuses] disqualified, if leads shall decline.",
            PAGE,
            rows,
            Who.CRM_ADMIN,
        )
