"""Whose deal it is: CUS-12, J-4. Every combination of evidence, and the laws that hold whatever comes."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.core.matching import (
    ACCOUNT,
    BAR,
    CLEARLY,
    WORTH_ASKING,
    Account,
    Caution,
    Customer,
    Unsure,
    Whose,
    answered,
    choose,
    customer_of,
    rank,
)
from cosell.core.records import Link, Resolution, Side
from cosell.core.values import Person, Unreadable, Value

DEAL = Customer("Contoso Harbour BV", "3011 BB", "NL", "123456789", frozenset({"harbour.example"}))
START = datetime(2026, 1, 1, tzinfo=UTC)
CREATE = Caution(Unsure.CREATE)


def account(number: int = 1, **changes: Any) -> Account:
    """An account that has nothing to do with the deal but its country."""
    other = Account(f"00{number}", "Fabrikam", "9999 ZZ", "NL", created_at=START + timedelta(days=number))
    return replace(other, **changes)


SAME: dict[str, Any] = {"name": "CONTOSO HARBOUR B.V.", "postal_code": "3011bb"}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        (SAME, Whose.KNOWN),
        (SAME | {"country": None}, Whose.KNOWN),
        (SAME | {"country": "BE"}, Whose.UNCLEAR),
        (SAME | {"duns": "987654321"}, Whose.UNCLEAR),
        ({"duns": "12-345-6789"}, Whose.KNOWN),
        ({"duns": "123456789", "country": "BE"}, Whose.UNCLEAR),
        ({"domains": frozenset({"harbour.example"})}, Whose.UNCLEAR),
        ({"domains": frozenset({"harbour.example"}), "country": "BE"}, Whose.NEW),
        ({"name": "Contoso Harbour BV", "postal_code": None}, Whose.KNOWN),
        ({"name": "Contoso Harbour BV"}, Whose.UNCLEAR),
        ({"name": "Contoso Harbour BV", "postal_code": None, "country": None}, Whose.UNCLEAR),
        ({"name": "Contoso Harbour BV", "country": None}, Whose.NEW),
        ({"name": "Contoso Harbour BV", "postal_code": None, "country": "BE"}, Whose.NEW),
        ({"name": "Contoso Harbour", "postal_code": "3011 BB"}, Whose.KNOWN),
        ({"name": "Contoso Harbour", "postal_code": None}, Whose.UNCLEAR),
        ({"name": "Contoso Harbour"}, Whose.UNCLEAR),
        ({"name": "Contoso Harbour NV", "postal_code": "3011 BB"}, Whose.UNCLEAR),
        ({"name": "Contoso Harbour NV"}, Whose.NEW),
        ({"name": "Contoso Harbor", "postal_code": None}, Whose.UNCLEAR),
        ({"name": "Contoso Harbor", "postal_code": "3011 BB"}, Whose.UNCLEAR),
        ({"name": "Contoso Harbor"}, Whose.NEW),
        ({"name": "Contoso Harbor", "domains": frozenset({"harbour.example"})}, Whose.KNOWN),
        ({"name": "Contoso Harbor", "country": "BE"}, Whose.NEW),
        ({"name": "Contoso Harbor", "country": None, "postal_code": None}, Whose.NEW),
        ({}, Whose.NEW),
        ({"name": ""}, Whose.NEW),
    ],
)
def test_one_account_is_used_asked_about_or_passed_over(changes: dict[str, Any], verdict: Whose) -> None:
    choice = choose(DEAL, [account(), account(2, **changes)])
    assert choice.verdict is verdict, choice.candidates
    assert choice.account_id == ("002" if verdict is Whose.KNOWN else None)
    assert choice.why


def test_the_seed_products_rule_reaches_the_bar_alone() -> None:
    """CUS-12: name and postal code."""
    bare = Customer("Contoso", "3011")
    assert choose(bare, [Account("1", "contoso", "30 11")]).account_id == "1"


def test_several_at_the_bar_are_asked_about_or_the_oldest_is_taken() -> None:
    """Equal evidence never decides by chance, and never makes one more of a doubled account."""
    doubles = [account(number, **SAME) for number in (3, 2, 4)]
    asked = choose(DEAL, doubles)
    assert asked.verdict is Whose.UNCLEAR
    assert [one.account.id for one in asked.candidates] == ["002", "003", "004"]
    assert choose(DEAL, doubles, CREATE).account_id == "002"


def test_below_the_bar_the_setting_decides_between_asking_and_a_new_account() -> None:
    likely = [account(name="Contoso Harbour")]
    assert choose(DEAL, likely).verdict is Whose.UNCLEAR
    assert choose(DEAL, likely, CREATE).verdict is Whose.NEW
    assert choose(DEAL, likely, Caution(bar=60)).verdict is Whose.UNCLEAR
    assert (
        choose(DEAL, [account(name="Contoso Harbour", postal_code=None)], Caution(bar=60)).verdict
        is Whose.KNOWN
    )


def test_a_rival_with_more_evidence_wins_and_one_that_is_near_is_asked_about() -> None:
    strong = account(1, **SAME, domains=frozenset({"harbour.example"}))
    assert choose(DEAL, [strong, account(2, **SAME)]).account_id == "001"
    near = account(2, **SAME, domains=frozenset({"harbour.example"}))
    assert choose(DEAL, [strong, near]).verdict is Whose.UNCLEAR


def test_every_reason_is_told_in_words() -> None:
    (best,) = rank(DEAL, [account(**SAME, duns="123456789", domains=frozenset({"harbour.example"}))])
    assert best.reasons == ("same name and postal code", "same DUNS number", "a contact at the same domain")


# --- what a deal tells of its customer ---------------------------------------------------------------


def test_only_what_can_be_read_counts() -> None:
    values: dict[str, Value] = {
        "customer_name": "Contoso",
        "country": Unreadable("Atlantis", "is no country"),
        "contacts": (Person("kim@harbour.example"), Person("x@gmail.com"), Person("ada@partner.example")),
        "team": (Person("bob@partner.example"),),
    }
    assert customer_of(values) == Customer("Contoso", domains=frozenset({"harbour.example"}))
    assert customer_of({"country": "NL"}) is None


def test_an_answer_holds_for_the_name_it_was_given_for() -> None:
    def link(side: Side, chosen: str | None) -> Link:
        return Link("k", resolutions={ACCOUNT: Resolution(side, DEAL.name, chosen, "ada", 1.0)})

    told = answered(link(Side.CRM, "001X"), DEAL)
    assert told is not None
    assert (told.verdict, told.account_id) == (Whose.KNOWN, "001X")
    new = answered(link(Side.PARTNER_CENTER, None), DEAL)
    assert new is not None
    assert (new.verdict, new.account_id) == (Whose.NEW, None)
    assert answered(link(Side.CRM, "001X"), replace(DEAL, name="Another BV")) is None
    assert answered(Link("k"), DEAL) is None


# --- laws --------------------------------------------------------------------------------------------

_NAMES = ("Contoso Harbour BV", "Contoso Harbour", "Contoso Harbor", "Contoso Harbour NV", "Fabrikam", "")
_DOMAINS = (frozenset[str](), frozenset({"harbour.example"}))
EVERY = [
    Account("x", name, code, country, duns, domains)
    for name, code, country, duns, domains in itertools.product(
        _NAMES, (None, "3011 BB", "1"), (None, "NL", "BE"), (None, "123456789", "9"), _DOMAINS
    )
]
ACCOUNTS = st.lists(
    st.builds(
        replace,
        st.sampled_from(EVERY),
        id=st.sampled_from("abcdefgh"),
        created_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)
CUSTOMERS = st.sampled_from(
    [
        replace(DEAL, postal_code=code, country=country, duns=duns)
        for code in (None, "3011 BB")
        for country in (None, "NL")
        for duns in (None, "123456789")
    ]
)
CAUTIONS = st.builds(Caution, st.sampled_from(Unsure), st.integers(60, 200))


def test_an_account_of_another_country_is_never_used_for_its_name_alone() -> None:
    """All 324 combinations of evidence at the lowest bar there is."""
    for one in EVERY:
        choice = choose(DEAL, [one], Caution(bar=60))
        if choice.account_id and one.country != "NL" and one.duns != "123456789" and not one.domains:
            assert (one.name, one.postal_code) in (
                ("Contoso Harbour BV", "3011 BB"),
                ("Contoso Harbour", "3011 BB"),
            ), one


def test_a_name_that_is_merely_alike_is_never_enough_and_abroad_counts_nothing() -> None:
    for one in EVERY:
        if one.name == "Contoso Harbor" and one.duns != "123456789" and not one.domains:
            assert choose(DEAL, [one]).verdict is not Whose.KNOWN
            if one.country != "NL":
                assert rank(DEAL, [one]) == ()


def test_more_evidence_never_costs_points() -> None:
    by_key = {(a.name, a.postal_code, a.country, a.duns, a.domains): a for a in EVERY}

    def points(*key: object) -> int:
        found = rank(DEAL, [by_key[key]])  # type: ignore[index]
        return found[0].points if found else 0

    for name, code, country, duns, domains in by_key:
        here = points(name, code, country, duns, domains)
        assert points(name, code, country, "123456789", domains) >= here
        assert points(name, code, country, duns, _DOMAINS[1]) >= here
        if country is None:
            assert points(name, code, "NL", duns, domains) >= here
        if code is None:
            assert points(name, "3011 BB", country, duns, domains) >= here


@given(CUSTOMERS, ACCOUNTS, CAUTIONS, st.randoms(use_true_random=False))
def test_the_order_in_which_accounts_come_does_not_matter(
    customer: Customer, accounts: list[Account], caution: Caution, chance: random.Random
) -> None:
    shuffled = list(accounts)
    chance.shuffle(shuffled)
    assert choose(customer, accounts, caution) == choose(customer, shuffled, caution)


@given(CUSTOMERS, ACCOUNTS, CAUTIONS)
def test_what_is_used_is_at_the_bar_and_alone_there_or_the_best_and_oldest(
    customer: Customer, accounts: list[Account], caution: Caution
) -> None:
    choice = choose(customer, accounts, caution)
    ranked = rank(customer, accounts)
    points = [one.points for one in ranked]
    assert points == sorted(points, reverse=True)
    assert all(one in ranked for one in choice.candidates)
    match choice.verdict:
        case Whose.KNOWN:
            assert choice.account_id == ranked[0].account.id
            assert points[0] >= caution.bar
            rivals = [one for one in points[1:] if points[0] - one < CLEARLY]
            assert not rivals or caution.unsure is Unsure.CREATE
        case Whose.NEW:
            assert not points or points[0] < (WORTH_ASKING if caution.unsure is Unsure.HOLD else caution.bar)
        case Whose.UNCLEAR:
            assert caution.unsure is Unsure.HOLD
            assert points[0] >= WORTH_ASKING


@given(CUSTOMERS, ACCOUNTS)
def test_of_equal_accounts_the_oldest_stands_first_and_those_of_unknown_age_last(
    customer: Customer, accounts: list[Account]
) -> None:
    ranked = rank(customer, accounts)
    for one, other in itertools.pairwise(ranked):
        if one.points == other.points:
            ages = (one.account.created_at, other.account.created_at)
            assert ages[1] is None or (ages[0] is not None and ages[0] <= ages[1])


@given(CUSTOMERS, ACCOUNTS, st.integers(0, 100))
def test_an_account_that_is_nobodys_changes_nothing(
    customer: Customer, accounts: list[Account], number: int
) -> None:
    stranger = Account(f"stranger {number}", "Northwind Traders", "1", "NL")
    assert choose(customer, [*accounts, stranger]) == choose(customer, accounts)


def test_the_default_bar_is_above_what_asks() -> None:
    assert WORTH_ASKING < BAR
