"""Tells which components a package holds, and whether its manifest names the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cosell.sandbox.salesforce.markup import METADATA, Node, XmlTrouble, parse
from cosell.sandbox.salesforce.metadata.archive import (
    DESTRUCTIVE,
    MANIFEST,
    Archive,
    Manifest,
    component_name,
)
from cosell.sandbox.salesforce.metadata.trouble import Trouble

KINDS = {
    "objects": ("CustomObject", ".object"),
    "objectTranslations": ("CustomObjectTranslation", ".objectTranslation"),
    "translations": ("Translations", ".translation"),
    "permissionsets": ("PermissionSet", ".permissionset"),
    "layouts": ("Layout", ".layout"),
    "tabs": ("CustomTab", ".tab"),
}
"""Folder of a package: the type of its files and how their names end."""
CHILDREN = {"fields": "CustomField", "listViews": "ListView"}
"""Elements of an object file that are components of their own."""
KNOWN = frozenset({kind for kind, _ in KINDS.values()} | set(CHILDREN.values()))


@dataclass(frozen=True, slots=True)
class Component:
    """One component as it came: its type, full name, file and content."""

    kind: str
    name: str
    file: str
    node: Node

    @property
    def owner(self) -> str:
        """The object a field or list view belongs to."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A file or member that is no usable component, and why."""

    kind: str
    name: str
    file: str
    trouble: Trouble


def read_components(archive: Archive, manifest: Manifest) -> tuple[list[Component], list[Misfit]]:
    """Everything a package holds, and everything about it that does not fit together."""
    found: list[Component] = []
    bad: list[Misfit] = []
    for path, raw in archive.files.items():
        if path in (MANIFEST, *DESTRUCTIVE):
            continue
        try:
            found.extend(_in_file(path, raw, manifest))
        except Trouble as trouble:
            kind, name = _identity(path)
            bad.append(Misfit(kind, name, path, trouble))
    bad.extend(_missing(found, manifest, {(one.kind, one.name) for one in bad}))
    bad.extend(_doubled(found))
    return found, bad


def _identity(path: str) -> tuple[str, str]:
    kind, suffix = KINDS.get(path.split("/")[0], ("", ""))
    return kind, component_name(path, suffix)


def _in_file(path: str, raw: bytes, manifest: Manifest) -> Iterator[Component]:
    folder = path.split("/")[0]
    if folder not in KINDS or path.count("/") != 1 or not path.endswith(KINDS[folder][1]):
        raise Trouble("Not in package.xml")
    kind, name = _identity(path)
    try:
        top = parse(raw)
    except XmlTrouble as wrong:
        at = Node("", line=wrong.line, column=wrong.column)
        raise Trouble(f"Error parsing file: {wrong.problem}", at) from None
    if top.tag != kind or top.space != METADATA:
        raise Trouble(f"Error parsing file: Element {{{top.space}}}{top.tag} invalid at this location", top)
    whole = manifest.names(kind, name)
    parts = list(_parts(path, name, top)) if kind == "CustomObject" else []
    named = [one for one in parts if whole or manifest.names(one.kind, one.name)]
    if not whole and not named:
        raise Trouble("Not in package.xml")
    if whole:
        yield Component(kind, name, path, top)
    yield from named


def _parts(path: str, owner: str, top: Node) -> Iterator[Component]:
    for tag, kind in CHILDREN.items():
        for node in top.all(tag):
            yield Component(kind, f"{owner}.{node.value('fullName') or ''}", path, node)


def _missing(found: list[Component], manifest: Manifest, told: set[tuple[str, str]]) -> Iterator[Misfit]:
    there = {(one.kind, one.name) for one in found} | told
    for kind, members in manifest.members.items():
        if kind not in KNOWN:
            yield Misfit("", kind, MANIFEST, Trouble(f"Unknown type name '{kind}' specified in package.xml"))
            continue
        for member in members:
            if member.text != "*" and (kind, member.text) not in there:
                text = (
                    f"An object '{member.text}' of type {kind} was named in package.xml, but was not found"
                    " in zipped directory"
                )
                yield Misfit("", member.text, MANIFEST, Trouble(text, member))


def _doubled(found: list[Component]) -> Iterator[Misfit]:
    seen: set[tuple[str, str]] = set()
    for one in found:
        key = one.kind, one.name.lower()
        if key in seen:
            yield Misfit(
                one.kind, one.name, one.file, Trouble(f"Duplicate name '{one.name}' specified", one.node)
            )
        seen.add(key)
