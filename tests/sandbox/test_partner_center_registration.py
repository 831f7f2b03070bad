"""Deal registration after a win (partner-center-api.md 2.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from .microsoft import Json, Microsoft, Reply, example, private_deal

HOURS = 3600.0


async def won(microsoft: Microsoft, *, hours: float = 73, deal: Json | None = None) -> Json:
    """A partner-led deal won so many hours after its creation."""
    made = await microsoft.post(deal or example("example-create-partner-led"))
    microsoft.frame.clock.advance(hours * HOURS)
    await microsoft.call("PATCH", f"/{made['id']}", json=example("example-patch-won"))
    return await microsoft.get(made["id"])


def days(microsoft: Microsoft, count: float) -> str:
    moment: datetime = microsoft.frame.clock.now() + timedelta(days=count)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def entry(microsoft: Microsoft, **contract: Any) -> Json:
    """The documented registration with dates that fit the sandbox's clock."""
    value: Json = example("example-patch-registration-create")[0]["value"]
    value["contract"] |= {
        "startDateTime": days(microsoft, 0),
        "signDateTime": days(microsoft, -0.01),
        "endDateTime": days(microsoft, 900),
    }
    value["contract"] |= contract
    return value


async def register(microsoft: Microsoft, referral: Json, value: Json) -> Reply:
    return await microsoft.patch(referral["id"], ("/registrations/-", value))


async def test_a_won_deal_is_registered_though_it_is_closed(microsoft: Microsoft) -> None:
    referral = await won(microsoft)
    assert (await register(microsoft, referral, entry(microsoft))).status == 204
    after = await microsoft.get(referral["id"])
    assert after["registrationStatus"] == "ReviewPending"
    (made,) = after["registrations"]
    shown = example("example-referral-won-registered")["registrations"][0]
    assert set(made) == set(shown)
    assert set(made["solutionDetails"][0]) == set(shown["solutionDetails"][0])
    assert made["statusHistory"]["reviewPendingDateTime"] is not None


@pytest.mark.parametrize("case", ["open", "private", "hurried", "lost", "not-answered"])
async def test_a_deal_that_is_not_eligible_is_refused(microsoft: Microsoft, case: str) -> None:
    if case == "open":
        referral = await microsoft.post(example("example-create-partner-led"))
    elif case == "private":
        referral = await won(microsoft, deal=private_deal())
    elif case == "hurried":
        referral = await won(microsoft, hours=71)
    elif case == "lost":
        referral = await microsoft.post(example("example-create-partner-led"))
        await microsoft.patch(referral["id"], ("/status", "Closed"), ("/substatus", "Lost"))
    else:
        asked = example("example-create-cosell-step1-own")
        own = microsoft.partner_center.referrals.create_outbound_in_portal(asked)
        microsoft.frame.clock.advance(73 * HOURS)
        referral = microsoft.partner_center.referrals.close(own["id"])
    reply = await register(microsoft, referral, entry(microsoft))
    assert (reply.status, reply.error["code"]) == (400, "invalidRequest")


async def test_a_deal_microsoft_accepted_is_eligible(microsoft: Microsoft) -> None:
    verbs = microsoft.partner_center.referrals
    own = verbs.create_outbound_in_portal(example("example-create-cosell-step1-own"))
    verbs.microsoft_accepts(own["id"])
    microsoft.frame.clock.advance(73 * HOURS)
    verbs.close(own["id"])
    assert (await register(microsoft, own, entry(microsoft))).status == 204


@pytest.mark.parametrize(
    ("contract", "target"),
    [
        ({"value": 179_999}, "solutionDetails[0].value"),
        ({"value": 20_000, "currency": "USD"}, "contract.value"),
        ({"term": "Endless"}, "contract.term"),
        ({"endDateTime": None}, "contract.endDateTime"),
        ({"signDateTime": 1}, "contract.signDateTime"),
        ({"signDateTime": -61}, "contract.signDateTime"),
        ({"startDateTime": -91}, "contract.startDateTime"),
        ({"startDateTime": None}, "contract.startDateTime"),
        ({"currency": "euro"}, "contract.currency"),
    ],
)
async def test_a_contract_that_breaks_a_rule_is_refused(
    microsoft: Microsoft, contract: Json, target: str
) -> None:
    referral = await won(microsoft)
    dates = {
        name: days(microsoft, value) if name.endswith("DateTime") and value is not None else value
        for name, value in contract.items()
    }
    reply = await register(microsoft, referral, entry(microsoft, **dates))
    assert (reply.status, reply.error["target"]) == (400, f"registrations[0].{target}")


