"""Reading and writing opportunities: product.md A7a, A9b, B2 to B10."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cosell.core.errors import CosellError, Gone, Rejected, Retryable, SchemaDrift, Stale, Uncertain
from cosell.core.records import Side, Snapshot
from cosell.core.values import Person, Solution, State, Unreadable
from cosell.ports import Marks
from cosell.sandbox.salesforce import ValidationRule
from cosell.systems.salesforce.options import Stages

from .salesfloor import ANNA, BORIS, REFERRAL, SOLUTION, Floor, opened, update


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


def stored(answer: object) -> Snapshot:
    assert isinstance(answer, Snapshot), answer
    return answer


# --- reading ---------------------------------------------------------------------------------------


async def test_an_opportunity_is_read_whole_in_one_call(floor: Floor) -> None:
    """product.md B2, rows M-01 to M-22."""
    deal = floor.deal(
        Name="✔ Cold chain",
        CurrencyIsoCode="EUR",
        Description="Line one\nLine two",
        How_can_Microsoft_help__c="Quotes or Licensing",
        Referral_visible_to_Microsoft__c=True,
        Microsoft_CRM_Identifier__c="7-ABC",
        Referral_Program__c="CoSell",
        Referral_Identifier__c=REFERRAL,
        Audit__c="by hand",
    )
    floor.contact(deal, ANNA)
    floor.solution(deal, "SOL-10001-AAA", Quantity__c=2, Price__c=10.5)
    await floor.system.prepare()
    floor.forget()
    seen = await floor.firm(deal)
    assert floor.calls() == 1
    owner = next(u for u in floor.rows("User") if u["Id"] == floor.row(deal)["OwnerId"])
    assert seen.values == {
        "name": "Cold chain",
        "deal_value": Decimal(1000),
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
        "team": (Person(owner["Email"], owner["FirstName"], owner["LastName"], owner["Phone"] or ""),),
        "microsoft_id": "7-ABC",
        "program": "CoSell",
        "solutions": (Solution("SOL-10001-AAA", Decimal(2), Decimal("10.5")),),
    }
    assert (seen.side, seen.id, seen.partner_id, seen.enrolled, seen.mark, seen.audit) == (
        Side.CRM,
        deal,
        REFERRAL,
        True,
        "ok",
        "by hand",
    )
    assert (seen.touched_by, seen.touched_by_us) == (owner["Name"], False)
    assert seen.version is not None
    assert seen.version.endswith("GMT")
    assert seen.complete
    assert seen.firm


async def test_a_read_in_the_second_of_the_last_change_is_not_firm(floor: Floor) -> None:
    """reliability.md 13: a second change could hide behind the same version."""
    deal = floor.deal()
    assert not (await floor.read(deal)).firm
    assert (await floor.firm(deal)).firm


@pytest.mark.parametrize(
    ("stage", "state"),
    [
        ("On Hold", State.PENDING),
        ("Prospecting", State.ACTIVE),
        ("Qualification", State.ACTIVE),
        ("A stage nobody knows", State.ACTIVE),
        ("Closed Won", State.WON),
        ("Closed Lost", State.LOST),
    ],
)
async def test_a_stage_is_read_by_its_meaning(floor: Floor, stage: str, state: State) -> None:
    """product.md B6, ENV-S01 and ENV-S02."""
    assert (await floor.read(floor.deal(StageName=stage))).values["state"] is state


@pytest.mark.parametrize(
    ("stored_name", "name", "mark"),
    [
        ("✔ Deal", "Deal", "ok"),
        ("✓Deal", "Deal", "ok"),
        ("✘ Deal", "Deal", "failed"),
        ("✗ Deal", "Deal", "failed"),
        ("❌ Deal", "Deal", "failed"),
        ("✔️ ✔ Deal", "Deal", "ok"),
        ("Deal ✔", "Deal ✔", None),
        ("Quality ✘ assurance", "Quality ✘ assurance", None),
    ],
)
async def test_the_sign_before_a_name_is_no_part_of_it(
    floor: Floor, stored_name: str, name: str, mark: str | None
) -> None:
    """Decision 6: the mapped name is always the clean name."""
    seen = await floor.read(floor.deal(Name=stored_name))
    assert (seen.values["name"], seen.mark) == (name, mark)


@pytest.mark.parametrize(
    ("label", "help_"),
    [
        ("Quotes or Licensing", "QuotesOrLicensing"),
        ("quotes or licensing", "QuotesOrLicensing"),
        ("Quotes / Licensing", "QuotesOrLicensing"),
        ("Proof of concept / Demo", "ProofOfConceptOrDemo"),
        ("WorkloadSpecificValueProposition", "WorkloadSpecificValueProposition"),
        ("Post - sales customer success", "PostSalesCustomerSuccess"),
        ("--None--", None),
    ],
)
async def test_help_is_known_by_label_or_code_in_any_case(label: str, help_: str | None) -> None:
    """product.md B8."""
    async with opened() as floor:
        floor.org.settings.restricted_picklists = frozenset()
        deal = floor.deal(How_can_Microsoft_help__c=label)
        assert (await floor.read(deal)).values["help"] == help_


async def test_a_country_written_out_is_read_as_its_code_and_an_unknown_one_is_shown(floor: Floor) -> None:
    """product.md B10, Country: translated, never defaulted."""
    seller = floor.org.as_seller
    accounts = [
        seller.create("Account", {"Name": "A", "BillingCountry": c}) for c in ("Deutschland", "Narnia")
    ]
    known, unknown = [await floor.read(floor.deal(AccountId=one)) for one in accounts]
    assert known.values["country"] == "DE"
    assert isinstance(unknown.values["country"], Unreadable)


async def test_the_team_is_owner_and_members_without_our_own_user(floor: Floor) -> None:
    """product.md M-16, PRE-16."""
    deal = floor.deal(OwnerId=floor.org.user_id)
    colleague = next(u for u in floor.rows("User") if u["Id"] != floor.org.user_id)
    floor.org.as_seller.create("OpportunityTeamMember", {"OpportunityId": deal, "UserId": colleague["Id"]})
    team = (await floor.read(deal)).values["team"]
    assert isinstance(team, tuple)
    assert [one.key for one in team] == [colleague["Email"].casefold()]


async def test_find_brings_every_record_that_carries_the_id(floor: Floor) -> None:
    """INV-3: several are twins."""
    deal = floor.deal(Referral_Identifier__c=REFERRAL)
    assert [one.id for one in await floor.system.find(REFERRAL)] == [deal]
    assert await floor.system.find("x' OR Name != '") == []


# --- conditional writes ----------------------------------------------------------------------------


async def test_a_write_answers_what_was_stored(floor: Floor) -> None:
    deal = floor.deal(CurrencyIsoCode="EUR")
    seen = await floor.firm(deal)
    floor.forget()
    after = stored(
        await floor.write(
            seen,
            name="Renamed",
            deal_value=Decimal("2500.75"),
            currency="USD",
            close_date=date(2028, 2, 29),
            notes="New\nnotes",
            visible=True,
            help="GeneralOrOther",
            microsoft_id="7-XYZ",
            program="CoSell",
            state=State.PENDING,
        )
    )
    assert floor.calls() == 1
    assert after.values["deal_value"] == Decimal("2500.75")
    assert {after.values[k] for k in ("name", "currency", "notes", "help")} == {
        "Renamed",
        "USD",
        "New\nnotes",
        "GeneralOrOther",
    }
    assert after.values["state"] is State.PENDING
    assert (after.stamp, after.touched_by_us, after.complete) == ("w1", True, True)
    row = floor.row(deal)
    assert (row["StageName"], row["How_can_Microsoft_help__c"]) == ("On Hold", "General or Other")
    assert row["CloseDate"] == "2028-02-29"


async def test_clearing_a_value_clears_it(floor: Floor) -> None:
    """salesforce-api.md 6.2: null clears."""
    deal = floor.deal(Description="x", How_can_Microsoft_help__c="Quotes or Licensing")
    after = stored(
        await floor.write(await floor.firm(deal), notes=None, deal_value=None, help=None, visible=None)
    )
    assert [after.values[k] for k in ("notes", "deal_value", "help", "visible")] == [None, None, None, False]


async def test_a_write_without_guard_goes_through_a_change(floor: Floor) -> None:
    deal = floor.deal()
    seen = await floor.firm(deal)
    floor.edit(deal, NextStep="x")
    assert isinstance(await floor.write(seen, name="Ours", guard=False), Snapshot)


async def test_a_guarded_write_without_a_version_is_not_sent(floor: Floor) -> None:
    """INV-1: a write that should have a precondition never leaves without it."""
    seen = replace(await floor.firm(floor.deal()), version=None)
    floor.forget()
    assert isinstance(await floor.write(seen, name="Ours"), Stale)
    assert floor.calls() == 0


async def test_updates_of_one_batch_stand_alone(floor: Floor) -> None:
    """ports.py: the answer of each is its own."""
    deals = [floor.deal(Name=f"Deal {n}") for n in range(4)]
    floor.later()
    seen = [await floor.read(deal) for deal in deals]
    floor.edit(deals[1], NextStep="changed meanwhile")
    floor.org.as_seller.delete("Opportunity", deals[2])
    names = ["Zero", "One", "Two", "N" * 200]
    updates = [update(one, write_id=f"w{at}", name=names[at]) for at, one in enumerate(seen)]
    floor.forget()
    answers = await floor.system.update_many(updates)
    assert floor.calls() == 1
    assert stored(answers["w0"]).values["name"] == "Zero"
    assert isinstance(answers["w1"], Stale)
    assert isinstance(answers["w2"], Gone)
    assert isinstance(answers["w3"], Rejected)
    assert answers["w3"].fields == ("name",)


async def test_a_lost_answer_leaves_every_write_of_the_call_in_doubt(floor: Floor) -> None:
    """INV-10: and the stamp tells afterwards what became of it."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    floor.fault("lose", "/composite")
    assert isinstance(await floor.write(seen, name="Ours", write_id="w7"), Uncertain)
    after = await floor.read(deal)
    assert (after.stamp, after.values["name"]) == ("w7", "Ours")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("UNKNOWN_EXCEPTION", Uncertain),
        ("BAD_GATEWAY", Uncertain),
        ("SERVER_UNAVAILABLE", Retryable),
        ("NO_ROUTE", Retryable),
        ("UNABLE_TO_LOCK_ROW", Retryable),
        ("REQUEST_LIMIT_EXCEEDED", Retryable),
        ("INSUFFICIENT_ACCESS_OR_READONLY", Rejected),
    ],
)
async def test_a_refused_call_is_the_answer_of_each_write(
    floor: Floor, fault: str, kind: type[CosellError]
) -> None:
    seen = await floor.firm(floor.deal())
    floor.fault("answer", "/composite", answer=fault)
    assert isinstance(await floor.write(seen, name="Ours"), kind)


