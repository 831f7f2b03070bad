"""Proves that events arrive: Microsoft sends one for a test, and every stage of its way is told (7.1)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cosell.core.errors import CosellError
from cosell.wiring.ownership import address

if TYPE_CHECKING:
    from cosell.systems.partner_center.registration import Attempt, Registered, Registration, Trial
    from cosell.wiring.environment import Environment

TESTED = "seen:webhook_test"
"""The setting row that keeps when the last test event was verified here."""
PATIENCE = 60.0
"""Seconds to wait for Microsoft's first attempt; how long it takes is documented nowhere."""
_GLANCE = 1.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What a test event proved."""

    ok: bool
    says: str
    advice: str = ""
    url: str = ""
    attempts: tuple[Attempt, ...] = ()
    """Microsoft's own account of each attempt."""
    seconds: float | None = None
    """From asking until the event was verified here."""


async def prove(env: Environment, *, patience: float = PATIENCE) -> Proof:
    """Has one test event sent and says how far it came. Costs one of two requests a minute (8)."""
    url, registration = address(env), env.systems().registration
    present = await registration.status()
    if present is None:
        return Proof(False, "Nobody receives Partner Center's events.", "Register: cosell webhook register")
    if present.url != url:
        advice = "A test event would go there. See `cosell webhook register --overwrite`."
        return Proof(False, f"Partner Center's events go to {present.owner}, not here.", advice)
    began = env.clock.now()
    async with _subscribed(registration, present):
        trial = await _followed(env, registration, await registration.try_out(), patience)
    arrived = await _arrival(env, began)
    seconds = None if arrived is None else max(0.0, arrived - began)
    return await _judged(env, url, trial, seconds)


@contextlib.asynccontextmanager
async def _subscribed(registration: Registration, present: Registered) -> AsyncIterator[None]:
    """Adds the test event to the list for as long as the block lasts (7.1 demands it)."""
    from cosell.systems.partner_center.registration import TEST_EVENT

    if TEST_EVENT in present.events:
        yield
        return
    await registration.subscribe(present, (*present.events, TEST_EVENT))
    try:
        yield
    finally:
        # Read again: what somebody else changed meanwhile stays as they wanted it.
        now = await registration.status()
        if now is not None and now.url == present.url and TEST_EVENT in now.events:
            await registration.subscribe(now, (one for one in now.events if one != TEST_EVENT))


async def _followed(env: Environment, registration: Registration, correlation: str, patience: float) -> Trial:
    """The outcome as soon as there is an attempt to tell of; further attempts would say the same."""
    until = env.clock.monotonic() + patience
    while True:
        trial = await registration.outcome(correlation)
        if trial.attempts or trial.status == "completed" or env.clock.monotonic() >= until:
            return trial
        await env.clock.sleep(_GLANCE)


async def _arrival(env: Environment, began: float) -> float | None:
    """When the process that listens verified a test event, if it did since."""
    kept = await env.store.setting(TESTED)
    with contextlib.suppress(ValueError):
        if kept is not None and (moment := float(kept)) >= began:
            return moment
    return None


async def _judged(env: Environment, url: str, trial: Trial, seconds: float | None) -> Proof:
    attempts = trial.attempts
    if trial.arrived and seconds is not None:
        said = "The test event came back signed and was verified here"
        return Proof(True, f"{said}, {seconds:.1f} s after it was asked for.", "", url, attempts, seconds)
    if trial.arrived:
        return Proof(False, *_ANSWERED_BY_OTHERS, url, attempts)
    if not attempts:
        said = "Microsoft has not tried to send the test event yet."
        advice = "Try again in a few minutes; if it stays so, register again: cosell webhook register"
        return Proof(False, said, advice, url)
    says, advice = diagnosis(attempts[-1])
    if attempts[-1].system_error or not attempts[-1].code:
        seen = await reach(env)
        says = f"{says} {seen[1]}"
    return Proof(False, says, advice, url, attempts, seconds)


