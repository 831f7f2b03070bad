"""Source format to Metadata API format: what a deploy takes (salesforce-api.md 12.2).

All fields and list views of one object stand in one file there, all translations of one object in another;
`foreign/test_salesforce_package.py` holds the outcome against that of Salesforce's own command line.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping

from cosell.systems.salesforce.metadata import element, rendered
from cosell.systems.salesforce.package_source import Part

MANIFEST = "package.xml"
_FILES = {"Layout": "layouts", "CustomTab": "tabs", "PermissionSet": "permissionsets"}
_ENDINGS = {"Layout": "layout", "CustomTab": "tab", "PermissionSet": "permissionset"}
_INNER = {"CustomField": "fields", "ListView": "listViews", "CustomFieldTranslation": "fields"}
_TRANSLATIONS = ("CustomObjectTranslation", "CustomFieldTranslation")
_ORDER = ("CustomObject", "CustomObjectTranslation", "CustomField", "CustomFieldTranslation", "ListView")
_NEVER = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive: the same parts make the same bytes."""


def files(parts: Iterable[Part], version: str) -> dict[str, bytes]:
    """The parts as files of a deploy, `package.xml` among them."""
    wanted = list(parts)
    made = {MANIFEST: manifest(wanted, version)}
    merged: dict[tuple[str, str], list[Part]] = {}
    for part in wanted:
        if part.kind in _FILES:
            made[f"{_FILES[part.kind]}/{part.name}.{_ENDINGS[part.kind]}"] = rendered(part.body)
        else:
            form = "objectTranslation" if part.kind in _TRANSLATIONS else "object"
            merged.setdefault((form, part.owner), []).append(part)
    for (form, owner), inner in merged.items():
        made[f"{form}s/{owner}.{form}"] = _merged(form, inner)
    return made


def _merged(form: str, inner: Iterable[Part]) -> bytes:
    root = element("CustomObject" if form == "object" else "CustomObjectTranslation")
    for part in sorted(inner, key=lambda one: (_ORDER.index(one.kind), one.name)):
        body = part.changed()
        if part.kind in _INNER:
            body.tag = _INNER[part.kind]
            root.append(body)
        else:
            root.extend(body)
    return rendered(root)


def manifest(parts: Iterable[Part], version: str) -> bytes:
    """What `package.xml` says of these parts; a translated field is told as its object's translation."""
    members: dict[str, set[str]] = {}
    for part in parts:
        if part.kind in _TRANSLATIONS:
            members.setdefault("CustomObjectTranslation", set()).add(part.owner)
        else:
            members.setdefault(part.kind, set()).add(part.name)
    return _package(members, version)


def removal(members: Mapping[str, Iterable[str]], version: str) -> dict[str, bytes]:
    """The files of a deploy that takes these away, by kind and full name."""
    return {
        MANIFEST: _package({}, version),
        "destructiveChanges.xml": _package({kind: set(names) for kind, names in members.items()}, version),
    }


def _package(members: Mapping[str, set[str]], version: str) -> bytes:
    types = [
        element("types", *(("members", name) for name in sorted(names)), ("name", kind))
        for kind, names in sorted(members.items())
    ]
    return rendered(element("Package", *types, ("version", version)))


def zipped(content: Mapping[str, bytes]) -> bytes:
    """The files as an archive, byte for byte the same each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, _NEVER)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content[name])
    return packed.getvalue()
