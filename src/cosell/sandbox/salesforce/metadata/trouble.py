"""What went wrong with one component of a deploy, in the words of the vendor."""

from __future__ import annotations

from cosell.sandbox.salesforce.markup import Node


class Trouble(Exception):
    """The problem of one component; a warning fails a deploy only where warnings are not ignored."""

    def __init__(self, problem: str, at: Node | None = None, *, warning: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.warning = problem, warning
        self.line: int | None = at.line if at else None
        self.column: int | None = at.column if at else None


def no_such(kind: str, name: str, *, where: str = "field", at: Node | None = None) -> Trouble:
    """The refusal of a reference to what is not there."""
    return Trouble(f"In field: {where} - no {kind} named {name} found", at)


def check_length(node: Node, tag: str, name: str, most: int) -> None:
    """Refuses a text that is too long for its place."""
    found = node.find(tag)
    if found is not None and len(found.text) > most:
        raise Trouble(f"Value too long for field: {name} maximum length is:{most}", found)


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def check_elements(
    node: Node, kind: str, allowed: frozenset[str], many: frozenset[str] = frozenset()
) -> None:
    """Refuses elements a type does not have, and repetitions of those it has once."""
    seen: set[str] = set()
    before = ""
    for one in node.children:
        if one.tag not in allowed | many:
            raise Trouble(
                f"Error parsing file: Element {one.tag} invalid at this location in type {kind}", one
            )
        # What may stand there several times must stand together.
        if one.tag in seen and (one.tag not in many or one.tag != before):
            text = f"Error parsing file: Element {one.tag} is duplicated at this location in type {kind}"
            raise Trouble(text, one)
        seen.add(one.tag)
        before = one.tag


def check_boolean(node: Node, *tags: str) -> None:
    """Refuses what is neither true nor false."""
    for tag in tags:
        found = node.find(tag)
        if found is not None and found.text not in ("true", "false"):
            text = f"Error parsing file: '{found.text}' is not a valid value for the type xsd:boolean"
            raise Trouble(text, found)
