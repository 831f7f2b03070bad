"""The sixteen traps of salesforce-api.md section 0, each with what it costs whoever steps into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from cosell.core.errors import Gone, Rejected, SchemaDrift, Stale, Throttled
from cosell.core.records import Snapshot
from cosell.core.values import Solution, State
from cosell.ports import Marks
from cosell.systems.salesforce.options import FieldNames
from cosell.systems.salesforce.outcomes import error_of, refusals
from cosell.systems.salesforce.soql import long_id

from .salesfloor import REFERRAL, SOLUTION, Floor, creation, opened, update


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


def test_1_errors_are_read_from_arrays_objects_and_row_errors_alike() -> None:
    """salesforce-api.md 0, trap 1."""
    array = refusals([{"errorCode": "REQUIRED_FIELD_MISSING", "message": "m", "fields": ["Name"]}])
    row = refusals([{"statusCode": "REQUIRED_FIELD_MISSING", "message": "m", "fields": ["Name"]}])
    oauth = refusals({"error": "invalid_grant", "error_description": "d"})
    assert [(one.code, one.text, one.fields) for one in array] == [
        (one.code, one.text, one.fields) for one in row
    ]
    assert (oauth[0].code, oauth[0].text) == ("invalid_grant", "d")


async def test_2_a_composite_of_200_that_failed_is_a_failure_and_names_the_real_cause(floor: Floor) -> None:
    """Trap 2: the innocent parts say PROCESSING_HALTED; nothing of the change was kept."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    bad = Solution("SOL-1-" + "X" * 300)
    answer = await floor.write(seen, name="Renamed", solutions=(Solution("SOL-10001-AAA"), bad))
    assert isinstance(answer, Rejected)
    assert answer.code == "too_long"
    assert floor.row(deal)["Name"] == "Cold chain"
    assert floor.rows(SOLUTION) == []


async def test_3_several_records_for_one_id_are_final_and_never_followed() -> None:
    """Trap 3: 300 is a refusal."""
    error = error_of(300, ["/services/data/v67.0/sobjects/Opportunity/006"], safe=False)
    assert isinstance(error, Rejected)
    assert error.code == "ambiguous"


async def test_4_a_referral_id_that_is_not_unique_is_no_key_and_doctor_says_so() -> None:
    """Trap 4."""
    async with opened() as floor:
        await floor.system.prepare()
        assert floor.system.capabilities.create == "by_key"
    async with opened() as floor:
        floor.org.settings.unique_referral_id = False
        await floor.system.prepare()
        assert floor.system.capabilities.create == "findable"
        finding = next(one for one in await floor.system.check() if one.name == "referral id")
        assert not finding.ok
        assert "Unique" in finding.advice


async def test_5_the_amount_of_a_deal_with_products_is_left_to_the_products(floor: Floor) -> None:
    """Trap 5: Salesforce would ignore it without a word, so it is refused by name and the rest is written."""
    deal = floor.deal()
    floor.org.as_seller.add_product(deal, unit_price=250.0, quantity=2)
    seen = await floor.firm(deal)
    assert seen.facts["products"] == "yes"
    refused = await floor.write(seen, deal_value=Decimal(9), name="Renamed")
    assert isinstance(refused, Rejected)
    assert refused.fields == ("deal_value",)
    stored = await floor.write(seen, name="Renamed")
    assert isinstance(stored, Snapshot)
    assert stored.values["deal_value"] == Decimal(500)
    assert stored.values["name"] == "Renamed"


async def test_6_an_org_without_currencies_and_teams_is_asked_for_neither() -> None:
    """Trap 6: selecting what does not exist is refused, so describe decides."""
    async with opened(corporate_currency="CHF") as floor:
        floor.org.settings.multi_currency = False
        floor.org.settings.opportunity_teams = False
        seen = await floor.read(floor.deal())
        assert seen.values["currency"] == "CHF"
        can = floor.system.capabilities
        assert "currency" in can.readable
        assert "currency" not in can.updatable | can.creatable | can.guarded
    async with opened() as floor:
        floor.org.settings.multi_currency = False
        seen = await floor.read(floor.deal())
        assert "currency" not in seen.values


async def test_7_with_country_picklists_on_the_code_field_is_written() -> None:
    """Trap 7: free text in BillingCountry would be refused."""
    async with opened() as floor:
        floor.org.settings.state_country_picklists = True
        made = await floor.system.create(creation(country="DE", region="Nowhere at all"))
        assert made.values["country"] == "DE"
        assert floor.rows("Account")[0]["BillingCountryCode"] == "DE"


async def test_8_a_row_of_a_slow_transaction_is_found_though_its_stamp_is_old(floor: Floor) -> None:
    """Trap 8: the poll looks back over the longest transaction there can be."""
    deal = floor.deal()
    await floor.settle()
    slow = floor.org.open_transaction()
    slow.update("Opportunity", deal, {"Name": "Slow"})
    floor.later(400)
    quick = floor.deal(Name="Quick")
    floor.later()
    first = await floor.poll()
    assert [one.id for one in first.snapshots] == [quick]
    floor.later(100)
    assert (await floor.poll()).snapshots == ()
    slow.commit()
    second = await floor.poll()
    assert [one.values["name"] for one in second.snapshots] == ["Slow"]


