"""A CRM as the port shows it: unique external id, stamp, last-modified-by, children outside the version."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from cosell.core import lifecycle
from cosell.core.companies import opening
from cosell.core.errors import CosellError, Rejected, Stale
from cosell.core.fields import CUSTOMER, FIELDS
from cosell.core.matching import ACCOUNT, Account, customer_of
from cosell.core.records import RecordKind, Side, Snapshot
from cosell.core.values import State, Value, plain
from cosell.ports import Capabilities, Creation, Marks, Update

from .fakes import Record, Server
from .faults import Faults
from .ledger import Ledger
from .loop import VirtualLoop, moment
from .sometimes import Sometimes
from .story import Story

_READABLE = frozenset(FIELDS) - {"microsoft_state"}
_CHILDREN = frozenset({"contacts", "team", "solutions", *CUSTOMER})
"""Rows of their own: a change of them does not move the opportunity's version."""
_UPDATABLE = frozenset(
    {
        "name",
        "deal_value",
        "currency",
        "close_date",
        "notes",
        "state",
        "visible",
        "microsoft_id",
        "program",
        "solutions",
        "contacts",
        "team",
    }
)
"""More than the mapping lets in, so that the mapping is what keeps it out."""
_CREATABLE = _UPDATABLE | {"help", *CUSTOMER}
LONGEST_NAME = 120
_LEAD = frozenset({*CUSTOMER, "contacts", "notes"})
"""What a lead consists of, beside its status."""


def capabilities(
    precondition: Literal["second", "version"],
    leads: Literal["", "plain", "declining"] = "",
    *,
    dynamics: bool = False,
) -> Capabilities:
    """`leads`: none are kept; they are; they are, and a status says that nobody pursues one."""
    held = _LEAD | {"state"} if leads == "declining" else _LEAD
    return Capabilities(
        create="by_key",
        precondition=precondition,
        stamp=True,
        touched_by=True,
        readable=_READABLE,
        creatable=_CREATABLE,
        updatable=_UPDATABLE - {"contacts", "team"} if dynamics else _UPDATABLE,
        guarded=_READABLE - _CHILDREN,
        leads=held if leads else frozenset(),
        accounts=True,
        read_size=40 if dynamics else 10,
        write_size=20 if dynamics else 5,
        index_lag=0.0,
        patience=60.0,
    )


