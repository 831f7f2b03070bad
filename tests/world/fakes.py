"""Two remote systems as the port shows them: what they keep, what they refuse, what they tell.

A server here outlives every process and every connection. It checks the ledger's rules at the very moment
a write is applied, because that is the only moment at which a blind overwrite can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cosell.core.errors import CosellError, Gone, Rejected, Stale
from cosell.core.matching import Account
from cosell.core.records import RecordKind, Side, Snapshot
from cosell.core.values import Unreadable, Value
from cosell.ports import Capabilities, Changes, Creation, Invitation, Update

from .loop import VirtualLoop
from .sometimes import Sometimes
from .story import Story

if TYPE_CHECKING:
    from .faults import Faults
    from .ledger import Ledger


@dataclass(slots=True)
class Touch:
    """One value a field had, since when, and who put it there."""

    at: float
    by: str
    """person, engine or server."""
    value: Value
    write_id: str = ""


@dataclass(slots=True, eq=False)
class Record:
    """One deal in one system."""

    id: str
    deal: int
    values: dict[str, Value]
    born: float
    kind: RecordKind = RecordKind.OPPORTUNITY
    became: str | None = None
    """The opportunity this lead was converted into."""
    origin: str | None = None
    """The lead this opportunity was converted from."""
    grown: bool = False
    """It was converted from a lead that the connector had made."""
    unlisted: bool = False
    """No list shows it: it comes by events alone (LIM-14)."""
    by_engine: bool = False
    shown: bool = False
    """Whether the connector ever saw it."""
    made_by: str = ""
    """The connector's write that made it."""
    revision: int = 1
    changed: float = 0.0
    """When its version moved last."""
    fed: float = 0.0
    """The time stamp a poll sees; children move it too."""
    partner_id: str | None = None
    partner_since: float = 0.0
    enrolled: bool = True
    stamp: str | None = None
    ours: bool = False
    """Whether the last change was the connector's."""
    engagement_id: str | None = None
    microsoft_id: str | None = None
    microsoft_fed: float = 0.0
    invitations: int = 0
    mark: str | None = None
    audit: str | None = None
    deleted: bool = False
    poisoned: bool = False
    locked_until: float = 0.0
    moods: int = 0
    """Times its present version was refused for no reason."""
    history: dict[str, list[Touch]] = field(default_factory=dict)

    def put(self, key: str, value: Value, at: float, by: str, write_id: str = "") -> None:
        self.values[key] = value
        self.history.setdefault(key, []).append(Touch(at, by, value, write_id))


