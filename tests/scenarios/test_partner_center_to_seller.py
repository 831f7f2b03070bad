"""Deals come from Microsoft and from the portal (SCN-05, SCN-06, SCN-07)."""

from __future__ import annotations

from cosell.core.records import LinkState

from .conftest import BOTH, SOL, Desk

pytestmark = BOTH


async def test_a_deal_made_in_the_portal_appears_as_one_opportunity(desk: Desk) -> None:
    """SCN-05, FLW-D06, FLW-S05, product.md B4."""
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["name"] == "✔ Harbour analytics"
    assert (row["value"], row["currency"]) == (75000, "EUR")
    assert row["state"] == "active"
    assert row["sync"] is True
    assert desk.solutions_of(row["id"]) == {SOL}
    assert desk.referral(referral)["externalReferenceId"] == row["id"]


async def test_an_edit_in_the_portal_reaches_the_opportunity(desk: Desk) -> None:
    """SCN-06, CAP-06."""
    referral = desk.portal()
    await desk.sync()
    desk.change(referral, details__dealValue=99000, details__notes="Closer now.")
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert (row["value"], row["notes"]) == (99000, "Closer now.")
    assert "Received from Partner Center" in row["audit"]


async def test_a_microsoft_deal_waits_in_the_on_hold_stage_until_the_seller_accepts(desk: Desk) -> None:
    """SCN-07, ENV-S01, ENV-S02; in Dynamics 365 the status reason On Hold."""
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["state"] == "on_hold"
    assert desk.referral(referral)["status"] == "New"

    desk.edit(row["id"], value=80000)
    await desk.sync()
    assert float(desk.referral(referral)["details"]["dealValue"]) == 75000

    desk.edit(row["id"], state="active")
    await desk.sync()
    accepted = desk.referral(referral)
    assert (accepted["status"], accepted["substatus"]) == ("Active", "Accepted")
    assert float(accepted["details"]["dealValue"]) == 80000
    steps = [row for row in await desk.journal(referral) if "state" in row.write.consents]
    assert len(steps) == 1


async def test_nothing_the_connector_does_by_itself_accepts_a_deal(desk: Desk) -> None:
    """INV-6."""
    referral = desk.inbound()
    for _ in range(3):
        await desk.sync()
        await desk.engine.sweep()
    await desk.sync()
    assert desk.referral(referral)["status"] == "New"


async def test_closing_an_unaccepted_deal_as_lost_declines_it_with_a_reason(desk: Desk) -> None:
    """CAP-04, product.md B6, B9."""
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.edit(row["id"], state="lost")
    await desk.sync()
    declined = desk.referral(referral)
    assert (declined["status"], declined["substatus"]) == ("Closed", "Declined")
    assert declined["statusReason"]


async def test_a_deal_nobody_answered_expires_and_the_opportunity_is_closed(desk: Desk) -> None:
    """LIM-08, C-31."""
    referral = desk.inbound()
    await desk.sync()
    desk.clock.leap(15 * 86400)
    desk.referrals.tick()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert desk.referral(referral)["substatus"] == "Expired"
    assert row["state"] == "lost"


async def test_microsofts_answer_reaches_the_seller(desk: Desk) -> None:
    """FLW-D05, FLW-S04, FLD-D08, M-20, M-29."""
    opportunity = desk.opportunity(help="General or Other")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    theirs = desk.microsofts(referral["id"])
    assert theirs is not None
    desk.referrals.microsoft_accepts(theirs["id"])
    await desk.sync()
    row = desk.row(opportunity)
    assert row["microsoft_id"]
    assert "Microsoft's status: active." in row["audit"]


async def test_a_lead_is_not_brought_in(desk: Desk) -> None:
    """ENV-D02, ENV-S07, partner-center-api.md 3.6."""
    referral = desk.inbound(type="Independent", qualification="Direct")
    await desk.sync()
    assert desk.opportunities(referral) == []
    assert (await desk.link(referral)).state is LinkState.IGNORED


async def test_a_referral_that_names_an_unknown_opportunity_is_held_and_not_doubled(desk: Desk) -> None:
    """TRB-3.3, C-36."""
    referral = desk.portal(externalReferenceId=desk.seller.nowhere)
    await desk.sync()
    assert desk.opportunities(referral) == []
    link = await desk.link(referral)
    assert (link.state, link.reason) == (LinkState.HELD, "unknown_opportunity")


async def test_an_opportunity_that_carries_the_referrals_id_is_adopted(desk: Desk) -> None:
    """INV-3: a record that carries the other's id is never introduced."""
    referral = desk.portal()
    opportunity = desk.opportunity(name="Already there", referral_id=referral)
    await desk.sync()
    assert [row["id"] for row in desk.opportunities(referral)] == [opportunity]
    assert desk.referral(referral)["externalReferenceId"] == opportunity
    assert len(desk.referrals.all()) == 1


async def test_two_events_for_one_new_deal_make_one_opportunity(desk: Desk) -> None:
    """C-01, WHK-08."""
    referral = desk.inbound()
    for _ in range(10):
        await desk.engine.heard(referral)
    await desk.engine.drain()
    await desk.sync()
    assert len(desk.opportunities(referral)) == 1


async def test_edits_of_different_fields_on_both_sides_both_survive(desk: Desk) -> None:
    """J-5: no lost update."""
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.change(referral, details__notes="From the portal.")
    desk.edit(row["id"], value=12345)
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["notes"] == "From the portal."
    assert float(desk.referral(referral)["details"]["dealValue"]) == 12345


async def test_of_two_edits_of_one_field_the_newer_wins_and_the_other_stands_in_the_audit(desk: Desk) -> None:
    """Rule `newest`, by the systems' own change times."""
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.change(referral, details__notes="Older words.")
    desk.clock.leap(60)
    desk.edit(row["id"], notes="Newer words.")
    await desk.sync()
    assert desk.referral(referral)["details"]["notes"] == "Newer words."
    lost = [
        one.write.fields["notes"].before
        for one in await desk.journal(referral)
        if "notes" in one.write.fields
    ]
    assert "Older words." in lost


async def test_a_deleted_opportunity_is_not_created_again(desk: Desk) -> None:
    """INV-15, U-16."""
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.seller.delete("opportunity", row["id"])
    await desk.engine.sweep()
    await desk.sync()
    desk.change(referral, details__notes="Still alive.")
    await desk.sync()
    assert desk.opportunities(referral) == []
    assert (await desk.link(referral)).state is LinkState.GONE
    assert desk.referral(referral)["status"] == "Active"


async def test_a_first_look_at_deals_linked_by_others_finds_no_twins(desk: Desk) -> None:
    """J-13: referral, Microsoft's referral and opportunity all exist and name each other."""
    for number in range(8):
        opportunity = desk.opportunity(name=f"Deal {number}")
        referral = desk.portal(
            name=f"Deal {number}",
            externalReferenceId=opportunity,
            inviteContext={"assistanceRequestCode": "GeneralOrOther"},
            consent={"consentToShareReferralWithMicrosoftSellers": True},
        )
        assert desk.microsofts(referral) is not None
        desk.edit(opportunity, referral_id=referral)
    await desk.sync()
    assert {(link.state, link.reason) for link in await desk.links()} == {(LinkState.LINKED, "")}
