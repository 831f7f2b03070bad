"""The mapping file: clear words in, clear sentences out (reliability.md 8.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.core.errors import Misconfigured
from cosell.core.fields import FIELDS
from cosell.core.mapping import DEFAULT, Conflict, Direction, lint, parse
from cosell.core.records import Side


def test_without_a_file_every_field_has_its_rule_and_the_rules_may_run() -> None:
    assert set(DEFAULT) == set(FIELDS)
    assert lint(DEFAULT) == []


def test_a_file_changes_what_it_names_and_nothing_else() -> None:
    rules = parse('[notes]\nconflict = "ask"\nupdate = "inward"\n')
    assert (rules["notes"].conflict, rules["notes"].update) == (Conflict.ASK, Direction.INWARD)
    assert {key for key in rules if rules[key] != DEFAULT[key]} == {"notes"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[note]\nconflict = "ask"', "Did you mean «notes»"),
        ('[notes]\nconflct = "ask"', "Did you mean «conflict»"),
        ('[notes]\nconflict = "newst"', "Did you mean «newest»"),
        ("[notes]\nconflict = true", "not one of"),
        ("notes = 3", "must be a table"),
        ("[notes]\nupdate = [", "not readable TOML"),
        ('[notes]\nupdate = "both"\nupdate = "none"', "not readable TOML"),
        ("\ufeff[notes]", "not readable TOML"),
    ],
)
def test_a_wrong_word_is_named_with_the_nearest_right_one(text: str, says: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse(text)
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[microsoft_id]\nupdate = "both"', "Only Microsoft"),
        ('[microsoft_state]\nupdate = "outward"', "Only Microsoft"),
        ('[country]\nupdate = "both"', "never changes the customer"),
        ('[name]\nconflict = "crm"', "no way to rename"),
        ('[currency]\nupdate = "none"', "amount without its currency"),
    ],
)
def test_a_mapping_that_reads_well_and_means_nonsense_is_refused(text: str, says: str) -> None:
    (problem,) = lint(parse(text))
    assert says in problem


@given(st.text(max_size=300))
def test_no_text_raises_anything_but_the_declared_error(text: str) -> None:
    try:
        rules = parse(text)
    except Misconfigured:
        return
    assert set(rules) == set(FIELDS)


def test_read_only_fields_never_travel_outward() -> None:
    """INV-5."""
    for key in ("microsoft_id", "microsoft_state", "program"):
        assert not DEFAULT[key].update.carries_to(Side.PARTNER_CENTER)
        assert not DEFAULT[key].create.carries_to(Side.PARTNER_CENTER)
