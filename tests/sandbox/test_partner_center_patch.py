"""PATCH and PUT of the referrals API: published paths, status pairs, tags, terminal states."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .microsoft import Json, Microsoft, example, private_deal

PERSON = {
    "firstName": "Bo",
    "lastName": "Smit",
    "phoneNumber": "+31205550112",
    "email": "bo.smit@contoso.example",
}


async def cosell(microsoft: Microsoft) -> tuple[Json, Json]:
    """The two referrals of a co-sell engagement."""
    own = await microsoft.post(example("example-create-cosell-step1-own"))
    second = {**example("example-create-cosell-step2-microsoft"), "engagementId": own["engagementId"]}
    return own, await microsoft.post(second)


async def test_the_documented_update_is_carried_out_and_answered_with_nothing(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.4."""
    made = await microsoft.post(private_deal())
    body = example("example-patch-update")
    reply = await microsoft.call("PATCH", f"/{made['id']}", json=body)
    assert (reply.status, reply.raw) == (204, b"")
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.headers["Request-ID"])
    after = await microsoft.get(made["id"])
    assert after["details"]["dealValue"] == 190000
    assert after["details"]["closingDateTime"] == "2026-04-30T00:00:00Z"
    assert [one["email"] for one in after["team"]] == [
        "ada.jansen@contoso.example",
        "bo.smit@contoso.example",
    ]
    assert after["updatedDateTime"] > made["updatedDateTime"]
    assert after["eTag"] != made["eTag"]


async def test_prefer_brings_the_changed_referral(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.4."""
    made = await microsoft.post(private_deal())
    reply = await microsoft.patch(made["id"], ("/salesStage", "40"), prefer="return=representation")
    assert (reply.status, reply.json["salesStage"]) == (200, "40")


@pytest.mark.parametrize("kind", ["application/json", "application/json-patch+json; charset=utf-8"])
async def test_both_content_types_are_taken(microsoft: Microsoft, kind: str) -> None:
    """partner-center-api.md 1.4."""
    made = await microsoft.post(private_deal())
    body = b'[{"OP":"Replace","Path":"/Details/DealValue","VALUE":"10000"}]'
    reply = await microsoft.call("PATCH", f"/{made['id']}", data=body, headers={"Content-Type": kind})
    assert reply.status == 204
    after = await microsoft.get(made["id"])
    assert after["details"]["dealValue"] == 10000


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/campaignId", "spring"),
        ("/consent/consentToShareReferralWithMicrosoftSellers", True),
        ("/customerProfile/team", [PERSON]),
        ("/customerProfile/team/-", PERSON),
        ("/details/closingDateTime", "2026-06-30T00:00:00Z"),
        ("/details/currency", "USD"),
        ("/details/dealValue", 12.5),
        ("/details/notes", None),
        ("/details/requirements/solutions", [{"id": "CloudMigration", "type": "Category"}]),
        ("/details/requirements/solutions/-", {"id": "SOL-10002-BBB", "type": "Name"}),
        ("/externalReferenceId", "006A"),
        ("/referralProgram", "Programme"),
        ("/salesStage", "60"),
        ("/statusReason", "Waiting"),
        ("/team", [PERSON]),
        ("/team/-", PERSON),
    ],
)
async def test_every_published_path_can_be_written(microsoft: Microsoft, path: str, value: Any) -> None:
    """partner-center-api.md 2.4."""
    made = await microsoft.post(private_deal())
    assert (await microsoft.patch(made["id"], (path, value))).status == 204


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/name", "Other"),
        ("/customerProfile/name", "Other"),
        ("/customerProfile/address/city", "Delft"),
        ("/inviteContext/notes", "Hello"),
        ("/type", "Shared"),
        ("/favorite", True),
        ("/details/requirements/additionalRequirements/attributes", []),
        ("/team/0/email", "x@y"),
        ("/team/0", PERSON),
        ("details/dealValue", 5),
        ("", {}),
    ],
)
async def test_any_other_path_is_refused(microsoft: Microsoft, path: str, value: Any) -> None:
    """partner-center-api.md 2.4 and 11 row 6."""
    made = await microsoft.post(private_deal())
    reply = await microsoft.patch(made["id"], (path, value))
    assert (reply.status, reply.error["code"]) == (400, "invalidRequest")
    assert await microsoft.get(made["id"]) == made


async def test_the_name_can_be_patched_when_the_switch_says_so(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.4: whether a route to the name exists is unknown."""
    microsoft.partner_center.switches.name_patchable = True
    made = await microsoft.post(private_deal())
    assert (await microsoft.patch(made["id"], ("/name", "Other"))).status == 204


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        ["replace"],
        [{"op": "remove", "path": "/team/0"}],
        [{"op": "test", "path": "/status", "value": "New"}],
        [{"op": "replace", "path": "/salesStage"}],
        [{"op": "replace", "value": 1}],
        [{"path": "/salesStage", "value": "20"}],
        [{"op": "replace", "path": "/team/-", "value": PERSON}],
        [{"op": "add", "path": "/team/-", "value": None}],
    ],
)
async def test_what_is_not_an_add_or_a_replace_is_refused(microsoft: Microsoft, document: Any) -> None:
    """partner-center-api.md 2.4: only replace and add."""
    made = await microsoft.post(private_deal())
    reply = await microsoft.call("PATCH", f"/{made['id']}", json=document)
    assert (reply.status, reply.error["code"]) == (400, "invalidRequest")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/details/dealValue", 0),
        ("/details/dealValue", None),
        ("/details/dealValue", "ten"),
        ("/details/currency", "eur"),
        ("/details/closingDateTime", None),
        ("/details/requirements/solutions", []),
        ("/details/requirements/solutions/-", {"id": "", "type": "Name"}),
        ("/team", []),
        ("/team/-", {"firstName": "Bo"}),
        ("/customerProfile/team/-", {**PERSON, "email": "nobody"}),
        ("/consent/consentToShareReferralWithMicrosoftSellers", False),
        ("/salesStage", 40),
        ("/status", None),
        ("/status", "Paused"),
    ],
)
async def test_a_wrong_value_is_refused_and_nothing_is_written(
    microsoft: Microsoft, path: str, value: Any
) -> None:
    """partner-center-api.md 3.4, 11 row 5: a patch is all or nothing."""
    made = await microsoft.post(private_deal())
    reply = await microsoft.patch(made["id"], ("/details/notes", "first"), (path, value))
    assert (reply.status, reply.error["code"]) == (400, "invalidRequest")
    assert await microsoft.get(made["id"]) == made


