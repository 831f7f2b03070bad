"""Events of Partner Center through proxies: taken, proved, watched and given back, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cosell import web
from cosell.cli.running import _face
from cosell.core.errors import Misconfigured, Rejected, Throttled
from cosell.core.records import LinkState, Side
from cosell.ports import Finding, Who
from cosell.sandbox.frame import Fault
from cosell.sandbox.shell.authority import found_authority
from cosell.sandbox.shell.composition import Sandbox
from cosell.sandbox.shell.serving import Serving
from cosell.systems.partner_center.registration import REFERRAL_EVENTS, TEST_EVENT
from cosell.wiring import ownership
from cosell.wiring.alerts import standing
from cosell.wiring.environment import Environment, environment
from cosell.wiring.event_checks import event_findings
from cosell.wiring.joining import sandbox_settings
from cosell.wiring.ownership import TAKEN
from cosell.wiring.places import Place
from cosell.wiring.proving import Proof, prove
from cosell.wiring.running import Running
from tests.sandbox.microsoft import free_socket
from tests.scenarios.conftest import LeapingClock, _deal
from tests.scenarios.proxy import Proxy

NAME = "sandbox"
FLOW = "https://prod-1.flows.example/invoke?sig=very-secret"
BILLING = "subscription-updated"
"""An event of another product, which has nothing to do with deals."""


class HastyClock(LeapingClock):
    """Waits a little where a second should be waited, and leaps when told to."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))


@dataclass(slots=True)
class Open:
    """An environment on the sandbox, its web, and the proxy in front of it."""

    sandbox: Sandbox
    env: Environment
    clock: HastyClock
    running: Running
    proxy: Proxy
    public: str
    former: list[Any] = field(default_factory=list)

    @property
    def registered(self) -> tuple[str, set[str]]:
        """The address and the events as Partner Center keeps them."""
        present = self.sandbox.webhooks.registration
        assert present is not None
        return present.url, set(present.events)

    def reached_at(self, public: str | None, **more: Any) -> None:
        """The settings of the web are changed, as by a new start."""
        web_settings = self.env.settings.web.model_copy(update={"public_url": public, **more})
        self.env.settings = self.env.settings.model_copy(update={"web": web_settings})
        self.former.append(self.env._systems)
        self.env._systems = None

    async def prove(self, patience: float = 60.0) -> Proof:
        return await prove(self.env, patience=patience)

    def a_minute_passes(self) -> None:
        """Test events may be asked for again."""
        self.clock.leap(61.0)

    async def findings(self) -> dict[str, Finding]:
        return {one.name: one for one in await event_findings(self.env)}

    def calls(self) -> int:
        """Calls to the registration API so far."""
        return sum(count for (system, *_), count in self.sandbox.frame.calls.items() if system == "webhooks")


@contextlib.asynccontextmanager
async def opened(
    folder: Path, *, path: str = "", tls: bool = False, pem: Path | None = None
) -> AsyncIterator[Open]:
    """Everything, with a public address that ends in `path`; with TLS the proxy shows `pem` or a good one."""
    proxy = Proxy()
    async with Sandbox.serve(base_port=0, empty=True, tls=tls) as sandbox:
        good = sandbox.ca_file.with_name("server.pem") if sandbox.ca_file else None
        async with _in_front(proxy, pem or good) as front:
            settings = sandbox_settings(sandbox.description, NAME, web_port=0, data=folder)
            section = settings.web.model_copy(update={"public_url": front + path})
            settings = settings.model_copy(update={"web": section})
            place, roots = Place(name=NAME, data=folder, settings=settings), sandbox.root_certificates
            async with environment(place, {}, settings=settings, certificate_roots=roots) as env:
                env.clock = clock = HastyClock(sandbox)
                made = Open(sandbox, env, clock, Running(env), proxy, front + path)
                async with _listening(made):
                    yield made
                for systems in filter(None, made.former):
                    await systems.aclose()


@contextlib.asynccontextmanager
async def _in_front(proxy: Proxy, pem: Path | None) -> AsyncIterator[str]:
    sock, url = free_socket()
    server = Serving()
    await server.open(proxy, sock, pem=pem)
    try:
        yield url.replace("http:", "https:") if pem else url
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def _listening(made: Open) -> AsyncIterator[None]:
    app = web.build({NAME: _face(made.running)}, prefixes={urlsplit(made.public).path})
    with web.listen("127.0.0.1", 0) as sock:
        async with web.serving(app, sock) as inner:
            made.proxy.target = inner
            yield


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Open]:
    async with opened(tmp_path, path="/cosell") as made:
        yield made


