"""What the engine needs from the world, and nothing about how it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from cosell.core.catalogue import KnownSolution, Shelf
from cosell.core.errors import CosellError, Unavailable
from cosell.core.matching import Account
from cosell.core.reasons import Who as Who
from cosell.core.records import Link, LinkState, RecordKind, Side, Snapshot, Values, Write

# --- systems ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a system can do. The engine branches on these, never on a system's name."""

    create: Literal["by_key", "findable", "blind"]
    """by_key: a second create with the same key is refused. findable: it can be searched for afterwards."""
    precondition: Literal["version", "second", "moody", "none"]
    """version: exact. second: whole seconds. moody: exact, but may refuse without a reason."""
    stamp: bool
    """The record keeps the id of our last write, set in the same request as the values."""
    touched_by: bool
    """A snapshot tells whether we or somebody else changed the record last."""
    readable: frozenset[str]
    creatable: frozenset[str]
    updatable: frozenset[str]
    guarded: frozenset[str]
    """Fields whose every change moves the version; only these may be written on a remembered read."""
    leads: frozenset[str] = frozenset()
    """Fields a lead of its own can be created with; empty where it keeps no leads.

    Those that are `updatable` too can be changed on a lead; `state` is among them only where a status of
    leads means that nobody pursues one. A lead is never made an opportunity by us.
    """
    accounts: bool = False
    """Customers are records of their own, which `accounts` finds and a creation can name."""
    acts: frozenset[str] = frozenset()
    """Fields written by an act of their own that cannot be repeated (`System.invite`)."""
    read_size: int = 1
    """Records one `get_many` reads well."""
    write_size: int = 1
    """Updates one `update_many` carries well."""
    index_lag: float = 0.0
    """Seconds after which `find` surely sees a new record."""
    patience: float = 60.0
    """Seconds after which an unanswered request can no longer be applied, the timeout included."""
    details: frozenset[str] = frozenset()
    """Parts of fields in use that can be lost by themselves (core/drift): `contacts.phone`, `state=won`."""
    lacks: Mapping[str, Lack] = field(default_factory=dict)
    """What the settings name and the system does not let us use, by part. Whether it ever did, and a rule is
    paused now, the engine remembers."""
    asked: bool = True
    """False while all this is only assumed, since the system was not asked yet."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a CRM record shows its seller about the sync; rides in the same request as the values."""

    trail: tuple[str, ...] | None = None
    """The lines of the Audit field, newest first; None leaves the field alone."""
    mark: Literal["ok", "failed"] | None = None
    """The sign before the name; None leaves the name alone unless `name` is among the values."""
    referral_id: str | None = None
    """Set with its link where the opportunity does not carry it yet."""
    enroll: bool = False
    """Switch Sync with Partner Center on, for a deal that came from there."""


@dataclass(frozen=True, slots=True)
class Update:
    """One change to one existing record, sent as one request or one atomic part of one."""

    write_id: str
    record_id: str
    values: Values
    seen: Snapshot
    """The read it rests on: version, stored lists and the adapter's own facts."""
    guard: bool = True
    """Send the version as a precondition."""
    marks: Marks = Marks()
    external_id: str | None = None
    """Set as the counterpart's id on the record, where it does not carry it yet (`externalReferenceId`)."""


@dataclass(frozen=True, slots=True)
class Creation:
    """One new record that carries its counterpart's id from the start."""

    write_id: str
    partner_id: str
    values: Values
    marks: Marks = Marks()
    kind: RecordKind = RecordKind.OPPORTUNITY
    account_id: str | None = None
    """CRM: the account that is the customer; None makes a new one of the customer's values, a lead none."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """The act that asks Microsoft to join: the second referral of a deal (partner-center-api.md 2.3)."""

    write_id: str
    seen: Snapshot
    help: str
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one poll brought. An id appears once only.

    A snapshot may be an incomplete read, but shows everything of its record that changed since the
    cursor; the engine fills the rest from the base.
    """

    snapshots: tuple[Snapshot, ...]
    gone: tuple[str, ...]
    cursor: str
    """Where to go on; to be kept only after everything above is durable (INV-21)."""
    more: bool = False
    """There is more to fetch at once."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Something of a field that is not as the mapping needs it (J-9)."""

    place: str
    """By the system's own names: Opportunity.Referral_Program__c."""
    label: str
    """What people see: Referral Program."""
    says: str
    """What is the matter, to follow the place: "is missing, or hidden from the integration user"."""
    fix: str
    who: Who = Who.CRM_ADMIN


