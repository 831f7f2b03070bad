"""Which links need a look: pokes, leases with fencing, due times.

A key is due when its time has come and nobody holds a lease on it. Times are the callers' wall clock, which
may be set back: a time further ahead than anybody ever plans counts as come, so that no key is stranded.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from cosell.core.records import Link, LinkState, Side, Write
from cosell.ports import Load, Poke, Taken
from cosell.store.links import keys_of, keys_of_engagements, links_by_key
from cosell.store.rows import clean, link_columns, write_of
from cosell.store.tables import INBOX, LINK, WRITE
from cosell.store.transaction import Found, Transaction, bind, here, many

FAR = 15 * 60 + 1.0
"""Seconds: no key is put off, and no lease given, for longer."""

FAIR = 5
"""One place in so many is kept for keys nobody hurries, so that urgent ones cannot starve them (INV-19)."""

SIDES = {Side.PARTNER_CENTER: 1, Side.CRM: 2}

_i = INBOX.c
_now = bind("now", sa.Double)
_far = bind("far", sa.Double)


def _with_cause(column: sa.Column[str]) -> sa.ColumnElement[str]:
    """The comma list with the cause added once; it stops growing before it becomes a burden."""
    cause = bind("cause", sa.Text)
    known = (column + ",").like(bind("like", sa.Text))
    return sa.case(
        (column == "", cause),
        (sa.or_(known, sa.func.length(column) > 200), column),
        else_=column + "," + cause,
    )


_poked: dict[Any, Any] = {
    _i.generation: _i.generation + 1,
    # A key poked again and again keeps its place in the queue; one that was taken meanwhile starts anew.
    _i.not_before: sa.case(
        (sa.and_(_i.again_at.is_not(None), _i.not_before < _now), _i.not_before), else_=_now
    ),
    _i.first_poked_at: sa.func.coalesce(_i.first_poked_at, _now),
    _i.again_at: sa.func.coalesce(_i.again_at, _now),
    _i.causes: _with_cause(_i.causes),
    _i.again_causes: _with_cause(_i.again_causes),
    _i.sides: _i.sides.bitwise_or(bind("sides", sa.Integer)),
    _i.again_sides: _i.again_sides.bitwise_or(bind("sides", sa.Integer)),
    _i.urgent: _i.urgent.bitwise_or(bind("urgent", sa.Integer)),
}
_of_key = sa.and_(here(INBOX), _i.key == bind("key"))
_asleep = sa.or_(*(LINK.c.state == state.value for state in (LinkState.IGNORED, LinkState.GONE)))
_poke = sa.update(INBOX).where(_of_key).values(_poked)
_poke_all = (
    sa.update(INBOX)
    .where(here(INBOX), _i.key.in_(sa.select(LINK.c.key).where(here(LINK), sa.not_(_asleep))))
    .values(_poked)
)
_new_link = sa.insert(LINK)
_new_key = sa.insert(INBOX)

_unleased = sa.or_(_i.lease_until.is_(None), _i.lease_until <= _now, _i.lease_until > _far)
_come = sa.or_(_i.not_before <= _now, _i.not_before > _far)
_due = (
    sa.select(_i.key, _i.generation, _i.fence, _i.causes, _i.sides, _i.first_poked_at)
    .where(here(INBOX), _i.not_before.is_not(None), _i.urgent == bind("urgent"), _come, _unleased)
    .order_by(_i.not_before, _i.key)
    .limit(bind("limit", sa.Integer))
    .with_for_update(skip_locked=True)
)
_lease = sa.update(INBOX).where(_of_key).values(fence=_i.fence + 1)
_owners = sa.select(_i.lease_owner).where(here(INBOX), _i.lease_until.is_not(None)).distinct()
_free = (
    sa.update(INBOX)
    .where(here(INBOX), _i.lease_owner == bind("owner"), _i.lease_until.is_not(None))
    .values(lease_owner=None, lease_until=None)
)
_renew = sa.update(INBOX).where(_of_key, _i.fence == bind("fence"), _i.lease_until.is_not(None))
_open_writes = (
    sa.select(WRITE)
    .where(here(WRITE), WRITE.c.link_key.in_(many("values")), WRITE.c.seq.is_(None))
    .order_by(WRITE.c.created_at, WRITE.c.id)
)
_next_due = sa.select(
    sa.func.min(sa.case((sa.not_(_unleased), _i.lease_until), (sa.not_(_come), _i.not_before)))
).where(here(INBOX), _i.not_before.is_not(None))
_load = sa.select(
    sa.func.count(sa.case((sa.and_(_unleased, _come), 1))),
    sa.func.count(sa.case((sa.and_(_unleased, sa.not_(_come)), 1))),
    sa.func.count(sa.case((sa.not_(_unleased), 1))),
    sa.func.min(sa.case((sa.and_(_unleased, _come), _i.not_before))),
).where(here(INBOX), _i.not_before.is_not(None))
_states = sa.select(LINK.c.state, sa.func.count()).where(here(LINK)).group_by(LINK.c.state)
_count_open = sa.select(sa.func.count()).where(here(WRITE), WRITE.c.seq.is_(None))


# --- poke ------------------------------------------------------------------------------------------


def new_key(token: str) -> str:
    """A short link key out of a token nobody else has."""
    return "d-" + base64.b32encode(hashlib.sha256(token.encode()).digest())[:10].decode().lower()


def poke(transaction: Transaction, pokes: Sequence[Poke], now: float, *, token: Callable[[], str]) -> None:
    """Makes the links of these records due; an id nobody knows gets a stub."""
    known = _known(transaction, pokes)
    stubs: list[Link] = []
    for wish in pokes:
        if _key_in(known, wish) is None:
            stub = _stub(new_key(token()), wish)
            stubs.append(stub)
            known[wish.side, clean(wish.record_id)] = stub.key
            if stub.engagement_id:
                known[None, clean(stub.engagement_id)] = stub.key
    _add(transaction, stubs)
    wishes: dict[tuple[str, str], tuple[int, int]] = {}
    for wish in pokes:
        at = (_key_in(known, wish) or "", wish.cause)
        sides, urgent = wishes.get(at, (0, 0))
        wishes[at] = sides | SIDES[wish.side], urgent | wish.urgent
    poke_rows(transaction, (poke_row(*at, now, *wish) for at, wish in wishes.items()))


def poke_row(key: str, cause: str, now: float, sides: int = 0, urgent: int = 0) -> dict[str, Any]:
    """What `poke_rows` wants to know of one wish."""
    cause = clean(cause).replace(",", " ")
    return {
        "at_key": key,
        "at_now": now,
        "at_cause": cause,
        "at_like": f"%{cause},%",
        "at_sides": sides,
        "at_urgent": urgent,
    }


def poke_rows(transaction: Transaction, rows: Iterable[dict[str, Any]]) -> None:
    """Makes these keys due; keys that do not exist are passed over."""
    transaction.write(_poke, *rows)


def poke_all(transaction: Transaction, cause: str, now: float) -> int:
    """Makes every link due that is neither ignored nor gone."""
    row = poke_row("", cause, now)
    del row["at_key"]
    return transaction.write(_poke_all, row)


def _known(transaction: Transaction, pokes: Sequence[Poke]) -> dict[tuple[Side | None, str], str]:
    """Link keys by side and record id, and by engagement id under no side."""
    known: dict[tuple[Side | None, str], str] = {}
    for side in Side:
        ids = [wish.record_id for wish in pokes if wish.side is side]
        known |= {(side, record_id): key for record_id, key in keys_of(transaction, side, ids).items()}
    engagements = [
        wish.engagement_id
        for wish in pokes
        if wish.side is Side.PARTNER_CENTER and wish.engagement_id and _key_in(known, wish) is None
    ]
    found = keys_of_engagements(transaction, engagements)
    return known | {(None, engagement_id): key for engagement_id, key in found.items()}


def _key_in(known: dict[tuple[Side | None, str], str], wish: Poke) -> str | None:
    key = known.get((wish.side, clean(wish.record_id)))
    if key is None and wish.engagement_id and wish.side is Side.PARTNER_CENTER:
        return known.get((None, clean(wish.engagement_id)))
    return key


def _stub(key: str, wish: Poke) -> Link:
    if wish.side is Side.CRM:
        return Link(key, crm_id=wish.record_id)
    return Link(key, partner_center_id=wish.record_id, engagement_id=wish.engagement_id or None)


def _add(transaction: Transaction, stubs: Iterable[Link]) -> None:
    stubs = list(stubs)
    transaction.write(_new_link, *map(link_columns, stubs))
    transaction.write(_new_key, *({**_NEVER_POKED, "key": stub.key} for stub in stubs))


_NEVER_POKED: dict[str, Any] = {
    "generation": 0,
    "not_before": None,
    "first_poked_at": None,
    "causes": "",
    "sides": 0,
    "urgent": 0,
    "again_at": None,
    "again_causes": "",
    "again_sides": 0,
    "lease_owner": None,
    "lease_until": None,
    "fence": 0,
}


# --- take ------------------------------------------------------------------------------------------


def take(transaction: Transaction, limit: int, owner: str, now: float, *, lease_for: float) -> list[Taken]:
    """Leases due keys, urgent first, then longest waiting, with all that is known of each."""
    if limit <= 0:
        return []
    urgent, calm = (
        transaction.rows(_due, urgent=hurry, now=now, far=now + FAR, limit=limit) for hurry in (1, 0)
    )
    places = min(len(calm), max(limit - len(urgent), limit // FAIR))
    due = [*urgent[: limit - places], *calm[:places]]
    until = now + min(lease_for, FAR - 1)
    transaction.write(
        _lease,
        *(
            {
                "at_key": row.key,
                "lease_owner": clean(owner),
                "lease_until": until,
                "urgent": 0,
                "again_at": None,
                "again_causes": "",
                "again_sides": 0,
            }
            for row in due
        ),
    )
    links = links_by_key(transaction, (row.key for row in due))
    writes: dict[str, list[Write]] = {}
    for row in transaction.rows_in(_open_writes, (row.key for row in due)):
        writes.setdefault(row.link_key, []).append(write_of(row))
    return [_taken(row, links[row.key], tuple(writes.get(row.key, ()))) for row in due]


def _taken(row: Found, link: Link, open_writes: tuple[Write, ...]) -> Taken:
    return Taken(
        key=row.key,
        generation=row.generation,
        fence=row.fence + 1,
        causes=tuple(cause for cause in row.causes.split(",") if cause),
        sides=frozenset(side for side, bit in SIDES.items() if row.sides & bit),
        link=link,
        open_writes=open_writes,
        poked_at=row.first_poked_at,
    )


def renew(transaction: Transaction, taken: Sequence[Taken], now: float, lease_for: float) -> None:
    """Prolongs the leases that are still held."""
    until = now + min(lease_for, FAR - 1)
    transaction.write(
        _renew, *({"at_key": one.key, "at_fence": one.fence, "lease_until": until} for one in taken)
    )


def free_leases(transaction: Transaction, gone: Callable[[str], bool]) -> int:
    """Ends the leases of owners that are gone; the fence stays, so that nobody of them can come back."""
    dead = [row.lease_owner for row in transaction.rows(_owners) if gone(row.lease_owner or "")]
    return sum(transaction.write(_free, {"at_owner": owner}) for owner in dead)


def next_due(transaction: Transaction, now: float) -> float | None:
    """When the next key becomes due, be it put off or leased."""
    found: float | None = transaction.rows(_next_due, now=now, far=now + FAR)[0][0]
    return found


def load(transaction: Transaction, now: float) -> Load:
    """How much waits."""
    due, later, running, since = transaction.rows(_load, now=now, far=now + FAR)[0]
    return Load(
        due=due,
        later=later,
        running=running,
        oldest_wait=max(0.0, now - since) if due else 0.0,
        links=dict(tuple(row) for row in transaction.rows(_states)),
        open_writes=transaction.rows(_count_open)[0][0],
    )
