"""Leads: unaccepted they arrive as leads, accepted as opportunities, and conversion carries the link over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cosell.core.errors import Misconfigured
from cosell.core.reasons import Reason
from cosell.core.records import LinkState, Side, WriteKind
from cosell.core.values import State
from cosell.engine import known
from cosell.engine.birth import AS_LEAD
from cosell.systems.salesforce.settings import LeadStatusSettings
from cosell.wiring.alerts import standing

from .conftest import Desk, Furnish, in_days

LEAD: Mapping[str, Any] = {
    "name": None,
    "type": "Independent",
    "qualification": "MarketingQualified",
    "inviteContext": {"invitedBy": {"organizationId": "msft"}},
}
LEADS = {"partner_center": {"cosell_only": False}}
DECLINING = {
    **LEADS,
    "salesforce": {
        "lead_statuses": LeadStatusSettings(
            new=("Working - Contacted",), disqualified=("Closed - Not Converted",)
        )
    },
}


async def office(furnished: Furnish, settings: Mapping[str, Any] = LEADS) -> Desk:
    return await furnished(**settings)


def leads_of(desk: Desk, referral_id: str) -> list[Mapping[str, Any]]:
    rows = desk.sandbox.salesforce.as_seller.rows("Lead")
    return [row for row in rows if row["Referral_Identifier__c"] == referral_id]


def edit_lead(desk: Desk, lead_id: str, **fields: Any) -> None:
    desk.sandbox.salesforce.as_seller.update("Lead", lead_id, fields)


async def arrived(desk: Desk, **changes: Any) -> tuple[str, str]:
    """A lead Microsoft sent, and the CRM lead it became."""
    referral = desk.inbound(**{**LEAD, **changes})
    await desk.sync()
    (lead,) = leads_of(desk, referral)
    return referral, lead["Id"]


async def test_a_lead_nobody_accepted_arrives_as_a_lead_only(furnished: Furnish) -> None:
    """SCN-09, CAP-11, ENV-S07; product.md B2, lead mapping."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    (lead,) = leads_of(desk, referral)
    assert (lead["Company"], lead["LastName"], lead["FirstName"]) == ("Contoso Harbour BV", "Bos", "Kim")
    assert (lead["Email"], lead["Phone"]) == ("kim.bos@harbour.example", "+31105550111")
    assert (lead["City"], lead["Country"]) == ("Rotterdam", "NL")
    assert lead["Description"] == "From Microsoft."
    assert lead["Sync_with_Partner_Center__c"] is True
    assert referral in lead["Referral_Link__c"]
    assert "Converting the lead accepts it" in lead["Audit__c"]
    assert desk.opportunities(referral) == []
    assert desk.referral(referral)["externalReferenceId"] == lead_id
    assert desk.referral(referral)["status"] == "New"
    assert (await desk.link(referral)).state is LinkState.LINKED


async def test_a_new_lead_has_the_orgs_own_default_status(furnished: Furnish) -> None:
    """CUS-13, TRB-4.7: nothing is preset."""
    desk = await office(furnished)
    referral, _ = await arrived(desk)
    (lead,) = leads_of(desk, referral)
    assert lead["Status"] == "Open - Not Contacted"


async def test_a_new_lead_has_the_status_of_the_settings(furnished: Furnish) -> None:
    """CUS-13."""
    desk = await office(furnished, DECLINING)
    referral, _ = await arrived(desk)
    (lead,) = leads_of(desk, referral)
    assert lead["Status"] == "Working - Contacted"


async def test_an_accepted_lead_arrives_as_an_opportunity(furnished: Furnish) -> None:
    """SCN-09."""
    desk = await office(furnished)
    referral = desk.inbound(**{**LEAD, "name": "Harbour lead"})
    desk.change(referral, status="Active", substatus="Accepted")
    await desk.sync()
    assert len(desk.opportunities(referral)) == 1
    assert leads_of(desk, referral) == []


async def test_a_shared_deal_of_microsoft_is_no_lead(furnished: Furnish) -> None:
    """partner-center-api.md 3.6: Shared and sent by Microsoft is co-sell."""
    desk = await office(furnished)
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["StageName"] == "On Hold"
    assert leads_of(desk, referral) == []