async def test_a_row_somebody_is_saving_is_tried_again(floor: Floor) -> None:
    """salesforce-api.md 3: UNABLE_TO_LOCK_ROW inside a composite."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    with floor.org.open_transaction() as slow:
        slow.update("Opportunity", deal, {"NextStep": "x"})
        answer = await floor.write(seen, name="Ours")
    assert isinstance(answer, Retryable)
    assert answer.code == "locked"


async def test_a_validation_rule_speaks_to_the_seller(floor: Floor) -> None:
    rule = ValidationRule("Opportunity", "Amount > 5000", "Ask Finance first", "Amount")
    floor.org.settings.validation_rules = (rule,)
    answer = await floor.write(await floor.firm(floor.deal()), deal_value=Decimal(6000))
    assert isinstance(answer, Rejected)
    assert "Ask Finance first" in answer.message
    assert answer.fields == ("deal_value",)


async def test_a_read_only_field_is_refused_before_it_is_sent(floor: Floor) -> None:
    """INV-5: neither the customer's fields nor the team are written to an existing deal."""
    seen = await floor.firm(floor.deal())
    floor.forget()
    answer = await floor.write(seen, customer_name="Other", team=())
    assert isinstance(answer, Rejected)
    assert answer.fields == ("customer_name", "team")
    assert floor.calls() == 0


