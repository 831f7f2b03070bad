"""Events on their way: signed, thin, repeated, lost, doubled, out of order."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .microsoft import Microsoft, example, free_socket, private_deal, serving
from .test_partner_center_strictness import check

EVENTS = (
    "referral-created",
    "referral-updated",
    "related-referral-created",
    "related-referral-updated",
    "test-created",
)


@dataclass(slots=True)
class Receiver:
    """A callback that keeps what it gets and answers as told."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    calls: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        await self.gate.wait()
        self.calls.append((request.headers, body))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 202)

    def bodies(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.calls]

    def named(self) -> list[tuple[str, str]]:
        """(event, last part of the resource) of every call."""
        return [(one["EventName"], one["ResourceUri"].rpartition("/")[2]) for one in self.bodies()]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    sock, url = free_socket()
    one = Receiver(f"{url}/hook")
    one.gate.set()
    async with serving(Starlette(routes=[Route("/hook", one.take, methods=["POST"])]), sock):
        yield one


@pytest.fixture
def joined(microsoft: Microsoft, receiver: Receiver) -> Microsoft:
    """Microsoft with the receiver registered for everything, impatient."""
    microsoft.webhooks.register(receiver.url, EVENTS)
    microsoft.webhooks.switches.retry_seconds = 0.0
    return microsoft


async def certificate(microsoft: Microsoft, url: str) -> x509.Certificate:
    """The certificate as a client would fetch it, in either form."""
    raw = (await microsoft.ask("GET", url)).raw
    if raw.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(raw)
    return x509.load_der_x509_certificate(raw)


async def verify(microsoft: Microsoft, headers: Mapping[str, str], body: bytes, name: str) -> None:
    """Checks a call as partner-center-api.md 7.3 says, or raises."""
    scheme, _, text = headers[name].partition(" ")
    assert scheme == "Signature"
    assert headers["x-ms-signature-algorithm"] == "rsa-sha256"
    leaf = await certificate(microsoft, headers["x-ms-certificate-url"])
    root = x509.load_pem_x509_certificate(microsoft.webhooks.root_certificate_pem)
    assert "O=Microsoft Corporation" in leaf.issuer.rfc4514_string()
    leaf.verify_directly_issued_by(root)
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(b64decode(text), body, padding.PKCS1v15(), hashes.SHA256())


async def test_a_change_is_told_in_a_thin_signed_event(joined: Microsoft, receiver: Receiver) -> None:
    """partner-center-api.md 7.2 and 7.3."""
    made = await joined.post(private_deal())
    await joined.webhooks.settled()
    ((headers, body),) = receiver.calls
    event = orjson.loads(body)
    assert list(event) == list(example("example-webhook-event-referral-created"))
    check(event, "webhook-event")
    assert event["ResourceUri"] == (
        f"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{made['id']}"
    )
    assert event["ResourceChangeUtcDate"].endswith("+00:00")
    await verify(joined, headers, body, "authorization")
    assert headers["x-ms-certificate-url"] == joined.webhooks.certificate_url
    assert "x-ms-signature" not in headers


@pytest.mark.parametrize("form", ["der", "pem"])
async def test_the_signature_may_stand_in_the_other_header(
    microsoft: Microsoft, receiver: Receiver, form: Any
) -> None:
    """partner-center-api.md 7.1 and 7.3: SignatureTokenToMsSignatureHeader; DER and PEM."""
    microsoft.webhooks.switches.certificate_form = form
    body = {"WebhookUrl": receiver.url, "WebhookEvents": EVENTS, "signatureTokenToMsSignatureHeader": True}
    assert (await microsoft.registration("POST", json=body)).status == 200
    await microsoft.post(private_deal())
    await microsoft.webhooks.settled()
    ((headers, raw),) = receiver.calls
    assert "authorization" not in headers
    await verify(microsoft, headers, raw, "x-ms-signature")


async def test_a_broken_signature_does_not_verify(joined: Microsoft, receiver: Receiver) -> None:
    joined.webhooks.switches.signature = "broken"
    await joined.post(private_deal())
    await joined.webhooks.settled()
    with pytest.raises(InvalidSignature):
        await verify(joined, *receiver.calls[0], "authorization")


