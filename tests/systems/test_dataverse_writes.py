"""Writing to opportunities of Dynamics 365: product.md A7b, A9a, B2 to B10."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cosell.core.errors import CosellError, Gone, Rejected, SchemaDrift, Stale, Uncertain
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution, State, Unreadable
from cosell.http import Reply, Request
from cosell.ports import Marks
from cosell.systems.dataverse.options import Statuses

from .dynamicsfloor import ANNA, BORIS, HELP, REFERRAL, Floor, opened, stored, update


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened(connections=True) as one:
        yield one


# --- values ----------------------------------------------------------------------------------------


async def test_every_value_travels_in_one_call_that_answers_what_is_stored(floor: Floor) -> None:
    """B2, column U←, and M-20, M-21."""
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.forget()
    wanted: dict[str, Any] = {
        "name": "Cold chain, phase 2",
        "deal_value": Decimal("123456789012.34"),
        "currency": "GBP",
        "close_date": date(2027, 5, 1),
        "notes": "Line one\nLine two",
        "visible": True,
        "help": "QuotesOrLicensing",
        "microsoft_id": "7-XYZ",
        "program": "CoSell",
    }
    after = stored(await floor.write(seen, **wanted))
    assert floor.calls() == 1
    assert {key: after.values[key] for key in wanted} == wanted
    assert (after.stamp, after.touched_by_us, after.complete) == ("w1", True, True)
    assert after.version not in (None, seen.version)
    assert await floor.read(deal) == after
    row = floor.row(deal)
    assert (row["cosell_howcanmicrosofthelp"], row["cosell_stamp"]) == (HELP, "w1")


async def test_the_answer_is_a_read_the_next_write_can_rest_on(floor: Floor) -> None:
    after = stored(await floor.write(await floor.read(floor.deal()), notes="one"))
    assert stored(await floor.write(after, notes="two")).values["notes"] == "two"


async def test_an_emptied_field_is_emptied(floor: Floor) -> None:
    deal = floor.deal(description="old", cosell_howcanmicrosofthelp=HELP)
    after = stored(await floor.write(await floor.read(deal), notes=None, help=None))
    assert (after.values["notes"], after.values["help"]) == (None, None)


async def test_a_change_meanwhile_refuses_the_write_and_everything_with_it(floor: Floor) -> None:
    """INV-1: the version that was read is the precondition, for the children too."""
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.edit(deal, description="by the seller")
    answer = await floor.write(seen, notes="by us", solutions=(Solution("SOL-10001-AAA"),), contacts=(ANNA,))
    assert isinstance(answer, Stale)
    assert floor.row(deal)["description"] == "by the seller"
    assert floor.rows("cosell_opportunitysolution") == []
    assert floor.rows("contact") == []


async def test_hundreds_of_updates_travel_in_one_call_and_stand_or_fall_alone(floor: Floor) -> None:
    """Goal 5: a backlog costs hardly any calls; one refusal is nobody else's."""
    account = floor.account()
    deals = [floor.deal(customerid=("account", account)) for _ in range(200)]
    found = await floor.system.get_many(deals)
    floor.edit(deals[7], description="by the seller")
    floor.forget()
    wanted = [
        update(stored(found[one]), write_id=f"w{n}", notes=f"n{n}", solutions=(Solution(f"SOL-{n}-AAA"),))
        for n, one in enumerate(deals)
    ]
    answers = await floor.system.update_many(wanted)
    assert floor.calls() == 1
    assert isinstance(answers["w7"], Stale)
    for n in range(200):
        if n != 7:
            after = stored(answers[f"w{n}"])
            assert (after.values["notes"], after.stamp, after.complete) == (f"n{n}", f"w{n}", True)
            assert after.values["solutions"] == (Solution(f"SOL-{n}-AAA"),)


async def test_a_backlog_of_a_thousand_costs_fewer_than_twenty_calls(floor: Floor) -> None:
    account = floor.account()
    deals = [floor.deal(customerid=("account", account)) for _ in range(1000)]
    await floor.prepare()
    read = floor.system.capabilities.read_size
    write = floor.system.capabilities.write_size
    found: dict[str, Snapshot] = {}
    for at in range(0, 1000, read):
        found |= {k: stored(v) for k, v in (await floor.system.get_many(deals[at : at + read])).items()}
    for at in range(0, 1000, write):
        some = deals[at : at + write]
        answers = await floor.system.update_many(
            [update(found[one], write_id=one, notes="news") for one in some]
        )
        assert all(isinstance(one, Snapshot) for one in answers.values())
    assert floor.calls() <= 20


