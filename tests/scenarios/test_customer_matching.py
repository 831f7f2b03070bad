"""Whose deal an incoming one is: CUS-12, J-4, C-62, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cosell.cli import customers, explaining, planning
from cosell.core.errors import Uncertain
from cosell.core.matching import ACCOUNT, Whose
from cosell.core.reasons import Reason
from cosell.core.records import LinkState, Resolution, Side, Write, WriteKind, WriteState

from .conftest import BOTH, Desk, Furnish

SAME = {"name": "Contoso Harbour BV", "postal_code": "3011 BB", "country": "NL"}


def account(desk: Desk, **fields: Any) -> str:
    return desk.seller.create("account", fields)


def names(desk: Desk) -> list[str]:
    return sorted(row["name"] for row in desk.seller.rows("account"))


async def customer_of(desk: Desk, referral: str) -> str:
    """The account of the one opportunity of a referral."""
    (row,) = desk.opportunities(referral)
    return str(row["account"])


async def answer(desk: Desk, referral: str, chosen: str | None) -> None:
    """What `cosell resolve` records."""
    link, now = await desk.link(referral), desk.clock.now()
    side = Side.PARTNER_CENTER if chosen is None else Side.CRM
    given = Resolution(side, link.holds[ACCOUNT].partner_center, chosen, "ada", now)
    changed = replace(link, resolutions={**link.resolutions, ACCOUNT: given})
    decision = Write(
        id=desk.env.dice.token(),
        link_key=link.key,
        side=Side.CRM,
        kind=WriteKind.DECISION,
        record_id=None,
        partner_id=None,
        note="chosen by a person (ada)",
        created_at=now,
        state=WriteState.DONE,
        finished_at=now,
    )
    await desk.env.store.decide(changed, decision, now)


# --- clear -----------------------------------------------------------------------------------------


@BOTH
async def test_a_deal_joins_the_account_of_its_name_and_postal_code(desk: Desk) -> None:
    """CUS-12; the journal says which and why, and so does the Audit field."""
    ours = account(desk, **SAME | {"name": "CONTOSO HARBOUR B.V."})
    referral = desk.inbound()
    await desk.sync()
    assert await customer_of(desk, referral) == ours
    assert names(desk) == ["CONTOSO HARBOUR B.V."]
    (row,) = [one.write for one in await desk.journal(referral) if one.write.kind is WriteKind.CREATE]
    assert row.note == f"account {ours}, same name and postal code"
    assert "an account that was there (same name and postal code)" in desk.opportunities(referral)[0]["audit"]


@BOTH
async def test_an_unknown_customer_gets_an_account_of_its_own(desk: Desk) -> None:
    account(desk, name="Fabrikam BV", country="NL")
    referral = desk.inbound()
    await desk.sync()
    assert names(desk) == ["Contoso Harbour BV", "Fabrikam BV"]
    assert "with a new account" in desk.opportunities(referral)[0]["audit"]


async def test_a_contact_at_the_customers_domain_and_a_name_alike_are_enough_together(desk: Desk) -> None:
    ours = account(desk, name="Contoso Harbor", country="NL", Website="www.harbour.example")
    referral = desk.inbound()
    await desk.sync()
    assert await customer_of(desk, referral) == ours


async def test_a_duns_number_names_the_customer_whatever_its_name(furnished: Furnish) -> None:
    """M-26."""
    desk = await furnished(salesforce={"duns_field": "AccountNumber"})
    ours = account(desk, name="Renamed since", country="NL", AccountNumber="123456789")
    profile = {
        "name": "Contoso Harbour BV",
        "address": {"addressLine1": "Kade 1", "city": "Rotterdam", "postalCode": "3011 BB", "country": "NL"},
        "ids": [{"profileType": "Duns", "id": "123456789"}],
        "team": [],
    }
    referral = desk.inbound(customerProfile=profile)
    await desk.sync()
    assert await customer_of(desk, referral) == ours


async def test_the_contacts_of_the_chosen_account_are_used_and_none_is_invented(desk: Desk) -> None:
    """M-15, C-62."""
    ours = account(desk, **SAME)
    seller = desk.sandbox.salesforce.as_seller
    kim = seller.create("Contact", {"LastName": "Bos", "Email": "KIM.BOS@harbour.example", "AccountId": ours})
    referral = desk.inbound()
    await desk.sync()
    (role,) = seller.rows("OpportunityContactRole")
    assert role["ContactId"] == kim
    assert len(seller.rows("Contact")) == 1
    assert await customer_of(desk, referral) == ours


@BOTH
async def test_a_customer_without_a_country_gets_none_by_default(desk: Desk) -> None:
    """C-62: no country is made up, neither for the choice nor on the new account."""
    account(desk, name="Contoso Harbour", country="US")
    profile = {"name": "Contoso Harbour", "address": {"city": "Rotterdam", "country": "NL"}, "team": []}
    referral = desk.inbound(customerProfile=profile)
    await desk.sync()
    rows = {row["id"]: row for row in desk.seller.rows("account")}
    made = rows[await customer_of(desk, referral)]
    assert (made["country"], made["postal_code"]) == ("NL", None)
    assert len(rows) == 2


@BOTH
async def test_deals_of_one_new_customer_that_come_together_share_its_account(desk: Desk) -> None:
    """J-4: looking for the customer and making it is one step."""
    referrals = [desk.inbound(name=f"Deal {number}") for number in range(5)]
    await desk.sync()
    assert names(desk) == ["Contoso Harbour BV"]
    assert len({await customer_of(desk, one) for one in referrals}) == 1
    assert len(desk.seller.rows("contact")) == 1


# --- unclear ---------------------------------------------------------------------------------------


@BOTH
async def test_an_unclear_customer_waits_for_a_person_with_the_candidates_in_order(desk: Desk) -> None:
    """J-4, INV-22: nothing is created, and the deal says what it waits for."""
    double = account(desk, **SAME)
    desk.clock.leap(60)
    other = account(desk, **SAME)
    third = account(desk, name="Contoso Harbour", country="NL", postal_code="1011 AA")
    referral = desk.inbound()
    await desk.sync()
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.HELD, Reason.CUSTOMER_UNCLEAR)
    places = [link.detail.index(one) for one in (double, other, third)]
    assert places == sorted(places)
    assert desk.opportunities(referral) == []
    assert len(names(desk)) == 3
    assert await desk.sync() == 0


@BOTH
async def test_the_answer_of_a_person_is_used_and_its_author_kept(desk: Desk) -> None:
    account(desk, **SAME)
    second = account(desk, **SAME)
    referral = desk.inbound()
    await desk.sync()
    await answer(desk, referral, second)
    await desk.sync()
    assert await customer_of(desk, referral) == second
    rows = [one.write for one in await desk.journal(referral)]
    assert any(row.note == f"account {second}, chosen by ada" for row in rows)
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.LINKED, "")
    assert ACCOUNT not in {*link.holds, *link.resolutions}


@BOTH
async def test_a_person_may_say_that_the_customer_is_new(desk: Desk) -> None:
    account(desk, name="Contoso Harbour", country="NL")
    referral = desk.inbound()
    await desk.sync()
    assert (await desk.link(referral)).reason == Reason.CUSTOMER_UNCLEAR
    await answer(desk, referral, None)
    await desk.sync()
    assert names(desk) == ["Contoso Harbour", "Contoso Harbour BV"]


async def test_an_answer_that_names_no_account_is_refused_by_the_crm_and_can_be_given_again(
    desk: Desk,
) -> None:
    ours = account(desk, **SAME)
    account(desk, **SAME)
    referral = desk.inbound()
    await desk.sync()
    await answer(desk, referral, "001000000000000AAA")
    await desk.sync()
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.HELD, Reason.REJECTED)
    assert desk.opportunities(referral) == []
    await answer(desk, referral, ours)
    await desk.sync()
    assert await customer_of(desk, referral) == ours


@BOTH
async def test_once_the_crm_is_tidied_up_the_deal_goes_on_by_itself(desk: Desk) -> None:
    ours = account(desk, **SAME)
    double = account(desk, **SAME)
    referral = desk.inbound()
    await desk.sync()
    desk.seller.delete("account", double)
    await desk.engine.heard(referral)
    await desk.sync()
    assert await customer_of(desk, referral) == ours


@BOTH
async def test_where_the_setting_says_so_nobody_is_asked(furnished: Furnish) -> None:
    """CUS-12 as Microsoft's connector has it: name and postal code, else a new account."""
    desk = await furnished(matching={"unsure": "create"})
    account(desk, name="Contoso Harbour", country="NL")
    first = desk.inbound()
    await desk.sync()
    assert names(desk) == ["Contoso Harbour", "Contoso Harbour BV"]
    oldest = await customer_of(desk, first)
    desk.clock.leap(60)
    account(desk, **SAME)
    again = desk.inbound(name="Second deal", customerProfile=_without_contacts())
    await desk.sync()
    assert await customer_of(desk, again) == oldest


