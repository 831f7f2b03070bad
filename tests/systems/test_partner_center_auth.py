"""Tokens: one request however many wait, rotation that survives a crash, lapses that are said (1.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from cosell.core.errors import CosellError, Misconfigured, SignedOut, Throttled, Unavailable
from cosell.core.records import Snapshot
from cosell.http import AsgiTransport
from cosell.sandbox.frame import Answer, Fault
from cosell.systems.partner_center.auth import KEY, SignIn, StaticTokens
from cosell.systems.partner_center.options import REFERRALS_RESOURCE, WEBHOOKS_RESOURCE, Options
from tests.sandbox.microsoft import private_deal
from tests.systems.office import ORIGIN, Answers, Drawer, Office, OwnClock, Script, always, office

GRANT = {"token_type": "Bearer", "expires_in": "3600", "access_token": "access-1", "refresh_token": "first"}


@pytest.fixture
async def pc() -> AsyncIterator[Office]:
    async with office() as made:
        yield made


def sign_in(answer: Answers, **changes: Any) -> tuple[SignIn, Script, Drawer, OwnClock]:
    """A sign-in against an Entra ID written by hand."""
    script, drawer, clock = Script(answer), changes.pop("keyring", None) or Drawer(), OwnClock()
    given = changes.pop("refresh_token", "first")
    tokens = SignIn(
        Options(authority=ORIGIN, tenant="contoso", client_id="app", **changes),
        transport=AsgiTransport({ORIGIN: script}),
        keyring=drawer,
        clock=clock,
        refresh_token=given,
        client_secret="hush-hush",
    )
    return tokens, script, drawer, clock


def asked(script: Script, place: int = -1) -> dict[str, str]:
    return {key: value[0] for key, value in parse_qs(script.asked[place][3].decode()).items()}


def rotating() -> Answers:
    """Gives a new refresh token each time and takes only the newest."""
    state: dict[str, Any] = {"refresh": "first", "count": 0}

    def answer(_method: str, _path: str, body: bytes) -> Answer:
        if parse_qs(body.decode())["refresh_token"][0] != state["refresh"]:
            return Answer(400, b'{"error":"invalid_grant"}')
        state["count"] = state["count"] + 1
        state["refresh"] = f"rotated-{state['count']}"
        grant = GRANT | {"access_token": f"access-{state['count']}", "refresh_token": state["refresh"]}
        return Answer(200, orjson.dumps(grant))

    return answer


def calls_to_entra(pc: Office) -> int:
    return sum(n for (system, _, _), n in pc.microsoft.frame.calls.items() if system == "entra")


async def test_fifty_calls_at_once_sign_in_once(pc: Office) -> None:
    made = [await pc.microsoft.post(private_deal()) for _ in range(5)]
    ids = [one["id"] for one in made] * 10
    found = await asyncio.gather(*(pc.system.get_many([one]) for one in ids))
    assert all(isinstance(next(iter(one.values())), Snapshot) for one in found)
    assert calls_to_entra(pc) == 1


async def test_a_lapsed_token_is_renewed_once_for_all_who_notice(pc: Office) -> None:
    """Reliability.md 11: one token refresh on 401."""
    made = await pc.microsoft.post(private_deal())
    await pc.read(made["id"])
    pc.microsoft.entra.expire_access_tokens()
    found = await asyncio.gather(*(pc.system.get_many([made["id"]]) for _ in range(20)))
    assert all(isinstance(one[made["id"]], Snapshot) for one in found)
    assert calls_to_entra(pc) == 2


async def test_a_revoked_sign_in_is_signed_out(pc: Office) -> None:
    """Partner-center-api.md 12: invalid_grant."""
    pc.microsoft.entra.revoke_refresh_tokens()
    with pytest.raises(SignedOut) as caught:
        await pc.system.changes(None)
    assert "AADSTS" in caught.value.detail


async def test_a_401_for_ever_is_signed_out_after_one_new_token(pc: Office) -> None:
    pc.fault("answer", times=9, answer="401")
    with pytest.raises(SignedOut):
        await pc.system.changes(None)
    assert pc.calls() == 2
    assert calls_to_entra(pc) == 2


async def test_missing_multi_factor_authentication_never_loops(pc: Office) -> None:
    """Partner-center-api.md 2.8: 900421 needs an interactive sign-in, never loop."""
    pc.microsoft.entra.switches.mfa = False
    with pytest.raises(SignedOut) as caught:
        await pc.system.changes(None)
    assert caught.value.code == "mfa_required"
    assert pc.calls() == 1
    assert calls_to_entra(pc) == 1


async def test_a_token_handed_to_us_cannot_be_renewed() -> None:
    tokens = StaticTokens({REFERRALS_RESOURCE: "given"})
    assert await tokens.token(REFERRALS_RESOURCE) == "given"
    with pytest.raises(SignedOut):
        await tokens.token(REFERRALS_RESOURCE, refused="given")
    with pytest.raises(SignedOut):
        await tokens.token(WEBHOOKS_RESOURCE)


@pytest.mark.parametrize(
    ("form", "path", "expected"),
    [
        ("v1", "/contoso/oauth2/token", {"resource": REFERRALS_RESOURCE, "scope": "openid"}),
        (
            "v2",
            "/contoso/oauth2/v2.0/token",
            {"scope": f"{REFERRALS_RESOURCE}/.default offline_access"},
        ),
    ],
)
async def test_the_request_is_the_documented_one(form: str, path: str, expected: dict[str, str]) -> None:
    """Partner-center-api.md 1.2."""
    tokens, script, _, _ = sign_in(always(200, GRANT), entra_form=form)
    assert await tokens.token(REFERRALS_RESOURCE) == "access-1"
    assert script.requests == [f"POST {path}"]
    common = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "client_secret": "hush-hush",
        "refresh_token": "first",
    }
    assert asked(script) == common | expected


async def test_both_forms_of_the_sign_in_work_with_the_simulator() -> None:
    for form in ("v1", "v2"):
        async with office(entra_form=form) as pc:
            assert (await pc.system.changes(None)).more


async def test_a_token_is_renewed_before_it_ends() -> None:
    tokens, script, _, clock = sign_in(rotating())
    assert await tokens.token(REFERRALS_RESOURCE) == "access-1"
    clock.offset += 3600 - 301
    assert await tokens.token(REFERRALS_RESOURCE) == "access-1"
    clock.offset += 2
    assert await tokens.token(REFERRALS_RESOURCE) == "access-2"
    assert len(script.asked) == 2


async def test_a_token_still_good_for_minutes_bridges_an_outage_of_the_sign_in() -> None:
    answers = [Answer(200, orjson.dumps(GRANT)), Answer(503), Answer(503)]
    tokens, _, _, clock = sign_in(lambda *_: answers.pop(0))
    await tokens.token(REFERRALS_RESOURCE)
    clock.offset += 3500
    assert await tokens.token(REFERRALS_RESOURCE) == "access-1"
    clock.offset += 101
    with pytest.raises(Unavailable):
        await tokens.token(REFERRALS_RESOURCE)


async def test_each_resource_has_its_own_token_from_one_sign_in() -> None:
    """Partner-center-api.md 1.2: one refresh token for both resources."""
    tokens, script, _, _ = sign_in(rotating())
    first, second = await asyncio.gather(tokens.token(REFERRALS_RESOURCE), tokens.token(WEBHOOKS_RESOURCE))
    assert {first, second} == {"access-1", "access-2"}
    assert asked(script, 1)["refresh_token"] == "rotated-1"


async def test_a_rotated_refresh_token_is_kept_before_its_access_token_is_used() -> None:
    """A crash in between must not leave only the spent token behind."""
    tokens, _, drawer, _ = sign_in(rotating())
    await tokens.token(REFERRALS_RESOURCE)
    assert orjson.loads(drawer.kept[KEY])["token"] == "rotated-1"


async def test_a_rotated_refresh_token_that_cannot_be_kept_gives_no_access_and_is_not_lost() -> None:
    drawer = Drawer(broken=True)
    tokens, _, _, _ = sign_in(rotating(), keyring=drawer)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await tokens.token(REFERRALS_RESOURCE)
    drawer.broken = False
    assert await tokens.token(REFERRALS_RESOURCE) == "access-2"
    assert orjson.loads(drawer.kept[KEY])["token"] == "rotated-2"


async def test_after_a_restart_the_newest_refresh_token_is_used() -> None:
    entra, drawer = rotating(), Drawer()
    first, _, _, _ = sign_in(entra, keyring=drawer)
    await first.token(REFERRALS_RESOURCE)
    second, script, _, _ = sign_in(entra, keyring=drawer)
    assert await second.token(REFERRALS_RESOURCE) == "access-2"
    assert asked(script)["refresh_token"] == "rotated-1"


async def test_a_new_token_in_the_settings_counts_more_than_an_old_one_kept() -> None:
    """A person signed in again."""
    drawer = Drawer({KEY: orjson.dumps({"from": "someone else", "token": "old"}).decode()})
    tokens, script, _, _ = sign_in(always(200, GRANT), keyring=drawer)
    await tokens.token(REFERRALS_RESOURCE)
    assert asked(script)["refresh_token"] == "first"


@pytest.mark.parametrize("kept", ["", "not json", "[]", "{}", '{"from":1}'])
async def test_a_kept_token_nobody_can_read_is_passed_over(kept: str) -> None:
    tokens, script, _, _ = sign_in(always(200, GRANT), keyring=Drawer({KEY: kept}))
    await tokens.token(REFERRALS_RESOURCE)
    assert asked(script)["refresh_token"] == "first"


async def test_nobody_signed_in_is_signed_out() -> None:
    tokens, script, _, _ = sign_in(always(200, GRANT), refresh_token="")
    with pytest.raises(SignedOut):
        await tokens.token(REFERRALS_RESOURCE)
    assert not script.asked


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "AADSTS700082: expired"}, SignedOut),
        (400, {"error": "interaction_required"}, SignedOut),
        (400, {"error": "consent_required"}, SignedOut),
        (401, {"error": "invalid_client", "error_description": "AADSTS7000222: secret ended"}, Misconfigured),
        (400, {"error": "unauthorized_client"}, Misconfigured),
        (400, {"error": "invalid_resource"}, Misconfigured),
        (429, {"error": "slow"}, Throttled),
        (500, {"error": "server_error"}, Unavailable),
        (503, {"error": "temporarily_unavailable"}, Unavailable),
        (400, ["array"], Unavailable),
        (302, {}, Unavailable),
        (200, ["array"], Unavailable),
        (200, {}, Unavailable),
        (200, {"access_token": 5}, Unavailable),
        (200, {"access_token": ""}, Unavailable),
        (200, {"access_token": "two words"}, Unavailable),
        (200, {"access_token": "line\r\nbreak"}, Unavailable),
        (200, {"access_token": "x" * 17_000}, Unavailable),
        (200, {"access_token": "x" * 1_000_000}, Unavailable),
        (200, {"access_token": "ok", "expires_in": "0"}, Unavailable),
        (200, {"access_token": "ok", "expires_in": "-5"}, Unavailable),
    ],
)
async def test_each_answer_of_the_sign_in_has_one_meaning(
    status: int, body: object, kind: type[CosellError]
) -> None:
    """Reliability.md 8.2: token expiring in the past, 1 MB; partner-center-api.md 1.2."""
    tokens, _, _, _ = sign_in(always(status, body))
    with pytest.raises(kind):
        await tokens.token(REFERRALS_RESOURCE)


@pytest.mark.parametrize("life", [None, "soon", True, 1e12, [], "99999999999999"])
async def test_a_token_without_a_credible_life_is_kept_for_minutes_only(life: object) -> None:
    """Reliability.md 8.2: token without expiry."""
    tokens, script, _, clock = sign_in(always(200, GRANT | {"expires_in": life}))
    await tokens.token(REFERRALS_RESOURCE)
    clock.offset += 301
    await tokens.token(REFERRALS_RESOURCE)
    assert len(script.asked) == 2


async def test_one_failure_is_shared_by_all_who_wait_for_it() -> None:
    gate = asyncio.Event()
    tokens, script, _, _ = sign_in(always(400, {"error": "invalid_grant"}))
    waiting = [asyncio.ensure_future(tokens.token(REFERRALS_RESOURCE)) for _ in range(50)]
    gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, SignedOut) for one in results)
    assert len(script.asked) == 1


async def test_whoever_stops_waiting_takes_the_token_from_nobody() -> None:
    tokens, _, _, _ = sign_in(always(200, GRANT))
    first = asyncio.ensure_future(tokens.token(REFERRALS_RESOURCE))
    second = asyncio.ensure_future(tokens.token(REFERRALS_RESOURCE))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "access-1"


async def test_no_secret_appears_in_what_people_read(pc: Office) -> None:
    """INV-13; reliability.md 8.2: error body with our secret echoed."""
    secrets = [pc.microsoft.entra.client_secret, pc.microsoft.entra.refresh_token]
    echo = orjson.dumps({"error": f"bad {secrets[0]}", "error_description": " ".join(secrets)})
    pc.microsoft.frame.faults.append(Fault("entra", "answer", answer=Answer(400, echo)))
    with pytest.raises(Misconfigured) as caught:
        await pc.system.changes(None)
    told = f"{caught.value} {caught.value.detail} {caught.value.advice} {caught.value.__cause__}"
    assert not any(secret in told for secret in secrets)
    token = await pc.connection.tokens.token(REFERRALS_RESOURCE)
    body = orjson.dumps({"error": {"code": "invalidRequest", "message": f"token {token} is odd"}})
    pc.fault("answer", answer=Answer(400, body))
    pc.fault("answer", answer=Answer(400, body))
    with pytest.raises(CosellError) as refused:
        await pc.system.changes(None)
    assert "is odd" in refused.value.detail
    assert token not in refused.value.detail
