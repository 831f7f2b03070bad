"""A backlog: a thousand deals changed at once, found by one poll."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

from bench.connector import Connector, connector
from bench.crms import SALESFORCE, Crm
from bench.figures import Figure
from bench.stage import Call, stage
from cosell.core.records import Side

DEALS = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """What one backlog cost, its echo included."""

    seconds: float
    cpu: float
    calls: Counter[Call]

    def of(self, system: str) -> int:
        return sum(times for (name, _, _), times in self.calls.items() if name == system)

    def told(self, system: str) -> str:
        """Which calls these were."""
        some = {call[1:]: times for call, times in self.calls.items() if call[0] == system}
        return ", ".join(
            f"{m} {path.rpartition('/')[2]} {times}" for (m, path), times in sorted(some.items())
        )


async def measure(crm: Crm = SALESFORCE, deals: int = DEALS) -> list[Figure]:
    """Inward and outward, the second time each: the first one warms up."""
    async with stage(crm) as theatre, connector(theatre) as joined:
        pairs = await joined.adopt(deals)
        async with joined.at_work():
            for value in (70_000.0, 80_000.0):
                await theatre("edit_referrals", [one for one, _ in pairs], value + 1)
                inward = await _run(joined, Side.PARTNER_CENTER, value + 1, deals)
                await theatre("edit_opportunities", [one for _, one in pairs], value + 2)
                outward = await _run(joined, Side.CRM, value + 2, deals)
    into, out = f"{crm.label}, inward", f"{crm.label}, outward"
    return [
        _calls(into, crm, inward),
        Figure(f"{into}: list pages", inward.of("partner_center"), "", 25),
        Figure(f"{into}: changes a second at zero latency", deals / inward.seconds, "/s", 500, at_least=True),
        Figure(f"{into}: connector CPU a change", inward.cpu / deals * 1000, "ms", 2),
        Figure(f"{out}: Partner Center calls a deal", outward.of("partner_center") / deals, "", 1.2),
        _calls(out, crm, outward),
        Figure(f"{out}: changes a second at zero latency", deals / outward.seconds, "/s"),
        Figure(f"{out}: connector CPU a change", outward.cpu / deals * 1000, "ms"),
    ]


def _calls(way: str, crm: Crm, run: Run) -> Figure:
    told = run.told(crm.system)
    return Figure(f"{way}: {crm.label} calls", run.of(crm.system), "", crm.backlog_calls, note=told)


async def _run(joined: Connector, side: Side, value: float, deals: int) -> Run:
    """Lets the connector find and carry all changes; afterwards both systems must agree."""
    # Longer ago than the second that a CRM tells the time of a change by.
    await joined.pass_time(300)
    await joined.calls()
    wall, cpu = time.perf_counter(), time.process_time()
    await joined.engine.poll(side)
    joined.engine.worker.wake()
    await joined.rest()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await joined.pass_time(5)
    for echo in Side:
        await joined.engine.poll(echo)
    joined.engine.worker.wake()
    await joined.rest()
    values = await joined.theatre("opportunity_values" if side is Side.PARTNER_CENTER else "referral_values")
    right = sum(one == value for one in values.values())
    if right != deals:
        raise RuntimeError(f"{deals - right} of {deals} changes did not arrive")
    await asyncio.sleep(0)
    return Run(wall, cpu, await joined.calls())
