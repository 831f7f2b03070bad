"""A figure: what was promised, what was measured, and whether the one meets the other."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    name: str
    measured: float
    unit: str
    target: float | None = None
    """None where the figure is told for what it is."""
    at_least: bool = False
    """The target is a floor and no ceiling."""
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target

    @property
    def wanted(self) -> str:
        if self.target is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {shown(self.target)} {self.unit}".strip()

    @property
    def told(self) -> str:
        return f"{shown(self.measured)} {self.unit}".strip()


def shown(value: float) -> str:
    """Three significant digits, whole numbers whole."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def share(values: Sequence[float], part: float) -> float:
    """The value that `part` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def table(figures: Iterable[Figure]) -> str:
    """The figures in columns, for a person at a terminal."""
    rows = [("", "figure", "target", "measured", "")]
    signs = {True: "ok", False: "MISSED", None: ""}
    rows += [(signs[one.met], one.name, one.wanted, one.told, one.note) for one in figures]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    return "\n".join(
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]
        ).rstrip()
        for row in rows
    )


def as_json(figures: Iterable[Figure]) -> str:
    """The same for a program."""
    return json.dumps([{**asdict(one), "met": one.met} for one in figures], indent=2, ensure_ascii=False)
