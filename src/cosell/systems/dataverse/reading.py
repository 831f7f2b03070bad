"""Turns rows of Dataverse into snapshots, and knows the reads that bring such rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cosell.core import values as normal
from cosell.core.marks import unmarked
from cosell.core.records import Side, Snapshot
from cosell.core.values import Solution, Value
from cosell.systems.dataverse import rows
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.client import read
from cosell.systems.dataverse.odata import ETAG, guid, literal, within
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.statuses import OPEN
from cosell.systems.dataverse.streets import columns_of_street, street_of
from cosell.systems.dataverse.ties import Ties, any_of, columns_of

Rows = Sequence[Mapping[str, Any]]
CUSTOMERS = (("customerid", "account"), ("parentaccountid", "account"))
"""Where the account of a deal stands: its customer, or else the company behind a customer who is a person."""
_SEPARATED = re.compile(r"[\s,;]+")
_NAMED = {
    "_customerid_value": ("account", "contact"),
    "_parentaccountid_value": ("account",),
    "_parentcontactid_value": ("contact",),
}
_OWN = ("statecode", "statuscode", "modifiedon", "_modifiedby_value", "_ownerid_value")


class Reader:
    """Reads opportunities of one schema."""

    def __init__(self, schema: Schema, options: Options) -> None:
        self.schema = schema
        self._no_currency = options.base_currency or schema.organization.base_currency
        self._own = own = schema.readable
        self._unread = schema.unread
        self._user_id = schema.organization.user_id
        self._plain = [(key, own[key].name) for key in rows.PLAIN if key in own]
        self._sync, self._referral_id = schema.needed("sync"), schema.needed("referral_id")
        self._street = columns_of_street(schema.tables["account"], own=schema.account)
        self._customers = [_expanded(schema, column, target) for column, target in CUSTOMERS]
        self._contacts = [_expanded(schema, *one) for one in PRIMARY] if schema.contact else []
        self._owner = _expanded(schema, "owninguser", "systemuser")
        self._modifier = _expanded(schema, "modifiedby", "systemuser")
        self._currency = _expanded(schema, "transactioncurrencyid", "transactioncurrency")
        self.ties = Ties(schema, options)
        self.columns = tuple(dict.fromkeys(self._columns()))
        """The opportunity's own columns: what `$select` names, and what an update answers with."""
        self._query = {"$select": ",".join(self.columns)} | self._expand()

    # --- questions ---------------------------------------------------------------------------------

    def _columns(self) -> Iterable[str]:
        """Everything that is mapped and nothing else (CUS-14)."""
        deals, own = self.schema.deals, self.schema.opportunity
        yield deals.id
        yield from _OWN
        for name in ("customerid", "parentaccountid", "parentcontactid", "originatingleadid"):
            if (column := deals.get(name)) is not None:
                yield column.shown
        if deals.get("isrevenuesystemcalculated") is not None:
            yield "isrevenuesystemcalculated"
        yield from (column.shown for role, column in own.items() if role != "referral_link")

    def _expand(self) -> dict[str, str]:
        schema = self.schema
        account = dict(schema.account) | {column.name: column for column in self._street}
        wanted = [(name, columns_of(schema, "account", account)) for name in self._customers]
        wanted += [(name, columns_of(schema, "contact", schema.contact)) for name in self._contacts]
        if schema.user:
            wanted += [(self._owner, columns_of(schema, "systemuser", schema.user))]
        wanted += [(self._modifier, "fullname"), (self._currency, "isocurrencycode")]
        asked = [f"{name}($select={columns})" for name, columns in wanted if name]
        return {"$expand": ",".join(asked)} if asked else {}

    def by_ids(self, ids: Sequence[str], ref: str) -> list[Part]:
        """The reads that bring these opportunities with their children, in one batch; well-formed ids."""
        deals = self.schema.deals
        query = {**self._query, "$filter": within(deals.id, ids)}
        return [read(deals.set, query, ref=ref), *self.ties.by_ids(ids, ref)]

    def by_referral(self, referral_id: str, ref: str) -> list[Part]:
        """The same for the opportunities that carry this referral id, oldest first."""
        condition = f"{self._referral_id} eq {literal(referral_id)}"
        query = {**self._query, "$filter": condition, "$orderby": "createdon asc"}
        return [read(self.schema.deals.set, query, ref=ref), *self.ties.by_referral(referral_id, ref)]

    def by_people(self, people: Sequence[tuple[str, str]], ref: str) -> list[Part]:
        """The reads of our opportunities, by their ids alone, that name one of these contacts or accounts."""
        deals = self.schema.deals
        named = [
            any_of(column, [one for table, one in people if table in targets])
            for column, targets in _NAMED.items()
            if any(table in targets for table, _ in people)
        ]
        ours = f"{self._sync} eq true or {self._referral_id} ne null"
        query = {"$select": deals.id, "$filter": f"({ours}) and ({' or '.join(named)})"}
        return [read(deals.set, query, ref=ref), *self.ties.by_people(people, ref)]

    # --- answers -----------------------------------------------------------------------------------

    def snapshots(self, found: Mapping[str, Rows], ref: str) -> list[Snapshot]:
        """The snapshots in the answers to the reads of one `ref`."""
        ties = self.ties.sorted_out(found, ref)
        made = (self.snapshot(row, ties) for row in found.get(ref, ()))
        return [one for one in made if one is not None]

    def snapshot(self, row: Mapping[str, Any], ties: Mapping[str, Mapping[str, Rows]]) -> Snapshot | None:
        """One row in normal forms; None where it is no opportunity."""
        row_id = guid(row.get(self.schema.deals.id))
        if row_id is None:
            return None
        facts = self._facts(row)
        values, mark = self.own_values(row)
        self._read_account(row, values)
        mine = ties.get(row_id, {})
        if self.schema.contact:
            values["contacts"] = self._read_contacts(row, mine, facts)
        if self.schema.user:
            values["team"] = self._team(row, mine)
        if self.schema.solution is not None or "products" in self.schema.opportunity:
            values["solutions"] = self.ties.solutions(mine, facts) or self._old_products(row)
        audit, stamp = self.schema.name("audit"), self.schema.name("stamp")
        modifier = guid(row.get("_modifiedby_value"))
        partner_id = rows.word(row.get(self._referral_id))
        etag = row.get(ETAG)
        return Snapshot(
            side=Side.CRM,
            id=row_id,
            values=values,
            origin=guid(row.get("_originatingleadid_value")) if partner_id is None else None,
            version=etag if isinstance(etag, str) else None,
            partner_id=partner_id,
            enrolled=row.get(self._sync) is True,
            stamp=rows.word(row.get(stamp)) if stamp else None,
            touched_by=rows.word(rows.inner(row, self._modifier).get("fullname")),
            touched_by_us=None if modifier is None else modifier == self._user_id,
            changed_at=rows.instant(row.get("modifiedon")),
            mark=mark,
            audit=rows.word(row.get(audit)) if audit else None,
            facts=facts,
            lasting="products" not in facts,
            unread=self._unread,
        )

    def own_values(self, row: Mapping[str, Any]) -> tuple[dict[str, Value], str | None]:
        """What the row itself says, without those it points to; and the sign before its name."""
        own = self._own
        found: dict[str, Value] = {}
        name, mark = row.get(own["name"].name), None
        if isinstance(name, str):
            name, mark = unmarked(name)
        found["name"] = None if name is None else normal.text(name)
        for key, column in self._plain:
            found[key] = rows.plain(key, row.get(column))
        if "currency" in own:
            known, none = self.schema.currency_ids, self._no_currency
            found["currency"] = rows.currency(row, own["currency"], self._currency, known=known, own=none)
        if "help" in own:
            found["help"] = rows.help_of(row.get(own["help"].name), own["help"])
        state, code = rows.whole(row.get("statecode")), rows.whole(row.get("statuscode"))
        if "state" not in self._unread:
            found["state"] = self.schema.statuses.meaning(OPEN if state is None else state, code)
        return found, mark

    def _read_account(self, row: Mapping[str, Any], found: dict[str, Value]) -> None:
        account = next(filter(None, (rows.inner(row, name) for name in self._customers)), {})
        for key, column in self.schema.account.items():
            if key in rows.PLAIN or key == "country":
                found[key] = rows.plain(key, account.get(column.name))
        if self._street:
            found["address_line"] = street_of(account, self._street)

    def _read_contacts(
        self, row: Mapping[str, Any], mine: Mapping[str, Rows], facts: dict[str, str]
    ) -> Value:
        people = []
        for name in self._contacts:
            contact = rows.inner(row, name)
            if contact:
                people.append(self.ties.contact(contact, facts))
        people += self.ties.connected_contacts(mine, facts)
        return normal.people(people)

    def _team(self, row: Mapping[str, Any], mine: Mapping[str, Rows]) -> Value:
        """The owner, and who is connected; our own user is nobody a customer should call."""
        people = []
        owner = rows.inner(row, self._owner)
        if owner and guid(row.get("_ownerid_value")) != self._user_id:
            people.append(rows.person(owner, self.schema.user))
        people += self.ties.connected_users(mine, but=self._user_id)
        return normal.people(people)

    def _old_products(self, row: Mapping[str, Any]) -> Value:
        """FLD-D05: ids in a text, as long as the deal has no solution rows."""
        column = self.schema.opportunity.get("products")
        text = rows.word(row.get(column.name)) if column is not None else None
        return normal.solutions([Solution(one) for one in _SEPARATED.split(text or "") if one])

    def _facts(self, row: Mapping[str, Any]) -> dict[str, str]:
        facts: dict[str, str] = {}
        account = guid(row.get("_customerid_value")) if rows.inner(row, self._customers[0]) else None
        account = account or guid(row.get("_parentaccountid_value"))
        named = {"account": account, "primary": guid(row.get("_parentcontactid_value"))}
        facts.update({key: one for key, one in named.items() if one is not None})
        if row.get("isrevenuesystemcalculated") is True:
            facts["products"] = "yes"
        return facts


PRIMARY = (("parentcontactid", "contact"), ("customerid", "contact"))


def _expanded(schema: Schema, column: str, target: str) -> str | None:
    """The navigation property from an opportunity to what a lookup of it points to."""
    found = schema.deals.get(column)
    return found.navigation.get(target) if found is not None else None
