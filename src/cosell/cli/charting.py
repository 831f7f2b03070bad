"""The mapping in words: what travels where, and whether it may."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cosell.cli.speaking import FAILED, Answer, Voice
from cosell.config import rules
from cosell.config.reading import read_text
from cosell.core.errors import CosellError, Misconfigured
from cosell.core.fields import FIELDS
from cosell.core.mapping import DEFAULT, Direction, Rule, parse
from cosell.core.mapping import lint as problems_of
from cosell.ports import Finding, System
from cosell.wiring.environment import environment
from cosell.wiring.places import locate

SCHEMA = frozenset(("schema", "referral id", "currency", "stages", "help"))
"""The findings of a connection check that are about fields and values."""
TOLD_IN_THE_AUDIT = frozenset(("microsoft_state",))
"""Shown to the seller as a line of the Audit text; no field holds it (M-29)."""
ARROWS = {
    Direction.BOTH: "both ways",
    Direction.INWARD: "to the CRM",
    Direction.OUTWARD: "to Partner Center",
    Direction.NONE: "never",
}


async def lint(config: str | None, file: str | None) -> Answer:
    """Checks a mapping file, or the mapping in use: by itself, and against what both systems have."""
    problems, unchecked = [], ""
    try:
        found = parse(read_text(Path(file))) if file else _in_use(config)
        problems = problems_of(found)
    except Misconfigured as error:
        problems = [error.message]
    else:
        unchecked = await _live(config, found, problems)

    def show(voice: Voice) -> None:
        for problem in problems:
            voice.line(problem)
        if unchecked:
            voice.line(f"Not checked against the two systems: {unchecked}")
        if not problems:
            voice.line("The mapping may be used.")

    return Answer({"problems": problems, "unchecked": unchecked}, show, FAILED if problems else 0)


async def _live(config: str | None, found: Mapping[str, Rule], problems: list[str]) -> str:
    """Adds what the present schema makes impossible; answers why it could not be asked, or nothing."""
    place = locate(config, os.environ)
    if place.settings is None and place.running() is None:
        return "the sandbox does not run."
    try:
        async with environment(place, os.environ) as env:
            systems = env.systems()
            for system in (systems.partner_center, systems.crm):
                bad = [one for one in await system.check() if not one.ok]
                problems += [f"{one.message} {one.advice}" for one in bad if _of_schema(one)]
                if any(one.name == "sign-in" for one in bad):
                    return f"{bad[0].message} {bad[0].advice}"
                problems += _impossible(found, system)
    except CosellError as error:
        return error.message
    return ""


def _of_schema(finding: Finding) -> bool:
    return finding.name.startswith("field ") or finding.name in SCHEMA


def _impossible(found: Mapping[str, Rule], system: System) -> Iterator[str]:
    """Rules whose field has no place in the system they lead to, or come from."""
    able = system.capabilities
    for rule in found.values():
        if rule.field in TOLD_IN_THE_AUDIT:
            continue
        arriving = rule.create.carries_to(system.side) or rule.update.carries_to(system.side)
        leaving = rule.create.carries_to(system.side.other) or rule.update.carries_to(system.side.other)
        if arriving and rule.field not in able.creatable | able.updatable:
            yield f"[{rule.field}] {system.name} has no field for it, or the connector may not write it."
        elif leaving and rule.field not in able.readable:
            yield f"[{rule.field}] {system.name} has no field for it, or the connector may not read it."


def show(config: str | None) -> Answer:
    """Every field with its rule."""
    data = [rule_told(rule) for rule in _in_use(config).values()]

    def table(voice: Voice) -> None:
        if voice.console.width < 90:
            for row in data:
                voice.line(f"{row['label']} ({row['field']})", style="bold")
                voice.line(f"new: {row['create_words']}; later: {row['update_words']}", indent=2)
                voice.line(f"both changed: {row['conflict']}; first: {row['first']}", indent=2)
            return
        voice.table(
            ("field", "label", "when created", "afterwards", "both changed", "first meeting"),
            (
                (r["field"], r["label"], r["create_words"], r["update_words"], r["conflict"], r["first"])
                for r in data
            ),
        )

    return Answer({"rules": data}, table)


def rule_told(rule: Rule) -> dict[str, Any]:
    """One rule as plain data."""
    field = FIELDS[rule.field]
    return {
        "field": rule.field,
        "label": field.label,
        "row": field.row,
        "create": str(rule.create),
        "update": str(rule.update),
        "conflict": str(rule.conflict),
        "first": str(rule.first),
        "create_words": ARROWS[rule.create],
        "update_words": ARROWS[rule.update],
        "changed_from_default": rule != DEFAULT[rule.field],
    }


def _in_use(config: str | None) -> Mapping[str, Rule]:
    place = locate(config, os.environ)
    return rules(place.settings) if place.settings else DEFAULT
