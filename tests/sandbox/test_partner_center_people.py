"""What people do at Microsoft and in the portal, and what time does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .microsoft import Json, Microsoft, example, private_deal

FOURTEEN_DAYS = 14 * 86_400


def announced(microsoft: Microsoft) -> list[tuple[str, str]]:
    """Every event from now on, as (name, referral id), instead of sending it anywhere."""
    heard: list[tuple[str, str]] = []
    microsoft.webhooks.announce = lambda event, referral_id: heard.append((event, referral_id))  # type: ignore[method-assign]
    return heard


async def cosell(microsoft: Microsoft) -> tuple[Json, Json]:
    own = await microsoft.post(example("example-create-cosell-step1-own"))
    second = {**example("example-create-cosell-step2-microsoft"), "engagementId": own["engagementId"]}
    return own, await microsoft.post(second)


def shape_of(value: Any) -> Any:
    """The property names of a document, lists aside."""
    return {name: shape_of(inner) for name, inner in value.items()} if isinstance(value, dict) else None


async def test_a_deal_microsoft_sends_waits_fourteen_days_for_an_answer(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.2."""
    heard = announced(microsoft)
    sent = microsoft.partner_center.referrals.create_inbound(private_deal(type="Shared"))
    read = await microsoft.get(sent["id"])
    assert (read["status"], read["substatus"], read["direction"]) == ("New", "Pending", "Incoming")
    assert read["inviteContext"]["invitedBy"]["organizationId"] == "msft"
    assert read["trackingInfo"]["microsoftMsxId"].startswith("7-")
    assert shape_of(read) == shape_of(example("example-referral-inbound-cosell-new"))
    assert heard == [("referral-created", sent["id"])]


async def test_an_unanswered_deal_expires_without_anybody_calling(microsoft: Microsoft) -> None:
    """partner-center-api.md 8, 11 row 11."""
    heard = announced(microsoft)
    sent = microsoft.partner_center.referrals.create_inbound({"type": "Shared"})
    microsoft.frame.clock.advance(FOURTEEN_DAYS - 60)
    assert (await microsoft.get(sent["id"]))["status"] == "New"
    microsoft.frame.clock.advance(61)
    read = await microsoft.get(sent["id"])
    assert (read["status"], read["substatus"], read["expirationDateTime"]) == ("Closed", "Expired", None)
    assert heard[-1] == ("referral-updated", sent["id"])
    assert (await microsoft.patch(sent["id"], ("/details/notes", "late"))).status == 400


async def test_an_answered_deal_does_not_expire(microsoft: Microsoft) -> None:
    sent = microsoft.partner_center.referrals.create_inbound({"type": "Shared"})
    await microsoft.call("PATCH", f"/{sent['id']}", json=example("example-patch-accept"))
    microsoft.frame.clock.advance(2 * FOURTEEN_DAYS)
    assert microsoft.partner_center.referrals.tick() == 0
    assert (await microsoft.get(sent["id"]))["substatus"] == "Accepted"


