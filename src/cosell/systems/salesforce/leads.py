"""Leads of Salesforce: how a row is read, how one is written, how one comes about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cosell.core import values as normal
from cosell.core.errors import Rejected, Stale
from cosell.core.fields import CUSTOMER
from cosell.core.marks import audit_text, link_to
from cosell.core.records import RecordKind, Side, Snapshot
from cosell.core.values import Person, State, Unreadable, Value
from cosell.ports import Creation, Marks, Update
from cosell.systems.salesforce.client import Part
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.reading import country_of, inner, moment_of, person_of, word_of
from cosell.systems.salesforce.schema import LeadTable
from cosell.systems.salesforce.soql import http_date, literal, literals, long_id, select
from cosell.systems.salesforce.writing import Draft

PERSON = ("email", "first_name", "last_name", "phone")
_WORDS = ("customer_name", "address_line", "city", "region", "postal_code", "notes")


class LeadReader:
    """Turns rows of Lead into snapshots."""

    def __init__(self, table: LeadTable, user_id: str | None) -> None:
        self.table, self._user_id = table, user_id
        self._words = [(key, table.needed(key)) for key in _WORDS if key in table.columns]
        self._person = {key: table.needed(key) for key in PERSON if key in table.columns}
        link = table.name("referral_link")
        own = dict.fromkeys(column.name for column in table.columns.values() if column.name != link)
        bookkeeping = ("Id", "LastModifiedDate", "LastModifiedById", "LastModifiedBy.Name")
        self._select = select((*bookkeeping, *own), "Lead")

    def by_ids(self, ids: Iterable[str]) -> str:
        """The query for these leads; the ids must be well-formed."""
        return f"{self._select} WHERE Id IN {literals(ids)}"

    def by_referral(self, referral_id: str) -> str:
        """The query for the leads that carry this referral id."""
        return f"{self._select} WHERE {self.table.needed('referral_id')} = {literal(referral_id)}"

    def origins(self, opportunity_ids: Iterable[str]) -> str:
        """The query for the leads of ours that these opportunities were converted from."""
        table = self.table
        where = f"WHERE {table.needed('opportunity')} IN {literals(opportunity_ids)}"
        ours = f"{table.needed('referral_id')} != null"
        return select(("Id", table.needed("opportunity")), "Lead", f"{where} AND {ours} ORDER BY Id")

    def snapshot(self, row: Mapping[str, Any], since: float | None) -> Snapshot | None:
        """The row in normal forms; None where it is no lead. `since` as for an opportunity."""
        table, row_id = self.table, long_id(raw) if isinstance(raw := row.get("Id"), str) else None
        if row_id is None:
            return None
        changed_at = moment_of(row.get("LastModifiedDate"))
        modifier = row.get("LastModifiedById")
        made = row.get(table.needed("opportunity"))
        stamp, audit = table.name("stamp"), table.name("audit")
        return Snapshot(
            side=Side.CRM,
            id=row_id,
            values=self._values(row),
            kind=RecordKind.LEAD,
            became=long_id(made) if isinstance(made, str) else None,
            version=None if changed_at is None else http_date(changed_at),
            firm=changed_at is not None and since is not None and since >= int(changed_at.timestamp()) + 1,
            partner_id=word_of(row.get(table.needed("referral_id"))),
            enrolled=row.get(table.needed("sync")) is True,
            stamp=word_of(row.get(stamp)) if stamp else None,
            touched_by=word_of(inner(row, "LastModifiedBy").get("Name")),
            touched_by_us=None if self._user_id is None else modifier == self._user_id,
            changed_at=changed_at,
            audit=word_of(row.get(audit)) if audit else None,
        )

    def _values(self, row: Mapping[str, Any]) -> dict[str, Value]:
        table = self.table
        found: dict[str, Value] = {}
        for key, column in self._words:
            raw = row.get(column)
            found[key] = None if raw is None else normal.text(raw)
        if "country" in table.columns:
            found["country"] = country_of(row.get(table.needed("country")))
        found["contacts"] = normal.people([person_of(row, self._person)])
        converted = row.get(table.needed("converted")) is True
        found["state"] = table.statuses.meaning(
            str(row.get(table.needed("status")) or ""), converted=converted
        )
        return found


class LeadWriter:
    """Turns updates and creations of leads into requests."""

    def __init__(self, table: LeadTable, options: Options) -> None:
        self._table, self._options = table, options
        audit = table.columns.get("audit")
        self._audit_limit = min(options.audit_limit, audit.length or options.audit_limit) if audit else 0

    def draft(self, update: Update, at: int) -> Draft:
        """The request of one update. Raises Rejected for what a lead cannot say."""
        unwritable = tuple(sorted(key for key in update.values if key not in self._table.capabilities))
        if unwritable:
            raise Rejected(
                f"A lead in Salesforce does not take {', '.join(unwritable)}.",
                fields=unwritable,
                code="read_only",
            )
        guard = update.seen.version if update.guard else None
        if update.guard and guard is None:
            raise Stale("The lead has to be read again before it is written.")
        body = self._body(update.values)
        body |= self._marks(update.marks, update.seen.audit)
        referral_id = update.marks.referral_id or update.external_id
        body |= self._identity(update.write_id, referral_id, enroll=update.marks.enroll)
        headers = {"If-Unmodified-Since": guard} if guard else None
        return Draft(Part("PATCH", f"/sobjects/Lead/{update.record_id}", f"u{at}", body, headers))

    def creation(self, creation: Creation) -> Part:
        """The request that makes the lead; a unique key refuses a second one."""
        self._refuse_incomplete(creation)
        values = {k: v for k, v in creation.values.items() if v is not None and k != "state"}
        body = {**self._options.lead_defaults, **self._body(values)}
        status = self._table.statuses.new
        if status is not None:
            body[self._table.needed("status")] = status
        body |= self._marks(creation.marks, None)
        body |= self._identity(creation.write_id, creation.partner_id, enroll=creation.marks.enroll)
        return Part("POST", "/sobjects/Lead", "lead", body, self._headers())

    def _headers(self) -> dict[str, str] | None:
        if self._options.duplicate_alerts == "stop":
            return None
        return {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}

    def _refuse_incomplete(self, creation: Creation) -> None:
        """Nobody is invented: without a person's name there is no lead (CUS-11)."""
        if not isinstance(creation.values.get("customer_name"), str):
            raise Rejected(
                "Salesforce wants a company for a lead, and the referral names no customer.",
                fields=("customer_name",),
                advice="Accept the referral in Partner Center; it then arrives as an opportunity.",
                code="required",
            )
        if _chosen(creation.values.get("contacts")) is None:
            raise Rejected(
                "Salesforce wants a person's last name for a lead, and no contact of the referral has one.",
                fields=("contacts",),
                advice="Add a customer contact in Partner Center, or accept the referral there.",
                code="required",
            )

    def _body(self, values: Mapping[str, Value]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for key, value in values.items():
            if isinstance(value, Unreadable):
                raise Rejected(f"The value for {key} {value.why}.", fields=(key,), code="unreadable")
            if key == "contacts":
                body |= self._person(value)
            elif key == "state":
                body |= self._status(value)
            elif key in (*CUSTOMER, "notes"):
                body[self._table.needed(key)] = value
        return body

    def _person(self, value: Value) -> dict[str, Any]:
        one = _chosen(value)
        if one is None:
            raise Rejected("A lead is a person; it cannot be emptied of one.", fields=("contacts",))
        words = {"email": one.email, "first_name": one.first_name, "last_name": one.last_name}
        words["phone"] = one.phone
        return {self._table.needed(key): words[key] or None for key in PERSON if key in self._table.columns}

    def _status(self, value: Value) -> dict[str, Any]:
        if not isinstance(value, State):
            raise Rejected("A lead needs a status.", fields=("state",), code="status_missing")
        return {self._table.needed("status"): self._table.statuses.status_for(value)}

    def _marks(self, marks: Marks, present: str | None) -> dict[str, Any]:
        """The Audit text; the sign before the name is an opportunity's, for a lead's name is a person's."""
        audit = self._table.name("audit")
        if audit is None or marks.trail is None:
            return {}
        text = audit_text(marks.trail, present, limit=self._audit_limit)
        return {audit: text} if text != (present or "") else {}

    def _identity(self, write_id: str, referral_id: str | None, *, enroll: bool) -> dict[str, Any]:
        body: dict[str, Any] = {}
        stamp, link = self._table.name("stamp"), self._table.name("referral_link")
        if stamp is not None:
            body[stamp] = write_id
        if referral_id is not None:
            body[self._table.needed("referral_id")] = referral_id
            if link is not None:
                body[link] = link_to(self._options.referral_link, referral_id)
        if enroll:
            body[self._table.needed("sync")] = True
        return body


def _chosen(value: Value) -> Person | None:
    """The one person a lead can hold: the first of the contacts who has a last name."""
    people = value if isinstance(value, tuple) else ()
    return next((one for one in people if isinstance(one, Person) and one.last_name), None)
