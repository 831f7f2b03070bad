"""How one life ends and the next begins: kill, SIGTERM, a second process."""

from __future__ import annotations

import json
from typing import Any

from tests.process.plant import Plant, Run, until


def linked(plant: Plant, run: Run, count: int) -> list[str]:
    """Makes so many deals in the portal and waits until each has its opportunity; answers the referrals."""
    ids = [str(plant.control.new_referral(name=f"Deal {number}")["id"]) for number in range(count)]
    until(lambda: run.status["links"]["linked"] == count and rests(run))
    return ids


def rests(run: Run) -> bool:
    waiting = run.status["waiting"]
    return not any(waiting[name] for name in ("due", "later", "running", "unanswered_writes"))


def opportunities(plant: Plant) -> dict[str, Any]:
    """What stands in Salesforce, by referral id; none may stand there twice."""
    rows = plant.control.deals()["salesforce"]
    found = {row["referral_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def description(plant: Plant, referral: str) -> str:
    """The notes of a deal as the seller sees them."""
    return str(plant.control.deal(opportunities(plant)[referral]["id"])["description"])


def intends(plant: Plant) -> list[Any]:
    """The open rows of the journal."""
    return list(plant.rows("SELECT id, side FROM write WHERE seq IS NULL"))


def test_acknowledged_events_survive_a_kill_right_after_the_202(plant: Plant) -> None:
    """INV-9: the answer waits for the commit."""
    with plant.running() as run:
        plant.asked("webhook", "register")
        until(lambda: rests(run))
        plant.control.slow(5, system="partner_center")
        plant.control.slow(5, system="salesforce")
        ids = {str(plant.control.new_referral(name=f"Deal {number}")["id"]) for number in range(15)}

        def acknowledged() -> bool:
            calls = plant.control.events()["last"]
            return len(calls) >= 15 and all(one["results"] == [202] for one in calls)

        until(acknowledged)
        run.kill()
    plant.control.slow(0, system="partner_center")
    plant.control.slow(0, system="salesforce")
    kept = plant.rows(
        "SELECT partner_center_id FROM inbox JOIN link USING (environment, key) "
        "WHERE not_before IS NOT NULL AND causes LIKE '%webhook%'"
    )
    told = {one["resource"].rpartition("/")[2] for one in plant.control.events()["last"]}
    assert told <= {row[0] for row in kept}
    with plant.running() as run:
        until(lambda: set(opportunities(plant)) == ids)
        run.terminate()


def test_what_a_killed_process_had_in_hand_is_taken_up_at_once(plant: Plant) -> None:
    """INV-18: nobody waits until the lease of the dead ends."""
    with plant.running() as run:
        (deal,) = linked(plant, run, 1)
        plant.control.slow(3, system="salesforce")
        plant.control.edit(deal, notes="Sent, and never answered.")
        until(lambda: plant.rows("SELECT 1 FROM inbox WHERE lease_until IS NOT NULL"))
        dead = f":{run.process.pid}:"
        run.kill()
    plant.control.slow(0, system="salesforce")
    with plant.running() as run:
        owners = plant.rows("SELECT lease_owner FROM inbox WHERE lease_until IS NOT NULL")
        assert not any(dead in owner for (owner,) in owners)
        until(lambda: description(plant, deal) == "Sent, and never answered.")
        run.terminate()
    assert plant.asked("audit", "verify")["bad_seq"] is None


def test_sigterm_in_the_middle_of_a_write_ends_in_time_and_loses_nothing(plant: Plant) -> None:
    """The issue's three seconds; the write is still on its way when the process is gone."""
    with plant.running() as run:
        (deal,) = linked(plant, run, 1)
        plant.control.slow(2.6, system="salesforce")
        plant.control.edit(deal, notes="Late, but once.")
        until(lambda: intends(plant))
        assert run.terminate() < 3
        assert run.process.returncode == 0
    plant.control.slow(0, system="salesforce")
    with plant.running() as run:
        until(lambda: rests(run) and not intends(plant))
        run.terminate()
    assert description(plant, deal) == "Late, but once."
    assert plant.asked("audit", "verify")["bad_seq"] is None


def test_a_short_write_is_finished_before_the_end(plant: Plant) -> None:
    with plant.running() as run:
        (deal,) = linked(plant, run, 1)
        plant.control.slow(0.8, system="salesforce")
        plant.control.edit(deal, notes="Just in time.")
        until(lambda: intends(plant))
        assert run.terminate() < 3
    assert intends(plant) == []
    plant.control.slow(0, system="salesforce")
    assert description(plant, deal) == "Just in time."


def test_a_second_run_on_the_same_data_is_refused_in_one_sentence(plant: Plant) -> None:
    with plant.running() as run:
        refused = plant.cosell("run", "--port", "0")
        assert refused.returncode == 1
        assert refused.stdout == ""
        assert "Another cosell already runs the environment plant" in refused.stderr.replace("\n", " ")
        assert json.loads(run.page("/health/ready")[1])["ready"] is True
        run.terminate()
    assert plant.errors == ""


def test_settings_that_change_during_a_run_wait_for_the_next_one(plant: Plant) -> None:
    """They are read once: a broken file disturbs nobody who runs, and the next start names its mistake."""
    settings = plant.folder / "cosell.toml"
    whole = settings.read_text("utf-8")
    with plant.running() as run:
        (deal,) = linked(plant, run, 1)
        settings.write_text(whole.replace("[pace]", "[paec]"), "utf-8")
        plant.control.edit(deal, notes="Under the old settings.")
        until(lambda: description(plant, deal) == "Under the old settings.")
        run.terminate()
    refused = plant.cosell("run", "--json")
    assert refused.returncode == 1
    assert "Did you mean «pace»?" in json.loads(refused.stdout)["error"]["message"]
    settings.write_text(whole, "utf-8")
    assert plant.asked("status")["links"]["linked"] == 1
