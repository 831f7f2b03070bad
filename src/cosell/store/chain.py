"""The hash chain over finished journal rows: what is hashed, and how a page of rows is checked.

Each finished row carries SHA-256(previous hash, canonical row). The head is kept beside the chain, so that
rows cut off at the end are missed as well. Somebody who can write to the file can also forge the whole chain
and the head; only a copy of the head kept elsewhere shows that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import sqlalchemy as sa

from cosell.core.records import WriteState
from cosell.ports import ChainReport
from cosell.store.rows import Columns, digest, parse
from cosell.store.tables import CURSOR, WRITE
from cosell.store.transaction import Transaction, bind, here

HEAD = "chain.head"
"""The cursor that keeps the place and hash of the last row."""

PAGE = 1000
"""Rows checked at a time, so that memory stays small however long the chain."""

_HASHED = (
    "seq",
    "environment",
    "id",
    "link_key",
    "side",
    "kind",
    "record_id",
    "partner_id",
    "fields",
    "expected_version",
    "cause",
    "consents",
    "note",
    "created_at",
    "sent_at",
    "attempt",
    "state",
    "finished_at",
    "outcome",
)
"""What the hash covers, in this order. `personal` is covered through the digests in fields and consents."""

_head = sa.select(CURSOR.c.value).where(here(CURSOR), CURSOR.c.name == HEAD)
_move_head = sa.update(CURSOR).where(here(CURSOR), CURSOR.c.name == HEAD)
_set_head = sa.insert(CURSOR)
_page = (
    sa.select(WRITE)
    .where(here(WRITE), WRITE.c.seq > bind("after"))
    .order_by(WRITE.c.seq)
    .limit(bind("size", sa.Integer))
)
_unchained = (
    sa.select(WRITE.c.id)
    .where(here(WRITE), WRITE.c.seq.is_(None), WRITE.c.state != WriteState.OPEN.value)
    .order_by(WRITE.c.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain."""

    seq: int = 0
    hash: str = ""

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def row_hash(previous: str, row: Columns) -> str:
    """SHA-256 over the hash before and the canonical row: a JSON list of the stored columns."""
    return hashlib.sha256(previous.encode() + orjson.dumps([row[name] for name in _HASHED])).hexdigest()


def head_of(transaction: Transaction) -> Head | None:
    """The head as kept; None before the first row."""
    found = transaction.rows(_head)
    if not found:
        return None
    seq, _, last = found[0].value.partition(":")
    return Head(int(seq) if seq.isdecimal() else 0, last)


def chained(transaction: Transaction, rows: Iterable[Columns], now: float) -> list[Columns]:
    """Gives each row its place and hash and moves the head; the caller stores the rows."""
    kept = head_of(transaction)
    head = kept or Head()
    done = []
    for row in rows:
        placed = {**row, "environment": transaction.environment, "seq": head.seq + 1}
        head = Head(head.seq + 1, row_hash(head.hash, placed))
        done.append({**placed, "hash": head.hash})
    if done and kept:
        transaction.write(_move_head, {"value": str(head), "moved_at": now})
    elif done:
        transaction.write(_set_head, {"name": HEAD, "value": str(head), "moved_at": now})
    return done


def check_page(transaction: Transaction, so_far: ChainReport, key: bytes) -> tuple[ChainReport, bool]:
    """Checks the next page; answers the report and whether there is more to check."""
    page = transaction.rows(_page, after=so_far.rows, size=PAGE)
    for row in page:
        why = _fault(so_far, row._asdict(), key)
        if why:
            return replace(so_far, bad_seq=so_far.rows + 1, bad_write=row.id, why=why), False
        so_far = replace(so_far, rows=so_far.rows + 1, head=row.hash)
    if len(page) == PAGE:
        return so_far, True
    return _check_end(transaction, so_far), False


def _fault(so_far: ChainReport, row: Columns, key: bytes) -> str:
    place = so_far.rows + 1
    if row["seq"] != place:
        return f"Row {place} is missing: it was removed or moved."
    try:
        if row_hash(so_far.head, row) != row["hash"]:
            return "The row was changed, moved or put in after it was written."
        if row["personal"] and not _personal_holds(row, key):
            return "The personal values of the row were changed after it was written."
    except (TypeError, ValueError, KeyError, AttributeError):
        return "The row was changed after it was written and cannot be read any more."
    return ""


def _personal_holds(row: Columns, key: bytes) -> bool:
    digests = {
        "fields": {k: values for k, (values, _) in parse(row["fields"]).items()},
        "consents": parse(row["consents"]),
    }
    return all(
        hmac.compare_digest(digests[part][field], digest(key, row["id"], f"{part}.{field}", values))
        for part, values_by_field in parse(row["personal"]).items()
        for field, values in values_by_field.items()
    )


def _check_end(transaction: Transaction, so_far: ChainReport) -> ChainReport:
    kept = head_of(transaction) or Head()
    loose: Sequence[Any] = transaction.rows(_unchained)
    if loose:
        why = "A finished row stands outside the chain."
        return replace(so_far, bad_seq=so_far.rows + 1, bad_write=loose[0].id, why=why)
    if kept.seq > so_far.rows:
        return replace(
            so_far,
            bad_seq=so_far.rows + 1,
            why=f"The chain ends too early: row {so_far.rows + 1} to row {kept.seq} are missing.",
        )
    if kept != Head(so_far.rows, so_far.head):
        first = transaction.rows(_page, after=kept.seq, size=1)
        return replace(
            so_far,
            bad_seq=min(kept.seq + 1, so_far.rows),
            bad_write=first[0].id if first else None,
            why=f"The chain ends at row {kept.seq} and yet goes on: rows were put in, or its end was moved.",
        )
    return so_far
