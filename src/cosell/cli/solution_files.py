"""Reads the solutions in a CSV file: whole, or with a reason for every line that cannot be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosell.cli.speaking import Refusal
from cosell.core.catalogue import KnownSolution, faults
from cosell.core.values import text as normal

LARGEST = 5 * 1024 * 1024
MOST_ROWS = 20_000
COLUMNS: Mapping[str, str] = {
    "solutionidentifier": "id",
    "solutionname": "name",
    "type": "type",
    "publishername": "publisher",
}
"""Headers without case, spaces and signs, and what they hold."""
NEEDED = {"id": "Solution Identifier", "name": "Solution Name"}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Bad:
    """One line that cannot be taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class SolutionFile:
    """What a file holds."""

    solutions: tuple[KnownSolution, ...]
    lines: Mapping[str, int]
    """The line of each solution, by its id."""
    ignored: tuple[str, ...]
    """Columns that mean nothing here."""


def read(name: str) -> SolutionFile:
    """The solutions of a CSV file. Refusal that names every bad line; nothing of such a file is taken."""
    path = Path(name[:4000])
    try:
        with path.expanduser().open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "no usable path"
        raise Refusal(f"{path} cannot be read ({why.lower()}).") from None
    if len(raw) > LARGEST:
        raise Refusal(f"{path} is larger than {LARGEST // 1024 // 1024} MB.", advice="Split it.")
    return parse(_decoded(raw))


def refuse(bad: Sequence[Bad]) -> None:
    """Raises a refusal that names these lines, if there are any."""
    if not bad:
        return
    said = [f"Line {one.line}: {one.reason}." for one in bad[:_SHOWN]]
    more = [f"And {len(bad) - _SHOWN} more."] if len(bad) > _SHOWN else []
    count = "A line" if len(bad) == 1 else f"{len(bad)} lines"
    raise Refusal(
        "\n".join([f"{count} of the file cannot be taken, so nothing was imported.", *said, *more]),
        advice="Correct the file and import it again; importing twice does no harm.",
        data={"bad": [{"line": one.line, "reason": one.reason} for one in bad]},
    )


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refusal("The file is UTF-16.", advice="Save it as «CSV UTF-8».")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refusal(f"Line {line} of the file is not UTF-8.", advice="Save it as «CSV UTF-8».") from None


def parse(whole: str) -> SolutionFile:
    """The same for a text."""
    rows = _rows(whole, _delimiter(whole))
    try:
        line, header = next(rows)
    except StopIteration:
        raise Refusal("The file is empty.", advice=_HEADER_ADVICE) from None
    places, ignored = _places(header)
    bad: list[Bad] = []
    found: dict[str, tuple[int, KnownSolution]] = {}
    for count, (line, cells) in enumerate(rows, start=1):
        if count > MOST_ROWS:
            raise Refusal(f"The file has more than {MOST_ROWS} rows.", advice="Split it.")
        one, reasons = _solution(cells, places, len(header))
        known = found.get(one.key)
        if not reasons and known is not None and known[1] != one:
            reasons = (f"«{one.id}» stands on line {known[0]} already, and says something else",)
        bad += [Bad(line, reason) for reason in reasons]
        if not reasons:
            found.setdefault(one.key, (line, one))
    refuse(bad)
    if not found:
        raise Refusal("The file holds no solution.", advice=_HEADER_ADVICE)
    return SolutionFile(
        tuple(one for _, one in found.values()), {one.id: line for line, one in found.values()}, ignored
    )


_HEADER_ADVICE = "Its first line names the columns: Solution Identifier, Solution Name, Type, Publisher Name."


def _delimiter(whole: str) -> str:
    """The sign between the cells, told by the first line that says anything."""
    head = next((line for line in whole.splitlines() if line.strip(",; \t")), "")
    return max(",;", key=lambda sign: sum(_plain(cell) in COLUMNS for cell in head.split(sign)))


def _rows(whole: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold anything, each with the number under which it begins."""
    reader = csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1
            if any(cell.strip() for cell in cells):
                yield begins, cells
    except csv.Error as error:
        raise Refusal(
            f"Line {line} of the file is no CSV ({error}), so nothing was imported.",
            advice="A quote opened and not closed is the usual cause.",
            data={"bad": [{"line": line, "reason": str(error)}]},
        ) from None


def _places(header: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Where each text stands, and the headers nobody knows."""
    places: dict[str, int] = {}
    ignored = []
    for at, cell in enumerate(header):
        key = COLUMNS.get(_plain(cell))
        if key is None:
            ignored += [cell.strip()[:60]] if cell.strip() else []
        elif key in places:
            raise Refusal(f"The column «{cell.strip()}» stands there twice.", advice=_HEADER_ADVICE)
        else:
            places[key] = at
    missing = [name for key, name in NEEDED.items() if key not in places]
    if missing:
        raise Refusal(f"The file has no column «{missing[0]}».", advice=_HEADER_ADVICE)
    return places, tuple(ignored)


def _plain(cell: str) -> str:
    return "".join(letter for letter in cell.casefold() if letter.isalnum())


def _solution(
    cells: Sequence[str], places: Mapping[str, int], width: int
) -> tuple[KnownSolution, tuple[str, ...]]:
    texts = {key: cells[at] if at < len(cells) else "" for key, at in places.items()}
    one = KnownSolution(**{key: str(normal(cell) or "") for key, cell in texts.items()})
    reasons = faults(one)
    if any(cell.strip() for cell in cells[width:]):
        reasons += (f"there are {len(cells)} cells under {width} headers; a sign in a text needs quotes",)
    return one, reasons
