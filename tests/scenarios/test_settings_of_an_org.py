"""What an organisation may set: stages, field names, marks, texts (ENV-S01…S07, FLD-S01…S10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.sandbox.salesforce.granting import grant_all
from cosell.systems.salesforce.settings import SalesforceFields, StageSettings

from .conftest import SOLUTION, Desk, Furnish

STAGES = StageSettings(
    active=("Qualification", "Needs Analysis"),
    on_hold=("On Hold", "Prospecting"),
    lost=("Closed Lost",),
)


async def test_moving_between_two_on_hold_stages_accepts_nothing(furnished: Furnish) -> None:
    """ENV-S02: several stages may share one meaning."""
    desk = await furnished(salesforce={"stages": STAGES})
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    assert row["StageName"] == "On Hold"
    desk.edit(row["Id"], StageName="Prospecting", Amount=1)
    await desk.sync()
    assert desk.referral(referral)["status"] == "New"
    assert float(desk.referral(referral)["details"]["dealValue"]) == 75000
    assert desk.row(row["Id"])["StageName"] == "Prospecting"


@pytest.mark.parametrize("stage", ["Qualification", "Needs Analysis", "Negotiation/Review"])
async def test_leaving_any_on_hold_stage_for_any_open_stage_accepts(furnished: Furnish, stage: str) -> None:
    """ENV-S01, ENV-S02, SCN-07; the seller's stage is not written over by the first active one."""
    desk = await furnished(salesforce={"stages": STAGES})
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.edit(row["Id"], StageName="Prospecting")
    await desk.sync()
    desk.edit(row["Id"], StageName=stage)
    await desk.sync()
    await desk.engine.sweep()
    await desk.sync()
    assert desk.referral(referral)["status"] == "Active"
    assert desk.row(row["Id"])["StageName"] == stage


async def test_an_open_stage_of_the_sellers_own_choice_stays_and_sends_nothing(furnished: Furnish) -> None:
    """B6: the active stage, and any later open stage, is Active."""
    desk = await furnished(salesforce={"stages": STAGES})
    opportunity = desk.opportunity(StageName="Qualification")
    await desk.sync()
    before = len(await desk.journal(opportunity))
    desk.edit(opportunity, StageName="Negotiation/Review")
    await desk.sync()
    await desk.engine.sweep()
    await desk.sync()
    assert desk.row(opportunity)["StageName"] == "Negotiation/Review"
    assert len(await desk.journal(opportunity)) == before


async def test_an_acceptance_in_the_portal_moves_the_stage_to_the_first_active_one(
    furnished: Furnish,
) -> None:
    desk = await furnished(salesforce={"stages": STAGES})
    referral = desk.inbound()
    await desk.sync()
    desk.sandbox.partner_center.referrals.partner_accepts(referral)
    await desk.sync()
    assert desk.opportunities(referral)[0]["StageName"] == "Qualification"


@pytest.mark.parametrize(
    "stages",
    [
        StageSettings(won=("Qualification",)),
        StageSettings(active=("Closed Won",)),
        StageSettings(on_hold=("Closed Lost",)),
        StageSettings(lost=("Closed Won",)),
        StageSettings(active=("On Hold",), on_hold=("On Hold",)),
    ],
)
async def test_a_stage_that_cannot_mean_what_the_setting_says_is_refused(
    furnished: Furnish, stages: StageSettings
) -> None:
    """An open stage never means won, and one stage never means both on hold and active."""
    desk = await furnished(salesforce={"stages": stages})
    findings = await desk.env.systems().crm.check()
    bad = [one for one in findings if not one.ok]
    assert bad
    assert "stage" in bad[0].message


async def test_leads_come_in_where_the_setting_wants_them(furnished: Furnish) -> None:
    """ENV-S07."""
    desk = await furnished(partner_center={"cosell_only": False})
    referral = desk.inbound(type="Independent", qualification="Direct")
    await desk.sync()
    rows = desk.sandbox.salesforce.as_seller.rows("Lead")
    assert [row["Referral_Identifier__c"] for row in rows] == [referral]
    assert desk.opportunities(referral) == []


