"""Writes the reference page of the systems out of what each declares: capabilities and quality."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from cosell.core.fields import FIELDS
from cosell.core.records import Side
from cosell.crm import SYSTEMS
from cosell.ports import Capabilities
from cosell.wiring.quality import Entry, Quality, Tier, quality_of

HEAD = """# Systems

What each supported system can do, what a value may lose on its way, and how good the connection is by its
own account. This page is made from the program itself by `make settings`; a test keeps it current. That a
declared capability is kept is proven by one suite for all systems, `tests/conformance`.

What a value may lose: **length** it is cut; **rounding** fewer digits; **choice** another word of the same
meaning, or only those that exist there; **time zone** another day; **union** what stood there stays;
**joined** lines become fewer. A text longer than the table allows is refused by name, never cut in silence.
"""
_CREATE = {
    "by_key": "by a key: a second creation for one deal is refused",
    "findable": "findable: it is searched for before it is made again",
    "blind": "blind: nobody can tell afterwards whether it was made",
}
_PRECONDITION = {
    "version": "exact: a change since the read refuses the write",
    "second": "to the second: a read counts only once the second of the last change is over",
    "moody": "exact, but may refuse without a reason",
    "none": "none: the last writer wins",
}
_SIDES = {Side.PARTNER_CENTER: "Partner Center", Side.CRM: "CRM"}


class Declared(Protocol):
    """What this page needs of a package's SYSTEM."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def side(self) -> Side: ...

    @property
    def expected(self) -> Callable[[], Capabilities]: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """One system and its own account of itself."""

    declared: Declared
    quality: Quality


def systems() -> Mapping[str, Listed]:
    """Every package that declares a system, by its name; Partner Center first."""
    found = {}
    for one in pkgutil.iter_modules(import_module(SYSTEMS).__path__):
        package = f"{SYSTEMS}.{one.name}"
        declared = getattr(import_module(package), "SYSTEM", None)
        if declared is not None:
            found[one.name] = Listed(declared, quality_of(package))
    return dict(sorted(found.items(), key=lambda item: (item[1].declared.side is Side.CRM, item[0])))


def page() -> str:
    """The whole page as Markdown."""
    parts = [HEAD, *(part for one in systems().values() for part in _system(one))]
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> None:
    """Writes the page into the folder named."""
    (Path(arguments[0]) / "systems.md").write_text(page(), "utf-8")


def _system(one: Listed) -> Iterable[str]:
    can = one.declared.expected()
    yield f"## {one.declared.label}\n"
    yield f"`{one.declared.name}`, side: {_SIDES[one.declared.side]}.\n"
    yield "| Capability | |\n|---|---|\n" + "\n".join(_capabilities(can)) + "\n"
    yield f"### {one.declared.label}: fields\n"
    yield "| Field | Read | On creation | Afterwards | Longest | May lose |\n|---|---|---|---|---|---|"
    yield "\n".join(_fields(can, one.quality)) + "\n"
    yield f"### {one.declared.label}: quality\n"
    yield "| Tier | Rule | | Shown by, or why not |\n|---|---|---|---|"
    yield "\n".join(_rule(entry) for tier in Tier for entry in _of(one.quality, tier)) + "\n"


def _capabilities(can: Capabilities) -> Iterable[str]:
    yield f"| Creation | {_CREATE[can.create]} |"
    yield f"| Precondition of a write | {_PRECONDITION[can.precondition]} |"
    yield f"| Keeps the stamp of our last write | {_yes(can.stamp)} |"
    yield f"| Tells who changed a record last | {_yes(can.touched_by)} |"
    yield f"| Records read in one call | {can.read_size} |"
    yield f"| Updates sent in one call | {can.write_size} |"
    yield f"| A new record is found within | {can.index_lag:g} s |"
    yield f"| An unanswered request is over after | {can.patience:g} s |"
    yield f"| Keeps customers of their own | {_yes(can.accounts)} |"
    yield f"| Keeps leads | {_yes(bool(can.leads))} |"
    acts = ", ".join(FIELDS[key].label for key in sorted(can.acts))
    yield f"| Acts that cannot be repeated | {acts or '–'} |"


def _fields(can: Capabilities, quality: Quality) -> Iterable[str]:
    for key, field in FIELDS.items():
        marks = [_yes(key in group) for group in (can.readable, can.creatable, can.updatable)]
        longest = quality.longest.get(key)
        lost = _cell(quality.lossy.get(key, "–"))
        yield f"| {field.label} | {' | '.join(marks)} | {longest or '–'} | {lost} |"


def _of(quality: Quality, tier: Tier) -> Iterable[Entry]:
    return (entry for entry in quality.rules.values() if entry.rule.tier is tier)


def _rule(entry: Entry) -> str:
    test = entry.shown_by.partition("::")[2].replace("_", " ")
    shown = f"`{entry.shown_by.partition('::')[0]}`: {test}" if test else "looked at by `tests/house`"
    state, why = ("exempt", entry.comment) if entry.exempt else ("done", shown)
    return f"| {entry.rule.tier} | `{entry.rule.name}`: {entry.rule.says} | {state} | {_cell(why)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _yes(whether: bool) -> str:
    return "yes" if whether else "–"


if __name__ == "__main__":
    main(sys.argv[1:])
