"""Auto-heal over real HTTP: drift nobody told of is found in bulk, repaired, and told (CAP-14, FLW-D11)."""

from __future__ import annotations

from dataclasses import replace

from cosell.core.mapping import Flow
from cosell.core.reasons import Reason
from cosell.core.records import LinkState
from cosell.wiring import report

from .conftest import Desk, Furnish


async def _settled(desk: Desk) -> None:
    """Lets so much time pass that no write of ours counts as recent."""
    await desk.sync_over(300)


async def test_drift_on_both_sides_is_repaired_and_the_agreement_rate_told(desk: Desk) -> None:
    """Goal 2 and INV-21: no poll, no event, and yet nothing stays apart."""
    referrals = [desk.portal(name=f"Deal {number}") for number in range(8)]
    await _settled(desk)
    desk.change(referrals[0], details__notes="Changed in the portal.")
    desk.edit(desk.opportunities(referrals[1])[0]["Id"], Amount=4321)
    found = await desk.engine.sweep()
    assert (found.links, found.compared, found.agreed, found.repaired) == (8, 8, 6, 2)
    assert found.agreement == 0.75
    await desk.engine.drain()
    assert desk.opportunities(referrals[0])[0]["Description"] == "Changed in the portal."
    assert float(desk.referral(referrals[1])["details"]["dealValue"]) == 4321
    await desk.sync_over(60)
    found = await desk.engine.sweep()
    assert (found.agreed, found.repaired, found.agreement) == (8, 0, 1.0)
    told = await report.status(desk.env.store, desk.env.settings, now=desk.clock.now())
    assert told["sweep"]["last"]["agreement"] == 1.0
    assert told["sweep"]["says"].startswith("100 % of 8 links compared agree; it took ")


async def test_a_sweep_of_links_in_step_costs_a_page_each_side_and_writes_nothing(desk: Desk) -> None:
    """INV-4; section 7 of the figures: bulk reads only."""
    for number in range(8):
        desk.portal(name=f"Deal {number}")
    await _settled(desk)
    desk.sandbox.frame.calls.clear()
    found = await desk.engine.sweep()
    assert await desk.engine.drain() == 0
    # Two lists of open referrals; the ids and the rows of open opportunities.
    assert desk.calls() == 4
    assert sum(found.calls.values()) == 4


async def test_co_sell_deals_are_compared_with_microsofts_half(desk: Desk) -> None:
    """partner-center-api.md 2.1, 2.3: Microsoft's referral is a part of the deal, open or closed."""
    accepted, declined = (desk.opportunity(How_can_Microsoft_help__c="General or Other") for _ in range(2))
    await _settled(desk)
    assert (await desk.engine.sweep()).agreement == 1.0
    theirs = [desk.microsofts(desk.referrals_of(one)[0]["id"]) for one in (accepted, declined)]
    assert theirs[0] is not None
    assert theirs[1] is not None
    desk.sandbox.partner_center.referrals.microsoft_accepts(theirs[0]["id"])
    desk.sandbox.partner_center.referrals.microsoft_declines(theirs[1]["id"])
    assert (await desk.engine.sweep()).repaired == 2
    await desk.engine.drain()
    assert desk.row(accepted)["Microsoft_CRM_Identifier__c"]
    assert "declined" in desk.row(declined)["Audit__c"]
    await desk.sync_over(60)
    desk.sandbox.frame.calls.clear()
    assert (await desk.engine.sweep()).agreement == 1.0
    assert desk.calls() == 4


async def test_a_deleted_opportunity_is_noticed_and_its_referral_left_alone(desk: Desk) -> None:
    """INV-15, INV-22."""
    opportunity = desk.opportunity()
    await _settled(desk)
    desk.sandbox.salesforce.as_seller.delete("Opportunity", opportunity)
    assert (await desk.engine.sweep()).gone == 1
    await desk.engine.drain()
    link = await desk.link(opportunity)
    assert (link.state, link.reason) == (LinkState.GONE, Reason.DELETED)
    assert len(desk.referrals_of(opportunity)) == 1


async def test_records_no_link_knows_are_found_on_both_sides(desk: Desk) -> None:
    desk.portal()
    await _settled(desk)
    referral, opportunity = desk.portal(name="Nobody told us"), desk.opportunity()
    found = await desk.engine.sweep()
    assert (found.unknown, found.agreed) == (2, 1)
    await desk.sync()
    assert len(desk.opportunities(referral)) == 1
    assert len(desk.referrals_of(opportunity)) == 1


async def test_deals_closed_on_both_sides_cost_nothing(desk: Desk) -> None:
    opportunity = desk.opportunity()
    await _settled(desk)
    desk.edit(opportunity, StageName="Closed Lost")
    await _settled(desk)
    desk.sandbox.frame.calls.clear()
    found = await desk.engine.sweep()
    assert (found.closed, found.compared) == (1, 0)
    assert desk.calls() == 3


async def test_switched_off_sync_is_not_switched_on_by_a_sweep(desk: Desk) -> None:
    opportunity = desk.opportunity()
    await _settled(desk)
    desk.edit(opportunity, Sync_with_Partner_Center__c=False)
    assert (await desk.engine.sweep()).repaired == 1
    await desk.engine.drain()
    assert (await desk.link(opportunity)).state is LinkState.PAUSED
    found = await desk.engine.sweep()
    assert (found.resting, found.repaired) == (1, 0)


async def test_without_the_repair_flow_status_says_that_nobody_sweeps(furnished: Furnish) -> None:
    desk = await furnished(flows={"repair": False})
    assert Flow.REPAIR not in desk.engine.room.policy.flows
    told = await report.status(desk.env.store, desk.env.settings, now=desk.clock.now())
    assert (told["sweep"]["on"], told["sweep"]["next"]) == (False, None)


async def test_a_dry_run_sweeps_and_writes_nothing(desk: Desk) -> None:
    referral = desk.portal()
    await _settled(desk)
    desk.engine.room.policy = replace(desk.engine.room.policy, dry_run=True)
    desk.change(referral, details__notes="Not to be carried.")
    assert (await desk.engine.sweep()).repaired == 1
    await desk.engine.drain()
    assert desk.opportunities(referral)[0]["Description"] != "Not to be carried."
    assert (await desk.link(referral)).reason == Reason.DRY_RUN