# --- behind a proxy --------------------------------------------------------------------------------


@pytest.mark.parametrize("takes_off", ["", "/tools/cosell"])
async def test_an_event_arrives_under_the_path_of_a_proxy_handed_on_or_taken_off(
    tmp_path: Path, takes_off: str
) -> None:
    async with opened(tmp_path, path="/tools/cosell") as here:
        here.proxy.takes_off = takes_off
        await ownership.take_events(here.env)
        assert here.registered[0] == f"{here.public}/webhooks/partner-center/{NAME}"
        proof = await here.prove()
        assert proof.ok, proof
        assert [one.code for one in proof.attempts] == ["Accepted"]
        referral = str(here.sandbox.partner_center.referrals.create_outbound_in_portal(_deal())["id"])
        await here.sandbox.webhooks.settled()
        assert {one.results[-1] for one in here.sandbox.webhooks.deliveries} == {202}
        (taken,) = await here.env.store.take(5, "test", here.env.clock.now() + 60, 60.0)
        assert taken.link.partner_center_id == referral


async def test_a_proxy_that_keeps_authorization_is_told_apart_and_got_round(here: Open) -> None:
    """partner-center-api.md 7.3: `x-ms-signature` when registered with SignatureTokenToMsSignatureHeader."""
    here.proxy.eats_authorization = True
    await ownership.take_events(here.env)
    proof = await here.prove()
    assert (proof.ok, proof.attempts[0].code) == (False, "Unauthorized")
    assert 'signature_header = "x-ms-signature"' in proof.advice
    here.reached_at(here.public, signature_header="x-ms-signature")
    await ownership.take_events(here.env)
    assert here.sandbox.webhooks.registration is not None
    assert here.sandbox.webhooks.registration.signature_in_ms_header
    assert (await here.prove()).ok


async def test_what_a_proxy_says_of_its_visitors_changes_nothing(here: Open) -> None:
    """Nothing rests on a forwarded header: whoever reaches the port could have written it."""
    here.proxy.forges = {
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-proto": "gopher",
        "x-forwarded-host": "evil.example",
        "x-forwarded-prefix": "/evil",
        "x-original-url": "/evil",
        "forwarded": "for=1;host=evil.example",
    }
    await ownership.take_events(here.env)
    assert (await here.prove()).ok


@pytest.mark.parametrize("trusted", [True, False])
async def test_over_tls_the_certificate_of_the_address_decides(tmp_path: Path, trusted: bool) -> None:
    """Events, registration, sign-in and the signing certificate itself come and go over TLS alone."""
    data, strange = tmp_path / "data", tmp_path / "strange"
    for folder in (data, strange):
        folder.mkdir()
    async with opened(data, tls=True, pem=None if trusted else foreign_pem(strange)) as here:
        await ownership.take_events(here.env)
        assert here.registered[0].startswith("https://")
        proof = await here.prove()
        assert proof.ok is trusted, proof
        if not trusted:
            assert "SSL" in proof.attempts[0].message
            assert "is not trusted" in proof.says
            assert not (await here.findings())["events address"].ok


def foreign_pem(folder: Path) -> Path:
    """The certificate of a server, under an authority that nobody trusts."""
    return found_authority(folder, host="127.0.0.1").server_pem


# --- the test event --------------------------------------------------------------------------------


async def test_the_test_event_is_subscribed_for_the_test_alone(here: Open) -> None:
    """partner-center-api.md 7.1: validationEvents needs `test-created`."""
    here.sandbox.webhooks.register(FLOW, [BILLING])
    await ownership.take_events(here.env, overwrite=True)
    before = here.registered
    assert TEST_EVENT not in before[1]
    proof = await here.prove()
    assert proof.ok
    assert proof.seconds is not None
    assert here.registered == before
    assert [one.event for one in here.sandbox.webhooks.deliveries] == [TEST_EVENT]


