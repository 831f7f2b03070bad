"""The catalogue of solutions that sellers choose from: «Microsoft Solution Details» (CUS-15, FLD-D11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cosell.core.values import well_formed_solution

TEXTS = ("name", "type", "publisher")
Step: TypeAlias = Literal["add", "change", "same"]


@dataclass(frozen=True, slots=True)
class KnownSolution:
    """One solution of the catalogue; an empty text is not known."""

    id: str
    """As Partner Center knows it."""
    name: str = ""
    type: str = ""
    """Such as 3P."""
    publisher: str = ""

    @property
    def key(self) -> str:
        """What makes two entries the same solution."""
        return self.id.casefold()


@dataclass(frozen=True, slots=True)
class Shelf:
    """The catalogue of a CRM as it stands."""

    solutions: tuple[KnownSolution, ...]
    room: Mapping[str, int] = field(default_factory=dict)
    """Characters that `id` and each of TEXTS may have, 0 where there is no limit; what is missing here is
    not kept."""


def faults(one: KnownSolution, room: Mapping[str, int] | None = None) -> tuple[str, ...]:
    """Why this can be no entry of a catalogue, or of one with so much room."""
    found = []
    if not one.id:
        found.append("the solution identifier is missing")
    elif not well_formed_solution(one.id):
        found.append(f"«{one.id[:60]}» is no solution identifier, such as SOL-12345-ABC")
    if not one.name:
        found.append("the solution name is missing")
    for key in ("id", *TEXTS):
        text, most = getattr(one, key), (room or {}).get(key, 0)
        if not text.isprintable():
            found.append(f"the {key} holds a sign that cannot be printed")
        elif most and len(text) > most:
            found.append(f"the {key} has {len(text)} characters; the CRM holds {most}")
    return tuple(found)


def _step(shelf: Shelf, present: Sequence[KnownSolution], wanted: KnownSolution) -> Step:
    if not present:
        return "add"
    kept = [text for text in TEXTS if text in shelf.room and getattr(wanted, text)]
    # Where a solution stands there twice, the first is the one that is written.
    alike = all(getattr(present[0], text) == getattr(wanted, text) for text in kept)
    return "same" if alike else "change"


def steps(shelf: Shelf, wanted: Iterable[KnownSolution]) -> dict[Step, list[KnownSolution]]:
    """What each of these does to the catalogue; a text that is empty leaves the present one alone."""
    present: dict[str, list[KnownSolution]] = {}
    for one in shelf.solutions:
        present.setdefault(one.key, []).append(one)
    found: dict[Step, list[KnownSolution]] = {"add": [], "change": [], "same": []}
    for one in wanted:
        found[_step(shelf, present.get(one.key, ()), one)].append(one)
    return found
