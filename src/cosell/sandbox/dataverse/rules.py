"""What the platform does to a row on its own: names, owners, currencies, sums, mirrors."""

from __future__ import annotations

from decimal import Decimal

from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import invalid, refusal
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.values import MONEY_SCALE, rounded

_NAMED = frozenset({"contact", "lead", "systemuser"})


def fill_defaults(table: Table, row: Row) -> None:
    """The values a new row gets where nobody gave one; a given null stays."""
    for one in table.columns.values():
        if one.default is not None and one.name not in row:
            row[one.name] = one.default


def before_write(org: Org, table: Table, old: Row | None, row: Row) -> None:
    """Completes a row about to be stored."""
    if table.name in _NAMED:
        parts = (row.get("firstname"), row.get("lastname"))
        row["fullname"] = " ".join(part for part in parts if part) or None
    if "owninguser" in table.columns:
        _settle_owner(org, row)
    if table.name == "opportunityproduct":
        _settle_line(org, row)
    if table.name == "opportunity":
        _settle_opportunity(org, old, row)
    if table.name != "transactioncurrency" and {"transactioncurrencyid", "exchangerate"} <= {*table.columns}:
        _settle_money(org, table, row)


def _settle_owner(org: Org, row: Row) -> None:
    owner = row.get("ownerid")
    if not isinstance(owner, Ref):
        return
    found = org.store.get(owner.table, owner.id) or {}
    row["owninguser"] = owner if owner.table == "systemuser" else None
    row["owningteam"] = owner if owner.table == "team" else None
    row["owningbusinessunit"] = found.get("businessunitid") or Ref("businessunit", org.business_unit)


def _settle_opportunity(org: Org, old: Row | None, row: Row) -> None:
    lines = lines_of(org, row["opportunityid"]) if old else []
    if old and lines and row.get("transactioncurrencyid") != old.get("transactioncurrencyid"):
        text = "The currency cannot be changed while the opportunity has products."
        raise refusal(400, "0x80048479", text)
    if row.get("isrevenuesystemcalculated"):
        row["estimatedvalue"] = sum((line.get("extendedamount", Decimal(0)) for line in lines), Decimal(0))


def lines_of(org: Org, opportunity_id: str) -> list[Row]:
    """The product lines of an opportunity."""
    table = org.store.table("opportunityproduct")
    ids = table.ids_where("opportunityid", Ref("opportunity", opportunity_id))
    return [table.live[one] for one in ids]


def _settle_line(org: Org, row: Row) -> None:
    parent = row.get("opportunityid")
    deal = org.store.get("opportunity", parent.id) if isinstance(parent, Ref) else None
    if deal is None or deal.get("pricelevelid") is None:
        raise invalid("A product line needs an opportunity with a price list.")
    row["transactioncurrencyid"] = deal.get("transactioncurrencyid")
    quantity, price = row.get("quantity") or Decimal(0), row.get("priceperunit") or Decimal(0)
    row["extendedamount"] = rounded(quantity * price, MONEY_SCALE)


def _settle_money(org: Org, table: Table, row: Row) -> None:
    """Gives money a currency, rounds it to the currency's precision and tells it in the base currency."""
    amounts = [
        one for one in table.columns.values() if one.kind == "money" and not one.name.endswith("_base")
    ]
    if row.get("transactioncurrencyid") is None:
        if all(row.get(one.name) is None for one in amounts):
            row["exchangerate"] = None
            for one in amounts:
                row[f"{one.name}_base"] = None
            return
        row["transactioncurrencyid"] = Ref("transactioncurrency", org.base_currency)
    currency = org.store.get("transactioncurrency", row["transactioncurrencyid"].id) or {}
    rate = currency.get("exchangerate", Decimal(1))
    row["exchangerate"] = rate
    for one in amounts:
        value = row.get(one.name)
        if value is not None:
            kept = rounded(rounded(value, currency.get("currencyprecision", 2)), MONEY_SCALE)
            row[one.name] = kept
            row[f"{one.name}_base"] = rounded(kept / rate, MONEY_SCALE)
        else:
            row[f"{one.name}_base"] = None
