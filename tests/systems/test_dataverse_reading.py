"""Reading opportunities of Dynamics 365: product.md A9a, B2, B6."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from cosell.core.errors import Gone
from cosell.core.records import RecordKind, Side
from cosell.core.values import Person, Solution, State, Unreadable

from .dynamicsfloor import ANNA, BORIS, HELP, REFERRAL, Floor, opened, stored


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


async def test_an_opportunity_is_read_whole_in_one_call(floor: Floor) -> None:
    """product.md B2, rows M-01 to M-22; FLD-D01 to FLD-D10."""
    deal = floor.deal(
        name="✔ Cold chain",
        description="Line one\nLine two",
        estimatedvalue=Decimal("123456789012.34"),
        cosell_howcanmicrosofthelp=HELP,
        cosell_visibletomicrosoft=True,
        cosell_microsoftcrmidentifier="7-ABC",
        cosell_referralprogram="CoSell",
        cosell_referralidentifier=REFERRAL,
        cosell_audit="by hand",
    )
    floor.contact(deal)
    floor.solution(deal, cosell_quantity=2, cosell_price=10.5)
    await floor.prepare()
    seen = await floor.read(deal)
    assert floor.calls() == 1
    assert seen.values == {
        "name": "Cold chain",
        "deal_value": Decimal("123456789012.34"),
        "currency": "EUR",
        "close_date": date(2027, 3, 31),
        "notes": "Line one\nLine two",
        "state": State.ACTIVE,
        "visible": True,
        "help": "QuotesOrLicensing",
        "customer_name": "Contoso Foods",
        "address_line": None,
        "city": "Utrecht",
        "region": None,
        "postal_code": "3511 AB",
        "country": "NL",
        "contacts": (ANNA,),
        "team": (Person("alex.moreau@cosell.example", "Alex", "Moreau", "+44 20 7946 0100"),),
        "microsoft_id": "7-ABC",
        "program": "CoSell",
        "solutions": (Solution("SOL-10001-AAA", Decimal(2), Decimal("10.5")),),
    }
    assert (seen.side, seen.id, seen.kind, seen.partner_id, seen.enrolled, seen.mark, seen.audit) == (
        Side.CRM,
        deal,
        RecordKind.OPPORTUNITY,
        REFERRAL,
        True,
        "ok",
        "by hand",
    )
    assert (seen.touched_by, seen.touched_by_us) == ("Alex Moreau", False)
    assert seen.version is not None
    assert seen.version.startswith('W/"')
    assert seen.complete
    assert seen.firm
    assert seen.changed_at is not None


async def test_the_version_moves_with_every_change_of_the_row(floor: Floor) -> None:
    deal = floor.deal()
    before = await floor.read(deal)
    assert (await floor.read(deal)).version == before.version
    floor.edit(deal, description="news")
    assert (await floor.read(deal)).version != before.version


@pytest.mark.parametrize(
    ("code", "state"), [(1, State.ACTIVE), (2, State.PENDING)], ids=["in progress", "on hold"]
)
async def test_an_open_status_reason_is_read_by_its_meaning(floor: Floor, code: int, state: State) -> None:
    """product.md B6: On Hold stands for a deal that nobody accepted."""
    assert (await floor.read(floor.deal(statuscode=code))).values["state"] is state


async def test_won_and_lost_are_read_as_such(floor: Floor) -> None:
    won, lost = floor.deal(), floor.deal()
    floor.org.as_seller.win(won)
    floor.org.as_seller.lose(lost, status=5)
    found = await floor.system.get_many([won, lost])
    states = [stored(found[one]).values["state"] for one in (won, lost)]
    assert states == [State.WON, State.LOST]


async def test_a_thousand_opportunities_are_read_in_one_call(floor: Floor) -> None:
    """Goal 5: hundreds a call, their children with them."""
    account = floor.account()
    deals = [floor.deal(customerid=("account", account), name=f"Deal {n}") for n in range(1000)]
    for one in deals[::100]:
        floor.solution(one)
    await floor.prepare()
    found = await floor.system.get_many(deals)
    assert floor.calls() == 1
    assert [stored(found[one]).values["name"] for one in deals] == [f"Deal {n}" for n in range(1000)]
    assert sum(stored(one).values["solutions"] is not None for one in found.values()) == 10


async def test_what_is_not_there_is_gone_and_ids_are_taken_in_any_spelling(floor: Floor) -> None:
    deal = floor.deal()
    other = deal.upper()
    wild = "' or 1 eq 1"
    gone = "00000000-0000-4000-8000-00000000dead"
    found = await floor.system.get_many([other, f"{{{deal}}}", gone, wild])
    assert stored(found[other]).id == stored(found[f"{{{deal}}}"]).id == deal
    assert isinstance(found[gone], Gone)
    assert isinstance(found[wild], Gone)


@pytest.mark.parametrize(
    ("typed", "code"), [("nl", "NL"), ("Nederland", "NL"), ("Deutschland", "DE"), ("대한민국", "KR")]
)
async def test_a_country_is_read_whatever_its_language(floor: Floor, typed: str, code: str) -> None:
    """PRE-20, ENV-D04: free text in Dynamics, two letters in Partner Center."""
    account = floor.account(address1_country=typed)
    assert (await floor.read(floor.deal(customerid=("account", account)))).values["country"] == code


async def test_a_country_nobody_knows_is_shown_and_never_guessed(floor: Floor) -> None:
    account = floor.account(address1_country="Somewhere")
    seen = await floor.read(floor.deal(customerid=("account", account)))
    assert isinstance(seen.values["country"], Unreadable)


async def test_a_customer_who_is_a_person_has_the_company_as_account(floor: Floor) -> None:
    """dataverse-api.md 0, trap 3: the customer is an account or a contact."""
    account = floor.account()
    person = floor.contact(None, BORIS)
    seen = await floor.read(floor.deal(customerid=("contact", person), parentaccountid=account))
    assert seen.values["customer_name"] == "Contoso Foods"
    assert seen.values["contacts"] == (BORIS,)
    assert seen.facts["account"] == account


async def test_people_tied_by_connections_count_where_the_settings_say_so() -> None:
    """M-15 and M-16: which link is used is unknown, so it is a setting."""
    async with opened(connections=True) as floor:
        deal = floor.deal()
        floor.contact(deal)
        boris = floor.contact(None, BORIS)
        user = next(one for one in floor.rows("systemuser") if one["firstname"] == "Kofi")
        for other in (("contact", boris), ("systemuser", user["systemuserid"])):
            row = {"record1id": ("opportunity", deal), "record2id": other}
            floor.org.as_seller.create("connection", row)
        await floor.prepare()
        seen = await floor.read(deal)
        assert floor.calls() == 1
        assert seen.values["contacts"] == (ANNA, BORIS)
        assert [one.first_name for one in seen.values["team"]] == ["Alex", "Kofi"]  # type: ignore[union-attr]


async def test_an_amount_without_currency_is_in_the_organizations_own(floor: Floor) -> None:
    """ENV-D05; dataverse-api.md 6."""
    seen = await floor.read(floor.deal(transactioncurrencyid=floor.currency("USD")))
    assert seen.values["currency"] == "USD"


async def test_records_are_found_by_their_referral_in_one_call(floor: Floor) -> None:
    """INV-3: several that carry one id are twins, leads among them."""
    deal = floor.deal(cosell_referralidentifier=REFERRAL)
    floor.solution(deal)
    await floor.prepare()
    (found,) = await floor.system.find(REFERRAL)
    assert floor.calls() == 1
    assert (found.id, found.complete) == (deal, True)
    assert found.values["solutions"] == (Solution("SOL-10001-AAA"),)
    assert await floor.system.find("O'Neil") == []


async def test_a_solution_chosen_from_the_catalogue_needs_no_typing(floor: Floor) -> None:
    """FLD-D10, FLD-D11: the seller picks the solution, and its id stands in the catalogue."""
    known = {"cosell_solutionidentifier": "SOL-7-XYZ", "cosell_name": "Cold chain kit"}
    detail = floor.org.as_seller.create("cosell_solutiondetail", known)
    deal = floor.deal()
    floor.solution(deal, cosell_solutionidentifier=None, cosell_solutiondetailid=detail)
    await floor.prepare()
    assert (await floor.read(deal)).values["solutions"] == (Solution("SOL-7-XYZ"),)
    assert floor.calls() == 1