async def test_fields_of_a_package_are_found_under_its_prefix(furnished: Furnish) -> None:
    """INS-02: an org that has the fields from a package; its names begin with the package's namespace."""
    desk = await furnished()
    schema = desk.sandbox.salesforce.schema
    for name in SalesforceFields().model_dump().values():
        if name.endswith("__c") and name.lower() in schema.object("Opportunity").fields:
            schema.rename_field("Opportunity", name, f"ms__{name}")
    for name in ("Solution_Identifier__c", "Quantity__c", "Price__c", "Opportunity__c"):
        schema.rename_field(SOLUTION, name, f"ms__{name}")
    made = schema.object(SOLUTION)
    schema.drop_object(SOLUTION)
    schema.add_object(replace(made, name=f"ms__{SOLUTION}"))
    held = desk.sandbox.salesforce.as_seller.rows("ObjectPermissions")[0]
    grant_all(desk.sandbox.salesforce._org, held["ParentId"])

    referral = desk.portal()
    await desk.sync()
    rows = desk.sandbox.salesforce.as_seller.rows("Opportunity")
    (row,) = [one for one in rows if one["ms__Referral_Identifier__c"] == referral]
    assert row["ms__Sync_with_Partner_Center__c"] is True
    assert row["ms__Audit__c"]
    (solution,) = desk.sandbox.salesforce.as_seller.rows(f"ms__{SOLUTION}")
    assert solution["ms__Opportunity__c"] == row["Id"]
    desk.edit(row["Id"], Amount=4711)
    await desk.sync()
    assert float(desk.referral(referral)["details"]["dealValue"]) == 4711


async def test_value_country_and_link_live_where_the_settings_say(furnished: Furnish) -> None:
    """ENV-S03, ENV-S04, FLD-S03."""
    desk = await furnished(
        salesforce={
            "deal_value_field": "Partner_Amount__c",
            "country_field": "Country_Code__c",
            "referral_link": "https://portal.example/deal/{id}?from=crm",
        }
    )
    schema = desk.sandbox.salesforce.schema
    schema.add_field(
        "Opportunity", replace(schema.field("Opportunity", "Amount"), name="Partner_Amount__c", label="PA")
    )
    schema.add_field(
        "Account", replace(schema.field("Account", "Site"), name="Country_Code__c", label="Code")
    )
    opportunity = desk.opportunity(Amount=5, Partner_Amount__c=700)
    account = desk.row(opportunity)["AccountId"]
    desk.sandbox.salesforce.as_seller.update("Account", account, {"Country_Code__c": "BE"})
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert float(referral["details"]["dealValue"]) == 700
    assert referral["customerProfile"]["address"]["country"] == "BE"
    link = desk.row(opportunity)["Referral_Link__c"]
    assert link == f"https://portal.example/deal/{referral['id']}?from=crm"
    desk.change(referral["id"], details__dealValue=800)
    await desk.sync()
    assert (desk.row(opportunity)["Partner_Amount__c"], desk.row(opportunity)["Amount"]) == (800, 5)


async def test_without_the_check_mark_the_name_is_left_alone(furnished: Furnish) -> None:
    """ENV-S06 = No."""
    desk = await furnished(salesforce={"check_mark": False})
    opportunity = desk.opportunity(Name="Plain", solutions=[])
    await desk.sync()
    assert desk.row(opportunity)["Name"] == "Plain"
    desk.add_solution(opportunity, "SOL-10001-AAA")
    await desk.sync()
    assert desk.row(opportunity)["Name"] == "Plain"
    assert len(desk.referrals_of(opportunity)) == 1


@pytest.mark.parametrize("sign", ["✔", "✗", "✘"])
async def test_a_sign_in_the_name_never_reaches_partner_center(desk: Desk, sign: str) -> None:
    """Decision 6, J-13: the mapped name is always the clean name, also where another tool set the sign."""
    opportunity = desk.opportunity(Name=f"{sign} Old deal")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["name"] == "Old deal"
    assert desk.row(opportunity)["Name"] == "✔ Old deal"


async def test_a_renamed_referral_keeps_its_mark_in_the_crm_only(desk: Desk) -> None:
    """M-01 U←."""
    referral = desk.portal()
    await desk.sync()
    desk.sandbox.partner_center.switches.name_patchable = True
    desk.change(referral, name="부산 항만 분석 / 港口分析")
    await desk.sync()
    assert desk.opportunities(referral)[0]["Name"] == "✔ 부산 항만 분석 / 港口分析"
    assert desk.referral(referral)["name"] == "부산 항만 분석 / 港口分析"


async def test_the_audit_text_stays_bounded_and_keeps_its_newest_lines_on_top(furnished: Furnish) -> None:
    """FLD-S06, LIM-12."""
    desk = await furnished(salesforce={"audit_limit": 600})
    referral = desk.portal()
    await desk.sync()
    for value in range(12):
        desk.change(referral, details__dealValue=1000 + value)
        desk.clock.leap(120)
        await desk.sync()
        desk.change(referral, details__notes=f"Round {value}.")
        await desk.sync()
    text = desk.opportunities(referral)[0]["Audit__c"]
    assert len(text) <= 600
    assert all(line[:2] == "20" and " UTC " in line for line in text.splitlines())
    assert "Received from Partner Center: Notes." in text.splitlines()[0]
    assert len(text.splitlines()) > 3


