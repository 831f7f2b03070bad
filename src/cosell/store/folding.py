"""Folding one link into another: two pokes knew two halves of one deal."""

from __future__ import annotations

import sqlalchemy as sa

from cosell.core.records import LinkState
from cosell.ports import LeaseLost, Taken
from cosell.store import names
from cosell.store.inbox import poke_row, poke_rows
from cosell.store.tables import INBOX, LINK, WRITE
from cosell.store.transaction import Found, Transaction, bind, here

_i, _l, _w = INBOX.c, LINK.c, WRITE.c
_IDS = ("partner_center_id", "crm_id", "engagement_id", "microsoft_id")

_never_begun = ~sa.exists().where(_w.environment == _l.environment, _w.link_key == _l.key)
_both = sa.select(
    LINK,
    _i.fence,
    _i.lease_until,
    _i.not_before,
    _i.causes,
    _i.sides,
    _i.urgent,
    sa.and_(_l.state == LinkState.NEW.value, _l.revision == 0, _never_begun).label("is_stub"),
).join(INBOX, sa.and_(_l.environment == _i.environment, _l.key == _i.key))

OTHERS = _both.where(
    here(LINK),
    _l.key != bind("key"),
    sa.or_(_l.partner_center_id == bind("partner_center_id"), _l.crm_id == bind("crm_id")),
)
"""Links that have an id which another link wants."""

_one = _both.where(here(LINK), _l.key == bind("key"))
_forget_key = sa.delete(INBOX).where(here(INBOX), _i.key == bind("key"))
_forget_link = sa.delete(LINK).where(here(LINK), _l.key == bind("key"))
_move_open = sa.update(WRITE).where(here(WRITE), _w.link_key == bind("key"), _w.seq.is_(None))
_lend = sa.update(LINK).where(here(LINK), _l.key == bind("key")).values(revision=_l.revision + 1)


def join(transaction: Transaction, taken: Taken, other_key: str) -> None:
    """Folds the taken stub into the other link, which also gets the ids it lacks, and pokes that."""
    mine, other = (transaction.rows(_one, key=key) for key in (taken.key, other_key))
    if not mine or mine[0].lease_until is None or mine[0].fence != taken.fence:
        raise LeaseLost(f"{taken.key}: somebody else holds the key")
    if not other:
        raise LeaseLost(f"{other_key}: the link to be joined is gone")
    if mine[0].base != "{}":
        raise ValueError(f"{taken.key} has a base and cannot be folded into another link")
    fold(transaction, mine[0], other_key)
    lent = {
        name: value
        for name in _IDS
        if (value := getattr(mine[0], name)) is not None and getattr(other[0], name) is None
    }
    if lent:  # the revision grows with it, so that a worker who does not know the ids cannot take them back
        transaction.write(_lend, {**lent, "at_key": other_key})


def fold(transaction: Transaction, stub: Found, into_key: str) -> None:
    """Moves what waits on the stub to the other link and forgets the stub; finished rows stay its own."""
    if transaction.write(_move_open, {"link_key": into_key, "at_key": stub.key}):
        names.hand_leases_on(transaction, stub.key, into_key)
    names.free_leases(transaction, [stub.key])
    transaction.write(_forget_key, {"at_key": stub.key})
    transaction.write(_forget_link, {"at_key": stub.key})
    if stub.not_before is not None:
        poke_rows(
            transaction,
            (
                poke_row(into_key, cause, stub.not_before, stub.sides, stub.urgent)
                for cause in stub.causes.split(",")
            ),
        )