def _without_contacts() -> dict[str, Any]:
    address = {"addressLine1": "Kade 1", "city": "Rotterdam", "postalCode": "3011 BB", "country": "NL"}
    return {"name": "Contoso Harbour BV", "address": address, "team": []}


# --- doubt and death ---------------------------------------------------------------------------------


@BOTH
async def test_an_unanswered_creation_is_sent_again_for_the_same_account(desk: Desk) -> None:
    """INV-10: the account stands in the journal; it is not chosen anew, whatever the CRM is by then."""
    ours = account(desk, **SAME)
    referral = desk.inbound()
    await desk.engine.poll(Side.PARTNER_CENTER)
    await _until_sent(desk, referral)
    account(desk, **SAME)
    engine, desk.engine = desk.engine, desk.env.engine()
    assert engine is not desk.engine
    await desk.sync_over(300)
    assert await customer_of(desk, referral) == ours
    creations = [one.write for one in await desk.journal(referral) if one.write.kind is WriteKind.CREATE]
    assert {row.note for row in creations} == {f"account {ours}, same name and postal code"}


async def _until_sent(desk: Desk, referral: str) -> None:
    """Looks at the deal while its creation gets lost on the way."""
    system = desk.env.systems().crm
    honest = system.create

    async def lost(creation: Any) -> Any:
        raise Uncertain("no answer came")

    system.create = lost  # type: ignore[method-assign]
    await desk.engine.drain()
    system.create = honest  # type: ignore[method-assign]
    rows = [one.write for one in await desk.journal(referral)]
    assert [row.state for row in rows if row.kind is WriteKind.CREATE] == [WriteState.OPEN]


