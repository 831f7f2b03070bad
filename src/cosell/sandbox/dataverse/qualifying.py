"""The action that turns a lead into a deal: QualifyLead (sheet section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.dataverse.calls import Actor, Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import invalid, no_row, not_allowed
from cosell.sandbox.dataverse.org import Org
from cosell.sandbox.dataverse.security import require
from cosell.sandbox.dataverse.states import check_status, default_status
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.writing import Writer

QUALIFIED = 1


class Qualifying:
    """Turns a lead into an account, a contact and an opportunity, as many of them as are asked for."""

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org, self._writer = org, writer

    def answer(self, call: Call, table: Table, row_id: str) -> Reply:
        """``POST leads(id)/Microsoft.Dynamics.CRM.QualifyLead``."""
        if call.method != "POST":
            raise not_allowed(call.method)
        if table.name != "lead":
            raise invalid("QualifyLead is bound to leads.")
        made = self.qualify(call.actor, row_id, call.json())
        value = []
        for one in made:
            kind = self._org.schema.table(one.table)
            value.append({"@odata.type": f"#{kind.type_name}", kind.primary_id: one.id})
        return Reply(200, {"@odata.context": f"{call.root}/$metadata#crmbaseentity", "value": value})

    def qualify(self, actor: Actor, row_id: str, wishes: Mapping[str, Any]) -> list[Ref]:
        """The rows that came of a lead, which is then qualified."""
        table = self._org.schema.table("lead")
        lead = self._org.store.get("lead", row_id)
        if lead is None:
            raise no_row("lead", row_id)
        require(self._org, actor, table, "Write")
        if lead["statecode"] != 0:
            raise invalid("The lead is already closed.")
        status = self._status(table, wishes)
        changes: Row = {"statecode": QUALIFIED, "statuscode": status}
        made: list[Ref] = []
        if _wanted(wishes, "CreateAccount"):
            made.append(self._make(actor, "account", _account(lead)))
            changes["parentaccountid"] = made[-1]
        if _wanted(wishes, "CreateContact"):
            made.append(self._make(actor, "contact", _contact(lead, changes)))
            changes["parentcontactid"] = made[-1]
        if _wanted(wishes, "CreateOpportunity"):
            customer = self._named(wishes, "OpportunityCustomerId")
            currency = self._named(wishes, "OpportunityCurrencyId")
            deal = self._opportunity({**lead, **changes}, customer, currency)
            made.append(self._make(actor, "opportunity", deal))
            changes["qualifyingopportunityid"] = made[-1]
        self._writer.store_change(actor, table, lead, {**lead, **changes})
        return made

    def _status(self, table: Table, wishes: Mapping[str, Any]) -> int:
        status = wishes.get("Status")
        if isinstance(status, bool) or not isinstance(status, int):
            raise invalid("The parameter 'Status' must be a number.")
        if status == -1:
            return default_status(table, QUALIFIED)
        return check_status(table.columns["statuscode"], QUALIFIED, status).value

    def _make(self, actor: Actor, name: str, row: Row) -> Ref:
        table = self._org.schema.table(name)
        require(self._org, actor, table, "Create")
        kept = {key: value for key, value in row.items() if value is not None}
        made = self._writer.store_new(actor, table, kept, given={})
        return Ref(name, made[table.primary_id])

    def _named(self, wishes: Mapping[str, Any], parameter: str) -> Ref | None:
        """A row given as an object with its type and id."""
        given = wishes.get(parameter)
        if given is None:
            return None
        for table in self._org.schema.tables.values():
            if isinstance(given, dict) and isinstance(row_id := given.get(table.primary_id), str):
                kind = str(given.get("@odata.type", table.type_name)).lstrip("#")
                if kind == table.type_name:
                    self._writer.row(table, row_id.lower())
                    return Ref(table.name, row_id.lower())
        raise invalid(f"The parameter '{parameter}' must name a row by its id.")

    def _opportunity(self, lead: Row, customer: Ref | None, currency: Ref | None) -> Row:
        account, contact = lead.get("parentaccountid"), lead.get("parentcontactid")
        row: Row = {
            "name": lead.get("subject"),
            "customerid": customer or account or contact,
            "parentaccountid": account,
            "parentcontactid": contact,
            "originatingleadid": Ref("lead", lead["leadid"]),
            "estimatedvalue": lead.get("estimatedamount"),
            "transactioncurrencyid": currency or lead.get("transactioncurrencyid"),
            "ownerid": lead.get("ownerid"),
        }
        names = ["description", "budgetamount", "estimatedclosedate"]
        if self._org.settings.qualifying_copies_custom_columns:
            columns = self._org.schema.table("opportunity").columns
            names += [name for name, one in columns.items() if one.custom]
        return row | {name: lead.get(name) for name in names}


def _wanted(wishes: Mapping[str, Any], parameter: str) -> bool:
    given = wishes.get(parameter)
    if not isinstance(given, bool):
        raise invalid(f"The parameter '{parameter}' must be true or false.")
    return given


def _address(lead: Row) -> Row:
    return {name: value for name, value in lead.items() if name.startswith("address1_")}


def _account(lead: Row) -> Row:
    copied = ("emailaddress1", "telephone1", "websiteurl", "industrycode", "ownerid", "numberofemployees")
    return _address(lead) | {"name": lead.get("companyname")} | {name: lead.get(name) for name in copied}


def _contact(lead: Row, changes: Row) -> Row:
    copied = ("firstname", "lastname", "emailaddress1", "telephone1", "mobilephone", "jobtitle", "ownerid")
    account = changes.get("parentaccountid") or lead.get("parentaccountid")
    return _address(lead) | {name: lead.get(name) for name in copied} | {"parentcustomerid": account}