async def test_a_field_made_read_only_is_drift_with_its_name(floor: Floor) -> None:
    seen = await floor.firm(floor.deal())
    floor.org.settings.readonly_fields = frozenset({"Opportunity.Description"})
    answer = await floor.write(seen, notes="x")
    assert isinstance(answer, SchemaDrift)
    assert "Description" in answer.fields
    await floor.system.prepare()
    assert "notes" not in floor.system.capabilities.updatable


@pytest.mark.parametrize("state", [State.LOST, State.DECLINED, State.EXPIRED, State.ERROR])
async def test_every_unhappy_end_is_a_lost_deal(floor: Floor, state: State) -> None:
    """product.md B6: the stage of Declined and the like is a setting, the lost stage by default."""
    deal = floor.deal()
    assert stored(await floor.write(await floor.firm(deal), state=state)).values["state"] is State.LOST
    assert floor.row(deal)["StageName"] == "Closed Lost"


async def test_pending_has_no_stage_where_none_is_set() -> None:
    """ENV-S02 has no documented default, so none is invented."""
    async with opened(stages=Stages()) as floor:
        answer = await floor.write(await floor.firm(floor.deal()), state=State.PENDING)
        assert isinstance(answer, Rejected)
        assert "ENV-S02" in answer.advice


async def test_a_stage_setting_that_names_no_stage_is_a_wrong_setting() -> None:
    async with opened(stages=Stages(active=("Qualfication",))) as floor:
        with pytest.raises(CosellError, match="Qualfication") as caught:
            await floor.system.prepare()
        assert "Qualification" in caught.value.advice