async def test_an_expired_lead_hides_its_contacts(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.2."""
    lead = {"type": "Independent", "qualification": "Direct", "substatus": "Received"}
    lead |= {"customerProfile": private_deal()["customerProfile"] | {"team": private_deal()["team"]}}
    sent = microsoft.partner_center.referrals.create_inbound(lead)
    assert sent["substatus"] == "Received"
    assert len(sent["customerProfile"]["team"]) == 1
    expired = microsoft.partner_center.referrals.expire(sent["id"])
    assert expired["customerProfile"]["team"] == []


async def test_the_seller_and_the_crm_id_appear_when_microsoft_accepts(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 4."""
    own, theirs = await cosell(microsoft)
    heard = announced(microsoft)
    microsoft.partner_center.referrals.microsoft_accepts(own["id"])
    after = await microsoft.get(theirs["id"])
    assert (after["status"], after["substatus"]) == ("Active", "Accepted")
    assert after["trackingInfo"]["microsoftMsxId"].startswith("7-")
    assert [one["email"] for one in after["team"]] == ["kofi.mensah@microsoft.example"]
    assert heard == [("related-referral-updated", theirs["id"])]
    assert await microsoft.get(own["id"]) == own
    assert shape_of(after) == shape_of(example("example-referral-shared-microsoft"))


async def test_seller_and_crm_id_may_be_shown_on_our_deal_too(microsoft: Microsoft) -> None:
    """partner-center-api.md 3.3 and 12: where they live is unknown."""
    own, _ = await cosell(microsoft)
    switches = microsoft.partner_center.switches
    switches.seller_in_own_team = switches.msx_id_on_own = True
    heard = announced(microsoft)
    microsoft.partner_center.referrals.microsoft_accepts(own["id"])
    after = await microsoft.get(own["id"])
    assert len(after["team"]) == 2
    assert after["trackingInfo"]["microsoftMsxId"] is not None
    assert [event for event, _ in heard] == ["related-referral-updated", "referral-updated"]


async def test_microsoft_declines_with_its_reason(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.2."""
    own, theirs = await cosell(microsoft)
    microsoft.partner_center.referrals.microsoft_declines(theirs["id"], "No seller manages this customer")
    after = await microsoft.get(theirs["id"])
    assert (after["substatus"], after["statusReason"]) == ("Declined", "No seller manages this customer")
    assert (await microsoft.get(own["id"]))["status"] == "Active"
    with pytest.raises(ValueError, match="waits"):
        microsoft.partner_center.referrals.microsoft_accepts(own["id"])


async def test_microsofts_half_expires_too(microsoft: Microsoft) -> None:
    _, theirs = await cosell(microsoft)
    heard = announced(microsoft)
    microsoft.frame.clock.advance(FOURTEEN_DAYS + 60)
    assert microsoft.partner_center.referrals.tick() == 1
    assert heard == [("related-referral-updated", theirs["id"])]


async def test_related_events_may_name_our_own_deal(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.2: unknown which."""
    own, _ = await cosell(microsoft)
    microsoft.partner_center.switches.related_event_id = "own"
    heard = announced(microsoft)
    microsoft.partner_center.referrals.microsoft_accepts(own["id"])
    assert heard == [("related-referral-updated", own["id"])]


async def test_every_write_of_ours_echoes(microsoft: Microsoft) -> None:
    """partner-center-api.md 9, trap 14."""
    heard = announced(microsoft)
    made = await microsoft.post(private_deal())
    await microsoft.patch(made["id"], ("/salesStage", "20"))
    await microsoft.patch(made["id"], ("/salesStage", "nonsense"), ("/name", "x"))
    assert heard == [("referral-created", made["id"]), ("referral-updated", made["id"])]


async def test_a_seller_edits_by_dots_or_by_json_patch(microsoft: Microsoft) -> None:
    edit = microsoft.partner_center.referrals.edit
    made = await microsoft.post(private_deal())
    edit(made["id"], {"details.dealValue": 7, "name": "By hand"})
    edit(made["id"], [{"op": "add", "path": "/team/-", "value": {"email": "x@y.example"}}], by="partner")
    after = await microsoft.get(made["id"])
    assert (after["details"]["dealValue"], after["name"], len(after["team"])) == (7, "By hand", 2)
    assert after["eTag"] != made["eTag"]
    for changes in ({"colour": "red"}, {"engagementId": "x"}, {"status": "Closed"}, {"team.0.email": "x"}):
        with pytest.raises(ValueError):
            edit(made["id"], changes)
    with pytest.raises(LookupError):
        edit("nobody", {"name": "x"})


async def test_the_partner_cannot_edit_the_deal_of_microsoft(microsoft: Microsoft) -> None:
    _, theirs = await cosell(microsoft)
    with pytest.raises(ValueError, match="Microsoft"):
        microsoft.partner_center.referrals.edit(theirs["id"], {"details.dealValue": 7}, by="partner")
    microsoft.partner_center.referrals.edit(theirs["id"], {"details.dealValue": 7}, by="microsoft")
    assert (await microsoft.get(theirs["id"]))["details"]["dealValue"] == 7


async def test_the_portal_accepts_declines_and_closes(microsoft: Microsoft) -> None:
    verbs = microsoft.partner_center.referrals
    first, second = verbs.create_inbound({"type": "Shared"}), verbs.create_inbound({"type": "Shared"})
    verbs.partner_accepts(first["id"])
    assert verbs.close(first["id"], substatus="Lost", reason="Price")["statusReason"] == "Price"
    assert verbs.partner_declines(second["id"], "Not now")["substatus"] == "Declined"
    third = verbs.create_outbound_in_portal(private_deal())
    assert verbs.close(third["id"], substatus="Error", reason="Test referral")["substatus"] == "Error"
    with pytest.raises(ValueError, match="closed"):
        verbs.close(third["id"])
    with pytest.raises(ValueError, match="expire"):
        verbs.expire(verbs.create_outbound_in_portal(private_deal())["id"])


async def test_a_portal_deal_that_asks_for_help_has_both_halves(microsoft: Microsoft) -> None:
    verbs = microsoft.partner_center.referrals
    own = verbs.create_outbound_in_portal(example("example-create-cosell-step1-own"))
    halves = verbs.engagement(own["engagementId"])
    assert [one["organizationId"] for one in halves] == [own["organizationId"], "msft"]
    assert verbs.get(own["id"]) == own
    assert verbs.get("nobody") is None
    with pytest.raises(ValueError, match="size"):
        verbs.create_outbound_in_portal({"customerProfile": {"size": "tiny"}})


async def test_a_deal_can_be_entered_as_of_an_earlier_day(microsoft: Microsoft) -> None:
    verbs = microsoft.partner_center.referrals
    now = microsoft.frame.clock.now()
    recent = verbs.create_outbound_in_portal(private_deal())
    older = [
        verbs.create_outbound_in_portal(private_deal(), at=now - timedelta(days=days)) for days in (3, 3, 5)
    ]
    microsoft.partner_center.switches.page_size = 1
    seen: list[str] = []
    page = (await microsoft.call("GET", params={"$orderby": "createdDateTime"})).json
    while page["value"]:
        seen.append(page["value"][0]["id"])
        if "@odata.nextLink" not in page:
            break
        page = (await microsoft.ask("GET", page["@odata.nextLink"], token=microsoft.token)).json
    assert seen == [older[2]["id"], older[0]["id"], older[1]["id"], recent["id"]]


async def test_reset_forgets_everything(microsoft: Microsoft) -> None:
    await microsoft.post(private_deal())
    microsoft.partner_center.switches.page_size = 5
    microsoft.partner_center.reset()
    assert await microsoft.listed() == []
    assert microsoft.partner_center.switches.page_size == 100


async def test_the_same_seed_makes_the_same_ids(microsoft: Microsoft) -> None:
    def made() -> list[str]:
        microsoft.frame.reset(seed=5)
        microsoft.partner_center.reset()
        create = microsoft.partner_center.referrals.create_inbound
        return [create({"type": "Shared"})["id"] for _ in range(3)]

    assert made() == made()
