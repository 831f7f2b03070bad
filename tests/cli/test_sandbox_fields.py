"""What an administrator of a CRM does in the sandbox, from the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cosell.sandbox import Sandbox

from .conftest import Cosell

AUDIT = "Opportunity.Audit__c"


@pytest.fixture
def sandbox(alone: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """An empty sandbox that serves beside the test."""
    ready, over, found = threading.Event(), asyncio.Event(), list[Any]()

    async def serve() -> None:
        async with Sandbox.serve(base_port=0, empty=True) as served:
            found.extend((served, asyncio.get_running_loop()))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    monkeypatch.setenv("COSELL_SANDBOX", found[0].urls["index"])
    yield found[0]
    found[1].call_soon_threadsafe(over.set)
    thread.join(30)


def test_a_field_is_changed_and_made_what_it_was(cosell: Cosell, sandbox: Sandbox) -> None:
    done = cosell("sandbox", "field", "salesforce", AUDIT, "--rename", "Trail__c", "--json")
    assert (done.code, done.json["data"]["changed"]) == (0, [AUDIT])
    assert AUDIT in cosell("sandbox", "field", "salesforce").words
    assert cosell("sandbox", "field", "salesforce", AUDIT, "--restore").code == 0
    stages = ("sandbox", "field", "salesforce", "Opportunity.StageName")
    assert cosell(*stages, "--rename-value", "On Hold=Parked").code == 0
    assert "Parked" in sandbox.salesforce_desk.stages()
    both = cosell("sandbox", "field", "salesforce", AUDIT, "--hide", "--remove")
    assert both.code == 1
    assert "exactly one" in both.words


def test_the_quota_is_used_up_and_given_back(cosell: Cosell, sandbox: Sandbox) -> None:
    assert "left: 5" in cosell("sandbox", "quota", "--left", "5").words
    assert sandbox.salesforce.settings.daily_api_calls == sandbox.salesforce.calls_used + 5
    assert cosell("sandbox", "quota", "--restore").code == 0
    assert sandbox.salesforce.settings.daily_api_calls == 100_000


def test_a_secret_is_added_and_the_old_one_ended(cosell: Cosell, sandbox: Sandbox) -> None:
    app = sandbox.salesforce.application
    made = cosell("sandbox", "secret", "salesforce", "--new", "--json").json["data"]
    assert list(app.good_secrets.values())[1:] == [made["secret"]]
    assert cosell("sandbox", "secret", "salesforce", "--end", "oldest").code == 0
    assert list(app.good_secrets.values()) == [made["secret"]]


def test_an_organisation_nobody_knows_is_refused(cosell: Cosell) -> None:
    said = cosell("sandbox", "--org", "nonsense")
    assert said.code == 2
    assert "ready, bare, microsoft" in said.words
