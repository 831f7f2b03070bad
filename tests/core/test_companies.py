"""Names and domains of companies, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.core.companies import ALIKE, folded, is_cjk, likeness, name_of, opening
from cosell.core.domains import FREE_MAIL, domain_of, domain_of_site, telling_domains

NAMES = st.text(max_size=30) | st.sampled_from(
    [
        "Contoso B.V.",
        "Müller & Söhne GmbH & Co. KG",
        "삼성전자(주)",
        "株式会社日立",
        "S.A. de C.V.",
        "A",
        "Ǆ ǆ ﬁ İ",
    ]
)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Contoso Harbour B.V.", "CONTOSO HARBOUR BV", "contoso-harbour, b v", "Contoso\u00a0Harbour B.V"),
        ("Müller GmbH", "MULLER gmbh", "Mu\u0308ller GmbH"),
        ("Łódź Œuvre A/S", "Lodz Oeuvre AS"),
        ("Ｃｏｎｔｏｓｏ　Ltd", "Contoso Ltd"),
        ("O'Neil Foods", "O’Neil Foods", "ONeil Foods"),
        ("삼성 전자", "삼성전자"),
        ("㈜한국", "(주) 한국"),
        ("İstanbul Lojistik", "istanbul lojistik"),
    ],
)
def test_spellings_of_one_name_are_one(spellings: tuple[str, ...]) -> None:
    assert len({name_of(one).whole for one in spellings}) == 1


@pytest.mark.parametrize(
    ("text", "bare", "forms"),
    [
        ("Contoso Ltd.", "contoso", {"ltd"}),
        ("Contoso Limited", "contoso", {"ltd"}),
        ("Contoso, Inc.", "contoso", {"inc"}),
        ("Contoso Pty Ltd", "contoso", {"pty", "ltd"}),
        ("Müller GmbH & Co. KG", "muller", {"gmbh", "kg"}),
        ("Contoso S.A. de C.V.", "contoso", {"sacv"}),
        ("Contoso S.A.", "contoso", {"sa"}),
        ("Kontoso Sp. z o.o.", "kontoso", {"spzoo"}),
        ("Novo Nordisk A/S", "novonordisk", {"as"}),
        ("PT Astra Tbk", "astra", {"pt", "tbk"}),
        ("ООО Ромашка", "ромашка", {"ooo"}),
        ("주식회사 삼성전자", "삼성전자", {"jusik"}),
        ("삼성전자주식회사", "삼성전자", {"jusik"}),
        ("株式会社日立", "日立", {"kk"}),
        ("臺灣港口股份有限公司", "臺灣港口", {"gufen"}),
        ("上海港口有限公司", "上海港口", {"gongsi"}),
        ("The Walt Company", "thewalt", set[str]()),
        ("Dupont & Cie", "dupont", set[str]()),
        ("AG Insurance", "aginsurance", set[str]()),
        ("GmbH & Co. KG", "gmbhcokg", set[str]()),
        ("SA", "sa", set[str]()),
        ("有限公司", "有限公司", set[str]()),
        ("+++", "+++", set[str]()),
    ],
)
def test_legal_forms_are_taken_off_and_told_apart(text: str, bare: str, forms: set[str]) -> None:
    """A name that is all legal form keeps it."""
    found = name_of(text)
    assert (found.bare, set(found.forms)) == (bare, forms)


@pytest.mark.parametrize(
    ("one", "other"),
    [("がく", "かく"), ("ガス", "カス"), ("서울", "서을"), ("上海", "上诲")],
)
def test_marks_that_make_another_letter_are_kept(one: str, other: str) -> None:
    """Folding is for accents; beyond the alphabets that have them a mark may change the word."""
    assert name_of(one).whole != name_of(other).whole


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Contoso Harbour BV", "Contoso Harbor", True),
        ("Harbour Contoso", "Contoso Harbour", True),
        ("Mueller Logistik GmbH", "Müller Logistik", True),
        ("Contoso", "Fabrikam", False),
        ("Wind Park 7", "Wind Park 8", False),
        ("Contoso", "Contoso Foods", False),
        ("三星", "三菱", False),
        ("한국전자", "한국전기", False),
    ],
)
def test_names_alike_are_told_from_others(one: str, other: str, alike: bool) -> None:
    assert (likeness(name_of(one), name_of(other)) >= ALIKE) is alike


@given(NAMES, NAMES)
def test_likeness_is_the_same_both_ways(one: str, other: str) -> None:
    pair = name_of(one), name_of(other)
    assert likeness(*pair) == likeness(*reversed(pair))
    assert likeness(pair[0], pair[0]) == 1.0


@given(NAMES)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(NAMES.filter(lambda text: text.isascii()))
def test_case_and_outer_space_say_nothing(text: str) -> None:
    assert name_of(f"  {text.upper()}\n").whole == name_of(text).whole


@given(NAMES)
def test_only_what_is_empty_has_no_name(text: str) -> None:
    assert bool(name_of(text).bare) is bool("".join(text.split()) and (folded(text) or text.strip()))


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("Contoso Harbour BV", "Contoso"),
        ("The Walt Company", "The Walt"),
        ("PT Astra", "Astra"),
        ("Müller & Söhne", "Müller"),
        ("주식회사 삼성전자", "삼성전자"),
        ("삼성전자주식회사", "삼성전자"),
        ("+++", ""),
    ],
)
def test_a_search_begins_with_the_first_word_that_tells_something(text: str, begins: str) -> None:
    assert opening(text) == begins


@given(NAMES)
def test_the_beginning_holds_no_wildcard_and_no_quote(text: str) -> None:
    assert not set("%'\"\\") & set(opening(text))


def test_scripts_without_spaces_are_known() -> None:
    assert [is_cjk(text) for text in ("Contoso", "Ромашка", "삼성", "日立", "ガス")] == [
        False,
        False,
        True,
        True,
        True,
    ]


# --- domains ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("kim@Harbour.Example", "harbour.example"),
        (" kim@harbour.example. ", "harbour.example"),
        ("kim@münchen.example", "münchen.example"),
        ("kim@gmail.com", None),
        ("kim@yahoo.co.nz", None),
        ("kim@qq.com", None),
        ("kim@naver.com", None),
        ("kim@localhost", None),
        ("kim@", None),
        ("@harbour.example", None),
        ("kim", None),
        ("", None),
        ("kim@a%.example", None),
        ("kim@-a.example", None),
        ("kim@" + "a" * 300 + ".example", None),
    ],
)
def test_the_domain_of_an_address(email: str, domain: str | None) -> None:
    assert domain_of(email) == domain


@pytest.mark.parametrize(
    ("site", "domain"),
    [
        ("https://www.contoso.example/nl?x=1", "contoso.example"),
        ("contoso.example", "contoso.example"),
        ("HTTP://user:pw@contoso.example:8080#top", "contoso.example"),
        ("n/a", None),
        ("", None),
        ("https://sites.google.com/x", "sites.google.com"),
    ],
)
def test_the_domain_of_a_website(site: str, domain: str | None) -> None:
    assert domain_of_site(site) == domain


def test_the_domains_of_the_deals_own_team_tell_nothing_of_the_customer() -> None:
    emails = ("kim@harbour.example", "ada@partner.example", "x@gmail.com")
    assert telling_domains(emails, not_of=("bob@Partner.example",)) == {"harbour.example"}


def test_the_list_of_free_mail_is_in_the_form_it_is_compared_in() -> None:
    assert all(one == one.casefold() and "." in one for one in FREE_MAIL)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_a_domain(text: str) -> None:
    for found in (domain_of(text), domain_of(f"a@{text}"), domain_of_site(text)):
        assert found is None or not set("%'\"\\ /@") & set(found)
