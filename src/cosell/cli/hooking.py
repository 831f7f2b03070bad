"""Who receives the events of Partner Center."""

from __future__ import annotations

import json
from typing import Any

from cosell.cli.finding import opened
from cosell.cli.looking import ago
from cosell.cli.speaking import Answer, Refusal, Voice
from cosell.systems.partner_center.registration import Registered
from cosell.wiring import report
from cosell.wiring.environment import Environment

PATH = "/webhooks/partner-center"
PREVIOUS = "webhook.previous"
"""The secret that keeps whose events were taken over; an address can hold a secret in its query."""


async def status(config: str | None) -> Answer:
    """The present owner, and when an event last came here."""
    async with opened(config, new=True) as env:
        present = await env.systems().registration.status()
        seen = (await env.store.settings(report.HEARD)).get(report.HEARD)
        data = {
            "owner": present.owner if present else None,
            "ours": _ours(env, present),
            "events": list(present.events) if present else [],
            "missing": list(present.missing()) if present else [],
            "last_event": float(seen) if seen else None,
        }
    return Answer(data, lambda voice: show(voice, data))


def show(voice: Voice, data: dict[str, Any]) -> None:
    """The same for people."""
    if data["owner"] is None:
        voice.line("Nobody receives Partner Center's events. To have them sent here: cosell webhook register")
        return
    whose = "this installation" if data["ours"] else "somebody else"
    voice.line(f"Events go to {data['owner']} ({whose}).")
    if data["missing"]:
        voice.line(f"Not sent: {', '.join(data['missing'])}. To mend it: cosell webhook register")
    if data["ours"]:
        voice.line(f"Last event: {ago(data['last_event']) or 'none yet'}.")


async def register(config: str | None, *, overwrite: bool) -> Answer:
    """Takes the events; a foreign owner is remembered so that it can be given back."""
    async with opened(config, new=True) as env:
        url, registration = address(env), env.systems().registration
        before = await registration.status()
        registered = await registration.register(url, overwrite=overwrite)
        taken = before if before is not None and before.url != url else None
        if taken is not None:
            kept = json.dumps({"url": taken.url, "events": list(taken.events)})
            await env.systems().keyring.put(PREVIOUS, kept)
    data = {
        "owner": registered.owner,
        "events": list(registered.events),
        "taken_from": taken.owner if taken else None,
    }

    def said(voice: Voice) -> None:
        voice.line(f"Events go to {registered.owner} now: {', '.join(registered.events)}.")
        if taken is not None:
            voice.line(f"They went to {taken.owner} before; `cosell webhook release` gives them back.")

    return Answer(data, said)


async def release(config: str | None) -> Answer:
    """Gives the events back to whom they were taken from, or stops them."""
    async with opened(config) as env:
        kept = await env.systems().keyring.get(PREVIOUS)
        before = _registered(kept) if kept else None
        now = await env.systems().registration.release(address(env), give_to=before)
        await env.systems().keyring.put(PREVIOUS, "")
    data = {"owner": now.owner if now else None, "given_back": before is not None and now is not None}

    def said(voice: Voice) -> None:
        if now is None:
            voice.line("Nothing was registered.")
        elif before is not None:
            voice.line(f"Events go to {now.owner} again.")
        else:
            voice.line("No referral event is sent here any more; changes arrive by polling.")

    return Answer(data, said)


def address(env: Environment) -> str:
    """Where events are to be sent: the public address of this installation."""
    public = env.settings.web.public_url
    if public is None:
        raise Refusal(
            "[web] public_url is not set, so Partner Center has no address to send events to.",
            advice="Set it to the https address under which this installation is reached from outside.",
        )
    return public + PATH


def _ours(env: Environment, present: Registered | None) -> bool:
    public = env.settings.web.public_url
    return present is not None and public is not None and present.url == public + PATH


def _registered(kept: str) -> Registered:
    told = json.loads(kept)
    return Registered(str(told["url"]), tuple(str(event) for event in told["events"]))
