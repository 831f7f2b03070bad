"""An alert comes once, stays over restarts, and goes once."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cosell.ports import Store
from cosell.store import open_store
from cosell.wiring.alerts import StoredAlerts, read, standing
from cosell.wiring.world import FairDice, WallClock


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path / "x.db", environment="x", dice=FairDice())
    yield opened
    await opened.aclose()


async def test_an_alert_raised_twice_stands_once_with_the_time_it_came_and_its_latest_words(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    alerts = StoredAlerts(store, clock=WallClock())
    with caplog.at_level(logging.INFO):
        await alerts.raise_("signed_out", "Sign in again.", "cosell doctor")
        first = await standing(store)
        await alerts.raise_("signed_out", "Sign in again, please.")
    (now,) = await standing(store)
    assert (now.message, now.since) == ("Sign in again, please.", first[0].since)
    assert [record.getMessage() for record in caplog.records] == ["alert.raised"]


async def test_a_cleared_alert_is_gone_and_clearing_again_is_silent(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    alerts = StoredAlerts(store, clock=WallClock())
    await alerts.raise_("down", "Salesforce is down.")
    caplog.clear()
    with caplog.at_level(logging.INFO):
        await alerts.clear("down")
        await alerts.clear("down")
    assert list(await standing(store)) == []
    assert [record.getMessage() for record in caplog.records] == ["alert.cleared"]


async def test_the_next_start_knows_what_stood_before(store: Store) -> None:
    await StoredAlerts(store, clock=WallClock()).raise_("down", "Salesforce is down.")
    restarted = StoredAlerts(store, clock=WallClock())
    await restarted.raise_("down", "Salesforce is down again.")
    assert [one.message for one in await standing(store)] == ["Salesforce is down again."]
    await restarted.clear("down")
    assert list(await standing(store)) == []


def test_a_damaged_row_is_shown_as_it_is() -> None:
    assert read({"alert:x": "not json"})[0].message == "not json"