@dataclass(frozen=True, slots=True)
class Mend:
    """Something safe that the doctor may do about a finding when a person asks it to."""

    what: str
    """In the infinitive: "to assign the permission set Cosell Connector to the integration user"."""
    do: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was tested and found, what to do about it, and who can."""

    name: str
    ok: bool
    message: str
    advice: str = ""
    page: str = ""
    rows: tuple[str, ...] = ()
    """The prerequisites and troubles it proves or rules out, by their ids: PRE-12, TRB-3.6."""
    who: Who | None = None
    mend: Mend | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of the user's call quota is left, as far as the system says."""

    used: int | None = None
    limit: int | None = None


Read: TypeAlias = Snapshot | CosellError
Written: TypeAlias = Snapshot | CosellError


class System(Protocol):
    """One remote system in canonical values. Methods raise or answer CosellError and nothing else.

    A method that takes many answers for each; it raises only where the whole call failed. A system never
    retries on its own, except one token refresh after a 401 (reliability.md 11).
    """

    @property
    def name(self) -> str: ...

    @property
    def side(self) -> Side: ...

    @property
    def capabilities(self) -> Capabilities:
        """What the system can do; may become complete only with the first sign-in."""
        ...

    async def check(self, sample: Sequence[Snapshot] = ()) -> Sequence[Finding]:
        """Tests sign-in, rights and set-up; changes nothing."""
        ...

    async def get_many(self, ids: Sequence[str]) -> Mapping[str, Read]:
        """Reads each record fresh and complete; the key is the id asked for, the snapshot may name another.

        An id of Microsoft's referral answers with the snapshot of ours in the same engagement.
        """
        ...

    async def find(self, partner_id: str) -> Sequence[Snapshot]:
        """All records that carry `partner_id`, complete; several are twins (INV-3).

        A lead counts among them, converted or not; beside the opportunity it became it is no twin.
        """
        ...

    async def accounts(self, values: Values, duns: str | None) -> Sequence[Account]:
        """The accounts that may be the customer of a deal with these values, at most 200, in one call.

        Found by exact name, by DUNS number, by the domains of the contacts, and by the first word of the
        name in the same country; which one it is, core/matching decides. Partner Center has none.
        """
        ...

    async def create(self, creation: Creation) -> Snapshot:
        """Creates one record and answers what was stored. Uncertain where no answer came.

        Partner Center: `help` among the values only makes it a referral fit to be shared; Microsoft is
        asked by `invite`, so that half a success is resumed and never repeated.
        """
        ...

    async def update_many(self, updates: Sequence[Update]) -> Mapping[str, Written]:
        """Carries out each update on its own; the key is the write id, the snapshot what was stored."""
        ...

    async def invite(self, invitation: Invitation) -> Snapshot:
        """Carries out the act behind `capabilities.acts`; answers the record as it stands afterwards."""
        ...

    async def changes(self, cursor: str | None) -> Changes:
        """What changed since `cursor`; with None, everything open."""
        ...

    def budget(self) -> Budget:
        """The call quota as last seen."""
        ...

    async def aclose(self) -> None:
        """Lets go of connections."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A system that counts its own requests; not every one does."""

    @property
    def requests(self) -> int:
        """How many left since the start."""
        ...


@runtime_checkable
class Describing(Protocol):
    """A system whose fields people can change while we run; not every one is."""

    @property
    def names(self) -> str:
        """A sign of everything that the settings name there; equal names have an equal one, over restarts."""
        ...

    def rely(self) -> None:
        """Takes it for granted that what the settings name was there once, before its first use.

        What is missing at the first look is then lost, and stops its own rule alone; else it is a wrong
        setting, which stops the connection with its name (J-9).
        """
        ...

    async def describe(self, *, thorough: bool) -> None:
        """Asks anew what there is to read and write; `capabilities` tell it afterwards. One call or two.

        `thorough`: trusts no cache of the other side, so that a change of this very second is seen.
        """
        ...


