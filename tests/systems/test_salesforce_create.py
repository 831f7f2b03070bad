"""Creating opportunities: product.md B4, CUS-12, PRE-13; salesforce-api.md 6 and 7."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from cosell.core.errors import CosellError, Rejected, Uncertain
from cosell.core.matching import Whose, choose, customer_of
from cosell.core.values import Person, Solution, State, Unreadable
from cosell.ports import Marks
from cosell.sandbox.salesforce import DuplicateRule

from .salesfloor import ANNA, BORIS, REFERRAL, SOLUTION, Floor, creation, introduced, opened


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


async def test_a_deal_arrives_whole_with_its_identifiers_in_two_calls(floor: Floor) -> None:
    """SCN-05, FLD-S01 to S10: one look for the customer, one all-or-nothing create that reads back."""
    await floor.system.prepare()
    floor.forget()
    wanted = creation(marks=Marks(("2026-11-21 10:00 - In step.",), "ok", REFERRAL, enroll=True))
    made = await introduced(floor, wanted)
    assert floor.calls() == 2
    for key, value in wanted.values.items():
        assert made.values[key] == value, key
    assert (made.partner_id, made.stamp, made.enrolled, made.mark) == (REFERRAL, "w1", True, "ok")
    row = floor.row(made.id)
    assert row["Name"] == "✔ Cold chain rollout"
    assert row["StageName"] == "Qualification"
    assert row["Referral_Link__c"].endswith(REFERRAL)
    assert row["Audit__c"] == "2026-11-21 10:00 - In step."
    account = floor.rows("Account")[0]
    assert (account["Name"], account["BillingCountry"], account["BillingStreet"]) == (
        "Contoso Foods",
        "NL",
        "Stationsplein 1",
    )


async def test_a_referral_not_yet_accepted_arrives_in_the_on_hold_stage(floor: Floor) -> None:
    """SCN-07, ENV-S02."""
    made = await floor.system.create(creation(state=State.PENDING))
    assert floor.row(made.id)["StageName"] == "On Hold"


async def test_a_second_creation_of_one_referral_is_refused_as_existing(floor: Floor) -> None:
    """INV-3: the unique id makes the create safe to repeat; nothing of the second one is kept."""
    await floor.system.create(creation())
    before = [len(floor.rows(name)) for name in ("Account", "Contact", "Opportunity", SOLUTION)]
    with pytest.raises(Rejected) as caught:
        await floor.system.create(creation(customer_name="Another company"))
    assert caught.value.code == "exists"
    assert [len(floor.rows(name)) for name in ("Account", "Contact", "Opportunity", SOLUTION)] == before
    assert len(await floor.system.find(REFERRAL)) == 1


async def test_a_create_whose_answer_was_lost_is_in_doubt_and_found_afterwards(floor: Floor) -> None:
    """INV-10."""
    await floor.system.prepare()
    floor.fault("lose", "/composite")
    with pytest.raises(Uncertain):
        await floor.system.create(creation())
    found = await floor.system.find(REFERRAL)
    assert [one.stamp for one in found] == ["w1"]


async def test_an_account_of_equal_name_and_postal_code_is_used(floor: Floor) -> None:
    """CUS-12: found, chosen, and used in three calls; its contacts and our users are one of them."""
    seller = floor.org.as_seller
    seller.create("Account", {"Name": "Contoso Foods", "BillingPostalCode": "9999 ZZ"})
    ours = seller.create("Account", {"Name": "CONTOSO FOODS", "BillingPostalCode": "3511ed"})
    await floor.system.prepare()
    floor.forget()
    made = await introduced(floor, creation())
    assert floor.calls() == 3
    assert made.facts["account"] == ours
    assert len(floor.rows("Account")) == 2


async def test_another_postal_code_is_another_account(floor: Floor) -> None:
    """CUS-12: never guessed."""
    floor.org.as_seller.create("Account", {"Name": "Contoso Foods", "BillingPostalCode": "9999 ZZ"})
    await introduced(floor, creation())
    assert len(floor.rows("Account")) == 2


async def test_without_a_postal_code_the_country_must_single_one_account_out(floor: Floor) -> None:
    seller = floor.org.as_seller
    ours = seller.create("Account", {"Name": "Contoso Foods", "BillingCountry": "Netherlands"})
    seller.create("Account", {"Name": "Contoso Foods", "BillingCountry": "Germany"})
    made = await introduced(floor, creation(postal_code=None))
    assert made.facts["account"] == ours
    seller.create("Account", {"Name": "Contoso Foods", "BillingCountry": "NL"})
    again = creation("another-referral", postal_code=None, contacts=None)
    customer = customer_of(again.values)
    assert customer is not None
    choice = choose(customer, await floor.system.accounts(again.values, None))
    assert choice.verdict is Whose.UNCLEAR


async def test_without_a_chosen_account_a_new_one_is_made_whatever_is_there(floor: Floor) -> None:
    """The choice is not this system's: None means new."""
    floor.org.as_seller.create("Account", {"Name": "Contoso Foods", "BillingPostalCode": "3511 ED"})
    await floor.system.create(creation())
    assert len(floor.rows("Account")) == 2