async def test_a_lead_accepted_later_tells_its_seller_to_convert_it(furnished: Furnish) -> None:
    """TRB-4.2: nothing but the seller's act makes an opportunity of it."""
    desk = await office(furnished)
    referral, _ = await arrived(desk)
    desk.change(referral, status="Active", substatus="Accepted")
    await desk.sync()
    (lead,) = leads_of(desk, referral)
    assert "Convert the lead to an opportunity" in lead["Audit__c"]
    link = await desk.link(referral)
    assert link.holds["state"].reason == "convert_lead"
    (preview,) = await desk.engine.preview([link.key])
    assert {one.field: str(one.reason) for one in preview.fields}["state"] == "convert_lead"
    assert desk.opportunities(referral) == []
    assert lead["IsConverted"] is False


async def test_a_converted_lead_takes_its_link_along_and_nothing_is_doubled(furnished: Furnish) -> None:
    """INV-3, FLW-S09: the opportunity is adopted, and the referral names it."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.change(referral, status="Active", substatus="Accepted")
    await desk.sync()
    opportunity = desk.sandbox.salesforce.as_seller.convert(lead_id, StageName="Qualification")
    assert opportunity is not None
    await desk.sync_over(60)
    (row,) = desk.opportunities(referral)
    assert row["Id"] == opportunity
    assert row["Sync_with_Partner_Center__c"] is True
    assert referral in row["Referral_Link__c"]
    assert desk.referral(referral)["externalReferenceId"] == opportunity
    assert len(desk.sandbox.salesforce.as_seller.rows("Opportunity")) == 1
    assert len(desk.sandbox.partner_center.referrals.all()) == 1
    (link,) = await desk.links()
    assert (link.crm_id, link.state) == (opportunity, LinkState.LINKED)
    written = len(await desk.journal(referral))
    await desk.sync_over(120)
    assert len(await desk.journal(referral)) == written


async def test_converting_a_lead_accepts_its_referral_and_then_sends_values(furnished: Furnish) -> None:
    """FLW-S09, INV-6, TRB-3.3: conversion is the seller's act, with who and when."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk, details={"notes": "From Microsoft."})
    closing = in_days(45)
    desk.sandbox.salesforce.as_seller.convert(
        lead_id, StageName="Qualification", Amount=42000, CurrencyIsoCode="EUR", CloseDate=closing
    )
    await desk.sync_over(60)
    accepted = desk.referral(referral)
    assert (accepted["status"], accepted["substatus"]) == ("Active", "Accepted")
    assert float(accepted["details"]["dealValue"]) == 42000
    assert accepted["details"]["closingDateTime"].startswith(closing)
    (step,) = [one.write for one in await desk.journal(referral) if "state" in one.write.consents]
    consent = step.consents["state"]
    assert (consent.value, consent.who) == (State.ACTIVE, "Alex Moreau")
    assert consent.act == "Lead converted"
    assert consent.when


async def test_an_edit_made_on_the_unaccepted_lead_goes_out_after_its_conversion(furnished: Furnish) -> None:
    """J-4: edits while nobody accepted are kept, and nothing is lost on the way to the opportunity."""
    desk = await office(furnished)
    desk.sandbox.salesforce.settings.lead_field_mapping = (("Description", "Description"),)
    referral, lead_id = await arrived(desk)
    edit_lead(desk, lead_id, Description="Called them; they want a pilot.")
    await desk.sync()
    assert desk.referral(referral)["details"]["notes"] == "From Microsoft."
    assert (await desk.link(referral)).holds["notes"].reason == "awaiting_acceptance"
    desk.sandbox.salesforce.as_seller.convert(lead_id, StageName="Qualification")
    await desk.sync_over(60)
    assert desk.referral(referral)["details"]["notes"] == "Called them; they want a pilot."


