"""Who receives the events, and that nobody's are taken silently (7.1); events from end to end (7.2, 7.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from cosell.core.errors import Rejected, SignedOut, Throttled, Unavailable
from cosell.http import AsgiTransport
from cosell.ports import Finding
from cosell.sandbox.entra import WEBHOOKS
from cosell.sandbox.frame import Answer, Fault
from cosell.systems.partner_center.auth import StaticTokens
from cosell.systems.partner_center.options import Options
from cosell.systems.partner_center.registration import (
    REFERRAL_EVENTS,
    TEST_EVENT,
    Attempt,
    Registered,
    Registration,
    Trial,
)
from cosell.systems.partner_center.webhook import Event, Refused
from tests.sandbox.microsoft import free_socket, private_deal, serving
from tests.systems.office import ORIGIN, Answers, Office, Script, always, office

OURS = "https://cosell.contoso.example/webhooks/partner-center"
THEIRS = "https://prod-1.flows.example/invoke?sig=very-secret"


@pytest.fixture
async def pc() -> AsyncIterator[Office]:
    async with office() as made:
        yield made


def by_hand(answer: Answers) -> tuple[Registration, Script]:
    script = Script(answer)
    tokens = StaticTokens({WEBHOOKS: "token-two"})
    transport = AsgiTransport({ORIGIN: script})
    return Registration(Options(webhooks_url=ORIGIN), transport=transport, tokens=tokens), script


async def findings(pc: Office) -> dict[str, Finding]:
    return {one.name: one for one in await pc.system.check()}


@pytest.mark.parametrize("nothing", ["404", "empty"])
async def test_no_registration_is_no_error(pc: Office, nothing: Any) -> None:
    pc.microsoft.webhooks.switches.no_registration = nothing
    assert await pc.connection.registration.status() is None
    assert (await findings(pc))["events"].ok


async def test_registering_asks_for_all_four_events(pc: Office) -> None:
    made = await pc.connection.registration.register(OURS)
    assert set(made.events) == {*REFERRAL_EVENTS}
    assert await pc.connection.registration.status() == made
    assert not made.missing()
    assert "cosell.contoso.example" in (await findings(pc))["events"].message


async def test_registering_again_is_harmless(pc: Office) -> None:
    """Partner-center-api.md 7.2: Microsoft's first advice when events stop."""
    first = await pc.connection.registration.register(OURS)
    assert await pc.connection.registration.register(OURS) == first


async def test_a_foreign_address_is_shown_and_not_taken(pc: Office) -> None:
    """C-39."""
    pc.microsoft.webhooks.register(THEIRS, ["subscription-updated"])
    with pytest.raises(Rejected) as caught:
        await pc.connection.registration.register(OURS)
    assert caught.value.code == "webhook_taken"
    assert "prod-1.flows.example/invoke" in caught.value.message
    assert "very-secret" not in f"{caught.value.message}{caught.value.detail}{caught.value.advice}"
    assert (await pc.connection.registration.status()) == Registered(THEIRS, ("subscription-updated",))


async def test_a_foreign_address_is_taken_when_told_to_and_its_events_are_kept(pc: Office) -> None:
    """Partner-center-api.md 7.1: merge the event list."""
    pc.microsoft.webhooks.register(THEIRS, ["subscription-updated", "referral-created"])
    made = await pc.connection.registration.register(OURS, overwrite=True)
    assert made.url == OURS
    assert set(made.events) == {"subscription-updated", *REFERRAL_EVENTS}


async def test_a_release_gives_the_address_back(pc: Office) -> None:
    pc.microsoft.webhooks.register(THEIRS, ["subscription-updated"])
    before = await pc.connection.registration.status()
    await pc.connection.registration.register(OURS, overwrite=True)
    after = await pc.connection.registration.release(OURS, give_to=before)
    assert after == before


async def test_a_release_to_nobody_leaves_what_is_not_ours(pc: Office) -> None:
    """Partner-center-api.md 7.1: there is no deletion."""
    await pc.connection.registration.register(OURS)
    left = await pc.connection.registration.release(OURS)
    assert left == Registered(OURS, ("test-created",))
    found = (await findings(pc))["events"]
    assert not found.ok
    assert "referral-created" in found.message


async def test_events_of_other_products_survive_a_release(pc: Office) -> None:
    """Partner-center-api.md 7.1: one registration per tenant, also for what joined the list meanwhile."""
    pc.microsoft.webhooks.register(THEIRS, ["referral-created"])
    before = await pc.connection.registration.status()
    made = await pc.connection.registration.register(OURS, overwrite=True)
    pc.microsoft.webhooks.register(OURS, [*made.events, "subscription-updated"])
    after = await pc.connection.registration.release(OURS, give_to=before)
    assert after == Registered(THEIRS, ("referral-created", "subscription-updated"))