@BOTH
async def test_nobody_makes_the_customer_of_a_creation_that_is_unaccounted_for(desk: Desk) -> None:
    """J-4: zero doubled accounts, also where an answer is missing and the process has died."""
    first = desk.inbound()
    await desk.engine.poll(Side.PARTNER_CENTER)
    await _until_sent(desk, first)
    desk.engine = desk.env.engine()
    second = desk.inbound(name="Second deal")
    await desk.sync_over(300)
    assert names(desk) == ["Contoso Harbour BV"]
    assert await customer_of(desk, first) == await customer_of(desk, second)


# --- seen beforehand -----------------------------------------------------------------------------------


@BOTH
async def test_a_plan_tells_whose_deal_it_would_be_and_writes_nothing(furnished: Furnish) -> None:
    """`cosell plan` under a dry run."""
    desk = await furnished(environment={"dry_run": True})
    ours = account(desk, **SAME)
    referral = desk.inbound()
    await desk.sync()
    link = await desk.link(referral)
    assert link.reason == Reason.DRY_RUN
    (seen,) = await desk.engine.preview([link.key])
    told = planning.told(seen)
    assert told["creates"] == "crm"
    assert told["customer"]["account"] == ours
    assert told["customer"]["why"] == "same name and postal code"
    assert desk.opportunities(referral) == []


async def test_a_plan_of_an_unclear_deal_names_the_candidates_and_creates_nothing(desk: Desk) -> None:
    account(desk, **SAME)
    account(desk, **SAME)
    referral = desk.inbound()
    await desk.sync()
    link = await desk.link(referral)
    (seen,) = await desk.engine.preview([link.key])
    assert not seen.writes
    told = customers.told(seen.customer)
    assert told is not None
    assert told["verdict"] == Whose.UNCLEAR
    assert [one["points"] for one in told["candidates"]] == [90, 90]
    story = explaining.told(link, seen, [], desk.env.rules)
    assert story["customer"] == told
    assert "cosell resolve" in story["next"]


async def test_a_new_deal_costs_one_question_more_at_most(desk: Desk) -> None:
    """Salesforce calls: find, whose, contacts and users, create."""
    account(desk, **SAME)
    await desk.sync()
    await desk.env.systems().crm.find("none")
    referral = desk.inbound()
    await desk.engine.poll(Side.PARTNER_CENTER)
    desk.sandbox.frame.calls.clear()
    await desk.engine.drain()
    assert len(desk.opportunities(referral)) == 1
    asked = sum(n for (name, _, _), n in desk.sandbox.frame.calls.items() if name == "salesforce")
    assert asked == 4


@BOTH
@pytest.mark.parametrize(
    "name", ["서울 물류 주식회사", "臺灣港口股份有限公司", "' OR Name LIKE '%", "<b>&amp;"]
)
async def test_names_of_every_kind_find_their_own_account_and_no_other(desk: Desk, name: str) -> None:
    """C-42."""
    account(desk, name="Innocent", country="NL", postal_code="3011 BB")
    ours = account(desk, name=name, country="NL", postal_code="3011 BB")
    referral = desk.inbound(customerProfile=_without_contacts() | {"name": name})
    await desk.sync()
    assert await customer_of(desk, referral) == ours
