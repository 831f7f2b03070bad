"""Ten thousand quiet deals compared on both sides: what a sweep costs, and that it finds what drifted."""

from __future__ import annotations

import asyncio
import gc
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.connector import Connector, connector
from bench.crms import SALESFORCE, Crm
from bench.figures import Figure
from bench.idle import write_down
from bench.stage import stage
from cosell.engine.swept import Report

LINKS = 10_000
DRIFTED = 20
"""Deals changed on either side behind the connector's back."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one sweep cost."""

    report: Report
    seconds: float
    cpu: float
    calls: int
    grown: float
    """Megabytes the memory grew by, at its highest."""


async def measure(crm: Crm = SALESFORCE, links: int = LINKS) -> list[Figure]:
    """The first sweep warms up; the second is measured; the third meets drift and repairs it."""
    async with stage(crm) as theatre, connector(theatre) as joined:
        pairs = await theatre("seed", links)
        await joined.pass_time(300)
        await write_down(joined.env.store, pairs, joined.env.clock.now() - 200, crm)
        await _swept(joined)
        quiet = await _swept(joined)
        await _drift(joined, pairs)
        mended = await _swept(joined)
        await joined.engine.drain()
        again = await _swept(joined)
    if (quiet.report.agreed, again.report.agreed) != (links, links):
        raise RuntimeError(f"not all agree: {quiet.report}, {again.report}")
    of = f"{crm.label}, sweep of {links} links"
    return [
        Figure(f"{of}: calls to both systems", quiet.calls, "", 150),
        Figure(f"{of} at zero latency", quiet.seconds, "s", 60),
        Figure(f"{of}: connector CPU a link", quiet.cpu / links * 1000, "ms"),
        Figure(f"{crm.label}: memory a second sweep adds at its height", quiet.grown, "MB", 10),
        Figure(
            f"{crm.label}: of {2 * DRIFTED} deals that drifted found",
            mended.report.repaired,
            "",
            2 * DRIFTED,
            at_least=True,
        ),
        Figure(
            f"{crm.label}: deals that agree after the repair", again.report.agreed, "", links, at_least=True
        ),
    ]


async def _drift(joined: Connector, pairs: Sequence[tuple[str, str]]) -> None:
    """Changes some deals on either side; nobody polls, and no event comes."""
    ours, theirs = pairs[:DRIFTED], pairs[-DRIFTED:]
    await joined.theatre("edit_referrals", [one for one, _ in ours], 71_000.0)
    await joined.theatre("edit_opportunities", [one for _, one in theirs], 72_000.0)
    await joined.pass_time(300)


async def _swept(joined: Connector) -> Run:
    await joined.calls()
    gc.collect()
    before, highest = _memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    report = await joined.engine.sweep()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = max(_memory() - before, (peak - highest) / 1000)
    await asyncio.sleep(0)
    return Run(report, wall, cpu, (await joined.calls()).total(), grown)


def _memory() -> float:
    """Megabytes this process holds now."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024 / 1e6
    return 0.0
