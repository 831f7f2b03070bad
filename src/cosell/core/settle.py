"""What became of a write that never got an answer, judged from a fresh read (INV-10).

Lost, landed, or still on its way: unknown stays unknown until the read proves one of them. A write is
absent only when its precondition can no longer hold; a system that keeps our stamp makes that certain.
One that does not can only be believed where a value equals what was sent: the two sides then agree, but
who brought the value stays unknown, since a person may have made the same edit (INV-7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cosell.core.fields import FIELDS, Kind
from cosell.core.merge import rebase
from cosell.core.records import Pair, Snapshot, Write, WriteKind
from cosell.core.values import Value


class Verdict(StrEnum):
    """What is known of an open write."""

    LANDED = "landed"
    STANDS = "stands"
    """What it was to bring stands there; whether it or somebody else brought it cannot be told."""
    ABSENT = "absent"
    """It did not arrive, and can no longer arrive."""
    UNKNOWN = "unknown"
    """It can no longer arrive; whether it ever did cannot be told."""
    AGAIN = "again"
    """Not applied so far; sending it once more, verbatim, is safe."""
    WAIT = "wait"
    """Still possibly on its way."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The verdict on one open write and what it means for the base."""

    write: Write
    verdict: Verdict
    base: Mapping[str, Pair] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    """Fields on which nobody can say which edit came last; they are held."""
    wait: float = 0.0


def settle(
    write: Write,
    seen: Snapshot,
    base: Mapping[str, Pair],
    *,
    stamped: bool,
    patience: float,
    now: float,
) -> Settlement:
    """Judges one open update or invitation from `seen`, a complete read made after it was sent.

    `stamped`: the record keeps the id of our last write. `patience`: seconds after which an unanswered
    request can no longer be applied.
    """
    if write.kind is WriteKind.INVITE:
        return _settle_invitation(write, seen, base, patience, now)
    judge = _settle_stamped if stamped else _settle_by_value
    found = judge(write, seen, base, patience, now)
    if found.verdict is Verdict.AGAIN and write.consents:
        return _unless_late(write, patience, now)
    return found


def _unless_late(write: Write, patience: float, now: float) -> Settlement:
    """A step nobody can take back is not sent again: whoever wished it may have thought better (INV-6)."""
    left = write.sent_at + patience - now
    return Settlement(write, Verdict.WAIT, wait=left) if left > 0 else Settlement(write, Verdict.ABSENT)


def _settle_invitation(
    write: Write, seen: Snapshot, base: Mapping[str, Pair], patience: float, now: float
) -> Settlement:
    if seen.microsoft_id is not None:
        return Settlement(write, Verdict.STANDS, landed_base(write, seen.values, base))
    return _unless_late(write, patience, now)


def _settle_stamped(
    write: Write, seen: Snapshot, base: Mapping[str, Pair], patience: float, now: float
) -> Settlement:
    if seen.stamp == write.id:
        if seen.touched_by_us:
            pairs, doubts = landed_base(write, seen.values, base), _unproven(write, seen)
            proven = {key: pair for key, pair in pairs.items() if key not in doubts}
            return Settlement(write, Verdict.LANDED, proven, doubts)
        return _equal_counts(write, seen, base, Verdict.LANDED)
    return _not_seen(write, seen, patience, now, absent=Verdict.ABSENT)


def _settle_by_value(
    write: Write, seen: Snapshot, base: Mapping[str, Pair], patience: float, now: float
) -> Settlement:
    changed = {
        key: one for key, one in write.fields.items() if key in seen.values and one.after != one.before
    }
    arrived = [key for key, one in changed.items() if seen.values[key] == one.after]
    if write.expected_version is not None and seen.version == write.expected_version and not arrived:
        return Settlement(write, Verdict.AGAIN)
    if arrived:
        return _equal_counts(write, seen, base, Verdict.STANDS)
    verdict = _not_seen(write, seen, patience, now, absent=Verdict.UNKNOWN)
    if verdict.verdict is not Verdict.UNKNOWN:
        return verdict
    doubts = tuple(key for key, one in changed.items() if seen.values[key] != one.before)
    return Settlement(write, Verdict.UNKNOWN, doubts=(*doubts, *_unseen(write, seen)))


def _unproven(write: Write, seen: Snapshot) -> tuple[str, ...]:
    """Fields that may hold another's edit though nobody else touched the record: unseen ones, changed lists.

    Entries of a list are records of their own, and an edit of one need not touch the deal.
    """
    lists = [key for key in write.fields if key in seen.values and FIELDS[key].kind.is_list]
    changed = [key for key in lists if seen.values[key] != write.fields[key].after]
    return (*changed, *_unseen(write, seen))


def _unseen(write: Write, seen: Snapshot) -> tuple[str, ...]:
    """Fields the read could not bring: what the server made of them shows once they are back (J-9)."""
    return tuple(key for key in write.fields if key not in seen.values)


def _not_seen(write: Write, seen: Snapshot, patience: float, now: float, *, absent: Verdict) -> Settlement:
    if write.expected_version is None:
        left = write.sent_at + patience - now
        return Settlement(write, Verdict.WAIT, wait=left) if left > 0 else Settlement(write, absent)
    if seen.version == write.expected_version:
        return Settlement(write, Verdict.AGAIN)
    return Settlement(write, absent)


def _equal_counts(write: Write, seen: Snapshot, base: Mapping[str, Pair], verdict: Verdict) -> Settlement:
    """Others may have edited as well: only what equals what was sent counts as agreed."""
    certain = {key for key, one in write.fields.items() if seen.values.get(key) == one.after}
    doubts = tuple(key for key in write.fields if key not in certain)
    pairs = landed_base(write, seen.values, base)
    return Settlement(
        write,
        verdict,
        {key: pair for key, pair in pairs.items() if key in certain},
        doubts,
    )


def landed_base(write: Write, stored: Mapping[str, Value], base: Mapping[str, Pair]) -> dict[str, Pair]:
    """The base pairs after `write` landed and the record holds `stored`: the row that landed is the base.

    The written side keeps what the server stored, whatever it made of what was sent; the other side keeps
    the value the write was made from.
    """
    pairs = {}
    for key, one in write.fields.items():
        kept = stored.get(key, one.after)
        old = base.get(key) or Pair(None, None)
        if FIELDS[key].kind.is_list:
            pairs[key] = rebase(
                old, write.side, before=one.before, after=one.after, stored=kept, source=one.source
            )
        else:
            pairs[key] = old.with_side(write.side, kept).with_side(write.side.other, one.source)
        if FIELDS[key].kind is Kind.FLAG and bool(one.after) is not bool(one.source):
            # Set on behalf of another field (help shows the deal): the source side has yet to learn of it.
            pairs[key] = pairs[key].with_side(write.side, one.source)
    return pairs