async def test_a_subscription_for_test_events_that_was_there_stays(here: Open) -> None:
    await ownership.take_events(here.env)
    url, events = here.registered
    here.sandbox.webhooks.register(url, [*events, TEST_EVENT])
    calls = here.calls()
    assert (await here.prove()).ok
    assert TEST_EVENT in here.registered[1]
    assert here.calls() - calls >= 3


async def test_two_tests_a_minute_and_the_list_is_put_back_all_the_same(here: Open) -> None:
    """partner-center-api.md 8: 2 requests a minute."""
    await ownership.take_events(here.env)
    before = here.registered
    for _ in range(2):
        assert (await here.prove()).ok
    with pytest.raises(Throttled) as caught:
        await here.prove()
    assert caught.value.retry_after is not None
    assert here.registered == before


async def test_somebody_who_takes_the_events_during_a_test_keeps_them(here: Open) -> None:
    await ownership.take_events(here.env)
    fault = Fault("webhooks", "slow", method="GET", path="/validationEvents/", seconds=0.05)
    here.sandbox.frame.faults.append(fault)
    testing = asyncio.create_task(here.prove())
    while here.sandbox.frame.faults:
        await asyncio.sleep(0.001)
    here.sandbox.webhooks.register(FLOW, [BILLING, TEST_EVENT])
    await testing
    assert here.registered == (FLOW, {BILLING, TEST_EVENT})


async def test_what_the_proxy_answers_is_told_with_microsofts_words(here: Open) -> None:
    """partner-center-api.md 7.1: one result per attempt, by the name .NET gives the status."""
    await ownership.take_events(here.env)
    for status, code, says in (
        (404, "NotFound", "nothing answers under this path"),
        (403, "Forbidden", "signature was not accepted"),
        (405, "MethodNotAllowed", "does not take POST"),
        (413, "RequestEntityTooLarge", "too large"),
        (502, "BadGateway", "not this installation behind it"),
        (301, "MovedPermanently", "redirect"),
        (418, "", "answered "),
    ):
        here.proxy.answers = status
        proof = await here.prove()
        assert not proof.ok
        assert says in proof.says
        assert code in proof.attempts[0].code
        here.a_minute_passes()


async def test_an_answer_that_is_not_ours_is_told_apart_from_an_arrival(here: Open) -> None:
    await ownership.take_events(here.env)
    here.proxy.answers = 200
    proof = await here.prove()
    assert (proof.ok, proof.attempts[0].code) == (False, "OK")
    assert "did not arrive here" in proof.says


async def test_a_product_that_does_not_run_is_told(here: Open) -> None:
    await ownership.take_events(here.env)
    here.proxy.target = "http://127.0.0.1:9"
    assert "cosell run" in (await here.prove()).advice


async def test_an_address_that_cannot_be_reached_is_told_by_stage(here: Open) -> None:
    """partner-center-api.md 7.1: `systemError`; and what this machine sees of the same address."""
    for public, microsoft, seen in (
        ("http://127.0.0.1:9", "refused", "nothing listens"),
        ("https://nobody.invalid", "No such host", "does not resolve"),
        (here.public.replace("http:", "https:"), "SSL", "no TLS connection"),
    ):
        here.reached_at(public)
        await ownership.take_events(here.env)
        proof = await here.prove()
        assert not proof.ok
        assert proof.attempts[0].system_error
        assert microsoft in f"{proof.says}{proof.attempts[0].message}"
        assert seen in proof.says
        here.a_minute_passes()


async def test_no_attempt_in_time_is_told_as_such(here: Open) -> None:
    await ownership.take_events(here.env)
    here.sandbox.webhooks.switches.delay = 30.0
    assert "not tried" in (await here.prove(patience=0.1)).says


async def test_no_test_is_asked_for_while_the_events_go_elsewhere(here: Open) -> None:
    assert "Nobody receives" in (await here.prove()).says
    here.sandbox.webhooks.register(FLOW, [TEST_EVENT])
    proof = await here.prove()
    assert "prod-1.flows.example" in proof.says
    assert "very-secret" not in f"{proof}"
    assert not here.sandbox.webhooks.deliveries


# --- taken, and given back -------------------------------------------------------------------------


