"""Whose Partner Center's events are: taken with consent, given back, watched (WHK-05, C-39)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cosell.core.errors import Misconfigured

if TYPE_CHECKING:
    from cosell.systems.partner_center.registration import Registered
    from cosell.wiring.environment import Environment

PREVIOUS = "webhook.previous"
"""The secret that keeps whose events were taken over; an address can hold a secret in its query."""
OURS = "webhook:address"
"""The setting row that keeps where this installation last had the events sent, and since when."""
TAKEN = "webhook_taken"
"""The alert while events that were registered here go elsewhere, or not all of them come."""
AGAIN = "cosell webhook register"


@dataclass(frozen=True, slots=True)
class Takeover:
    """What came of taking the events."""

    now: Registered
    before: Registered | None
    """Somebody else whom they went to until then."""


@dataclass(frozen=True, slots=True)
class Return:
    """What came of giving the events back."""

    now: Registered | None
    """Whom they go to afterwards; None where nothing is registered."""
    given_back: bool = False
    foreign: bool = False
    """They went to somebody else already, and were left alone."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Where this installation last had the events sent."""

    url: str
    since: float


def address(env: Environment) -> str:
    """Where events are to be sent: the public address of this installation."""
    if env.address is None:
        raise Misconfigured(
            "[web] public_url is not set, so Partner Center has no address to send events to.",
            advice="Set it to the https address under which this installation is reached from outside.",
        )
    return env.address


async def claim(env: Environment) -> Claim | None:
    """What this installation registered last, and did not release since."""
    try:
        kept = json.loads(await env.store.setting(OURS) or "null")
        return Claim(str(kept["url"]), float(kept["since"]))
    except (ValueError, KeyError, TypeError):
        return None


async def take_events(env: Environment, *, overwrite: bool = False) -> Takeover:
    """Has the events sent here; a foreign owner gives way only with `overwrite`, and is remembered.

    An address of our own, from before `public_url` changed, is nobody else's.
    """
    url, registration = address(env), env.systems().registration
    present, former = await registration.status(), await claim(env)
    own = {url, *([former.url] if former else [])}
    foreign = present if present is not None and present.url not in own else None
    if foreign is not None and overwrite:
        # Before it is replaced: a crash in between must not lose whom to give it back to.
        await _remember(env, foreign)
    now = await registration.register(url, overwrite=overwrite or foreign is None)
    moment = env.clock.now()
    await env.store.set_setting(OURS, json.dumps({"url": url, "since": moment}), "cosell", moment)
    await env.alerts.clear(TAKEN)
    return Takeover(now, foreign)


async def give_back(env: Environment) -> Return:
    """Gives the events to whom they were taken from, or has none sent here; for `release` and uninstalling.

    What somebody else has taken since is left alone. Safe to call again, and where nothing was registered.
    """
    registration, former = env.systems().registration, await claim(env)
    present = await registration.status()
    own = {url for url in (env.address, former.url if former else None) if url is not None}
    if present is None or present.url not in own:
        await _forget(env)
        return Return(present, foreign=present is not None)
    previous = await remembered(env)
    now = await registration.release(present.url, give_to=previous)
    await _forget(env)
    return Return(now, given_back=previous is not None)


async def remembered(env: Environment) -> Registered | None:
    """From whom the events were taken, with the events it had."""
    from cosell.systems.partner_center.registration import Registered

    kept = await env.systems().keyring.get(PREVIOUS)
    try:
        told = json.loads(kept or "null")
        own = told.get("own_header")
        events = tuple(str(event) for event in told["events"])
        return Registered(str(told["url"]), events, own if isinstance(own, bool) else None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


async def look_for_owner(env: Environment) -> None:
    """Tells when events that were registered here go elsewhere or come in part; takes nothing back."""
    former = await claim(env)
    if former is None:
        return
    present = await env.systems().registration.status()
    trouble = _drift(present, former, env.address)
    if trouble is None:
        await env.alerts.clear(TAKEN)
    else:
        await env.alerts.raise_(TAKEN, *trouble)


def _drift(present: Registered | None, former: Claim, url: str | None) -> tuple[str, str] | None:
    """What became of a registration that was ours, and what to do about it."""
    polled = "Changes still arrive by polling."
    if present is None:
        return f"Partner Center's events go to nobody any more. {polled}", "Register again: " + AGAIN
    if present.url not in (former.url, url):
        return (
            f"Partner Center's events go to {present.owner} now, no longer here. {polled}",
            f"If that was not meant, take them back: {AGAIN} --overwrite. "
            "If it was, say so with: cosell webhook release",
        )
    if url is not None and present.url != url:
        return (
            f"Partner Center's events go to {present.owner}, where this installation was reached before.",
            f"Have them sent to the present [web] public_url: {AGAIN}",
        )
    if missing := present.missing():
        return f"Partner Center no longer sends {', '.join(missing)}. {polled}", "Register again: " + AGAIN
    return None


async def _remember(env: Environment, foreign: Registered) -> None:
    kept = {"url": foreign.url, "events": list(foreign.events), "own_header": foreign.own_header}
    await env.systems().keyring.put(PREVIOUS, json.dumps(kept))


async def _forget(env: Environment) -> None:
    """Nothing is ours any more, and nobody waits for it."""
    if await env.store.setting(OURS) is not None:
        await env.store.set_setting(OURS, None, "cosell", env.clock.now())
    if await env.systems().keyring.get(PREVIOUS):
        await env.systems().keyring.put(PREVIOUS, "")
    await env.alerts.clear(TAKEN)
