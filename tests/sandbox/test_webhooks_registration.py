"""The registration API of Partner Center webhooks (partner-center-api.md 7.1)."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.entra import PARTNER_CENTER

from .microsoft import Microsoft, example
from .test_partner_center_strictness import check

CALLBACK = "https://hooks.contoso.example/partner-center"


async def test_the_first_post_registers_and_the_second_is_a_conflict(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.1: 409 if one exists."""
    body = example("example-webhook-registration-request")
    reply = await microsoft.registration("POST", json=body)
    assert reply.status == 200
    assert list(reply.json) == list(example("example-webhook-registration-response"))
    check(reply.json, "webhook-registration")
    again = await microsoft.registration("POST", json=body)
    assert again.status == 409
    check(again.json, "error")


async def test_put_changes_the_address_and_keeps_the_subscriber(microsoft: Microsoft) -> None:
    first = await microsoft.registration("POST", json=example("example-webhook-registration-request"))
    changed = {"webhookUrl": "https://other.example/x", "webhookEvents": ["REFERRAL-created"]}
    reply = await microsoft.registration("PUT", json=changed)
    assert reply.json == {
        "SubscriberId": first.json["SubscriberId"],
        "WebhookUrl": "https://other.example/x",
        "WebhookEvents": ["referral-created"],
    }
    shown = await microsoft.registration("GET", "/")
    assert shown.json == {"WebhookUrl": "https://other.example/x", "WebhookEvents": ["referral-created"]}


async def test_nothing_is_registered_at_first(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.1: 404 presumably, or an empty answer."""
    assert (await microsoft.registration("GET")).status == 404
    body = example("example-webhook-registration-request")
    assert (await microsoft.registration("PUT", json=body)).status == 404
    microsoft.webhooks.switches.no_registration = "empty"
    reply = await microsoft.registration("GET")
    assert (reply.status, reply.raw) == (200, b"")


async def test_another_product_may_hold_the_registration(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.1: one registration per tenant."""
    microsoft.webhooks.register("https://csp.contoso.example/hook", ["subscription-updated"])
    assert (await microsoft.registration("GET")).json["WebhookUrl"] == "https://csp.contoso.example/hook"
    body = example("example-webhook-registration-request")
    assert (await microsoft.registration("POST", json=body)).status == 409


async def test_the_events_one_can_register_for_are_listed(microsoft: Microsoft) -> None:
    reply = await microsoft.registration("GET", "/events")
    assert set(example("example-webhook-registration-request")["WebhookEvents"]) <= set(reply.json)


@pytest.mark.parametrize(
    "changes",
    [
        {"WebhookUrl": None},
        {"WebhookUrl": "hooks.contoso.example"},
        {"WebhookUrl": "http://hooks.contoso.example"},
        {"WebhookUrl": "ftp://hooks.contoso.example"},
        {"WebhookUrl": "https://a b.example"},
        {"WebhookUrl": "https://[broken"},
        {"WebhookEvents": []},
        {"WebhookEvents": None},
        {"WebhookEvents": ["referral-deleted"]},
        {"WebhookEvents": [5]},
        {"SignatureTokenToMsSignatureHeader": "yes"},
    ],
)
async def test_a_registration_that_makes_no_sense_is_refused(microsoft: Microsoft, changes: Any) -> None:
    body = {**example("example-webhook-registration-request"), **changes}
    reply = await microsoft.registration("POST", json=body)
    assert (reply.status, reply.error["code"]) == (400, "invalidRequest")
    assert (await microsoft.registration("GET")).status == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "text/xml", 415),
        (b" " * 70_000, "application/json", 413),
    ],
)
async def test_a_body_that_is_no_registration_is_refused(
    microsoft: Microsoft, body: bytes, kind: str, status: int
) -> None:
    reply = await microsoft.registration("POST", data=body, headers={"Content-Type": kind})
    assert reply.status == status


async def test_the_token_must_be_for_this_host(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.2, 11 row 1."""
    for token in (None, "nonsense", microsoft.entra.issue(PARTNER_CENTER)):
        url = f"{microsoft.webhooks.base_url}/webhooks/v1/registration"
        assert (await microsoft.ask("GET", url, token=token)).status == 401


async def test_an_application_alone_may_register(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.1: app-only or app+user."""
    microsoft.webhooks_token = microsoft.entra.issue_app_only("https://api.partnercenter.microsoft.com")
    assert (await microsoft.registration("GET", "/events")).status == 200
    microsoft.entra.switches.mfa = False
    microsoft.webhooks_token = microsoft.entra.issue("https://api.partnercenter.microsoft.com")
    assert (await microsoft.registration("GET", "/events")).error["code"] == "900421"


async def test_the_headers_of_this_host_are_on_every_answer(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.5."""
    reply = await microsoft.registration("GET", headers={"MS-CorrelationId": "abc"})
    assert reply.headers["MS-CorrelationId"] == "abc"
    assert reply.headers["MS-RequestId"]
    assert reply.headers["X-Locale"] == "en-US"


async def test_other_methods_and_paths_do_not_exist(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.1: there is no delete."""
    assert (await microsoft.registration("DELETE")).status == 405
    assert (await microsoft.registration("POST", "/events")).status == 405
    assert (await microsoft.registration("GET", "/nothing")).status == 404
    assert (await microsoft.ask("GET", f"{microsoft.webhooks.base_url}/")).status == 404
    assert (await microsoft.ask("GET", f"{microsoft.webhooks.base_url}/cert/other.cer")).status == 404


async def test_a_test_event_needs_its_subscription(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.1."""
    assert (await microsoft.registration("POST", "/validationEvents")).status == 400
    microsoft.webhooks.register(CALLBACK, ["referral-created"])
    assert (await microsoft.registration("POST", "/validationEvents")).status == 400


async def test_two_test_events_a_minute_and_no_more(microsoft: Microsoft) -> None:
    """partner-center-api.md 7.1 and 11 row 13."""
    microsoft.webhooks.register("http://127.0.0.1:9/", ["test-created"])
    microsoft.webhooks.switches.attempts = 1
    replies = [await microsoft.registration("POST", "/validationEvents") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    check(replies[2].json, "error")
    assert 0 < int(replies[2].headers["Retry-After"]) <= 61
    microsoft.frame.clock.advance(61)
    assert (await microsoft.registration("POST", "/validationEvents")).status == 200


async def test_the_result_of_a_test_is_kept_seven_days(microsoft: Microsoft) -> None:
    microsoft.webhooks.register("http://127.0.0.1:9/", ["test-created"])
    microsoft.webhooks.switches.attempts = 1
    correlation = (await microsoft.registration("POST", "/validationEvents")).json["correlationId"]
    await microsoft.webhooks.settled()
    reply = await microsoft.registration("GET", f"/validationEvents/{correlation}")
    assert (reply.json["status"], reply.json["results"][0]["systemError"]) == ("completed", True)
    microsoft.frame.clock.advance(7 * 86_400 + 1)
    microsoft.webhooks_token = microsoft.entra.issue("https://api.partnercenter.microsoft.com")
    assert (await microsoft.registration("GET", f"/validationEvents/{correlation}")).status == 404
