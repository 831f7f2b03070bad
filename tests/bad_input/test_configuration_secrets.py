"""Secrets come by reference only, and no refusal repeats one (reliability.md 8.5, INV-13)."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from cosell.config import Reference, parse_settings
from cosell.core.errors import Misconfigured
from tests.bad_input.settings_texts import spoiled

SECRET = "0.AVYA-s3cr3t-refresh-token"


def test_a_secret_in_clear_is_refused_with_advice_and_never_repeated() -> None:
    with pytest.raises(Misconfigured) as caught:
        parse_settings(spoiled("env:REFRESH", SECRET))
    assert "holds a secret in clear" in caught.value.message
    assert "env:NAME" in caught.value.advice
    everything = "".join(traceback.format_exception(caught.value))
    assert SECRET not in everything


def test_a_secret_under_a_misspelled_name_is_not_repeated_either() -> None:
    with pytest.raises(Misconfigured) as caught:
        parse_settings(spoiled('refresh_token = "env:REFRESH"', f'refresh_tokn = "{SECRET}"'))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("text", ["env:", "file:", "env: ", "valut:x", "ENV:X", ":x", "env", ""])
def test_a_reference_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="holds a secret in clear"):
        parse_settings(spoiled("env:REFRESH", text))


def test_a_number_is_no_reference() -> None:
    with pytest.raises(Misconfigured, match="must be env:NAME or file:/path"):
        parse_settings(spoiled('"env:REFRESH"', "12345678"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("a\nb", "more than one line"),
        ("a\r", "more than one line"),
        (" abc", "spaces around"),
        ("abc ", "spaces around"),
    ],
)
def test_a_damaged_environment_variable_is_refused(value: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=said) as caught:
        Reference.parse("env:TOKEN").fetch("[x] token", {"TOKEN": value}, tmp_path)
    assert "[x] token points at env:TOKEN" in caught.value.message


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="the environment variable TOKEN, which is not set"):
        Reference.parse("env:TOKEN").fetch("[x] token", {}, tmp_path)


def test_a_secret_file_may_end_with_one_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\r\n", "utf-8")
    file.chmod(0o600)
    assert Reference.parse("file:token").fetch("[x] token", {}, tmp_path) == "abc"


def test_a_key_file_may_have_many_lines(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN\nabc\n-----END\n", "utf-8")
    file.chmod(0o640)
    found = Reference.parse("file:key.pem").fetch("[x] key", {}, tmp_path, lines=True)
    assert found == "-----BEGIN\nabc\n-----END\n"


def test_a_secret_that_everybody_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc", "utf-8")
    file.chmod(0o644)
    with pytest.raises(Misconfigured, match="everybody on this machine can read") as caught:
        Reference.parse(f"file:{file}").fetch("[x] token", {}, tmp_path)
    assert f"chmod o-r {file}" in caught.value.advice


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x80", "not UTF-8"),
        (b"x" * 70_000, "far too large"),
        (b"", "is empty"),
        (b"\n", "is empty"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(Misconfigured, match=said):
        Reference.parse("file:token").fetch("[x] token", {}, tmp_path)


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        Reference.parse("file:absent").fetch("[x] token", {}, tmp_path)
    with pytest.raises(Misconfigured, match="is not a file"):
        Reference.parse(f"file:{tmp_path}").fetch("[x] token", {}, tmp_path)


def test_a_handed_over_secret_shows_itself_nowhere() -> None:
    given = Reference.given(SECRET)
    assert SECRET not in repr(given)
    assert SECRET not in str(given)


def test_no_text_makes_a_handed_over_secret() -> None:
    with pytest.raises(Misconfigured):
        parse_settings(spoiled("env:REFRESH", "given:abc"))
