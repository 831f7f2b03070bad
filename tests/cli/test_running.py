"""`cosell run` as a new user would: one command, a change on either side arrives on the other."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cosell.cli.entry import run
from cosell.sandbox.shell.verbs import Control

PROGRAM = (sys.executable, "-m", "cosell")
PATIENCE = 60.0


def environment() -> dict[str, str]:
    """The environment of this process without the wishes of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COSELL_")}


@dataclass(frozen=True, slots=True)
class Runner:
    """A running product in a directory of its own."""

    folder: Path
    process: subprocess.Popen[str]
    urls: dict[str, str]

    @property
    def control(self) -> Control:
        return Control(self.urls["index"])

    def cosell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another process beside the running one."""
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self, *words: str) -> Any:
        """The data of a command that must go well; it runs in this process, to be quick."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, environment(), clear=True),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run([*words, "--json"])
        assert code == 0, out.getvalue() + err.getvalue()
        return json.loads(out.getvalue())["data"]

    def page(self, path: str) -> bytes:
        with urllib.request.urlopen(self.urls["web"] + path) as answer:
            body: bytes = answer.read()
            return body


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Runner]:
    """Runs the product on free ports until the block ends."""
    command = [*PROGRAM, "run", "--base-port", "0", "--port", "0", "--json"]
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, (folder / "stderr").read_text()
        yield Runner(folder, process, json.loads(told)["data"]["urls"])
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with started(tmp_path_factory.mktemp("run")) as runner:
        settle(runner)
        yield runner