async def test_events_are_taken_over_with_consent_alone_and_go_back_where_they_were(here: Open) -> None:
    """WHK-02, WHK-05, C-39; partner-center-api.md 7.1: merge the event list."""
    here.sandbox.webhooks.register(FLOW, [BILLING, "referral-created"])
    with pytest.raises(Rejected):
        await ownership.take_events(here.env)
    assert here.registered[0] == FLOW
    took = await ownership.take_events(here.env, overwrite=True)
    assert here.registered[1] == {BILLING, *REFERRAL_EVENTS}
    assert took.before is not None
    assert took.before.owner == "https://prod-1.flows.example/invoke"
    back = await ownership.give_back(here.env)
    assert back.given_back
    assert here.registered == (FLOW, {BILLING, "referral-created"})
    again = await ownership.give_back(here.env)
    assert (again.given_back, again.foreign) == (False, True)


async def test_events_that_joined_the_list_meanwhile_go_along(here: Open) -> None:
    here.sandbox.webhooks.register(FLOW, ["referral-created"])
    await ownership.take_events(here.env, overwrite=True)
    url, events = here.registered
    here.sandbox.webhooks.register(url, [*events, BILLING])
    await ownership.give_back(here.env)
    assert here.registered == (FLOW, {"referral-created", BILLING})


async def test_without_anybody_to_give_them_to_only_events_of_others_stay(here: Open) -> None:
    """partner-center-api.md 7.1: there is no deletion."""
    await ownership.take_events(here.env)
    await ownership.give_back(here.env)
    assert here.registered[1] == {TEST_EVENT}
    assert (await here.findings())["events"].ok
    url, _ = here.registered
    here.sandbox.webhooks.register(url, [*REFERRAL_EVENTS, BILLING])
    await ownership.give_back(here.env)
    assert here.registered == (url, {BILLING})


async def test_what_somebody_took_meanwhile_is_not_taken_back_by_giving_back(here: Open) -> None:
    await ownership.take_events(here.env)
    here.sandbox.webhooks.register(FLOW, [BILLING])
    assert (await ownership.give_back(here.env)).foreign
    assert here.registered == (FLOW, {BILLING})


async def test_an_own_address_of_before_is_nobody_elses(here: Open) -> None:
    here.sandbox.webhooks.register(FLOW, [BILLING])
    await ownership.take_events(here.env, overwrite=True)
    here.reached_at("https://moved.example")
    took = await ownership.take_events(here.env)
    assert took.before is None
    assert here.registered[0].startswith("https://moved.example/")
    await ownership.give_back(here.env)
    assert here.registered == (FLOW, {BILLING})


async def test_whom_to_give_back_to_is_known_before_the_takeover(here: Open) -> None:
    """A crash in between must not lose it."""
    here.sandbox.webhooks.register(FLOW, [BILLING])
    refusal = Fault("webhooks", "drop", method="PUT", path="/registration")
    here.sandbox.frame.faults.append(refusal)
    with contextlib.suppress(Exception):
        await ownership.take_events(here.env, overwrite=True)
    previous = await ownership.remembered(here.env)
    assert previous is not None
    assert previous.url == FLOW
    assert here.registered[0] == FLOW