class Crm(Server):
    """Opportunities with their children."""

    side = Side.CRM
    name = "crm"

    def __init__(
        self,
        can: Capabilities,
        ledger: Ledger,
        loop: VirtualLoop,
        story: Story,
        seen: Sometimes,
        *,
        whole_polls: bool = True,
        rounds: bool = True,
        dynamics: bool = False,
    ) -> None:
        super().__init__(can, ledger, loop, story, seen)
        self.dynamics = dynamics
        self.whole_polls, self.rounds = whole_polls, rounds
        self.customers: dict[str, Account] = {}
        """Accounts by id, in the order in which they were made."""
        self.customers_of_ours: set[str] = set()
        """Those of them the connector made."""

    def forgets(self, faults: Faults) -> bool:
        """A delta link expires (dataverse-api.md 4.1); everything is then told again."""
        forgotten = self.dynamics and faults.strikes("place_forgotten")
        if forgotten:
            self.seen.happened("feed began anew")
        return forgotten

    def snapshot(self, record: Record) -> Snapshot:
        return self._shown(record, dict(record.values), complete=True)

    def partial(self, record: Record, since: float) -> Snapshot:
        """The opportunity's own row, with those of its children that changed since the poll looks back to."""
        if self.whole_polls or record.kind is RecordKind.LEAD:
            return self.snapshot(record)
        news = {key for key in _CHILDREN & record.history.keys() if record.history[key][-1].at > since}
        values = {key: one for key, one in record.values.items() if key not in _CHILDREN or key in news}
        return self._shown(record, values, complete=False)

    def _shown(self, record: Record, values: Mapping[str, Value], *, complete: bool) -> Snapshot:
        record.shown = True
        firm = self.firm(record)
        if not firm:
            self.seen.happened("half a second")
        whole = self.capabilities.precondition == "second"
        return Snapshot(
            Side.CRM,
            record.id,
            values,
            kind=record.kind,
            became=record.became,
            origin=record.origin if record.partner_id is None else None,
            version=self.version(record),
            firm=firm,
            complete=complete,
            partner_id=record.partner_id,
            enrolled=record.enrolled,
            stamp=record.stamp,
            touched_by="connector" if record.ours else "seller",
            touched_by_us=record.ours,
            changed_at=moment(int(record.changed) if whole else record.changed),
            mark=record.mark,
            audit=record.audit,
        )

    def add(
        self,
        deal: int,
        values: Mapping[str, Value],
        *,
        enrolled: bool = True,
        by: str = "person",
        kind: RecordKind = RecordKind.OPPORTUNITY,
    ) -> Record:
        """A new opportunity, or a new lead."""
        self.made += 1
        is_lead = kind is RecordKind.LEAD
        record_id = f"{'00Q' if is_lead else '006'}{self.made:015d}"
        record = Record(record_id, deal, {}, self.loop.now, kind=kind, enrolled=enrolled)
        for key in sorted(_LEAD | {"state"}) if is_lead else self._keys:
            record.put(key, self.keep(key, values.get(key)), self.loop.now, by)
        record.changed = record.fed = self.loop.now
        self.records[record.id] = record
        if by == "person" and not is_lead:
            self._add_customer(record.values)
            if len(self.customers) % 4 == 3:  # some customers are in the CRM twice
                self._add_customer(record.values)
        self.announce(record)
        return record

    # --- whose deal it is --------------------------------------------------------------------------

    def accounts(self, values: Mapping[str, Value]) -> list[Account]:
        customer = customer_of(values)
        if customer is None:
            return []
        begins = opening(customer.name).casefold()
        return [
            one
            for one in self.customers.values()
            if one.name.casefold() == customer.name.casefold()
            or (one.country == customer.country and one.name.casefold().startswith(begins))
        ]

    def _add_customer(self, values: Mapping[str, Value]) -> str | None:
        customer = customer_of(values)
        if customer is None:
            return None
        number = len(self.customers) + 1
        account = Account(
            f"001{number:015d}",
            customer.name,
            customer.postal_code,
            customer.country,
            created_at=moment(self.loop.now),
        )
        self.customers[account.id] = account
        return account.id

    def _customer_of(self, creation: Creation) -> None:
        """Gives a deal of the connector's its account, which must be there or nobody's yet (J-4).

        A lead has none: it only tells of a customer, whom the seller who converts it chooses or makes. Where
        a person said that the customer is a new one, it is that person's word.
        """
        if creation.account_id is not None:
            if creation.account_id not in self.customers:
                self.ledger.violate("CUS-12", "an account nobody has", creation.account_id)
            self.seen.happened("customer known")
            return
        if creation.kind is RecordKind.LEAD:
            return
        made = self._add_customer(creation.values)
        ours = self.customers[made] if made else None
        told = (creation.partner_id, ACCOUNT) in self.ledger.resolved
        if ours is not None and not told:
            same = (ours.name, ours.postal_code, ours.country)
            for other in self.customers_of_ours:
                one = self.customers[other]
                if (one.name, one.postal_code, one.country) == same:
                    self.ledger.violate("J-4", "one customer gets two accounts", other, ours.id)
            self.customers_of_ours.add(ours.id)

    def keep(self, key: str, value: Value) -> Value:
        """Amounts have two decimals, names an end, and every unhappy end is a lost deal."""
        if isinstance(value, Decimal) and self.rounds:
            return plain(value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
        if key == "name" and isinstance(value, str):
            return value[:LONGEST_NAME].strip() or None
        if isinstance(value, State):
            return lifecycle.in_crm_words(value)
        return value

    def convert(self, lead: Record, values: Mapping[str, Value], *, kept: bool, enrolled: bool) -> Record:
        """A person makes an opportunity of a lead; `kept` says whether the lead's notes go along.

        What goes along keeps its past: whoever asks what both sides ever said must find it.
        """
        along = _LEAD - {"notes"} | {"state"} | ({"notes"} if kept else set())
        lead.put("state", State.ACTIVE, self.loop.now, "person")
        given = {**values, **{key: lead.values.get(key) for key in along}}
        record = self.add(lead.deal, given, enrolled=enrolled)
        for key in along:
            record.history[key] = [*lead.history.get(key, ()), *record.history[key]]
        lead.became, record.origin, record.grown = record.id, lead.id, lead.by_engine
        record.born = lead.born
        self.touch(lead)
        self.seen.happened("lead converted")
        return record

    def drop(self, lead: Record) -> None:
        """A person converts a lead and wants no opportunity."""
        self.edit(lead, {"state": State.ACTIVE})

    def update(self, update: Update, *, moody: bool) -> Snapshot | CosellError:
        record = self.find_record(update.record_id)
        if record is not None and record.kind is RecordKind.LEAD and record.values["state"] is State.ACTIVE:
            return Stale("the lead was converted")
        return super().update(update, moody=moody)

    def refuses(self, record: Record, values: Mapping[str, Value]) -> str:
        if record.kind is RecordKind.LEAD:
            return self._refuses_lead(values)
        empty = [key for key in ("name", "close_date", "state") if values.get(key, 0) is None]
        return f"{empty[0]} is required" if empty else ""

    def _refuses_lead(self, values: Mapping[str, Value]) -> str:
        if values.get("state") not in (None, State.LOST, State.PENDING):
            return "no step of the connector's makes more of a lead"
        stray = sorted(values.keys() - self.capabilities.leads)
        return f"{stray[0]} is required to be absent from a lead" if stray else ""

    def _mark(self, record: Record, update: Update) -> None:
        marks = update.marks
        if marks.referral_id and marks.referral_id != record.partner_id:
            record.partner_id, record.partner_since = marks.referral_id, self.loop.now
        self._decorate(record, marks, named="name" in update.values)

    def _decorate(self, record: Record, marks: Marks, *, named: bool) -> None:
        if marks.trail is not None:
            record.audit = "\n".join(marks.trail)
        if marks.mark is not None or named:
            record.mark = marks.mark
        if marks.enroll:
            record.enrolled = True

    def create(self, creation: Creation) -> Snapshot | CosellError:
        source = self.ledger.source_of(self, creation)
        if source is not None and source.poisoned:
            self.seen.happened("rejected")
            return Rejected("a validation rule refuses the opportunity")
        if any(one.partner_id == creation.partner_id for one in self.alive()):
            return Rejected("a record with this Referral Identifier exists", code="exists")
        is_lead = creation.kind is RecordKind.LEAD
        if is_lead and creation.values.get("contacts") is None:
            self.seen.happened("lead without a person")
            return Rejected("a lead is a person, and there is none", fields=("contacts",), code="required")
        needed = () if is_lead else ("name", "close_date", "state")
        missing = [key for key in needed if creation.values.get(key) is None]
        if missing and source is not None and source.kind is RecordKind.LEAD:
            return Rejected(f"{missing[0]} is required, and a lead has none", fields=tuple(missing))
        if missing:
            self.ledger.refused_creation(self, creation, f"{missing[0]} is required")
            return Rejected(f"{missing[0]} is required", fields=tuple(missing))
        self.ledger.creating(self, creation, source)
        values = dict(creation.values) | ({"state": State.PENDING} if is_lead else {})
        deal = source.deal if source else -1
        record = self.add(deal, values, by="engine", enrolled=False, kind=creation.kind)
        record.by_engine, record.made_by = True, creation.write_id
        record.partner_id, record.partner_since = creation.partner_id, self.loop.now
        record.stamp, record.ours = creation.write_id, True
        self._customer_of(creation)
        self._decorate(record, creation.marks, named=True)
        self.seen.happened("lead brought" if is_lead else "opportunity created")
        self.ledger.created(self, creation, record)
        return self.snapshot(record)
