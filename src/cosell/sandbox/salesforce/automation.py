"""What the platform itself does around a write: stages, primary contacts, product totals, notes, names."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from cosell.sandbox.salesforce.addresses import settle_addresses
from cosell.sandbox.salesforce.errors import SalesforceError, refusal
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.rights import GOVERNED, granted_name, is_permissionable
from cosell.sandbox.salesforce.store import Row

Before = Callable[[Org, Row | None, Row, dict[str, Any]], None]
After = Callable[[Org, Row | None, Row | None, str], None]
_FORECAST = {"Best Case": "BestCase", "Commit": "Forecast"}
_CHILDREN_OF_DEALS = frozenset({"OpportunityContactRole", "OpportunityLineItem"})


def before_write(org: Org, sobject: str, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    """Completes a row about to be stored; `old` is None for a new one."""
    step = _BEFORE.get(sobject)
    if step is not None:
        step(org, old, row, given)
    settle_addresses(org, sobject, row, given)


def after_create(org: Org, sobject: str, row: Row, by: str) -> None:
    if sobject in _AFTER:
        _AFTER[sobject](org, None, row, by)


def after_update(org: Org, sobject: str, old: Row, row: Row, by: str) -> None:
    if sobject in _CHILDREN_OF_DEALS:
        _AFTER[sobject](org, old, row, by)


def after_delete(org: Org, sobject: str, row: Row, by: str) -> None:
    if sobject in _CHILDREN_OF_DEALS:
        _AFTER[sobject](org, row, None, by)


def _full_name(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    parts = (row.get("FirstName"), row.get("LastName"))
    row["Name"] = " ".join(part for part in parts if part)


def _lead(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    if old is not None and old.get("IsConverted"):
        raise refusal(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    _full_name(org, old, row, given)


def _user(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    _full_name(org, old, row, given)
    row.setdefault("Alias", str(row.get("Username", ""))[:8])
    if old is None and "IsActive" not in given:
        row["IsActive"] = True


def _opportunity(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    if old is not None and old.get("HasOpportunityLineItem") and "Amount" in given:
        row["Amount"] = old.get("Amount")  # Trap 5: ignored without a word.
    if old is None or row["StageName"] != old.get("StageName"):
        _enter_stage(org, row, given)
        if old is not None:
            row["LastStageChangeDate"] = org.stamp()
    if given.get("ForecastCategoryName"):
        name = given["ForecastCategoryName"]
        row["ForecastCategory"] = _FORECAST.get(name, name)
    closing = date.fromisoformat(row["CloseDate"])
    row["FiscalYear"], row["FiscalQuarter"] = closing.year, (closing.month + 2) // 3
    row["Fiscal"] = f"{closing.year} {row['FiscalQuarter']}"
    row["PushCount"] = _pushes(old, closing)
    if old is None:
        row["HasOpportunityLineItem"] = False
    _expect(row)


def _enter_stage(org: Org, row: Row, given: dict[str, Any]) -> None:
    table = org.store.table("OpportunityStage")
    stage = next((table.rows[i] for i in table.ids_where("ApiName", row["StageName"])), None)
    # An unknown stage is stored all the same; the platform then treats the deal as open.
    facts: Row = stage or {"ForecastCategory": "Pipeline", "ForecastCategoryName": "Pipeline"}
    row["IsClosed"], row["IsWon"] = bool(facts.get("IsClosed")), bool(facts.get("IsWon"))
    if given.get("Probability") is None:
        row["Probability"] = facts.get("DefaultProbability", row.get("Probability") or 0.0)
    if given.get("ForecastCategoryName") is None:
        row["ForecastCategory"] = facts["ForecastCategory"]
        row["ForecastCategoryName"] = facts["ForecastCategoryName"]


def _pushes(old: Row | None, closing: date) -> int:
    """How often the close date moved into a later month."""
    if old is None:
        return 0
    before = date.fromisoformat(old["CloseDate"])
    moved = (closing.year, closing.month) > (before.year, before.month)
    return int(old.get("PushCount") or 0) + moved


def _expect(row: Row) -> None:
    amount, chance = row.get("Amount"), row.get("Probability") or 0.0
    row["ExpectedRevenue"] = None if amount is None else round(amount * chance / 100, 2)


def _opportunity_made(org: Org, old: Row | None, row: Row | None, by: str) -> None:
    if row is not None and row.get("ContactId"):
        role = {"OpportunityId": row["Id"], "ContactId": row["ContactId"], "IsPrimary": True}
        if row.get("CurrencyIsoCode"):
            role["CurrencyIsoCode"] = row["CurrencyIsoCode"]
        org.insert(org.schema.object("OpportunityContactRole"), role, by)


def _contact_role_moved(org: Org, old: Row | None, row: Row | None, by: str) -> None:
    """Keeps one primary role an opportunity, and the opportunity's ContactId with it, its stamp unmoved."""
    deal_id = (row or old or {})["OpportunityId"]
    table = org.store.table("OpportunityContactRole")
    siblings = [table.rows[i] for i in table.ids_where("OpportunityId", deal_id)]
    siblings = [one for one in siblings if not one.get("IsDeleted")]
    if row is not None and row.get("IsPrimary"):
        for other in siblings:
            if other["Id"] != row["Id"] and other.get("IsPrimary"):
                org.replace(table.name, {**other, "IsPrimary": False}, by=by)
    deal = org.store.get("Opportunity", deal_id)
    primary = next((one["ContactId"] for one in siblings if table.rows[one["Id"]].get("IsPrimary")), None)
    if deal is not None and deal.get("ContactId") != primary:
        org.check_lock(deal_id)
        kept = {name: value for name, value in deal.items() if name != "ContactId"}
        org.store.put("Opportunity", deal_id, {**kept, "ContactId": primary} if primary else kept)


