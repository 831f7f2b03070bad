"""A settings file, a sandbox served on its own, and no process running: every command does its work alone."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cosell.cli.entry import run

FILE = """\
[environment]
name = "trial"
kind = "sandbox"

[partner_center]
environment = "sandbox"
tenant = "{entra[tenant]}"
client_id = "{entra[client_id]}"
client_secret = "env:ENTRA_SECRET"
refresh_token = "file:refresh-token"
url = "{partner_center[url]}"
webhooks_url = "{webhooks[url]}"
authority = "{entra[authority]}"
organization_id = "{partner_center[organization_id]}"

[salesforce]
environment = "sandbox"
login_url = "{salesforce[login_url]}"
client_id = "{salesforce[client_id]}"
username = "{salesforce[username]}"
private_key = "file:salesforce.pem"

[salesforce.stages]
active = "Qualification"
on_hold = ["On Hold"]

[web]
public_url = "https://cosell.example"
"""


def written(folder: Path, told: dict[str, Any]) -> dict[str, str]:
    """Writes the settings with their secrets beside them; answers the environment they need."""
    (folder / "cosell.toml").write_text(FILE.format(**told), "utf-8")
    for name, secret in (
        ("refresh-token", told["entra"]["refresh_token"]),
        ("salesforce.pem", told["salesforce"]["private_key_pem"]),
    ):
        (folder / name).write_text(secret, "utf-8")
        (folder / name).chmod(0o600)
    return {"ENTRA_SECRET": told["entra"]["client_secret"], "COSELL_WHO": "ada"}


class Trial:
    """The settings file, what the sandbox told of itself, and the command line."""

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self.folder, self.told = folder, told
        self.environ = written(folder, told)

    def cosell(self, *words: str) -> tuple[int, Any]:
        """The exit code and the envelope of a command."""
        out = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self.environ),
            contextlib.redirect_stdout(out),
        ):
            code = run([*words, "--json"])
        return code, json.loads(out.getvalue())


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    command = [sys.executable, "-m", "cosell", "sandbox", "--base-port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Trial(tmp_path_factory.mktemp("trial"), told)
        process.terminate()


def test_the_doctor_is_content_and_says_that_events_are_not_registered(trial: Trial) -> None:
    code, told = trial.cosell("doctor")
    assert code == 0, told
    (events,) = [one for one in told["data"]["findings"] if one["name"] == "events"]
    assert "cosell webhook register" in events["advice"]


def test_before_the_first_look_a_plan_says_that_no_deal_is_known(trial: Trial) -> None:
    """J-1: nothing known is not the same as nothing to do."""
    code, told = trial.cosell("plan")
    assert (code, told["data"]["links"]) == (0, [])
    with contextlib.chdir(trial.folder), mock.patch.dict(os.environ, trial.environ):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert run(["plan"]) == 0
    assert "No deal is known yet" in out.getvalue()


def test_a_sync_of_everything_needs_no_run_before_it(trial: Trial) -> None:
    fresh = (trial.folder / "cosell.toml").read_text("utf-8").replace('name = "trial"', 'name = "fresh"')
    fresh += "\n[flows]\n" + "".join(
        f"{flow} = false\n"
        for flow in ("inbound_referral", "outbound_create", "outbound_update", "outbound_solutions")
    )
    (trial.folder / "fresh.toml").write_text(fresh, "utf-8")
    assert trial.cosell("status", "--config", "fresh.toml")[0] == 1
    code, told = trial.cosell("sync", "--all", "--config", "fresh.toml")
    assert code in (0, 3), told
    assert trial.cosell("status", "--config", "fresh.toml")[0] == 0


def test_a_lapsed_sign_in_ends_the_doctor_with_4(trial: Trial) -> None:
    """Exit code 4: a sign-in is needed; the others are checked all the same."""
    lapsed = (trial.folder / "cosell.toml").read_text("utf-8").replace('name = "trial"', 'name = "lapsed"')
    lapsed = lapsed.replace("file:refresh-token", "file:old-token")
    (trial.folder / "lapsed.toml").write_text(lapsed, "utf-8")
    (trial.folder / "old-token").write_text("not-a-token", "utf-8")
    (trial.folder / "old-token").chmod(0o600)
    code, told = trial.cosell("doctor", "--config", "lapsed.toml")
    assert code == 4
    findings = {one["name"]: one for one in told["data"]["findings"]}
    assert "Renew the secret" in findings["partner_center: sign-in"]["advice"]
    assert findings["salesforce: sign-in"]["ok"] is True


def test_the_mapping_is_linted_against_what_both_systems_have(trial: Trial) -> None:
    """Decision 4, reliability.md 8.5: linted against the live schema."""
    code, told = trial.cosell("mapping", "lint")
    assert (code, told["data"]) == (0, {"problems": [], "unchecked": ""})
    other = (trial.folder / "cosell.toml").read_text("utf-8")
    other = other.replace("[salesforce.stages]", 'deal_value_field = "Description"\n\n[salesforce.stages]')
    other += '\n[salesforce.fields]\nsolution_object = "Nothing__c"\n'
    (trial.folder / "other.toml").write_text(other, "utf-8")
    code, told = trial.cosell("mapping", "lint", "--config", "other.toml")
    problems = " ".join(told["data"]["problems"])
    assert code == 1
    assert "Opportunity.Description is a field of the type textarea" in problems
    assert "[solutions] salesforce has no field for it" in problems


def test_a_lint_without_the_systems_says_that_it_saw_only_half(trial: Trial) -> None:
    key = trial.folder / "salesforce.pem"
    kept = key.read_text("utf-8")
    key.unlink()
    try:
        code, told = trial.cosell("mapping", "lint")
    finally:
        key.write_text(kept, "utf-8")
        key.chmod(0o600)
    assert (code, told["data"]["problems"]) == (0, [])
    assert "private_key" in told["data"]["unchecked"]


def test_sync_alone_brings_all_deals_together_and_a_plan_is_then_empty(trial: Trial) -> None:
    code, told = trial.cosell("sync", "--all")
    assert code in (0, 3)
    assert told["data"]["by"] == "this command"
    assert trial.cosell("status")[1]["data"]["links"]["linked"] > 5
    code, told = trial.cosell("plan", "--exit-code")
    assert (code, told["data"]["writes"]) == (0, 0)


def test_a_sync_of_everything_compares_every_link_and_prints_the_report(trial: Trial) -> None:
    """CAP-14: Auto-heal on demand; the same report stands in the status."""
    trial.cosell("sync", "--all")
    code, told = trial.cosell("sync", "--all")
    sweep = told["data"]["sweep"]
    assert (code, sweep["error"], sweep["repaired"]) == (0, "", 0)
    assert sweep["compared"] > 5
    assert sweep["calls"].keys() == {"partner_center", "salesforce"}
    kept = trial.cosell("status")[1]["data"]["sweep"]
    assert kept["last"]["began"] == sweep["began"]
    assert kept["says"] == sweep["says"]
    assert kept["next"] > sweep["began"] + 86_000
    assert f"{sweep['compared']} links compared agree" in sweep["says"]


def test_with_the_repair_flow_off_a_sync_of_everything_looks_at_each_link_alone(trial: Trial) -> None:
    """FLW-D11 is a switch: off means that nobody sweeps."""
    still = (trial.folder / "cosell.toml").read_text("utf-8") + "\n[flows]\nrepair = false\n"
    (trial.folder / "still.toml").write_text(still, "utf-8")
    code, told = trial.cosell("sync", "--all", "--config", "still.toml")
    assert code in (0, 3)
    assert "sweep" not in told["data"]
    assert told["data"]["looks"] > 0
    status = trial.cosell("status", "--config", "still.toml")[1]["data"]
    assert (status["sweep"]["on"], status["sweep"]["next"]) == (False, None)


def test_the_rotated_refresh_token_is_sealed_and_no_secret_lies_in_the_data(trial: Trial) -> None:
    """INV-13."""
    trial.cosell("doctor")
    secrets = [
        trial.told["entra"]["refresh_token"],
        trial.told["entra"]["client_secret"],
        trial.told["salesforce"]["private_key_pem"].splitlines()[3],
    ]
    for file in (trial.folder / "cosell-data" / "trial").iterdir():
        content = file.read_bytes()
        assert all(secret.encode() not in content for secret in secrets), file.name


def test_events_are_registered_seen_and_given_back(trial: Trial) -> None:
    code, told = trial.cosell("webhook", "register")
    assert code == 0, told
    assert told["data"]["owner"] == "https://cosell.example/webhooks/partner-center/trial"
    code, told = trial.cosell("webhook", "status")
    assert (told["data"]["ours"], told["data"]["missing"]) == (True, [])
    code, told = trial.cosell("webhook", "release")
    assert code == 0
    assert len(trial.cosell("webhook", "status")[1]["data"]["missing"]) == 4


def test_somebody_elses_events_are_taken_only_with_overwrite_and_then_given_back(trial: Trial) -> None:
    """WHK-05."""
    text = (trial.folder / "cosell.toml").read_text("utf-8")
    other = text.replace("https://cosell.example", "https://other.example").replace('"trial"', '"other"')
    (trial.folder / "other.toml").write_text(other, "utf-8")
    trial.cosell("webhook", "register", "--overwrite")
    code, told = trial.cosell("webhook", "register", "--config", "other.toml")
    assert code == 1
    assert "https://cosell.example" in told["error"]["message"]
    code, told = trial.cosell("webhook", "register", "--overwrite", "--config", "other.toml")
    former = "https://cosell.example/webhooks/partner-center/trial"
    assert (code, told["data"]["taken_from"]) == (0, former)
    assert trial.cosell("webhook", "status", "--config", "other.toml")[1]["data"]["taken_from"] == former
    code, told = trial.cosell("webhook", "release", "--config", "other.toml")
    assert told["data"] == {"owner": former, "given_back": True, "foreign": False}
    assert trial.cosell("webhook", "release", "--config", "other.toml")[1]["data"]["foreign"] is True


def test_a_test_event_that_cannot_arrive_says_why_in_microsofts_words(trial: Trial) -> None:
    """partner-center-api.md 7.1: nobody answers at an address that is only an example."""
    trial.cosell("webhook", "register", "--overwrite")
    code, told = trial.cosell("webhook", "test")
    assert (code, told["data"]["arrived"]) == (1, False)
    (attempt, *_) = told["data"]["attempts"]
    assert attempt["system_error"] is True
    assert "got no answer from our address" in told["data"]["says"]
    assert "docs/how-to/receive-events.md" in told["data"]["advice"]


def test_a_single_deal_is_synced_by_any_of_its_names(trial: Trial) -> None:
    trial.cosell("sync", "--all")
    (link, *_) = [
        one
        for one in trial.cosell("plan")[1]["data"]["links"]
        if one["state"] == "linked" and one["referral"]
    ]
    for name in (link["link"], link["referral"], link["opportunity"]):
        code, told = trial.cosell("sync", name)
        assert (code, told["data"]["links"][0]["key"]) == (0, link["link"])


def test_a_missing_secret_stops_nothing_that_needs_only_the_database(trial: Trial) -> None:
    trial.cosell("sync", "--all")
    kept = trial.environ.pop("ENTRA_SECRET")
    try:
        assert trial.cosell("status")[0] == 0
        code, told = trial.cosell("plan")
        assert code == 1
        assert "ENTRA_SECRET, which is not set" in told["error"]["message"]
    finally:
        trial.environ["ENTRA_SECRET"] = kept
