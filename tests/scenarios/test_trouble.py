"""What goes wrong on the way, over real HTTP: nothing is lost, nothing is doubled, people are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core.guards import Brake
from cosell.core.mapping import Conflict, Flow
from cosell.core.reasons import Reason
from cosell.core.records import Hold, LinkState, Resolution, Side, Write, WriteKind, WriteState
from cosell.engine import brake

from .conftest import BOTH, Desk

REFERRALS = "/engagements/referrals"


async def test_a_creation_whose_answer_was_lost_is_found_and_not_repeated(desk: Desk) -> None:
    """INV-3, INV-10; partner-center-api.md 12."""
    opportunity = desk.opportunity()
    desk.harm("partner_center", "lose", method="POST", path=REFERRALS)
    await desk.sync_over(300)
    assert len(desk.referrals_of(opportunity)) == 1
    assert desk.row(opportunity)["referral_id"] == desk.referrals_of(opportunity)[0]["id"]


async def test_a_creation_that_never_arrived_is_sent_again_after_the_wait(desk: Desk) -> None:
    opportunity = desk.opportunity()
    desk.harm("partner_center", "drop", method="POST", path=REFERRALS)
    await desk.sync()
    assert desk.referrals_of(opportunity) == []
    await desk.sync_over(300)
    assert len(desk.referrals_of(opportunity)) == 1


@BOTH
async def test_an_opportunity_whose_creation_was_not_answered_is_not_made_twice(desk: Desk) -> None:
    """C-01; salesforce-api.md 3: POST is never retried blindly."""
    referral = desk.inbound()
    # Two misfortunes of Dynamics 365 are the search for the customer and then the creation.
    await desk.engine.poll(Side.PARTNER_CENTER)
    desk.harm("crm", "lose", method="POST", path=desk.seller.bunches, times=2)
    await desk.sync_over(300)
    assert len(desk.opportunities(referral)) == 1
    assert (await desk.link(referral)).state is LinkState.LINKED


async def test_an_invitation_whose_answer_was_lost_is_not_sent_twice(desk: Desk) -> None:
    """INV-12: co-sell creation resumes after half a success."""
    opportunity = desk.opportunity()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    desk.edit(opportunity, help="General or Other")
    desk.harm("partner_center", "lose", method="POST", path=REFERRALS)
    await desk.sync_over(300)
    assert len(desk.referrals.engagement(referral["engagementId"])) == 2


@BOTH
@pytest.mark.parametrize("kind", ["lose", "drop"])
async def test_an_update_without_an_answer_arrives_exactly_once(desk: Desk, kind: str) -> None:
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, value=777)
    desk.harm("partner_center", kind, method="PATCH", path=REFERRALS)
    await desk.sync_over(120)
    (referral,) = desk.referrals_of(opportunity)
    assert float(referral["details"]["dealValue"]) == 777
    rows = [row.write for row in await desk.journal(opportunity) if "deal_value" in row.write.fields]
    assert all(row.state is not WriteState.OPEN for row in rows)


@pytest.mark.parametrize("name", ["429", "429-empty", "500", "503", "504"])
async def test_a_system_that_is_down_for_a_while_gets_the_change_when_it_is_back(
    desk: Desk, name: str
) -> None:
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, value=888)
    desk.harm("partner_center", "answer", method="PATCH", path=REFERRALS, times=3, name=name)
    await desk.sync_over(900)
    (referral,) = desk.referrals_of(opportunity)
    assert float(referral["details"]["dealValue"]) == 888


@BOTH
async def test_an_expired_session_is_renewed_without_a_lost_write(desk: Desk) -> None:
    """salesforce-api.md 2.5, trap 11; dataverse-api.md 1."""
    referral = desk.portal()
    await desk.sync()
    desk.seller.expire_sign_in()
    desk.change(referral, details__notes="After the night.")
    await desk.sync_over(60)
    assert desk.opportunities(referral)[0]["notes"] == "After the night."


@BOTH
async def test_a_revoked_sign_in_pauses_the_connection_tells_somebody_and_loses_nothing(desk: Desk) -> None:
    """TRB-3.4, C-08: invalid_grant becomes SignedOut."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.seller.entra.revoke_refresh_tokens()
    desk.seller.entra.expire_access_tokens()
    desk.edit(opportunity, value=999)
    with pytest.raises(Exception, match=r"(?i)sign"):
        await desk.sync()
    await desk.engine.drain()
    alerts = await desk.env.store.settings("alert:")
    assert any("signed_out" in name for name in alerts)
    assert (await desk.link(opportunity)).state is LinkState.LINKED


