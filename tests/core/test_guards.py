"""The creation gate and the brake."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cosell.core.guards import Brake, creation_gate, enters_crm, enters_partner_center
from cosell.core.records import Side, Snapshot
from cosell.core.values import Person, Solution, State, Unreadable, Value

ADA = Person("ada@x.example", "Ada", "Lovelace", "+31 20 1")
GOOD: Mapping[str, Value] = {
    "name": "Fleet",
    "customer_name": "Fabrikam",
    "address_line": "12 Harbour Road",
    "city": "Rotterdam",
    "country": "NL",
    "deal_value": Decimal(10),
    "currency": "EUR",
    "close_date": date(2026, 12, 31),
    "solutions": (Solution("SOL-1-AAA"),),
    "help": "GeneralOrOther",
    "contacts": (ADA,),
    "team": (ADA,),
}
MISSING: Mapping[str, tuple[str, Value]] = {
    "name_missing": ("name", None),
    "customer_missing": ("customer_name", None),
    "address_missing": ("city", None),
    "country_missing": ("country", Unreadable("Atlantis", "is not a country")),
    "value_missing": ("deal_value", Decimal(0)),
    "currency_missing": ("currency", None),
    "close_date_missing": ("close_date", None),
    "solution_missing": ("solutions", None),
    "contact_missing": ("contacts", (replace(ADA, phone=""),)),
    "team_missing": ("team", None),
}


def test_a_complete_deal_passes() -> None:
    assert creation_gate(GOOD) == ()


@pytest.mark.parametrize("size", [1, 2, 10])
def test_everything_that_is_missing_is_named_at_once_with_what_to_do(size: int) -> None:
    """TRB-3.2, TRB-3.6, TRB-3.7; product.md B3."""
    for codes in itertools.combinations(MISSING, size):
        values = {**GOOD, **dict(MISSING[code] for code in codes)}
        problems = creation_gate(values)
        assert {problem.code for problem in problems} == set(codes)
        assert all(problem.says and problem.fix for problem in problems)


def test_a_contact_is_needed_only_when_help_is_wanted() -> None:
    assert creation_gate({**GOOD, "help": None, "contacts": None}) == ()


def test_a_malformed_solution_id_is_named() -> None:
    problems = creation_gate({**GOOD, "solutions": (Solution("SOL-1-AAA"), Solution("sol?"))})
    assert [problem.code for problem in problems] == ["solution_malformed"]
    assert "sol?" in problems[0].says


def test_an_unknown_country_is_quoted() -> None:
    (problem,) = creation_gate({**GOOD, "country": Unreadable("Atlantis", "no")})
    assert "Atlantis" in problem.says


def test_leads_and_closed_deals_do_not_enter_the_crm() -> None:
    """FLW-S05; product.md TRB-3.8."""
    for state in State:
        deal = Snapshot(Side.PARTNER_CENTER, "R", {"state": state})
        assert enters_crm(deal) is (not state.terminal)
        assert not enters_crm(replace(deal, enrolled=False))


def test_only_open_opportunities_with_sync_on_become_referrals() -> None:
    for state in State:
        deal = Snapshot(Side.CRM, "O", {"state": state})
        assert enters_partner_center(deal) is (not state.terminal)
        assert not enters_partner_center(replace(deal, enrolled=False))


def test_the_brake_lets_small_runs_pass_and_stops_large_ones() -> None:
    """INV-17; reliability.md 9: more than max(20, 10 %) links, more than max(5, 2 %) fields emptied."""
    brake = Brake()
    assert brake.allows_links(19, links=50)
    assert not brake.allows_links(20, links=50)
    assert brake.allows_links(99, links=1000)
    assert not brake.allows_links(100, links=1000)
    assert brake.allows_clears(4, links=50)
    assert not brake.allows_clears(5, links=50)
