"""Puts the figures into docs/performance.md, between two marks; the words around them stay."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def load() -> float:
    """How many processes wanted to run in the last minute."""
    return os.getloadavg()[0]


def write(found: Mapping[str, Sequence[Figure]], before: float) -> None:
    """Replaces the figures of the page."""
    page = PAGE.read_text("utf-8")
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{_machine(before)}\n\n{_rows(found)}\n\n{END}{tail}", "utf-8")


def _machine(before: float) -> str:
    cores = os.cpu_count() or 1
    shared = (
        f"The machine was shared: {before:.1f} processes wanted to run when it began."
        if before > cores / 2
        else f"Nothing else ran to speak of (load {before:.1f})."
    )
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {cores} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}. {shared}"
    )


def _rows(found: Mapping[str, Sequence[Figure]]) -> str:
    signs = {True: "yes", False: "**no**", None: ""}
    lines = ["| Figure | Target | Measured | Met | Command |", "|---|---|---|---|---|"]
    for name, figures in found.items():
        lines += [
            f"| {one.name} | {one.wanted} | {one.told} | {signs[one.met]} | `python -m bench {name}` |"
            for one in figures
        ]
    return "\n".join(lines)
