"""A seller shares deals from either CRM (SCN-01…SCN-04, SCN-08, SCN-11)."""

from __future__ import annotations

import pytest

from cosell.core.records import LinkState

from .conftest import BOTH, OTHER_SOL, SOL, Desk, in_days

pytestmark = BOTH


async def test_a_shared_deal_becomes_one_referral_with_ids_on_both_records(desk: Desk) -> None:
    """SCN-01, SCN-02, M-17, M-18, M-19; FLW-D03, FLW-S03."""
    opportunity = desk.opportunity()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    row = desk.row(opportunity)
    assert row["referral_id"] == referral["id"]
    assert referral["id"] in row["link"]
    assert (referral["status"], referral["substatus"]) == ("Active", "Accepted")
    assert referral["customerProfile"]["address"]["country"] == "NL"
    assert float(referral["details"]["dealValue"]) == 50000
    assert [one["id"] for one in referral["details"]["requirements"]["solutions"]] == [SOL]


async def test_the_name_in_the_crm_gets_its_mark_and_the_referral_gets_the_clean_name(desk: Desk) -> None:
    """SCN-04, ENV-D01, ENV-S06, CAP-12."""
    opportunity = desk.opportunity(name="Clean name")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert desk.row(opportunity)["name"] == "✔ Clean name"
    assert referral["name"] == "Clean name"


async def test_without_help_the_deal_stays_private_and_microsoft_is_not_asked(desk: Desk) -> None:
    """CAP-09."""
    opportunity = desk.opportunity()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["consent"]["consentToShareReferralWithMicrosoftSellers"] is False
    assert desk.microsofts(referral["id"]) is None


async def test_with_help_microsoft_is_asked_exactly_once(desk: Desk) -> None:
    """SCN-01, SCN-02, FLD-D04, product.md B3: two referrals, one engagement."""
    opportunity = desk.opportunity(help="Quotes or Licensing")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    theirs = desk.microsofts(referral["id"])
    assert theirs is not None
    assert theirs["inviteContext"]["assistanceRequestCode"] == "QuotesOrLicensing"
    assert len(desk.referrals.engagement(referral["engagementId"])) == 2
    assert desk.row(opportunity)["visible"] is True


@pytest.mark.parametrize(
    ("change", "path", "expected"),
    [
        ({"value": 61000.5}, ("details", "dealValue"), 61000.5),
        ({"currency": "USD"}, ("details", "currency"), "USD"),
        ({"close_date": in_days(30)}, ("details", "closingDateTime"), in_days(30)),
        ({"notes": "New words & <b>signs</b> 한국어"}, ("details", "notes"), None),
    ],
)
async def test_an_edit_in_the_crm_reaches_the_referral(
    desk: Desk, change: dict[str, object], path: tuple[str, str], expected: object
) -> None:
    """SCN-03, M-02…M-05, FLW-D07, FLW-D08, FLW-S06."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, **change)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    found = referral[path[0]][path[1]]
    wanted = next(iter(change.values())) if expected is None else expected
    assert found == wanted or str(found).startswith(str(wanted))
    assert "Sent to Partner Center" in desk.row(opportunity)["audit"].splitlines()[0]


async def test_solutions_added_and_taken_off_travel(desk: Desk) -> None:
    """SCN-11, FLW-D09, FLW-S08, M-22."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.add_solution(opportunity, OTHER_SOL)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert {one["id"] for one in referral["details"]["requirements"]["solutions"]} == {SOL, OTHER_SOL}
    (gone,) = [one for one in desk.seller.solutions(opportunity) if one["solution"] == SOL]
    desk.seller.delete("solution", gone["id"])
    desk.clock.leap(600)
    await desk.sync()
    await desk.engine.sweep()
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert {one["id"] for one in referral["details"]["requirements"]["solutions"]} == {OTHER_SOL}