async def test_a_strangers_certificate_has_the_names_but_not_the_chain(
    joined: Microsoft, receiver: Receiver
) -> None:
    joined.webhooks.switches.signature = "stranger"
    await joined.post(private_deal())
    await joined.webhooks.settled()
    leaf = await certificate(joined, receiver.calls[0][0]["x-ms-certificate-url"])
    root = x509.load_pem_x509_certificate(joined.webhooks.root_certificate_pem)
    assert leaf.issuer == root.subject
    with pytest.raises(InvalidSignature):
        leaf.verify_directly_issued_by(root)


async def test_an_expired_certificate_is_of_last_year(joined: Microsoft, receiver: Receiver) -> None:
    joined.webhooks.switches.signature = "expired"
    await joined.post(private_deal())
    await joined.webhooks.settled()
    headers, body = receiver.calls[0]
    await verify(joined, headers, body, "authorization")
    leaf = await certificate(joined, headers["x-ms-certificate-url"])
    assert leaf.not_valid_after_utc < joined.frame.clock.now()


async def test_an_event_may_come_in_camel_case(joined: Microsoft, receiver: Receiver) -> None:
    """partner-center-api.md 11 row 12."""
    joined.webhooks.switches.body_case = "camel"
    await joined.post(private_deal())
    await joined.webhooks.settled()
    (event,) = receiver.bodies()
    assert list(event) == list(example("example-webhook-event-camelcase"))
    check(event, "webhook-event")


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("referrals", "https://api.partner.microsoft.com/v1.0/engagements/referrals/"),
        ("sandbox", "http://127.0.0.1:"),
    ],
)
async def test_the_resource_may_be_named_on_another_host(
    joined: Microsoft, receiver: Receiver, form: Any, start: str
) -> None:
    """partner-center-api.md 7.2: both forms occurred."""
    joined.webhooks.switches.resource_uri = form
    made = await joined.post(private_deal())
    await joined.webhooks.settled()
    (event,) = receiver.bodies()
    assert event["ResourceUri"].startswith(start)
    assert event["ResourceUri"].endswith(f"/engagements/referrals/{made['id']}")


async def test_an_engagement_tells_its_whole_story(joined: Microsoft, receiver: Receiver) -> None:
    """partner-center-api.md 7.2."""
    joined.webhooks.switches.concurrency = 1
    own = await joined.post(example("example-create-cosell-step1-own"))
    second = {**example("example-create-cosell-step2-microsoft"), "engagementId": own["engagementId"]}
    theirs = await joined.post(second)
    joined.partner_center.referrals.microsoft_accepts(own["id"])
    await joined.patch(own["id"], ("/salesStage", "20"))
    await joined.webhooks.settled()
    assert receiver.named() == [
        ("referral-created", own["id"]),
        ("related-referral-created", theirs["id"]),
        ("related-referral-updated", theirs["id"]),
        ("referral-updated", own["id"]),
    ]


async def test_only_the_registered_events_are_sent(microsoft: Microsoft, receiver: Receiver) -> None:
    microsoft.webhooks.register(receiver.url, ["referral-updated"])
    made = await microsoft.post(private_deal())
    await microsoft.patch(made["id"], ("/salesStage", "20"))
    await microsoft.webhooks.settled()
    assert receiver.named() == [("referral-updated", made["id"])]


async def test_ten_attempts_and_then_it_is_lost(joined: Microsoft, receiver: Receiver) -> None:
    """partner-center-api.md 7.4."""
    receiver.statuses = [500, 429, 302, 404] * 5
    await joined.post(private_deal())
    await joined.webhooks.settled()
    assert len(receiver.calls) == 10
    (delivery,) = joined.webhooks.deliveries
    assert (delivery.arrived, delivery.ended, len(delivery.results)) == (False, True, 10)


async def test_a_later_attempt_that_succeeds_is_the_last(joined: Microsoft, receiver: Receiver) -> None:
    receiver.statuses = [503, 503]
    await joined.post(private_deal())
    await joined.webhooks.settled()
    (delivery,) = joined.webhooks.deliveries
    assert delivery.results == [503, 503, 202]
    assert len({body for _, body in receiver.calls}) == 1


