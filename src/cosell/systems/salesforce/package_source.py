"""The package as it lies in `sfdx/`, part by part: the one copy that people, the installer and tests read.

`sfdx/` is a project of Salesforce's own command line (source format): one file a field, so that a change of
one is a change of one line. Whoever deploys with `sf` deploys the very same files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element

from cosell.systems.salesforce.metadata import parsed

FOLDER = Path(__file__).with_name("sfdx")
_INSIDE = "force-app/main/default"
PERMISSION_SET = "Cosell_Connector"
LIST_VIEW = "Opportunity.Cosell_Synced"
LANGUAGES = {"ko": "Korean", "zh_TW": "Chinese (Traditional)"}
"""What there are translations for, by Salesforce's own codes; English is in the fields themselves."""

KINDS = {
    "object": "CustomObject",
    "field": "CustomField",
    "listView": "ListView",
    "objectTranslation": "CustomObjectTranslation",
    "fieldTranslation": "CustomFieldTranslation",
    "layout": "Layout",
    "tab": "CustomTab",
    "permissionset": "PermissionSet",
}
"""The kind of a part, by what stands before `-meta.xml` in the name of its file."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part of the package."""

    kind: str
    name: str
    """Its full name; a field's begins with its object, a translation's with object and language."""
    body: Element
    """Never changed in place: `changed` copies it first."""

    @property
    def owner(self) -> str:
        """The object, or object and language, whose file holds this part."""
        return self.name.partition(".")[0]

    def changed(self) -> Element:
        """A copy of the body that may be changed."""
        return deepcopy(self.body)


def parts() -> Sequence[Part]:
    """Everything in the package, in the order of its files."""
    return _parts(FOLDER)


@cache
def _parts(folder: Path) -> tuple[Part, ...]:
    inside = folder / _INSIDE
    found = sorted(inside.rglob("*-meta.xml"), key=lambda file: file.relative_to(inside).as_posix())
    return tuple(_part(file) for file in found)


def _part(file: Path) -> Part:
    stem, _, kind = file.name.removesuffix("-meta.xml").rpartition(".")
    body = parsed(file.read_bytes())
    if kind in ("field", "listView"):
        stem = f"{file.parents[1].name}.{stem}"
    elif kind == "fieldTranslation":
        stem = f"{file.parent.name}.{stem}"
    return Part(KINDS[kind], stem, body)


def of(kind: str, names: Iterable[str] | None = None) -> list[Part]:
    """The parts of a kind, all of them or those of these names."""
    wanted = None if names is None else set(names)
    return [one for one in parts() if one.kind == kind and (wanted is None or one.name in wanted)]


def the(kind: str, name: str) -> Part:
    """The one part of this name."""
    return next(one for one in parts() if one.kind == kind and one.name == name)
