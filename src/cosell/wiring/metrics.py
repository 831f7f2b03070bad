"""Numbers for Prometheus: what happens is counted as it happens, what stands is read when it is asked for.

Labels are few and come from this program alone, so that their number is bounded: no id, no value, no name.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from cosell.core.errors import CosellError
from cosell.core.records import LinkState, Write, WriteKind
from cosell.engine import careful, swept
from cosell.http import Ended
from cosell.wiring import alerts
from cosell.wiring.report import HEARD

if TYPE_CHECKING:
    from cosell.wiring.environment import Environment

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Bounds of the time from hearing of a change to its confirmed write; the promise is two minutes (INV-18)."""
CALLS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)


class Metrics:
    """All numbers of one process, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry(auto_describe=False)
        here = ("environment",)
        self.calls = Counter(
            "cosell_calls",
            "Requests to the two systems and their sign-in, by how they ended.",
            (*here, "system", "purpose", "outcome"),
            registry=registry,
        )
        self.call_seconds = Histogram(
            "cosell_call_seconds",
            "How long requests took.",
            (*here, "system"),
            buckets=CALLS,
            registry=registry,
        )
        self.looks = Counter("cosell_links_taken", "Links taken in hand.", here, registry=registry)
        self.writes = Counter(
            "cosell_writes",
            "Finished rows of the audit, by side, kind and outcome.",
            (*here, "side", "kind", "state"),
            registry=registry,
        )
        self.latency = Histogram(
            "cosell_change_to_write_seconds",
            "From hearing of a change to the confirmed write that carries it.",
            (*here, "side"),
            buckets=SECONDS,
            registry=registry,
        )
        self.standing = _Standing(registry)

    def of(self, environment: str) -> Counted:
        """The witness of one environment."""
        return Counted(self, environment)

    async def scrape(self, environments: Sequence[Environment]) -> bytes:
        """Everything, as Prometheus reads it. A database that does not answer shows as `cosell_up 0`."""
        for env in environments:
            await self.standing.look(env)
        return generate_latest(self.registry)


class Counted:
    """Counts what happens in one environment."""

    def __init__(self, metrics: Metrics, environment: str) -> None:
        self._metrics, self._environment = metrics, environment
        self._taken = metrics.looks.labels(environment)

    def calling(self, system: str, method: str, purpose: str) -> Ended:
        began, here = time.monotonic(), self._environment

        def ended(how: str) -> None:
            self._metrics.calls.labels(here, system, purpose or method.lower(), how).inc()
            self._metrics.call_seconds.labels(here, system).observe(time.monotonic() - began)

        return ended

    def batch(self, keys: Sequence[str]) -> Ended:
        self._taken.inc(len(keys))
        return _nothing

    def wrote(self, write: Write, seconds: float) -> None:
        here, side = self._environment, str(write.side)
        self._metrics.writes.labels(here, side, str(write.kind), str(write.state)).inc()
        if write.kind is not WriteKind.DECISION:
            self._metrics.latency.labels(here, side).observe(seconds)


class _Standing:
    """What stands in the database, read when somebody asks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(name, says, ("environment", *labels), registry=registry)

        self.up = gauge("cosell_up", "1 where the database answers.")
        self.links = gauge("cosell_links", "Links by state.", "state")
        self.waiting = gauge("cosell_waiting", "Keys in the inbox: due, later, running.", "when")
        self.oldest = gauge("cosell_waiting_oldest_seconds", "How long the oldest due key waits.")
        self.open_writes = gauge("cosell_writes_unanswered", "Writes whose answer is not known.")
        self.alerts = gauge("cosell_alerts", "Alerts that stand.")
        self.alert = gauge("cosell_alert", "1 for each alert that stands, by its code.", "code")
        self.careful = gauge("cosell_careful", "1 in careful mode, after a restore.")
        self.heard = gauge("cosell_last_event_timestamp_seconds", "When the last event arrived.")
        self.used = gauge("cosell_budget_used", "Calls of the quota used, as the system says.", "system")
        self.limit = gauge("cosell_budget_limit", "Calls the quota allows, as the system says.", "system")
        self.agreement = gauge("cosell_sweep_agreement_ratio", "Share of compared links that agreed.")
        self.swept = gauge("cosell_sweep_timestamp_seconds", "When the last sweep began.")
        self.found = gauge("cosell_sweep_links", "What the last sweep found.", "found")

    async def look(self, env: Environment) -> None:
        here = env.place.name
        try:
            await self._read(env, here)
        except CosellError:
            self.up.labels(here).set(0)
        else:
            self.up.labels(here).set(0 if env.store.trouble is not None else 1)
        for system in (env.systems().partner_center, env.systems().crm):
            budget = system.budget()
            for series, number in ((self.used, budget.used), (self.limit, budget.limit)):
                if number is not None:
                    series.labels(here, system.name).set(number)

    async def _read(self, env: Environment, here: str) -> None:
        load = await env.store.load(env.clock.now())
        for state in LinkState:
            self.links.labels(here, str(state)).set(load.links.get(str(state), 0))
        for when, count in (("due", load.due), ("later", load.later), ("running", load.running)):
            self.waiting.labels(here, when).set(count)
        self.oldest.labels(here).set(load.oldest_wait)
        self.open_writes.labels(here).set(load.open_writes)
        await self._alerts(env, here)
        self.careful.labels(here).set(careful.read(await env.store.setting(careful.SETTING)).on)
        if (heard := await env.store.setting(HEARD)) is not None:
            self.heard.labels(here).set(float(heard))
        self._swept(here, (await swept.standing(env.store)).report)

    async def _alerts(self, env: Environment, here: str) -> None:
        standing = await alerts.standing(env.store)
        self.alerts.labels(here).set(len(standing))
        for _, code in [key for key in _children(self.alert) if key[0] == here]:
            self.alert.remove(here, code)
        for one in standing:
            self.alert.labels(here, one.code).set(1)

    def _swept(self, here: str, report: swept.Report | None) -> None:
        if report is None:
            return
        self.swept.labels(here).set(report.began)
        if report.agreement is not None:
            self.agreement.labels(here).set(report.agreement)
        told = report.data()
        for found in ("agreed", "held", "repaired", "gone", "half", "closed", "resting", "unread", "unknown"):
            self.found.labels(here, found).set(told[found])


def _children(gauge: Gauge) -> list[tuple[str, str]]:
    """The labels there are by now: an environment and a code each."""
    found = {
        (one.labels["environment"], one.labels["code"]) for got in gauge.collect() for one in got.samples
    }
    return sorted(found)


def _nothing(_: str) -> None:
    """Batches are only counted."""
