"""Fifty events for five new referrals: five opportunities, and not one more."""

from __future__ import annotations

from bench.connector import connector
from bench.figures import Figure
from bench.stage import stage

REFERRALS = 5
TIMES = 10


async def measure() -> list[Figure]:
    """Every event comes ten times, all at once."""
    async with stage() as theatre, connector(theatre) as joined, joined.at_work(hooked=True):
        await theatre("inbound", REFERRALS, TIMES)
        await theatre("settled")
        await joined.rest()
        made = await theatre("opportunity_count")
        statuses = [one[-1] for one in await theatre("deliveries")]
    accepted = sum(one == 202 for one in statuses)
    return [
        Figure(
            f"events of {REFERRALS} new referrals answered 202, {TIMES} for each and the echoes",
            accepted,
            "",
            REFERRALS * TIMES,
            at_least=True,
        ),
        Figure(f"opportunities made for {REFERRALS} new referrals", made, "", REFERRALS),
        Figure(f"opportunities missing of {REFERRALS}", REFERRALS - made, "", 0),
    ]
