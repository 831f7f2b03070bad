"""The queries of a poll: one for each object whose rows make up a deal (salesforce-api.md 10.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cosell.core.errors import Unavailable
from cosell.systems.salesforce.cursor import Place
from cosell.systems.salesforce.schema import LeadTable, Schema
from cosell.systems.salesforce.soql import literal, long_id, moment, select, stamp


@dataclass(frozen=True, slots=True)
class Stream:
    """Changed rows of one object, in the order of their stamps."""

    name: str
    source: str
    parent: str
    """The column that names the opportunity."""
    stamped: str
    """The column that moves with every change; `Contact.SystemModstamp` sees the person behind a role."""
    filter: str

    def query(self, since: int, place: Place | None, limit: int) -> str:
        """Rows from `since` on, or the next page after `place`."""
        reached = f"{self.stamped} >= {stamp(since)}"
        if place is not None:
            # A bulk load puts thousands of rows on one second: the page goes on inside that second.
            at = stamp(place.stamp)
            later = f"{self.stamped} = {at} AND Id > {literal(place.row_id)}"
            reached = f"({self.stamped} > {at} OR ({later}))"
        columns = dict.fromkeys(("Id", self.parent, self.stamped))
        tail = f"WHERE {reached} AND ({self.filter}) ORDER BY {self.stamped},Id LIMIT {limit}"
        return select(columns, self.source, tail)

    def read(self, row: Mapping[str, Any]) -> Row | None:
        """One row; None where it belongs to no opportunity. Unavailable for a row without a stamp."""
        raw: Any = row
        for step in self.stamped.split("."):
            raw = raw.get(step) if isinstance(raw, dict) else None
        try:
            at = int(moment(raw).timestamp())
        except (ValueError, TypeError, OverflowError):
            # Passing over it would move the watermark past a change nobody has looked at (INV-21).
            raise Unavailable("Salesforce answered a row without its time of change.") from None
        row_id, parent = row.get("Id"), row.get(self.parent)
        opportunity = long_id(parent) if isinstance(parent, str) else None
        if not isinstance(row_id, str) or opportunity is None:
            return None
        return Row(row_id, at, opportunity)


@dataclass(frozen=True, slots=True)
class Row:
    """A changed row, when it was changed, and whose it is."""

    row_id: str
    stamp: int
    opportunity: str


def ours(schema: Schema, path: str = "") -> str:
    """The condition that an opportunity concerns us; `path` leads to it from a child."""
    sync, referral_id = schema.needed("sync"), schema.needed("referral_id")
    return f"{path}{sync} = true OR {path}{referral_id} != null"


def our_leads(table: LeadTable) -> str:
    """The condition that a lead concerns us: only one that a referral was made into, or was tied to."""
    return f"{table.needed('referral_id')} != null"


def streams(schema: Schema) -> Iterable[Stream]:
    """At most six; one call carries five."""
    yield Stream("opportunity", "Opportunity", "Id", "SystemModstamp", ours(schema))
    child = ours(schema, "Opportunity.")
    if schema.contact:
        role, parent = "OpportunityContactRole", "OpportunityId"
        yield Stream("role", role, parent, "SystemModstamp", child)
        yield Stream("contact", role, parent, "Contact.SystemModstamp", child)
    if schema.solution is not None:
        table = schema.solution
        yield Stream(
            "solution", table.name, table.opportunity, "SystemModstamp", ours(schema, f"{table.parent}.")
        )
    if schema.teams:
        yield Stream("team", "OpportunityTeamMember", "OpportunityId", "SystemModstamp", child)
    if schema.lead is not None:
        yield Stream("lead", "Lead", "Id", "SystemModstamp", our_leads(schema.lead))