@pytest.mark.parametrize("account", ["no id at all", "001000000000000AAA"])
async def test_an_account_that_is_not_there_is_refused_and_nothing_is_left_behind(
    floor: Floor, account: str
) -> None:
    with pytest.raises(Rejected):
        await floor.system.create(replace(creation(), account_id=account))
    assert floor.rows() == []
    assert floor.rows("Contact") == []


async def test_a_contact_of_the_account_is_used_and_one_of_another_account_is_not(floor: Floor) -> None:
    """M-15."""
    seller = floor.org.as_seller
    account = seller.create("Account", {"Name": "Contoso Foods", "BillingPostalCode": "3511 ED"})
    other = seller.create("Account", {"Name": "Fabrikam"})
    anna = seller.create("Contact", {"LastName": "S", "Email": ANNA.email.upper(), "AccountId": account})
    seller.create("Contact", {"LastName": "V", "Email": BORIS.email, "AccountId": other})
    await floor.system.create(replace(creation(), account_id=account))
    assert anna in {row["ContactId"] for row in floor.rows("OpportunityContactRole")}
    assert len(floor.rows("Contact")) == 3


async def test_the_owner_is_the_first_of_the_deals_team_who_is_a_user(floor: Floor) -> None:
    """PRE-13; the others join the opportunity's team."""
    users = [u for u in floor.rows("User") if u["Id"] != floor.org.user_id][:2]
    stranger = Person("nobody@partner.example", "No", "Body")
    team = (stranger, *(Person(u["Email"].upper(), u["FirstName"], u["LastName"]) for u in users))
    made = await floor.system.create(creation(team=team))
    assert floor.row(made.id)["OwnerId"] == users[0]["Id"]
    assert [row["UserId"] for row in floor.rows("OpportunityTeamMember")] == [users[1]["Id"]]


async def test_without_a_user_in_the_team_the_owner_is_our_own_or_the_one_set(floor: Floor) -> None:
    made = await floor.system.create(creation(team=(Person("nobody@partner.example"),)))
    assert floor.row(made.id)["OwnerId"] == floor.org.user_id
    owner = next(u["Id"] for u in floor.rows("User") if u["Id"] != floor.org.user_id)
    async with opened(default_owner=owner) as other:
        made = await other.system.create(creation())
        assert other.row(made.id)["OwnerId"] == owner


@pytest.mark.parametrize("key", ["name", "close_date", "state"])
async def test_what_salesforce_needs_and_the_deal_lacks_is_named(floor: Floor, key: str) -> None:
    """salesforce-api.md 11.1: nothing is invented."""
    await floor.system.prepare()
    floor.forget()
    lacking: dict[str, Any] = {key: None}
    with pytest.raises(Rejected) as caught:
        await floor.system.create(creation(**lacking))
    assert caught.value.fields == (key,)
    assert floor.calls() == 0


async def test_an_unreadable_value_is_never_written(floor: Floor) -> None:
    with pytest.raises(Rejected) as caught:
        await floor.system.create(creation(deal_value=Unreadable("ten", "is not an amount")))
    assert caught.value.fields == ("deal_value",)


async def test_another_currency_than_the_only_one_is_refused_before_anything_is_sent() -> None:
    """PRE-12: an amount in another currency would be another amount."""
    async with opened(corporate_currency="CHF") as floor:
        floor.org.settings.multi_currency = False
        with pytest.raises(Rejected) as caught:
            await floor.system.create(creation(currency="EUR"))
        assert caught.value.fields == ("currency",)
        made = await floor.system.create(creation(currency="CHF"))
        assert made.values["currency"] == "CHF"


async def test_a_currency_the_org_lacks_is_refused_and_nothing_is_left_behind(floor: Floor) -> None:
    """Trap 2: account and contacts made on the way are rolled back with the deal."""
    with pytest.raises(Rejected) as caught:
        await floor.system.create(creation(currency="XAF"))
    assert caught.value.code == "choice"
    assert floor.rows("Account") == []
    assert floor.rows("Contact") == []