async def test_9_a_deleted_contact_role_is_noticed_though_no_query_shows_it(floor: Floor) -> None:
    """Trap 9: getDeleted is its only trace."""
    deal = floor.deal()
    _, role = floor.contact(deal)
    await floor.settle()
    floor.org.as_seller.delete("OpportunityContactRole", role)
    found = await _after_deletions(floor)
    assert [one.id for one in found] == [deal]
    assert found[0].values["contacts"] is None


async def test_10_deletions_in_a_minute_already_asked_for_are_not_lost(floor: Floor) -> None:
    """Trap 10: the seconds of both bounds are dropped, so windows overlap."""
    first, second = floor.deal(), floor.deal()
    roles = [floor.contact(deal)[1] for deal in (first, second)]
    await floor.settle()
    floor.org.as_seller.delete("OpportunityContactRole", roles[0])
    assert [one.id for one in await _after_deletions(floor)] == [first]
    floor.org.as_seller.delete("OpportunityContactRole", roles[1])
    assert [one.id for one in await _after_deletions(floor)] == [second]


async def _after_deletions(floor: Floor) -> list[Snapshot]:
    """What the polls of the next ten minutes bring."""
    found: list[Snapshot] = []
    for _ in range(10):
        floor.later(60)
        found += (await floor.poll()).snapshots
    return found


async def test_11_an_expired_session_is_renewed_once_and_the_call_repeated(floor: Floor) -> None:
    """Trap 11."""
    deal = floor.deal()
    await floor.system.prepare()
    floor.org.expire_sessions()
    floor.forget()
    assert (await floor.read(deal)).id == deal
    assert floor.calls("/oauth2/token") == 1


