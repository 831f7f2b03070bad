"""`cosell install`, `uninstall` and `package`: shown first, asked for, and told as done."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest

from cosell.cli.entry import run
from cosell.core.errors import NotAllowed
from cosell.crm import Crm
from cosell.crm.installing import Act, Admin, Step, Wish
from cosell.wiring.joining import absent_sandbox
from tests.cli.conftest import HOSTILE, Cosell
from tests.cli.test_configured import Trial

KEPT = Step("Opportunity.Name__c", Act.KEEP)
MADE = Step("Opportunity.New__c", Act.CREATE, "Text «New»")
PAGE = Step("page Sales", Act.CHANGE, "a section", "--- now\n+++ then\n+<section/>")
HAND = Step("pages", Act.BY_HAND, "Do it in Setup.")
BLOCKED = Step("Opportunity.Odd__c", Act.BLOCKED, "It is a number.")
GONE = Step("permission set", Act.REMOVE)


@dataclass(slots=True)
class StandIn:
    """An installer that does nothing but remember."""

    steps: Sequence[Step] = (KEPT, MADE, HAND)
    outward: Sequence[Step] = (KEPT, GONE)
    names: Mapping[str, str] = field(default_factory=dict)
    refuses: bool = False
    wishes: list[tuple[str, Wish]] = field(default_factory=list)
    admins: list[Admin] = field(default_factory=list)

    async def plan(self, wish: Wish) -> Sequence[Step]:
        self.wishes.append(("plan", wish))
        return self.steps

    async def install(self, wish: Wish, told: Callable[[Step], None]) -> Sequence[Step]:
        self.wishes.append(("install", wish))
        if self.refuses:
            raise NotAllowed("This user may not.", advice="Ask an administrator.")
        for step in self.steps:
            told(step)
        return self.steps

    async def removal(self, wish: Wish) -> Sequence[Step]:
        self.wishes.append(("removal", wish))
        return self.outward

    async def uninstall(self, wish: Wish, told: Callable[[Step], None]) -> Sequence[Step]:
        self.wishes.append(("uninstall", wish))
        for step in self.outward:
            told(step)
        return self.outward

    async def settings(self, wish: Wish) -> Mapping[str, str]:
        return self.names

    async def aclose(self) -> None:
        pass

    @property
    def did(self) -> list[str]:
        return [what for what, _ in self.wishes]


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The installer behind the commands; all the rest is real."""
    made = StandIn()

    @contextlib.asynccontextmanager
    async def opened(_: object, admin: Admin) -> AsyncIterator[StandIn]:
        made.admins.append(admin)
        yield made

    monkeypatch.setattr("cosell.wiring.environment.Environment.installer", opened)
    return made


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """A person at a terminal who types this."""
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)


# --- looking -----------------------------------------------------------------------------------------


def test_a_dry_run_shows_every_step_and_does_none(cosell: Cosell, installer: StandIn) -> None:
    installer.steps = (KEPT, MADE, PAGE, HAND)
    said = cosell("install", "salesforce", "--dry-run")
    assert said.code == 0
    assert "✔ Opportunity.Name__c stays" in said.words
    assert "+ Opportunity.New__c will be made (Text «New»)" in said.words
    assert "~ page Sales will be changed (a section) --- now +++ then +<section/>" in said.words
    assert "✋ pages by hand: Do it in Setup." in said.words
    assert "2 of 4 steps change something in Salesforce." in said.words
    assert installer.did == ["plan"]


@pytest.mark.parametrize(("steps", "code"), [((KEPT, MADE), 6), ((KEPT, HAND), 0)])
def test_a_dry_run_tells_by_its_exit_code_whether_changes_are_pending(
    cosell: Cosell, installer: StandIn, steps: Sequence[Step], code: int
) -> None:
    installer.steps = steps
    said = cosell("install", "--dry-run", "--exit-code", "--json")
    assert said.code == code
    assert said.json["ok"] is True
    assert said.json["data"]["steps"][0] == {
        "what": "Opportunity.Name__c",
        "act": "keep",
        "detail": "",
        "diff": "",
    }


