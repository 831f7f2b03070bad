"""Who is let in, what a reply carries, and the misfortunes a person can order."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox import switchboard
from cosell.sandbox.entra import WEBHOOKS
from cosell.sandbox.frame import Fault

from .microsoft import Microsoft, private_deal


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer  ", "Bearer nonsense"])
async def test_nobody_enters_without_a_token(microsoft: Microsoft, header: str | None) -> None:
    """partner-center-api.md 1.4 and 2.8."""
    headers = {} if header is None else {"Authorization": header}
    reply = await microsoft.ask("GET", microsoft.referrals_url, headers=headers)
    assert (reply.status, reply.error["code"]) == (401, "unauthenticated")


async def test_the_audience_is_checked(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 1."""
    token = microsoft.entra.issue(WEBHOOKS)
    reply = await microsoft.ask("GET", microsoft.referrals_url, token=token)
    assert reply.status == 401


async def test_an_expired_token_is_refused_and_a_new_one_admitted(microsoft: Microsoft) -> None:
    microsoft.entra.expire_access_tokens()
    assert (await microsoft.call("GET")).status == 401
    microsoft.token = microsoft.entra.issue("https://api.partner.microsoft.com")
    assert (await microsoft.call("GET")).status == 200
    microsoft.frame.clock.advance(3601)
    assert (await microsoft.call("GET")).status == 401


async def test_a_static_token_outlives_expiry_unless_that_is_meant(microsoft: Microsoft) -> None:
    microsoft.token = microsoft.entra.issue("https://api.partner.microsoft.com", lifetime=1e8, static=True)
    microsoft.entra.expire_access_tokens()
    microsoft.entra.reset()
    assert (await microsoft.call("GET")).status == 200
    microsoft.entra.expire_access_tokens(static=True)
    assert (await microsoft.call("GET")).status == 401


async def test_a_token_without_a_second_factor_gets_900421(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.2."""
    microsoft.entra.switches.mfa = False
    microsoft.token = microsoft.entra.issue("https://api.partner.microsoft.com")
    reply = await microsoft.call("GET")
    assert (reply.status, reply.error["code"]) == (401, "900421")


async def test_an_application_alone_may_not_use_referrals(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.2: delegated tokens only."""
    microsoft.token = microsoft.entra.issue_app_only("https://api.partner.microsoft.com")
    assert (await microsoft.call("GET")).status == 403


async def test_the_documented_headers_are_on_every_answer(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.5."""
    for params in ({}, {"$filter": "nonsense"}):
        reply = await microsoft.call("GET", headers={"Client-Request-Id": "abc"}, params=params)
        assert reply.headers["client-request-id"] == "abc"
        assert len(reply.headers["request-id"]) == 36
        assert {"timestamp", "x-ms-ags-diagnostic"} <= {name.lower() for name in reply.headers}


async def test_the_etag_header_may_be_missing(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.5: unverified."""
    microsoft.partner_center.switches.etag_header = False
    made = await microsoft.call("POST", json=private_deal())
    assert "ETag" not in made.headers


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("401", 401),
        ("900421", 401),
        ("403", 403),
        ("429", 429),
        ("429-empty", 429),
        ("500", 500),
        ("503", 503),
        ("504", 504),
    ],
)
async def test_each_ready_answer_can_be_made_to_happen(microsoft: Microsoft, name: str, status: int) -> None:
    """partner-center-api.md 11 row 10."""
    answer = microsoft.partner_center.faults[name]
    microsoft.frame.faults.append(Fault("partner_center", "answer", answer=answer))
    reply = await microsoft.call("POST", json=private_deal())
    assert reply.status == status
    assert ("Retry-After" in reply.headers) == (status in (429, 503))
    assert (reply.raw == b"") == (name == "429-empty")
    assert microsoft.partner_center.referrals.all() == []
    assert (await microsoft.call("POST", json=private_deal())).status == 200


async def test_a_504_may_come_after_the_deal_was_made(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 10."""
    answer = microsoft.partner_center.faults["504"]
    microsoft.frame.faults.append(Fault("partner_center", "lose", method="POST", answer=answer))
    assert (await microsoft.call("POST", json=private_deal())).status == 504
    assert len(microsoft.partner_center.referrals.all()) == 1


async def test_a_later_version_of_the_service_says_more(microsoft: Microsoft) -> None:
    """partner-center-api.md 11 row 14."""
    made = await microsoft.post(private_deal())
    switches = microsoft.partner_center.switches
    switches.extra_properties = {"sustainability": {"score": 3}, "details.risk": "low", "no.where": 1}
    switches.new_enum_values = {"qualification": "Assessed", "status": "Paused"}
    read = await microsoft.get(made["id"])
    assert (read["sustainability"], read["details"]["risk"]) == ({"score": 3}, "low")
    assert (read["qualification"], read["status"]) == ("Assessed", "Paused")
    assert "no" not in read
    assert len(await microsoft.listed(filter="status eq 'Active'")) == 1


async def test_the_value_may_be_read_as_text(microsoft: Microsoft) -> None:
    """partner-center-api.md 9, trap 5."""
    made = await microsoft.post(private_deal())
    microsoft.partner_center.switches.deal_value_form = "string"
    assert (await microsoft.get(made["id"]))["details"]["dealValue"] == "50000"


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": 1},
        {"terminal_refusal": 418},
        {"page_size": "5"},
        {"page_size": True},
        {"filter_or": 1},
        {"filter_operands": [1]},
        {"extra_properties": []},
        {"role": "king"},
        {"page_size": 5, "role": "king"},
    ],
)
def test_a_switch_refuses_what_it_does_not_know(changes: dict[str, Any]) -> None:
    from cosell.sandbox.partner_center import Switches

    switches = Switches()
    with pytest.raises(ValueError, match="switch"):
        switchboard.turn(switches, changes)
    assert switchboard.positions(switches) == switchboard.positions(Switches())


def test_switches_are_turned_and_rest_again() -> None:
    from cosell.sandbox.partner_center import Switches

    switches = Switches()
    switchboard.turn(
        switches, {"page_size": 5, "index_lag": 2, "role": "referrals-user", "filter_operands": ["id"]}
    )
    assert (switches.page_size, switches.index_lag, switches.filter_operands) == (5, 2.0, ["id"])
    switchboard.rest(switches)
    assert switches == Switches()


async def test_an_address_that_does_not_exist_is_not_found(microsoft: Microsoft) -> None:
    base = microsoft.partner_center.base_url
    for path in ("/", "/v1.0/referrals", "/v1.0/engagments/referrals"):
        reply = await microsoft.ask("GET", base + path, token=microsoft.token)
        assert (reply.status, reply.error["code"]) == (404, "itemNotFound")