async def test_a_private_deal_becomes_visible_by_the_sellers_tick(desk: Desk) -> None:
    """SCN-08, FLD-D07, FLD-S07."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, visible=True)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["consent"]["consentToShareReferralWithMicrosoftSellers"] is True
    (step,) = [row for row in await desk.journal(opportunity) if "visible" in row.write.consents]
    consent = step.write.consents["visible"]
    assert consent.who not in ("", "unknown")
    assert "False → True" in consent.act


async def test_a_private_deal_becomes_co_sell_by_choosing_help(desk: Desk) -> None:
    """SCN-08, CAP-10."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, help="General or Other")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["consent"]["consentToShareReferralWithMicrosoftSellers"] is True
    assert desk.microsofts(referral["id"]) is not None
    assert desk.row(opportunity)["visible"] is True


async def test_visibility_is_never_taken_back(desk: Desk) -> None:
    """C-32, LIM-10."""
    opportunity = desk.opportunity(visible=True)
    await desk.sync()
    desk.edit(opportunity, visible=False)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["consent"]["consentToShareReferralWithMicrosoftSellers"] is True


async def test_a_deal_that_is_not_ready_names_everything_at_once_and_goes_when_it_is(desk: Desk) -> None:
    """TRB-3.2, TRB-3.6, TRB-3.7, TRB-3.3; product.md B3."""
    opportunity = desk.opportunity(
        country="Atlantis",
        solutions=[],
        contact=False,
        value=0,
        help="General or Other",
    )
    await desk.sync()
    assert desk.referrals_of(opportunity) == []
    row = desk.row(opportunity)
    assert row["name"].startswith("✘ ")
    for words in ("two-letter country", "Atlantis", "Solution ID is required", "contact", "deal value"):
        assert words in row["audit"], words
    assert (await desk.link(opportunity)).state is LinkState.HELD

    desk.seller.update("account", row["account"], {"country": "Netherlands"})
    desk.seller.add_contact(opportunity, first="A", last="B", email="a@b.example", phone="+31")
    desk.add_solution(opportunity, SOL)
    desk.edit(opportunity, value=10)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["customerProfile"]["address"]["country"] == "NL"
    assert desk.row(opportunity)["name"].startswith("✔ ")


async def test_a_name_changed_in_the_crm_stays_there_and_the_seller_is_told(desk: Desk) -> None:
    """X-1."""
    opportunity = desk.opportunity(name="First")
    await desk.sync()
    desk.edit(opportunity, name="Second")
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert referral["name"] == "First"
    assert "Deal name" in desk.row(opportunity)["audit"]
    assert desk.row(opportunity)["name"].endswith("Second")


@pytest.mark.parametrize(("stage", "substatus"), [("won", "Won"), ("lost", "Lost")])
async def test_closing_the_opportunity_closes_the_referral(desk: Desk, stage: str, substatus: str) -> None:
    """M-06, M-07, product.md B6."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, state=stage)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert (referral["status"], referral["substatus"]) == ("Closed", substatus)


async def test_after_the_close_nothing_is_sent_any_more_and_reopening_is_refused_aloud(desk: Desk) -> None:
    """C-30, LIM-09."""
    opportunity = desk.opportunity()
    await desk.sync()
    desk.edit(opportunity, state="won")
    await desk.sync()
    desk.edit(opportunity, state="active", value=1)
    await desk.sync()
    (referral,) = desk.referrals_of(opportunity)
    assert (referral["substatus"], float(referral["details"]["dealValue"])) == ("Won", 50000)
    assert "closed for good" in desk.row(opportunity)["audit"]


async def test_an_opportunity_without_sync_is_left_alone(desk: Desk) -> None:
    """FLD-D01, FLD-S01."""
    opportunity = desk.opportunity(sync=False)
    before = dict(desk.row(opportunity))
    await desk.sync()
    assert desk.referrals_of(opportunity) == []
    assert dict(desk.row(opportunity)) == before


async def test_at_rest_no_calls_are_made_but_the_polls(desk: Desk) -> None:
    """INV-4: no echo."""
    desk.opportunity(help="General or Other")
    desk.inbound()
    await desk.sync()
    before = desk.calls()
    for _ in range(3):
        assert await desk.sync() == 0
    per_round = (desk.calls() - before) / 3
    assert per_round <= 4