def _permission(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    """Only an object that has permissions, and a field that security knows, can be granted."""
    one = org.schema.objects.get(str(row["SobjectType"]).lower())
    if one is None or not (one.custom or one.name.lower() in GOVERNED):
        raise _no_value("SObject Type Name", "SobjectType", row["SobjectType"])
    if "Field" not in row:
        return
    holder, _, name = str(row["Field"]).partition(".")
    field = one.fields.get(name.lower()) if holder.lower() == one.name.lower() else None
    if field is None or granted_name(field) != field.name or not is_permissionable(one, field):
        raise _no_value("Field Name", "Field", row["Field"])
    row["PermissionsRead"] = bool(row.get("PermissionsRead") or row.get("PermissionsEdit"))


def _no_value(label: str, name: str, value: object) -> SalesforceError:
    text = f"{label}: bad value for restricted picklist field: {value}"
    return refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [name])


def _team_member(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    user = org.store.get("User", row["UserId"]) or {}
    row["Name"], row["Title"] = user.get("Name"), user.get("Title")


def _line_item(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    entry = org.store.get("PricebookEntry", row.get("PricebookEntryId") or "")
    product_id = row.get("Product2Id") or (entry or {}).get("Product2Id")
    if product_id is None:
        text = "Required fields are missing: [PricebookEntryId]"
        raise refusal(400, "REQUIRED_FIELD_MISSING", text, ["PricebookEntryId"])
    if row.get("UnitPrice") is None and row.get("TotalPrice") is None:
        text = "Required fields are missing: [UnitPrice]"
        raise refusal(400, "REQUIRED_FIELD_MISSING", text, ["UnitPrice"])
    product = org.store.get("Product2", product_id) or {}
    row["Product2Id"], row["ProductCode"] = product_id, product.get("ProductCode")
    row["ListPrice"] = (entry or {}).get("UnitPrice")
    by_total = given.get("TotalPrice") is not None and given.get("UnitPrice") is None
    if by_total or row.get("UnitPrice") is None:
        row["UnitPrice"] = round(row["TotalPrice"] / row["Quantity"], 2) if row["Quantity"] else 0.0
    else:
        row["TotalPrice"] = round(row["UnitPrice"] * row["Quantity"], 2)
    deal = org.store.get("Opportunity", row["OpportunityId"]) or {}
    row["Name"] = f"{deal.get('Name', '')} {product.get('Name', '')}".strip()


def _line_item_moved(org: Org, old: Row | None, row: Row | None, by: str) -> None:
    """Products take the amount over: the sum is written to the opportunity, whose stamp moves."""
    deal = org.store.get("Opportunity", (row or old or {})["OpportunityId"])
    if deal is None or deal.get("IsDeleted"):
        return
    table = org.store.table("OpportunityLineItem")
    lines = [table.rows[i] for i in table.ids_where("OpportunityId", deal["Id"])]
    lines = [line for line in lines if not line.get("IsDeleted")]
    changed: Row = {**deal, "HasOpportunityLineItem": bool(lines)}
    if lines:
        changed["Amount"] = round(sum(line["TotalPrice"] for line in lines), 2)
        changed["TotalOpportunityQuantity"] = sum(line["Quantity"] for line in lines)
    _expect(changed)
    org.replace("Opportunity", changed, by=by)


def _content_note(org: Org, old: Row | None, row: Row, given: dict[str, Any]) -> None:
    raw = base64.b64decode(row.get("Content") or "")
    words = re.sub(r"<[^>]*>", " ", raw.decode(errors="replace"))
    row["ContentSize"], row["FileType"] = len(raw), "SNOTE"
    row["TextPreview"] = " ".join(words.split())[:255] or None


def _content_note_made(org: Org, old: Row | None, row: Row | None, by: str) -> None:
    if row is not None:
        kept = {name: row.get(name) for name in ("Id", "Title", "FileType", "ContentSize", "OwnerId")}
        org.insert(org.schema.object("ContentDocument"), kept, by)


_BEFORE: dict[str, Before] = {
    "Opportunity": _opportunity,
    "Contact": _full_name,
    "Lead": _lead,
    "User": _user,
    "OpportunityTeamMember": _team_member,
    "OpportunityLineItem": _line_item,
    "ContentNote": _content_note,
    "FieldPermissions": _permission,
    "ObjectPermissions": _permission,
}
_AFTER: dict[str, After] = {
    "Opportunity": _opportunity_made,
    "OpportunityContactRole": _contact_role_moved,
    "OpportunityLineItem": _line_item_moved,
    "ContentNote": _content_note_made,
}