def diagnosis(attempt: Attempt) -> tuple[str, str]:
    """What a refused attempt means, and what to do about it; by name or by number of its status."""
    code = attempt.code.strip()
    if not code or attempt.system_error:
        said = f" “{attempt.message}”" if attempt.message else ""
        return f"Microsoft got no answer from our address.{said}", _NO_ANSWER
    key = "".join(letter for letter in code.lower() if letter.isalnum())
    for codes, says, advice in _MEANINGS:
        if key in codes:
            return says, advice
    if key.startswith(("3", "moved", "redirect", "found", "permanent", "temporary", "seeother")):
        return _REDIRECTED
    return f"Our address answered {code}.", "Look into the log of the proxy in front of this installation."


_NO_ANSWER = (
    "The name must resolve everywhere, a firewall must let https in, and the certificate must be one that "
    "machines elsewhere trust, sent with its intermediates. docs/how-to/receive-events.md shows how."
)
_ANSWERED_BY_OTHERS = (
    "Microsoft was answered that the event arrived, but it did not arrive here.",
    "Is `cosell run` running on this database? Else the proxy answers by itself or leads elsewhere.",
)
_REDIRECTED = (
    "Our address answered with a redirect, which is not followed.",
    "Set [web] public_url to the address it leads to, then: cosell webhook register",
)
_MEANINGS: tuple[tuple[frozenset[str], str, str], ...] = (
    (
        frozenset(("unauthorized", "401", "forbidden", "403")),
        "The event arrived, but its signature was not accepted.",
        'Where a proxy keeps Authorization to itself, set [web] signature_header = "x-ms-signature" and '
        "run `cosell webhook register`. Otherwise the line webhook.refused in the log tells why, or the "
        "proxy asks for a password of its own: it must not, on this path.",
    ),
    (
        frozenset(("notfound", "404")),
        "Our address exists, but nothing answers under this path.",
        "The proxy must hand on the whole path, or take off exactly the path of [web] public_url; the "
        "environment named at its end must be one that runs.",
    ),
    (
        frozenset(("methodnotallowed", "405")),
        "Our address does not take POST.",
        "Let the proxy pass POST on for this path.",
    ),
    (
        frozenset(("requestentitytoolarge", "contenttoolarge", "413", "431", "requestheaderfieldstoolarge")),
        "The event was refused as too large.",
        "Let the proxy pass bodies of 64 KB and headers of 4 KB each.",
    ),
    (
        frozenset(("badgateway", "502", "serviceunavailable", "503", "gatewaytimeout", "504")),
        "The proxy was reached, but not this installation behind it.",
        "Start `cosell run`, and let the proxy lead to [web] host and port.",
    ),
)


async def reach(env: Environment) -> tuple[bool, str]:
    """Whether our public address answers as seen from here, which is not yet how Microsoft sees it."""
    from cosell.http import Http
    from cosell.wiring.systems import outward

    public = env.settings.web.public_url or ""
    parts = urlsplit(public)
    transport = outward(env.settings)
    http = Http(transport, name="Our public address", allow=(f"{parts.scheme}://{parts.netloc}",))
    try:
        reply = await http.call("GET", f"{public}/health/live", purpose="reach", max_body=4096)
    except CosellError as error:
        return False, f"Seen from here: {_seen(parts.hostname or '', error)}."
    finally:
        await transport.aclose()
    told = reply.json_or_none()
    if reply.ok and isinstance(told, dict) and told.get("live") is True:
        return True, f"Seen from here, {public} answers as it should."
    return (
        False,
        f"Seen from here, {public}/health/live answers {reply.status}, and not as this installation does.",
    )


def _seen(host: str, error: CosellError) -> str:
    """Which stage failed, by the kind of trouble the transport met."""
    detail = error.detail or ""
    for kind, said in (
        ("DNSError", f"the name {host} does not resolve, or leads into a private network"),
        ("CertificateError", f"the certificate of {host} is not trusted or not for this name"),
        ("SSLError", f"no TLS connection to {host} comes about"),
        ("Timeout", f"{host} does not answer in time"),
        ("ConnectorError", f"nothing listens at {host}"),
    ):
        if kind in detail:
            return said
    return f"{host} gives no usable answer"
