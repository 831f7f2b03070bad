"""Normal forms: idempotent, total, and equal exactly when two systems mean the same."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.core.fields import FIELDS, Kind
from cosell.core.values import (
    Person,
    Solution,
    State,
    Unreadable,
    Value,
    decode,
    encode,
    normalise,
    same_id,
    well_formed_solution,
)

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.decimals(),
    st.dates(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
    st.lists(st.builds(Person, st.text(), st.text(), st.text(), st.text())),
    st.lists(st.builds(Solution, st.text())),
)


@given(st.sampled_from(Kind), ANYTHING)
def test_nothing_raises_and_normalising_twice_changes_nothing(kind: Kind, raw: Any) -> None:
    once = normalise(kind, raw)
    assert normalise(kind, once) == once


@given(st.sampled_from([field.key for field in FIELDS.values()]), ANYTHING)
def test_every_normal_form_survives_being_stored(key: str, raw: Any) -> None:
    value = normalise(FIELDS[key].kind, raw)
    stored = orjson.loads(orjson.dumps(encode(value)))
    assert decode(key, stored) == value


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        ("10000", Decimal(10000)),
        ("1000.00", Decimal(1000)),
        (1000.0, Decimal(1000)),
        (0.1, Decimal("0.1")),
        ("1e3", Decimal(1000)),
        ("", None),
        (None, None),
        ("1e15", Decimal(10) ** 15),
        ("-5.50", Decimal("-5.5")),
    ],
)
def test_money_written_in_many_ways_is_one_amount(raw: Any, form: Value) -> None:
    """partner-center-api.md trap 5; the seed's "1000" and "1000.00" loop (product.md B2)."""
    assert normalise(Kind.MONEY, raw) == form


@pytest.mark.parametrize("raw", [math.nan, math.inf, "1e999", "NaN", "abc", True, [], {}, "9" * 5000])
def test_what_is_no_amount_is_unreadable(raw: Any) -> None:
    assert isinstance(normalise(Kind.MONEY, raw), Unreadable)


@pytest.mark.parametrize(
    "raw",
    [
        "2026-12-31",
        "2026-12-31T00:00:00Z",
        "2026-12-31T23:59:59.1234567Z",
        "2026-12-31T00:00:00+14:00",
        "2026-12-31 10:00",
    ],
)
def test_a_date_is_the_day_as_written(raw: str) -> None:
    """Trap 6: no day is lost to a time zone."""
    assert normalise(Kind.DATE, raw) == date(2026, 12, 31)


@pytest.mark.parametrize("raw", ["2026-02-29", "31/12/2026", "0000-01-01", "tomorrow", 20261231])
def test_what_is_no_day_is_unreadable(raw: Any) -> None:
    assert isinstance(normalise(Kind.DATE, raw), Unreadable)


def test_line_ends_outer_blanks_and_compositions_do_not_make_a_text_different() -> None:
    assert normalise(Kind.TEXT, " a\r\nb ") == normalise(Kind.TEXT, "a\nb")
    assert normalise(Kind.TEXT, "u\u0308ber") == normalise(Kind.TEXT, "über")
    assert normalise(Kind.TEXT, " \t ") is None
    assert isinstance(normalise(Kind.TEXT, "\ud800 alone"), str)


def test_a_person_is_known_by_the_address_in_any_case() -> None:
    both = normalise(Kind.PEOPLE, [Person("Ada@X.example", "Ada"), Person("ada@x.EXAMPLE", "Ada L.")])
    assert both == (Person("ada@x.EXAMPLE", "Ada L."),)


def test_solution_ids_are_known_by_their_looks() -> None:
    """partner-center-api.md 2.7."""
    good = ("SOL-34104-EBB", "SOL-1234-PQRS", "3f0f0000-0000-4000-8000-00000000e501", "CloudMigration")
    bad = ("", "SOL-1", "SOL 34104 EBB", "sol-1-abc", "<script>", "a b", "1")
    assert all(map(well_formed_solution, good))
    assert not any(map(well_formed_solution, bad))


def test_unknown_statuses_are_shown_and_never_become_a_status() -> None:
    assert isinstance(normalise(Kind.STATE, "Archived"), Unreadable)
    assert normalise(Kind.STATE, "active") is State.ACTIVE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0061t00000ABCDe", "0061t00000ABCDeAAH", True),
        ("0061t00000ABCDe", "0061t00000ABCDE", False),
        ("{A2000000-0000-4000-8000-000000000001}", "a2000000-0000-4000-8000-000000000001", True),
        ("006X", "006x", False),
        (None, None, False),
        ("", "", True),
    ],
)
def test_record_ids_are_equal_in_every_form_people_write_them(
    one: str | None, other: str | None, same: bool
) -> None:
    """salesforce-api.md 1; reliability.md 8.2."""
    assert same_id(one, other) is same
