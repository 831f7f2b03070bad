"""What the store's tests are made of."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cosell.core.records import FieldWrite, Link, LinkState, Pair, Side, Write, WriteKind, WriteState
from cosell.core.values import Person
from cosell.ports import Poke, Taken
from cosell.store import SqlStore

PC, CRM = Side.PARTNER_CENTER, Side.CRM
T0 = 1_700_000_000.0

ADA = (Person("ada@example.com", "Ada", "Lovelace"),)
BASE = {"name": Pair("Contoso", "Contoso renewal"), "deal_value": Pair(Decimal(10), Decimal("10.5"))}


class Dice:
    """Chance that only counts."""

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._numbers = itertools.count()

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        return f"{self._name}{next(self._numbers)}"


Open = Callable[..., SqlStore]
"""Opens one more store on the database of the test."""


def referral(record_id: str = "r1", **more: Any) -> Poke:
    return Poke(PC, record_id, more.pop("cause", "webhook"), **more)


def opportunity(record_id: str = "o1", **more: Any) -> Poke:
    return Poke(CRM, record_id, more.pop("cause", "poll"), **more)


async def take_one(store: SqlStore, now: float = T0, owner: str = "ann", lease_for: float = 60.0) -> Taken:
    """The one key that is due."""
    (taken,) = await store.take(10, owner, now, lease_for)
    return taken


async def taken_anew(store: SqlStore, record_id: str = "r1", now: float = T0) -> Taken:
    """A link just poked and taken."""
    await store.poke([referral(record_id)], now)
    return await take_one(store, now)


def linked(link: Link, crm_id: str = "o1") -> Link:
    return replace(link, crm_id=crm_id, state=LinkState.LINKED, base=BASE)


def update(taken: Taken, write_id: str = "w1", **more: Any) -> Write:
    given: dict[str, Any] = {
        "record_id": "o1",
        "partner_id": "r1",
        "fields": {"deal_value": FieldWrite(Decimal(1), Decimal(2), Decimal(2), "edited")},
        "cause": "webhook",
        "created_at": T0,
        "sent_at": T0,
    }
    return Write(id=write_id, link_key=taken.key, side=CRM, kind=WriteKind.UPDATE, **(given | more))


def done(write: Write, **more: Any) -> Write:
    given: dict[str, Any] = {"state": WriteState.DONE, "finished_at": T0 + 1, "outcome": "204"}
    return replace(write, **(given | more))


async def finished_rows(store: SqlStore, count: int, **more: Any) -> None:
    """A journal with so many finished rows, one link."""
    taken = await taken_anew(store)
    link = taken.link
    for number in range(count):
        write = update(taken, f"w{number + 1}", **more)
        link = await store.begin(taken, write, link)
        link = await store.finish(taken, [done(write)], link)
    await store.done(taken, T0)


def tamper(path: Path, *statements: str) -> None:
    """What somebody with an editor for databases could do."""
    with closing(sqlite3.connect(path)) as raw:
        for statement in statements:
            raw.execute(statement)
        raw.commit()


def rows(path: Path, query: str) -> Sequence[Any]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query).fetchall()


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement sent meanwhile, one entry for many rows."""
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, _p: Any, _x: Any, _m: Any) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