# --- lists -----------------------------------------------------------------------------------------


async def test_solutions_are_added_changed_and_removed_with_the_deal_in_one_call(floor: Floor) -> None:
    """SCN-11, FLD-S10."""
    deal = floor.deal()
    kept = floor.solution(deal, "SOL-10001-AAA", Quantity__c=1)
    for _ in range(2):
        floor.solution(deal, "SOL-10002-BBB")
    seen = await floor.firm(deal)
    floor.forget()
    wanted = (Solution("SOL-10001-AAA", Decimal(5)), Solution("SOL-10003-CCC", None, Decimal("9.99")))
    after = stored(await floor.write(seen, solutions=wanted, name="Renamed"))
    assert floor.calls() == 1
    assert after.values["solutions"] == wanted
    assert after.values["name"] == "Renamed"
    assert {row["Id"] for row in floor.rows(SOLUTION)} & {kept} == {kept}
    assert len(floor.rows(SOLUTION)) == 2


async def test_a_stale_write_of_lists_changes_nothing_at_all(floor: Floor) -> None:
    """All or nothing: the row's precondition guards its children too."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    floor.edit(deal, NextStep="x")
    answer = await floor.write(seen, solutions=(Solution("SOL-10001-AAA"),), name="Ours")
    assert isinstance(answer, Stale)
    assert floor.rows(SOLUTION) == []


async def test_a_solution_removed_by_somebody_else_meanwhile_asks_for_a_new_read(floor: Floor) -> None:
    deal = floor.deal()
    row = floor.solution(deal)
    seen = await floor.firm(deal)
    floor.org.as_seller.delete(SOLUTION, row)
    answer = await floor.write(seen, solutions=None)
    assert isinstance(answer, Stale)


async def test_fifty_solutions_arrive_though_one_call_carries_twenty_four_changes(floor: Floor) -> None:
    """product.md B10: up to 50."""
    deal = floor.deal()
    wanted = tuple(Solution(f"SOL-{n:05}-AAA", Decimal(n)) for n in range(1, 51))
    after = stored(await floor.write(await floor.firm(deal), solutions=wanted, name="Renamed"))
    assert after.values["solutions"] == wanted
    assert after.stamp == "w1"


async def test_a_long_change_that_breaks_off_is_in_doubt_and_not_refused(floor: Floor) -> None:
    """INV-7: no row says refused though a part of it landed."""
    deal = floor.deal()
    good = tuple(Solution(f"SOL-{n:05}-AAA") for n in range(1, 31))
    answer = await floor.write(await floor.firm(deal), solutions=(*good, Solution("SOL-9" + "X" * 300)))
    assert isinstance(answer, Uncertain)
    assert len(floor.rows(SOLUTION)) > 0


async def test_contacts_are_found_added_and_corrected_and_never_taken_away(floor: Floor) -> None:
    """product.md M-15: matched by e-mail within the account, else created."""
    deal = floor.deal()
    anna, _ = floor.contact(deal, ANNA)
    account = floor.row(deal)["AccountId"]
    boris = floor.org.as_seller.create(
        "Contact", {"LastName": "Vos", "Email": BORIS.email.upper(), "AccountId": account}
    )
    seen = await floor.firm(deal)
    carla = Person("carla@contoso.example", "", "", "+31 1")
    corrected = replace(ANNA, phone="+31 99")
    after = stored(await floor.write(seen, contacts=(corrected, BORIS, carla)))
    contacts = after.values["contacts"]
    assert isinstance(contacts, tuple)
    assert [one.key for one in contacts] == [ANNA.email, BORIS.email, carla.email]
    assert floor.row(anna, "Contact")["Phone"] == "+31 99"
    roles = {row["ContactId"] for row in floor.rows("OpportunityContactRole")}
    assert {anna, boris} < roles
    assert len(floor.rows("Contact")) == 3
    less = stored(await floor.write(await floor.firm(deal), contacts=(BORIS,)))
    assert len(less.values["contacts"]) == 3  # type: ignore[arg-type]


async def test_lists_are_not_written_on_a_read_that_did_not_bring_them(floor: Floor) -> None:
    """INV-12: adding blindly would double what is there."""
    seen = await floor.firm(floor.deal())
    partial = replace(seen, values={k: v for k, v in seen.values.items() if k != "solutions"})
    assert isinstance(await floor.write(partial, solutions=(Solution("SOL-1-AAA"),)), Stale)


# --- marks -----------------------------------------------------------------------------------------


async def test_marks_ride_in_the_same_request_as_the_values(floor: Floor) -> None:
    """TRB, FLD-S02, S03, S06, ENV-S06; SCN-04."""
    deal = floor.deal(Audit__c="A colleague's own words\n2020-04-17 09:05 - older line")
    seen = await floor.firm(deal)
    marks = Marks(("2026-11-21 10:00 - In step.",), "ok", REFERRAL, enroll=True)
    floor.forget()
    after = stored(await floor.write(seen, deal_value=Decimal(7), marks=marks))
    assert floor.calls() == 1
    row = floor.row(deal)
    assert row["Name"] == "✔ Cold chain"
    assert row["Referral_Link__c"] == f"https://partner.microsoft.com/referrals/v2/inbox?id={REFERRAL}"
    assert row["Audit__c"].splitlines() == [
        "2026-11-21 10:00 - In step.",
        "A colleague's own words",
        "2020-04-17 09:05 - older line",
    ]
    assert (after.mark, after.values["name"], after.partner_id) == ("ok", "Cold chain", REFERRAL)


async def test_a_new_name_keeps_the_sign_and_a_new_sign_keeps_the_name(floor: Floor) -> None:
    deal = floor.deal(Name="✔ Cold chain")
    stored(await floor.write(await floor.firm(deal), name="Warm chain"))
    assert floor.row(deal)["Name"] == "✔ Warm chain"
    stored(await floor.write(await floor.firm(deal), marks=Marks(mark="failed")))
    assert floor.row(deal)["Name"] == "✘ Warm chain"


async def test_a_sign_is_never_put_before_a_remembered_name_without_a_precondition(floor: Floor) -> None:
    """INV-1: for the sake of a sign nobody's rename is undone."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    floor.edit(deal, Name="Renamed by the seller")
    await floor.write(seen, deal_value=Decimal(7), marks=Marks(mark="ok"), guard=False)
    assert floor.row(deal)["Name"] == "Renamed by the seller"


