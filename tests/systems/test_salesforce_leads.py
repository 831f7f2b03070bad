"""Leads in Salesforce: read, made under a unique key, written under a precondition, polled (11.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cosell.core.errors import Gone, Misconfigured, Rejected, Stale
from cosell.core.records import RecordKind, Snapshot
from cosell.core.values import Person, State
from cosell.ports import Creation, Marks, Update
from cosell.systems.salesforce.options import LeadStatuses

from .salesfloor import ANNA, BORIS, REFERRAL, Floor, opened

LOST = LeadStatuses(new=("Working - Contacted",), disqualified=("closed - not converted",))
VALUES: dict[str, Any] = {
    "customer_name": "Contoso Foods",
    "address_line": "Kade 1",
    "city": "Utrecht",
    "postal_code": "3511 AB",
    "country": "NL",
    "notes": "Wants a pilot.",
    "contacts": (ANNA,),
}


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened(leads=True, lead_statuses=LOST) as one:
        yield one


def creation(**changes: Any) -> Creation:
    marks = Marks(trail=("a line",), mark="ok", referral_id=REFERRAL, enroll=True)
    return Creation("w-1", REFERRAL, VALUES | changes, marks, RecordKind.LEAD)


def change(seen: Snapshot, values: dict[str, Any], write_id: str = "w-2") -> Update:
    return Update(write_id, seen.id, values, seen, marks=Marks(trail=("newer", "a line")))


async def sent(floor: Floor, seen: Snapshot, values: dict[str, Any]) -> Any:
    return (await floor.system.update_many([change(seen, values)]))["w-2"]


async def test_what_was_created_is_read_back_as_a_lead(floor: Floor) -> None:
    made = await floor.system.create(creation())
    assert (made.kind, made.partner_id, made.enrolled) == (RecordKind.LEAD, REFERRAL, True)
    assert made.values == {**VALUES, "region": None, "state": State.PENDING}
    assert (made.stamp, made.touched_by_us, made.became) == ("w-1", True, None)
    row = floor.row(made.id, "Lead")
    assert (row["Status"], row["LastName"], row["Audit__c"]) == ("Working - Contacted", "Smit", "a line")
    assert REFERRAL in row["Referral_Link__c"]
    assert await floor.read(made.id) == await floor.read(made.id[:15])


async def test_a_creation_is_one_call(floor: Floor) -> None:
    await floor.system.prepare()
    floor.forget()
    await floor.system.create(creation())
    assert floor.calls() == 1


async def test_a_second_lead_of_one_referral_is_refused(floor: Floor) -> None:
    """INV-3: the unique key says it, whoever asks twice."""
    made = await floor.system.create(creation())
    with pytest.raises(Rejected) as refused:
        await floor.system.create(creation())
    assert refused.value.code == "exists"
    assert [one.id for one in await floor.system.find(REFERRAL)] == [made.id]


@pytest.mark.parametrize("contacts", [None, (Person("info@contoso.example", "", "", ""),)])
async def test_no_person_is_invented(floor: Floor, contacts: Any) -> None:
    """CUS-11, product.md C-62."""
    with pytest.raises(Rejected, match="last name") as refused:
        await floor.system.create(creation(contacts=contacts))
    assert refused.value.fields == ("contacts",)
    assert floor.rows("Lead") == []


async def test_of_several_contacts_the_first_with_a_name_is_the_lead(floor: Floor) -> None:
    nameless = Person("a@contoso.example")
    made = await floor.system.create(creation(contacts=(nameless, ANNA, BORIS)))
    assert made.values["contacts"] == (ANNA,)


async def test_a_text_that_looks_like_a_reference_is_stored_as_it_is(floor: Floor) -> None:
    made = await floor.system.create(creation(notes="see @{lead.id}"))
    assert made.values["notes"] == "see @{lead.id}"


async def test_an_update_touches_only_what_it_names(floor: Floor) -> None:
    seen = await floor.firm((await floor.system.create(creation())).id)
    stored = await sent(floor, seen, {"notes": "They signed."})
    assert isinstance(stored, Snapshot)
    assert stored.values == {**seen.values, "notes": "They signed."}
    assert stored.audit == "newer\na line"


async def test_an_old_version_is_refused_and_changes_nothing(floor: Floor) -> None:
    """salesforce-api.md 6.4."""
    seen = await floor.firm((await floor.system.create(creation())).id)
    floor.org.as_seller.update("Lead", seen.id, {"Description": "A person's."})
    assert isinstance(await sent(floor, seen, {"notes": "Ours."}), Stale)
    assert floor.row(seen.id, "Lead")["Description"] == "A person's."


async def test_a_converted_lead_is_stale_and_tells_what_it_became(floor: Floor) -> None:
    seen = await floor.firm((await floor.system.create(creation())).id)
    made = floor.org.as_seller.convert(seen.id)
    unguarded = Update("w-2", seen.id, {"notes": "Ours."}, seen, guard=False)
    assert isinstance((await floor.system.update_many([unguarded]))["w-2"], Stale)
    after = await floor.read(seen.id)
    assert (after.became, after.values["state"], after.touched_by) == (made, State.ACTIVE, "Alex Moreau")


async def test_an_opportunity_tells_the_lead_it_comes_of_until_it_names_its_referral(floor: Floor) -> None:
    lead = await floor.system.create(creation())
    made = str(floor.org.as_seller.convert(lead.id))
    assert (await floor.read(made)).origin == lead.id
    floor.edit(made, Referral_Identifier__c=REFERRAL)
    assert (await floor.read(made)).origin is None


async def test_both_kinds_are_read_and_written_together(floor: Floor) -> None:
    lead = await floor.system.create(creation())
    deal = floor.deal(Referral_Identifier__c="another")
    found = await floor.system.get_many([lead.id, deal, "00Q000000000000AAA"])
    floor.later()
    assert isinstance(found["00Q000000000000AAA"], Gone)
    seen = {one: await floor.read(one) for one in (lead.id, deal)}
    orders = [change(seen[lead.id], {"notes": "one"}, "w-2"), change(seen[deal], {"notes": "two"}, "w-3")]
    written = await floor.system.update_many(orders)
    kinds = {
        key: (one.kind, one.values["notes"]) for key, one in written.items() if isinstance(one, Snapshot)
    }
    assert kinds == {"w-2": (RecordKind.LEAD, "one"), "w-3": (RecordKind.OPPORTUNITY, "two")}


async def test_a_disqualified_status_means_lost_and_is_written_for_it(floor: Floor) -> None:
    """CUS-13: matched by the org's own values, whatever their case."""
    seen = await floor.firm((await floor.system.create(creation())).id)
    stored = await sent(floor, seen, {"state": State.LOST})
    assert stored.values["state"] is State.LOST
    assert floor.row(seen.id, "Lead")["Status"] == "Closed - Not Converted"


