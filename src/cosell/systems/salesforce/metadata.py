"""Salesforce's metadata as XML: read, changed and written in one form (salesforce-api.md 12.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, indent, tostring

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def parsed(raw: bytes) -> Element:
    """The document, its elements named without their namespace. Raises ValueError where it is none."""
    # Without a document type there is no entity to expand, neither a large one nor one from elsewhere.
    if b"<!" in raw.replace(b"<!--", b""):
        raise ValueError("a document type or character data section")
    try:
        root = fromstring(raw)  # noqa: S314 - see above
    except ParseError as why:
        raise ValueError(str(why)) from None
    for one in root.iter():
        if isinstance(one.tag, str):
            one.tag = one.tag.rpartition("}")[2]
    return root


def rendered(root: Element) -> bytes:
    """The document as a file, indented alike whatever it came from."""
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + shown(root, namespace=True).encode() + b"\n"


def shown(root: Element, *, namespace: bool = False) -> str:
    """The document as text that a person can compare line by line."""
    copy = deepcopy(root)
    if namespace:
        copy.set("xmlns", NAMESPACE)
    indent(copy, "    ")
    return tostring(copy, encoding="unicode").rstrip()


def element(name: str, *children: Element | tuple[str, str | bool | int]) -> Element:
    """A new element of these children; a pair is a child with its text."""
    made = Element(name)
    for one in children:
        made.append(one if isinstance(one, Element) else leaf(*one))
    return made


def leaf(name: str, value: str | bool | int) -> Element:
    """An element that holds a value alone."""
    made = Element(name)
    made.text = str(value).lower() if isinstance(value, bool) else str(value)
    return made


def put(parent: Element, name: str, value: str | bool | int) -> None:
    """Sets the one child of this name to the value; makes it where it is missing."""
    found = parent.find(name)
    if found is None:
        found = SubElement(parent, name)
    found.text = leaf(name, value).text


def said(parent: Element, name: str) -> str:
    """The text of a child; empty where there is none."""
    return (parent.findtext(name) or "").strip()


def every(parent: Element, *path: str) -> Iterator[Element]:
    """All elements at the end of a path, in their order."""
    found: Iterable[Element] = [parent]
    for name in path:
        found = [inner for outer in found for inner in outer.findall(name)]
    yield from found
