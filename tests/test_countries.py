"""Countries by code and by name: product.md B10, Country."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.countries import ALPHA2, code_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"),
        (" de ", "DE"),
        ("DEU", "DE"),
        ("usa", "US"),
        ("U.S.A.", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("ALEMANIA", "DE"),
        ("Österreich", "AT"),
        ("O\u0308sterreich", "AT"),
        ("Osterreich", "AT"),
        ("ドイツ", "DE"),
        ("대한민국", "KR"),
        ("South Korea", "KR"),
        ("Corée du Sud", "KR"),
        ("中国", "CN"),
        ("भारत", "IN"),
        ("المملكة العربية السعودية", "SA"),
        ("Türkiye", "TR"),
        ("TÜRKİYE", "TR"),
        ("İtalya", "IT"),
        ("Côte d’Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("The Netherlands", "NL"),
        ("United  States", "US"),
        ("ＤＥ", "DE"),
        ("Congo - Kinshasa", "CD"),
    ],
)
def test_a_country_is_known_by_code_and_by_its_name_in_common_languages(text: str, code: str) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "Atlantis",
        "EU",
        "XX",
        "ZZ",
        "AN",
        "Korea",
        "Congo",
        "América",
        "Earth",
        "D",
        "123",
        "x" * 10_000,
    ],
)
def test_what_is_not_surely_one_country_is_none(text: str) -> None:
    """A country is never defaulted and never guessed."""
    assert code_of(text) is None


def test_every_code_stands_for_itself() -> None:
    assert len(ALPHA2) == 249
    assert {code_of(code) for code in ALPHA2} == ALPHA2


@given(st.text(max_size=60))
def test_any_text_is_a_known_code_or_none_and_twice_is_once(text: str) -> None:
    code = code_of(text)
    assert code is None or (code in ALPHA2 and code_of(code) == code)


def test_the_names_are_not_loaded_before_the_first_name() -> None:
    """Start-up and idle memory do not pay for what most orgs never need."""
    program = "import sys; from cosell.countries import code_of; code_of('DE'); print('babel' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
