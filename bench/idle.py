"""Ten thousand quiet deals: what a running connector costs while nothing happens, and how soon it starts."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.crms import SALESFORCE, Crm
from bench.deals import deal
from bench.figures import Figure, share
from bench.service import Service, prepare, start
from bench.stage import Theatre, stage
from cosell.core.fields import FIELDS
from cosell.core.records import LinkState, Pair, Side
from cosell.core.values import Person, Solution, State, Value
from cosell.ports import Poke, Store, Taken
from cosell.store import open_store
from cosell.wiring.world import FairDice

LINKS = 10_000
WATCHED = 30.0
SOAK = 600.0
SHORT_SOAK = 10.0
PACE = 30.0
SOAK_PACE = 5.0
EDITS = 5
FIRST_LOOK = 7.0
"""Seconds within which everything open has been read once."""


async def measure(links: int = LINKS, *, soak: float = 0.0) -> list[Figure]:
    """Adopts the deals, starts anew on that database, and watches for a while."""
    with tempfile.TemporaryDirectory(prefix="cosell-bench-") as folder:
        place = Path(folder)
        async with stage() as theatre:
            told = await theatre("description")
            prepare(place, told, pace=SOAK_PACE)
            await _first_run(place, told)
            pairs = await theatre("seed", links, 2.0)
            await _adopted(place, pairs)
            await _first_run(place, told)
            prepare(place, told, pace=PACE)
            service = await start(place, told)
            try:
                figures = await _watched(service, theatre, links)
            finally:
                service.end()
            if soak:
                figures += await _soaked(place, told, theatre, pairs, soak)
    return figures


async def _first_run(place: Path, told: dict[str, Any]) -> None:
    """Makes the database, or looks at everything open once."""
    service = await start(place, told)
    await asyncio.sleep(FIRST_LOOK)
    service.end()


async def _adopted(place: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Takes all deals into step in the database that lies there."""
    store = open_store(_database(place), environment="bench", dice=FairDice())
    await write_down(store, pairs, time.time())
    await store.aclose()


async def write_down(
    store: Store, pairs: Sequence[tuple[str, str]], now: float, crm: Crm = SALESFORCE
) -> None:
    """Writes down that all deals are in step, as a first run would in some minutes."""
    await store.poke([Poke(Side.CRM, opportunity, "bench") for _, opportunity in pairs], now)
    numbers = {opportunity: at for at, (_, opportunity) in enumerate(pairs)}

    async def one(taken: Taken) -> None:
        at = numbers[taken.link.crm_id or ""]
        await _write_down(store, taken, pairs[at][0], deal(at + 1, crm.solution_id), now)

    while taken := await store.take(1000, "bench", now, 600):
        await asyncio.gather(*map(one, taken))


async def _write_down(
    store: Store, taken: Taken, referral_id: str, wanted: Mapping[str, Any], now: float
) -> None:
    link = replace(
        taken.link,
        partner_center_id=referral_id,
        state=LinkState.LINKED,
        base=_base(wanted),
        mark="ok",
        synced_at=now,
        changed_at=now,
    )
    await store.save(taken, link)
    await store.done(taken, now)


def _base(wanted: Mapping[str, Any]) -> dict[str, Pair]:
    """What both sides of a seeded deal hold."""
    profile, details = wanted["customerProfile"], wanted["details"]
    address, person, seller = profile["address"], profile["team"][0], wanted["team"][0]
    texts = {
        "name": wanted["name"],
        "currency": details["currency"],
        "notes": details["notes"],
        "customer_name": profile["name"],
        "address_line": address["addressLine1"],
        "city": address["city"],
        "postal_code": address["postalCode"],
        "country": address["country"],
    }
    values: dict[str, Value] = {
        **dict.fromkeys(FIELDS),
        **texts,
        "deal_value": Decimal(details["dealValue"]),
        "close_date": date.fromisoformat(details["closingDateTime"][:10]),
        "state": State.ACTIVE,
        "visible": False,
        "contacts": (_person(person),),
        "team": (_person(seller),),
        "solutions": (Solution(details["requirements"]["solutions"][0]["id"]),),
    }
    return {key: Pair(value, value) for key, value in values.items()}


def _person(told: Mapping[str, str]) -> Person:
    return Person(told["email"], told["firstName"], told["lastName"], told["phoneNumber"])


async def _watched(service: Service, theatre: Theatre, links: int) -> list[Figure]:
    # The first look after a start, and what signing in costs, are over.
    await asyncio.sleep(10)
    await theatre("calls")
    before = service.cpu
    await asyncio.sleep(WATCHED)
    used = service.cpu - before
    calls = await theatre("calls")
    polls = 2 * (int(WATCHED / PACE) + 1)
    return [
        Figure(f"start to ready with {links} links", service.started_in, "s", 3),
        Figure(f"idle CPU with {links} links", used / WATCHED * 100, "%", 1),
        Figure(f"memory with {links} links", service.memory, "MB", 120),
        Figure(
            f"remote calls of {links} quiet links in {WATCHED:.0f} s, polls included",
            sum(calls.values()),
            "",
            polls,
            note=", ".join(f"{s} {m} {p.rpartition('/')[2]} {n}" for (s, m, p), n in sorted(calls.items())),
        ),
    ]


async def _soaked(
    place: Path, told: dict[str, Any], theatre: Theatre, pairs: list[tuple[str, str]], seconds: float
) -> list[Figure]:
    """A steady stream of edits on both sides; memory must not grow after the first minute."""
    prepare(place, told, pace=SOAK_PACE)
    service = await start(place, told)
    memory: list[float] = []
    began, at = time.monotonic(), 0
    try:
        while time.monotonic() - began < seconds:
            some = [pairs[(at + n) % len(pairs)] for n in range(EDITS)]
            at += EDITS
            await theatre("edit_referrals", [one for one, _ in some], 200_000.0 + at)
            await theatre("edit_opportunities", [pairs[-1 - (at % 1000)][1]], 300_000.0 + at)
            memory.append(service.memory)
            await asyncio.sleep(1)
    finally:
        service.end()
    fifth = max(1, len(memory) // 5)
    early, late = share(memory[fifth : 2 * fifth], 0.5), share(memory[-fifth:], 0.5)
    return [
        Figure(f"memory after {seconds:.0f} s of {EDITS + 1} edits a second", late, "MB", 120),
        Figure(
            f"growth of memory in {seconds:.0f} s, second fifth to last",
            late - early,
            "MB",
            5 if seconds >= SOAK else None,
        ),
    ]


def _database(place: Path) -> Path:
    (found,) = (path for path in place.rglob("*.db") if os.access(path, os.R_OK))
    return found