async def test_a_callback_that_hangs_holds_up_nobody(joined: Microsoft, receiver: Receiver) -> None:
    receiver.gate.clear()
    made = [await joined.post(private_deal()) for _ in range(40)]
    assert receiver.calls == []
    receiver.gate.set()
    await joined.webhooks.settled()
    assert sorted(receiver.named()) == sorted(("referral-created", one["id"]) for one in made)


async def test_the_sender_stops_in_the_middle_of_its_work(joined: Microsoft, receiver: Receiver) -> None:
    receiver.gate.clear()
    await joined.post(private_deal())
    await joined.webhooks.aclose()
    await joined.webhooks.settled()
    assert receiver.calls == []
    receiver.gate.set()


async def test_events_can_be_lost(joined: Microsoft, receiver: Receiver) -> None:
    """partner-center-api.md 11 row 12."""
    switches = joined.webhooks.switches
    switches.drop_next = 2
    made = [await joined.post(private_deal()) for _ in range(3)]
    switches.lose = 1.0
    await joined.post(private_deal())
    switches.lose, switches.events_on = 0.0, False
    await joined.post(private_deal())
    await joined.webhooks.settled()
    assert receiver.named() == [("referral-created", made[2]["id"])]


async def test_events_can_come_more_than_once(joined: Microsoft, receiver: Receiver) -> None:
    joined.webhooks.switches.duplicate = 9
    made = await joined.post(private_deal())
    await joined.webhooks.settled()
    assert receiver.named() == [("referral-created", made["id"])] * 10


async def test_events_can_come_in_another_order(joined: Microsoft, receiver: Receiver) -> None:
    switches = joined.webhooks.switches
    switches.reorder, switches.concurrency = 4, 1
    made = [await joined.post(private_deal()) for _ in range(6)]
    await joined.webhooks.settled()
    named = [referral_id for _, referral_id in receiver.named()]
    assert sorted(named) == sorted(one["id"] for one in made)
    assert named != [one["id"] for one in made]


async def test_a_delayed_event_comes_all_the_same(joined: Microsoft, receiver: Receiver) -> None:
    joined.webhooks.switches.delay = 0.01
    made = await joined.post(private_deal())
    await joined.webhooks.settled()
    assert receiver.named() == [("referral-created", made["id"])]


async def test_a_test_event_reports_every_attempt(joined: Microsoft, receiver: Receiver) -> None:
    """partner-center-api.md 7.1."""
    receiver.statuses = [500]
    correlation = (await joined.registration("POST", "/validationEvents")).json["correlationId"]
    await joined.webhooks.settled()
    assert receiver.named() == [("test-created", correlation)] * 2
    assert receiver.bodies()[0]["ResourceName"] == "test"
    result = (await joined.registration("GET", f"/validationEvents/{correlation}")).json
    check(result, "webhook-validation-result")
    assert set(result) == set(example("example-webhook-validation-result"))
    assert [one["responseCode"] for one in result["results"]] == ["InternalServerError", "Accepted"]
    assert (result["status"], result["callbackUrl"]) == ("completed", receiver.url)


async def test_reset_forgets_the_registration_and_what_is_on_its_way(
    joined: Microsoft, receiver: Receiver
) -> None:
    receiver.gate.clear()
    await joined.post(private_deal())
    joined.webhooks.reset()
    receiver.gate.set()
    await joined.webhooks.settled()
    await joined.post(private_deal())
    assert receiver.calls == []
    assert joined.webhooks.registration is None
    assert joined.webhooks.deliveries == []


async def test_events_before_the_loop_runs_are_sent_with_the_next(
    joined: Microsoft, receiver: Receiver
) -> None:
    create = joined.partner_center.referrals.create_inbound
    early = await asyncio.to_thread(create, {"type": "Shared"})
    late = create({"type": "Shared"})
    await joined.webhooks.settled()
    assert {referral_id for _, referral_id in receiver.named()} == {early["id"], late["id"]}