async def test_what_conversion_leaves_out_is_no_edit_of_the_seller(furnished: Furnish) -> None:
    """INV-2, INV-11: an opportunity born without notes does not empty those of the referral."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    opportunity = desk.sandbox.salesforce.as_seller.convert(lead_id, StageName="Qualification")
    await desk.sync_over(60)
    assert desk.referral(referral)["details"]["notes"] == "From Microsoft."
    assert desk.row(str(opportunity))["Description"] == "From Microsoft."


async def test_an_edit_in_the_portal_reaches_the_lead(furnished: Furnish) -> None:
    desk = await office(furnished)
    referral, _ = await arrived(desk)
    desk.change(referral, by="microsoft", details__notes="They ask for a call.")
    await desk.sync()
    (lead,) = leads_of(desk, referral)
    assert lead["Description"] == "They ask for a call."


async def test_a_disqualified_lead_declines_its_referral(furnished: Furnish) -> None:
    """CAP-04: one-way, and by the seller's own act."""
    desk = await office(furnished, DECLINING)
    referral, lead_id = await arrived(desk)
    edit_lead(desk, lead_id, Status="Closed - Not Converted")
    await desk.sync()
    declined = desk.referral(referral)
    assert (declined["status"], declined["substatus"]) == ("Closed", "Declined")
    (step,) = [one.write for one in await desk.journal(referral) if "state" in one.write.consents]
    assert step.consents["state"].who == "Alex Moreau"


async def test_no_lead_declines_where_no_status_is_said_to_mean_so(furnished: Furnish) -> None:
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    edit_lead(desk, lead_id, Status="Closed - Not Converted")
    await desk.sync()
    assert desk.referral(referral)["status"] == "New"


async def test_a_lead_that_was_closed_before_it_met_its_referral_declines_nothing(furnished: Furnish) -> None:
    """INV-6, INV-11: a first meeting takes no one-way step."""
    desk = await office(furnished, DECLINING)
    referral = desk.inbound(**LEAD)
    lead = {"LastName": "Bos", "Company": "Contoso Harbour BV", "Status": "Closed - Not Converted"}
    own = {"Sync_with_Partner_Center__c": True, "Referral_Identifier__c": referral}
    desk.sandbox.salesforce.as_seller.create("Lead", {**lead, **own})
    await desk.sync()
    assert desk.referral(referral)["status"] == "New"
    assert (await desk.link(referral)).holds["state"].reason == "first_meeting_differs"
    assert len(leads_of(desk, referral)) == 1


async def test_a_referral_that_ended_disqualifies_its_lead_where_a_status_says_so(furnished: Furnish) -> None:
    desk = await office(furnished, DECLINING)
    referral, _ = await arrived(desk)
    desk.clock.leap(15 * 86400)
    desk.sandbox.partner_center.referrals.tick()
    await desk.sync()
    (lead,) = leads_of(desk, referral)
    assert lead["Status"] == "Closed - Not Converted"


async def test_a_lead_converted_after_its_referral_ended_goes_its_own_way(furnished: Furnish) -> None:
    """The end of a referral must not close the opportunity a seller has just opened."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.clock.leap(15 * 86400)
    desk.sandbox.partner_center.referrals.tick()
    await desk.sync()
    opportunity = desk.sandbox.salesforce.as_seller.convert(lead_id, StageName="Qualification")
    await desk.sync_over(60)
    row = desk.row(str(opportunity))
    assert (row["StageName"], row["Referral_Identifier__c"]) == ("Qualification", None)
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.IGNORED, "lead_closed")


async def test_nobody_is_invented_for_a_lead_without_a_person(furnished: Furnish) -> None:
    """CUS-11, product.md C-62: held with what is missing, and made once it is there."""
    desk = await office(furnished)
    customer = {"name": "Contoso Harbour BV", "address": {"country": "NL"}, "team": []}
    referral = desk.inbound(**{**LEAD, "customerProfile": customer})
    await desk.sync()
    assert leads_of(desk, referral) == []
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.HELD, "rejected")
    assert "last name" in link.detail
    person = {"firstName": "Kim", "lastName": "Bos", "email": "kim@harbour.example"}
    desk.change(referral, by="microsoft", customerProfile__team=[person])
    await desk.sync()
    assert [row["LastName"] for row in leads_of(desk, referral)] == ["Bos"]


async def test_a_lead_converted_without_an_opportunity_says_what_is_left_to_do(furnished: Furnish) -> None:
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.sandbox.salesforce.as_seller.convert(lead_id, opportunity=None)
    await desk.sync_over(60)
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.HELD, "lead_without_opportunity")
    assert desk.referral(referral)["status"] == "New"


async def test_an_opportunity_made_by_hand_takes_the_place_of_a_lead_converted_without_one(
    furnished: Furnish,
) -> None:
    """What the reason tells the seller to do is what helps."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.sandbox.salesforce.as_seller.convert(lead_id, opportunity=None)
    await desk.sync_over(60)
    opportunity = desk.opportunity(Referral_Identifier__c=referral)
    await desk.sync()
    (link,) = await desk.links()
    assert (link.crm_id, link.state, link.reason) == (opportunity, LinkState.LINKED, "")
    assert desk.referral(referral)["externalReferenceId"] == opportunity
    assert desk.referral(referral)["status"] == "Active"
    assert len(desk.sandbox.partner_center.referrals.all()) == 1