async def test_the_choice_of_header_goes_back_where_partner_center_tells_it() -> None:
    """Partner-center-api.md 7.1: the contract has the property, the documented answer of GET has not."""
    theirs = {"webhookUrl": THEIRS, "webhookEvents": ["a"], "signatureTokenToMsSignatureHeader": True}
    registration, _ = by_hand(always(200, orjson.dumps(theirs)))
    before = await registration.status()
    assert before == Registered(THEIRS, ("a",), True)
    ours = {"WebhookUrl": OURS, "WebhookEvents": ["a"]}
    registration, script = by_hand(always(200, orjson.dumps(ours)))
    await registration.release(OURS, give_to=before)
    assert orjson.loads(script.asked[-1][3])["SignatureTokenToMsSignatureHeader"] is True


async def test_results_are_read_as_microsoft_writes_them_and_as_it_might() -> None:
    """Partner-center-api.md 7.1: one result per attempt; names of .NET are shown, numbers no surprise."""
    told = {
        "Status": "completed",
        "Results": [
            {
                "ResponseCode": "Unauthorized",
                "ResponseMessage": "no",
                "SystemError": False,
                "DateTimeUtc": "d",
            },
            {"responseCode": None, "responseMessage": None, "systemError": True, "dateTimeUtc": None},
            {"responseCode": 202},
            "nonsense",
        ],
    }
    registration, _ = by_hand(always(200, orjson.dumps(told)))
    trial = await registration.outcome("c")
    assert trial == Trial(
        "completed",
        (Attempt("Unauthorized", "no", False, "d"), Attempt("", "", True), Attempt("202"), Attempt("")),
    )
    assert trial.arrived


async def test_what_is_not_ours_is_not_released(pc: Office) -> None:
    assert await pc.connection.registration.release(OURS) is None
    pc.microsoft.webhooks.register(THEIRS, ["subscription-updated"])
    with pytest.raises(Rejected) as caught:
        await pc.connection.registration.release(OURS)
    assert caught.value.code == "webhook_foreign"


async def test_the_offered_events_are_listed(pc: Office) -> None:
    assert set(REFERRAL_EVENTS) <= set(await pc.connection.registration.offered())


@pytest.mark.parametrize("pascal", [True, False])
async def test_both_spellings_of_a_registration_are_read(pascal: bool) -> None:
    """Partner-center-api.md 7.1."""
    body = {"WebhookUrl": OURS, "WebhookEvents": ["a", None, 7]}
    if not pascal:
        body = {key[0].lower() + key[1:]: value for key, value in body.items()}
    registration, script = by_hand(always(200, body))
    assert await registration.status() == Registered(OURS, ("a",))
    assert script.asked[0][2]["authorization"] == "Bearer token-two"


async def test_the_request_is_spelled_as_documented() -> None:
    def answer(method: str, path: str, sent: bytes) -> Answer:
        return Answer(404) if method == "GET" else Answer(200, sent)

    registration, script = by_hand(answer)
    await registration.register(OURS, signature_in_own_header=True)
    assert script.requests == ["GET /webhooks/v1/registration", "POST /webhooks/v1/registration"]
    assert orjson.loads(script.asked[1][3]) == {
        "WebhookUrl": OURS,
        "WebhookEvents": [*REFERRAL_EVENTS],
        "SignatureTokenToMsSignatureHeader": True,
    }


async def test_a_registration_that_appeared_in_between_is_not_overwritten() -> None:
    """Partner-center-api.md 7.1: 409 if one exists."""
    registration, script = by_hand(lambda method, *_: Answer(404 if method == "GET" else 409))
    with pytest.raises(Rejected):
        await registration.register(OURS)
    assert len(script.asked) == 2


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"WebhookUrl":7}', b'{"WebhookUrl":""}'])
async def test_a_registration_without_address_is_none(body: bytes) -> None:
    registration, _ = by_hand(always(200, body))
    assert await registration.status() is None


async def test_nonsense_is_unavailable() -> None:
    registration, _ = by_hand(always(200, b"<html>"))
    with pytest.raises(Unavailable):
        await registration.status()


async def test_a_lapsed_token_is_renewed_once(pc: Office) -> None:
    await pc.connection.registration.status()
    pc.microsoft.entra.expire_access_tokens()
    assert await pc.connection.registration.status() is None
    fault = Fault("webhooks", "answer", times=9, answer=pc.microsoft.partner_center.faults["401"])
    pc.microsoft.frame.faults.append(fault)
    with pytest.raises(SignedOut):
        await pc.connection.registration.status()


# --- events from end to end ------------------------------------------------------------------------


