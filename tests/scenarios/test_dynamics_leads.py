"""Leads in Dynamics 365: unaccepted they arrive as leads, and qualifying one carries the link over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cosell.core.records import LinkState

from .conftest import Desk, Furnish

pytestmark = pytest.mark.parametrize("crm", ["dynamics"], indirect=True)
LEAD: Mapping[str, Any] = {
    "name": None,
    "type": "Independent",
    "qualification": "MarketingQualified",
    "inviteContext": {"invitedBy": {"organizationId": "msft"}},
}
WANTED = {"cosell_only": False}


async def office(furnished: Furnish, **settings: Mapping[str, Any]) -> Desk:
    return await furnished(partner_center=WANTED, **settings)


def leads_of(desk: Desk, referral: str) -> list[dict[str, Any]]:
    rows = desk.sandbox.dataverse.as_seller.rows("lead")
    return [one for one in rows if one["cosell_referralidentifier"] == referral]


async def arrived(desk: Desk, **changes: Any) -> tuple[str, str]:
    """A lead Microsoft sent, and the row it became."""
    referral = desk.inbound(**{**LEAD, **changes})
    await desk.sync()
    (lead,) = leads_of(desk, referral)
    return referral, str(lead["leadid"])


async def test_a_lead_nobody_accepted_arrives_as_a_lead_only(furnished: Furnish) -> None:
    """SCN-09, CAP-11, ENV-D02; product.md B2, lead mapping: the topic is the referral's id."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    (lead,) = leads_of(desk, referral)
    assert (lead["companyname"], lead["firstname"], lead["lastname"]) == ("Contoso Harbour BV", "Kim", "Bos")
    assert (lead["emailaddress1"], lead["telephone1"]) == ("kim.bos@harbour.example", "+31105550111")
    assert (lead["address1_city"], lead["address1_country"]) == ("Rotterdam", "NL")
    assert (lead["subject"], lead["description"]) == (referral, "From Microsoft.")
    assert lead["cosell_syncwithpartnercenter"] is True
    assert referral in lead["cosell_referrallink"]
    assert (lead["statecode"], lead["statuscode"]) == (0, 1)
    assert desk.opportunities(referral) == []
    assert desk.referral(referral)["externalReferenceId"] == lead_id
    assert desk.referral(referral)["status"] == "New"


async def test_leads_stay_in_partner_center_where_only_co_sell_is_wanted(furnished: Furnish) -> None:
    """ENV-D02."""
    desk = await furnished()
    referral = desk.inbound(**LEAD)
    await desk.sync()
    assert leads_of(desk, referral) == []
    assert (await desk.link(referral)).state is LinkState.IGNORED


async def test_an_accepted_lead_arrives_as_an_opportunity(furnished: Furnish) -> None:
    """SCN-09."""
    desk = await office(furnished)
    referral = desk.inbound(**{**LEAD, "name": "Harbour lead"})
    desk.change(referral, status="Active", substatus="Accepted")
    await desk.sync()
    assert [one["name"] for one in desk.opportunities(referral)] == ["✔ Harbour lead"]
    assert leads_of(desk, referral) == []


@pytest.mark.parametrize("copies", [False, True])
async def test_qualifying_a_lead_accepts_its_referral_and_the_link_follows(
    furnished: Furnish, copies: bool
) -> None:
    """SCN-09, FLW-D10, INV-3, INV-6: whether or not the organisation copies our columns along."""
    desk = await office(furnished)
    desk.sandbox.dataverse.settings.qualifying_copies_custom_columns = copies
    referral, lead_id = await arrived(desk)
    made = desk.sandbox.dataverse.as_seller.qualify(lead_id)
    await desk.sync()
    accepted = desk.referral(referral)
    assert (accepted["status"], accepted["substatus"]) == ("Active", "Accepted")
    assert accepted["externalReferenceId"] == made["opportunity"]
    (row,) = desk.opportunities(referral)
    assert row["id"] == made["opportunity"]
    assert row["sync"] is True
    (link,) = await desk.links()
    assert (link.crm_id, link.state) == (made["opportunity"], LinkState.LINKED)
    assert len(desk.referrals.all()) == 1
    (step,) = [one.write for one in await desk.journal(referral) if "state" in one.write.consents]
    assert step.consents["state"].who == "Alex Moreau"
    desk.edit(row["id"], value=42000, currency="EUR")
    await desk.sync()
    assert float(desk.referral(referral)["details"]["dealValue"]) == 42000
    written = len(await desk.journal(referral))
    await desk.sync_over(120)
    assert len(await desk.journal(referral)) == written


