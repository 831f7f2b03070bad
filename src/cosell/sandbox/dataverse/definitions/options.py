"""The query options of the metadata endpoints: ``$select``, ``$filter`` and ``$expand``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cosell.sandbox.dataverse.definitions.conditions import test_of
from cosell.sandbox.dataverse.errors import bad_request, no_property

Definition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What a request wants of each definition."""

    select: tuple[str, ...] | None = None
    filter: str | None = None
    expand: tuple[tuple[str, Options], ...] = ()


_KNOWN = ("$select", "$filter", "$expand", "LabelLanguages", "annotations")
"""Languages other than the one there is change nothing."""


def read(given: Mapping[str, str]) -> Options:
    """The options of a request; an option these endpoints do not take is refused."""
    for name in given:
        if name not in _KNOWN:
            raise bad_request(f"The query parameter {name} is not supported")
    return _options(given)


def _options(given: Mapping[str, str]) -> Options:
    select = given.get("$select")
    return Options(
        tuple(one.strip() for one in select.split(",")) if select else None,
        given.get("$filter"),
        tuple(_expansion(one) for one in divided(given.get("$expand", ""), ",")),
    )


def shown(
    definition: Definition,
    options: Options,
    type_name: str,
    expansions: Callable[[str], Callable[[Options], Any] | None],
) -> Definition:
    """A definition with the properties that were selected and what was expanded."""
    made = definition if options.select is None else _selected(definition, options.select, type_name)
    for name, inner in options.expand:
        expand = expansions(name)
        if expand is None:
            raise no_property(name, type_name)
        made = {**made, name: expand(inner)}
    return made


def kept(definitions: Iterable[Definition], options: Options, type_name: str) -> list[Definition]:
    """The definitions that pass the filter."""
    if options.filter is None:
        return list(definitions)
    test = test_of(options.filter, type_name)
    return [one for one in definitions if test(one)]


def _selected(definition: Definition, names: Iterable[str], type_name: str) -> Definition:
    made = {name: value for name, value in definition.items() if name.startswith("@")}
    for name in names:
        if name not in definition or name.startswith("@"):
            raise no_property(name, type_name)
        made[name] = definition[name]
    if "MetadataId" in definition:
        made["MetadataId"] = definition["MetadataId"]
    return made


def _expansion(text: str) -> tuple[str, Options]:
    name, bracket, inner = text.partition("(")
    if not bracket:
        return name, Options()
    if not inner.endswith(")"):
        raise bad_request(f"Syntax error in the expansion '{text}'.")
    pairs = (one.partition("=") for one in divided(inner[:-1], ";"))
    return name, read({key: value for key, _, value in pairs})


def divided(text: str, mark: str) -> list[str]:
    """The pieces between marks; marks inside brackets or quotes do not divide."""
    pieces, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif letter == mark and depth == 0:
            pieces.append(text[start:place])
            start = place + 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]
