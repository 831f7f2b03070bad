"""The device code flow: no browser where the connector runs, a person with one elsewhere (1.2, RFC 8628).

Error words as in learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
"""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.entra import PARTNER_CENTER

from .microsoft import Microsoft, Reply
from .person import Page, Person


@pytest.fixture
def person(microsoft: Microsoft) -> Person:
    return Person(microsoft.session, microsoft.entra.email)


async def begun(microsoft: Microsoft, version: int = 2) -> dict[str, Any]:
    """What a device is told to show."""
    middle = "oauth2/devicecode" if version == 1 else "oauth2/v2.0/devicecode"
    url = f"{microsoft.entra.base_url}/{microsoft.entra.tenant}/{middle}"
    asked = {"client_id": microsoft.entra.client_id}
    asked |= {"resource": PARTNER_CENTER} if version == 1 else {"scope": f"{PARTNER_CENTER}/.default"}
    found: dict[str, Any] = (await microsoft.ask("POST", url, data=asked)).json
    return found


async def polled(microsoft: Microsoft, device: dict[str, Any], version: int = 2, **form: str) -> Reply:
    asked = {
        "client_secret": "",
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code" if version == 2 else "device_code",
        "device_code" if version == 2 else "code": device["device_code"],
        **form,
    }
    return await microsoft.sign_in(version=version, tenant=None, **asked)


@pytest.mark.parametrize("version", [1, 2])
async def test_a_device_waits_for_a_person(microsoft: Microsoft, person: Person, version: int) -> None:
    """partner-center-api.md 1.2: device code works in a public project."""
    device = await begun(microsoft, version)
    assert device["user_code"] in device["message"]
    assert (await polled(microsoft, device, version)).json["error"] == "authorization_pending"
    where = device["verification_uri" if version == 2 else "verification_url"]
    end = await person.type_code(where, device["user_code"].lower())
    assert isinstance(end, Page)
    assert "You have signed in" in end.text
    assert person.seen == ["password", "factor", "consent"]
    answer = (await polled(microsoft, device, version)).json
    microsoft.token = answer["access_token"]
    assert (await microsoft.call("GET")).status == 200
    again = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], "client_secret": ""}
    assert (await microsoft.sign_in(version=2, tenant=None, **again)).status == 200
    assert (await polled(microsoft, device, version)).json["error"] == "invalid_grant"


async def test_a_device_learns_that_it_was_declined(microsoft: Microsoft, person: Person) -> None:
    device = await begun(microsoft)
    await person.type_code(device["verification_uri"], device["user_code"], cancel_at="consent")
    assert (await polled(microsoft, device)).json["error"] == "authorization_declined"


async def test_a_device_code_ends_after_a_quarter_of_an_hour(microsoft: Microsoft) -> None:
    device = await begun(microsoft)
    assert device["expires_in"] == 900
    microsoft.frame.clock.advance(901)
    assert (await polled(microsoft, device)).json["error"] == "expired_token"


async def test_an_eager_device_is_slowed_down(microsoft: Microsoft) -> None:
    """RFC 8628, 3.5."""
    device = await begun(microsoft)
    assert device["interval"] == 5
    microsoft.entra.switches.slow_down_next = 1
    errors = [(await polled(microsoft, device)).json["error"] for _ in range(2)]
    assert errors == ["slow_down", "authorization_pending"]


async def test_a_code_nobody_shows_is_refused_on_the_page(microsoft: Microsoft, person: Person) -> None:
    device = await begun(microsoft)
    page = await person.type_code(device["verification_uri"], "WRONGCODE")
    assert isinstance(page, Page)
    assert page.status == 400
    assert page.fields["otc"] == "WRONGCODE"


async def test_an_application_that_must_show_a_secret_gets_no_device(microsoft: Microsoft) -> None:
    """ "Allow public client flows" off: AADSTS7000218 (reference-error-codes)."""
    microsoft.entra.switches.public_clients = False
    device = await begun(microsoft)
    microsoft.entra.approve_device(device["user_code"])
    refused = await polled(microsoft, device)
    assert (refused.json["error"], refused.json["error_codes"]) == ("invalid_client", [7000218])
    assert (await polled(microsoft, device, client_secret=microsoft.entra.client_secret)).status == 200


async def test_a_device_may_be_let_to_approve_itself(microsoft: Microsoft) -> None:
    microsoft.entra.switches.device_approves_itself = True
    device = await begun(microsoft)
    assert [(await polled(microsoft, device)).status for _ in range(2)] == [400, 200]


async def test_a_device_without_a_second_factor_is_refused_at_the_api(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.2: 900421."""
    device = await begun(microsoft)
    assert microsoft.entra.approve_device(device["user_code"], mfa=False)
    assert not microsoft.entra.approve_device(device["user_code"])
    microsoft.token = (await polled(microsoft, device)).json["access_token"]
    assert b"900421" in (await microsoft.call("GET")).raw
