"""The journal as people read it, and decisions that need no lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from cosell.core.records import Link, Write, WriteState
from cosell.ports import AuditRow, LeaseLost
from cosell.store.changes import finish, save_links
from cosell.store.inbox import poke_row, poke_rows
from cosell.store.rows import clean, write_of
from cosell.store.tables import LINK, WRITE
from cosell.store.transaction import Transaction, bind, here, many

_revision = sa.select(LINK.c.revision).where(here(LINK), LINK.c.key == bind("key")).with_for_update()
_ids = sa.select(WRITE.c.id).where(here(WRITE), WRITE.c.id.in_(many("values")))


def decide(transaction: Transaction, link: Link, decision: Write, *, now: float, digest_key: bytes) -> Link:
    """Chains the decision, moves the link and pokes it urgently."""
    found = transaction.rows(_revision, key=link.key)
    if not found or found[0].revision != link.revision:
        raise LeaseLost(f"{link.key}: the link moved")
    if decision.state is WriteState.OPEN:
        decision = replace(decision, state=WriteState.DONE)
    if decision.finished_at is None:
        decision = replace(decision, finished_at=now)
    (saved,) = save_links(transaction, [link])
    finish(transaction, [decision], {}, digest_key)
    poke_rows(transaction, [poke_row(link.key, "person", now, urgent=1)])
    return saved


def journal(
    transaction: Transaction, link_key: str | None, limit: int, *, before: int | None = None
) -> list[AuditRow]:
    """Rows newest first; open ones, which have no place yet, before all others."""
    wanted = sa.select(WRITE).where(here(WRITE))
    if link_key is not None:
        wanted = wanted.where(WRITE.c.link_key == clean(link_key))
    is_open = wanted.where(WRITE.c.seq.is_(None)).order_by(WRITE.c.created_at.desc(), WRITE.c.id)
    finished = wanted.where(WRITE.c.seq.is_not(None)).order_by(WRITE.c.seq.desc())
    if before is not None:
        rows = list(transaction.rows(finished.where(WRITE.c.seq < before).limit(max(limit, 0))))
    else:
        rows = list(transaction.rows(is_open.limit(max(limit, 0))))
        rows += transaction.rows(finished.limit(max(limit - len(rows), 0)))
    return [AuditRow(write_of(row), row.seq, row.hash) for row in rows]


def known(transaction: Transaction, ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids that are rows here."""
    found = {row.id for row in transaction.rows_in(_ids, map(clean, ids))}
    return frozenset(one for one in ids if clean(one) in found)
