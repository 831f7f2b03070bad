"""The mapping in words: what travels where, and whether it may."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosell.cli.speaking import FAILED, Answer, Voice
from cosell.config import rules
from cosell.config.reading import read_text
from cosell.core.errors import Misconfigured
from cosell.core.fields import FIELDS
from cosell.core.mapping import DEFAULT, Direction, Rule, parse
from cosell.core.mapping import lint as problems_of
from cosell.wiring.places import locate

ARROWS = {
    Direction.BOTH: "both ways",
    Direction.INWARD: "to the CRM",
    Direction.OUTWARD: "to Partner Center",
    Direction.NONE: "never",
}


def lint(config: str | None, file: str | None) -> Answer:
    """Checks a mapping file, or the mapping in use."""
    try:
        found = parse(read_text(Path(file))) if file else _in_use(config)
        problems = problems_of(found)
    except Misconfigured as error:
        problems = [error.message]

    def show(voice: Voice) -> None:
        for problem in problems:
            voice.line(problem)
        if not problems:
            voice.line("The mapping may be used.")

    return Answer({"problems": problems}, show, FAILED if problems else 0)


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