async def test_a_deleted_opportunity_is_gone_and_not_made_anew(floor: Floor) -> None:
    """dataverse-api.md trap 1: a PATCH of nothing would create it."""
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.org.as_seller.delete("opportunity", deal)
    for guard in (True, False):
        assert isinstance(await floor.write(seen, guard=guard, notes="x"), Gone)
    assert floor.rows() == []


async def test_without_a_guard_the_write_goes_through(floor: Floor) -> None:
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.edit(deal, description="by the seller")
    assert stored(await floor.write(seen, guard=False, notes="by us")).values["notes"] == "by us"


async def test_a_read_without_version_is_not_written_upon(floor: Floor) -> None:
    seen = await floor.read(floor.deal())
    assert isinstance(await floor.write(replace(seen, version=None), notes="x"), Stale)


async def test_somebody_elses_edit_right_after_ours_does_not_pass_for_what_we_wrote(floor: Floor) -> None:
    """INV-1: the answer is the row as our write left it, so that the edit is news at the next look."""
    seen = await floor.read(floor.deal(description="before"))
    send = floor.transport.send

    async def meddled(request: Request, *more: Any) -> Reply:
        """The look after the write finds what a seller did in between."""
        reply = await send(request, *more)
        written, mark, looked = reply.body.partition(b'by us"')
        looked = looked.replace(b'by us"', b'by them"').replace(rb"W/\"", rb"W/\"9")
        return replace(reply, body=written + mark + looked)

    floor.system = floor.over(meddled)
    after = stored(await floor.write(seen, notes="by us"))
    now = await floor.read(seen.id)
    assert (after.values["notes"], after.version, after.complete) == ("by us", now.version, False)


async def test_an_unknown_currency_is_refused_by_name_before_anything_is_sent(floor: Floor) -> None:
    """dataverse-api.md 6: nothing is converted."""
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.forget()
    answer = await floor.write(seen, currency="KRW", deal_value=Decimal(1))
    assert isinstance(answer, Rejected)
    assert answer.fields == ("currency",)
    assert "KRW" in answer.message
    assert floor.calls() == 0


async def test_a_currency_cannot_be_taken_away(floor: Floor) -> None:
    answer = await floor.write(await floor.read(floor.deal()), currency=None)
    assert isinstance(answer, Rejected)
    assert answer.fields == ("currency",)


@pytest.mark.parametrize(("key", "room"), [("name", 300), ("notes", 2000)])
async def test_a_text_too_long_is_refused_by_name(floor: Floor, key: str, room: int) -> None:
    """dataverse-api.md trap 7."""
    seen = await floor.read(floor.deal())
    answer = await floor.write(seen, **{key: "x" * (room + 1)})
    assert isinstance(answer, Rejected)
    assert (answer.fields, answer.code) == ((key,), "too_long")
    assert str(room) in answer.message
    assert stored(await floor.write(seen, **{key: "y" * room})).values[key] == "y" * room


async def test_a_text_too_long_is_cut_where_the_settings_say_so() -> None:
    async with opened(long_texts="cut") as floor:
        seen = await floor.read(floor.deal())
        after = stored(await floor.write(seen, notes="😀" * 1500))
        assert after.values["notes"] == "😀" * 1000


async def test_what_cannot_be_written_is_refused_by_name(floor: Floor) -> None:
    seen = await floor.read(floor.deal())
    answer = await floor.write(seen, customer_name="Fabrikam", notes="x")
    assert isinstance(answer, Rejected)
    assert answer.fields == ("customer_name",)
    unreadable = await floor.write(seen, notes=Unreadable("?", "is odd"))
    assert isinstance(unreadable, Rejected)
    assert isinstance(await floor.write(seen, help="SomethingElse"), Rejected)


async def test_revenue_that_product_lines_make_is_left_alone(floor: Floor) -> None:
    """dataverse-api.md 3: it would be overwritten without a word, so another is refused by name."""
    deal = floor.deal(isrevenuesystemcalculated=True)
    seen = await floor.read(deal)
    refused = await floor.write(seen, deal_value=Decimal(5), notes="x")
    assert isinstance(refused, Rejected)
    assert refused.fields == ("deal_value",)
    after = stored(await floor.write(seen, notes="x"))
    assert (after.values["deal_value"], after.values["notes"]) == (seen.values["deal_value"], "x")


