"""Events pass on their id; that they stopped coming is noticed by what polling finds alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cosell.core.records import FieldWrite, Side, Write, WriteKind, WriteState
from cosell.engine import Engine
from cosell.ports import Budget, Poke, Store
from cosell.store import open_store
from cosell.systems.partner_center.registration import Registered
from cosell.wiring.alerts import StoredAlerts, standing
from cosell.wiring.environment import HOOKS, Environment
from cosell.wiring.events import DAY, HOUR, MISSED, MOST_TESTS, SILENT, Ear, keep_watch
from cosell.wiring.ownership import OURS as OURS_ROW
from cosell.wiring.ownership import TAKEN
from cosell.wiring.proving import TESTED
from cosell.wiring.report import HEARD
from cosell.wiring.world import FairDice, WallClock


@dataclass(slots=True)
class Inbox:
    """Stands in for the engine: keeps what it heard."""

    ids: list[str] = field(default_factory=list)

    async def heard(self, record_id: str) -> None:
        self.ids.append(record_id)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path / "x.db", environment="x", dice=FairDice())
    yield opened
    await opened.aclose()


PUBLIC = "https://cosell.example"
OURS = Registered(f"{PUBLIC}{HOOKS}sandbox", ("referral-updated",))
THEIRS = Registered("https://other.example/hook", ("referral-updated",))


def an_ear(store: Store, inbox: Inbox, present: Registered | None = OURS) -> Ear:
    clock = WallClock()

    async def status() -> Registered | None:
        return present

    env = SimpleNamespace(
        store=store,
        clock=clock,
        alerts=StoredAlerts(store, clock=clock),
        address=OURS.url,
        systems=lambda: SimpleNamespace(webhook=None, registration=SimpleNamespace(status=status)),
    )
    return Ear(cast(Environment, cast(Any, env)), cast(Engine, cast(Any, inbox)))


async def write(store: Store, number: int, cause: str, *, marks_only: bool = False) -> None:
    """One finished write to the CRM with a cause."""
    now = WallClock().now() + 1.0
    await store.poke([Poke(Side.PARTNER_CENTER, f"r-{number}", "poll")], now)
    (taken,) = await store.take(1, "test", now, 60.0)
    row = Write(
        id=f"w-{number}",
        link_key=taken.key,
        side=Side.CRM,
        kind=WriteKind.UPDATE,
        record_id="o",
        partner_id=None,
        fields={} if marks_only else {"notes": FieldWrite("old", "new", "new", "changed_in_partner_center")},
        cause=cause,
        created_at=now,
        sent_at=now,
    )
    link = await store.begin(taken, row, taken.link)
    done = replace(row, state=WriteState.DONE, finished_at=now)
    await store.finish(taken, [done], link)
    await store.done(taken, now)


async def test_an_event_passes_its_id_and_leaves_the_time_it_came(store: Store) -> None:
    inbox = Inbox()
    await an_ear(store, inbox).heard("a2000000-0000-4000-8000-000000000001")
    assert inbox.ids == ["a2000000-0000-4000-8000-000000000001"]
    assert await store.setting(HEARD)


async def test_an_event_about_something_else_proves_only_that_events_come(store: Store) -> None:
    inbox = Inbox()
    await an_ear(store, inbox).heard("")
    assert inbox.ids == []
    assert await store.setting(HEARD)


async def test_a_test_event_proves_the_way_and_not_that_deals_are_told_of(store: Store) -> None:
    """TRB-4.3: test events come where several tenants keep all others away."""
    inbox = Inbox()
    ear = an_ear(store, inbox)
    for _ in range(MOST_TESTS + 5):
        await ear.heard("test-created")
    assert inbox.ids == []
    assert await store.setting(HEARD) is None
    assert await store.setting(TESTED)


async def test_changes_that_only_polling_found_raise_the_alarm_once(store: Store) -> None:
    """product.md WHK-09, WHK-10."""
    ear = an_ear(store, Inbox())
    for number in range(MISSED):
        assert not await standing(store)
        await write(store, number, "poll")
        await ear.listen()
    assert [one.code for one in await standing(store)] == [SILENT]


@pytest.mark.parametrize("announced", range(1, MISSED + 1))
async def test_a_change_that_an_event_announced_keeps_it_quiet(store: Store, announced: int) -> None:
    ear = an_ear(store, Inbox())
    for number in range(MISSED + 1):
        await write(store, number, "webhook, poll" if number == announced else "poll")
    await ear.listen()
    assert not await standing(store)


async def test_the_change_that_the_last_event_announced_hides_no_silence(store: Store) -> None:
    """Its write always begins after the event came."""
    ear = an_ear(store, Inbox())
    await ear.heard("a2000000-0000-4000-8000-000000000001")
    await write(store, 0, "webhook")
    for number in range(1, MISSED + 1):
        await write(store, number, "poll")
    await ear.listen()
    assert [one.code for one in await standing(store)] == [SILENT]


async def test_marks_that_tell_the_seller_of_his_own_edits_are_no_changes_missed(store: Store) -> None:
    ear = an_ear(store, Inbox())
    for number in range(MISSED + 1):
        await write(store, number, "poll", marks_only=True)
    await ear.listen()
    assert not await standing(store)


async def test_the_next_event_clears_the_alarm(store: Store) -> None:
    ear = an_ear(store, Inbox())
    for number in range(MISSED):
        await write(store, number, "poll")
    await ear.listen()
    await ear.heard("")
    assert not await standing(store)


@pytest.mark.parametrize(("present", "owner"), [(THEIRS, "https://other.example"), (None, "nobody")])
async def test_events_that_were_taken_away_are_told_with_their_present_owner(
    store: Store, present: Registered | None, owner: str
) -> None:
    """WHK-05: one address per partner; another tool that registers silences this one."""
    ear = an_ear(store, Inbox(), present)
    await ear.heard("")
    for number in range(MISSED):
        await write(store, number, "poll")
    await ear.listen()
    (alert,) = await standing(store)
    assert f"go to {owner}" in alert.message
    assert "--overwrite" in alert.advice


async def test_events_that_never_came_although_registered_point_to_several_tenants(store: Store) -> None:
    """TRB-4.3, WHK-10: Microsoft support has to enable a partner account with several tenants."""
    ear = an_ear(store, Inbox())
    for number in range(MISSED):
        await write(store, number, "poll")
    await ear.listen()
    (alert,) = await standing(store)
    assert "has ever come" in alert.message
    assert "several tenants" in alert.advice
    assert "cosell webhook test" in alert.advice


async def test_events_that_stopped_point_to_registering_again(store: Store) -> None:
    """TRB-4.1, WHK-09; partner-center-api.md 7.2: Microsoft's first advice is to register again."""
    ear = an_ear(store, Inbox())
    await ear.heard("")
    for number in range(MISSED):
        await write(store, number, "poll")
    await ear.listen()
    (alert,) = await standing(store)
    assert "stopped coming" in alert.message
    assert "cosell webhook register" in alert.advice