async def test_polls_bring_changed_leads_of_ours_and_no_others(floor: Floor) -> None:
    """INV-21."""
    lead = await floor.system.create(creation())
    floor.org.as_seller.create("Lead", {"LastName": "Other", "Company": "Elsewhere"})
    more, found = True, []
    while more:
        step = await floor.poll()
        found += [one.id for one in step.snapshots]
        more = step.more
    assert found == [lead.id]
    floor.later()
    floor.org.as_seller.update("Lead", lead.id, {"Description": "News."})
    assert [one.values["notes"] for one in (await floor.poll()).snapshots] == ["News."]


async def test_conversion_is_told_by_the_poll(floor: Floor) -> None:
    lead = await floor.system.create(creation())
    while (await floor.poll()).more:
        pass
    floor.later()
    made = floor.org.as_seller.convert(lead.id)
    told = {one.id: one.became for one in (await floor.poll()).snapshots}
    assert told == {lead.id: made}


async def test_a_deleted_lead_is_told_as_gone(floor: Floor) -> None:
    """10.3."""
    lead = await floor.system.create(creation())
    while (await floor.poll()).more:
        pass
    floor.org.as_seller.delete("Lead", lead.id)
    floor.later(600)
    assert (await floor.poll()).gone == (lead.id,)


async def test_an_org_that_is_not_asked_about_leads_knows_none() -> None:
    """A lead met there is not taken for a deleted record (INV-15)."""
    async with opened() as floor:
        lead = floor.org.as_seller.create("Lead", {"LastName": "Ng", "Company": "Acme"})
        found = (await floor.system.get_many([lead]))[lead]
        assert isinstance(found, Rejected)
        assert floor.system.capabilities.leads == frozenset()
        with pytest.raises(Rejected):
            await floor.system.create(creation())


@pytest.mark.parametrize(
    "field", ["Referral_Identifier__c", "Sync_with_Partner_Center__c", "Cosell_Stamp__c"]
)
async def test_leads_are_left_out_where_a_field_they_need_is_missing(field: str) -> None:
    async with opened(leads=True) as floor:
        floor.org.schema.drop_field("Lead", field)
        findings = {one.name: one for one in await floor.system.check()}
        assert not findings["leads"].ok
        assert f"Lead.{field}" in findings["leads"].message
        assert floor.system.capabilities.leads == frozenset()
        assert (await floor.system.get_many([floor.deal()])).values()


async def test_the_doctor_names_a_field_the_org_demands(floor: Floor) -> None:
    """CUS-11."""
    floor.org.schema.change_field("Lead", "Rating", nillable=False)
    findings = {one.name: one for one in await floor.system.check()}
    assert "Rating" in findings["leads"].message
    system = floor.another(leads=True, lead_defaults={"Rating": "Warm"})
    try:
        assert {one.name: one.ok for one in await system.check()}["leads"]
        made = await system.create(creation())
    finally:
        await system.aclose()
    assert floor.row(made.id, "Lead")["Rating"] == "Warm"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lead_statuses": LeadStatuses(new=("Qualifying",))}, "Qualifying"),
        ({"lead_statuses": LeadStatuses(disqualified=("Junk",))}, "Junk"),
        (
            {
                "lead_statuses": LeadStatuses(
                    new=("Working - Contacted",), disqualified=("Working - Contacted",)
                )
            },
            "under new and under disqualified",
        ),
        ({"lead_defaults": {"Nowhere__c": "x"}}, "Nowhere__c"),
        ({"lead_defaults": {"Rating": "Lukewarm"}}, "Lukewarm"),
    ],
)
async def test_a_setting_the_org_cannot_mean_is_refused_at_the_start(
    floor: Floor, options: Any, words: str
) -> None:
    """CUS-13, TRB-4.7: refused with what there is, before anything is written."""
    system = floor.another(leads=True, **options)
    try:
        with pytest.raises(Misconfigured, match=words):
            await system.prepare()
    finally:
        await system.aclose()