@runtime_checkable
class Catalogue(Protocol):
    """What a system may keep besides: the solutions its users choose from (CUS-15)."""

    async def solutions(self) -> Shelf:
        """The whole catalogue. Misconfigured, in a sentence for an administrator, where it has none."""
        ...

    async def teach(self, solutions: Sequence[KnownSolution]) -> Mapping[str, CosellError | None]:
        """Adds each solution, or changes what stands there; the key is its id, None a success.

        Empty texts leave what is there. Repeating it changes nothing.
        """
        ...


# --- store -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Poke:
    """A wish to have a record looked at. Many pokes of one link collapse into one."""

    side: Side
    record_id: str
    cause: str
    """webhook, hint (of the CRM), poll, sweep, person, schema, retry: shown in the audit. For `person` and
    `schema` alone is tried again what an administrator of the other side may have mended."""
    engagement_id: str | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """One leased key with everything the reconcile needs from the store."""

    key: str
    generation: int
    fence: int
    causes: tuple[str, ...]
    sides: frozenset[Side]
    """Sides that signalled a change; empty where the cause is neither's."""
    link: Link
    open_writes: tuple[Write, ...]
    poked_at: float
    """Epoch seconds of the first poke; later than now where the clock was set back."""


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links to list."""

    states: tuple[LinkState, ...] = ()
    text: str = ""
    attention: bool = False
    limit: int = 100
    after: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A finished or open journal row with its place in the hash chain."""

    write: Write
    seq: int | None
    """Place in the chain; None while the row is open."""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The verdict on the audit chain."""

    rows: int
    head: str
    bad_seq: int | None = None
    bad_write: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """How much waits."""

    due: int = 0
    later: int = 0
    running: int = 0
    oldest_wait: float = 0.0
    links: Mapping[str, int] = field(default_factory=dict)
    open_writes: int = 0


class LeaseLost(Exception):
    """Another worker took this key, or the link moved: drop the work, it is looked at again (INV-8)."""


class UnknownWrite(Exception):
    """A record carries the stamp of a write of ours that the journal does not know: the database is older
    than the world (INV-24)."""


class Store(Protocol):
    """The seven tables in the domain's verbs. Every method is one transaction; None is half done.

    Methods that change a link or finish a key take the `Taken` they rest on and raise LeaseLost when its
    fence or the link's revision is no longer current. `now` is always the caller's clock, epoch seconds.
    """

    @property
    def trouble(self) -> Unavailable | None:
        """Why nothing could be written when it was last tried; None once something was written again."""
        ...

    async def poke(self, pokes: Sequence[Poke], now: float) -> None:
        """Makes durable that these records need a look; creates a link for an id nobody knows."""
        ...

    async def poke_keys(self, keys: Sequence[str], cause: str, now: float) -> None:
        """The same by link key."""
        ...

    async def advance(self, cursor_name: str, cursor: str, pokes: Sequence[Poke], now: float) -> None:
        """Pokes and moves the cursor in one transaction (INV-21)."""
        ...

    async def cursor(self, name: str) -> str | None: ...

    async def take(self, limit: int, owner: str, now: float, lease_for: float) -> Sequence[Taken]:
        """Leases up to `limit` due keys, urgent first, then longest waiting; expired leases are due again."""
        ...

    async def renew(self, taken: Sequence[Taken], now: float, lease_for: float) -> None:
        """Prolongs leases still held; lost ones are passed over in silence (they fail later)."""
        ...

    async def free_leases(self, gone: Callable[[str], bool]) -> int:
        """Makes the keys due at once whose owner is gone, as `gone` says; answers how many."""
        ...

    async def next_due(self, now: float) -> float | None:
        """Epoch seconds of the earliest key that is not due yet; None when nothing waits."""
        ...

    async def done(self, taken: Taken, now: float, not_before: float | None = None) -> None:
        """Releases a key. A poke that came meanwhile keeps it due at once; else `not_before` keeps it for
        later, and None lets it rest."""
        ...

    async def begin(
        self, taken: Taken, write: Write, link: Link | None = None, *, known: str | None = None
    ) -> Link:
        """Commits an intent before its request leaves, with the link as given; answers the saved link.

        `known`: the stamp of the read it rests on. UnknownWrite where no row has that id; nothing is begun.
        """
        ...

    async def known_writes(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that are rows of the journal."""
        ...

    async def distrust(self, decision: Write, setting: tuple[str, str], now: float) -> int:
        """Believes nothing of what it remembers: every link with a base is marked (core/careful), open rows
        end as unknown, leases end, every link is poked. Chains `decision`, keeps `setting`; all or nothing.

        Answers how many links are marked.
        """
        ...

    async def sent_again(self, taken: Taken, write: Write) -> None:
        """Notes that an open write is sent once more, verbatim (attempt and sent_at of `write`)."""
        ...

    async def finish(
        self, taken: Taken, writes: Sequence[Write], link: Link, *, known: str | None = None
    ) -> Link:
        """Completes journal rows, chains them, and moves the link, all or nothing; answers the saved link.

        A creation that is finished lets go of every lease its key holds. `known`: the stamp of the read that
        the verdict rests on, as in `begin`.
        """
        ...

    async def save(self, taken: Taken, link: Link) -> Link:
        """Moves the link by compare-and-swap on its revision."""
        ...

    async def join(self, taken: Taken, other_key: str) -> None:
        """Folds this freshly poked stub into the link `other_key`, which is poked instead."""
        ...

    async def links_of(self, side: Side, ids: Sequence[str]) -> Mapping[str, Link]:
        """Known links by record id; an id of Microsoft's referral finds the link of its engagement."""
        ...

    async def link_of_engagement(self, engagement_id: str) -> Link | None: ...

    async def link(self, key_or_id: str) -> Link | None:
        """A link by key, referral id or opportunity id."""
        ...

    async def links(self, which: LinkFilter) -> Sequence[Link]: ...

    async def decide(self, link: Link, decision: Write, now: float) -> Link:
        """Records a person's decision on a link outside any lease, chained, and pokes the link."""
        ...

    async def poke_all(self, cause: str, now: float) -> int:
        """Pokes every link that is neither ignored nor gone; answers how many."""
        ...

    async def journal(
        self, link_key: str | None, limit: int, before: int | None = None
    ) -> Sequence[AuditRow]:
        """Journal rows, newest first; open rows first of all."""
        ...

    async def verify(self) -> ChainReport:
        """Walks the hash chain from the first row on and names the first bad one (INV-7)."""
        ...

    async def hold_lease(self, name: str, owner: str, now: float, lease_for: float) -> bool:
        """Takes or renews a named lease; False while somebody else holds it."""
        ...

    async def release_lease(self, name: str, owner: str) -> None: ...

    async def setting(self, name: str) -> str | None: ...

    async def set_setting(self, name: str, value: str | None, who: str, now: float) -> None: ...

    async def amend(
        self, name: str, change: Callable[[str | None], str | None], who: str, now: float
    ) -> tuple[str | None, str | None]:
        """Changes a setting by what it says, in one transaction; answers what it said and what it says now.

        Several processes that count in one setting lose nothing of each other.
        """
        ...

    async def settings(self, prefix: str) -> Mapping[str, str]: ...

    async def secret(self, name: str) -> bytes | None: ...

    async def set_secret(self, name: str, sealed: bytes, now: float) -> None: ...

    async def load(self, now: float) -> Load: ...

    async def aclose(self) -> None: ...


# --- the rest of the world -------------------------------------------------------------------------


class Clock(Protocol):
    """Time, so that a test can own it."""

    def now(self) -> float:
        """Epoch seconds; for records and display."""
        ...

    def monotonic(self) -> float:
        """Seconds for measuring waits; never jumps."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Dice(Protocol):
    """Chance, so that a test can own it."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...

    def token(self) -> str:
        """A new id nobody else has."""
        ...


class Keyring(Protocol):
    """Secrets at rest, sealed with a key that is not in the database."""

    async def get(self, name: str) -> str | None: ...

    async def put(self, name: str, secret: str) -> None: ...


class Alerts(Protocol):
    """What a person should know: raised once, cleared once."""

    async def raise_(self, code: str, message: str, advice: str = "") -> None: ...

    async def clear(self, code: str) -> None: ...