async def test_a_registration_that_was_made_here_and_went_elsewhere_is_one_alert(store: Store) -> None:
    """C-39 the other way round: whoever owns the address now is named, and nothing is taken back."""
    ear = an_ear(store, Inbox(), THEIRS)
    await store.set_setting(OURS_ROW, f'{{"url": "{OURS.url}", "since": 1.0}}', "cosell", 1.0)
    for number in range(MISSED):
        await write(store, number, "poll")
    await ear.listen()
    (alert,) = await standing(store)
    assert (alert.code, "other.example" in alert.message) == (TAKEN, True)
    assert "cosell webhook release" in alert.advice
    await ear.heard("")
    assert not await standing(store)


async def test_the_watch_looks_for_the_owner_at_the_start_and_then_once_a_day(store: Store) -> None:
    looks = 0

    async def status() -> Registered | None:
        nonlocal looks
        looks += 1
        return THEIRS

    clock = Leaping()
    systems = SimpleNamespace(
        registration=SimpleNamespace(status=status), partner_center=Budgetless("a"), crm=Budgetless("b")
    )
    env: Any = SimpleNamespace(
        store=store,
        clock=clock,
        alerts=StoredAlerts(store, clock=clock),
        address=OURS.url,
        systems=lambda: systems,
    )
    await store.set_setting(OURS_ROW, f'{{"url": "{OURS.url}", "since": 1.0}}', "cosell", 1.0)
    with pytest.raises(Leaping.Ended):
        await keep_watch(cast(Environment, env), None)
    assert looks == 3
    assert [one.code for one in await standing(store)] == [TAKEN]


class Leaping(WallClock):
    """Lets two days and an hour pass at once, and then no more."""

    class Ended(Exception):
        """The time is over."""

    leapt = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.leapt

    async def sleep(self, seconds: float) -> None:
        self.leapt += seconds
        if self.leapt > 2 * DAY + HOUR:
            raise Leaping.Ended


@dataclass(slots=True)
class Budgetless:
    """A system that tells nothing of its quota."""

    name: str

    def budget(self) -> Budget:
        return Budget()


async def test_where_events_never_came_polling_alone_is_no_alarm(store: Store) -> None:
    ear = an_ear(store, Inbox(), None)
    for number in range(MISSED):
        await write(store, number, "poll")
    await ear.listen()
    assert not await standing(store)
