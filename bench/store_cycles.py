"""How fast the store turns the wheel: poke, take, begin, finish, done on a real SQLite file.

    python bench/store_cycles.py [--links 2000] [--batch 100] [--rounds 5]

Each cycle writes a link of twenty fields twice and one journal row, as a sync of one deal does.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from cosell.core.fields import FIELDS, Kind
from cosell.core.records import FieldWrite, LinkState, Pair, Side, Write, WriteKind, WriteState
from cosell.core.values import Person, Solution, State, Value
from cosell.ports import Poke, Taken
from cosell.store import SqlStore, memory, open_store

BY_KIND: dict[Kind, Value] = {
    Kind.TEXT: "Contoso renews everything",
    Kind.MONEY: Decimal(120000),
    Kind.CURRENCY: "EUR",
    Kind.DATE: date(2026, 6, 30),
    Kind.FLAG: True,
    Kind.CHOICE: "GeneralOrOther",
    Kind.COUNTRY: "DE",
    Kind.STATE: State.ACTIVE,
    Kind.PEOPLE: (Person("ada@example.com", "Ada", "Lovelace", "+49 30 1234567"),),
    Kind.SOLUTIONS: (Solution("SOL-12345-ABC", Decimal(1), Decimal(10)),),
}
BASE = {key: Pair(BY_KIND[field.kind], BY_KIND[field.kind]) for key, field in FIELDS.items()}
FIELD = FieldWrite(Decimal(1), Decimal(2), Decimal(2), "edited")


class Count:
    """Dice and clock that only count."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        return f"token-{next(self._numbers)}"


async def cycle(store: SqlStore, taken: Taken, round_: int, now: float) -> None:
    """Begins, finishes and releases one key."""
    write = Write(
        id=f"{taken.key}-{round_}",
        link_key=taken.key,
        side=Side.CRM,
        kind=WriteKind.UPDATE,
        record_id=taken.link.partner_center_id,
        partner_id="006000000000001",
        fields={"deal_value": FIELD},
        cause="webhook",
        created_at=now,
        sent_at=now,
    )
    link = await store.begin(taken, write, replace(taken.link, state=LinkState.LINKED, base=BASE))
    finished = replace(write, state=WriteState.DONE, finished_at=now)
    await store.finish(taken, [finished], replace(link, synced_at=now))
    await store.done(taken, now)


async def round_trip(store: SqlStore, ids: Sequence[str], batch: int, round_: int) -> None:
    """Pokes all ids and works through them in batches."""
    now = 1000.0 * (round_ + 1)
    for start in range(0, len(ids), batch):
        await store.poke([Poke(Side.PARTNER_CENTER, i, "poll") for i in ids[start : start + batch]], now)
    while taken := await store.take(batch, "bench", now, 60):
        await asyncio.gather(*(cycle(store, one, round_, now) for one in taken))


async def measure(folder: Path, links: int, batch: int, rounds: int) -> None:
    """Prints the figures."""
    commits = 0

    def count(moment: Literal["before", "after"]) -> None:
        nonlocal commits
        commits += moment == "after"

    started = time.perf_counter()
    store = open_store(folder / "bench.db", environment="bench", dice=Count(), on_commit=count)
    print(f"open a new file      {(time.perf_counter() - started) * 1e3:8.1f} ms")
    ids = [f"referral-{n}" for n in range(links)]
    for round_ in range(rounds):
        commits, wall, cpu = 0, time.perf_counter(), time.process_time()
        await round_trip(store, ids, batch, round_)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"round {round_}: {links / wall:8.0f} cycles/s  {cpu / links * 1e3:6.3f} ms CPU a cycle  "
            f"{commits} commits for {links} cycles"
        )
    wall = time.perf_counter()
    report = await store.verify()
    wall = time.perf_counter() - wall
    print(f"verify               {report.rows / wall:8.0f} rows/s  bad: {report.bad_seq}")
    await store.aclose()


def measure_memory(times: int) -> None:
    """Prints what a world pays for its database."""
    memory().close()
    wall = time.perf_counter()
    for _ in range(times):
        asyncio.run(_open_and_close())
    print(f"a world's database   {(time.perf_counter() - wall) / times * 1e3:8.2f} ms")


async def _open_and_close() -> None:
    shared = memory()
    store = open_store(shared, environment="world", dice=Count(), inline=True)
    await store.aclose()
    shared.close()


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), given.links, given.batch, given.rounds))
    measure_memory(100)


if __name__ == "__main__":
    main()
