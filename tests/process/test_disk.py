"""A disk that is full, locked, read-only or damaged: no outward write, a clear word, nothing lost."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from tests.process.plant import Plant, Run, until
from tests.process.test_ending import description, linked, opportunities, rests

LITTLE = 20_000
"""Bytes: less than the log of the database has already, and enough for what is said on stderr."""


def why_not_ready(run: Run) -> str:
    """What the health page complains about."""
    status, body = run.page("/health/ready")
    return str(json.loads(body)["why"]) if status == 503 else ""


def refused(events: list[dict[str, Any]]) -> bool:
    """Whether each event that was sent has been answered by now, with a refusal."""
    return bool(events) and all(503 in one["results"] for one in events)


def test_a_full_disk_stops_outward_writes_is_told_and_heals_by_itself(plant: Plant) -> None:
    """reliability.md 9, disk first: what the journal cannot hold is not sent."""
    with plant.running() as run:
        (deal,) = linked(plant, run, 1)
        plant.asked("webhook", "register")
        assert plant.database.with_name("plant.db-wal").stat().st_size > LITTLE
        run.largest_file(LITTLE)
        new = [str(plant.control.new_referral(name=f"More {number}")["id"]) for number in range(3)]
        plant.control.edit(deal, notes="Written on a full disk.")
        why = until(lambda: why_not_ready(run))
        assert "disk of the database" in why
        alerts = run.status["alerts"]
        assert [(one["code"], one["message"]) for one in alerts] == [("store_disk", why)]
        assert "by itself" in alerts[0]["advice"]
        assert why in run.page("/")[1]
        until(lambda: refused(plant.control.events()["last"]))
        assert set(opportunities(plant)) == {deal}
        assert run.process.poll() is None
        run.largest_file()
        until(lambda: set(opportunities(plant)) == {deal, *new} and rests(run))
        assert why_not_ready(run) == ""
        assert run.status["alerts"] == []
        assert description(plant, deal) == "Written on a full disk."
        run.terminate()
    assert plant.asked("audit", "verify")["bad_seq"] is None
    lines = [json.loads(line) for line in plant.errors.splitlines()]
    told = [line["event"] for line in lines if line["event"].startswith("store.")]
    assert told == ["store.trouble", "store.well"]


def test_a_database_locked_by_another_program_is_waited_for(plant: Plant) -> None:
    with plant.running() as run:
        (deal,) = linked(plant, run, 1)
        with closing(sqlite3.connect(plant.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            plant.control.edit(deal, notes="Behind a lock.")
            why = until(lambda: why_not_ready(run))
            assert why == "Another program holds the database locked."
            assert description(plant, deal) != "Behind a lock."
            other.execute("ROLLBACK")
        until(lambda: description(plant, deal) == "Behind a lock." and rests(run))
        assert why_not_ready(run) == ""
        run.terminate()
    assert plant.asked("audit", "verify")["bad_seq"] is None


def test_a_damaged_database_is_refused_at_the_start_and_nothing_is_sent(plant: Plant) -> None:
    with plant.running() as run:
        (deal,) = linked(plant, run, 1)
        run.terminate()
    whole = plant.database.read_bytes()
    plant.database.write_bytes(whole[:20_480] + b"\xa5" * (len(whole) - 20_480))
    plant.control.edit(deal, notes="Never to be carried.")
    plant.control.calls(forget=True)
    refused = plant.cosell("run", "--json")
    error = json.loads(refused.stdout)["error"]
    assert (refused.returncode, error["code"]) == (1, "store_damaged")
    assert "backup" in error["advice"]
    assert "Traceback" not in refused.stderr
    assert plant.control.calls()["total"] == 0
    assert description(plant, deal) != "Never to be carried."


AS_NOBODY = """
import encodings.utf_8_sig, fcntl, os, sys
sys.path[:0] = {path!r}
import cosell.cli.running, cosell.web, cosell.wiring.running, cosell.wiring.systems
from cosell.cli.entry import run
os.getuid() or (os.setgid(65534), os.setuid(65534))
sys.exit(run(["run", "--json"]))
"""


@pytest.mark.parametrize("closed", ["cosell-data/plant", "."])
def test_a_place_that_may_not_be_written_is_refused_in_one_sentence(
    plant: Plant, tmp_path_factory: pytest.TempPathFactory, closed: str
) -> None:
    """Tried as a user without special rights, whoever runs the tests."""
    folder = tmp_path_factory.mktemp("shared")
    for file in plant.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
        (folder / file.name).chmod(0o644)
    folder.chmod(0o755)
    (folder / closed).mkdir(parents=True, exist_ok=True)
    (folder / closed).chmod(0o555)
    for above in folder.parents[:2]:
        above.chmod(0o755)
    refused = subprocess.run(
        [sys.executable, "-c", AS_NOBODY.format(path=sys.path)],
        cwd=folder,
        env=plant.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / closed).chmod(0o755)
    assert (refused.returncode, refused.stderr) == (1, "")
    error = json.loads(refused.stdout)["error"]
    assert "permission denied" in error["message"]
    assert error["advice"]