async def test_a_column_that_vanished_is_noticed_and_asked_for_again(floor: Floor) -> None:
    """J-9; reliability.md 5, Schema."""
    seen = await floor.read(floor.deal())
    floor.org.schema.drop_column("opportunity", "cosell_referralprogram")
    assert isinstance(await floor.write(seen, program="CoSell"), SchemaDrift)
    again = await floor.read(seen.id)
    assert again.unread == {"program"}
    assert "program" not in again.values
    refused = await floor.write(again, program="CoSell")
    assert isinstance(refused, Rejected)
    assert (refused.fields, refused.code) == (("program",), "read_only")


async def test_an_unanswered_write_is_uncertain(floor: Floor) -> None:
    """INV-10."""
    seen = await floor.read(floor.deal())
    floor.fault("lose", "$batch")
    assert isinstance(await floor.write(seen, notes="x"), Uncertain)
    assert floor.row(seen.id)["description"] == "x"


# --- status ----------------------------------------------------------------------------------------


async def test_winning_and_losing_are_actions_that_close_with_the_values(floor: Floor) -> None:
    """B6; dataverse-api.md 3: never a bare PATCH of the state."""
    won, lost = floor.deal(), floor.deal()
    found = await floor.system.get_many([won, lost])
    floor.forget()
    answers = await floor.system.update_many(
        [
            update(stored(found[won]), write_id="a", state=State.WON, deal_value=Decimal(70)),
            update(stored(found[lost]), write_id="b", state=State.EXPIRED, marks=Marks(trail=("Over.",))),
        ]
    )
    assert floor.calls() == 1
    after = [stored(answers[one]) for one in ("a", "b")]
    assert [one.values["state"] for one in after] == [State.WON, State.LOST]
    assert (after[0].values["deal_value"], after[1].audit) == (Decimal(70), "Over.")
    closes = floor.rows("opportunityclose")
    assert sorted(one["subject"] for one in closes) == ["Lost: Cold chain", "Won: Cold chain"]
    assert floor.row(won)["actualvalue"] == 70


async def test_each_unhappy_end_has_its_own_status_reason() -> None:
    chosen = Statuses(declined=("Out-Sold",), expired=("4",))
    async with opened(statuses=chosen) as floor:
        for state, code in ((State.DECLINED, 5), (State.EXPIRED, 4), (State.LOST, 4)):
            deal = floor.deal()
            stored(await floor.write(await floor.read(deal), state=state))
            assert floor.row(deal)["statuscode"] == code


async def test_a_stale_read_closes_nothing(floor: Floor) -> None:
    """INV-1, INV-6: the action takes no precondition, so the write beside it does."""
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.edit(deal, description="by the seller")
    assert isinstance(await floor.write(seen, state=State.WON), Stale)
    assert floor.row(deal)["statecode"] == 0


async def test_without_a_stamp_column_a_stale_read_closes_nothing_either(floor: Floor) -> None:
    floor.org.schema.drop_column("opportunity", "cosell_stamp")
    floor.restart()
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.edit(deal, description="by the seller")
    assert isinstance(await floor.write(seen, state=State.LOST), Stale)
    assert stored(await floor.write(await floor.read(deal), state=State.LOST)).values["state"] is State.LOST


async def test_accepting_and_holding_move_the_status_reason(floor: Floor) -> None:
    """B6: On Hold is a deal nobody accepted."""
    deal = floor.deal(statuscode=2)
    after = stored(await floor.write(await floor.read(deal), state=State.ACTIVE))
    assert (after.values["state"], floor.row(deal)["statuscode"]) == (State.ACTIVE, 1)
    after = stored(await floor.write(after, state=State.PENDING))
    assert (after.values["state"], floor.row(deal)["statuscode"]) == (State.PENDING, 2)


async def test_a_status_that_means_the_same_already_is_left_as_the_seller_chose_it(floor: Floor) -> None:
    deal = floor.deal()
    floor.org.as_seller.lose(deal, status=5)
    seen = await floor.read(deal)
    floor.forget()
    after = stored(await floor.write(seen, state=State.EXPIRED))
    assert (after.values["state"], floor.row(deal)["statuscode"], floor.calls()) == (State.LOST, 5, 0)


async def test_reopening_comes_before_the_values(floor: Floor) -> None:
    """dataverse-api.md 3: a closed row takes no other change."""
    deal = floor.deal()
    floor.org.as_seller.win(deal)
    seen = await floor.read(deal)
    floor.forget()
    after = stored(await floor.write(seen, state=State.ACTIVE, notes="on again"))
    assert floor.calls() == 1
    assert (after.values["state"], after.values["notes"]) == (State.ACTIVE, "on again")
    assert after.version == (await floor.read(deal)).version


