"""Signed events at 200 a second over HTTP: how soon each is durable and answered, while the engine works."""

from __future__ import annotations

from bench.connector import connector
from bench.figures import Figure, share
from bench.stage import stage

RATE = 200.0
SECONDS = 10
DEALS = 400


async def measure(seconds: int = SECONDS) -> list[Figure]:
    """The events name deals that are in step; each is looked at, as it is in earnest."""
    async with stage() as theatre, connector(theatre) as joined:
        pairs = await joined.adopt(DEALS)
        async with joined.at_work(hooked=True):
            ids = [pairs[at % DEALS][0] for at in range(int(RATE * seconds))]
            await theatre("storm", joined.address, ids[:50], RATE)  # the certificate is fetched once
            answers = await theatre("storm", joined.address, ids, RATE)
            await joined.rest()
    waits = [wait * 1000 for _, wait in answers]
    refused = sum(status != 202 for status, _ in answers)
    return [
        Figure("event to acknowledgement at 200/s, p50", share(waits, 0.5), "ms", 10),
        Figure("event to acknowledgement at 200/s, p99", share(waits, 0.99), "ms", 50),
        Figure(f"events of {len(ids)} not acknowledged", refused, "", 0),
    ]
