"""What is true, whoever believes otherwise: every write as it is applied is held against the invariants.

The ledger sees the journal as it is committed and the servers as they change, so it can say of each
write whether it was announced, whether it replaced what its author had read, whether a person stands
behind its values, and whether it was needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cosell.core import lifecycle
from cosell.core.fields import FIELDS, Kind
from cosell.core.mapping import Direction, First, Rule
from cosell.core.records import RecordKind, Side, Write, WriteKind, WriteState
from cosell.core.values import State, Value
from cosell.ports import Creation, Invitation, Update

from .loop import VirtualLoop
from .sometimes import Sometimes
from .story import Story, show

if TYPE_CHECKING:
    from .fakes import Record, Server, Touch


def travels(direction: Direction, side: Side) -> bool:
    """Whether values of this direction go to `side`; said here anew, so that the core cannot err for both."""
    return direction is Direction.BOTH or direction is (
        Direction.OUTWARD if side is Side.PARTNER_CENTER else Direction.INWARD
    )


UNIQUE = frozenset({"name", "deal_value", "close_date", "notes"})
"""Fields to which each person's edit gives a value nobody else ever gives."""
ONE_WAY = frozenset({"state", "visible", "help"})
MOODY_AFTER = 3
"""Refusals of one unchanged version after which a moody precondition may be left out (sheet section 6)."""
IN_FLIGHT = 75.0
"""Seconds for which a decision may rest on a read, the time on the wire included."""


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold, when, and how it was seen."""

    invariant: str
    at: float
    says: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.at:.3f}: {self.says}"


@dataclass(frozen=True, slots=True)
class Landing:
    """A write of the connector that a server applied."""

    at: float
    write_id: str
    side: Side
    record_id: str
    values: Mapping[str, Value]
    blind: tuple[str, ...] = ()
    """Fields replaced unread inside a declared window."""
    kind: str = "update"


class Ledger:
    """The judge of a world."""

    def __init__(self, rules: Mapping[str, Rule], loop: VirtualLoop, story: Story, seen: Sometimes) -> None:
        self.rules, self.loop, self.story, self.seen = rules, loop, story, seen
        self.violations: list[Violation] = []
        self.servers: dict[Side, Server] = {}
        self.journal: dict[str, Write] = {}
        """Rows as first committed."""
        self.closed: dict[str, Write] = {}
        self.landings: list[Landing] = []
        self.landed: dict[str, Landing] = {}
        self.unanswered: set[str] = set()
        """Writes whose author never heard what became of them."""
        self.resolved: set[tuple[str, str]] = set()
        """(opportunity or referral id, field) for which a person answered a hold."""
        self.forgotten: set[str] = set()
        """Writes whose rows were lost with a newer database."""
        self.adrift: set[str] = set()
        """Those of a restore nobody told of: while one is still on its way, nothing in the world shows it."""
        self.unseen_twins: set[str] = set()
        """Creations of which one of the two was such a write: nobody could have known."""
        self._expected: dict[str, Write] = {}
        self._open: dict[tuple[str, Side], str] = {}
        self._creations: dict[tuple[Side, str], Creation] = {}

    def violate(self, invariant: str, *about: object) -> None:
        says = " ".join(show(one) for one in about)
        self.violations.append(Violation(invariant, self.loop.now, says))
        self.story.tell("LEDGER", f"!! {invariant}", says)

    # --- the journal as it is committed (INV-7, 8, 10) ----------------------------------------------

    def expects(self, write: Write) -> None:
        """A row is about to be committed; its author may die before hearing of it."""
        self._expected[write.id] = write

    def begun(self, who: str, write: Write) -> None:
        if write.id in self.journal:
            self.violate("INV-7", "a second row for write", write.id[:6])
        self.journal[write.id] = write
        lane = (write.link_key, write.side)
        earlier = self._open.get(lane)
        if earlier is not None:
            self.violate("INV-8", "two open writes to", str(write.side), earlier[:6], write.id[:6])
        self._open[lane] = write.id

    def forget(self, kept: Sequence[Write], *, told: bool) -> None:
        """The database is an older one: what it holds is all that is known from now on (INV-24)."""
        rows = {row.id: row for row in kept}
        lost = (self.journal.keys() | self._expected.keys()) - rows.keys()
        self.forgotten |= lost
        self.adrift |= set() if told else lost
        self.closed = {one: row for one, row in rows.items() if row.state is not WriteState.OPEN}
        self._open = {
            (row.link_key, row.side): row.id for row in rows.values() if row.state is WriteState.OPEN
        }

    def all_ended(self) -> None:
        """Every open row ended as unknown, whoever had begun it."""
        self._open.clear()

    def resent(self, write: Write) -> None:
        first = self.journal.get(write.id)
        if first is None and write.id in self._expected:
            first = self.journal[write.id] = self._expected[write.id]
        if first is None:
            self.violate("INV-7", "a row that never began is sent again", write.id[:6])
        elif first.fields != write.fields or first.partner_id != write.partner_id:
            self.violate("INV-10", "sent again, but not verbatim", write.id[:6])

    def finished(self, write: Write) -> None:
        if write.id in self.closed and self.closed[write.id] != write:
            self.violate("INV-7", "a finished row changed", write.id[:6])
        self.closed[write.id] = write
        lane = (write.link_key, write.side)
        if self._open.get(lane) == write.id:
            del self._open[lane]
        landed = self.landed.get(write.id)
        refused = write.state in (WriteState.REFUSED, WriteState.ABSENT)
        if landed is not None and refused:
            self.violate("INV-7", "a row says", str(write.state), "though it landed", write.id[:6])
        if write.state is WriteState.DONE and landed is None and not self.stood_there(write):
            self.violate("INV-7", "a row says done though nothing landed", write.id[:6])

    def stood_there(self, write: Write) -> bool:
        """Whether a person had made what an unanswered creation was to make, or a write of ours that is lost
        with a restore nobody told of; nobody can tell them apart."""
        others = self.servers[write.side].records.values()
        return write.kind is WriteKind.CREATE and any(
            one.partner_id == write.partner_id and (not one.by_engine or one.made_by in self.adrift)
            for one in others
        )

    def _announced(self, server: Server, write_id: str, kind: str) -> Write | None:
        write = self.journal.get(write_id)
        if write is None:
            self.violate("INV-7", kind, write_id[:6], "reached", server.name, "before its row was committed")
        return write

    def _landing(self, server: Server, landing: Landing) -> None:
        before = self.closed.get(landing.write_id)
        if before is not None and before.state in (WriteState.REFUSED, WriteState.ABSENT):
            self.violate(
                "INV-10", "a row closed as", str(before.state), "landed after all", landing.write_id[:6]
            )
        self.landings.append(landing)
        self.landed[landing.write_id] = landing

    # --- updates (INV-1, 2, 4, 5, 6, 11) ----------------------------------------------------------------

    def updating(self, server: Server, record: Record, update: Update) -> None:
        """Judges an update at the moment before it is applied."""
        write = self._announced(server, update.write_id, "an update")
        self._guarded(server, record, update)
        blind = []
        for key, value in update.values.items():
            present = record.values.get(key)
            if not self._may_send(server, record, key):
                self.violate("INV-5", key, "is not ours to update in", server.name)
            if write is not None and (key not in write.fields or write.fields[key].after != value):
                self.violate("INV-7", "the row does not show what was sent:", key)
            if write is not None and key in write.fields:
                self._was_read(server, record, update, key, write.fields[key].before)
            if present != _read_of(update, key, write):
                blind.append(key)
                if update.guard and key in server.capabilities.guarded and self._exact(server):
                    self.violate("INV-1", key, "replaced unread in", server.name, present, "by", value)
            elif present != value:
                self._first_meeting(server, record, key, value)
            self._origin(server, record, key, value)
            if server.side is Side.PARTNER_CENTER and key in ONE_WAY:
                self._wanted(record, key, value, write)
        if server.side is Side.PARTNER_CENTER and "state" in update.values:
            self._step_taken(record, server, accepted=update.values["state"] is State.ACTIVE)
        self._landing(
            server,
            Landing(
                self.loop.now,
                update.write_id,
                server.side,
                record.id,
                dict(update.values),
                tuple(blind),
            ),
        )

    def _step_taken(self, record: Record, server: Server, *, accepted: bool) -> None:
        self.seen.happened("accepted by the seller" if accepted else "closed by the seller")
        source = self.other_half(record, server)
        if accepted and source is not None and source.origin is not None:
            self.seen.happened("conversion accepted")
        elif source is not None and source.kind is RecordKind.LEAD:
            self.seen.happened("lead declined")

    def _guarded(self, server: Server, record: Record, update: Update) -> None:
        """A precondition is left out only where there is none, or where a moody one refused three times."""
        wanted = server.capabilities.precondition != "none"
        moody = server.capabilities.precondition == "moody" and record.moods >= MOODY_AFTER
        if wanted and not update.guard and not moody:
            self.violate("INV-1", "written without a precondition in", server.name, update.record_id)

    @staticmethod
    def _exact(server: Server) -> bool:
        return server.capabilities.precondition != "none"

    def _may_send(self, server: Server, record: Record, key: str) -> bool:
        """The system takes it, and the mapping or a person says that it goes there."""
        rule, source = self.rules.get(key), self.other_half(record, server)
        if rule is None or key not in server.capabilities.updatable:
            return False
        answered = source is not None and self._answered(record, source, key)
        return travels(rule.update, server.side) or answered

    def _was_read(self, server: Server, record: Record, update: Update, key: str, before: Value) -> None:
        """The journal's before is what the author read, and it did stand there once."""
        if before != update.seen.values.get(key) and key not in update.seen.unread:
            self.violate("INV-1", "the row's before of", key, "is not what was read")
        if before is not None and all(one.value != before for one in record.history.get(key, ())):
            self.violate("INV-1", "the row's before of", key, "never stood in", server.name, before)

    def other_half(self, record: Record, server: Server) -> Record | None:
        """The record on the other side that this one belongs to, as either of them says."""
        others = self.servers[server.side.other].records
        found = others.get(record.partner_id or "")
        if found is None:
            mine = (record.id, record.origin or record.id)
            found = next((one for one in others.values() if one.partner_id in mine), None)
        # What a lead had to do with it, its opportunity has from now on.
        return found if found is None or found.became is None else others[found.became]

    def _origin(self, server: Server, record: Record, key: str, value: Value) -> None:
        """No value is invented, and no server's echo passes for an edit (INV-2, INV-4)."""
        source = self.other_half(record, server)
        if source is None or FIELDS[key].kind in (Kind.STATE, Kind.FLAG):
            return
        theirs = source.history.get(key, ())
        if FIELDS[key].kind.is_list:
            self._list_origin(server, record, theirs, key, value)
        elif all(one.value != value for one in theirs):
            self.violate("INV-2", key, "invented for", server.name, value)
        elif key in UNIQUE and value is not None:
            if all(one.by == "engine" for one in theirs if one.value == value) and not self._answered(
                record, source, key
            ):
                self.violate("INV-4", key, "echoed to", server.name, value)
            self._replayed(server, record, source, key, value)

    def _list_origin(
        self, server: Server, record: Record, theirs: Iterable[Touch], key: str, value: Value
    ) -> None:
        known = {item for touch in theirs for item in _items(touch.value)}
        known |= {item for touch in record.history.get(key, ()) for item in _items(touch.value)}
        for item in _items(value):
            if item not in known:
                self.violate("INV-2", key, "entry invented for", server.name, item)

    def _replayed(self, server: Server, record: Record, source: Record, key: str, value: Value) -> None:
        """A value that already arrived here may not come again over a newer edit."""
        ours = record.history.get(key, ())
        arrived = next((one for one in ours if one.value == value), None)
        if arrived is None or record.values.get(key) == value or self._answered(record, source, key):
            return
        filled = record.values.get(key) is None and not any(
            one.by == "engine" for one in (*ours, *self._touches(source, key))
        )
        if filled and not (record.by_engine or source.by_engine):
            return  # two records that meet for the first time: the empty side takes the other's value
        if record.origin is not None and record.values.get(key) is None and not record.by_engine:
            return  # nobody can tell what a person emptied from what converting the lead left empty
        edited_since = any(one.by != "engine" and one.at > arrived.at for one in ours)
        meant_again = any(
            one.by != "engine" and one.at > arrived.at and one.value == value
            for one in source.history.get(key, ())
        )
        if edited_since and not meant_again:
            self.violate(
                "INV-2", "an edit of", key, "in", server.name, "is overwritten by an old value", value
            )

    @staticmethod
    def _touches(record: Record, key: str) -> list[Touch]:
        return record.history.get(key, [])

    def _answered(self, record: Record, source: Record, key: str) -> bool:
        return (record.id, key) in self.resolved or (source.id, key) in self.resolved

    def _first_meeting(self, server: Server, record: Record, key: str, value: Value) -> None:
        """Two values that were never seen equal are a person's to choose between (INV-11)."""
        source = self.other_half(record, server)
        present = record.values.get(key)
        rule = self.rules[key]
        if source is None or present is None or key not in UNIQUE or source.by_engine or record.by_engine:
            return
        if rule.first not in (First.FILL, First.ASK) or self._answered(record, source, key):
            return
        if not self._met(server, record, source, key):
            self.violate("INV-11", key, "overwritten at the first meeting in", server.name, present)

    def _met(self, server: Server, record: Record, source: Record, key: str) -> bool:
        """Whether both ever held the same, as either of them would store it."""
        other = self.servers[server.side.other]
        ours = {one.value for one in record.history.get(key, ())}
        theirs = {one.value for one in source.history.get(key, ())}
        return any(server.keep(key, one) in ours for one in theirs) or any(
            other.keep(key, one) in theirs for one in ours
        )

    # --- one-way steps (INV-6, 12) -----------------------------------------------------------------------

    def _wanted(self, record: Record, key: str, value: Value, write: Write | None) -> None:
        source = self.other_half(record, self.servers[Side.PARTNER_CENTER])
        if write is not None and key not in write.consents:
            self.violate("INV-6", key, "sent without a recorded consent")
        if source is None:
            return
        touches = [one for one in source.history.get(key, ()) if one.by == "person"]
        if key == "visible" and source.values.get("help") is not None:
            return
        if not (record.by_engine or source.by_engine or source.grown):  # a first meeting is nobody's wish
            lead = self.servers[Side.CRM].records.get(source.origin or "")
            halves = [one for one in (record, source, lead) if one is not None]
            named = [one.partner_since for one in halves if one.partner_id or one.partner_since]
            met = max(record.born, source.born, min(named, default=0.0))
            allowed = self._answered(record, source, key) or self._was_to_be_made(source, key)
            touches = [one for one in touches if one.at > met or allowed]
        if not any(self._means(key, one.value, value) for one in touches):
            self.violate("INV-6", key, "taken though no person wanted it:", value)
            return
        latest = source.history[key][-1]
        if not self._means(key, latest.value, value) and self.loop.now - latest.at > IN_FLIGHT:
            self.violate("INV-6", key, "taken though the wish was withdrawn:", value)

    def _was_to_be_made(self, source: Record, key: str) -> bool:
        """Whether the deal was on its way with this very wish when its other half turned out to exist."""
        return any(
            row.kind is WriteKind.CREATE and row.partner_id == source.id and key in row.consents
            for row in self.journal.values()
        )

    @staticmethod
    def _means(key: str, wish: Value, step: Value) -> bool:
        """Whether a person who set `wish` wanted `step`."""
        if key != "state":
            return bool(wish) is bool(step) if key == "visible" else wish == step
        if step is State.ACTIVE:
            return wish in (State.ACTIVE, State.WON)
        return isinstance(step, State) and lifecycle.in_crm_words(step) is wish

    def inviting(self, server: Server, record: Record, invitation: Invitation) -> None:
        write = self._announced(server, invitation.write_id, "an invitation")
        if record.microsoft_id is not None:
            self.violate("INV-12", "Microsoft is asked twice about", record.id)
        self._wanted(record, "help", invitation.help, write)
        self._landing(
            server,
            Landing(
                self.loop.now,
                invitation.write_id,
                server.side,
                record.id,
                {"help": invitation.help},
                kind="invite",
            ),
        )

    # --- creations (INV-3, 10, 15) -----------------------------------------------------------------------

    def source_of(self, server: Server, creation: Creation) -> Record | None:
        """The record on the other side a creation is made from."""
        return self.servers[server.side.other].find_record(creation.partner_id)

    def creating(self, server: Server, creation: Creation, source: Record | None) -> None:
        self._announced(server, creation.write_id, "a creation")
        if source is None:
            self.violate("INV-2", "a record is made for an id nobody has", creation.partner_id)
            return
        for key in creation.values:
            rule = self.rules.get(key)
            able = server.capabilities
            is_lead = creation.kind is RecordKind.LEAD
            if key not in (able.leads if is_lead else able.creatable) or rule is None:
                self.violate("INV-5", key, "is not ours to create in", server.name)
            elif not travels(rule.create, server.side) and creation.values[key] is not None:
                self.violate("INV-5", key, "does not travel to", server.name)
            if not FIELDS[key].kind.is_list and FIELDS[key].kind not in (Kind.STATE, Kind.FLAG):
                self._creation_value(server, source, key, creation.values[key])
        self._no_twin(server, creation, source)
        if server.side is Side.PARTNER_CENTER and not source.enrolled:
            toggled = self.loop.now - source.changed > IN_FLIGHT
            if toggled:
                self.violate("INV-6", "shared though Sync with Partner Center is off", source.id)
        self._landing(
            server,
            Landing(self.loop.now, creation.write_id, server.side, "", creation.values, kind="create"),
        )

    def _creation_value(self, server: Server, source: Record, key: str, value: Value) -> None:
        theirs = source.history.get(key, ())
        if value is not None and value is not False and all(one.value != value for one in theirs):
            self.violate("INV-2", key, "invented for a new record in", server.name, value)

    def _no_twin(self, server: Server, creation: Creation, source: Record) -> None:
        if source.by_engine:
            self.violate("INV-3", "our own", source.id, "is introduced back to", server.name)
        of_lead = [one for one in server.records.values() if one.partner_id == source.origin is not None]
        if any(not _terminal(one) for one in of_lead):
            self.violate("INV-3", source.id, "comes of a lead that has its referral, and is introduced")
        carries = source.partner_id
        settled = self.loop.now - source.partner_since > IN_FLIGHT
        if carries is not None and settled and carries in server.records:
            self.violate("INV-3", source.id, "carries", carries, "and is introduced all the same")
        for one in server.records.values():
            recent = self.loop.now - one.partner_since <= IN_FLIGHT and not one.by_engine
            copy = one.deleted and (one.made_by == creation.write_id or not (one.shown or one.by_engine))
            unseen = creation.write_id in self.adrift or (
                one.made_by in self.adrift and self.loop.now - one.partner_since <= IN_FLIGHT
            )
            if one.partner_id != creation.partner_id or recent or copy:
                continue
            if unseen:
                self.unseen_twins.add(creation.write_id)
            else:
                says = "deleted by a person, is made again" if one.deleted else "exists and is made again"
                self.violate("INV-15" if one.deleted else "INV-3", "the half of", source.id, says)

    def created(self, server: Server, creation: Creation, record: Record) -> None:
        """After a creation was applied."""
        earlier = self._creations.get((server.side, creation.partner_id))
        if (
            earlier is not None
            and earlier.write_id == creation.write_id
            and (earlier.values, earlier.account_id) != (creation.values, creation.account_id)
        ):
            self.violate("INV-10", "an unresolved creation was planned anew", creation.write_id[:6])
        self._creations[(server.side, creation.partner_id)] = creation

    # --- what servers refuse -----------------------------------------------------------------------------

    def refused(self, server: Server, record: Record, update: Update, why: str) -> None:
        """A refusal is the engine's fault only where its own read already forbade the request."""
        state = update.seen.values.get("state")
        if server.side is Side.PARTNER_CENTER and isinstance(state, State) and state.terminal:
            self.violate("INV-6", "an edit was sent to a closed referral", why)
        if "withdrawn" in why or "no step" in why:
            self.violate("INV-6", "an impossible step was sent:", why)
        if "empty" in why or "above zero" in why or "required" in why:
            self.violate("INV-5", "a value was sent that may not be:", why)

    def refused_creation(self, server: Server, creation: Creation, why: str) -> None:
        self.violate("INV-5", "an incomplete deal was sent to", server.name, why)


def _read_of(update: Update, key: str, write: Write | None) -> Value:
    """What its author had read there; a verbatim copy may rest on a read from before the loss."""
    if key in update.seen.unread and write is not None and key in write.fields:
        return write.fields[key].before
    return update.seen.values.get(key)


def _terminal(record: Record) -> bool:
    state = record.values.get("state")
    return isinstance(state, State) and state.terminal


def _items(value: Value) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()
