"""Writes the reference page of the doctor out of the rows he answers for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from cosell.wiring.doctor.rows import ROWS

HEAD = """# What the doctor proves

`cosell doctor` makes every check it can, also before anything is installed and where only one connection is
set up. Each check says what was found, what to do, and who can do it; with `--json` also which of the rows
below it answers, so that a trouble can be looked up by its number.

- `✔` is right. `!` works, and something is advised. `✘` has to be mended.
- `cosell doctor --fix` mends what is safe: it registers our own address for missing events, and takes the
  right to look into the data directory away from others. It never touches rights, fields, values or secrets.
- Exit codes: 0 all is well, 1 something failed, 4 a sign-in or a right is missing.

This page is made by `make settings`; a test keeps it current, and another proves that every row that is left
has a check in both CRMs.

| Row | About | Answered by |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterable[str]:
    for row, one in ROWS.items():
        checked = f"a check, for {one.crm}" if one.crm else "a check"
        yield f"| {row} | {one.asks} | {one.gone or checked} |"


def main(arguments: Sequence[str]) -> None:
    """Writes the page into the folder named."""
    (Path(arguments[0]) / "doctor.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
