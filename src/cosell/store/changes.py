"""Everything that rests on a lease: begin, send again, finish, save, release.

Many changes of many workers run as one: each is checked first, and only those that hold are written, with one
statement of a kind for all of them. So a lost lease never hurts a neighbour, and nothing of it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import sqlalchemy as sa

from cosell.core.errors import Twins
from cosell.core.records import Link, Write, WriteKind
from cosell.ports import LeaseLost, Taken, UnknownWrite
from cosell.store import names
from cosell.store.chain import chained
from cosell.store.folding import OTHERS, fold
from cosell.store.links import links_by_key
from cosell.store.rows import clean, link_columns, write_columns
from cosell.store.tables import INBOX, LINK, WRITE
from cosell.store.transaction import Found, Transaction, bind, here, many

Refusal: TypeAlias = LeaseLost | Twins | UnknownWrite
Outcome: TypeAlias = Link | Refusal | None


@dataclass(frozen=True, slots=True)
class Release:
    """Lets go of the key."""

    not_before: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """What one worker wants to do with one key it holds."""

    taken: Taken
    link: Link | None = None
    opened: Write | None = None
    sent_again: Write | None = None
    finished: tuple[Write, ...] = ()
    release: Release | None = None
    known: str | None = None
    """A write that must be in the journal."""


_i, _l, _w = INBOX.c, LINK.c, WRITE.c
_held = (
    sa.select(_i.key, _i.fence, _i.lease_until, _l.revision, _l.partner_center_id, _l.crm_id)
    .join(LINK, sa.and_(_l.environment == _i.environment, _l.key == _i.key))
    .where(here(INBOX), _i.key.in_(many("values")))
    .with_for_update()
)
_begun = sa.select(_w.id, _w.seq).where(here(WRITE), _w.id.in_(many("values")))

_save = sa.update(LINK).where(here(LINK), _l.key == bind("key"), _l.revision == bind("revision"))
_insert = sa.insert(WRITE)
_update = sa.update(WRITE).where(here(WRITE), _w.id == bind("id"), _w.seq.is_(None))

_of_key = sa.and_(here(INBOX), _i.key == bind("key"))
_again = _i.generation > bind("generation")
_rest = (
    sa.update(INBOX)
    .where(_of_key)
    .values(
        lease_owner=None,
        lease_until=None,
        not_before=sa.case((_again, _i.not_before)),
        first_poked_at=sa.case((_again, _i.again_at)),
        causes=sa.case((_again, _i.again_causes), else_=""),
        sides=sa.case((_again, _i.again_sides), else_=0),
    )
)
# Work put off is not done: what it was taken for stays, so that the next worker knows which sides signalled.
_put_off = (
    sa.update(INBOX)
    .where(_of_key)
    .values(
        lease_owner=None,
        lease_until=None,
        not_before=sa.case((_again, _i.not_before), else_=bind("not_before", sa.Double)),
    )
)


def change_all(transaction: Transaction, changes: Sequence[Change], digest_key: bytes) -> list[Outcome]:
    """Carries out changes to different keys; answers the saved link or the refusal of each, in order."""
    held = {row.key: row for row in transaction.rows_in(_held, (change.taken.key for change in changes))}
    named = [*(w for c in changes for w in c.finished), *(c.sent_again for c in changes if c.sent_again)]
    ids = [*(write.id for write in named), *(change.known for change in changes if change.known)]
    begun = {row.id: row.seq for row in transaction.rows_in(_begun, map(clean, ids))}
    refused = _refused(transaction, changes, held, begun)
    good = [change for change in changes if change.taken.key not in refused]
    saved = {link.key: link for link in save_links(transaction, (c.link for c in good if c.link))}
    _open(transaction, [change.opened for change in good if change.opened], digest_key)
    _note_sent(transaction, [change.sent_again for change in good if change.sent_again])
    finished = [write for change in good for write in change.finished]
    finish(transaction, finished, begun, digest_key)
    names.free_leases(transaction, {one.link_key for one in finished if one.kind is WriteKind.CREATE})
    _release(transaction, good)
    saved |= _moved(transaction, good, held)
    return [refused.get(c.taken.key) or saved.get(c.taken.key, c.taken.link) for c in changes]


def _refused(
    transaction: Transaction,
    changes: Sequence[Change],
    held: Mapping[str, Found],
    begun: Mapping[str, int | None],
) -> dict[str, Refusal]:
    """Why changes cannot be made, by key. Makes room for the ids that the others take."""
    refused: dict[str, Refusal] = {}
    for change in changes:
        key = change.taken.key
        why = _lost(change, held.get(key), begun)
        if why:
            refused[key] = LeaseLost(f"{key}: {why}")
        elif change.known and clean(change.known) not in begun:
            refused[key] = UnknownWrite(change.known)
        elif key not in refused and change.link and _claims(change.link, held[key]):
            folded, twins = claim(transaction, change.link)
            refused |= {stub: LeaseLost(f"{stub}: folded into {key}") for stub in folded}
            if twins:
                refused[key] = twins
    return refused


def _lost(change: Change, row: Found | None, begun: Mapping[str, int | None]) -> str:
    if row is None or row.lease_until is None or row.fence != change.taken.fence:
        return "somebody else holds the key"
    if change.link and change.link.revision != row.revision:
        return "the link moved"
    if any(begun.get(clean(write.id)) is not None for write in change.finished):
        return "a write is finished already"
    if change.sent_again and begun.get(clean(change.sent_again.id), 0) is not None:
        return "the write is not open"
    return ""


def _claims(link: Link, row: Found) -> bool:
    """Whether the link takes an id that it did not have."""
    return (link.partner_center_id, link.crm_id) != (row.partner_center_id, row.crm_id)


def claim(transaction: Transaction, link: Link) -> tuple[list[str], Twins | None]:
    """Makes room for the ids of `link`: a stub poked for one of them meanwhile is folded into it.

    The poll may see a record we created before its write is finished; refusing to finish because of that
    stub would leave the write open for ever.
    """
    ids = {"partner_center_id": link.partner_center_id, "crm_id": link.crm_id}
    wanted = {name: None if value is None else clean(value) for name, value in ids.items()}
    others = transaction.rows(OTHERS, key=link.key, **wanted)
    for other in others:
        if not other.is_stub:
            return [], Twins(
                "Two links claim the same record.",
                detail=f"{link.key} wants an id that belongs to {other.key}",
                advice="Open both deals and clear the identifier on the one that is wrong.",
            )
    for other in others:
        fold(transaction, other, link.key)
    return [other.key for other in others], None


def save_links(transaction: Transaction, links: Iterable[Link]) -> list[Link]:
    """Stores links that were found unmoved, and answers them, one revision on."""
    saved = [replace(link, revision=link.revision + 1) for link in links]
    rows = map(link_columns, saved)
    transaction.write(
        _save, *({**row, "at_key": row["key"], "at_revision": row["revision"] - 1} for row in rows)
    )
    return saved


def _open(transaction: Transaction, writes: Iterable[Write], digest_key: bytes) -> None:
    unchained = {"seq": None, "hash": ""}
    transaction.write(_insert, *({**write_columns(write, digest_key), **unchained} for write in writes))


def _note_sent(transaction: Transaction, writes: Iterable[Write]) -> None:
    transaction.write(
        _update,
        *({"at_id": clean(w.id), "attempt": w.attempt, "sent_at": float(w.sent_at)} for w in writes),
    )


def finish(
    transaction: Transaction, writes: Sequence[Write], begun: Mapping[str, int | None], digest_key: bytes
) -> None:
    """Chains finished rows: those begun before are completed, others are put in whole."""
    if not writes:
        return
    now = max(write.finished_at or 0.0 for write in writes)
    rows = chained(transaction, (write_columns(write, digest_key) for write in writes), now)
    transaction.write(_update, *({**row, "at_id": row["id"]} for row in rows if row["id"] in begun))
    transaction.write(_insert, *(row for row in rows if row["id"] not in begun))


def _release(transaction: Transaction, changes: Iterable[Change]) -> None:
    resting: list[dict[str, Any]] = []
    put_off: list[dict[str, Any]] = []
    for change in changes:
        row: dict[str, Any] = {"at_key": change.taken.key, "at_generation": change.taken.generation}
        if change.release and change.release.not_before is None:
            resting.append(row)
        elif change.release:
            put_off.append({**row, "at_not_before": change.release.not_before})
    transaction.write(_rest, *resting)
    transaction.write(_put_off, *put_off)


def _moved(transaction: Transaction, changes: Iterable[Change], held: Mapping[str, Found]) -> dict[str, Link]:
    """Links that were not given with their change and are no longer as they were taken."""
    return links_by_key(
        transaction,
        (
            change.taken.key
            for change in changes
            if change.opened
            and not change.link
            and held[change.taken.key].revision != change.taken.link.revision
        ),
    )
