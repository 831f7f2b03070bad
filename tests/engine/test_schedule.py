"""When a sweep begins: after its pause or at its hour, one for all processes, whoever restarts (ENV-D06)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from cosell.core.errors import SignedOut
from cosell.core.guards import Policy
from cosell.core.mapping import Flow
from cosell.engine import Pace, swept
from cosell.engine.schedule import Schedule
from tests.engine.shelves import Town, again, town

DAY = 86_400.0
AT = time(2, 30)


def moment(text: str) -> float:
    """Epoch seconds of a time as clocks on this machine's walls show it."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("began", "every", "due"),
    [
        ("2026-03-02 02:30", DAY, "2026-03-03 02:30"),
        ("2026-03-02 02:31", DAY, "2026-03-03 02:30"),
        ("2026-03-02 09:00", DAY, "2026-03-03 02:30"),
        ("2026-03-02 02:30", 3600.0, "2026-03-03 02:30"),
        ("2026-03-01 02:30", 7 * DAY, "2026-03-08 02:30"),
    ],
)
def test_with_an_hour_of_the_day_a_sweep_begins_at_that_hour_only(began: str, every: float, due: str) -> None:
    pace = Pace(sweep_every=every, sweep_at=AT)
    assert swept.next_turn(moment(began), pace) == moment(due)


def test_without_an_hour_it_begins_when_the_pause_is_over() -> None:
    assert swept.next_turn(1000.0, Pace(sweep_every=50.0)) == 1050.0


def test_the_hour_is_kept_when_the_clocks_change() -> None:
    for day in range(366):
        after = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
        due = datetime.fromtimestamp(swept.at_clock(after.timestamp(), time(4, 0)), UTC).astimezone()
        assert (due.hour, due.minute) == (4, 0)
        assert timedelta() < due - after <= timedelta(hours=26)


def test_the_report_survives_being_kept_and_nonsense_is_no_report() -> None:
    report = swept.Report(1.5, 2.5, links=3, agreed=2, held=1, calls={"crm": 4})
    assert swept.read(swept.told(report)) == report
    for kept in (None, "", "[]", "7", '{"links": 1}', "{", '"text"'):
        assert swept.read(kept) is None
    assert swept.Report(1.0).agreement is None


async def _ran(home: Town, schedule: Schedule, until: Callable[[], bool]) -> None:
    """Lets the schedule run until something is so; time passes only while it sleeps."""
    task = asyncio.create_task(schedule.run())
    while not until():
        await asyncio.sleep(0)
        assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _passed(home: Town, seconds: float) -> Callable[[], bool]:
    since = home.hands.now()
    return lambda: home.hands.now() - since > seconds


def _sweeps(home: Town) -> int:
    return home.opportunities.calls["changes"]


async def test_the_first_sweep_follows_the_start_by_the_pause_and_then_each_the_last() -> None:
    async with town(sweep_every=DAY) as home:
        await home.linked(1)
        await _ran(home, home.engine.schedule, _passed(home, 0.9 * DAY))
        assert _sweeps(home) == 0
        await _ran(home, home.engine.schedule, _passed(home, 0.2 * DAY))
        report = (await swept.standing(home.store)).report
        assert report is not None
        assert report.agreed == 1
        await _ran(home, home.engine.schedule, _passed(home, 3 * DAY))
        assert _sweeps(home) == 4


async def test_restarts_do_not_put_a_sweep_off() -> None:
    async with town(sweep_every=DAY) as home:
        await home.linked(1)
        for _ in range(9):
            other = again(home.store, home.hands, home.referrals, home.opportunities, sweep_every=DAY)
            await _ran(home, other.schedule, _passed(home, DAY / 6))
        assert _sweeps(home) == 1


async def test_of_two_processes_one_sweeps() -> None:
    async with town(sweep_every=DAY) as home:
        await home.linked(1)
        other = again(home.store, home.hands, home.referrals, home.opportunities, sweep_every=DAY)
        for engine in (home.engine, other):
            await _ran(home, engine.schedule, _passed(home, 7200.0))
        home.hands.time += DAY
        seen = await swept.standing(home.store)
        claims = await asyncio.gather(
            *(engine.schedule._claimed(seen.kept) for engine in (home.engine, other))
        )
        assert sorted(claim is None for claim in claims) == [False, True]


async def test_a_sweep_that_fails_is_tried_again_after_an_hour() -> None:
    async with town(sweep_every=DAY) as home:
        await home.linked(1)
        home.referrals.broken = [SignedOut("The sign-in lapsed.")]
        await _ran(home, home.engine.schedule, _passed(home, 1.1 * DAY))
        stands = await swept.standing(home.store)
        assert stands.report is not None
        assert (stands.report.error, stands.unfinished) == ("", False)
        assert home.referrals.calls["changes"] == 2


async def test_with_the_flow_off_nobody_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """FLW-D11 is a switch like the others."""
    async with town(sweep_every=1.0) as home:
        begun: list[str] = []
        for name, flows in (("off", frozenset(Flow) - {Flow.REPAIR}), ("on", frozenset(Flow))):
            engine = again(home.store, home.hands, home.referrals, home.opportunities, sweep_every=1.0)
            engine.room.policy = replace(Policy(), flows=flows)

            async def noted(name: str = name) -> None:
                begun.append(name)

            monkeypatch.setattr(engine.schedule, "run", noted)
            task = asyncio.create_task(engine.run())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            engine.stop()
            await task
        assert begun == ["on"]
