"""Every answer is held against the published schemas; so is every documented request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from referencing import Registry, Resource

from .microsoft import Json, Microsoft, example, private_deal

SCHEMAS = (
    "error",
    "referral-create",
    "referral-list",
    "referral-patch",
    "referral-read",
    "webhook-event",
    "webhook-registration",
    "webhook-validation-result",
)


def validator(name: str) -> Draft202012Validator:
    """A validator that knows all the schemas by their names."""
    resources = [(one, Resource.from_contents(example(f"{one}.schema"))) for one in SCHEMAS]
    known: Registry[Any] = Registry().with_resources(
        [
            (f"https://example.invalid/partner-center/{one}.schema.json", resource)
            for one, resource in resources
        ]
    )
    return Draft202012Validator(example(f"{name}.schema"), registry=known, format_checker=FormatChecker())


READ = validator("referral-read")


def check(value: Any, name: str = "referral-read") -> None:
    (READ if name == "referral-read" else validator(name)).validate(value)


def examples(schema: str) -> list[str]:
    index = example("examples-index")["examples"]
    return sorted(
        name.removesuffix(".json")
        for name, entry in index.items()
        if entry["schema"] == f"{schema}.schema.json"
    )


def enums(schema: Json, value: Any, path: str = "") -> list[str]:
    """Where a value lies outside the list the tolerant reader only annotates."""
    if "$ref" in schema:
        schema = example("referral-read.schema")["$defs"][schema["$ref"].rpartition("/")[2]]
    listed = [one["enum"] for one in schema.get("anyOf", ()) if "enum" in one]
    if listed and value is not None and not isinstance(value, list | dict) and value not in listed[0]:
        return [f"{path}={value}"]
    found: list[str] = []
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            found += enums(inner, value.get(name), f"{path}/{name}")
    if isinstance(value, list):
        for one in value:
            found += enums(schema.get("items", {}), one, path)
    return found


@pytest.mark.parametrize("name", examples("referral-create"))
async def test_every_documented_deal_is_accepted_and_answered_in_form(
    microsoft: Microsoft, name: str
) -> None:
    deal = example(name)
    if "engagementId" in deal:
        deal["engagementId"] = (await microsoft.post(example("example-create-cosell-step1-own")))[
            "engagementId"
        ]
    check(deal, "referral-create")
    made = await microsoft.post(deal)
    check(made)
    assert enums(example("referral-read.schema"), made) == []


async def test_an_engagement_is_in_form_at_every_station_of_its_life(microsoft: Microsoft) -> None:
    verbs = microsoft.partner_center.referrals
    own = verbs.create_outbound_in_portal(example("example-create-cosell-step1-own"))
    lead = {"type": "Independent", "qualification": "Direct", "substatus": "Received"}
    sent = [verbs.create_inbound(private_deal(type="Shared")), verbs.create_inbound(lead)]
    verbs.microsoft_accepts(own["id"])
    verbs.partner_accepts(sent[0]["id"])
    verbs.expire(sent[1]["id"])
    verbs.close(own["id"])
    reply = await microsoft.call("GET")
    check(reply.json, "referral-list")
    for one in reply.json["value"]:
        check(one)
        assert enums(example("referral-read.schema"), one) == []


@pytest.mark.parametrize("name", [one for one in examples("referral-patch") if "registration" not in one])
async def test_every_documented_patch_is_accepted(microsoft: Microsoft, name: str) -> None:
    body = example(name)
    check(body, "referral-patch")
    verbs = microsoft.partner_center.referrals
    waiting = any(one["value"] in ("Active", "Declined") for one in body if isinstance(one["value"], str))
    create = verbs.create_inbound if waiting else verbs.create_outbound_in_portal
    referral = create(private_deal())
    reply = await microsoft.call(
        "PATCH", f"/{referral['id']}", json=body, headers={"Prefer": "return=representation"}
    )
    assert reply.status == 200
    check(reply.json)


async def test_every_page_of_a_list_is_in_form(microsoft: Microsoft) -> None:
    for number in range(3):
        microsoft.partner_center.referrals.create_outbound_in_portal(private_deal(name=f"Deal {number}"))
    microsoft.partner_center.switches.page_size = 2
    check((await microsoft.call("GET")).json, "referral-list")


@pytest.mark.parametrize("name", ["401", "900421", "403", "429", "500", "503"])
async def test_every_ready_error_is_in_form(microsoft: Microsoft, name: str) -> None:
    check(json.loads(microsoft.partner_center.faults[name].body), "error")


async def test_refusals_are_in_form_and_short(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.8: at most 1024 characters."""
    made = await microsoft.post(private_deal())
    replies = [
        await microsoft.call("POST", json={}),
        await microsoft.call("POST", json=private_deal(type="x" * 5000)),
        await microsoft.call("GET", "/nobody"),
        await microsoft.call("GET", params={"$filter": "x" * 3000}),
        await microsoft.patch(made["id"], ("/salesStage", "1"), if_match='"no"'),
        await microsoft.patch(made["id"], ("/" + "x" * 5000, "1")),
        await microsoft.call("DELETE"),
    ]
    assert [reply.status for reply in replies] == [400, 400, 404, 400, 412, 400, 405]
    for reply in replies:
        check(reply.json, "error")
        assert len(reply.error["message"]) <= 1024


DELETIONS = [
    "name",
    "customerProfile.name",
    "customerProfile.address",
    "customerProfile.address.country",
    "consent",
    "consent.consentToToShareInfoWithOthers",
    "details.dealValue",
    "details.currency",
    "details.closingDateTime",
    "details.requirements",
    "details.requirements.solutions",
    "team",
    "type",
]


@pytest.mark.parametrize("path", DELETIONS)
async def test_what_the_writers_schema_refuses_the_sandbox_refuses(microsoft: Microsoft, path: str) -> None:
    deal = private_deal()
    *way, last = path.split(".")
    place = deal
    for step in way:
        place = place[step]
    del place[last]
    assert not validator("referral-create").is_valid(deal)
    assert (await microsoft.call("POST", json=deal)).status == 400
