"""Making a database that turned out to be older than the world careful (INV-24)."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from cosell.core import agreement, careful
from cosell.core.records import Write, WriteState
from cosell.store import inbox, names
from cosell.store.changes import finish, save_links
from cosell.store.rows import link_of, write_of
from cosell.store.tables import INBOX, LINK, WRITE
from cosell.store.transaction import Transaction, bind, here

PAGE = 500
_met = sa.or_(LINK.c.base != "{}", sa.and_(LINK.c.partner_center_id.is_not(None), LINK.c.crm_id.is_not(None)))
"""Whose two halves we know, even where their first meeting was not over: it may have been since."""
_links = (
    sa.select(LINK)
    .where(here(LINK), _met, LINK.c.key > bind("after"))
    .order_by(LINK.c.key)
    .limit(bind("size", sa.Integer))
)
_open = sa.select(WRITE).where(here(WRITE), WRITE.c.seq.is_(None)).order_by(WRITE.c.created_at, WRITE.c.id)
_free = (
    sa.update(INBOX)
    .where(here(INBOX), INBOX.c.lease_until.is_not(None))
    .values(lease_owner=None, lease_until=None)
)


def distrust(
    transaction: Transaction, *, decision: Write, setting: tuple[str, str], now: float, digest_key: bytes
) -> int:
    """As the port says.

    An open row may have been answered, sent again or settled in the time that is lost: it ends as unknown
    and never is sent again. A deal that was closed on both sides takes no edit any more and is left alone.
    """
    rows = [write_of(row) for row in transaction.rows(_open)]
    ended = [
        replace(
            row,
            state=WriteState.UNKNOWN,
            finished_at=now,
            outcome="the database was restored meanwhile; nobody can tell any more",
        )
        for row in rows
    ]
    finish(transaction, [*ended, decision], {row.id: None for row in rows}, digest_key)
    count, after = 0, ""
    while page := transaction.rows(_links, after=after, size=PAGE):
        after = page[-1].key
        known = [link for link in map(link_of, page) if not agreement.closed(link)]
        count += len(save_links(transaction, (careful.marked(link, now) for link in known)))
    transaction.write(_free, {})
    inbox.poke_all(transaction, "sweep", now)
    name, value = setting
    names.set_setting(transaction, name, value, who="cosell", now=now)
    return count
