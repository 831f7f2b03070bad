"""Metadata files as trees that know where each element stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

METADATA = "http://soap.sforce.com/2006/04/metadata"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


class XmlTrouble(Exception):
    """A file that is no well-formed metadata: what, and where."""

    def __init__(self, problem: str, line: int = 1, column: int = 1) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


@dataclass(slots=True)
class Node:
    """One element: its local name, text, children and place."""

    tag: str
    space: str = METADATA
    text: str = ""
    children: list[Node] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    line: int = 1
    column: int = 1

    def all(self, tag: str) -> Iterator[Node]:
        return (one for one in self.children if one.tag == tag)

    def find(self, tag: str) -> Node | None:
        return next(self.all(tag), None)

    def value(self, tag: str) -> str | None:
        """The text of a child; None where there is no such child."""
        found = self.find(tag)
        return None if found is None else found.text

    def flag(self, tag: str) -> bool:
        return self.value(tag) == "true"

    @property
    def kind(self) -> str | None:
        """The `xsi:type` without its prefix."""
        given = self.attributes.get(f"{_XSI} type")
        return given.rpartition(":")[2] if given else None


def parse(raw: bytes) -> Node:
    """The tree of a document; no DTD is looked at, so that nothing can be smuggled in with one."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top: list[Node] = []
    open_ones: list[Node] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        space, _, tag = name.rpartition(" ")
        place = (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        made = Node(tag, space, "", [], attributes, *place)
        (open_ones[-1].children if open_ones else top).append(made)
        open_ones.append(made)

    def end(_name: str) -> None:
        done = open_ones.pop()
        done.text = done.text.strip()

    def text(data: str) -> None:
        if open_ones:
            open_ones[-1].text += data

    def doctype(*_: Any) -> None:
        raise XmlTrouble("DOCTYPE is not allowed", parser.CurrentLineNumber, 1)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError, LookupError) as wrong:
        line = getattr(wrong, "lineno", 1)
        raise XmlTrouble(str(wrong), line, getattr(wrong, "offset", 0) + 1) from None
    return top[0]


def written(node: Node, *, tag: str | None = None, attributes: str = "") -> str:
    """A node as text, its children in their order."""
    name = tag or node.tag
    inner = "".join(written(one) for one in node.children) if node.children else escape(node.text)
    return f"<{name}{attributes}>{inner}</{name}>"