async def test_edits_on_both_sides_of_a_lead_are_kept(furnished: Furnish) -> None:
    """J-4: Microsoft's reach the lead, the seller's wait for the acceptance and then go out."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.change(referral, by="microsoft", details__notes="They ask for a call.")
    await desk.sync()
    assert leads_of(desk, referral)[0]["description"] == "They ask for a call."
    seller = desk.sandbox.dataverse.as_seller
    seller.update("lead", lead_id, {"description": "Called; they want a pilot."})
    await desk.sync()
    assert desk.referral(referral)["details"]["notes"] == "They ask for a call."
    seller.qualify(lead_id)
    await desk.sync()
    assert desk.referral(referral)["details"]["notes"] == "Called; they want a pilot."


async def test_a_disqualified_lead_declines_its_referral(furnished: Furnish) -> None:
    """CAP-04: one-way, and by the seller's own act."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.sandbox.dataverse.as_seller.update("lead", lead_id, {"statecode": 2, "statuscode": 5})
    await desk.sync()
    declined = desk.referral(referral)
    assert (declined["status"], declined["substatus"]) == ("Closed", "Declined")


async def test_the_status_reasons_of_leads_are_settings(furnished: Furnish) -> None:
    """CUS-13, TRB-4.7."""
    desk = await office(furnished, crm={"lead_status": "Contacted", "lead_lost": "Cannot Contact"})
    referral, _ = await arrived(desk)
    assert leads_of(desk, referral)[0]["statuscode"] == 2
    desk.clock.leap(15 * 86400)
    desk.referrals.tick()
    await desk.sync()
    (lead,) = leads_of(desk, referral)
    assert (lead["statecode"], lead["statuscode"]) == (2, 5)


async def test_a_lead_qualified_without_an_opportunity_says_what_is_left_to_do(furnished: Furnish) -> None:
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.sandbox.dataverse.as_seller.qualify(lead_id, opportunity=False)
    await desk.sync()
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.HELD, "lead_without_opportunity")
    assert desk.referral(referral)["status"] == "New"


@pytest.mark.parametrize("flow", ["inbound_lead", "outbound_lead"])
async def test_a_lead_waits_while_its_flow_is_off(furnished: Furnish, flow: str) -> None:
    """FLW-D10 as a switch, each way."""
    desk = await office(furnished, flows={flow: False})
    referral = desk.inbound(**LEAD)
    await desk.sync()
    leads = leads_of(desk, referral)
    if flow == "inbound_lead":
        assert leads == []
    else:
        desk.sandbox.dataverse.as_seller.qualify(str(leads[0]["leadid"]))
        await desk.sync()
        assert desk.referral(referral)["status"] == "New"
    assert (await desk.link(referral)).reason == "flow_off"


async def test_an_unanswered_creation_of_a_lead_is_found_again(furnished: Furnish) -> None:
    """INV-3, INV-10."""
    desk = await office(furnished)
    referral = desk.inbound(**LEAD)
    await desk.engine.poll(desk.env.systems().partner_center.side)
    desk.harm("crm", "lose", method="POST", path="/$batch", times=2)
    await desk.engine.drain()
    await desk.sync_over(600)
    assert len(leads_of(desk, referral)) == 1


async def test_a_deleted_lead_leaves_its_referral_alone(furnished: Furnish) -> None:
    """INV-15."""
    desk = await office(furnished)
    referral, lead_id = await arrived(desk)
    desk.sandbox.dataverse.as_seller.delete("lead", lead_id)
    await desk.sync_over(900)
    assert (await desk.link(referral)).state is LinkState.GONE
    assert desk.referral(referral)["status"] == "New"
    assert leads_of(desk, referral) == []
