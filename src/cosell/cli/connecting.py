"""The guided dialogue of `cosell connect`: answers are explained and checked, and proven before kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from cosell.cli.answering import Wanted, ask, proven, take
from cosell.cli.asking import Person
from cosell.cli.renewing import renewed
from cosell.cli.signing_in import fresh_token
from cosell.cli.speaking import Answer, Refusal, Voice, say, tame
from cosell.config.editing import difference
from cosell.crm.connecting import Proof
from cosell.wiring.connectable import PARTNER_CENTER
from cosell.wiring.connecting import Bench
from cosell.wiring.opening import opened
from cosell.wiring.places import FILE


async def connect(config: str | None, wanted: Wanted) -> Answer:
    """Leads from questions to a proven connection, or renews one."""
    async with opened(_file(config), wanted.system, os.environ) as bench:
        person = Person(silent=wanted.non_interactive)
        if wanted.rotate or wanted.switch or wanted.forget_old:
            return await renewed(bench, wanted, person)
        return await _connected(bench, wanted, person)


def _file(config: str | None) -> Path:
    file = Path(config or os.environ.get("COSELL_CONFIG") or FILE)
    if not file.exists():
        raise Refusal(
            f"There is no settings file {file} yet.",
            advice="Write one first: cosell init --crm salesforce, or cosell init --crm dynamics",
        )
    return file


# --- connecting ------------------------------------------------------------------------------------


async def _connected(bench: Bench, wanted: Wanted, person: Person) -> Answer:
    if await bench.recall():
        say("Going on with the answers of last time; Enter keeps each.")
    take(bench, wanted.answers)
    await ask(bench, bench.which.how.questions, person, every=wanted.every)
    values = await bench.values()
    bench.section(values)
    if bench.which.table == PARTNER_CENTER and not values.get("refresh_token"):
        values["refresh_token"] = await fresh_token(bench, values, wanted)
    proof = await proven(bench, values)
    text = await bench.keep(values, proof, leave=wanted.leave)
    diff = difference(bench.text, text, bench.file.name)
    if diff:
        sys.stderr.write(f"{tame(diff)}\n")
    written = bool(diff) and person.agrees(f"Write this to {bench.file.name}?")
    if written:
        bench.write(text)
    await bench.finish()
    return _told(bench, proof, diff, written=written, missing=bench.missing(text))


def _told(bench: Bench, proof: Proof, diff: str, *, written: bool, missing: str) -> Answer:
    data: dict[str, Any] = {
        "system": bench.which.word,
        "who": proof.who,
        "where": proof.where,
        "notes": list(proof.notes),
        "diff": diff,
        "written": written,
        "missing": missing,
    }

    def show(voice: Voice) -> None:
        voice.line(f"{bench.which.label} is connected as {proof.who}, in {proof.where}.", style="bold")
        for note in proof.notes:
            voice.line(note)
        if diff and not written:
            voice.line(f"{bench.file.name} was left as it is; the connection needs the lines shown above.")
        if written and bench.running:
            voice.line("Cosell runs with the settings of before: start it again.")
        voice.line(f"Still to do: {missing}" if missing else "Next: cosell doctor, then cosell run")

    return Answer(data, show)
