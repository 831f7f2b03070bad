"""Replaces a credential while the sync runs: the next one beside the one in use, then the switch (J-8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cosell.cli.answering import Wanted, ask, proven, take
from cosell.cli.asking import Person
from cosell.cli.signing_in import fresh_token
from cosell.cli.speaking import Answer, Refusal, Voice, say
from cosell.crm.connecting import Question
from cosell.wiring.connectable import PARTNER_CENTER
from cosell.wiring.connecting import Bench


async def renewed(bench: Bench, wanted: Wanted, person: Person) -> Answer:
    """The next credential entered and proven, then switched to, then the old one forgotten (J-8)."""
    connected, done = await bench.connected(), list[str]()
    bench.errand = "rotate"
    if wanted.rotate:
        names = await _rotated(bench, wanted, person)
        done.append(f"Proven, and waiting beside the one in use: {', '.join(names)}.")
        connected = await bench.connected()
    if wanted.switch:
        waiting = list(connected.waiting())
        if not waiting:
            raise Refusal(
                "There is nothing to switch to.",
                advice=f"Enter the next credential first: cosell connect {bench.which.word} --rotate",
            )
        proof = await proven(bench, await bench.current(connected, ahead=True))
        connected = await bench.switched(proof)
        done.append(f"In use from the next sign-in on, without a restart: {', '.join(waiting)}.")
    if wanted.forget_old:
        connected = await bench.forgotten()
        done.append("What was replaced is forgotten here; remove it on the other side, too.")
    data = {"system": bench.which.word, "who": connected.who, "done": done, "waiting": [*connected.waiting()]}

    def show(voice: Voice) -> None:
        for line in done:
            voice.line(line)
        if data["waiting"]:
            voice.line(f"Use it: cosell connect {bench.which.word} --switch")
        elif wanted.switch and not wanted.forget_old:
            voice.line(f"Once the old one is removed there: cosell connect {bench.which.word} --forget-old")

    return Answer(data, show)


async def _rotated(bench: Bench, wanted: Wanted, person: Person) -> Sequence[str]:
    connected = await bench.connected()
    if await bench.recall():
        say("Going on with the answers of last time; Enter keeps each.")
    take(bench, wanted.answers)
    asked = [
        one
        for one in bench.which.how.questions
        if (one.name in connected.credentials or one.end_of) and one.name != "refresh_token"
    ]
    given = {answer.partition("=")[0] for answer in wanted.answers}
    by_token = bench.which.table == PARTNER_CENTER
    if person.silent and by_token:
        asked = [one for one in asked if one.name in given]
    await ask(bench, _optional(asked) if by_token else asked, person)
    fresh = {name: value for name, value in (await bench.values()).items() if name in connected.credentials}
    values = {**await bench.current(connected), **fresh}
    if by_token and (wanted.device or not fresh):
        fresh["refresh_token"] = values["refresh_token"] = await fresh_token(bench, values, wanted)
    if fresh.items() <= (await bench.current(connected)).items():
        raise Refusal(
            "That is the credential in use already.", advice="Make a new one on the other side first."
        )
    proof = await proven(bench, values)
    names = await bench.keep_next(fresh, proof, leave=wanted.leave)
    await bench.finish()
    return names


def _optional(questions: Sequence[Question]) -> Sequence[Question]:
    """The same, where Enter means that a person signs in anew instead."""
    return [replace(one, optional=True) for one in questions]
