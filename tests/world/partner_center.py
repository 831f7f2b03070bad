"""A Partner Center as the port shows it: engagements, one-way states, search that lags, no stamp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from cosell.core import lifecycle
from cosell.core.errors import CosellError, Gone, Rejected
from cosell.core.fields import CUSTOMER, FIELDS
from cosell.core.records import RecordKind, Side, Snapshot
from cosell.core.values import State, Value
from cosell.ports import Capabilities, Creation, Invitation

from .fakes import Record, Server
from .ledger import Ledger
from .loop import VirtualLoop, moment
from .sometimes import Sometimes
from .story import Story

MICROSOFTS = frozenset({"help", "microsoft_id", "microsoft_state"})
"""What stands on Microsoft's own referral: a list page of ours does not show it, our version ignores it."""
_UPDATABLE = frozenset(
    {
        "deal_value",
        "currency",
        "close_date",
        "notes",
        "state",
        "visible",
        "contacts",
        "team",
        "solutions",
        "program",
    }
)
"""More than the mapping lets out, so that the mapping is what keeps it in."""
_CREATABLE = _UPDATABLE - {"state"} | {"name", "help", *CUSTOMER}


def capabilities(precondition: Literal["version", "moody", "none"]) -> Capabilities:
    return Capabilities(
        create="findable",
        precondition=precondition,
        stamp=False,
        touched_by=False,
        readable=frozenset(FIELDS),
        creatable=_CREATABLE,
        updatable=_UPDATABLE,
        guarded=frozenset(FIELDS) - MICROSOFTS,
        acts=frozenset({"help"}),
        read_size=4,
        write_size=1,
        index_lag=10.0,
        patience=60.0,
    )


