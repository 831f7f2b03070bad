"""Finding links: by key, by either record's id, by engagement, by what a person typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from cosell.core.records import Link, LinkState, Side
from cosell.ports import LinkFilter
from cosell.store.rows import clean, link_of
from cosell.store.tables import LINK
from cosell.store.transaction import Found, Query, Transaction, bind, here, many

STRUGGLING = 8
"""Failures in a row after which a link is worth a person's attention (reliability.md 11)."""

_l = LINK.c


def _keys_by(column: sa.Column[Any]) -> Query:
    return sa.select(column, _l.key).where(here(LINK), column.in_(many("values"))).order_by(_l.key)


_by_id = {Side.PARTNER_CENTER: _keys_by(_l.partner_center_id), Side.CRM: _keys_by(_l.crm_id)}
_by_microsoft_id = _keys_by(_l.microsoft_id)
_by_engagement = _keys_by(_l.engagement_id)
_by_key = sa.select(LINK).where(here(LINK), _l.key.in_(many("values")))
_by_any = (
    sa.select(LINK)
    .where(
        here(LINK), sa.or_(*(column == bind("text") for column in (_l.key, _l.partner_center_id, _l.crm_id)))
    )
    .order_by(_l.key != bind("text"), _l.key)
    .limit(1)
)
_attention = sa.or_(
    _l.state.in_((LinkState.HELD.value, LinkState.GONE.value)), _l.holds != "{}", _l.failures >= STRUGGLING
)


def _first(rows: Iterable[Found]) -> dict[str, str]:
    found: dict[str, str] = {}
    for wanted, key in rows:
        found.setdefault(wanted, key)
    return found


def keys_of(transaction: Transaction, side: Side, ids: Iterable[str]) -> dict[str, str]:
    """Link keys by record id; Microsoft's own referral is known by the link of its engagement."""
    wanted = [clean(record_id) for record_id in ids]
    found = _first(transaction.rows_in(_by_id[side], wanted))
    if side is Side.PARTNER_CENTER:
        rest = [record_id for record_id in wanted if record_id not in found]
        found |= _first(transaction.rows_in(_by_microsoft_id, rest))
    return found


def keys_of_engagements(transaction: Transaction, engagement_ids: Iterable[str]) -> dict[str, str]:
    """Link keys by engagement id."""
    return _first(transaction.rows_in(_by_engagement, map(clean, engagement_ids)))


def links_by_key(transaction: Transaction, keys: Iterable[str]) -> dict[str, Link]:
    """Whole links by key."""
    return {row.key: link_of(row) for row in transaction.rows_in(_by_key, keys)}


def links_of(transaction: Transaction, side: Side, ids: Sequence[str]) -> Mapping[str, Link]:
    """Whole links by record id."""
    keys = keys_of(transaction, side, ids)
    links = links_by_key(transaction, keys.values())
    return {record_id: links[keys[clean(record_id)]] for record_id in ids if clean(record_id) in keys}


def link_of_engagement(transaction: Transaction, engagement_id: str) -> Link | None:
    """The link of one engagement; of several the first by key."""
    keys = keys_of_engagements(transaction, [engagement_id])
    return next(iter(links_by_key(transaction, keys.values()).values()), None)


def link(transaction: Transaction, key_or_id: str) -> Link | None:
    """The link with this key, else the one with this record id."""
    found = transaction.rows(_by_any, text=clean(key_or_id))
    return link_of(found[0]) if found else None


def links(transaction: Transaction, which: LinkFilter) -> list[Link]:
    """Links in the order of their keys, one page of them."""
    wanted = sa.select(LINK).where(here(LINK), _l.key > clean(which.after)).order_by(_l.key)
    if which.states:
        wanted = wanted.where(_l.state.in_([state.value for state in which.states]))
    if which.attention:
        wanted = wanted.where(_attention)
    if which.text:
        shown = (_l.key, _l.name, _l.partner_center_id, _l.crm_id, _l.engagement_id, _l.microsoft_id)
        text = clean(which.text)
        wanted = wanted.where(sa.or_(*(column.icontains(text, autoescape=True) for column in shown)))
    return [link_of(row) for row in transaction.rows(wanted.limit(max(which.limit, 0)))]