@BOTH
async def test_a_value_the_org_refuses_is_held_and_the_rest_of_the_deal_goes_on(desk: Desk) -> None:
    """INV-14; TRB: validation rules speak in the admin's own words."""
    referral = desk.portal()
    await desk.sync()
    desk.seller.forbid_more_than(90000, "Ask finance above 90,000.")
    desk.change(referral, details__dealValue=95000)
    await desk.sync()
    link = await desk.link(referral)
    assert link.holds["deal_value"].reason == Reason.REJECTED
    assert "Ask finance" in link.holds["deal_value"].detail
    desk.change(referral, details__notes="Still moving.")
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert (row["value"], row["notes"]) == (75000, "Still moving.")
    assert row["name"].startswith("✘")
    desk.change(referral, details__dealValue=80000)
    await desk.sync()
    assert desk.opportunities(referral)[0]["value"] == 80000


@BOTH
async def test_a_value_that_the_products_make_is_held_and_never_said_to_be_received(desk: Desk) -> None:
    """Goal 2; salesforce-api.md trap 5, dataverse-api.md 3: either CRM would drop it without a word."""
    opportunity = desk.opportunity()
    desk.seller.add_product(opportunity, 700)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert float(referral["details"]["dealValue"]) == 700
    desk.change(referral["id"], details__dealValue=1234, details__notes="Still moving.")
    await desk.sync()
    row = desk.row(opportunity)
    assert (row["value"], row["notes"]) == (700, "Still moving.")
    hold = (await desk.link(opportunity)).holds["deal_value"]
    assert (hold.reason, hold.partner_center, hold.crm) == (Reason.REJECTED, 1234, 700)
    assert "products" in hold.detail
    assert "Received from Partner Center: Notes." in row["audit"]
    assert "Received from Partner Center: Deal value" not in row["audit"]
    assert "The CRM refused Deal value: " in row["audit"]
    done = [one.write for one in await desk.journal(opportunity) if one.write.state is WriteState.DONE]
    assert not any(one.side is Side.CRM and "deal_value" in one.fields for one in done)
    desk.change(referral["id"], details__dealValue=700)
    await desk.sync()
    assert (await desk.link(opportunity)).holds == {}


@BOTH
async def test_a_cloned_opportunity_with_the_same_referral_is_told_apart(desk: Desk) -> None:
    """Twins: the link field copied by cloning a record; INV-3."""
    desk.seller.let_referral_ids_repeat()
    opportunity = desk.opportunity()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    clone = desk.opportunity(name="The clone", referral_id=referral["id"])
    await desk.sync()
    link = await desk.link(clone)
    assert (link.state, link.reason) == (LinkState.HELD, Reason.TWINS)
    assert desk.referral(referral["id"])["externalReferenceId"] == opportunity


@BOTH
async def test_a_conflict_that_is_left_to_people_waits_and_the_answer_is_carried_out(desk: Desk) -> None:
    """Rule `ask`; J-5."""
    rules = dict(desk.engine.room.rules)
    rules["notes"] = replace(rules["notes"], conflict=Conflict.ASK)
    desk.engine.room.rules = rules
    referral = desk.portal()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.change(referral, details__notes="Theirs.")
    desk.edit(row["id"], notes="Ours.")
    await desk.sync()
    link = await desk.link(referral)
    hold = link.holds["notes"]
    assert (hold.reason, hold.partner_center, hold.crm) == (Reason.CONFLICT, "Theirs.", "Ours.")
    answer = Resolution(Side.CRM, hold.partner_center, hold.crm, "Ada", desk.clock.now())
    await decide(desk, referral, "notes: take crm", resolutions={"notes": answer})
    await desk.sync()
    assert desk.referral(referral)["details"]["notes"] == "Ours."
    assert (await desk.link(referral)).holds == {}


