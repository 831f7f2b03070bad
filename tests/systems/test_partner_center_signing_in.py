"""A person signs in to Partner Center once: partner-center-api.md 1.2."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson
import pytest

from cosell.core.errors import CosellError, Misconfigured, NotAllowed, SignedOut, Throttled, Unavailable
from cosell.http import AsgiTransport
from cosell.sandbox.frame import Answer
from cosell.systems.partner_center.options import REFERRALS_RESOURCE, Options
from cosell.systems.partner_center.signing_in import SigningIn
from tests.systems.office import ORIGIN, Answers, OwnClock, Script, always

GRANT = {"token_type": "Bearer", "expires_in": "3600", "access_token": "a", "refresh_token": "r-1"}
HERE = "http://localhost:4711"


def signing_in(answer: Answers, **changes: Any) -> tuple[SigningIn, Script, OwnClock]:
    script, clock = Script(answer), OwnClock()
    options = Options(authority=ORIGIN, tenant="contoso", client_id="app", **changes)
    transport = AsgiTransport({ORIGIN: script})
    return SigningIn(options, transport=transport, clock=clock, client_secret="hush-hush"), script, clock


def asked(script: Script, place: int = -1) -> dict[str, str]:
    return {key: value[0] for key, value in parse_qs(script.asked[place][3].decode()).items()}


def refused(error: str, number: int = 0, status: int = 400) -> Answers:
    return always(status, {"error": error, "error_description": f"AADSTS{number}: text"})


def one_by_one(*answers: tuple[int, dict[str, Any]]) -> Answers:
    left = list(answers)

    def answer(*_: Any) -> Answer:
        status, body = left.pop(0)
        return Answer(status, orjson.dumps(body))

    return answer


@pytest.mark.parametrize(
    ("form", "path", "naming"),
    [
        ("v1", "/contoso/oauth2/", {"resource": REFERRALS_RESOURCE, "scope": "openid offline_access"}),
        ("v2", "/contoso/oauth2/v2.0/", {"scope": f"{REFERRALS_RESOURCE}/.default offline_access openid"}),
    ],
)
async def test_the_person_is_sent_away_with_a_proof_and_the_code_is_redeemed_with_it(
    form: str, path: str, naming: dict[str, str]
) -> None:
    made, script, _ = signing_in(always(200, GRANT), entra_form=form)
    question = made.ask(HERE)
    parts = urlsplit(question.url)
    sent = dict(parse_qsl(parts.query))
    assert parts.path == f"{path}authorize"
    assert sent["code_challenge_method"] == "S256"
    assert sent["redirect_uri"] == HERE
    assert naming.items() <= sent.items()
    assert await made.redeem(question, "the-code") == "r-1"
    form_sent = asked(script)
    assert script.requests == [f"POST {path}token"]
    assert form_sent["client_secret"] == "hush-hush"
    assert form_sent["redirect_uri"] == HERE
    assert 43 <= len(form_sent["code_verifier"]) <= 128
    assert form_sent["code_verifier"] not in question.url


async def test_no_two_questions_are_alike() -> None:
    made, _, _ = signing_in(always(200, GRANT))
    first, second = made.ask(HERE), made.ask(HERE)
    assert (first.state, first.verifier) != (second.state, second.verifier)


async def test_an_answer_to_another_question_is_thrown_away() -> None:
    made, script, _ = signing_in(always(200, GRANT))
    question = made.ask(HERE)
    with pytest.raises(SignedOut, match="belongs to another sign-in"):
        question.code({"code": "x", "state": "theirs"})
    with pytest.raises(SignedOut, match="without a code"):
        question.code({"state": question.state})
    assert script.asked == []


async def test_a_device_waits_as_long_as_it_is_told_to() -> None:
    """Partner-center-api.md 1.2: device code; numbers come as text from the older endpoint."""
    began = {
        "user_code": "ABC123",
        "device_code": "dev",
        "verification_url": "https://x.test/devicelogin",
        "expires_in": "900",
        "interval": "7",
    }
    pending: tuple[int, dict[str, Any]] = (400, {"error": "authorization_pending"})
    slower: tuple[int, dict[str, Any]] = (400, {"error": "slow_down"})
    made, script, clock = signing_in(one_by_one((200, began), pending, slower, (200, GRANT)))
    waiting = await made.begin()
    assert (waiting.address, waiting.user_code) == ("https://x.test/devicelogin", "ABC123")
    assert await made.wait(waiting) == "r-1"
    assert clock.offset == 7 + 7 + 12
    assert asked(script)["code"] == "dev"
    assert asked(script)["grant_type"] == "device_code"


async def test_a_code_that_nobody_typed_ends() -> None:
    began = {"user_code": "A", "device_code": "d", "verification_uri": "https://x.test", "expires_in": 12}
    pending: tuple[int, dict[str, Any]] = (400, {"error": "authorization_pending"})
    made, _, _ = signing_in(one_by_one((200, began), pending, pending, pending), entra_form="v2")
    with pytest.raises(SignedOut, match="in time"):
        await made.wait(await made.begin())


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (refused("invalid_grant", 65001), NotAllowed, "Nobody consented"),
        (refused("access_denied", 65004), SignedOut, "declined"),
        (refused("invalid_grant", 50105), NotAllowed, "may not use the application"),
        (refused("invalid_grant", 50076), SignedOut, "second factor"),
        (refused("unauthorized_client", 700016), Misconfigured, "does not know the application"),
        (refused("invalid_client", 7000215, 401), SignedOut, "secret of the application is wrong"),
        (refused("invalid_client", 7000222, 401), SignedOut, "has ended"),
        (refused("invalid_grant"), SignedOut, "took too long"),
        (refused("anything_else"), Misconfigured, "refuses the application"),
        (always(429, {"error": "x"}), Throttled, "slow down"),
        (always(503, b"<html>"), Unavailable, "out of order"),
        (always(200, {"access_token": "a"}), NotAllowed, "no refresh token"),
    ],
)
async def test_a_refusal_says_what_happened_and_whose_move_it_is(
    answer: Answers, kind: type[CosellError], says: str
) -> None:
    made, _, _ = signing_in(answer)
    with pytest.raises(kind, match=says) as caught:
        await made.redeem(made.ask(HERE), "the-code")
    assert caught.value.advice
    assert "hush-hush" not in f"{caught.value.message} {caught.value.detail} {caught.value.advice}"


async def test_consent_that_was_withheld_comes_back_with_the_browser() -> None:
    made, _, _ = signing_in(always(200, GRANT))
    question = made.ask(HERE)
    told = {"error": "access_denied", "error_description": "AADSTS65001: x", "state": question.state}
    with pytest.raises(NotAllowed) as caught:
        question.code(told)
    assert "grants consent" in caught.value.advice