class Server:
    """What both systems have in common."""

    side: Side
    name: str
    overlap = 60.0
    page = 3

    def __init__(
        self,
        capabilities: Capabilities,
        ledger: Ledger,
        loop: VirtualLoop,
        story: Story,
        seen: Sometimes,
    ) -> None:
        self.capabilities, self.ledger = capabilities, ledger
        self.loop, self.story, self.seen = loop, story, seen
        self.records: dict[str, Record] = {}
        self.down_until = 0.0
        self.signed_out_until = 0.0
        self.made = 0
        self.push: Callable[[str], None] = lambda _: None
        self.lost: dict[str, str] = {}
        """What an administrator did to fields: they are gone, or locked against the connector."""
        self._keys = sorted(capabilities.readable)

    # --- what people and processes read ----------------------------------------------------------

    def version(self, record: Record) -> str | None:
        """The concurrency token as this system gives it."""
        match self.capabilities.precondition:
            case "none":
                return None
            case "second":
                return str(int(record.changed))
            case _:
                return str(record.revision)

    def firm(self, record: Record) -> bool:
        if self.capabilities.precondition != "second":
            return True
        return self.loop.now >= int(record.changed) + 1

    def find_record(self, record_id: str) -> Record | None:
        return self.records.get(record_id)

    def read(self, record_id: str) -> Snapshot | CosellError:
        record = self.find_record(record_id)
        if record is None or record.deleted:
            return Gone(f"{record_id} is not there")
        return self.snapshot(record)

    def snapshot(self, record: Record) -> Snapshot:
        raise NotImplementedError

    def partial(self, record: Record, since: float) -> Snapshot:
        """What a list page shows of a record: not all of it, but whatever changed since."""
        raise NotImplementedError

    def search(self, partner_id: str) -> list[Snapshot]:
        """All records that carry the id, except those the index has not seen yet."""
        horizon = self.loop.now - self.capabilities.index_lag
        found = [one for one in self.alive() if one.partner_id == partner_id]
        ready = [one for one in found if max(one.born, one.partner_since) <= horizon]
        if len(ready) < len(found):
            self.seen.happened("index lag")
        return [self.snapshot(one) for one in ready]

    def alive(self) -> Iterable[Record]:
        return (one for one in self.records.values() if not one.deleted)

    def forgets(self, faults: Faults) -> bool:
        """Whether the place a feed is asked to go on from is not known any more."""
        return False

    def feed(self, cursor: str | None, *, skip: bool, repeat: bool) -> Changes:
        """One page of what changed; a finished round moves the mark, and the next looks back a little."""
        since, last, began = _cursor(cursor)
        began = began if last else self.loop.now
        floor = since - self.overlap
        entries = sorted(self._entries(floor), key=lambda one: (one[0], one[1]))
        # A record that changes meanwhile moves to the end; none is passed over by that.
        offset = sum((fed, record_id) <= last for fed, record_id, _ in entries) if last else 0
        page = entries[max(0, offset - 1) if repeat else offset : offset + self.page]
        if repeat and offset:
            self.seen.happened("page repeated")
        if skip and page:
            self.seen.happened("page skipped")
            page = page[:-1]
        more = offset + self.page < len(entries)
        end = entries[offset + self.page - 1][:2] if more else ()
        following = f"{since}:{began}:{end[0]}:{end[1]}" if end else f"{began}:0"
        shown = {snapshot.id: snapshot for _, _, snapshot in page if snapshot is not None}
        gone = tuple(record_id for _, record_id, snapshot in page if snapshot is None)
        return Changes(tuple(shown.values()), gone, following, more)

    def _entries(self, floor: float) -> Iterable[tuple[float, str, Snapshot | None]]:
        for record in self.records.values():
            if record.fed > floor and not record.unlisted:
                yield record.fed, record.id, None if record.deleted else self.partial(record, floor)

    # --- what people do --------------------------------------------------------------------------

    def edit(
        self, record: Record, values: Mapping[str, Value], *, by: str = "person", at: float = -1.0
    ) -> None:
        """A change by somebody who is not the connector; `at` is an earlier stamp of a slow transaction."""
        stamped = self.loop.now if at < 0 else at
        values = {key: one for key, one in values.items() if self.lost.get(key) != "gone"}
        for key, value in values.items():
            record.put(key, self.keep(key, value), self.loop.now, by)
        if self.capabilities.guarded.intersection(values):
            self._move(record, stamped, ours=False)
        record.fed = max(record.fed, stamped)
        self.announce(record)

    def touch(self, record: Record, *, ours: bool = False) -> None:
        """A change beside the fields: enrolment, ids, marks."""
        self._move(record, self.loop.now, ours=ours)
        record.fed = self.loop.now
        self.announce(record)

    def remove(self, record: Record) -> None:
        record.deleted = True
        record.fed = self.loop.now
        self.announce(record)

    def _move(self, record: Record, at: float, *, ours: bool) -> None:
        record.revision += 1
        record.moods = 0
        record.changed = max(record.changed, at)
        record.ours = ours

    def announce(self, record: Record) -> None:
        """Tells those who subscribed to changes."""
        self.push(record.id)

    def keep(self, key: str, value: Value) -> Value:
        """What this system stores when it is sent `value`."""
        return value

    # --- what the connector does -----------------------------------------------------------------

    def update(self, update: Update, *, moody: bool) -> Snapshot | CosellError:
        record = self.find_record(update.record_id)
        if record is None or record.deleted:
            return Gone(f"{update.record_id} is not there")
        error = self._stale(record, update, moody=moody) or self._rejected(record, update)
        if error is not None:
            return error
        self.ledger.updating(self, record, update)
        for key, value in update.values.items():
            stored = self.keep(key, value)
            if stored != value:
                self.seen.happened("normalised")
            record.put(key, stored, self.loop.now, "engine", update.write_id)
        self._mark(record, update)
        if self.capabilities.stamp:
            record.stamp = update.write_id
        self.touch(record, ours=True)
        return self.snapshot(record)

    def _stale(self, record: Record, update: Update, *, moody: bool) -> Stale | None:
        if not update.guard or self.capabilities.precondition == "none":
            return None
        if update.seen.version != self.version(record):
            self.seen.happened("stale")
            if not record.ours and self.loop.now - record.changed < 5.0:
                self.seen.happened("edit in the gap")
            return Stale("the record changed since it was read")
        if moody:
            self.seen.happened("moody stale")
            record.moods += 1
            return Stale("a precondition failed, nobody knows why")
        return None

    def _rejected(self, record: Record, update: Update) -> Rejected | None:
        if record.poisoned:
            self.seen.happened("rejected")
            return Rejected("a rule of this organisation refuses the record", fields=tuple(update.values))
        unreadable = tuple(key for key, one in update.values.items() if isinstance(one, Unreadable))
        if unreadable:
            self.ledger.violate("INV-5", "a value nobody can read was sent:", unreadable)
            return Rejected("this cannot be read", fields=unreadable)
        refused = self.refuses(record, update.values)
        if refused:
            self.ledger.refused(self, record, update, refused)
            return Rejected(refused, fields=tuple(update.values))
        return None

    def _mark(self, record: Record, update: Update) -> None:
        if update.external_id and update.external_id != record.partner_id:
            # A referral that goes on from a lead to its opportunity has known its deal since then.
            since = record.partner_since if record.partner_id else self.loop.now
            record.partner_id, record.partner_since = update.external_id, since

    def refuses(self, record: Record, values: Mapping[str, Value]) -> str:
        """Why these values cannot be stored, or nothing."""
        return ""

    def accounts(self, values: Mapping[str, Value]) -> list[Account]:
        """The accounts that may be the customer of a deal with these values."""
        return []

    def create(self, creation: Creation) -> Snapshot | CosellError:
        raise NotImplementedError

    def invite(self, invitation: Invitation) -> Snapshot | CosellError:
        return Rejected("there is nobody to invite here")


def _cursor(cursor: str | None) -> tuple[float, tuple[float, str] | None, float]:
    """Since when, after which entry, and when the round began."""
    if cursor is None:
        return -1.0, None, 0.0
    since, began, *last = cursor.split(":")
    return float(since), (float(last[0]), last[1]) if last else None, float(began)
