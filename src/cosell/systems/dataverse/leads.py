"""Reads leads: what is no opportunity yet (CAP-11, SCN-09)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cosell.core import values as normal
from cosell.core.marks import unmarked
from cosell.core.records import RecordKind, Side, Snapshot
from cosell.core.values import State, Value
from cosell.systems.dataverse import rows
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.metadata import Table
from cosell.systems.dataverse.odata import ETAG, guid, literal, within
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.streets import columns_of_street, street_of
from cosell.systems.dataverse.ties import any_of

Rows = Sequence[Mapping[str, Any]]
BECAME = "-became"
"""What the ref of the read of the opportunities behind leads ends in."""
OPEN, QUALIFIED, DISQUALIFIED = 0, 1, 2
"""`statecode` of a lead (dataverse-api.md 6)."""
STATES = {OPEN: State.PENDING, QUALIFIED: State.ACTIVE, DISQUALIFIED: State.LOST}
PERSON = {
    "email": "contact_email",
    "first_name": "contact_first_name",
    "last_name": "contact_last_name",
    "phone": "contact_phone",
}
"""Where a lead keeps its one person."""


class LeadReader:
    """Reads leads of one schema."""

    def __init__(self, schema: Schema, options: Options) -> None:
        assert schema.leads is not None
        self._schema = schema
        self._no_currency = options.base_currency or schema.organization.base_currency
        self.table: Table = schema.leads
        self._own = schema.lead
        self._street = columns_of_street(self.table, own=self._own)
        self._person = {key: self._own[role] for key, role in PERSON.items() if role in self._own}
        self._currency = self._expanded("transactioncurrencyid", "transactioncurrency")
        self._modifier = self._expanded("modifiedby", "systemuser")
        self.columns = tuple(dict.fromkeys(self._columns()))
        self._query = {"$select": ",".join(self.columns)} | self._expand()

    def _expanded(self, name: str, target: str) -> str | None:
        column = self.table.get(name)
        return column.navigation.get(target) if column is not None else None

    def _columns(self) -> Iterable[str]:
        yield from (self.table.id, "statecode", "statuscode", "modifiedon", "_modifiedby_value")
        yield from (column.shown for role, column in self._own.items() if role != "referral_link")
        yield from (column.name for column in self._street)

    def _expand(self) -> dict[str, str]:
        wanted = ((self._currency, "isocurrencycode"), (self._modifier, "fullname"))
        asked = [f"{name}($select={columns})" for name, columns in wanted if name]
        return {"$expand": ",".join(asked)} if asked else {}

    # --- questions ---------------------------------------------------------------------------------

    def by_ids(self, ids: Sequence[str], ref: str) -> list[Part]:
        """The reads that bring these leads, and the opportunities they became."""
        query = {**self._query, "$filter": within(self.table.id, ids)}
        return [
            read(self.table.set, query, ref=ref),
            self._became(any_of("_originatingleadid_value", ids), ref),
        ]

    def by_referral(self, referral_id: str, ref: str) -> list[Part]:
        """The same for the leads that carry this referral id, oldest first."""
        column = self._own.get("referral_id")
        if column is None:
            return []
        own = f"{column.name} eq {literal(referral_id)}"
        parts = [read(self.table.set, {**self._query, "$filter": own, "$orderby": "createdon asc"}, ref=ref)]
        origin = self._schema.deals.get("originatingleadid")
        path = origin.navigation.get("lead") if origin is not None else None
        return [*parts, self._became(f"{path}/{own}", ref)] if path is not None else parts

    def _became(self, condition: str, ref: str) -> Part:
        deals = self._schema.deals
        query = {
            "$select": f"{deals.id},_originatingleadid_value",
            "$filter": condition,
            "$orderby": "createdon asc",
        }
        return read(deals.set, query, ref=f"{ref}{BECAME}")

    # --- answers -----------------------------------------------------------------------------------

    def snapshots(self, found: Mapping[str, Rows], ref: str) -> list[Snapshot]:
        """The snapshots in the answers to the reads of one `ref`."""
        became: dict[str, str] = {}
        for row in found.get(f"{ref}{BECAME}", ()):
            lead, deal = guid(row.get("_originatingleadid_value")), guid(row.get(self._schema.deals.id))
            if lead is not None and deal is not None:
                became.setdefault(lead, deal)
        made = (self.snapshot(row, became) for row in found.get(ref, ()))
        return [one for one in made if one is not None]

    def snapshot(self, row: Mapping[str, Any], became: Mapping[str, str]) -> Snapshot | None:
        """One row in normal forms; None where it is no lead."""
        row_id = guid(row.get(self.table.id))
        if row_id is None:
            return None
        values, mark = self.own_values(row)
        modifier, etag = guid(row.get("_modifiedby_value")), row.get(ETAG)
        sync = self._own.get("sync")
        return Snapshot(
            side=Side.CRM,
            id=row_id,
            kind=RecordKind.LEAD,
            became=became.get(row_id),
            values=values,
            version=etag if isinstance(etag, str) else None,
            partner_id=self._word(row, "referral_id"),
            enrolled=sync is None or row.get(sync.name) is True,
            stamp=self._word(row, "stamp"),
            touched_by=rows.word(rows.inner(row, self._modifier).get("fullname")),
            touched_by_us=None if modifier is None else modifier == self._schema.organization.user_id,
            changed_at=rows.instant(row.get("modifiedon")),
            mark=mark,
            audit=self._word(row, "audit"),
        )

    def _word(self, row: Mapping[str, Any], role: str) -> str | None:
        column = self._own.get(role)
        return rows.word(row.get(column.name)) if column is not None else None

    def own_values(self, row: Mapping[str, Any]) -> tuple[dict[str, Value], str | None]:
        """What the row says; and the sign before its name."""
        found: dict[str, Value] = {}
        mark = None
        if "name" in self._own:
            found["name"], mark = self._name(row)
        for key, column in self._own.items():
            if key in rows.PLAIN or key == "country":
                found[key] = rows.plain(key, row.get(column.name))
        if self._street:
            found["address_line"] = street_of(row, self._street)
        if "help" in self._own:
            found["help"] = rows.help_of(row.get(self._own["help"].name), self._own["help"])
        if "currency" in self._own:
            known, none = self._schema.currency_ids, self._no_currency
            found["currency"] = rows.currency(
                row, self._own["currency"], self._currency, known=known, own=none
            )
        if "email" in self._person:
            found["contacts"] = normal.people([rows.person(row, self._person)])
        found["state"] = STATES.get(rows.whole(row.get("statecode")) or OPEN, State.LOST)
        return found, mark

    def _name(self, row: Mapping[str, Any]) -> tuple[Value, str | None]:
        """The topic; a referral's id that stands in for one is no name."""
        name, mark = row.get(self._own["name"].name), None
        if isinstance(name, str):
            name, mark = unmarked(name)
        told = None if name is None else normal.text(name)
        return (None if told == self._word(row, "referral_id") else told), mark
