"""Who receives the events of Partner Center."""

from __future__ import annotations

from typing import Any

from cosell.cli.finding import opened
from cosell.cli.looking import ago
from cosell.cli.speaking import DONE, FAILED, Answer, Refusal, Voice
from cosell.core.errors import Misconfigured
from cosell.systems.partner_center.registration import Registered
from cosell.wiring import ownership, proving, report
from cosell.wiring.environment import Environment


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
            "taken_from": await _taken_from(env),
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
    if data["taken_from"]:
        voice.line(f"They were taken from {data['taken_from']}; `cosell webhook release` gives them back.")


async def register(config: str | None, *, overwrite: bool) -> Answer:
    """Takes the events; a foreign owner is remembered so that it can be given back."""
    async with opened(config, new=True) as env:
        took = await ownership.take_events(env, overwrite=overwrite)
    registered, taken = took.now, took.before
    data = {
        "owner": registered.owner,
        "events": list(registered.events),
        "taken_from": taken.owner if taken else None,
    }

    def said(voice: Voice) -> None:
        voice.line(f"Events go to {registered.owner} now: {', '.join(registered.events)}.")
        if taken is not None:
            voice.line(f"They went to {taken.owner} before; `cosell webhook release` gives them back.")
        voice.line("To prove that they arrive: cosell webhook test")

    return Answer(data, said)


async def release(config: str | None) -> Answer:
    """Gives the events back to whom they were taken from, or stops them; what is foreign is left alone."""
    async with opened(config, new=True) as env:
        done = await ownership.give_back(env)
    now = done.now
    data = {"owner": now.owner if now else None, "given_back": done.given_back, "foreign": done.foreign}

    def said(voice: Voice) -> None:
        if now is None:
            voice.line("Nothing was registered.")
        elif done.foreign:
            voice.line(f"Events go to {now.owner} already, and were left alone.")
        elif done.given_back:
            voice.line(f"Events go to {now.owner} again.")
        else:
            voice.line("No referral event is sent here any more; changes arrive by polling.")

    return Answer(data, said)


async def try_out(config: str | None, *, patience: float) -> Answer:
    """Has Microsoft send one event for a test, and says how far it came."""
    async with opened(config, new=True) as env:
        proof = await proving.prove(env, patience=patience)
    data = {
        "arrived": proof.ok,
        "url": proof.url or None,
        "seconds": proof.seconds,
        "says": proof.says,
        "advice": proof.advice,
        "attempts": [
            {
                "response_code": one.code,
                "response_message": one.message,
                "system_error": one.system_error,
                "at": one.at,
            }
            for one in proof.attempts
        ],
    }

    def said(voice: Voice) -> None:
        voice.line(f"{'✔' if proof.ok else '✘'} {proof.says}")
        if proof.advice:
            voice.line(proof.advice, indent=2)
        for one in proof.attempts:
            words = (one.at, one.code or "no answer", one.message, "system error" if one.system_error else "")
            voice.line("Microsoft: " + " · ".join(word for word in words if word), indent=2)

    return Answer(data, said, DONE if proof.ok else FAILED)


def address(env: Environment) -> str:
    """Where events are to be sent; Refusal where nobody reaches this installation from outside."""
    try:
        return ownership.address(env)
    except Misconfigured as error:
        raise Refusal(error.message, advice=error.advice) from None


async def _taken_from(env: Environment) -> str | None:
    previous = await ownership.remembered(env)
    return previous.owner if previous is not None else None


def _ours(env: Environment, present: Registered | None) -> bool:
    return present is not None and present.url == env.address