async def test_the_former_owners_address_stands_nowhere_in_clear(here: Open, tmp_path: Path) -> None:
    """INV-13: an address can hold a secret in its query."""
    here.sandbox.webhooks.register(FLOW, [BILLING])
    await ownership.take_events(here.env, overwrite=True)
    assert all(b"very-secret" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


# --- watched ---------------------------------------------------------------------------------------


async def alerts(here: Open) -> list[str]:
    return [one.message for one in await standing(here.env.store) if one.code == TAKEN]


async def test_a_registration_that_went_elsewhere_is_told_and_not_taken_back(here: Open) -> None:
    """WHK-05: events go only to whoever registered last (7.2)."""
    await ownership.take_events(here.env)
    await ownership.look_for_owner(here.env)
    assert await alerts(here) == []
    here.sandbox.webhooks.register(FLOW, [BILLING, *REFERRAL_EVENTS])
    await ownership.look_for_owner(here.env)
    (said,) = await alerts(here)
    assert "prod-1.flows.example" in said
    assert "very-secret" not in said
    assert here.registered[0] == FLOW
    assert not (await here.findings())["events"].ok
    here.sandbox.webhooks.register("https://third.example/hook", REFERRAL_EVENTS)
    await ownership.look_for_owner(here.env)
    assert "third.example" in (await alerts(here))[0]
    await ownership.take_events(here.env, overwrite=True)
    assert await alerts(here) == []


async def test_a_takeover_that_was_meant_is_accepted_by_a_release(here: Open) -> None:
    await ownership.take_events(here.env)
    here.sandbox.webhooks.register(FLOW, [BILLING])
    await ownership.look_for_owner(here.env)
    await ownership.give_back(here.env)
    await ownership.look_for_owner(here.env)
    assert await alerts(here) == []
    assert (await here.findings())["events"].ok


async def test_a_list_that_became_shorter_is_told_and_can_be_mended(here: Open) -> None:
    await ownership.take_events(here.env)
    url, _ = here.registered
    here.sandbox.webhooks.register(url, ["referral-created", BILLING])
    await ownership.look_for_owner(here.env)
    assert "no longer sends" in (await alerts(here))[0]
    finding = (await here.findings())["events"]
    assert not finding.ok
    assert finding.mend is not None
    await finding.mend.do()
    assert here.registered == (url, {BILLING, *REFERRAL_EVENTS})
    await ownership.look_for_owner(here.env)
    assert await alerts(here) == []


async def test_an_address_that_moved_without_registering_is_told(here: Open) -> None:
    await ownership.take_events(here.env)
    here.reached_at("https://moved.example")
    await ownership.look_for_owner(here.env)
    assert "reached before" in (await alerts(here))[0]


async def test_who_never_registered_is_never_looked_after(here: Open) -> None:
    calls = here.calls()
    await ownership.look_for_owner(here.env)
    assert here.calls() == calls


async def test_test_events_that_come_alone_point_to_several_tenants(here: Open) -> None:
    """TRB-4.3, WHK-10: registered, reachable, and nothing about deals ever comes."""
    await ownership.take_events(here.env)
    here.sandbox.webhooks.switches.events_on = False
    assert (await here.prove()).ok
    referrals, engine = here.sandbox.partner_center.referrals, here.running.engine
    referral = str(referrals.create_outbound_in_portal(_deal())["id"])
    for value in (None, 71000, 72000, 73000):
        if value is not None:
            referrals.edit(referral, {"details/dealValue": value})
        for _ in range(3):
            for side in Side:
                await engine.poll(side)
            await engine.drain()
        here.a_minute_passes()
    await here.running.ear.listen()
    finding = (await here.findings())["events coming"]
    assert (finding.ok, finding.who) == (False, Who.MICROSOFT)
    assert "several tenants" in finding.advice
    here.sandbox.webhooks.switches.events_on = True
    referrals.edit(referral, {"details/dealValue": 74000})
    await here.sandbox.webhooks.settled()
    assert (await here.findings())["events coming"].ok


# --- the doctor, and no events at all --------------------------------------------------------------


async def test_the_doctor_sees_events_that_come_by_an_address_that_answers(here: Open) -> None:
    await ownership.take_events(here.env)
    found = await here.findings()
    assert all(one.ok for one in found.values()), found
    assert found.keys() == {"events", "events coming", "events address"}
    here.proxy.answers = 404
    assert not (await here.findings())["events address"].ok


async def test_the_doctor_tells_when_the_registration_cannot_be_read(here: Open) -> None:
    answer = here.sandbox.partner_center.faults["403"]
    here.sandbox.frame.faults.append(Fault("webhooks", "answer", times=9, answer=answer))
    assert not (await here.findings())["events"].ok


async def test_without_any_inbound_address_polling_carries_a_deal_and_nothing_is_amiss(here: Open) -> None:
    """partner-center-api.md 7.4: reconciling by list is mandatory anyway; INV-21."""
    here.reached_at(None)
    referral = str(here.sandbox.partner_center.referrals.create_outbound_in_portal(_deal())["id"])
    engine = Running(here.env).engine
    for _ in range(3):
        for side in Side:
            await engine.poll(side)
        await engine.drain()
    (link,) = (await here.env.store.links_of(Side.PARTNER_CENTER, [referral])).values()
    assert link.state is LinkState.LINKED
    assert all(one.ok for one in (await here.findings()).values())
    assert here.calls() == 0
    with pytest.raises(Misconfigured):
        await here.prove()
