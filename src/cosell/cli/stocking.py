"""The catalogue of solutions in the CRM: looked at, and filled from a file (CUS-15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cosell.cli import solution_files
from cosell.cli.finding import opened
from cosell.cli.solution_files import Bad, SolutionFile
from cosell.cli.speaking import FAILED, PARTLY, Answer, Refusal, Voice
from cosell.core.catalogue import Shelf, faults, steps
from cosell.core.errors import CosellError
from cosell.crm import named
from cosell.ports import Catalogue
from cosell.wiring.environment import Environment

HEAD = ("Solution Identifier", "Solution Name", "Type", "Publisher Name")
_SHOWN = 20


async def listed(config: str | None) -> Answer:
    """Every solution of the catalogue, by name."""
    async with opened(config, new=True) as env:
        shelf = await _catalogue(env).solutions()
    found = sorted(shelf.solutions, key=lambda one: (one.name.casefold(), one.key))

    def show(voice: Voice) -> None:
        if not found:
            voice.line("The catalogue is empty. To fill it: cosell solutions import FILE.csv")
            return
        voice.table(HEAD, ((one.id, one.name, one.type, one.publisher) for one in found))

    return Answer({"solutions": [asdict(one) for one in found]}, show)


async def imported(config: str | None, path: str, *, dry_run: bool) -> Answer:
    """Adds what the catalogue lacks and corrects what differs; refuses a file with a bad line as a whole."""
    file = solution_files.read(path)
    async with opened(config, new=True) as env:
        dry_run = dry_run or env.settings.environment.dry_run
        catalogue = _catalogue(env)
        shelf = await catalogue.solutions()
        solution_files.refuse(_too_long(file, shelf))
        found = steps(shelf, file.solutions)
        wanted = [*found["add"], *found["change"]]
        outcomes = {} if dry_run else await catalogue.teach(wanted)
    failed = {one: why for one, why in outcomes.items() if why is not None}
    data = {
        "dry_run": dry_run,
        "added": [one.id for one in found["add"] if one.id not in failed],
        "changed": [one.id for one in found["change"] if one.id not in failed],
        "same": len(found["same"]),
        "failed": [_failure(file, one, why) for one, why in failed.items()],
        "ignored_columns": [*file.ignored, *_homeless(file, shelf)],
    }
    code = 0
    if failed:
        code = PARTLY if len(failed) < len(wanted) else FAILED
    return Answer(data, lambda voice: show(voice, data), code)


def _failure(file: SolutionFile, solution_id: str, why: CosellError) -> dict[str, Any]:
    said = {"code": why.code, "message": why.message, "advice": why.advice}
    return {"id": solution_id, "line": file.lines[solution_id], **said}


def _too_long(file: SolutionFile, shelf: Shelf) -> list[Bad]:
    """What the file allows and the CRM has no room for."""
    return [Bad(file.lines[one.id], why) for one in file.solutions for why in faults(one, shelf.room)]


def _homeless(file: SolutionFile, shelf: Shelf) -> list[str]:
    """Columns of the file that the CRM has no column for."""
    named_by = {"name": HEAD[1], "type": HEAD[2], "publisher": HEAD[3]}
    return [
        header
        for key, header in named_by.items()
        if key not in shelf.room and any(getattr(one, key) for one in file.solutions)
    ]


def show(voice: Voice, data: Mapping[str, Any]) -> None:
    """What was done, and every solution that was refused."""
    added, changed = len(data["added"]), len(data["changed"])
    if data["dry_run"]:
        voice.line(
            f"Would add {added}, change {changed}; {data['same']} are there already. Nothing is written."
        )
    else:
        voice.line(f"Added {added}, changed {changed}; {data['same']} were there already.")
    for one in [*data["added"], *data["changed"]][:_SHOWN] if data["dry_run"] else ():
        voice.line(one, indent=2)
    for name in data["ignored_columns"]:
        voice.line(f"Left out: the column «{name}», which the catalogue does not keep.")
    for one in data["failed"]:
        voice.line(f"Line {one['line']}, {one['id']}: {one['message']}", style="red")
    if data["failed"]:
        voice.line("Import the file again when this is mended: what is there already stays as it is.")


def _catalogue(env: Environment) -> Catalogue:
    crm = env.systems().crm
    if not isinstance(crm, Catalogue):
        label = named(env.settings.crm_name).label
        raise Refusal(f"{label} keeps no catalogue of solutions.")
    return crm
