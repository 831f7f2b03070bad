"""The actions that close deals: WinOpportunity and LoseOpportunity (sheet section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cosell.sandbox.dataverse.bodies import read_body
from cosell.sandbox.dataverse.calls import Actor, Call, Reply
from cosell.sandbox.dataverse.columns import Table
from cosell.sandbox.dataverse.errors import DataverseError, invalid, not_allowed, refusal
from cosell.sandbox.dataverse.org import Org, wire_moment
from cosell.sandbox.dataverse.security import require
from cosell.sandbox.dataverse.states import check_status, default_status
from cosell.sandbox.dataverse.store import Ref, Row
from cosell.sandbox.dataverse.writing import Writer

WON, LOST = 1, 2
_COMPLETED = 1


class Closing:
    """Closes opportunities and leaves the closing activity behind."""

    def __init__(self, org: Org, writer: Writer) -> None:
        self._org, self._writer = org, writer

    def win(self, call: Call) -> Reply:
        """``POST WinOpportunity``."""
        return self._answer(call, WON)

    def lose(self, call: Call) -> Reply:
        """``POST LoseOpportunity``."""
        return self._answer(call, LOST)

    def _answer(self, call: Call, state: int) -> Reply:
        if call.method != "POST":
            raise not_allowed(call.method)
        given = call.json()
        status, close = given.get("Status"), given.get("OpportunityClose")
        if isinstance(status, bool) or not isinstance(status, int):
            raise invalid("The parameter 'Status' must be a number.")
        if not isinstance(close, dict):
            raise _no_opportunity()
        self.close(call.actor, state, status, close)
        return Reply(204)

    def close(self, actor: Actor, state: int, status: int, close: Mapping[str, Any]) -> Row:
        """Moves an opportunity to won or lost; `close` becomes the closing activity."""
        activity, table = self._org.schema.table("opportunityclose"), self._org.schema.table("opportunity")
        require(self._org, actor, table, "Write")
        told = read_body(self._org, activity, close, creating=True).changes
        link = told.get("opportunityid")
        if not isinstance(link, Ref):
            raise _no_opportunity()
        deal = self._writer.row(table, link.id)
        if deal["statecode"] != 0:
            raise refusal(400, "0x80040515", "The opportunity has already been closed.")
        if status == -1:
            status = default_status(table, state)
        check_status(table.columns["statuscode"], state, status)
        self._org.check_lock(link.id)
        at = wire_moment(self._org.now())
        revenue = told.get("actualrevenue")
        if revenue is None and state == WON:
            revenue = deal.get("estimatedvalue")
        closed = {
            **deal,
            "statecode": state,
            "statuscode": status,
            "actualclosedate": (told.get("actualend") or at)[:10],
            "actualvalue": revenue,
        }
        self._writer.store_change(actor, table, deal, closed)
        self._remember(actor, activity, told, closed, at)
        return closed

    def _remember(self, actor: Actor, activity: Table, told: Row, deal: Row, at: str) -> None:
        row = {
            **told,
            "actualrevenue": deal.get("actualvalue"),
            "actualend": told.get("actualend") or at,
            "transactioncurrencyid": deal.get("transactioncurrencyid"),
            "opportunitystatecode": deal["statecode"],
            "opportunitystatuscode": deal["statuscode"],
            "statecode": _COMPLETED,
            "statuscode": default_status(activity, _COMPLETED),
        }
        self._writer.store_new(actor, activity, row, given={"statecode": _COMPLETED})


def _no_opportunity() -> DataverseError:
    return refusal(400, "0x80043b15", "The opportunity id is missing or invalid.")
