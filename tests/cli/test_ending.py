"""Every ending has its exit code and its sentence; no traceback ever (design.md decision 9)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cryptography.fernet import Fernet

from cosell.cli import speaking
from cosell.cli.app import app
from cosell.cli.entry import run
from cosell.core.errors import (
    CosellError,
    Gone,
    Misconfigured,
    NotAllowed,
    Rejected,
    SignedOut,
    Stale,
    Throttled,
    Unavailable,
    Uncertain,
)
from cosell.core.mapping import DEFAULT
from tests.cli.conftest import Cosell


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SignedOut("x"), 4),
        (NotAllowed("x"), 4),
        (Misconfigured("x"), 1),
        (Rejected("x"), 1),
        (Gone("x"), 1),
        (Unavailable("x"), 75),
        (Throttled("x"), 75),
        (Stale("x"), 75),
        (Uncertain("x"), 75),
        (speaking.Refusal("x", exit_code=5), 5),
    ],
)
def test_the_exit_code_says_what_to_do_next(error: CosellError, code: int) -> None:
    assert speaking.exit_code(error) == code


def test_an_error_says_what_happened_what_was_done_and_what_can_be_done(cosell: Cosell, alone: Path) -> None:
    (alone / "cosell.toml").write_text("x = 1", "utf-8")
    said = cosell("status")
    assert said.out == ""
    assert "There is no setting [x]." in said.words
    assert "Nothing was started." in said.words
    assert "Correct the setting named above" in said.words


def test_an_error_for_scripts_is_one_envelope_on_stdout(cosell: Cosell, alone: Path) -> None:
    (alone / "cosell.toml").write_text("x = 1", "utf-8")
    said = cosell("status", "--json")
    assert said.err == ""
    assert said.json["ok"] is False
    assert set(said.json["error"]) == {"code", "message", "did", "advice"}
    assert said.json["error"]["code"] == "misconfigured"


def test_an_unforeseen_failure_is_a_sentence_and_tells_no_values(
    cosell: Cosell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError("secret value")

    monkeypatch.setattr("cosell.cli.charting.show", broken)
    said = cosell("mapping", "show", "--json")
    assert said.code == 1
    assert said.json["error"]["code"] == "unforeseen"
    assert "ZeroDivisionError" in said.json["error"]["message"]
    assert "secret value" not in said.out


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("cosell.cli.charting.show", interrupted)
    assert run(["mapping", "show"]) == 130


def test_a_reader_that_has_read_enough_ends_the_command_quietly() -> None:
    code = "import sys; from cosell.cli.entry import run; sys.exit(run(['mapping', 'show', '--json']))"
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    program.stdout.close()
    assert program.stderr is not None
    assert program.stderr.read() == ""
    program.stderr.close()
    assert program.wait() == 0


def test_a_terminal_without_the_letters_gets_question_marks(deal: str) -> None:
    code = "import sys; from cosell.cli.entry import run; sys.exit(run(['mapping', 'show']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii", "COLUMNS": "120", "PATH": ""},
    )
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_the_mapping_is_shown_and_linted(cosell: Cosell, alone: Path) -> None:
    assert len(cosell("mapping", "show", "--json").json["data"]["rules"]) == len(DEFAULT)
    assert cosell("mapping", "lint").code == 0
    (alone / "m.toml").write_text("[name]\nconflict = 'crm'\n", "utf-8")
    said = cosell("mapping", "lint", "m.toml", "--json")
    assert said.code == 1
    assert "no way to rename a deal" in said.json["data"]["problems"][0]


def test_init_writes_a_file_once_and_doctor_says_what_is_to_be_filled_in(cosell: Cosell, alone: Path) -> None:
    assert cosell("init").code == 0
    before = (alone / "cosell.toml").read_bytes()
    assert cosell("init").code == 1
    assert (alone / "cosell.toml").read_bytes() == before
    said = cosell("doctor")
    assert said.code == 1
    assert "tenant is still to be filled in" in said.words


def test_a_new_key_is_a_key(cosell: Cosell) -> None:
    Fernet(cosell("init", "--key", "--json").json["data"]["key"])


@pytest.mark.parametrize(
    "words", [("sandbox", "deals"), ("sandbox", "edit", "x", "value=1"), ("sandbox", "reset")]
)
def test_without_a_sandbox_the_verbs_say_how_to_start_one(cosell: Cosell, words: tuple[str, ...]) -> None:
    said = cosell(*words)
    assert said.code == 75
    assert "cosell run" in said.words


@pytest.mark.parametrize("pair", ["value", "=5", "by=x", "deal_id=5"])
def test_a_change_in_the_sandbox_is_of_the_form_name_value(cosell: Cosell, pair: str) -> None:
    assert cosell("sandbox", "edit", "x", pair).code == 2


def test_text_that_a_terminal_would_obey_is_shown_instead() -> None:
    assert speaking.tame("a\x1b[31m\x9b\u202eb\tc\nd\u00a0e") == "a\\u001b[31m\\u009b\\u202eb c\nd\u00a0e"


def test_every_command_is_known_to_the_parser() -> None:
    names = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert names == {
        "init", "run", "status", "plan", "sync", "explain", "hold", "resolve", "mapping", "audit", "webhook",
        "solutions", "settings", "sandbox", "connect", "connections", "install", "uninstall", "package",
        "backup", "restore", "doctor", "version",
    }  # fmt: skip
