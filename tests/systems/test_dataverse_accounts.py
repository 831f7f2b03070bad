"""Candidate accounts of Dynamics 365 for a deal's customer: CUS-12, J-4, M-26."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cosell.core.matching import Account
from cosell.core.values import Person

from .dynamicsfloor import ANNA, Floor, opened

CUSTOMER: dict[str, Any] = {
    "customer_name": "Contoso Foods",
    "postal_code": "3511 AB",
    "country": "NL",
    "contacts": (ANNA,),
    "team": (Person("alex.moreau@cosell.example", "Alex", "Moreau"),),
}


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened(duns_field="accountnumber") as one:
        await one.prepare()
        yield one


async def found(floor: Floor, duns: str | None = None, **changes: Any) -> dict[str, Account]:
    values = {**CUSTOMER, **changes}
    return {one.id: one for one in await floor.system.accounts(values, duns)}


async def test_an_account_of_the_same_name_is_told_with_what_speaks_for_it(floor: Floor) -> None:
    account = floor.account(
        name="contoso foods",
        address1_country="Nederland",
        accountnumber="123456789",
        websiteurl="https://www.contoso.example/en",
        emailaddress1="info@contoso-foods.example",
    )
    (one,) = (await found(floor)).values()
    assert floor.calls() == 1
    assert (one.id, one.name, one.postal_code, one.country, one.duns) == (
        account,
        "contoso foods",
        "3511 AB",
        "NL",
        "123456789",
    )
    assert one.domains == {"contoso.example", "contoso-foods.example"}
    assert one.created_at is not None


@pytest.mark.parametrize("duns", ["123456789", "12-345-6789"])
async def test_an_account_is_found_by_its_duns_number(floor: Floor, duns: str) -> None:
    """M-26."""
    account = floor.account(name="Somebody else", accountnumber="123456789")
    floor.account(name="Nobody", accountnumber="987654321")
    assert list(await found(floor, duns)) == [account]


async def test_an_account_is_found_by_the_domain_of_its_website_and_its_people(floor: Floor) -> None:
    by_site = floor.account(name="A", websiteurl="http://contoso.example")
    by_mail = floor.account(name="B", emailaddress1="hello@CONTOSO.example")
    by_person = floor.account(name="C")
    row = {"lastname": "Vos", "emailaddress1": "b.vos@contoso.example"}
    floor.org.as_seller.create("contact", {**row, "parentcustomerid": ("account", by_person)})
    floor.account(name="D", websiteurl="http://fabrikam.example")
    floor.forget()
    seen = await found(floor)
    assert floor.calls() == 1
    assert set(seen) == {by_site, by_mail, by_person}
    assert all("contoso.example" in one.domains for one in seen.values())


async def test_the_domain_of_our_own_team_says_nothing_about_the_customer(floor: Floor) -> None:
    floor.account(name="Us", websiteurl="http://cosell.example")
    people = (Person("kim@cosell.example", "Kim", "Bos"),)
    assert await found(floor, contacts=people) == {}


async def test_a_name_that_begins_alike_is_a_candidate_in_the_same_country(floor: Floor) -> None:
    here = floor.account(name="Contoso Holding B.V.")
    nowhere = floor.account(name="Contoso", address1_country=None)
    floor.account(name="Contoso GmbH", address1_country="Germany")
    assert set(await found(floor, contacts=None)) == {here, nowhere}


async def test_an_inactive_account_is_no_candidate(floor: Floor) -> None:
    account = floor.account()
    floor.edit(account, "account", statecode=1)
    assert await found(floor) == {}


async def test_at_most_two_hundred_are_told(floor: Floor) -> None:
    for _ in range(230):
        floor.account()
    assert len(await found(floor)) == 200


ODD = ["O'Neil & Söhne", "100% _[]", "' or name ne '", "x --batch_cosell", "😀", "a/b#c?d+e"]


@pytest.mark.parametrize("name", ODD)
async def test_a_name_of_any_kind_is_only_a_name(floor: Floor, name: str) -> None:
    floor.account(name="Bystander")
    account = floor.account(name=name)
    assert set(await found(floor, customer_name=name, contacts=None)) == {account}


async def test_of_nothing_known_nothing_is_asked(floor: Floor) -> None:
    nothing = await found(floor, customer_name=None, contacts=None)
    assert nothing == {}
    assert floor.calls() == 0
