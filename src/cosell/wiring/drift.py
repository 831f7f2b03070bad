"""What is lost of the fields the mapping lives on: for the doctor and for `cosell explain` (J-9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosell.core.errors import CosellError
from cosell.core.mapping import Rule
from cosell.core.records import Side
from cosell.engine import known, schema
from cosell.engine.known import Known, Loss
from cosell.ports import Describing, Finding, Store, System

PAGE = "how-to/mend-a-lost-field.md"
ROWS = ("TRB-3.1",)
CHECK = "fields in use"


async def findings(
    store: Store, systems: Sequence[System], rules: Mapping[str, Rule], *, now: float
) -> Sequence[Finding]:
    """Schema drift against the mapping: every field once in use that is out of reach now (J-9).

    Looks at the systems as they are this very moment. Where anything is lost, or was, the running process is
    asked to look too, so that what an administrator has just mended goes on at once.
    """
    found: list[Finding] = []
    before, lost = await known.kept(store), False
    for system in systems:
        if not isinstance(system, Describing):
            continue
        known.rely(system, before[system.side])
        try:
            await system.describe(thorough=True)
        except CosellError as why:
            found.append(Finding(CHECK, False, why.message, why.advice, PAGE))
            continue
        after = before[system.side].after(system.capabilities, rules, now, system.names)
        lost = lost or bool(before[system.side].lost or after.lost)
        found += await _of(store, system, after)
    if lost:
        await schema.ask(store, now)
    return found


async def _of(store: Store, system: System, after: Known) -> list[Finding]:
    if not after.lost:
        said = "Every field that the mapping ever lived on is there."
        return [Finding(CHECK, True, said, page=PAGE, rows=ROWS)]
    waiting = await schema.waiting_by_field(store)
    return [
        Finding(
            f"lost {part}",
            False,
            loss.says(waiting[loss.field]),
            loss.lack.fix,
            PAGE,
            rows=ROWS,
            who=loss.lack.who,
        )
        for part, loss in sorted(after.lost.items())
    ]


async def told(store: Store) -> Mapping[str, str]:
    """For each field of the mapping that is out of reach: what is lost of it, and what mends it."""
    losses: dict[str, list[Loss]] = {}
    for side in Side:
        for loss in (await known.kept(store))[side].lost.values():
            losses.setdefault(loss.field, []).append(loss)
    return {
        field: " ".join(f"{loss.named} {loss.lack.says}. {loss.advice}" for loss in some)
        for field, some in losses.items()
    }


async def mended(store: Store, *, now: float) -> None:
    """Has the running process look at the fields of both systems: somebody may have mended one."""
    await schema.ask(store, now)