def until(true: Callable[[], Any]) -> Any:
    """What `true` answers once it answers something; fails when it never does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError("it never came true")


def settle(runner: Runner) -> None:
    """Waits until every deal has found its other half and none is to be looked at again."""

    def at_rest() -> bool:
        status = json.loads(runner.page("/status.json"))["environments"][0]
        waits = any(status["waiting"][name] for name in ("due", "later", "running", "unanswered_writes"))
        return bool(status["links"]["linked"] > 5 and not waits)

    until(at_rest)


def shared_deal(runner: Runner) -> tuple[str, str]:
    """The two ids of one open deal that began in Partner Center and is in step."""
    rows = runner.asked("audit", "list", "--limit", "1000")["rows"]
    began = {row["link"] for row in rows if (row["kind"], row["side"]) == ("create", "crm")}
    for link in runner.asked("plan")["links"]:
        fields = {one["field"]: one for one in link["fields"]}
        if link["link"] in began and fields and fields["state"]["partner_center"] == "active":
            return str(link["referral"]), str(link["opportunity"])
    raise AssertionError("no deal is in step")


def values(runner: Runner, deal: str, field: str) -> tuple[Any, Any]:
    """What both systems say about one field."""
    told = runner.asked("explain", deal)
    assert told["as_of"] == "now"
    (found,) = [one for one in told["fields"] if one["field"] == field]
    return found["partner_center"], found["crm"]


def test_a_change_in_partner_center_arrives_in_the_crm(product: Runner) -> None:
    """SCN-02 to SCN-05 as a person sees them."""
    referral, _ = shared_deal(product)
    product.control.edit(referral, value=123456)
    until(lambda: values(product, referral, "deal_value") == ("123456", "123456"))


def test_a_change_in_the_crm_arrives_in_partner_center(product: Runner) -> None:
    _, opportunity = shared_deal(product)
    product.control.edit(opportunity, amount=654321)
    until(lambda: values(product, opportunity, "deal_value") == ("654321", "654321"))


def test_events_come_signed_and_are_counted(product: Runner) -> None:
    referral, _ = shared_deal(product)
    note = "A note that travels."
    product.control.edit(referral, notes=note)
    # Not at rest before it has arrived, even where an earlier event is the last one noted.
    until(lambda: values(product, referral, "notes") == (note, note))
    told = until(lambda: (found := product.asked("webhook", "status"))["last_event"] and found)
    assert told["ours"] is True
    assert told["missing"] == []


def test_a_test_event_proves_the_way_to_the_product_that_runs(product: Runner) -> None:
    """partner-center-api.md 7.1: asked for by one process, verified by another."""
    told = product.asked("webhook", "test")
    assert told["arrived"] is True
    assert told["attempts"][0]["response_code"] == "Accepted"
    assert set(product.asked("webhook", "status")["events"]) == {
        "referral-created",
        "referral-updated",
        "related-referral-created",
        "related-referral-updated",
    }


def test_every_write_stands_in_the_audit_and_the_chain_holds(product: Runner) -> None:
    verdict = product.asked("audit", "verify")
    assert verdict["bad_seq"] is None
    # The product goes on writing: what is exported afterwards may be more, never less.
    lines = product.cosell("audit", "export").stdout.splitlines()
    assert len(lines) >= verdict["rows"] > 0


def test_the_doctor_finds_the_sandbox_well(product: Runner) -> None:
    findings = product.asked("doctor")["findings"]
    assert all(one["ok"] for one in findings)
    assert {one["name"].partition(":")[0] for one in findings} >= {"partner_center", "salesforce", "events"}


def test_at_rest_a_plan_has_nothing_to_write(product: Runner) -> None:
    settle(product)
    done = product.cosell("plan", "--exit-code", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["data"]["writes"] == 0


def test_a_person_holds_a_deal_and_its_changes_wait(product: Runner) -> None:
    referral, opportunity = shared_deal(product)
    product.asked("hold", referral, "--note", "waits")
    before, _ = values(product, referral, "deal_value")
    product.control.edit(opportunity, amount=777)
    until(lambda: values(product, referral, "deal_value") == (before, "777"))
    product.asked("hold", referral, "--release")
    until(lambda: values(product, referral, "deal_value") == ("777", "777"))


def test_the_status_page_is_served(product: Runner) -> None:
    page = product.page("/").decode()
    assert "in step" in page
    assert json.loads(product.page("/health/ready")) == {"ready": True, "why": ""}


def test_a_sweep_beside_the_running_process_has_that_process_repair(product: Runner) -> None:
    settle(product)
    told = product.asked("sync", "--all")
    assert told["by"] == "running process"
    assert told["sweep"]["compared"] > 5
    assert told["sweep"]["unread"] == 0
    assert (
        json.loads(product.page("/status.json"))["environments"][0]["sweep"]["last"]["began"]
        == told["sweep"]["began"]
    )
    assert "links compared agree" in product.page("/").decode()


def test_a_second_run_in_the_same_directory_is_refused_in_one_sentence(product: Runner) -> None:
    done = product.cosell("run", "--base-port", "0", "--port", "0", "--json")
    assert done.returncode == 1
    assert "already runs the environment sandbox" in json.loads(done.stdout)["error"]["message"]


def test_a_port_in_use_is_said_in_one_sentence(product: Runner, tmp_path: Path) -> None:
    base = product.urls["index"].rpartition(":")[2]
    command = [*PROGRAM, "run", "--base-port", base, "--json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    said = json.loads(done.stdout)["error"]
    assert f"port {base}" in said["message"]
    assert "--base-port" in said["advice"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_it_cleanly_and_a_restart_begins_fresh(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path) as runner:
        runner.process.send_signal(number)
        assert runner.process.wait(timeout=PATIENCE) == 0
    assert (tmp_path / "stderr").read_text() == ""
    data = tmp_path / "cosell-data" / "sandbox"
    assert not (data / "runtime.json").exists()
    assert (data / "sandbox.db").exists()
    with started(tmp_path) as runner:
        runner.process.terminate()
        runner.process.wait(timeout=PATIENCE)
    assert (data / "sandbox.previous.db").exists()


def test_the_sandbox_alone_tells_where_everything_is(tmp_path: Path) -> None:
    command = [*PROGRAM, "sandbox", "--base-port", "0", "--empty", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        first = {"partner_center", "webhooks", "entra", "salesforce", "dataverse", "ca_file"}
        assert set(told) == {*first, "second_account"}
        process.terminate()
        assert process.stdout.read() == ""
    assert process.returncode == 0
