"""What is counted and traced: names, ids and times, and nothing anybody wrote (INV-13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cosell.core.errors import Misconfigured, Unavailable
from cosell.http import Http, NoAnswer, Reply, Request, Timeouts
from cosell.store import SqlStore, open_store
from cosell.wiring import tracing
from cosell.wiring.environment import Environment
from cosell.wiring.joining import absent_sandbox
from cosell.wiring.metrics import Metrics
from cosell.wiring.places import Place
from cosell.wiring.tracing import Traces
from cosell.wiring.witness import Several, Witness, watched
from cosell.wiring.world import FairDice, WallClock
from tests.store.things import T0, done, linked, referral, update

NAME = "sandbox"
SECRET = "Fabrikam buys everything"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    place = Place(NAME, tmp_path)
    opened = open_store(place.database, environment=NAME, dice=FairDice(), inline=True)
    yield opened
    await opened.aclose()


class Wire:
    """A transport that answers as told."""

    def __init__(self, observer: Witness, *answers: int) -> None:
        self.observer, self._answers = observer, list(answers)

    async def send(self, request: Request, timeouts: Timeouts, max_body: int) -> Reply:
        status = self._answers.pop(0)
        if not status:
            raise NoAnswer("cut off")
        return Reply(status, {}, b"")

    async def aclose(self) -> None:
        """Holds nothing."""


class Five(WallClock):
    """Five seconds after the poke."""

    def now(self) -> float:
        return T0 + 5


async def worked(store: SqlStore, witness: Witness) -> None:
    """One link taken, written and let go, as the engine does it."""
    seen = watched(store, witness, Five())
    await store.poke([referral()], T0)
    (taken,) = await seen.take(10, "ann", T0 + 5, 60.0)
    row = replace(update(taken), note=SECRET)
    link = await seen.begin(taken, row, linked(taken.link))
    await seen.finish(taken, [done(row)], link)
    await seen.done(taken, T0 + 6)


async def called(witness: Witness) -> None:
    """Two requests, of which one is never answered."""
    http = Http(Wire(witness, 200, 0), name="Partner Center", allow=["https://pc.example"])
    await http.call("GET", f"https://pc.example/{SECRET[:4]}", purpose="read")
    with pytest.raises(Unavailable):
        await http.call("GET", "https://pc.example/x", purpose="read")


async def test_the_numbers_tell_what_happened_and_what_stands(store: SqlStore, tmp_path: Path) -> None:
    metrics = Metrics()
    await worked(store, metrics.of(NAME))
    await called(metrics.of(NAME))
    env = Environment(Place(NAME, tmp_path), absent_sandbox(), store, environ={})
    await env.alerts.raise_("signed_out", SECRET)
    try:
        text = (await metrics.scrape([env])).decode()
        for line in (
            'cosell_writes_total{environment="sandbox",kind="update",side="crm",state="done"} 1.0',
            'outcome="200",purpose="read",system="Partner Center"} 1.0',
            'cosell_change_to_write_seconds_bucket{environment="sandbox",le="10.0",side="crm"} 1.0',
            'cosell_change_to_write_seconds_bucket{environment="sandbox",le="2.0",side="crm"} 0.0',
            'cosell_links{environment="sandbox",state="linked"} 1.0',
            'cosell_alert{code="signed_out",environment="sandbox"} 1.0',
            'cosell_careful{environment="sandbox"} 0.0',
            'cosell_up{environment="sandbox"} 1.0',
        ):
            assert line in text
        assert 'outcome="no_answer"' in text
        assert "Fabrikam" not in text
        await env.alerts.clear("signed_out")
        assert 'code="signed_out"' not in (await metrics.scrape([env])).decode()
    finally:
        await env.systems().aclose()


async def test_two_processes_worth_of_numbers_do_not_meet() -> None:
    """Nothing global: as many registries as there are of us."""
    one, other = Metrics(), Metrics()
    one.of(NAME).batch(["a", "b"])
    assert one.registry.get_sample_value("cosell_links_taken_total", {"environment": NAME}) == 2
    assert other.registry.get_sample_value("cosell_links_taken_total", {"environment": NAME}) is None


async def test_traces_hold_a_span_for_each_batch_and_each_request(store: SqlStore) -> None:
    kept = InMemorySpanExporter()
    traces = Traces(InMemorySpanExporter())
    traces.provider.add_span_processor(SimpleSpanProcessor(kept))
    witness = Several([traces.of(NAME), Metrics().of(NAME)])
    await worked(store, witness)
    await called(witness)
    batch, good, bad = kept.get_finished_spans()
    traces.close()
    assert [one.name for one in (batch, good, bad)] == ["reconcile", *["Partner Center read"] * 2]
    assert batch.attributes is not None
    assert batch.attributes["cosell.links"] == 1
    assert (good.attributes or {})["http.response.status_code"] == 200
    assert (bad.attributes or {})["error.type"] == "no_answer"
    assert "Fabrikam" not in "".join(one.to_json() for one in (batch, good, bad))


def test_traces_are_off_unless_an_address_is_given() -> None:
    assert not tracing.wanted({})
    assert tracing.wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    assert not tracing.wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"})


def test_without_the_extra_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Misconfigured) as refused:
        Traces()
    assert "cosell[otel]" in refused.value.advice


async def test_what_is_taken_again_is_counted_out_once(store: SqlStore) -> None:
    """A lease that ended and was taken again must not leave its batch open for ever."""
    ended: list[str] = []

    class Listening:
        def calling(self, *_: str):  # type: ignore[no-untyped-def]
            raise AssertionError

        def batch(self, keys):  # type: ignore[no-untyped-def]
            return ended.append

        def wrote(self, *_: object) -> None:
            """Not asked here."""

    seen = watched(store, Listening(), WallClock())
    await store.poke([referral()], T0)
    await seen.take(10, "ann", T0, 1.0)
    (again,) = await seen.take(10, "ann", T0 + 10, 1.0)
    assert ended == ["done"]
    await seen.done(again, T0 + 10)
    assert ended == ["done", "done"]