async def test_an_opportunity_switched_on_right_after_conversion_is_no_new_deal(furnished: Furnish) -> None:
    """INV-3: sync switched on by hand, before anybody looked at the lead."""
    desk = await office(furnished)
    desk.sandbox.salesforce.settings.lead_field_mapping = (
        ("Sync_with_Partner_Center__c", "Sync_with_Partner_Center__c"),
    )
    referral, lead_id = await arrived(desk)
    opportunity = desk.sandbox.salesforce.as_seller.convert(lead_id, StageName="Qualification")
    await desk.engine.poll(desk.env.systems().crm.side)
    await desk.engine.drain()
    await desk.sync_over(60)
    assert len(desk.sandbox.partner_center.referrals.all()) == 1
    assert (await desk.link(referral)).crm_id == opportunity
    assert len(await desk.links()) == 1


async def test_conversion_that_copies_our_fields_makes_no_twins(furnished: Furnish) -> None:
    """INV-3: an org may map Referral Identifier and the switch from lead to opportunity."""
    desk = await office(furnished)
    names = ("Sync_with_Partner_Center__c", "Referral_Identifier__c", "Referral_Link__c", "Cosell_Stamp__c")
    desk.sandbox.salesforce.settings.lead_field_mapping = tuple((name, name) for name in names)
    referral, lead_id = await arrived(desk)
    opportunity = desk.sandbox.salesforce.as_seller.convert(lead_id, StageName="Qualification")
    await desk.sync_over(60)
    (link,) = await desk.links()
    assert (link.crm_id, link.state, link.reason) == (opportunity, LinkState.LINKED, "")
    assert desk.referral(referral)["externalReferenceId"] == opportunity
    assert desk.referral(referral)["status"] == "Active"


async def test_a_lead_of_the_crms_own_is_not_sent(furnished: Furnish) -> None:
    """ENV-S07: no effect from Salesforce to Partner Center."""
    desk = await office(furnished)
    lead = {"LastName": "Bos", "Company": "Contoso", "Sync_with_Partner_Center__c": True}
    desk.sandbox.salesforce.as_seller.create("Lead", lead)
    await desk.engine.sweep()
    await desk.sync()
    assert desk.sandbox.partner_center.referrals.all() == []