async def test_lines_that_others_wrote_in_the_audit_field_are_kept(desk: Desk) -> None:
    """J-13: Microsoft's connector kept its own history there."""
    referral = desk.portal()
    opportunity = desk.opportunity(
        Referral_Identifier__c=referral, Audit__c="05/01/2024 10:00 Referral to CRM sync success"
    )
    await desk.sync()
    assert "05/01/2024 10:00 Referral to CRM sync success" in desk.row(opportunity)["Audit__c"]


async def test_dry_run_plans_and_writes_nothing(furnished: Furnish) -> None:
    desk = await furnished(environment={"dry_run": True})
    opportunity = desk.opportunity()
    referral = desk.portal()
    await desk.sync()
    assert desk.referrals_of(opportunity) == []
    assert desk.opportunities(referral) == []
    adopted = desk.portal(name="Known on both sides")
    both = desk.opportunity(Referral_Identifier__c=adopted)
    await desk.sync()
    assert desk.row(both)["Audit__c"] is None
    assert desk.referral(adopted)["externalReferenceId"] is None
    assert await desk.env.store.journal(None, 10) == []
    assert (await desk.link(opportunity)).reason == "dry_run"
    assert desk.row(opportunity)["Name"] == "Fleet programme 1"
    assert desk.row(opportunity)["Audit__c"] is None


@pytest.mark.parametrize(
    ("close", "substatus", "reason"),
    [("accepted", "Lost", "Chose another vendor"), ("pending", "Declined", "Not a customer")],
)
async def test_the_reason_of_a_lost_or_declined_deal_is_a_setting(
    furnished: Furnish, close: str, substatus: str, reason: str
) -> None:
    """M-24, B9, partner-center-api.md 4.3: one free text, so the portal's words are sent."""
    desk = await furnished(
        partner_center={"lost_reason": "Chose another vendor", "declined_reason": "Not a customer"}
    )
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    if close == "accepted":
        desk.edit(row["Id"], StageName="Qualification")
        await desk.sync()
    desk.edit(row["Id"], StageName="Closed Lost")
    await desk.sync()
    found = desk.referral(referral)
    assert (found["substatus"], found["statusReason"]) == (substatus, reason)


async def test_the_purchase_intent_of_new_referrals_is_a_setting(furnished: Furnish) -> None:
    """partner-center-api.md 5: portal-mandatory since 2023."""
    desk = await furnished(partner_center={"marketplace_intent": "No"})
    opportunity = desk.opportunity()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    attributes = referral["details"]["requirements"]["additionalRequirements"]["attributes"]
    assert {"type": "CustomerMarketplaceIntent", "id": "No"} in attributes


async def test_the_same_event_again_shows_its_own_minute(desk: Desk) -> None:
    """FLD-S06: the newest line tells when the last value travelled."""
    referral = desk.portal()
    await desk.sync()
    for value in (1, 2, 3):
        desk.clock.leap(600)
        desk.change(referral, details__dealValue=value)
        await desk.sync()
    lines = desk.opportunities(referral)[0]["Audit__c"].splitlines()
    assert len([one for one in lines if "Received from Partner Center: Deal value." in one]) == 3


async def test_an_edit_saved_together_with_the_acceptance_raises_no_complaint(desk: Desk) -> None:
    referral = desk.inbound()
    await desk.sync()
    (row,) = desk.opportunities(referral)
    desk.edit(row["Id"], StageName="Qualification", Amount=80000)
    await desk.sync()
    assert float(desk.referral(referral)["details"]["dealValue"]) == 80000
    assert "not accepted yet" not in desk.row(row["Id"])["Audit__c"]


async def test_a_refused_referral_is_never_said_to_be_created(desk: Desk) -> None:
    """FLD-S06: the Audit text tells what happened, not what was tried."""
    switches = desk.sandbox.partner_center.switches
    switches.catalogue_solutions_only = True
    opportunity = desk.opportunity(solutions=["SOL-99999-ZZZ"])
    await desk.sync()
    audit = desk.row(opportunity)["Audit__c"]
    assert "refused the new deal" in audit
    assert "Referral created" not in audit
    switches.catalogue_solutions_only = False
    desk.edit(opportunity, Amount=50001)
    await desk.sync()
    assert "Referral created in Partner Center." in desk.row(opportunity)["Audit__c"]