async def test_a_fresh_etag_lets_the_change_through(microsoft: Microsoft) -> None:
    """partner-center-api.md 6."""
    made = await microsoft.post(private_deal())
    assert (await microsoft.patch(made["id"], ("/salesStage", "20"), if_match=made["eTag"])).status == 204
    assert (await microsoft.patch(made["id"], ("/salesStage", "40"), if_match="*")).status == 204


async def test_a_stale_etag_is_refused_and_nothing_is_written(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.8 and 6: 412 with inner code 99918."""
    made = await microsoft.post(private_deal())
    await microsoft.patch(made["id"], ("/salesStage", "20"))
    reply = await microsoft.patch(made["id"], ("/salesStage", "40"), if_match=made["eTag"])
    assert reply.status == 412
    assert reply.json == example("example-error-412")
    assert (await microsoft.get(made["id"]))["salesStage"] == "20"


async def test_a_tag_without_its_quotes_is_not_the_tag(microsoft: Microsoft) -> None:
    """partner-center-api.md 6: send it unchanged, quotes included."""
    made = await microsoft.post(private_deal())
    bare = made["eTag"].strip('"')
    assert (await microsoft.patch(made["id"], ("/salesStage", "20"), if_match=bare)).status == 412


async def test_a_moody_service_refuses_a_fresh_tag_but_not_its_absence(microsoft: Microsoft) -> None:
    """partner-center-api.md 6: 412 straight after GET."""
    microsoft.partner_center.switches.spurious_412_patch = 1.0
    made = await microsoft.post(private_deal())
    assert (await microsoft.patch(made["id"], ("/salesStage", "20"), if_match=made["eTag"])).status == 412
    assert (await microsoft.get(made["id"]))["eTag"] == made["eTag"]
    assert (await microsoft.patch(made["id"], ("/salesStage", "20"))).status == 204


async def test_status_and_substatus_travel_together(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.4 and 4.1."""
    made = await microsoft.post(private_deal())
    assert (await microsoft.patch(made["id"], ("/substatus", "Won"))).status == 400
    assert (await microsoft.patch(made["id"], ("/status", "Closed"))).status == 400
    reply = await microsoft.call("PATCH", f"/{made['id']}", json=example("example-patch-won"))
    assert reply.status == 204
    after = await microsoft.get(made["id"])
    assert (after["status"], after["substatus"], after["salesStage"]) == ("Closed", "Won", "100")
    assert after["closedDateTime"] is not None


PAIRS = [
    (status, substatus)
    for status in ("None", "New", "Active", "Closed")
    for substatus in (
        "None",
        "Pending",
        "Received",
        "Accepted",
        "Won",
        "Lost",
        "Declined",
        "Expired",
        "Error",
    )
]


@pytest.mark.parametrize(("status", "substatus"), PAIRS)
async def test_what_an_accepted_deal_can_become(microsoft: Microsoft, status: str, substatus: str) -> None:
    """partner-center-api.md 4.1 and 4.2, for Active/Accepted."""
    made = await microsoft.post(private_deal())
    reply = await microsoft.patch(made["id"], ("/status", status), ("/substatus", substatus))
    allowed = {("Active", "Accepted"), ("Closed", "Won"), ("Closed", "Lost")}
    assert reply.status == (204 if (status, substatus) in allowed else 400)


@pytest.mark.parametrize(("status", "substatus"), PAIRS)
async def test_what_a_waiting_referral_can_become(microsoft: Microsoft, status: str, substatus: str) -> None:
    """partner-center-api.md 4.1 and 4.2, for New/Pending."""
    sent = microsoft.partner_center.referrals.create_inbound(private_deal(type="Shared"))
    reply = await microsoft.patch(sent["id"], ("/status", status), ("/substatus", substatus))
    allowed = {("New", "Pending"), ("New", "Received"), ("Active", "Accepted"), ("Closed", "Declined")}
    assert reply.status == (204 if (status, substatus) in allowed else 400)


async def test_any_legal_pair_is_taken_when_the_switch_says_so(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.1 alone: the API may be laxer than the portal."""
    microsoft.partner_center.switches.transitions = "pairs"
    sent = microsoft.partner_center.referrals.create_inbound(private_deal(type="Shared"))
    assert (await microsoft.patch(sent["id"], ("/status", "Closed"), ("/substatus", "Lost"))).status == 204


async def test_closing_as_error_is_a_switch(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.2: portal and bulk have it, the API is unconfirmed."""
    made = await microsoft.post(private_deal())
    closing = (("/status", "Closed"), ("/substatus", "Error"))
    assert (await microsoft.patch(made["id"], *closing)).status == 400
    microsoft.partner_center.switches.closing_as_error = True
    assert (await microsoft.patch(made["id"], *closing)).status == 204


@pytest.mark.parametrize("code", [400, 409])
async def test_a_closed_deal_cannot_be_edited(microsoft: Microsoft, code: Any) -> None:
    """partner-center-api.md 4.2 and 11 row 6."""
    microsoft.partner_center.switches.terminal_refusal = code
    made = await microsoft.post(private_deal())
    await microsoft.patch(made["id"], ("/status", "Closed"), ("/substatus", "Lost"), ("/statusReason", "x"))
    for change in (("/details/notes", "late"), ("/status", "Active"), ("/statusReason", "y")):
        reply = await microsoft.patch(made["id"], change)
        assert (reply.status, reply.error["code"]) == (code, "invalidRequest")


async def test_accepting_and_declining_as_documented(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.2."""
    create = microsoft.partner_center.referrals.create_inbound
    taken, refused = create(private_deal(type="Shared")), create(private_deal(type="Shared"))
    await microsoft.call("PATCH", f"/{taken['id']}", json=example("example-patch-accept"))
    await microsoft.call("PATCH", f"/{refused['id']}", json=example("example-patch-decline"))
    taken, refused = await microsoft.get(taken["id"]), await microsoft.get(refused["id"])
    assert (taken["substatus"], taken["expirationDateTime"]) == ("Accepted", None)
    assert taken["acceptedDateTime"] is not None
    assert (refused["substatus"], refused["statusReason"]) == ("Declined", "Customer requirement not met")


async def test_the_deal_of_microsoft_is_not_ours_to_change(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.2: each party owns its own referral's status."""
    _, theirs = await cosell(microsoft)
    reply = await microsoft.call("PATCH", f"/{theirs['id']}", json=example("example-patch-accept"))
    assert (reply.status, reply.error["code"]) == (403, "accessDenied")


async def test_the_contact_is_fixed_once_microsoft_was_asked(microsoft: Microsoft) -> None:
    """partner-center-api.md 3.2 and 4.4."""
    own, _ = await cosell(microsoft)
    reply = await microsoft.patch(own["id"], ("/customerProfile/team/-", PERSON))
    assert (reply.status, reply.error["target"]) == (400, "customerProfile.team")
    microsoft.partner_center.switches.contacts_freeze_after_share = False
    assert (await microsoft.patch(own["id"], ("/customerProfile/team/-", PERSON))).status == 204
    emptied = await microsoft.patch(own["id"], ("/customerProfile/team", []))
    assert emptied.error["target"] == "customerProfile.team"


async def test_the_reason_can_be_demanded(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.2: whether the API demands it is unknown."""
    microsoft.partner_center.switches.reason_required = True
    made = await microsoft.post(private_deal())
    lost = (("/status", "Closed"), ("/substatus", "Lost"))
    assert (await microsoft.patch(made["id"], *lost)).error["target"] == "statusReason"
    assert (await microsoft.patch(made["id"], *lost, ("/statusReason", "Price"))).status == 204


async def put(microsoft: Microsoft, referral: Json, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await microsoft.call("PUT", f"/{referral['id']}", json=referral, headers=named)


async def test_put_changes_what_no_patch_path_reaches(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.5."""
    made = await microsoft.post(private_deal())
    whole = {name: value for name, value in made.items() if name != "links"}
    reply = await put(microsoft, {**whole, "name": "Better name"}, if_match=made["eTag"])
    assert (reply.status, reply.json["name"]) == (200, "Better name")
    assert reply.json["links"] == made["links"]


async def test_put_needs_the_tag_and_no_links(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.5."""
    made = await microsoft.post(private_deal())
    whole = {name: value for name, value in made.items() if name != "links"}
    assert (await put(microsoft, whole)).status == 400
    assert (await put(microsoft, made, if_match=made["eTag"])).error["target"] == "links"
    assert (await put(microsoft, whole, if_match='"other"')).status == 412
    microsoft.partner_center.switches.spurious_412_put = 1.0
    assert (await put(microsoft, whole, if_match=made["eTag"])).status == 412


async def test_put_cannot_move_a_customer(microsoft: Microsoft) -> None:
    """partner-center-api.md 4.4."""
    made = await microsoft.post(private_deal())
    whole = {name: value for name, value in made.items() if name != "links"}
    moved = {**whole, "customerProfile": {**whole["customerProfile"], "name": "Somebody else"}}
    reply = await put(microsoft, moved, if_match=made["eTag"])
    assert (reply.status, reply.error["target"]) == (400, "customerProfile.name")


async def test_an_unknown_referral_is_not_found(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.2."""
    nobody = "00000000-0000-4000-8000-000000000000"
    for method in ("GET", "PATCH", "PUT"):
        reply = await microsoft.call(method, f"/{nobody}", json=[])
        assert (reply.status, reply.error["code"]) == (404, "itemNotFound")


async def test_there_is_no_delete(microsoft: Microsoft) -> None:
    """partner-center-api.md 0."""
    made = await microsoft.post(private_deal())
    assert (await microsoft.call("DELETE", f"/{made['id']}")).status == 405
    assert (await microsoft.call("PUT", json={})).status == 405
    assert (await microsoft.call("GET", f"/{made['id']}/notes")).status == 404
    assert (await microsoft.call("GET", "extra")).status == 404


async def test_a_slash_at_the_end_is_tolerated(microsoft: Microsoft) -> None:
    """partner-center-api.md 2: the connector contract has such paths."""
    made = await microsoft.post(private_deal())
    for path in (f"/{made['id']}/", f"/{made['id']}//", f"/{made['id'].upper()}"):
        assert (await microsoft.call("GET", path)).json["id"] == made["id"]
    assert (await microsoft.call("GET", "/")).status == 200
