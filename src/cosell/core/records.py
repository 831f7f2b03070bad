"""The nouns: what was read (Snapshot), what was agreed (Link), what was attempted (Write)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from cosell.core.values import Value

Values = Mapping[str, Value]
"""Normal forms by field key. A key that is missing was not read or does not exist on that side."""


class Side(StrEnum):
    """One of the two systems a link joins."""

    PARTNER_CENTER = "partner_center"
    CRM = "crm"

    @property
    def other(self) -> Side:
        return Side.CRM if self is Side.PARTNER_CENTER else Side.PARTNER_CENTER


class RecordKind(StrEnum):
    """What kind of record one half of a link is."""

    OPPORTUNITY = "opportunity"
    """CRM: an opportunity. Partner Center: a deal."""
    LEAD = "lead"
    """CRM: a lead. Partner Center: a lead by the table of partner-center-api.md 3.6."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One side's record as read at one moment, in normal forms."""

    side: Side
    id: str
    values: Values
    kind: RecordKind = RecordKind.OPPORTUNITY
    became: str | None = None
    """CRM: the id of the opportunity this lead was converted into. A converted lead's state is active."""
    origin: str | None = None
    """CRM: the id of the lead this opportunity was converted from, told as long as it names no referral."""
    version: str | None = None
    """The concurrency token; None where the read did not bring one."""
    firm: bool = True
    """False while a later change could still hide behind the same version (whole-second versions)."""
    lasting: bool = True
    """False where a write needs what only a read tells, so that no memory of this one is good enough."""
    complete: bool = True
    """False where only a part was read, as a list page brings one referral of an engagement."""
    unread: frozenset[str] = frozenset()
    """What the settings name and this read could not bring: a field, or a part as `contacts.phone`.

    An absence in a complete read says that a side has no such field. Whether one of these was ever there,
    and is only out of sight, the engine remembers (core/drift).
    """
    partner_id: str | None = None
    """The other half's id, as this record carries it."""
    enrolled: bool = True
    """CRM: Sync with Partner Center is on. Partner Center: this is a deal of ours, not a lead."""
    stamp: str | None = None
    """The id of our last write to this record, where the system can keep it."""
    touched_by: str | None = None
    """Who changed the record last, in the system's own words."""
    touched_by_us: bool | None = None
    """Whether that was our own user; None where the system does not tell."""
    changed_at: datetime | None = None
    """The system's own time of the last change."""
    engagement_id: str | None = None
    microsoft_id: str | None = None
    """Partner Center: the id of Microsoft's own referral in the same engagement."""
    duns: str | None = None
    """Partner Center: the customer's DUNS number (M-26)."""
    mark: str | None = None
    """CRM: the sign standing before the name, "ok", "failed" or None."""
    audit: str | None = None
    """CRM: the Audit text as it stands, read so that words of others are kept."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the system's own adapter wants to find again when it writes; opaque to everybody else."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What each side said about one field when they last agreed."""

    partner_center: Value
    crm: Value

    def of(self, side: Side) -> Value:
        return self.partner_center if side is Side.PARTNER_CENTER else self.crm

    def with_side(self, side: Side, value: Value) -> Pair:
        if side is Side.PARTNER_CENTER:
            return replace(self, partner_center=value)
        return replace(self, crm=value)


@dataclass(frozen=True, slots=True)
class Hold:
    """A field that waits for a person, and why."""

    reason: str
    since: float
    partner_center: Value = None
    crm: Value = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's act on the record that allows one one-way step to one value (INV-6)."""

    value: Value
    who: str
    when: str
    act: str
    """The act in words: which field went from what to what."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person's answer to a hold, good only for the values that person saw."""

    take: Side
    partner_center: Value
    crm: Value
    who: str
    when: float


class LinkState(StrEnum):
    """What the link as a whole is doing."""

    NEW = "new"
    """One half is known; the other is not introduced yet."""
    LINKED = "linked"
    HELD = "held"
    """Waits for a person or for missing data; `reason` says which."""
    PAUSED = "paused"
    """Sync with Partner Center was switched off on the opportunity."""
    IGNORED = "ignored"
    """Not ours to carry: a lead, a closed deal never linked, a record of somebody else."""
    GONE = "gone"
    """One half is deleted or out of sight; the other is left alone (INV-15)."""


@dataclass(frozen=True, slots=True)
class Link:
    """A referral and an opportunity kept in step, with all that is remembered about them."""

    key: str
    partner_center_id: str | None = None
    crm_id: str | None = None
    engagement_id: str | None = None
    microsoft_id: str | None = None
    state: LinkState = LinkState.NEW
    reason: str = ""
    """A reason code from core/reasons for the state, empty when all is well."""
    detail: str = ""
    base: Mapping[str, Pair] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    consents: Mapping[str, Consent] = field(default_factory=dict)
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)
    partner_center_version: str | None = None
    crm_version: str | None = None
    trail: tuple[str, ...] = ()
    """The lines shown in the Audit field, newest first."""
    trail_written: bool = True
    """False while lines wait to be written to the CRM."""
    mark: str | None = None
    """The sign last written before the opportunity's name."""
    failures: int = 0
    """Attempts in a row that ended in a Retryable error."""
    stale: int = 0
    """Preconditions refused in a row."""
    synced_at: float | None = None
    changed_at: float | None = None
    revision: int = 0
    """Grows with each save; a save of an older revision is refused (INV-8)."""

    def id_of(self, side: Side) -> str | None:
        return self.partner_center_id if side is Side.PARTNER_CENTER else self.crm_id

    def version_of(self, side: Side) -> str | None:
        return self.partner_center_version if side is Side.PARTNER_CENTER else self.crm_version


class WriteKind(StrEnum):
    """What a journal row is about."""

    CREATE = "create"
    UPDATE = "update"
    INVITE = "invite"
    """The second referral of a co-sell deal, addressed to Microsoft: an act that cannot be repeated."""
    DECISION = "decision"
    """Nothing was sent: a person or the product decided something worth keeping."""


class WriteState(StrEnum):
    """What became of a journal row. Finished rows never change (INV-7)."""

    OPEN = "open"
    """Committed before the request left; no answer known yet."""
    DONE = "done"
    REFUSED = "refused"
    """The other side said no; surely not applied."""
    ABSENT = "absent"
    """Never arrived, and can no longer arrive."""
    UNKNOWN = "unknown"
    """It can no longer arrive; whether it ever did cannot be told."""


@dataclass(frozen=True, slots=True)
class FieldWrite:
    """One field of a write: what it replaces, what it sets, and the source side's value behind it."""

    before: Value
    after: Value
    source: Value
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """An intended or finished change to one record: journal row and audit row in one (INV-7)."""

    id: str
    link_key: str
    side: Side
    kind: WriteKind
    record_id: str | None
    """The record written to; None for a create."""
    partner_id: str | None
    """The counterpart's id the record carries or is to carry."""
    fields: Mapping[str, FieldWrite] = field(default_factory=dict)
    expected_version: str | None = None
    """The precondition sent; None where the write was sent without one."""
    cause: str = ""
    consents: Mapping[str, Consent] = field(default_factory=dict)
    note: str = ""
    """Marks, audit lines or a decision in words; nothing personal."""
    created_at: float = 0.0
    sent_at: float = 0.0
    """When it was last sent."""
    attempt: int = 1
    state: WriteState = WriteState.OPEN
    finished_at: float | None = None
    outcome: str = ""
