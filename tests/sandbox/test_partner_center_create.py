"""POST of the referrals API: what a deal must have, and what the server makes of it."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from .microsoft import Json, Microsoft, example, private_deal


def without(deal: Json, path: str) -> Json:
    """The deal less the property at a dotted path."""
    return changed(deal, path, None)


def changed(deal: Json, path: str, value: Any) -> Json:
    """The deal with another value at a dotted path."""
    first, _, rest = path.partition(".")
    return {**deal, first: changed(deal.get(first) or {}, rest, value) if rest else value}


async def test_a_new_deal_of_the_partner_is_outgoing_and_accepted_at_once(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 3."""
    made = await microsoft.post(private_deal(status="New", substatus="Pending"))
    assert (made["status"], made["substatus"], made["direction"]) == ("Active", "Accepted", "Outgoing")
    assert made["acceptedDateTime"] == made["createdDateTime"]
    assert made["expirationDateTime"] is None
    assert made["organizationId"] == microsoft.partner_center.organization_id
    assert await microsoft.get(made["id"]) == made


async def test_an_answer_has_every_key_of_the_documented_one(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 2: all keys present, with null."""
    made = await microsoft.post(example("example-create-private"))

    def keys(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: keys(inner) for name, inner in value.items()}
        return None

    assert keys(made) == keys(example("example-referral-independent-private"))


async def test_seven_decimals_and_a_tag_with_its_own_quotes(microsoft: Microsoft) -> None:
    """partner-center-api.md 6 and 9, traps 4 and 7."""
    reply = await microsoft.call("POST", json=private_deal())
    made = reply.json
    assert len(made["createdDateTime"]) == len("2026-01-13T08:00:00.1234567Z")
    assert made["eTag"].startswith('"')
    assert made["eTag"].endswith('"')
    assert reply.headers["ETag"] == made["eTag"]


async def test_property_names_and_enums_are_bound_in_any_case(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 2: documented requests are written in mixed case."""
    deal = private_deal()
    for name in ("name", "customerProfile", "consent", "type"):
        deal[name[0].upper() + name[1:]] = deal.pop(name)
    deal["Type"] = "independent"
    deal["details"]["DEALVALUE"] = deal["details"].pop("dealValue")
    made = await microsoft.post(deal)
    assert (made["name"], made["type"]) == ("Fleet optimiser rollout", "Independent")
    assert made["details"]["dealValue"] == 50000


async def test_unknown_properties_are_dropped_without_complaint(microsoft: Microsoft) -> None:
    assert "surprise" not in await microsoft.post(private_deal(surprise={"a": 1}))


async def test_status_is_not_needed_but_nonsense_is_refused(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.3 and 4.1."""
    assert (await microsoft.call("POST", json=private_deal(status="Active"))).status == 400
    assert (await microsoft.call("POST", json=private_deal(status="New", substatus="Won"))).status == 400
    closed = private_deal(status="Closed", substatus="Won")
    assert (await microsoft.call("POST", json=closed)).error["target"] == "status"


@pytest.mark.parametrize(
    "path",
    [
        "type",
        "customerProfile",
        "consent",
        "details",
        "name",
        "customerProfile.name",
        "customerProfile.address.addressLine1",
        "customerProfile.address.city",
        "customerProfile.address.country",
        "details.dealValue",
        "details.currency",
        "details.closingDateTime",
        "details.requirements.solutions",
        "team",
        "consent.consentToToShareInfoWithOthers",
    ],
)
async def test_a_missing_part_is_refused_by_its_path(microsoft: Microsoft, path: str) -> None:
    """partner-center-api.md 2.3 and 11 row 5."""
    reply = await microsoft.call("POST", json=without(private_deal(), path))
    assert reply.status == 400
    assert (reply.error["code"], reply.error["target"]) == ("invalidRequest", path)
    assert microsoft.partner_center.referrals.all() == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("customerProfile.address.country", "NLD"),
        ("customerProfile.address.country", "nl"),
        ("customerProfile.size", "tiny"),
        ("details.dealValue", 0),
        ("details.dealValue", -5),
        ("details.dealValue", "a lot"),
        ("details.dealValue", True),
        ("details.currency", "EURO"),
        ("details.closingDateTime", "31.03.2026"),
        ("type", "Joint"),
        ("qualification", "Hot"),
        ("name", 5),
        ("name", "   "),
        ("team", "Ada"),
        ("consent.consentToContact", "yes"),
        ("consent.consentToToShareInfoWithOthers", False),
    ],
)
async def test_a_wrong_value_is_refused_by_its_path(microsoft: Microsoft, path: str, value: Any) -> None:
    """partner-center-api.md 11 row 5."""
    reply = await microsoft.call("POST", json=changed(private_deal(), path, value))
    assert reply.status == 400
    assert reply.error["target"] == path


@pytest.mark.parametrize(
    ("solution", "where"),
    [
        ({"type": "Name"}, ".id"),
        ({"id": "10001", "type": "Name"}, ".id"),
        ({"id": "SOL-1-AB", "type": "Name"}, ".id"),
        ({"id": "SOL-10001-AAA"}, ".type"),
        ({"id": "not a word", "type": "Category"}, ".id"),
    ],
)
async def test_a_malformed_solution_is_refused(microsoft: Microsoft, solution: Json, where: str) -> None:
    """partner-center-api.md 2.7."""
    deal = changed(private_deal(), "details.requirements.solutions", [solution])
    reply = await microsoft.call("POST", json=deal)
    assert reply.error["target"] == f"details.requirements.solutions[0]{where}"


@pytest.mark.parametrize(
    "solution",
    [
        {"id": "SOL-34104-EBB", "type": "Name"},
        {"id": "3f0f0000-0000-4000-8000-00000000e501", "type": "Name"},
        {"id": "CloudMigration", "type": "Category"},
    ],
)
async def test_each_documented_form_of_a_solution_is_taken(microsoft: Microsoft, solution: Json) -> None:
    """partner-center-api.md 2.7."""
    made = await microsoft.post(changed(private_deal(), "details.requirements.solutions", [solution]))
    assert made["details"]["requirements"]["solutions"][0]["id"] == solution["id"]


async def test_only_solutions_of_the_catalogue_when_the_switch_says_so(microsoft: Microsoft) -> None:
    microsoft.partner_center.switches.catalogue_solutions_only = True
    await microsoft.post(private_deal())
    stranger = [{"id": "SOL-99999-ZZZ", "type": "Name"}]
    deal = changed(private_deal(), "details.requirements.solutions", stranger)
    assert (await microsoft.call("POST", json=deal)).status == 400


async def test_fifty_members_are_taken_and_one_more_is_not(microsoft: Microsoft) -> None:
    """partner-center-api.md 8."""
    member = private_deal()["team"][0]
    await microsoft.post(private_deal(team=[member] * 50))
    reply = await microsoft.call("POST", json=private_deal(team=[member] * 51))
    assert (reply.status, reply.error["target"]) == (400, "team")


@pytest.mark.parametrize("name", ["firstName", "lastName", "phoneNumber", "email"])
async def test_a_member_needs_all_four_fields(microsoft: Microsoft, name: str) -> None:
    """partner-center-api.md 2.3."""
    member = without(private_deal()["team"][0], name)
    reply = await microsoft.call("POST", json=private_deal(team=[member]))
    assert reply.error["target"] == f"team[0].{name}"


async def test_help_needs_a_contact_and_the_visibility(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.3, 11 row 5."""
    cosell = example("example-create-cosell-step1-own")
    lonely = await microsoft.call("POST", json=changed(cosell, "customerProfile.team", []))
    assert lonely.error["target"] == "customerProfile.team"
    hidden = changed(cosell, "consent.consentToShareReferralWithMicrosoftSellers", False)
    refused = await microsoft.call("POST", json=hidden)
    assert refused.error["target"] == "consent.consentToShareReferralWithMicrosoftSellers"


async def test_an_engagement_that_does_not_exist_is_refused(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 3."""
    reply = await microsoft.call("POST", json=example("example-create-cosell-step2-microsoft"))
    assert (reply.status, reply.error["target"]) == (400, "engagementId")


async def test_a_referral_for_microsoft_needs_its_engagement(microsoft: Microsoft) -> None:
    deal = example("example-create-cosell-step2-microsoft")
    del deal["engagementId"]
    assert (await microsoft.call("POST", json=deal)).error["target"] == "engagementId"


async def test_two_posts_make_a_cosell_engagement(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.3 and 11 row 4."""
    own = await microsoft.post(example("example-create-cosell-step1-own"))
    second = {**example("example-create-cosell-step2-microsoft"), "engagementId": own["engagementId"]}
    theirs = await microsoft.post(second)
    assert theirs["engagementId"] == own["engagementId"]
    assert (theirs["status"], theirs["substatus"], theirs["organizationId"]) == ("New", "Pending", "msft")
    assert theirs["expirationDateTime"] > theirs["createdDateTime"]
    found = await microsoft.listed(filter=f"engagementId eq '{own['engagementId']}'")
    assert [one["id"] for one in found] == [own["id"], theirs["id"]]


async def test_one_post_asking_for_help_makes_no_deal_of_microsofts(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.3: unknown, so a switch; the documented way is two posts."""
    own = await microsoft.post(example("example-create-cosell-step1-own"))
    assert len(microsoft.partner_center.referrals.engagement(own["engagementId"])) == 1
    microsoft.partner_center.switches.one_post_cosell = True
    other = await microsoft.post(example("example-create-cosell-step1-own"))
    assert len(microsoft.partner_center.referrals.engagement(other["engagementId"])) == 2


async def test_a_repeated_post_makes_a_second_deal(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.3: no idempotency key is documented."""
    first, second = await microsoft.post(private_deal()), await microsoft.post(private_deal())
    assert first["id"] != second["id"]


async def test_a_chunked_body_with_a_byte_order_mark_is_read(microsoft: Microsoft) -> None:
    """The wire forms public clients send."""

    async def chunks() -> Any:
        raw = b"\xef\xbb\xbf" + json.dumps(private_deal()).encode()
        for start in range(0, len(raw), 100):
            yield raw[start : start + 100]

    headers = {"content-TYPE": "Application/JSON; Charset=UTF-8"}
    reply = await microsoft.call("POST", data=chunks(), headers=headers)
    assert reply.status == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"[]", "application/json-patch+json", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
async def test_a_body_that_is_not_a_deal_is_refused(
    microsoft: Microsoft, body: bytes, kind: str, status: int
) -> None:
    """partner-center-api.md 2.8."""
    reply = await microsoft.call("POST", data=BytesIO(body), headers={"Content-Type": kind})
    assert reply.status == status
    assert reply.error["code"] == "invalidRequest"


async def test_the_marketplace_intent_can_be_demanded(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.3: portal-mandatory; whether the API demands it is unknown."""
    microsoft.partner_center.switches.marketplace_intent_required = True
    await microsoft.post(private_deal())
    bare = without(private_deal(), "details.requirements.additionalRequirements")
    assert (await microsoft.call("POST", json=bare)).status == 400
