"""Kill −9 at the worst moment: acknowledged events survive it, and a backlog is neither lost nor doubled."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.service import Service, prepare, start
from bench.stage import Theatre, stage
from cosell.core.records import LinkState
from cosell.store import open_store
from cosell.wiring.world import FairDice

DEALS = 200
EVENTS = 40
KILLS = 4
RARELY, OFTEN = 86_000.0, 5.0
NEW = 10


async def measure() -> list[Figure]:
    """First the events alone, then a backlog in both directions with new deals among it."""
    with tempfile.TemporaryDirectory(prefix="cosell-bench-") as folder:
        place = Path(folder)
        async with stage() as theatre:
            told = await theatre("description")
            pairs = await theatre("seed", DEALS)
            prepare(place, told, pace=OFTEN)
            service = await start(place, told)
            await _linked(place, DEALS)
            service.end()
            prepare(place, told, pace=RARELY)
            figures = await _events(place, told, theatre, pairs[:EVENTS])
            prepare(place, told, pace=OFTEN)
            figures += await _backlog(place, told, theatre, pairs)
    return figures


async def _events(
    place: Path, told: dict[str, Any], theatre: Theatre, pairs: list[tuple[str, str]]
) -> list[Figure]:
    """Systems that answer late keep the events waiting; what is in the database then is what survived."""
    service = await start(place, told)
    await asyncio.sleep(2)
    await theatre("latency", 3.0)
    ids = [one for one, _ in pairs]
    await theatre("edit_referrals", ids, 600_000.0)
    answers = await theatre("storm", f"{service.address}/webhooks/partner-center/bench", ids, 100.0)
    service.kill()
    acknowledged = sum(status == 202 for status, _ in answers)
    store = open_store(_database(place), environment="bench", dice=FairDice())
    load = await store.load(time.time())
    await store.aclose()
    await theatre("latency", 0.0)
    return [
        Figure(f"events of {EVENTS} acknowledged before kill −9", acknowledged, "", EVENTS, at_least=True),
        Figure("acknowledged events lost by kill −9", acknowledged - load.due - load.running, "", 0),
    ]


async def _backlog(
    place: Path, told: dict[str, Any], theatre: Theatre, pairs: list[tuple[str, str]]
) -> list[Figure]:
    """Half of the deals change on either side and new ones come, while the connector is killed repeatedly."""
    half = len(pairs) // 2
    await theatre("latency", 0.02)
    await theatre("edit_referrals", [one for one, _ in pairs[:half]], 700_000.0)
    await theatre("edit_opportunities", [one for _, one in pairs[half:]], 700_000.0)
    await theatre("inbound", NEW, 1)
    for at in range(KILLS):
        service = await start(place, told)
        await asyncio.sleep(0.3 + 0.35 * at)
        service.kill()
    service = await start(place, told)
    await _linked(place, len(pairs) + NEW)
    figures = await _compared(theatre, half, len(pairs) + NEW)
    await _end(service)
    store = open_store(_database(place), environment="bench", dice=FairDice())
    report = await store.verify()
    await store.aclose()
    broken = 0 if report.bad_seq is None else 1
    return [*figures, Figure(f"breaks in the audit chain of {report.rows} rows", broken, "", 0)]


async def _compared(theatre: Theatre, half: int, opportunities: int) -> list[Figure]:
    crm = list((await theatre("opportunity_values")).values())
    partner_center = list((await theatre("referral_values")).values())
    arrived = sum(one == 700_000.0 for one in crm), sum(one == 700_000.0 for one in partner_center)
    made = await theatre("opportunity_count")
    return [
        Figure(f"edits of {2 * half} lost over {KILLS} × kill −9", 4 * half - sum(arrived), "", 0),
        Figure(f"opportunities doubled among {opportunities}", made - opportunities, "", 0),
    ]


async def _linked(place: Path, count: int) -> None:
    """Returns when so many deals are in step and nothing waits."""
    deadline = time.monotonic() + 60
    store = open_store(_database(place), environment="bench", dice=FairDice())
    try:
        calm = 0
        while calm < 8:
            await asyncio.sleep(0.5)
            load = await store.load(time.time())
            known = load.links.get(LinkState.LINKED, 0) >= count
            busy = load.due or load.running or load.later or load.open_writes
            calm = calm + 1 if known and not busy else 0
            if time.monotonic() > deadline:
                raise RuntimeError(f"not in step after a minute: {load}")
    finally:
        await store.aclose()


async def _end(service: Service) -> None:
    await asyncio.to_thread(service.end)


def _database(place: Path) -> Path:
    (found,) = place.rglob("bench.db")
    return found
