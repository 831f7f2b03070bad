"""Signing in to Salesforce: salesforce-api.md 2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from cosell.core.errors import (
    CosellError,
    Misconfigured,
    NotAllowed,
    SignedOut,
    Stale,
    Unavailable,
)
from cosell.core.records import Snapshot
from cosell.systems.salesforce.auth import audience_of
from cosell.systems.salesforce.options import ClientSecret, FixedToken, Jwt

from .salesfloor import Floor, Script, by_secret, opened

FINE = {
    "access_token": "00D!token",
    "instance_url": "https://acme.my.salesforce.com",
    "id": "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA",
}


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


async def test_client_credentials_sign_in_as_well(floor: Floor) -> None:
    """salesforce-api.md 2.2."""
    deal = floor.deal()
    system = floor.another(login=by_secret(floor))
    try:
        assert isinstance((await system.get_many([deal]))[deal], Snapshot)
    finally:
        await system.aclose()


async def test_a_fixed_token_is_used_until_it_ends_and_then_a_person_is_asked(floor: Floor) -> None:
    """The sandbox's lasting token; there is nothing to renew it with."""
    deal = floor.deal()
    system = floor.another(login=FixedToken(floor.org.access_token))
    try:
        found = (await system.get_many([deal]))[deal]
        assert isinstance(found, Snapshot)
        assert found.touched_by_us is False
        floor.org.revoke()
        with pytest.raises(SignedOut, match="expired"):
            await system.get_many([deal])
    finally:
        await system.aclose()


async def test_many_calls_that_find_the_session_expired_fetch_one_token(floor: Floor) -> None:
    """salesforce-api.md 2.5: single flight."""
    deals = [floor.deal(), floor.deal()]
    await floor.system.prepare()
    floor.org.expire_sessions()
    floor.forget()
    await asyncio.gather(*(floor.system.get_many(deals) for _ in range(8)))
    assert floor.calls("/oauth2/token") == 1


