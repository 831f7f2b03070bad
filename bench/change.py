"""One change at a time, with events on: how soon the write leaves for the other side, and what it costs.

A change of the CRM counts from the poll that saw it. The two polls that see the echo count only for what
they cost beyond two that see nothing: they come at their own pace, change or no change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from bench.connector import Connector, Sent, connector
from bench.crms import SALESFORCE, Crm
from bench.figures import Figure, share
from bench.stage import Call, stage
from cosell.core.records import Side

CHANGES = 100
ECHOES = 10
"""So many of them are followed until their echo is seen."""
LATENCY = 0.05
Pair = tuple[str, str]
Act = Callable[[Connector, Pair, float], Awaitable[float]]


async def measure(crm: Crm = SALESFORCE, changes: int = CHANGES) -> list[Figure]:
    """Both directions, at 50 ms and at no latency."""
    figures: list[Figure] = []
    async with stage(crm) as theatre, connector(theatre) as joined:
        pairs = await joined.adopt(changes + 1)
        async with joined.at_work(hooked=True):
            value = 100_000.0
            await _inward(joined, pairs.pop(), value)  # the first event ever fetches the certificate
            quiet = await _quiet(joined)
            for latency in (LATENCY, 0.0):
                await theatre("latency", latency)
                for act in (_inward, _outward):
                    value += 1
                    found = await _direction(joined, act, pairs, latency=latency, value=value, quiet=quiet)
                    figures += found
                    await joined.pass_time(300)
    return figures


async def _direction(
    joined: Connector, act: Act, pairs: Sequence[Pair], *, latency: float, value: float, quiet: int
) -> list[Figure]:
    name = act.__name__.strip("_")
    waits, writes = [], []
    total: Counter[Call] = Counter()
    await joined.calls()
    for number, pair in enumerate(pairs):
        began = await act(joined, pair, value)
        waits.append((_write_of(joined, act).left - began) * 1000)
        if number < ECHOES:
            known = len(joined.sent)
            await _echo(joined)
            writes.append(sum(one.writes for one in joined.sent[known:]))
            total += await joined.calls()
    of_changes = Counter({call: times for call, times in total.items() if call[0] != "webhooks"})
    calls = of_changes.total() / len(writes) - quiet
    at = f"{joined.theatre.crm.label}, {name}, {latency * 1000:.0f} ms latency"
    spent = ", ".join(
        f"{system} {method} {path.rpartition('/')[2]} {times / len(writes):.2g}"
        for (system, method, path), times in sorted(of_changes.items())
    )
    return [
        Figure(f"{at}: change to write, p50", share(waits, 0.5), "ms", latency * 1000 + 20),
        Figure(f"{at}: change to write, p99", share(waits, 0.99), "ms", latency * 1000 + 100),
        Figure(f"{at}: calls a change, echo included", calls, "", 4, note=f"with the two polls: {spent}"),
        Figure(f"{at}: writes on the echo", max(writes), "", 0),
    ]


def _write_of(joined: Connector, act: Act) -> Sent:
    """The request that carried the change across."""
    across = joined.theatre.crm.writes_at if act is _inward else "/referrals/"
    found = next((one for one in joined.sent if one.writes and across in one.url), None)
    if found is None:
        raise RuntimeError("a change was not carried across")
    return found


async def _inward(joined: Connector, pair: Pair, value: float) -> float:
    """An edit in the portal, whose event starts everything; answers when it was made."""
    joined.sent.clear()
    began: float = await joined.theatre("edit_referrals", [pair[0]], value)
    await joined.theatre("settled")
    await joined.rest()
    return began


async def _outward(joined: Connector, pair: Pair, value: float) -> float:
    """An edit by the seller; answers when the poll that told of it had its answer."""
    await joined.theatre("edit_opportunities", [pair[1]], value)
    # A row of the present second is looked at twice; a change is mostly found by a later poll.
    await joined.pass_time(2)
    joined.sent.clear()
    await joined.engine.poll(Side.CRM)
    await joined.calls()
    joined.engine.worker.wake()
    await joined.rest()
    await joined.theatre("settled")
    await joined.rest()
    return joined.sent[0].back


async def _quiet(joined: Connector) -> int:
    """What one poll of each side costs where nothing happened."""
    await joined.pass_time(300)
    await _echo(joined)
    await joined.calls()
    await _echo(joined)
    return (await joined.calls()).total()


async def _echo(joined: Connector) -> None:
    """One poll of each side, as it comes after every change."""
    for side in Side:
        await joined.engine.poll(side)
    joined.engine.worker.wake()
    await joined.rest()