@asynccontextmanager
async def listening(pc: Office) -> AsyncIterator[tuple[str, list[Event | str]]]:
    """An address that verifies what arrives, and what it heard."""
    heard: list[Event | str] = []

    async def receiver(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        try:
            heard.append(await pc.connection.webhook.verify(scope["headers"], body))
            status = 202
        except Refused as refusal:
            heard.append(refusal.detail)
            status = 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    sock, url = free_socket()
    async with serving(receiver, sock):
        yield f"{url}/webhooks", heard


@pytest.mark.parametrize("form", ["der", "pem"])
@pytest.mark.parametrize("case", ["pascal", "camel"])
@pytest.mark.parametrize("own_header", [True, False])
@pytest.mark.parametrize("uri", ["documented", "referrals", "sandbox"])
async def test_events_arrive_in_every_documented_dress(
    form: Any, case: Any, own_header: bool, uri: Any
) -> None:
    """Partner-center-api.md 7.2, 7.3, 11 row 12."""
    async with office() as pc, listening(pc) as (url, heard):
        switches = pc.microsoft.webhooks.switches
        switches.certificate_form, switches.body_case, switches.resource_uri = form, case, uri
        await pc.connection.registration.register(url, signature_in_own_header=own_header)
        made = await pc.microsoft.post(private_deal())
        pc.edit(made["id"], details__dealValue=7)
        await pc.microsoft.webhooks.settled()
        assert heard == [Event("referral-created", made["id"]), Event("referral-updated", made["id"])]


@pytest.mark.parametrize(
    ("how", "why"),
    [("broken", "does not fit"), ("stranger", "no trusted authority"), ("expired", "has expired")],
)
async def test_events_signed_by_others_are_refused(how: Any, why: str) -> None:
    async with office() as pc, listening(pc) as (url, heard):
        pc.microsoft.webhooks.switches.signature = how
        pc.microsoft.webhooks.switches.attempts = 1
        await pc.connection.registration.register(url)
        await pc.microsoft.post(private_deal())
        await pc.microsoft.webhooks.settled()
        assert [why in str(one) for one in heard] == [True]


async def test_a_test_event_arrives_and_its_outcome_is_told() -> None:
    """Partner-center-api.md 7.1: validation events."""
    async with office() as pc, listening(pc) as (url, heard):
        made = await pc.connection.registration.register(url)
        await pc.connection.registration.subscribe(made, [*made.events, TEST_EVENT])
        correlation = await pc.connection.registration.try_out()
        await pc.microsoft.webhooks.settled()
        trial = await pc.connection.registration.outcome(correlation)
        assert heard == [Event("test-created", "")]
        assert trial.status == "completed"
        assert trial.arrived, trial


async def test_test_events_cannot_be_asked_for_without_limit(pc: Office) -> None:
    """Partner-center-api.md 8: two a minute."""
    pc.microsoft.webhooks.register("http://127.0.0.1:9/nobody", [TEST_EVENT])
    for _ in range(2):
        await pc.connection.registration.try_out()
    with pytest.raises(Throttled):
        await pc.connection.registration.try_out()


# --- the check -------------------------------------------------------------------------------------


async def test_the_check_tells_organisation_solutions_and_sign_in(pc: Office) -> None:
    await pc.microsoft.post(private_deal())
    found = await findings(pc)
    assert all(one.ok for one in found.values())
    assert "Contoso Partner BV" in found["organisation"].message
    assert "SOL-10001-AAA" in found["solutions"].message
    assert found.keys() == {"sign-in", "role", "organisation", "partner id", "solutions", "clock", "events"}


async def test_the_check_changes_nothing(pc: Office) -> None:
    await pc.microsoft.post(private_deal())
    pc.forget_calls()
    await pc.system.check()
    assert pc.calls() == pc.calls("GET") == 1


async def test_the_check_names_a_lapsed_sign_in_a_missing_role_and_a_foreign_organisation(pc: Office) -> None:
    pc.fault("answer", answer="403")
    assert not (await findings(pc))["role"].ok
    await pc.microsoft.post(private_deal())
    newcomer = pc.newcomer(organization_id="someone-else").system
    found = {one.name: one for one in await newcomer.check()}
    assert not found["organisation"].ok
    pc.microsoft.entra.switches.mfa = False
    pc.microsoft.entra.expire_access_tokens()
    (lapsed,) = (await findings(pc)).values()
    assert (lapsed.name, lapsed.ok) == ("sign-in", False)
    assert "multi-factor" in lapsed.message


async def test_the_check_names_whoever_has_our_events(pc: Office) -> None:
    pc.microsoft.webhooks.register(THEIRS, REFERRAL_EVENTS)
    newcomer = pc.newcomer(callback_url=OURS).system
    found = {one.name: one for one in await newcomer.check()}["events"]
    assert not found.ok
    assert "prod-1.flows.example/invoke" in found.message
    assert "very-secret" not in found.message


async def test_the_check_names_a_clock_that_is_wrong(pc: Office) -> None:
    pc.fault("answer", answer=Answer(200, b'{"value":[]}', {"date": "Mon, 12 Jan 1970 13:48:20 GMT"}))
    assert not (await findings(pc))["clock"].ok