@BOTH
async def test_a_person_may_give_up_the_opportunity_a_referral_names_in_vain(desk: Desk) -> None:
    """TRB-3.3, C-36: cosell resolve LINK link --take partner_center."""
    referral = desk.portal(externalReferenceId=desk.seller.nowhere)
    await desk.sync()
    assert desk.opportunities(referral) == []
    answer = Resolution(Side.PARTNER_CENTER, None, None, "Ada", desk.clock.now())
    await decide(desk, referral, "link: take partner_center", resolutions={"link": answer})
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert desk.referral(referral)["externalReferenceId"] == row["id"]
    link = await desk.link(referral)
    assert (link.state, dict(link.resolutions)) == (LinkState.LINKED, {})


@BOTH
async def test_a_deal_on_hold_by_a_person_is_left_alone_until_released(desk: Desk) -> None:
    referral = desk.portal()
    await desk.sync()
    held = {"*": Hold(Reason.BY_PERSON, desk.clock.now())}
    await decide(desk, referral, "held", holds=held)
    desk.change(referral, details__notes="While held.")
    await desk.sync()
    assert desk.opportunities(referral)[0]["notes"] == "From Microsoft."
    await decide(desk, referral, "released", holds={})
    await desk.sync()
    assert desk.opportunities(referral)[0]["notes"] == "While held."


async def decide(desk: Desk, any_id: str, words: str, **changes: object) -> None:
    link = await desk.link(any_id)
    now = desk.clock.now()
    row = Write(
        desk.env.dice.token(),
        link.key,
        Side.CRM,
        WriteKind.DECISION,
        None,
        None,
        note=words,
        created_at=now,
        state=WriteState.DONE,
        finished_at=now,
    )
    await desk.env.store.decide(replace(link, **changes), row, now)  # type: ignore[arg-type]


@BOTH
@pytest.mark.parametrize(
    ("flow", "edit"),
    [(Flow.OUTBOUND_UPDATE, {"value": 5}), (Flow.OUTBOUND_SOLUTIONS, {})],
)
async def test_a_flow_that_is_off_keeps_the_change_until_it_is_on(
    desk: Desk, flow: Flow, edit: dict[str, object]
) -> None:
    """product.md A5: every flow switchable by itself."""
    opportunity = desk.opportunity()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    policy = desk.engine.room.policy
    desk.engine.room.policy = replace(policy, flows=policy.flows - {flow})
    if edit:
        desk.edit(opportunity, **edit)
    else:
        desk.add_solution(opportunity, "SOL-10002-BBB")
    before = dict(desk.referral(referral["id"])["details"])
    await desk.sync()
    assert dict(desk.referral(referral["id"])["details"]) == before
    assert Reason.FLOW_OFF in {hold.reason for hold in (await desk.link(opportunity)).holds.values()}
    desk.engine.room.policy = policy
    await desk.engine.sweep()
    await desk.sync()
    assert dict(desk.referral(referral["id"])["details"]) != before


@BOTH
async def test_the_brake_stops_a_sweep_that_would_change_too_much_until_a_person_releases_it(
    desk: Desk,
) -> None:
    """INV-17."""
    referrals = [desk.portal(name=f"Deal {number}") for number in range(4)]
    await desk.sync()
    policy = desk.engine.room.policy
    desk.engine.room.policy = replace(policy, brake=Brake(links=2, share=0.0))
    for number, referral in enumerate(referrals):
        desk.change(referral, details__notes=f"Changed {number}.")
    await desk.engine.sweep()
    await desk.engine.drain()
    changed = [desk.opportunities(one)[0]["notes"].startswith("Changed") for one in referrals]
    assert sum(changed) == 2
    assert await desk.env.store.setting(brake.SETTING) == "on"
    assert any(name.endswith("brake") for name in await desk.env.store.settings("alert:"))
    await desk.env.store.set_setting(brake.SETTING, "released", "Ada", desk.clock.now())
    await desk.engine.drain()
    await desk.sync()
    assert all(desk.opportunities(one)[0]["notes"].startswith("Changed") for one in referrals)