async def test_a_region_out_of_the_orgs_list_is_written_by_its_code() -> None:
    """Trap 7, for states."""
    async with opened() as floor:
        floor.org.settings.state_country_picklists = True
        made = await floor.system.create(creation(country="US", region="California", postal_code="94105"))
        assert floor.rows("Account")[0]["BillingStateCode"] == "CA"
        assert made.values["region"] == "California"


async def test_fifty_solutions_and_twenty_contacts_arrive_whole(floor: Floor) -> None:
    """salesforce-api.md 7.1: at most 25 parts a call; the rest follows under the ids just made."""
    solutions = tuple(Solution(f"SOL-{n:05}-AAA", Decimal(n)) for n in range(1, 51))
    contacts = tuple(Person(f"p{n:02}@contoso.example", "P", f"N{n:02}") for n in range(20))
    made = await floor.system.create(creation(solutions=solutions, contacts=contacts))
    assert made.values["solutions"] == solutions
    assert made.values["contacts"] == contacts
    assert len(floor.rows("Account")) == 1


async def test_a_long_creation_that_breaks_off_is_in_doubt_and_is_found(floor: Floor) -> None:
    """INV-10: the opportunity is there, so it is adopted and never created again."""
    solutions = tuple(Solution(f"SOL-{n:05}-AAA") for n in range(1, 31))
    bad = (*solutions, Solution("SOL-99999-ZZZ" + "X" * 300))
    with pytest.raises(Uncertain):
        await floor.system.create(creation(solutions=bad))
    assert len(await floor.system.find(REFERRAL)) == 1


async def test_an_alert_of_a_duplicate_rule_is_passed_or_heeded_as_set() -> None:
    """salesforce-api.md 3, DUPLICATES_DETECTED."""
    rule = DuplicateRule("Contact", ("Email",), name="Same_Email")
    for alerts, passes in (("pass", True), ("stop", False)):
        async with opened(duplicate_alerts=alerts) as floor:
            floor.org.settings.duplicate_rules = (rule,)
            floor.org.as_seller.create("Contact", {"LastName": "S", "Email": ANNA.email})
            if passes:
                await floor.system.create(creation())
                continue
            with pytest.raises(Rejected) as caught:
                await floor.system.create(creation())
            assert caught.value.code == "duplicates"
            assert "Same_Email" in caught.value.message
            assert floor.rows("Opportunity") == []


async def test_a_blocking_duplicate_rule_holds_the_deal(floor: Floor) -> None:
    floor.org.settings.duplicate_rules = (DuplicateRule("Contact", ("Email",), block=True),)
    floor.org.as_seller.create("Contact", {"LastName": "S", "Email": ANNA.email})
    with pytest.raises(Rejected) as caught:
        await floor.system.create(creation())
    assert caught.value.code == "duplicates"


async def test_a_contact_without_a_last_name_is_kept_under_the_words_it_has(floor: Floor) -> None:
    """salesforce-api.md 11.2: LastName is required; nothing is made up."""
    people = (Person("only@mail.example"), Person("first@name.example", "Only"))
    await floor.system.create(creation(contacts=people))
    assert {row["LastName"] for row in floor.rows("Contact")} == {"only@mail.example", "Only"}


async def test_a_deal_without_customer_and_lists_is_created_bare(floor: Floor) -> None:
    bare = creation(customer_name=None, contacts=None, solutions=None, postal_code=None)
    made = await floor.system.create(bare)
    assert "account" not in made.facts
    assert floor.rows("Account") == []


async def test_an_invitation_is_no_act_of_salesforce(floor: Floor) -> None:
    from cosell.ports import Invitation

    deal = floor.deal()
    with pytest.raises(CosellError):
        await floor.system.invite(Invitation("w1", replace(await floor.read(deal)), "GeneralOrOther"))


async def test_what_the_org_demands_besides_is_named_by_the_doctor_and_given_by_the_settings(
    floor: Floor,
) -> None:
    """CUS-10."""
    floor.org.schema.change_field("Opportunity", "LeadSource", nillable=False)
    floor.org.schema.change_field("Account", "Industry", nillable=False)
    (finding,) = [one for one in await floor.system.check() if one.name == "required fields"]
    assert not finding.ok
    assert "Opportunity.LeadSource, Account.Industry" in finding.message
    system = floor.another(
        opportunity_defaults={"LeadSource": "Other"}, account_defaults={"Industry": "Banking"}
    )
    try:
        assert {one.name: one.ok for one in await system.check()}["required fields"]
        made = await system.create(creation())
    finally:
        await system.aclose()
    assert floor.row(made.id)["LeadSource"] == "Other"
    assert floor.rows("Account")[-1]["Industry"] == "Banking"