@pytest.mark.parametrize(
    ("solution", "target"),
    [
        ({"pricingModel": "Free"}, "pricingModel"),
        ({"primaryDeploymentOn": None}, "primaryDeploymentOn"),
        ({"value": 0}, "value"),
        ({"marketplaceTransactionDetails": None}, "marketplaceTransactionDetails"),
        (
            {"marketplaceTransactionDetails": {"isMarketplaceTransacted": True}},
            "marketplaceTransactionDetails",
        ),
    ],
)
async def test_a_solution_that_breaks_a_rule_is_refused(
    microsoft: Microsoft, solution: Json, target: str
) -> None:
    referral = await won(microsoft)
    value = entry(microsoft)
    value["solutionDetails"][0] |= solution
    reply = await register(microsoft, referral, value)
    assert (reply.status, reply.error["target"]) == (400, f"registrations[0].solutionDetails[0].{target}")


async def test_nothing_on_azure_is_closed_without_registration(microsoft: Microsoft) -> None:
    referral = await won(microsoft)
    value = entry(microsoft)
    value["solutionDetails"][0]["isDeployedOnAzure"] = False
    await register(microsoft, referral, value)
    assert (await microsoft.get(referral["id"]))["registrationStatus"] == "Closed"


async def test_the_documented_correction_is_taken_and_reviewed_again(microsoft: Microsoft) -> None:
    referral = await won(microsoft)
    await register(microsoft, referral, entry(microsoft, value=190_000))
    microsoft.partner_center.referrals.review_registration(referral["id"], "ActionRequired", reason="Proof")
    body = example("example-patch-registration-update")
    assert (await microsoft.call("PATCH", f"/{referral['id']}", json=body)).status == 204
    after = await microsoft.get(referral["id"])
    assert after["registrations"][0]["solutionDetails"][0]["value"] == 185_000
    assert after["registrationStatus"] == "ReviewPending"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/registrations/1/contract/value", 1),
        ("/registrations/0/solutionDetails/3/value", 1),
        ("/registrations/0/contract/currency", "USD"),
        ("/registrations/0/status", "Passed"),
        ("/registrations/0", {}),
        ("/registrations/0/contract/value", 1),
    ],
)
async def test_other_places_of_a_registration_are_refused(
    microsoft: Microsoft, path: str, value: Any
) -> None:
    referral = await won(microsoft)
    await register(microsoft, referral, entry(microsoft))
    before = await microsoft.get(referral["id"])
    assert (await microsoft.patch(referral["id"], (path, value))).status == 400
    assert await microsoft.get(referral["id"]) == before


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("contract/term", "Perpetual"),
        ("contract/value", 200_000),
        ("solutionDetails/0/currency", "USD"),
        ("solutionDetails/0/isDeployedOnAzure", True),
        ("solutionDetails/0/primaryDeploymentOn", "Partner"),
        ("solutionDetails/0/pricingModel", "PayAsYouGo"),
        ("solutionDetails/0/marketplaceTransactionDetails/isMarketplaceTransacted", False),
        (
            "solutionDetails/0/marketplaceTransactionDetails/marketplaceTransactionDateTime",
            "2026-01-01T00:00:00Z",
        ),
    ],
)
async def test_every_published_place_can_be_corrected(microsoft: Microsoft, path: str, value: Any) -> None:
    referral = await won(microsoft)
    await register(microsoft, referral, entry(microsoft))
    assert (await microsoft.patch(referral["id"], (f"/registrations/0/{path}", value))).status == 204


async def test_a_review_follows_the_chain_and_ends(microsoft: Microsoft) -> None:
    review = microsoft.partner_center.referrals.review_registration
    referral = await won(microsoft)
    with pytest.raises(ValueError, match="not registered"):
        review(referral["id"], "Passed")
    await register(microsoft, referral, entry(microsoft))
    with pytest.raises(ValueError, match="cannot go"):
        review(referral["id"], "Closed")
    assert review(referral["id"], "Passed")["registrationStatus"] == "Passed"
    reply = await microsoft.patch(referral["id"], ("/registrations/0/contract/value", 200_000))
    assert reply.status == 400