async def test_a_deleted_lead_leaves_its_referral_alone(furnished: Furnish) -> None:
    """INV-15."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.sandbox.salesforce.as_seller.delete("Lead", lead_id)
    await desk.sync_over(900)
    assert (await desk.link(referral)).state is LinkState.GONE
    assert desk.referral(referral)["status"] == "New"
    assert leads_of(desk, referral) == []


async def test_where_the_org_can_keep_no_leads_they_wait_until_they_are_accepted(furnished: Furnish) -> None:
    """SCN-09: the other half of the deals goes on as ever."""
    desk = await office(furnished)
    desk.sandbox.salesforce.schema.drop_field("Lead", "Referral_Identifier__c")
    referral = desk.inbound(**{**LEAD, "name": "Harbour lead"})
    await desk.sync()
    assert (await desk.link(referral)).reason == "no_leads"
    assert desk.sandbox.salesforce.as_seller.rows("Lead") == []
    desk.change(referral, status="Active", substatus="Accepted")
    await desk.sync()
    assert len(desk.opportunities(referral)) == 1


async def test_leads_stay_in_partner_center_while_their_flow_is_off(furnished: Furnish) -> None:
    desk = await furnished(**LEADS, flows={"inbound_lead": False})
    referral = desk.inbound(**LEAD)
    await desk.sync()
    assert leads_of(desk, referral) == []
    assert (await desk.link(referral)).reason == "flow_off"


async def test_a_conversion_waits_while_the_outward_flow_of_leads_is_off(furnished: Furnish) -> None:
    """FLW-S09 as a switch."""
    desk = await furnished(**LEADS, flows={"outbound_lead": False})
    referral, lead_id = await arrived(desk)
    desk.sandbox.salesforce.as_seller.convert(lead_id, StageName="Qualification")
    await desk.sync_over(60)
    assert desk.referral(referral)["status"] == "New"
    assert (await desk.link(referral)).reason == "flow_off"


async def test_an_unanswered_creation_of_a_lead_is_found_again(furnished: Furnish) -> None:
    """INV-3, INV-10: one lead, whatever becomes of the answer."""
    desk = await office(furnished)
    referral = desk.inbound(**LEAD)
    await desk.engine.poll(desk.env.systems().partner_center.side)
    desk.harm("crm", "lose", method="POST", path="/composite", times=2)
    await desk.engine.drain()
    await desk.sync_over(600)
    assert len(leads_of(desk, referral)) == 1
    rows = [one.write for one in await desk.journal(referral) if one.write.kind is WriteKind.CREATE]
    assert [row.note for row in rows] == [AS_LEAD]


async def test_a_lead_status_the_org_does_not_have_is_refused_by_name(furnished: Furnish) -> None:
    """CUS-13: refused at the start, with the values there are."""
    wrong = {"salesforce": {"lead_statuses": LeadStatusSettings(new=("Qualifying",))}}
    desk = await office(furnished, {**LEADS, **wrong})
    with pytest.raises(Misconfigured, match="Qualifying") as refused:
        await desk.engine.poll(desk.env.systems().crm.side)
    assert "Open - Not Contacted" in refused.value.advice


async def test_the_doctor_names_what_an_org_demands_of_a_lead(furnished: Furnish) -> None:
    """CUS-11, CUS-13."""
    desk = await office(furnished)
    findings = {one.name: one for one in await desk.env.systems().crm.check()}
    assert findings["leads"].ok
    desk.sandbox.salesforce.schema.drop_field("Lead", "Referral_Identifier__c")
    findings = {one.name: one for one in await desk.env.systems().crm.check()}
    assert not findings["leads"].ok
    assert "Lead.Referral_Identifier__c" in findings["leads"].message


async def test_leads_that_cannot_be_kept_any_more_are_told_of_and_go_on_when_they_can(
    furnished: Furnish,
) -> None:
    """J-9: deals that are no leads go on, and nobody retries anything by hand."""
    desk = await office(furnished)
    before, lead_id = await arrived(desk)
    settings = desk.sandbox.salesforce.settings
    settings.hidden_fields = frozenset({"Lead.Referral_Identifier__c"})
    await desk.engine.schema.look()
    waiting, deal = desk.inbound(**LEAD), desk.portal()
    desk.change(before, details__notes="While leads could not be kept.")
    await desk.sync()
    assert leads_of(desk, waiting) == []
    assert len(desk.opportunities(deal)) == 1
    assert (await desk.link(waiting)).reason == Reason.NO_LEADS
    await desk.engine.schema.look()
    (alert,) = await standing(desk.env.store)
    assert alert.code == "schema_drift:salesforce:leads"
    assert (
        "can keep no leads any more. Only deals that are leads are left alone: 2 deals wait." in alert.message
    )
    settings.hidden_fields = frozenset()
    await desk.engine.schema.look()
    await desk.sync_over(60)
    assert len(leads_of(desk, waiting)) == 1
    (lead,) = leads_of(desk, before)
    assert (lead["Id"], lead["Description"]) == (lead_id, "While leads could not be kept.")
    assert await standing(desk.env.store) == []


async def test_a_field_a_lead_does_not_take_any_more_is_told_of(furnished: Furnish) -> None:
    desk = await office(furnished)
    await arrived(desk)
    settings = desk.sandbox.salesforce.settings
    settings.hidden_fields = frozenset({"Lead.Description"})
    await desk.engine.schema.look()
    (alert,) = await standing(desk.env.store)
    assert alert.code == "schema_drift:salesforce:leads.notes"
    assert "A lead («Notes») does not take this field any more." in alert.message


async def test_leads_given_up_by_the_settings_are_no_loss(furnished: Furnish) -> None:
    desk = await office(furnished)
    await arrived(desk)
    kept = await known.of(desk.env.store, Side.CRM)
    able = replace(desk.env.systems().crm.capabilities, leads=frozenset())
    assert known.LEADS in kept.after(able, desk.env.rules, 0.0, kept.names).lost
    assert not kept.after(able, desk.env.rules, 0.0, "of settings without leads").lost