def test_something_in_the_way_stops_before_anything_is_asked(cosell: Cosell, installer: StandIn) -> None:
    installer.steps = (MADE, BLOCKED)
    said = cosell("install", "--yes")
    assert said.code == 1
    assert "✘ Opportunity.Odd__c stands in the way: It is a number." in said.words
    assert installer.did == ["plan"]


# --- asking ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_without_a_terminal_and_without_a_yes_nothing_is_even_looked_at(
    cosell: Cosell, installer: StandIn, command: str
) -> None:
    said = cosell(command)
    assert said.code == 2
    assert "--yes" in said.words
    assert installer.did == []


def test_a_no_changes_nothing(cosell: Cosell, installer: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "n\n")
    said = cosell("install")
    assert said.code == 1
    assert "Nothing was changed." in said.words
    assert installer.did == ["plan"]


def test_a_yes_does_what_was_shown(
    cosell: Cosell, installer: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "y\n")
    said = cosell("install")
    assert said.code == 0
    assert "+ Opportunity.New__c will be made" in said.words
    assert "+ Opportunity.New__c made" in said.words
    assert "Done in Salesforce." in said.words
    assert installer.did == ["plan", "install"]


def test_where_nothing_is_to_be_done_nobody_is_asked(cosell: Cosell, installer: StandIn) -> None:
    installer.steps = (KEPT, HAND)
    said = cosell("install", "--yes")
    assert said.code == 0
    assert "Nothing to change in Salesforce." in said.words
    assert installer.did == ["plan"]


# --- doing -------------------------------------------------------------------------------------------


def test_the_wish_is_what_was_said(cosell: Cosell, installer: StandIn) -> None:
    assert cosell("install", "--adopt", "--page", "Sales", "--yes").code == 0
    assert installer.wishes[-1] == ("install", Wish(adopt=True, page="Sales"))
    assert cosell("uninstall", "--data", "--yes").code == 0
    assert installer.wishes[-1] == ("uninstall", Wish(data=True))


def test_what_the_settings_must_say_is_printed_as_it_is_written(cosell: Cosell, installer: StandIn) -> None:
    installer.names = {"fields.help": "msft__Help__c", "lead_fields.audit": "msft__Audit__c"}
    said = cosell("install", "--yes")
    assert '[salesforce.fields] help = "msft__Help__c"' in said.words
    assert '[salesforce.lead_fields] audit = "msft__Audit__c"' in said.words
    assert cosell("install", "--yes", "--json").json["data"]["settings"] == installer.names


def test_a_missing_right_ends_with_4(cosell: Cosell, installer: StandIn) -> None:
    installer.refuses = True
    said = cosell("install", "--yes")
    assert said.code == 4
    assert "Ask an administrator." in said.words


def test_words_of_the_crm_cannot_command_the_terminal(cosell: Cosell, installer: StandIn) -> None:
    installer.steps = (Step(HOSTILE, Act.CREATE, HOSTILE, HOSTILE),)
    said = cosell("install", "--dry-run")
    assert "\x1b" not in said.out + said.err


# --- whose rights ------------------------------------------------------------------------------------