async def test_won_becomes_lost_by_way_of_open(floor: Floor) -> None:
    deal = floor.deal()
    floor.org.as_seller.win(deal)
    after = stored(await floor.write(await floor.read(deal), state=State.LOST))
    assert (after.values["state"], floor.row(deal)["statecode"]) == (State.LOST, 2)


async def test_a_closed_row_takes_neither_values_nor_signs(floor: Floor) -> None:
    """dataverse-api.md 3: closed rows are read-only until they are reopened."""
    deal = floor.deal()
    floor.org.as_seller.win(deal)
    seen = await floor.read(deal)
    floor.forget()
    answer = await floor.write(seen, notes="late")
    assert isinstance(answer, Rejected)
    assert (answer.fields, answer.code) == (("notes",), "closed")
    assert await floor.write(seen, marks=Marks(trail=("Sent.",), mark="ok")) == seen
    assert floor.calls() == 0


async def test_a_closed_row_is_written_where_the_settings_say_it_can_be() -> None:
    async with opened(closed_rows="write") as floor:
        floor.settings.closed_rows_read_only = False
        deal = floor.deal()
        floor.org.as_seller.win(deal)
        after = stored(await floor.write(await floor.read(deal), notes="late"))
        assert (after.values["notes"], after.values["state"]) == ("late", State.WON)


# --- what the seller sees --------------------------------------------------------------------------


async def test_marks_ride_in_the_same_call_as_the_values(floor: Floor) -> None:
    """FLD-D02, FLD-D03, FLD-D06, ENV-D01."""
    deal = floor.deal(cosell_audit="2025-01-01 by Microsoft's connector")
    seen = await floor.read(deal)
    floor.forget()
    marks = Marks(trail=("Received.", "Linked."), mark="ok", referral_id=REFERRAL, enroll=True)
    after = stored(await floor.write(seen, deal_value=Decimal(9), marks=marks))
    assert floor.calls() == 1
    row = floor.row(deal)
    assert row["name"] == "✔ Cold chain"
    assert row["cosell_audit"] == "Received.\nLinked.\n2025-01-01 by Microsoft's connector"
    assert row["cosell_referralidentifier"] == REFERRAL
    assert row["cosell_referrallink"].endswith(f"?id={REFERRAL}")
    assert (after.values["name"], after.mark, after.partner_id) == ("Cold chain", "ok", REFERRAL)


async def test_the_sign_can_be_switched_off() -> None:
    """ENV-D01."""
    async with opened(display_check_mark=False) as floor:
        deal = floor.deal()
        stored(await floor.write(await floor.read(deal), name="New", marks=Marks(mark="ok")))
        assert floor.row(deal)["name"] == "New"


# --- solutions and contacts ------------------------------------------------------------------------


async def test_solutions_are_added_corrected_and_taken_away_in_one_call(floor: Floor) -> None:
    """FLD-D10, SCN-11, FLW-D09."""
    deal = floor.deal()
    for one in ("SOL-1-AAA", "SOL-2-BBB", "SOL-3-CCC"):
        floor.solution(deal, one, cosell_quantity=1)
    seen = await floor.read(deal)
    floor.forget()
    wanted = (
        Solution("SOL-2-BBB", Decimal(1)),
        Solution("SOL-3-CCC", Decimal(4), Decimal("9.5")),
        Solution("SOL-4-DDD", Decimal(2), Decimal("99.5")),
    )
    after = stored(await floor.write(seen, solutions=wanted))
    assert floor.calls() == 1
    assert after.values["solutions"] == wanted
    assert after.complete
    rows = {one["cosell_solutionidentifier"]: one for one in floor.rows("cosell_opportunitysolution")}
    assert sorted(rows) == ["SOL-2-BBB", "SOL-3-CCC", "SOL-4-DDD"]
    assert rows["SOL-4-DDD"]["transactioncurrencyid"][1] == floor.currency("EUR")


async def test_a_solution_row_that_vanished_has_the_deal_read_again(floor: Floor) -> None:
    deal = floor.deal()
    row = floor.solution(deal)
    seen = await floor.read(deal)
    floor.org.as_seller.delete("cosell_opportunitysolution", row)
    answer = await floor.write(seen, notes="x", solutions=(Solution("SOL-10001-AAA", Decimal(5)),))
    assert isinstance(answer, Stale)
    assert floor.row(deal)["description"] is None