class PartnerCenter(Server):
    """Referrals, each with Microsoft's own beside it once Microsoft is asked."""

    side = Side.PARTNER_CENTER
    name = "partner_center"

    def __init__(
        self,
        can: Capabilities,
        ledger: Ledger,
        loop: VirtualLoop,
        story: Story,
        seen: Sometimes,
    ) -> None:
        super().__init__(can, ledger, loop, story, seen)
        self.by_microsoft_id: dict[str, Record] = {}

    def find_record(self, record_id: str) -> Record | None:
        return self.records.get(record_id) or self.by_microsoft_id.get(record_id)

    def snapshot(self, record: Record) -> Snapshot:
        return self._shown(record, dict(record.values), complete=True)

    def partial(self, record: Record, since: float) -> Snapshot:
        values = {key: one for key, one in record.values.items() if key not in MICROSOFTS}
        return self._shown(record, values, complete=False)

    def _shown(self, record: Record, values: Mapping[str, Value], *, complete: bool) -> Snapshot:
        record.shown = True
        return Snapshot(
            Side.PARTNER_CENTER,
            record.id,
            values,
            kind=record.kind,
            version=self.version(record),
            firm=True,
            complete=complete,
            partner_id=record.partner_id,
            enrolled=record.enrolled,
            changed_at=moment(record.changed),
            engagement_id=record.engagement_id,
            microsoft_id=record.microsoft_id if complete else None,
        )

    def _entries(self, floor: float) -> Iterable[tuple[float, str, Snapshot | None]]:
        yield from super()._entries(floor)
        for record in self.by_microsoft_id.values():
            if record.microsoft_fed > floor and not record.deleted:
                yield record.microsoft_fed, record.microsoft_id or "", self._microsofts(record)

    def _microsofts(self, record: Record) -> Snapshot:
        """Microsoft's own referral as a list page shows it: of the engagement, but not ours."""
        return Snapshot(
            Side.PARTNER_CENTER,
            record.microsoft_id or "",
            {key: record.values.get(key) for key in ("microsoft_id", "microsoft_state")},
            complete=False,
            engagement_id=record.engagement_id,
            microsoft_id=record.microsoft_id,
        )

    # --- people and Microsoft --------------------------------------------------------------------

    def add(
        self,
        deal: int,
        values: Mapping[str, Value],
        *,
        enrolled: bool = True,
        by: str = "person",
        kind: RecordKind = RecordKind.OPPORTUNITY,
    ) -> Record:
        """A new referral; ids are told by counting."""
        self.made += 1
        record_id = f"{self.made:08x}-0000-4000-8000-{self.made:012x}"
        record = Record(record_id, deal, {}, self.loop.now, kind=kind, enrolled=enrolled)
        record.engagement_id = f"e{record_id[1:]}"
        for key in self._keys:
            record.put(key, self.keep(key, values.get(key)), self.loop.now, by)
        record.changed = record.fed = self.loop.now
        self.records[record_id] = record
        return record

    def join_microsoft(self, record: Record, *, state: State, by: str) -> None:
        """Puts Microsoft's own referral into the engagement."""
        record.invitations += 1
        record.microsoft_id = f"f{record.id[1:-1]}{record.invitations}"
        self.by_microsoft_id[record.microsoft_id] = record
        record.put("microsoft_state", state.value, self.loop.now, by)
        record.microsoft_fed = self.loop.now

    def microsoft_says(self, record: Record, values: Mapping[str, Value]) -> None:
        """A change on Microsoft's own referral."""
        for key, value in values.items():
            record.put(key, value, self.loop.now, "person")
        record.microsoft_fed = self.loop.now
        if record.microsoft_id:
            self.push(record.microsoft_id)

    def portal_accepts(self, record: Record, values: Mapping[str, Value]) -> bool:
        """Whether the portal lets a person make this change."""
        state = record.values["state"]
        if not isinstance(state, State) or state.terminal:
            return False
        wanted = values.get("state", state)
        if wanted is not state and wanted not in lifecycle.STEPS[state]:
            return False
        if "visible" in values and values["visible"] is not True:
            return False
        return not ("contacts" in values and record.microsoft_id)

    # --- the connector ---------------------------------------------------------------------------

    def keep(self, key: str, value: Value) -> Value:
        """Notes end somewhere, and nobody says where."""
        if key == "notes" and isinstance(value, str) and len(value) > 400:
            return value[:400].strip()
        return value

    def refuses(self, record: Record, values: Mapping[str, Value]) -> str:
        state, wanted = record.values["state"], values.get("state")
        if isinstance(state, State) and state.terminal:
            return "the referral is closed"
        if "state" in values and wanted is not state:
            steps = lifecycle.STEPS[state] if isinstance(state, State) else frozenset()
            if wanted not in steps:
                return f"no step leads from {state} to {wanted}"
        if "visible" in values and values["visible"] is not True:
            return "visibility cannot be withdrawn"
        value = values.get("deal_value", 1)
        if value is None or (not isinstance(value, str) and value <= 0):  # type: ignore[operator]
            return "the deal value must be above zero"
        if "contacts" in values and record.microsoft_id:
            return "the customer contact is read-only after sharing"
        empty = [key for key in ("currency", "close_date", "solutions", "team") if values.get(key, 0) is None]
        return f"{empty[0]} may not be empty" if empty else ""

    def create(self, creation: Creation) -> Snapshot | CosellError:
        source = self.ledger.source_of(self, creation)
        if source is not None and source.poisoned:
            self.seen.happened("rejected")
            return Rejected("Partner Center refuses the deal", fields=("solutions",))
        refused = self._refuses_new(creation.values)
        if refused:
            self.ledger.refused_creation(self, creation, refused)
            return Rejected(refused)
        self.ledger.creating(self, creation, source)
        values = dict(creation.values) | {"state": State.ACTIVE, "help": None}
        values["visible"] = values.get("visible") is True or creation.values.get("help") is not None
        record = self.add(source.deal if source else -1, values, by="engine")
        record.by_engine, record.made_by = True, creation.write_id
        record.partner_id, record.partner_since = creation.partner_id, self.loop.now
        self.seen.happened("referral created")
        self.ledger.created(self, creation, record)
        self.announce(record)
        return self.snapshot(record)

    def _refuses_new(self, values: Mapping[str, Value]) -> str:
        needed = (
            "name",
            "customer_name",
            "country",
            "deal_value",
            "currency",
            "close_date",
            "solutions",
            "team",
        )
        missing = [key for key in needed if values.get(key) is None]
        if values.get("help") is not None and values.get("contacts") is None:
            missing.append("contacts")
        return f"{', '.join(missing)} needed" if missing else ""

    def invite(self, invitation: Invitation) -> Snapshot | CosellError:
        record = self.find_record(invitation.seen.id)
        if record is None or record.deleted:
            return Gone("the referral is not there")
        state = record.values["state"]
        if not isinstance(state, State) or state.terminal:
            return Rejected("the referral is closed")
        self.ledger.inviting(self, record, invitation)
        record.put("help", invitation.help, self.loop.now, "engine", invitation.write_id)
        self.join_microsoft(record, state=State.PENDING, by="server")
        self.seen.happened("Microsoft invited")
        self.push(record.microsoft_id or "")
        return self.snapshot(record)
