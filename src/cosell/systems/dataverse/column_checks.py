"""Checks the columns, keys, currencies and status reasons a Dataverse connection works with."""

from __future__ import annotations

from collections.abc import Iterable

from cosell.core.answers import help_of
from cosell.core.fields import HELP_LABELS, Help
from cosell.core.reasons import Who
from cosell.ports import Finding
from cosell.systems.dataverse import lacking
from cosell.systems.dataverse.access import Access
from cosell.systems.dataverse.metadata import Column
from cosell.systems.dataverse.rows import answer_of
from cosell.systems.dataverse.schema import Schema

PAGE = "how-to/connect-dynamics.md"
_SHORTEST_ID = 36


def columns(schema: Schema, access: Access) -> Iterable[Finding]:
    """The columns of the opportunity and the account: there, writable, of a fitting kind."""
    yield from _there(schema)
    yield from _types(schema)
    yield from _answers(schema.opportunity.get("help"))
    if not schema.capabilities.stamp:
        yield _wrong(
            "stamp",
            "Without the stamp column a write that was not answered is recognised by its values alone.",
            f"Install the column {access.options.fields.stamp or 'cosell_stamp'}.",
            "PRE-17",
        )
    yield _demanded(schema)
    yield _key(schema)
    yield _version(schema)
    yield _currency(schema, access)
    yield _statuses(schema)


def _wrong(name: str, message: str, advice: str, *rows: str) -> Finding:
    return Finding(name, False, message, advice, PAGE, rows, Who.CRM_ADMIN)


def _right(name: str, message: str, *rows: str) -> Finding:
    return Finding(name, True, message, page=PAGE, rows=rows)


def _there(schema: Schema) -> Iterable[Finding]:
    for name in schema.missing:
        yield _wrong(
            f"column {name}",
            f"{name} does not exist in Dynamics 365; what it holds is not synced.",
            "Install the connector's columns, or set another name; an empty name says it is not wanted.",
            "PRE-17",
        )
    for role, column in schema.opportunity.items():
        if role != "products" and not column.writable:
            yield _wrong(
                f"column opportunity.{column.name}",
                f"opportunity.{column.name} cannot be written ({role}).",
                "A calculated column can only be read; name another one.",
                "TRB-3.5",
            )
    country = schema.account["country"]
    said = f"The customer's country is read from account.{country.name}."
    yield _right("country", said, "PRE-20", "TRB-3.6")


def _types(schema: Schema) -> Iterable[Finding]:
    country = schema.account["country"]
    named = [(f"opportunity.{one.name}", role, one) for role, one in schema.opportunity.items()]
    for name, role, column in [*named, (f"account.{country.name}", "country", country)]:
        if not lacking.fits(role, column):
            yield _wrong(
                f"column {name}",
                f"{name} is a column of the type {column.type}, which cannot hold {role.replace('_', ' ')}.",
                f"Name a column of one of these types instead: {', '.join(sorted(lacking.fitting(role)))}.",
                "PRE-17",
            )


def _answers(column: Column | None) -> Iterable[Finding]:
    if column is None or column.type != "Picklist":
        return
    known = {help_of(answer_of(choice, column)) for choice in column.choices}
    lacking = [HELP_LABELS[answer] for answer in Help if answer not in known]
    if lacking:
        yield _wrong(
            "help",
            f"The choice {column.name} lacks: {', '.join(lacking)}.",
            "Add the values, with these labels or with Partner Center's codes as labels.",
            "PRE-17",
        )


def _demanded(schema: Schema) -> Finding:
    """CUS-10, CUS-11: what forms demand; a seller could not save the row that we made."""
    if not schema.demanded:
        return _right("required columns", "Forms demand nothing of a deal that a deal does not say.")
    return Finding(
        "required columns",
        True,
        f"Forms demand more of what the connector creates: {', '.join(schema.demanded)}.",
        "Give the values under [dynamics.opportunity_defaults], [dynamics.account_defaults] or "
        "[dynamics.lead_defaults]; else a seller has to fill them in before the record can be saved.",
        PAGE,
        (),
        Who.CRM_ADMIN,
    )


def _key(schema: Schema) -> Finding:
    column = schema.opportunity["referral_id"]
    key = schema.deals.key_of(column.name)
    if 0 < column.length < _SHORTEST_ID:
        said = f"opportunity.{column.name} holds {column.length} characters; a referral's id has 36."
        return _wrong("referral id", said, "Make the column longer.", "PRE-17", "TRB-4.4")
    if key is not None and key.active:
        said = f"{column.name} is an alternate key, and active."
        return _right("referral id", said, "PRE-17", "TRB-4.4")
    state = f"is {key.state}, not Active" if key is not None else "does not exist"
    return _wrong(
        "referral id",
        f"The alternate key of opportunity.{column.name} {state}: Dynamics 365 would accept doubles.",
        "Create the key, or have its index built again, and wait until it is Active.",
        "PRE-17",
        "TRB-4.4",
    )


def _version(schema: Schema) -> Finding:
    if schema.deals.concurrency:
        return _right("versions", "Optimistic concurrency is on for opportunities.")
    return _wrong(
        "versions",
        "Optimistic concurrency is off for opportunities: a seller's edit of the very second could be lost.",
        "Ask Microsoft's support, or an administrator, to enable it for the table.",
    )


def _currency(schema: Schema, access: Access) -> Finding:
    rows = ("PRE-12", "PRE-19", "TRB-1.4", "TRB-3.3")
    known, wanted = ", ".join(sorted(schema.currencies)), access.options.base_currency
    if not known:
        advice = "Activate the currencies of your deals in the settings of Dynamics 365."
        return _wrong("currency", "The organization has no active currency.", advice, *rows)
    if wanted and wanted not in schema.currencies:
        said = f"The organization has no active currency {wanted}."
        return _wrong("currency", said, f"Set base_currency to one of: {known}.", *rows)
    base = wanted or schema.organization.base_currency or "not told"
    return _right("currency", f"Currencies: {known}; the base currency is {base}.", *rows)


def _statuses(schema: Schema) -> Finding:
    lacking = schema.statuses.unsaid()
    if not lacking:
        return _right("status reasons", "The status reasons of the settings exist.", "TRB-3.3")
    return _wrong(
        "status reasons",
        f"No status reason stands for: {', '.join(lacking)}. A deal that comes to it is held.",
        "Name one in the status settings; `on_hold` is for deals of Microsoft that nobody accepted yet.",
        "TRB-3.3",
    )


def leads(schema: Schema, access: Access) -> Finding:
    """Whether leads can be kept (SCN-09)."""
    rows = ("TRB-4.2", "TRB-4.7")
    if not access.options.leads:
        said = "Leads stay in Partner Center, as [partner_center] cosell_only says."
        return _right("leads", said, *rows)
    if schema.capabilities.leads:
        return _right("leads", "Leads can carry their referral's id.", *rows)
    return _wrong(
        "leads",
        "Leads are not created: the table lead is out of sight, or has no column for the referral's id.",
        "Install the connector's columns on lead with their rights, or set cosell_only to true.",
        *rows,
    )
