"""Calls that claim to come from Partner Center (reliability.md 8.1; partner-center-api.md 7.2, 7.3)."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cosell.core.errors import Misconfigured
from cosell.sandbox.frame import Answer
from cosell.systems.partner_center.options import CERTIFICATES
from cosell.systems.partner_center.webhook import Event, Refused
from tests.systems.signing import (
    REFERRAL,
    SIGNER,
    URL,
    Holder,
    Store,
    event,
    headers,
    issue,
    key,
    leaf,
    root,
    signature,
    webhook,
)

Raw = list[tuple[bytes, bytes]]


async def refused(raw: Raw, body: bytes, store: Store | None = None, **changes: Any) -> str:
    """The reason for the log; the sender learns nothing of it."""
    receiver, _, _ = webhook(store, **changes)
    with pytest.raises(Refused) as caught:
        await receiver.verify(raw, body)
    assert caught.value.message == "The event could not be verified."
    return caught.value.detail


async def test_a_signed_event_is_a_name_and_an_id_and_nothing_else() -> None:
    """INV-16."""
    receiver, store, _ = webhook()
    found = await receiver.verify(headers(event()), event())
    assert found == Event("referral-updated", REFERRAL)
    assert store.asked == ["/cert/pcnotifications-dispatch.microsoft.com.cer"]


@pytest.mark.parametrize(
    "name",
    [
        "referral-created",
        "referral-updated",
        "related-referral-created",
        "related-referral-updated",
        "Referral-Updated",
    ],
)
async def test_all_four_events_are_heard(name: str) -> None:
    receiver, _, _ = webhook()
    body = event(EventName=name)
    assert await receiver.verify(headers(body), body) == Event(name.lower(), REFERRAL)


@pytest.mark.parametrize("name", ["test-created", "subscription-updated", "something-new"])
async def test_an_event_about_something_else_is_genuine_and_names_no_referral(name: str) -> None:
    """Partner-center-api.md 7.1: one registration serves the whole tenant."""
    receiver, _, _ = webhook()
    body = event(EventName=name, ResourceUri="https://api.partnercenter.microsoft.com/x/1")
    assert await receiver.verify(headers(body), body) == Event(name, "")


@pytest.mark.parametrize(
    "uri",
    [
        f"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{REFERRAL}",
        f"https://api.partner.microsoft.com/v1.0/engagements/referrals/{REFERRAL}",
        f"https://api.partner.microsoft.com/v1.0/engagements/referrals/{REFERRAL.upper()}",
        f"https://api.partner.microsoft.com/v1.0/engagements/referrals/{REFERRAL}?x=1#y",
        f"http://169.254.169.254/latest/{REFERRAL}",
        f"file:///etc/{REFERRAL}",
        f"//localhost/../../{REFERRAL}",
    ],
)
async def test_only_the_id_is_taken_from_the_address_and_nothing_is_called(uri: str) -> None:
    """SSRF: the address in a body is never fetched, so where it points does not matter."""
    receiver, store, _ = webhook()
    body = event(ResourceUri=uri)
    assert (await receiver.verify(headers(body), body)).referral_id == REFERRAL
    assert len(store.asked) == 1


@pytest.mark.parametrize(
    "uri",
    [
        None,
        7,
        {},
        [REFERRAL],
        "",
        "/",
        REFERRAL[:-1],
        REFERRAL + "0",
        f"https://x.test/{REFERRAL}/",
        f"https://x.test/{REFERRAL}%2F..",
        f"https://x.test/..%2F{REFERRAL}",
        f"https://x.test/?id={REFERRAL}",
        f"https://x.test/#{REFERRAL}",
        "https://x.test/1' or '1'='1",
        f"https://x.test/{'a' * 1_000}/" + "b" * 1_100 + f"/{REFERRAL}",
    ],
)
async def test_an_id_of_the_wrong_shape_is_refused(uri: object) -> None:
    body = event(ResourceUri=uri)
    assert "referral" in await refused(headers(body), body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'"referral-updated"',
        b"null",
        b"7",
        b"<html>",
        b"{",
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"EventName":1e999}',
        b'{"EventName":NaN}',
        b'{"EventName":null}',
        b'{"EventName":""}',
        b'{"EventName":["referral-updated"]}',
        b'{"EventName":"referral updated"}',
        b'{"EventName":"referral-updated\\u0000"}',
        b'{"EventName":"referral-updated\\r\\nX: 1"}',
        b'{"EventName":"' + b"x" * 65 + b'"}',
        b"\xff\xfe{\x00}\x00",
        b"\xc3\x28",
        b"\x00",
        event()[:-1] + b',"EventName":"referral-created"}',
        event()[:-1] + b',"eventname":"referral-created"}',
        event()[:-1] + b',"resourceuri":"https://x.test/a2000000-0000-4000-8000-00000000dead"}',
    ],
)
async def test_a_genuine_signature_over_nonsense_is_refused(body: bytes) -> None:
    await refused(headers(body), body)


async def test_names_may_be_spelled_in_either_case() -> None:
    """Partner-center-api.md 7.1: camelCase and PascalCase both occur."""
    receiver, _, _ = webhook()
    body = orjson.dumps({"eventName": "referral-created", "resourceUri": f"https://x.test/{REFERRAL}"})
    assert await receiver.verify(headers(body), body) == Event("referral-created", REFERRAL)


async def test_dates_in_the_event_are_not_even_looked_at() -> None:
    receiver, _, _ = webhook()
    for when in ("2999-01-01T00:00:00Z", "1601-01-01T00:00:00", "yesterday", None, 7):
        body = event(ResourceChangeUtcDate=when)
        assert (await receiver.verify(headers(body), body)).referral_id == REFERRAL


# --- body and signature ----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b" " * (64 * 1024 + 1)])
async def test_an_empty_or_oversized_body_is_refused_before_anything_is_fetched(body: bytes) -> None:
    store = Store()
    await refused(headers(body), body, store)
    assert not store.asked


async def test_a_body_of_just_the_allowed_size_is_taken() -> None:
    receiver, _, _ = webhook()
    body = event()
    body += b" " * (64 * 1024 - len(body))
    assert (await receiver.verify(headers(body), body)).referral_id == REFERRAL


@pytest.mark.parametrize(
    "changed",
    [
        event() + b" ",
        b"\xef\xbb\xbf" + event(),
        event().replace(b"referral-updated", b"referral-created"),
        orjson.dumps(orjson.loads(event()), option=orjson.OPT_INDENT_2),
        orjson.dumps(orjson.loads(event()), option=orjson.OPT_SORT_KEYS),
        event().replace(b"0001", b"0002"),
    ],
)
async def test_a_signature_fits_the_raw_bytes_and_no_others(changed: bytes) -> None:
    """The same JSON written anew has another signature."""
    assert "does not fit" in await refused(headers(event()), changed)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"Signature",
        b"Signature ",
        b"Bearer " + signature(event()),
        b"Signature not base64!",
        b"Signature " + signature(event()) + b"junk",
        b"Signature " + signature(event())[:-8],
        b"Signature " + base64.b64encode(b"short"),
        b"Signature " + base64.b64encode(b"x" * 1025),
        b"Signature " + base64.b64encode(b"\x00" * 256),
        b"Signature " + b"A" * 64_000,
        b"Signature \xff\xfe",
        b"none",
        signature(event()),
    ],
)
async def test_a_signature_that_is_none_is_refused(value: bytes | None) -> None:
    await refused(headers(event(), authorization=value), event())


async def test_both_documented_places_of_the_signature_are_read() -> None:
    """Partner-center-api.md 7.3."""
    receiver, _, _ = webhook()
    signed = b"signature  " + signature(event())
    moved = headers(event(), authorization=None, x_ms_signature=signed)
    assert await receiver.verify(moved, event())
    gateway = headers(event(), authorization=b"Bearer of-the-gateway", x_ms_signature=signed)
    assert await receiver.verify(gateway, event())
    upper = [(name.upper(), value) for name, value in headers(event())]
    assert await receiver.verify(upper, event())


async def test_where_both_places_hold_a_signature_the_first_one_counts() -> None:
    receiver, _, _ = webhook()
    wrong = b"Signature " + signature(b"other")
    assert await receiver.verify(headers(event(), x_ms_signature=wrong), event())
    await refused(
        headers(event(), authorization=wrong, x_ms_signature=b"Signature " + signature(event())), event()
    )


@pytest.mark.parametrize("name", [b"authorization", b"x-ms-certificate-url", b"X-MS-Signature-Algorithm"])
async def test_a_header_that_comes_twice_is_refused(name: bytes) -> None:
    raw = headers(event())
    twin = next(value for known, value in raw if known.lower() == name.lower())
    assert "twice" in await refused([*raw, (name, twin)], event())


@pytest.mark.parametrize(
    "algorithm",
    [None, b"", b"none", b"rsa-sha1", b"RSA-SHA1", b"sha256", b"rsa-sha512", b"hs256", b"rsa-sha256-x"],
)
async def test_no_algorithm_but_the_documented_one_is_taken(algorithm: bytes | None) -> None:
    """A sender that may choose would choose the weakest."""
    raw = headers(event(), x_ms_signature_algorithm=algorithm)
    assert "algorithm" in await refused(raw, event())


async def test_a_weaker_hash_under_the_name_of_the_right_one_is_refused() -> None:
    weak = b"Signature " + signature(event(), algorithm=hashes.SHA1())
    assert "does not fit" in await refused(headers(event(), authorization=weak), event())


async def test_a_replay_passes_and_tells_the_same_again() -> None:
    """The signature has no time and no nonce (7.3): after an hour, and after a year."""
    receiver, _, clock = webhook()
    raw = headers(event())
    for wait in (0.0, 3600.0, 300 * 86_400.0):
        clock.wall += wait
        clock.offset += wait
        assert await receiver.verify(raw, event()) == Event("referral-updated", REFERRAL)


# --- certificates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        URL.replace("https", "http"),
        URL.replace("3psostorageacct", "3psostorageacct2"),
        URL.replace("3psostorageacct", "evil"),
        URL.replace(".windows.net", ".windows.net.evil.test"),
        URL.replace("https://", "https://evil.test@"),
        URL.replace("https://", "https://3psostorageacct.blob.core.windows.net@evil.test/"),
        URL.replace(".net/", ".net:443/"),
        URL.replace(".net/", ".net:8443/"),
        URL.replace("3pso", "3PSO"),
        URL.replace("/cert/", "/cert/../other/"),
        URL.replace("/cert/", "/certs/"),
        URL.replace("/cert/", "//cert/"),
        URL.replace("/cert/", "/cert/sub/"),
        URL.replace("/cert/", "/other/cert/"),
        URL + "?sig=1",
        URL + "#x",
        URL + "%00",
        URL[:-4] + ".pem",
        URL[:-4] + ".cer.exe",
        URL[:-4] + "%2e.cer",
        URL[:-4] + "x" * 200 + ".cer",
        f"{CERTIFICATES}/cert/.cer/..",
        "https://127.0.0.1/cert/a.cer",
        "https://169.254.169.254/cert/a.cer",
        "https://[::1]/cert/a.cer",
        "https://2130706433/cert/a.cer",
        "file:///cert/a.cer",
        "data:,cert/a.cer",
    ],
)
async def test_a_certificate_is_fetched_from_the_exact_place_only(url: str | None) -> None:
    """Partner-center-api.md 7.3: exact host, path, no user info, no port, no redirect."""
    store = Store()
    raw = headers(event(), x_ms_certificate_url=url.encode() if url is not None else None)
    assert "address" in await refused(raw, event(), store)
    assert not store.asked


async def test_other_places_can_be_configured() -> None:
    store = Store()
    raw = headers(event(), x_ms_certificate_url=b"https://certs.test/cert/new.cer")
    assert "fetched" in await refused(raw, event(), store, certificate_origins=("certs.test",))
    assert "address" in await refused(headers(event()), event(), store, certificate_origins=("certs.test",))


@pytest.mark.parametrize(
    "file",
    [
        Answer(302, b"", {"location": URL}),
        Answer(301, leaf().der, {"location": "https://evil.test/"}),
        Answer(404),
        Answer(500),
        Answer(206, leaf().der),
        Answer(200, b""),
        Answer(200, b"<html>"),
        Answer(200, leaf().der[:-10]),
        Answer(200, leaf().pem[:200]),
        Answer(200, b"\x00" * (64 * 1024 + 1)),
        Answer(200, b"x" * 10_000_000),
        Answer(200, b"-----BEGIN CERTIFICATE-----\n" * 100),
    ],
)
async def test_a_file_that_is_no_certificate_vouches_for_nothing(file: Answer) -> None:
    await refused(headers(event()), event(), Store(file))


@pytest.mark.parametrize("form", ["der", "pem"])
async def test_both_forms_of_a_certificate_file_are_read(form: str) -> None:
    """Partner-center-api.md 7.3 step 4."""
    receiver, _, _ = webhook(Store(Answer(200, getattr(leaf(), form))))
    assert await receiver.verify(headers(event()), event())


def strange_root() -> Holder:
    """The name of the root with another key."""
    return issue("Microsoft Test Root", own=key("strange"), authority=True)


def elliptic() -> Holder:
    return issue(SIGNER, root(), own=ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    ("holder", "why"),
    [
        (lambda: issue(SIGNER, root(), until=timedelta(hours=-1), since=timedelta(days=-9)), "expired"),
        (lambda: issue(SIGNER, root(), since=timedelta(hours=1)), "not valid yet"),
        (lambda: issue(SIGNER, strange_root()), "no trusted authority"),
        (lambda: issue(SIGNER, leaf()), "no trusted authority"),
        (lambda: issue(SIGNER), "not issued by Microsoft|no trusted authority"),
        (lambda: issue("www.contoso.example", root()), "not Microsoft's own"),
        (lambda: issue("pcnotifications-dispatch.microsoft.com.evil.test", root()), "not Microsoft's own"),
        (lambda: issue("evil-microsoft.com", root()), "not Microsoft's own"),
        (lambda: issue(SIGNER, issue("Evil", authority=True, organisation="Evil Corporation")), "not issued"),
        (lambda: issue(SIGNER, root(), own=key("small", 1024)), "sufficient size"),
        (elliptic, "no RSA key"),
    ],
)
async def test_a_certificate_must_be_microsofts_own_in_every_respect(holder: Any, why: str) -> None:
    """Expired, not yet valid, right name but wrong chain, right chain but wrong subject."""
    made: Holder = holder()
    signer = made if not isinstance(made.key, ec.EllipticCurvePrivateKey) else leaf()
    raw = headers(event(), authorization=b"Signature " + base64.b64encode(b"x" * 256))
    if signer is made and made.certificate.public_key() != key("small", 1024).public_key():
        raw = headers(event(), made)
    found = await refused(raw, event(), Store(Answer(200, made.der)))
    assert any(one in found for one in why.split("|"))


async def test_a_chain_may_lead_over_intermediates_in_the_file() -> None:
    """Partner-center-api.md 7.3 step 5: be ready to supply intermediates."""
    middle = issue("Microsoft Middle", root(), authority=True)
    last = issue(SIGNER, middle)
    receiver, _, _ = webhook(Store(Answer(200, last.pem + middle.pem)))
    assert await receiver.verify(headers(event(), last), event())
    assert "no trusted" in await refused(headers(event(), last), event(), Store(Answer(200, last.pem)))
    anchored, _, _ = webhook(Store(Answer(200, last.der)), certificate_roots=middle.pem)
    assert await anchored.verify(headers(event(), last), event())


async def test_a_chain_without_end_is_given_up() -> None:
    holder = strange_root()
    chain = [holder]
    for step in range(12):
        chain.append(issue(f"Step {step}", chain[-1], own=key("steps"), authority=True))
    last = issue(SIGNER, chain[-1], own=key("steps"))
    file = last.pem + b"".join(one.pem for one in reversed(chain))
    assert "no trusted" in await refused(headers(event(), last), event(), Store(Answer(200, file)))


async def test_an_authority_that_is_none_cannot_vouch() -> None:
    """A leaf must not issue leaves."""
    pretender = issue("Microsoft Pretender", root(), authority=False)
    last = issue(SIGNER, pretender)
    file = last.pem + pretender.pem
    assert "no trusted" in await refused(headers(event(), last), event(), Store(Answer(200, file)))


async def test_a_certificate_that_ended_is_not_trusted_from_memory() -> None:
    brief = issue(SIGNER, root(), until=timedelta(minutes=10))
    receiver, _, clock = webhook(Store(Answer(200, brief.der)))
    assert await receiver.verify(headers(event(), brief), event())
    clock.wall += 601
    clock.offset += 601
    with pytest.raises(Refused):
        await receiver.verify(headers(event(), brief), event())


async def test_a_thousand_events_fetch_the_certificate_once() -> None:
    receiver, store, clock = webhook()
    raw = headers(event())
    await asyncio.gather(*(receiver.verify(raw, event()) for _ in range(1000)))
    assert len(store.asked) == 1
    clock.offset += 3601
    await receiver.verify(raw, event())
    assert len(store.asked) == 2


async def test_forged_addresses_cause_few_downloads_and_never_shut_out_the_true_one() -> None:
    receiver, store, clock = webhook()
    await receiver.verify(headers(event()), event())
    good = store.file
    store.file = Answer(404)
    for number in range(300):
        forged = f"{CERTIFICATES}/cert/forged-{number}.cer".encode()
        with pytest.raises(Refused):
            await receiver.verify(headers(event(), x_ms_certificate_url=forged), event())
    assert len(store.asked) <= 11
    store.file = good
    clock.offset += 3601
    for number in range(20):
        forged = f"{CERTIFICATES}/cert/again-{number}.cer".encode()
        receiver_call = receiver.verify(headers(event(), x_ms_certificate_url=forged), event())
        await asyncio.gather(receiver_call, return_exceptions=True)
    assert await receiver.verify(headers(event()), event())


async def test_a_failed_download_is_not_repeated_for_each_event() -> None:
    receiver, store, clock = webhook(Store(Answer(500)))
    for _ in range(50):
        with pytest.raises(Refused):
            await receiver.verify(headers(event()), event())
    assert len(store.asked) == 1
    store.file = Answer(200, leaf().der)
    clock.offset += 61
    assert await receiver.verify(headers(event()), event())


def test_a_broken_file_of_authorities_stops_the_start() -> None:
    with pytest.raises(Misconfigured):
        webhook(certificate_roots=b"-----BEGIN CERTIFICATE-----\nbroken")


async def test_without_configured_authorities_those_of_this_machine_count() -> None:
    assert "no trusted authority" in await refused(headers(event()), event(), certificate_roots=b"")


async def test_any_headers_at_all_end_in_a_refusal() -> None:
    odd: list[Raw] = [
        [],
        [(b"", b"")],
        [(b"\xff", b"\xff")],
        [(b"authorization", b"")],
        [(b"x" * 70_000, b"y")],
        [(b"authorization", b"Signature " + b"\x00" * 10)],
    ]
    for raw in odd:
        await refused(raw, event())
