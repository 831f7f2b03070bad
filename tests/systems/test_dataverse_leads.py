"""Leads of Dynamics 365: CAP-11, SCN-09, CUS-11, CUS-13, TRB-4.2, TRB-4.7; product.md B2, lead mapping."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from cosell.core.errors import Misconfigured, Rejected, Stale
from cosell.core.records import RecordKind
from cosell.core.values import Person, State
from cosell.ports import Creation, Marks

from .dynamicsfloor import ANNA, BORIS, REFERRAL, Floor, creation, opened, stored


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        await one.prepare()
        yield one


def lead(**changes: Any) -> Creation:
    """A lead from Partner Center, with what a lead can hold."""
    wanted = creation(kind=RecordKind.LEAD, state=State.PENDING, **changes)
    able = {"name", "deal_value", "currency", "notes", "contacts", "customer_name", "address_line", "city"}
    able |= {"postal_code", "country"}
    return replace(wanted, values={key: one for key, one in wanted.values.items() if key in able})


# --- reading ---------------------------------------------------------------------------------------


async def test_a_lead_is_read_as_a_lead(floor: Floor) -> None:
    row = floor.lead(
        description="First call.",
        estimatedamount=Decimal("1000.50"),
        transactioncurrencyid=floor.currency("EUR"),
        address1_city="Utrecht",
        address1_country="Nederland",
    )
    seen = await floor.read(row)
    assert (seen.id, seen.kind, seen.became, seen.partner_id, seen.enrolled) == (
        row,
        RecordKind.LEAD,
        None,
        REFERRAL,
        True,
    )
    assert seen.values == {
        "name": "Cold chain",
        "deal_value": Decimal("1000.5"),
        "currency": "EUR",
        "notes": "First call.",
        "customer_name": "Contoso Foods",
        "address_line": None,
        "city": "Utrecht",
        "region": None,
        "postal_code": None,
        "country": "NL",
        "contacts": (replace(ANNA, phone=""),),
        "microsoft_id": None,
        "program": None,
        "state": State.PENDING,
    }
    assert seen.version is not None
    assert seen.touched_by == "Alex Moreau"


async def test_opportunities_and_leads_are_read_side_by_side(floor: Floor) -> None:
    """One call more where an id is not among the opportunities; a lead is known afterwards."""
    deal, row = floor.deal(), floor.lead()
    found = await floor.system.get_many([deal, row])
    assert [stored(found[one]).kind for one in (deal, row)] == [RecordKind.OPPORTUNITY, RecordKind.LEAD]
    assert floor.calls() == 2
    floor.forget()
    assert stored((await floor.system.get_many([row]))[row]).id == row
    assert floor.calls() == 1


async def test_a_qualified_lead_names_the_opportunity_it_became(floor: Floor) -> None:
    """SCN-09: the link follows the lead to its opportunity."""
    row = floor.lead()
    made = floor.org.as_seller.qualify(row)
    seen, deal = await floor.read(row), await floor.read(made["opportunity"])
    assert (seen.became, seen.values["state"]) == (deal.id, State.ACTIVE)
    assert (deal.origin, deal.partner_id) == (row, None)
    found = await floor.system.find(REFERRAL)
    assert [(one.id, one.became) for one in found] == [(row, deal.id)]


async def test_a_disqualified_lead_is_lost(floor: Floor) -> None:
    row = floor.lead()
    floor.edit(row, "lead", statecode=2, statuscode=5)
    assert (await floor.read(row)).values["state"] is State.LOST


async def test_without_leads_a_lead_is_named_as_such() -> None:
    """ENV-D02: they are switched off, and not deleted."""
    async with opened(leads=False) as floor:
        row = floor.lead()
        await floor.prepare()
        answer = (await floor.system.get_many([row]))[row]
        assert isinstance(answer, Rejected)
        assert answer.code == "no_leads"
        assert floor.system.capabilities.leads == frozenset()
        with pytest.raises(Rejected):
            await floor.system.create(lead())


# --- making ----------------------------------------------------------------------------------------


async def test_a_lead_arrives_with_the_columns_of_a_lead_in_one_call(floor: Floor) -> None:
    marks = Marks(trail=("Created as a lead.",), mark="ok", referral_id=REFERRAL, enroll=True)
    made = await floor.system.create(lead(marks=marks))
    assert floor.calls() == 1
    (row,) = floor.rows("lead")
    told = ("subject", "companyname", "firstname", "lastname", "emailaddress1", "telephone1")
    assert tuple(row[key] for key in told) == (
        "Cold chain rollout",
        "Contoso Foods",
        "Anna",
        "Smit",
        ANNA.email,
        ANNA.phone,
    )
    assert (row["estimatedamount"], row["address1_country"], row["statuscode"]) == (50000.5, "NL", 1)
    assert row["cosell_audit"] == "Created as a lead."
    assert row["cosell_referrallink"].endswith(REFERRAL)
    assert (made.kind, made.partner_id, made.enrolled, made.stamp) == (
        RecordKind.LEAD,
        REFERRAL,
        True,
        "w1",
    )
    assert (made.values["state"], made.values["contacts"]) == (State.PENDING, (ANNA,))
    assert floor.rows() == floor.rows("account") == floor.rows("contact") == []


async def test_a_lead_without_a_name_has_the_referrals_id_for_a_topic(floor: Floor) -> None:
    """product.md B2, LF19; it is no name, and never goes back as one."""
    made = await floor.system.create(lead(name=None))
    assert floor.row(made.id, "lead")["subject"] == REFERRAL
    assert made.values["name"] is None


async def test_a_second_lead_of_one_referral_is_refused(floor: Floor) -> None:
    """INV-3."""
    await floor.system.create(lead())
    with pytest.raises(Rejected) as why:
        await floor.system.create(lead())
    assert why.value.code == "exists"
    assert len(floor.rows("lead")) == 1


async def test_the_status_of_a_new_lead_is_the_environments_own_or_that_of_the_settings() -> None:
    """CUS-13: never preset blindly."""
    async with opened(lead_status="Contacted") as floor:
        made = await floor.system.create(lead())
        assert floor.row(made.id, "lead")["statuscode"] == 2
    async with opened(lead_status="Open - Not Contacted") as floor:
        with pytest.raises(Misconfigured) as why:
            await floor.system.prepare()
        assert "New, Contacted" in why.value.advice


@pytest.mark.parametrize(
    ("lacking", "field"),
    [({"customer_name": None}, "customer_name"), ({"contacts": None}, "contacts")],
)
async def test_nobody_is_invented(floor: Floor, lacking: dict[str, Any], field: str) -> None:
    """CUS-11, TRB-4.7: what a lead cannot be without is asked for."""
    with pytest.raises(Rejected) as why:
        await floor.system.create(lead(**lacking))
    assert (why.value.fields, why.value.code) == ((field,), "required")


async def test_a_lead_belongs_to_the_account_that_was_chosen(floor: Floor) -> None:
    account = floor.account()
    made = await floor.system.create(lead(account_id=account))
    assert floor.row(made.id, "lead")["parentaccountid"][1] == account


async def test_without_the_columns_on_the_lead_there_are_no_leads(floor: Floor) -> None:
    floor.org.schema.drop_column("lead", "cosell_referralidentifier")
    floor.restart()
    await floor.prepare()
    assert floor.system.capabilities.leads == frozenset()
    assert await floor.system.find(REFERRAL) == []


# --- writing ---------------------------------------------------------------------------------------


async def test_a_lead_takes_values_and_marks_in_one_call(floor: Floor) -> None:
    seen = await floor.read(floor.lead())
    floor.forget()
    marks = Marks(trail=("Received.",), mark="ok")
    changes = {
        "address_line": "Kade 1\nGate 4",
        "notes": "news",
        "customer_name": "Fabrikam",
        "contacts": (BORIS,),
        "country": "DE",
    }
    after = stored(await floor.write(seen, marks=marks, **changes))
    assert floor.calls() == 1
    assert {key: after.values[key] for key in changes} == changes
    assert (after.audit, after.mark, after.stamp) == ("Received.", None, "w1")
    assert after == await floor.read(seen.id)


async def test_a_lead_changed_meanwhile_refuses_the_write(floor: Floor) -> None:
    """INV-1."""
    seen = await floor.read(floor.lead())
    floor.edit(seen.id, "lead", description="by the seller")
    assert isinstance(await floor.write(seen, notes="by us"), Stale)


async def test_what_a_lead_has_no_column_for_is_refused_by_name(floor: Floor) -> None:
    seen = await floor.read(floor.lead())
    answer = await floor.write(seen, visible=True)
    assert isinstance(answer, Rejected)
    assert answer.fields == ("visible",)


async def test_only_a_person_qualifies_a_lead() -> None:
    """TRB-4.2."""
    async with opened(lead_lost="4") as floor:
        seen = await floor.read(floor.lead())
        answer = await floor.write(seen, state=State.ACTIVE)
        assert isinstance(answer, Rejected)
        assert answer.code == "convert_lead"


async def test_a_referral_that_ended_disqualifies_its_lead_where_the_settings_say_how() -> None:
    async with opened(lead_lost="No Longer Interested") as floor:
        await floor.prepare()
        assert "state" in floor.system.capabilities.leads
        seen = await floor.read(floor.lead())
        after = stored(await floor.write(seen, state=State.LOST, notes="over"))
        assert (after.values["state"], after.values["notes"]) == (State.LOST, "over")
        row = floor.row(seen.id, "lead")
        assert (row["statecode"], row["statuscode"]) == (2, 6)


async def test_a_qualified_lead_is_left_alone(floor: Floor) -> None:
    row = floor.lead()
    floor.org.as_seller.qualify(row)
    seen = await floor.read(row)
    floor.forget()
    assert isinstance(await floor.write(seen, notes="late"), Rejected)
    assert await floor.write(seen, marks=Marks(trail=("Sent.",))) == seen
    assert floor.calls() == 0


async def test_a_person_without_a_last_name_is_no_lead(floor: Floor) -> None:
    seen = await floor.read(floor.lead())
    answer = await floor.write(seen, contacts=(Person("kim@contoso.example"),))
    assert isinstance(answer, Rejected)


# --- watching --------------------------------------------------------------------------------------


async def test_leads_are_watched_like_opportunities(floor: Floor) -> None:
    """FLW-D10: edits, conversion and deletion."""
    row, other = floor.lead(), floor.lead(cosell_referralidentifier="r-2")
    floor.lead(cosell_referralidentifier=None, cosell_syncwithpartnercenter=False)
    first = await floor.poll()
    assert {one.id for one in first.snapshots} == {row, other}
    await floor.settle()
    floor.edit(row, "lead", description="news")
    floor.later()
    (seen,) = (await floor.poll()).snapshots
    assert (seen.id, seen.kind, seen.values["notes"]) == (row, RecordKind.LEAD, "news")
    made = floor.org.as_seller.qualify(row)
    floor.later()
    found = {one.id: one for one in (await floor.poll()).snapshots}
    assert found[row].became == made["opportunity"]
    floor.org.as_seller.delete("lead", other)
    floor.later()
    assert other in (await floor.poll()).gone


async def test_a_quiet_look_without_leads_costs_a_call_less() -> None:
    async with opened(leads=False) as floor:
        floor.lead()
        await floor.settle()
        floor.forget()
        assert (await floor.poll()).snapshots == ()
        assert floor.calls() == 2