async def test_a_name_of_full_length_goes_without_a_sign(floor: Floor) -> None:
    """salesforce-api.md 11.1: 120 characters; a sign must not cut a name."""
    deal = floor.deal(Name="N" * 119)
    after = stored(await floor.write(await floor.firm(deal), marks=Marks(mark="ok")))
    assert after.values["name"] == "N" * 119


async def test_with_the_check_mark_off_names_are_left_alone() -> None:
    """ENV-S06 = No."""
    async with opened(display_check_mark=False) as floor:
        deal = floor.deal()
        await floor.write(await floor.firm(deal), deal_value=Decimal(7), marks=Marks(mark="ok"))
        assert floor.row(deal)["Name"] == "Cold chain"


async def test_the_audit_text_is_bounded_and_keeps_the_newest() -> None:
    """LIM-12: no rotation was described; ours has one."""
    async with opened(audit_limit=200) as floor:
        deal = floor.deal(Audit__c="\n".join(f"old line {n}" for n in range(100)))
        trail = tuple(f"2026-11-21 10:0{n} - line {n}\r\nsecond part" for n in range(3))
        await floor.write(await floor.firm(deal), marks=Marks(trail))
        text: str = floor.row(deal)["Audit__c"]
        assert len(text) <= 200
        assert text.splitlines()[0] == "2026-11-21 10:00 - line 0 second part"
        assert "old line 0" in text
        assert "old line 99" not in text


async def test_marks_that_change_nothing_write_nothing_but_the_stamp(floor: Floor) -> None:
    deal = floor.deal(Name="✔ Cold chain", Audit__c="line")
    seen = await floor.firm(deal)
    row: Any = (
        (await floor.system._access.tools())
        .writer.draft(update(seen, marks=Marks(("line",), "ok")), 0, {})
        .row
    )
    assert row.body == {"Cosell_Stamp__c": "w1"}