def test_a_token_comes_from_where_it_lies(
    cosell: Cosell, installer: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_TOKEN", "00D!token")
    assert cosell("install", "--token", "env:ADMIN_TOKEN", "--yes").code == 0
    assert installer.admins == [Admin(token="00D!token")]
    assert cosell("install", "--as", "admin@example.com", "--yes").code == 0
    assert installer.admins[-1] == Admin(username="admin@example.com")


def test_a_token_in_clear_is_refused_and_not_repeated(cosell: Cosell, installer: StandIn) -> None:
    said = cosell("install", "--token", "00D5g000001cUWY!secret", "--yes")
    assert said.code == 2
    assert "secret" not in said.out + said.err
    assert installer.admins == []


def test_two_administrators_are_one_too_many(cosell: Cosell, installer: StandIn) -> None:
    assert cosell("install", "--as", "a@example.com", "--token", "env:X", "--yes").code == 2


# --- which CRM ---------------------------------------------------------------------------------------


def test_another_crm_than_that_of_the_settings_is_refused(cosell: Cosell, installer: StandIn) -> None:
    said = cosell("install", "dynamics", "--yes")
    assert said.code == 2
    assert "Salesforce" in said.words
    assert cosell("install", "hubspot", "--yes").code == 1
    assert cosell("install", "dynamics", "--yes", "--config", "sandbox-dynamics").code == 0


def test_a_sandbox_that_does_not_run_is_told_and_how_to_start_it(cosell: Cosell) -> None:
    said = cosell("install", "--dry-run")
    assert said.code == 1
    assert "The sandbox does not run." in said.words
    assert "cosell run" in said.words


def test_a_crm_that_nothing_can_be_installed_into_says_so(
    cosell: Cosell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "cosell.wiring.environment.named",
        lambda name: mock.Mock(spec=Crm, label="Toy", installer=None),
    )
    monkeypatch.setattr("cosell.wiring.places.Place.running", lambda self: {})
    monkeypatch.setattr("cosell.wiring.environment._joined", lambda place: absent_sandbox(place.name))
    said = cosell("install", "--yes")
    assert said.code == 1
    assert "Nothing can be installed into Toy" in said.words


def test_a_package_is_written_without_any_settings(cosell: Cosell, alone: Path) -> None:
    said = cosell("package", "salesforce", "--out", "files", "--json")
    assert said.code == 0
    assert {Path(one).name for one in said.json["data"]["files"]} >= {
        "sfdx-project.json",
        "cosell-salesforce.zip",
    }
    assert cosell("package").code == 2


# --- the real thing ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    command = [sys.executable, "-m", "cosell", "sandbox", "--base-port", "0", "--org", "bare", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        made = Trial(tmp_path_factory.mktemp("bare"), told)
        # No organisation has a stage for deals on hold of its own accord.
        file = made.folder / "cosell.toml"
        file.write_text(file.read_text("utf-8").replace('"On Hold"', '"Prospecting"'), "utf-8")
        yield made
        process.terminate()


def test_a_bare_org_is_made_ready_and_given_back(trial: Trial) -> None:
    admin = ("--as", trial.told["salesforce"]["admin"]["username"])
    assert trial.cosell("install", "salesforce", "--dry-run", "--exit-code", *admin)[0] == 6
    code, told = trial.cosell("install", "salesforce", "--yes")
    assert (code, told["error"]["code"]) == (4, "not_allowed")
    code, told = trial.cosell("install", "salesforce", "--yes", *admin)
    assert (code, told["data"]["changed"]) == (0, True)
    assert trial.cosell("install", "--dry-run", "--exit-code", *admin)[0] == 0
    findings = {one["name"]: one["ok"] for one in trial.cosell("doctor")[1]["data"]["findings"]}
    assert findings["salesforce: schema"] is True
    assert findings["salesforce: referral id"] is True
    with mock.patch.dict(os.environ, {"ADMIN": trial.told["salesforce"]["admin"]["access_token"]}):
        assert trial.cosell("uninstall", "--yes", "--token", "env:ADMIN")[0] == 0
    assert trial.cosell("install", "--dry-run", "--exit-code", *admin)[0] == 6


def test_a_terminal_reads_the_same_as_a_script(trial: Trial) -> None:
    out = io.StringIO()
    admin = trial.told["salesforce"]["admin"]["username"]
    with (
        contextlib.chdir(trial.folder),
        mock.patch.dict(os.environ, trial.environ),
        contextlib.redirect_stdout(out),
    ):
        assert run(["install", "--dry-run", "--as", admin]) == 0
    assert "permission set Cosell_Connector" in out.getvalue()