async def test_a_replayed_write_keeps_its_precondition(floor: Floor) -> None:
    """salesforce-api.md 15: a library that drops the header turns a guarded write into a blind one."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    floor.edit(deal, Name="Edited by the seller")
    floor.org.expire_sessions()
    assert isinstance(await floor.write(seen, name="Ours"), Stale)
    assert floor.row(deal)["Name"] == "Edited by the seller"


async def test_a_session_that_is_refused_for_ever_is_renewed_once_only(floor: Floor) -> None:
    """reliability.md 5: 401 for ever."""
    await floor.system.prepare()
    floor.fault("answer", "/services/data", times=50, answer="INVALID_SESSION_ID")
    floor.forget()
    with pytest.raises(SignedOut):
        await floor.system.find("x")
    assert floor.calls("/oauth2/token") == 1
    assert floor.calls("/services/data") == 2


async def test_a_session_without_the_api_scope_is_not_renewed_at_all(floor: Floor) -> None:
    """salesforce-api.md 2.5: two kinds of 401 are final."""
    await floor.system.prepare()
    floor.fault("answer", "/services/data", times=50, answer="SESSION_NOT_FOR_REST")
    floor.forget()
    with pytest.raises(SignedOut, match="no access to the API") as caught:
        await floor.system.find("x")
    assert "scope" in caught.value.advice
    assert floor.calls("/oauth2/token") == 0


@pytest.mark.parametrize(
    ("switch", "kind", "words"),
    [
        ("user_approved", NotAllowed, "pre-authorized"),
        ("admin_approved", NotAllowed, "permission set"),
        ("app_installed", Misconfigured, "login_url"),
    ],
)
async def test_each_refused_sign_in_says_what_the_admin_has_to_do(
    floor: Floor, switch: str, kind: type[CosellError], words: str
) -> None:
    """salesforce-api.md 2.3."""
    setattr(floor.org.settings, switch, False)
    with pytest.raises(kind) as caught:
        await floor.system.prepare()
    assert words in caught.value.advice
    assert floor.calls("/oauth2/token") == 1


async def test_wrong_keys_and_secrets_are_settings_to_correct(floor: Floor) -> None:
    """salesforce-api.md 2.3: none of these goes away by itself."""
    wrong: list[dict[str, Any]] = [
        {"client_id": "nobody"},
        {"login": ClientSecret("wrong")},
        {"login": Jwt(floor.org.username, "no key at all")},
    ]
    for options in wrong:
        system = floor.another(**options)
        try:
            with pytest.raises(Misconfigured) as caught:
                await system.prepare()
            assert "no key at all" not in caught.value.detail + caught.value.message
        finally:
            await system.aclose()
    floor.org.settings.run_as_user = False
    system = floor.another(login=by_secret(floor))
    try:
        with pytest.raises(Misconfigured, match="Run As"):
            await system.prepare()
    finally:
        await system.aclose()


async def test_a_machine_whose_clock_is_an_hour_off_signs_in_by_the_servers_time(floor: Floor) -> None:
    """reliability.md 5, Time: the refusal tells the right time."""
    floor.clock.wall -= 3600
    deal = floor.deal()
    assert (await floor.read(deal)).id == deal
    assert floor.calls("/oauth2/token") == 2


async def test_the_jwt_lives_three_minutes_and_names_user_app_and_audience() -> None:
    """salesforce-api.md 2.2: an integer, at most five minutes ahead."""
    async with opened() as floor:
        key = floor.org.private_key_pem
    script = Script()
    script.on("/oauth2/token", FINE)
    system = script.system(login=Jwt("me@acme.example", key))
    with pytest.raises(CosellError):
        await system.prepare()
    form = script.asked[0][3].decode()
    assertion = form.partition("assertion=")[2]
    claims = jwt.decode(assertion, options={"verify_signature": False, "verify_exp": False})
    assert (claims["iss"], claims["sub"]) == ("client", "me@acme.example")
    assert claims["aud"] == "https://login.salesforce.com"
    assert isinstance(claims["exp"], int)
    assert 0 < claims["exp"] - floor.clock.wall <= 181


def test_a_my_domain_address_stands_for_the_audience_of_its_world() -> None:
    """salesforce-api.md 2.2: the audience is a login host."""
    assert audience_of("https://acme.my.salesforce.com") == "https://login.salesforce.com"
    assert audience_of("https://acme--uat.sandbox.my.salesforce.com") == "https://test.salesforce.com"
    assert audience_of("https://test.salesforce.com") == "https://test.salesforce.com"


FOREIGN = (
    "https://evil.example",
    "https://salesforce.com.evil.example",
    "https://acme.my.salesforce.com@evil.example",
    "http://acme.my.salesforce.com",
    "https://notsalesforce.com",
    "http://127.0.0.1:1",
    "https://169.254.169.254",
    "file:///etc/passwd",
    "",
)


@pytest.mark.parametrize("where", FOREIGN)
async def test_a_token_is_never_carried_to_a_foreign_host(where: str) -> None:
    """reliability.md 8.2: `instance_url` of a token answer to a foreign host."""
    script = Script()
    script.on("/oauth2/token", {**FINE, "instance_url": where})
    with pytest.raises(Misconfigured, match="not Salesforce's") as caught:
        await script.system(login=ClientSecret("s3cret-s3cret")).prepare()
    assert len(script.asked) == 1
    assert "token" not in caught.value.detail.replace("token endpoint", "")


async def test_with_a_set_instance_no_other_host_of_salesforce_will_do() -> None:
    """reliability.md 10, SSRF."""
    script = Script()
    script.on("/oauth2/token", {**FINE, "instance_url": "https://other.my.salesforce.com"})
    system = script.system(login=ClientSecret("s"), instance_url="https://acme.my.salesforce.com")
    with pytest.raises(Misconfigured):
        await system.prepare()


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Login</html>",
        b"",
        b"[]",
        b'{"access_token":1,"instance_url":"https://acme.my.salesforce.com"}',
        b'{"access_token":"a b","instance_url":"https://acme.my.salesforce.com"}',
        b'{"access_token":"x\\r\\nEvil: 1","instance_url":"https://acme.my.salesforce.com"}',
        b'{"access_token":"' + b"x" * 1_000_000 + b'","instance_url":"https://acme.my.salesforce.com"}',
    ],
    ids=["html", "empty", "array", "number", "space", "header injection", "megabyte"],
)
async def test_a_sign_in_answered_with_nonsense_is_tried_again_later(answer: bytes) -> None:
    """reliability.md 8.2."""
    script = Script()
    script.on("/oauth2/token", answer)
    with pytest.raises(Unavailable):
        await script.system(login=ClientSecret("s")).prepare()


async def test_a_sign_in_that_is_out_of_order_is_not_blamed_on_the_settings(floor: Floor) -> None:
    """salesforce-api.md 3: 503 is maintenance."""
    floor.fault("answer", "/oauth2/token", answer="SERVER_UNAVAILABLE")
    with pytest.raises(Unavailable):
        await floor.system.prepare()
    floor.fault("drop", "/oauth2/token")
    with pytest.raises(Unavailable):
        await floor.system.prepare()
    await floor.system.prepare()


async def test_secrets_stay_out_of_what_is_shown_even_when_salesforce_echoes_them() -> None:
    """INV-13, reliability.md 8.2: an error body with our secret in it."""
    secret = "a-very-secret-word"
    assert secret not in repr(ClientSecret(secret)) + repr(Jwt("u", secret)) + repr(FixedToken(secret))
    script = Script()
    echo = {"error": "invalid_client", "error_description": f"secret {secret} is wrong"}
    script.on("/oauth2/token", echo, 400)
    with pytest.raises(Misconfigured) as caught:
        await script.system(login=ClientSecret(secret)).prepare()
    assert secret not in caught.value.detail + caught.value.message + caught.value.advice
