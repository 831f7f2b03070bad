"""Every code has its words, and the page that lists them is current."""

from __future__ import annotations

from pathlib import Path

from cosell.config.reference import reasons_page
from cosell.core.reasons import TEXTS, Reason, Who, text

ROOT = Path(__file__).resolve().parents[2]


def test_every_reason_has_a_sentence() -> None:
    assert set(TEXTS) == set(Reason)
    assert all(words.says.endswith(".") for words in TEXTS.values())


def test_what_waits_for_a_person_says_what_that_person_can_do() -> None:
    """INV-22: nothing waits in silence."""
    for reason, words in TEXTS.items():
        if words.troubled:
            assert words.fix, reason
            assert words.who is not Who.NOBODY, reason


def test_a_code_of_a_newer_version_shows_itself() -> None:
    assert text("not_invented_yet").says == "not_invented_yet"


def test_the_page_of_reasons_is_current() -> None:
    """`make settings` writes it anew."""
    assert (ROOT / "docs/reference/errors.md").read_text("utf-8") == reasons_page()