async def test_12_the_lock_of_an_opportunity_is_if_unmodified_since(floor: Floor) -> None:
    """Trap 12: there is no If-Match for it; a change since the read refuses the write."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    floor.edit(deal, NextStep="somebody else")
    answer = await floor.write(seen, name="Renamed")
    assert isinstance(answer, Stale)
    assert floor.row(deal)["Name"] == "Cold chain"


async def test_13_pages_of_rows_and_of_child_rows_are_read_to_the_end(floor: Floor) -> None:
    """Trap 13: the next page is a path, and the page size is a hint."""
    deal = floor.deal()
    for number in range(230):
        floor.solution(deal, f"SOL-{number:05}-AAA")
    floor.org.settings.open_cursors = 10
    seen = await floor.read(deal)
    solutions = seen.values["solutions"]
    assert isinstance(solutions, tuple)
    assert len(solutions) == 230


async def test_14_hundreds_of_ids_are_asked_for_in_one_call_within_the_size_limit(floor: Floor) -> None:
    """Trap 14: no address is longer than 16,384 bytes."""
    account = floor.org.as_seller.create("Account", {"Name": "Contoso"})
    deals = [floor.deal(AccountId=account, Name=f"Deal {number}") for number in range(400)]
    await floor.system.prepare()
    floor.forget()
    found = await floor.system.get_many(deals)
    assert {one: getattr(found[one], "id", None) for one in deals} == {one: one for one in deals}
    assert floor.calls() == 1


async def test_15_the_id_of_a_row_made_in_the_same_call_is_spelled_small(floor: Floor) -> None:
    """Trap 15: a contact made on the way is tied to the deal it was made for."""
    made = await floor.system.create(creation())
    assert len(floor.rows("OpportunityContactRole")) == 2
    assert isinstance(made.values["contacts"], tuple)
    assert {one.email for one in made.values["contacts"]} == {  # type: ignore[union-attr]
        "anna.smit@contoso.example",
        "boris.vos@contoso.example",
    }


async def test_16_advice_speaks_of_the_app_and_never_of_connected_apps(floor: Floor) -> None:
    """Trap 16: new connected apps cannot be made any more."""
    floor.org.settings.user_approved = False
    findings = await floor.system.check()
    assert [one.ok for one in findings] == [False]
    assert "pre-authorized" in findings[0].advice
    assert "connected app" not in findings[0].advice.casefold()


# --- further pits of the sheet ---------------------------------------------------------------------


async def test_ids_of_fifteen_characters_mean_the_same_record(floor: Floor) -> None:
    """salesforce-api.md 1: recorded pairs, and an answer under the id that was asked for."""
    assert long_id("0015500001QdQWa") == "0015500001QdQWaAAN"
    assert long_id("0037e00001WZ30q") == "0037e00001WZ30qAAD"
    assert long_id("0017e00001W4GYR") == "0017e00001W4GYRAA3"
    assert long_id("0015500001qdqwaaan") == "0015500001QdQWaAAN", "the suffix tells the case"
    assert long_id("0015500001QdQWaBAN") is None, "a suffix that contradicts its id"
    assert long_id("0015500001QdQWa999") is None
    deal = floor.deal()
    found = await floor.system.get_many([deal[:15], "no id at all", "006000000000000AAA"])
    assert getattr(found[deal[:15]], "id", None) == deal
    assert isinstance(found["no id at all"], Gone)
    assert isinstance(found["006000000000000AAA"], Gone)


async def test_one_id_that_is_none_hides_no_other_answer(floor: Floor) -> None:
    """Salesforce refuses a whole query for one id whose suffix is wrong (INV-14)."""
    deal = floor.deal()
    wrong = f"{deal[:15]}999"
    found = await floor.system.get_many([wrong, deal, deal.lower()])
    assert isinstance(found[wrong], Gone)
    assert getattr(found[deal], "id", None) == getattr(found[deal.lower()], "id", None) == deal


async def test_a_needed_field_that_is_hidden_is_named_with_what_to_do(floor: Floor) -> None:
    """salesforce-api.md 4: hidden and missing look alike, so both are named."""
    floor.org.settings.hidden_fields = frozenset({"Opportunity.Sync_with_Partner_Center__c"})
    with pytest.raises(SchemaDrift) as caught:
        await floor.system.prepare()
    assert caught.value.fields == ("Opportunity.Sync_with_Partner_Center__c",)
    assert "may not see it" in caught.value.message


async def test_a_field_that_vanishes_while_running_is_found_out_and_said_to_be_unread(floor: Floor) -> None:
    """J-9; reliability.md 5, Schema: the others are read as ever."""
    deal = floor.deal()
    await floor.read(deal)
    floor.org.settings.hidden_fields = frozenset({"Opportunity.Description"})
    with pytest.raises(SchemaDrift) as caught:
        await floor.system.get_many([deal])
    assert "Description" in caught.value.fields
    seen = await floor.read(deal)
    assert seen.unread >= {"notes"}
    assert "notes" not in seen.values
    assert seen.values["name"]
    lack = floor.system.capabilities.lacks["notes"]
    assert (lack.place, lack.label) == ("Opportunity.Description", "Description")


async def test_an_org_with_the_hand_built_fields_of_2020_alone_works(floor: Floor) -> None:
    """product.md A9b: no stamp, no solutions, no visibility; what is missing is said."""
    names = (
        "Referral_visible_to_Microsoft__c",
        "Microsoft_CRM_Identifier__c",
        "Referral_Program__c",
        "Cosell_Stamp__c",
    )
    floor.org.settings.hidden_fields = frozenset(f"Opportunity.{name}" for name in names)
    deal = floor.deal()
    seen = await floor.firm(deal)
    can = floor.system.capabilities
    assert not can.stamp
    assert "visible" not in can.readable
    stored = await floor.write(seen, name="Renamed")
    assert isinstance(stored, Snapshot)
    missing = {one.name for one in await floor.system.check() if not one.ok}
    assert {f"field {name}" for name in names} <= missing


async def test_a_field_of_another_name_is_known_by_its_label(floor: Floor) -> None:
    """salesforce-api.md 13: an org that has Microsoft's fields keeps them."""
    deal = floor.deal(Referral_Identifier__c=REFERRAL)
    system = floor.another(fields=FieldNames(referral_id="No_Such_Field__c"))
    try:
        found = (await system.get_many([deal]))[deal]
        assert isinstance(found, Snapshot)
        assert found.partner_id == REFERRAL
    finally:
        await system.aclose()


async def test_an_exhausted_quota_pauses_for_long_and_a_crowd_for_a_moment(floor: Floor) -> None:
    """salesforce-api.md 3 and 9."""
    await floor.system.prepare()
    pauses = []
    for name in ("REQUEST_LIMIT_EXCEEDED", "CONCURRENT_LIMIT_EXCEEDED"):
        floor.fault("answer", answer=name)
        with pytest.raises(Throttled) as caught:
            await floor.system.find(REFERRAL)
        pauses.append(caught.value.retry_after or 0)
    assert pauses[0] >= 600 > 60 >= pauses[1] > 0


async def test_a_stage_of_the_same_meaning_is_left_as_the_seller_chose_it(floor: Floor) -> None:
    """product.md B6: accepted covers every later open stage."""
    deal = floor.deal(StageName="Value Proposition")
    seen = await floor.firm(deal)
    assert seen.values["state"] is State.ACTIVE
    stored = await floor.write(seen, state=State.ACTIVE, name="Renamed", marks=Marks())
    assert isinstance(stored, Snapshot)
    assert floor.row(deal)["StageName"] == "Value Proposition"
    updates = [update(await floor.firm(deal), state=State.WON)]
    assert isinstance((await floor.system.update_many(updates))["w1"], Snapshot)
    assert floor.row(deal)["StageName"] == "Closed Won"
