"""Looking for the customer of a new deal in Salesforce: CUS-12, M-26, J-4."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cosell.core.matching import Account
from cosell.core.values import Person, Value

from .salesfloor import ANNA, Floor, opened

DEAL: dict[str, Value] = {
    "customer_name": "Contoso Foods",
    "postal_code": "3511 ED",
    "country": "NL",
    "contacts": (ANNA,),
}


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        await one.system.prepare()
        one.forget()
        yield one


async def found(floor: Floor, duns: str | None = None, **changes: Any) -> dict[str, Account]:
    """The candidates by name."""
    accounts = await floor.system.accounts(DEAL | changes, duns)
    return {one.name: one for one in accounts}


async def test_everything_a_deal_tells_is_asked_in_one_call(floor: Floor) -> None:
    seller = floor.org.as_seller
    same = {"BillingPostalCode": "3511 ED", "BillingCountry": "The Netherlands"}
    seller.create("Account", {"Name": "contoso foods", **same})
    seller.create("Account", {"Name": "Contoso Voedsel BV"})
    seller.create("Account", {"Name": "CF Holding", "Website": "https://www.contoso.example/nl"})
    by_contact = seller.create("Account", {"Name": "Kitchens"})
    seller.create("Contact", {"LastName": "B", "Email": "b@Contoso.example", "AccountId": by_contact})
    seller.create("Account", {"Name": "Fabrikam", "Website": "fabrikam.example"})
    answer = await found(floor)
    assert floor.calls() == 1
    assert set(answer) == {"contoso foods", "Contoso Voedsel BV", "CF Holding", "Kitchens"}
    exact = answer["contoso foods"]
    assert (exact.postal_code, exact.country, exact.domains) == ("3511 ED", "NL", frozenset())
    assert exact.created_at is not None
    assert answer["CF Holding"].domains == {"contoso.example"}
    assert answer["Kitchens"].domains == {"contoso.example"}


async def test_an_account_found_by_several_signs_comes_once_with_all_of_them(floor: Floor) -> None:
    seller = floor.org.as_seller
    ours = seller.create("Account", {"Name": "Contoso Foods", "Website": "contoso.nl"})
    seller.create("Contact", {"LastName": "S", "Email": ANNA.email, "AccountId": ours})
    (account,) = await floor.system.accounts(DEAL, None)
    assert account.domains == {"contoso.nl", "contoso.example"}


async def test_an_address_at_a_free_mail_provider_leads_to_nobody(floor: Floor) -> None:
    seller = floor.org.as_seller
    stranger = seller.create("Account", {"Name": "Somebody"})
    seller.create("Contact", {"LastName": "S", "Email": "else@gmail.com", "AccountId": stranger})
    assert await found(floor, contacts=(Person("anna@gmail.com"),)) == {}


async def test_the_duns_number_counts_where_its_field_is_named() -> None:
    """M-26: no standard field is documented, so its name is a setting."""
    for field, names in (("AccountNumber", {"Other name"}), (None, set[str]())):
        async with opened(duns_field=field) as floor:
            floor.org.as_seller.create("Account", {"Name": "Other name", "AccountNumber": "123456789"})
            answer = await found(floor, duns="12-345-6789")
            assert set(answer) == names
            assert all(one.duns == "123456789" for one in answer.values())


async def test_a_duns_field_the_org_lacks_is_a_finding_and_stops_nothing() -> None:
    async with opened(duns_field="No_Such__c") as floor:
        floor.org.as_seller.create("Account", {"Name": "Contoso Foods"})
        assert set(await found(floor, duns="123456789")) == {"Contoso Foods"}
        findings = await floor.system.check()
        assert any("No_Such__c" in one.message for one in findings)


async def test_where_countries_are_codes_only_names_of_that_country_are_asked_for() -> None:
    async with opened() as floor:
        floor.org.settings.state_country_picklists = True
        for name, code in (("Contoso North", "NL"), ("Contoso South", "DE")):
            floor.org.as_seller.create("Account", {"Name": name, "BillingCountryCode": code})
        answer = await found(floor)
        assert {name: one.country for name, one in answer.items()} == {"Contoso North": "NL"}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("삼성전자 주식회사", "(주)삼성전자"),
        ("臺灣港口股份有限公司", "臺灣港口"),
        ("PT Astra Tbk", "Astra International"),
        ("The Walt Shipyard", "the walt yard"),
    ],
)
async def test_names_that_begin_alike_are_found(floor: Floor, name: str, other: str) -> None:
    floor.org.as_seller.create("Account", {"Name": other, "BillingCountry": "NL"})
    assert set(await found(floor, customer_name=name)) == {other}


@pytest.mark.parametrize(
    "name", ["' OR Name LIKE '%", "100% Pure_ \\ \n @{x.id}", "<script>", "x" * 3000, "+++"]
)
async def test_a_hostile_name_finds_nothing_and_breaks_nothing(floor: Floor, name: str) -> None:
    floor.org.as_seller.create("Account", {"Name": "Innocent"})
    assert await found(floor, customer_name=name, contacts=(Person(f"{name[:40]}@x%.example"),)) == {}


async def test_a_deal_without_a_customer_asks_nothing(floor: Floor) -> None:
    assert await found(floor, customer_name=None) == {}
    assert floor.calls() == 0
