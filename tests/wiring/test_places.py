"""Where an environment lives, and who runs it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cosell.core.errors import Misconfigured
from cosell.wiring.joining import absent_sandbox, sandbox_settings
from cosell.wiring.places import Place, locate
from tests.bad_input.settings_texts import GOOD


def test_without_a_settings_file_it_is_the_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = locate(None, {})
    assert (place.name, place.settings) == ("sandbox", None)
    assert place.database == Path("cosell-data/sandbox/sandbox.db")
    assert locate(None, {"COSELL_DATA": "/elsewhere"}).data == Path("/elsewhere/sandbox")


def test_the_file_here_is_found_and_the_named_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cosell.toml").write_text(GOOD, "utf-8")
    (tmp_path / "other.toml").write_text(GOOD.replace('name = "staging"', 'name = "other"'), "utf-8")
    assert locate(None, {}).name == "staging"
    assert locate("other.toml", {}).name == "other"
    assert locate(None, {"COSELL_CONFIG": "other.toml"}).name == "other"
    assert locate(None, {}).database == Path("cosell-data/staging/staging.db")


def test_a_named_file_that_is_missing_never_falls_back_to_the_sandbox(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="There is no file"):
        locate(str(tmp_path / "absent.toml"), {})


def test_the_note_of_a_running_process_is_read_and_a_dead_one_is_not(tmp_path: Path) -> None:
    place = Place("sandbox", tmp_path)
    assert place.running() is None
    with place.told({"web": "http://127.0.0.1:1"}):
        note = place.running()
        assert note is not None
        assert (note["pid"], note["web"]) == (os.getpid(), "http://127.0.0.1:1")
    assert place.running() is None
    place.note.write_text('{"pid": 2147480000}', "utf-8")
    assert place.running() is None


@pytest.mark.parametrize(
    "text", ["", "[]", '{"pid": "x"}', '{"pid": null}', "{", '{"pid": -1}', '{"pid": 0}']
)
def test_a_damaged_note_is_no_process(tmp_path: Path, text: str) -> None:
    place = Place("sandbox", tmp_path)
    place.note.write_text(text, "utf-8")
    assert place.running() is None


def test_two_runs_of_one_directory_are_kept_apart(tmp_path: Path) -> None:
    place = Place("sandbox", tmp_path)
    with place.alone(), pytest.raises(Misconfigured, match="already runs"), place.alone():
        pass
    with place.alone():
        pass


def test_the_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    place = Place("sandbox", tmp_path / "deep" / "sandbox")
    place.prepare()
    assert stat.S_IMODE(place.data.stat().st_mode) == 0o700


def test_a_data_directory_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(Misconfigured, match="cannot be made"):
        Place("sandbox", tmp_path / "file" / "sandbox").prepare()


def test_the_settings_of_an_absent_sandbox_reach_nobody() -> None:
    settings = absent_sandbox()
    assert settings.partner_center.url == settings.crm.address == "http://127.0.0.1:1"


@pytest.mark.parametrize("told", [{}, {"partner_center": 5}, {"partner_center": {}, "entra": {}}])
def test_what_is_no_sandbox_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(Misconfigured, match="is not a sandbox of this version"):
        sandbox_settings(told)
