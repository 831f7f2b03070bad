"""The command line in this process, on a real database in a directory of its own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cosell.cli.entry import run
from cosell.core.reasons import Reason
from cosell.core.records import FieldWrite, Hold, Link, LinkState, Pair, Side, Write, WriteKind, WriteState
from cosell.ports import Poke, Store, Taken
from cosell.store import open_store
from cosell.wiring.places import locate
from cosell.wiring.world import FairDice

REFERRAL = "a2000000-0000-4000-8000-000000000001"
OPPORTUNITY = "0061k00000MvlFNAAZ"
HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]name[/] \u202e\u200bgro.live\r\n=HYPERLINK(1)"


@dataclass(frozen=True, slots=True)
class Said:
    """What one command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The envelope; stdout must hold nothing else."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def words(self) -> str:
        """Everything said, with every run of white space as one space."""
        return re.sub(r"\s+", " ", self.out + self.err)


Cosell = Callable[..., Said]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory without settings, an environment without wishes, and a person with a name."""
    monkeypatch.chdir(tmp_path)
    for name in ("COSELL_CONFIG", "COSELL_DATA", "COSELL_KEY", "COSELL_SANDBOX", "COSELL_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COSELL_BASE_PORT", "1")
    monkeypatch.setenv("COSELL_WHO", "ada")
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def cosell(capsys: pytest.CaptureFixture[str]) -> Cosell:
    """Runs one command."""

    def said(*words: str) -> Said:
        capsys.readouterr()
        code = run(words)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Said(code, out, err)

    return said


def stored(work: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
    """Does something with the database of the sandbox environment, as another process would."""

    async def opened() -> Any:
        place = locate(None, {})
        place.prepare()
        store = open_store(place.database, environment=place.name, dice=FairDice())
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(opened())


def a_link(key: str) -> Link:
    """A linked deal in step, with one conflict and one hostile name."""
    return Link(
        key=key,
        partner_center_id=REFERRAL,
        crm_id=OPPORTUNITY,
        engagement_id="e1000000-0000-4000-8000-000000000001",
        state=LinkState.LINKED,
        base={
            "name": Pair(HOSTILE, HOSTILE),
            "deal_value": Pair(Decimal(100), Decimal(100)),
            "close_date": Pair(date(2027, 1, 1), date(2027, 1, 1)),
        },
        holds={"deal_value": Hold(Reason.CONFLICT, 1000.0, Decimal(200), Decimal(300))},
        synced_at=1000.0,
    )


def a_write(link: Link) -> Write:
    """An update of the CRM that is about to be sent."""
    return Write(
        id="w-1",
        link_key=link.key,
        side=Side.CRM,
        kind=WriteKind.UPDATE,
        record_id=OPPORTUNITY,
        partner_id=REFERRAL,
        fields={
            "deal_value": FieldWrite(
                Decimal(90), Decimal(100), Decimal(100), Reason.CHANGED_IN_PARTNER_CENTER
            )
        },
        cause="webhook, poll",
        created_at=1000.0,
        sent_at=1000.0,
    )


async def _one_deal(store: Store) -> str:
    await store.poke([Poke(Side.PARTNER_CENTER, REFERRAL, "webhook")], 1000.0)
    (taken,) = await store.take(1, "test", 1000.0, 60.0)
    assert isinstance(taken, Taken)
    link = replace(a_link(taken.key), revision=taken.link.revision)
    write = a_write(link)
    link = await store.begin(taken, write, link)
    done = replace(write, state=WriteState.DONE, finished_at=1001.0, outcome="stored")
    await store.finish(taken, [done], link)
    await store.done(taken, 1001.0)
    return taken.key


@pytest.fixture
def deal(alone: Path) -> str:
    """The key of one deal in the database of the sandbox environment, which does not run."""
    key = stored(_one_deal)
    assert isinstance(key, str)
    return key


def link_of(key: str) -> Link:
    """The link as it is stored now."""
    found = stored(lambda store: store.link(key))
    assert isinstance(found, Link)
    return found