async def test_lists_are_not_written_upon_a_partial_read(floor: Floor) -> None:
    seen = replace(await floor.read(floor.deal()), complete=False, facts={})
    answer = await floor.write(seen, solutions=(Solution("SOL-1-AAA"),))
    assert isinstance(answer, Stale)


async def test_solutions_first_seen_on_a_deal_are_added_to_the_catalogue(floor: Floor) -> None:
    """CUS-15, FLD-D11: in the call that writes the deal; what stands there is left alone."""
    known = {"cosell_solutionidentifier": "SOL-1-AAA", "cosell_name": "By the admin"}
    floor.org.as_seller.create("cosell_solutiondetail", known)
    wanted = (Solution("SOL-1-AAA"), Solution("SOL-2-BBB", name="Cold chain kit"))
    for deal in (floor.deal(), floor.deal()):
        seen = await floor.read(deal)
        floor.forget()
        assert stored(await floor.write(seen, solutions=wanted)).values["solutions"] == wanted
        assert floor.calls() == 1
    rows = floor.rows("cosell_solutiondetail")
    names = {one["cosell_solutionidentifier"]: one["cosell_name"] for one in rows}
    assert names == {"SOL-1-AAA": "By the admin", "SOL-2-BBB": "Cold chain kit"}


async def test_the_catalogue_is_left_to_people_where_the_settings_say_so() -> None:
    async with opened(learn_solutions=False) as floor:
        stored(await floor.write(await floor.read(floor.deal()), solutions=(Solution("SOL-1-AAA"),)))
        assert floor.rows("cosell_solutiondetail") == []


async def test_a_contact_is_made_in_the_account_and_becomes_the_primary_one(floor: Floor) -> None:
    """M-15: by e-mail within the account, never invented."""
    deal = floor.deal()
    seen = await floor.read(deal)
    floor.forget()
    after = stored(await floor.write(seen, contacts=(ANNA,)))
    assert floor.calls() == 2
    assert after.values["contacts"] == (ANNA,)
    (contact,) = floor.rows("contact")
    assert contact["parentcustomerid"] == floor.row(deal)["customerid"]
    assert floor.row(deal)["parentcontactid"][1] == contact["contactid"]


async def test_a_contact_of_the_account_is_used_and_not_doubled(floor: Floor) -> None:
    deal = floor.deal()
    contact = floor.contact(deal)
    floor.edit(deal, parentcontactid=None)
    stranger = floor.contact(None)
    after = stored(await floor.write(await floor.read(deal), contacts=(ANNA,)))
    assert after.values["contacts"] == (ANNA,)
    assert {one["contactid"] for one in floor.rows("contact")} == {contact, stranger}
    assert floor.row(deal)["parentcontactid"][1] == contact


async def test_a_contact_is_corrected_and_none_is_taken_away(floor: Floor) -> None:
    deal = floor.deal()
    contact = floor.contact(deal)
    corrected = Person(ANNA.email, "Anna", "Smit-Vos", "+31 20 555 9999")
    after = stored(await floor.write(await floor.read(deal), contacts=(corrected,)))
    assert after.values["contacts"] == (corrected,)
    assert floor.row(contact, "contact")["lastname"] == "Smit-Vos"
    after = stored(await floor.write(after, contacts=None))
    assert after.values["contacts"] == (corrected,)


async def test_without_connections_contacts_are_not_changed() -> None:
    """A deal then shows its primary contact alone, and a second one could not be told apart."""
    async with opened() as floor:
        await floor.prepare()
        assert "contacts" not in floor.system.capabilities.updatable
        answer = await floor.write(await floor.read(floor.deal()), contacts=(ANNA,))
        assert isinstance(answer, Rejected)
        assert answer.fields == ("contacts",)


async def test_further_contacts_are_connected(floor: Floor) -> None:
    """M-15, where the settings have people tied to deals by connections."""
    deal = floor.deal()
    after = stored(await floor.write(await floor.read(deal), contacts=(ANNA, BORIS)))
    assert after.values["contacts"] == (ANNA, BORIS)
    assert len(floor.rows("contact")) == 2


async def test_a_refusal_of_one_part_undoes_the_whole_update(floor: Floor) -> None:
    deal = floor.deal()
    answer = await floor.write(
        await floor.read(deal), notes="x", solutions=(Solution("SOL-1-AAA", Decimal(10) ** 17),)
    )
    assert isinstance(answer, CosellError)
    assert not isinstance(answer, Uncertain)
    assert floor.row(deal)["description"] is None
