"""Service protection: three limits, the wait that grows, and what is told meanwhile (2.11)."""

from __future__ import annotations

import asyncio

import pytest

from .dynamics import Dynamics


async def test_requests_beyond_the_limit_wait_for_the_window(dynamics: Dynamics) -> None:
    dynamics.org.settings.requests_limit = 3
    remaining = [
        (await dynamics.get("WhoAmI")).headers["x-ms-ratelimit-burst-remaining-xrm-requests"]
        for _ in range(3)
    ]
    assert remaining == ["2", "1", "0"]
    refused = await dynamics.get("WhoAmI")
    assert refused.refusal == (429, "0x80072322")
    assert refused.message == "Number of requests exceeded the limit of 3 over time window of 300 seconds."
    waits = [int(refused.headers["Retry-After"])]
    waits += [int((await dynamics.get("WhoAmI")).headers["Retry-After"]) for _ in range(2)]
    assert waits == [300, 305, 310]
    dynamics.frame.clock.advance(300)
    assert (await dynamics.get("WhoAmI")).status == 200


async def test_the_combined_time_of_requests_has_a_limit_too(dynamics: Dynamics) -> None:
    settings = dynamics.org.settings
    settings.execution_seconds_limit, settings.seconds_charged_per_request = 1.0, 0.6
    told = [await dynamics.get("WhoAmI") for _ in range(3)]
    assert [one.status for one in told] == [200, 200, 429]
    assert told[0].headers["x-ms-ratelimit-time-remaining-xrm-requests"] == "0.40"
    assert told[2].refusal == (429, "0x80072321")
    assert "1,000 milliseconds" in told[2].message


async def test_too_many_at_once_are_refused_at_once(dynamics: Dynamics) -> None:
    dynamics.org.settings.concurrency_limit = 1
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> object:
        async def body() -> object:
            yield b'{"name":'
            arrived.set()
            await go_on.wait()
            yield b'"Contoso"}'

        headers = {"Content-Type": "application/json"}
        return await dynamics.call("POST", "accounts", data=body(), headers=headers)

    first = asyncio.create_task(slowly())
    await arrived.wait()
    while (second := await dynamics.get("WhoAmI")).status == 200:
        pass
    assert second.refusal == (429, "0x80072326")
    assert second.message == "Number of concurrent requests exceeded the limit of 1."
    assert second.headers["Retry-After"] == "5"
    go_on.set()
    await first
    assert (await dynamics.get("WhoAmI")).status == 200


@pytest.mark.parametrize(
    ("facet", "code"),
    [("requests", "0x80072322"), ("time", "0x80072321"), ("concurrency", "0x80072326")],
)
async def test_the_next_requests_can_be_sent_away_for_any_reason(
    dynamics: Dynamics, facet: str, code: str
) -> None:
    dynamics.org.settings.throttle_facet = facet  # type: ignore[assignment]
    dynamics.org.settings.throttle_next = 2
    told = [await dynamics.get("WhoAmI") for _ in range(3)]
    assert [one.status for one in told] == [429, 429, 200]
    assert told[0].refusal == (429, code)
    assert [one.headers["Retry-After"] for one in told[:2]] == ["5", "10"]
    ready = dynamics.org.faults[f"THROTTLED_{facet.upper()}"]
    assert (ready.status, ready.headers["retry-after"]) == (429, "5")
    assert code.encode() in ready.body


async def test_every_answer_hints_at_a_wise_parallelism(dynamics: Dynamics) -> None:
    assert (await dynamics.get("WhoAmI")).headers["x-ms-dop-hint"] == "4"
    dynamics.org.settings.requests_limit = None
    headers = (await dynamics.get("WhoAmI")).headers
    assert "x-ms-ratelimit-burst-remaining-xrm-requests" not in headers
