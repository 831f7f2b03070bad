"""Salesforce's own command line and metadata types against the package of the connector."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from cosell.systems.salesforce.metadata import parsed
from cosell.systems.salesforce.package_archive import files
from cosell.systems.salesforce.package_source import FOLDER, parts

OURS = files(parts(), "67.0")
TYPES = {
    "object": "CustomObject",
    "objectTranslation": "CustomObjectTranslation",
    "layout": "Layout",
    "tab": "CustomTab",
    "permissionset": "PermissionSet",
    "xml": "Package",
}
PRIMITIVE = {"string", "boolean", "number", "any"}


def given(name: str) -> str:
    if not os.environ.get(name):
        pytest.skip(f"{name} is not set; see foreign/README.md")
    return os.environ[name]


# --- the conversion ----------------------------------------------------------------------------------


def form(element: Element) -> tuple[str, str, list[Any]]:
    """An element without regard to the order of its children."""
    return element.tag, (element.text or "").strip(), sorted((form(one) for one in element), key=repr)


def test_the_official_command_line_converts_the_project_to_the_same_files(tmp_path: Path) -> None:
    command = shlex.split(given("COSELL_SF"))
    shutil.copytree(FOLDER, tmp_path / "project")
    subprocess.run(
        [*command, "project", "convert", "source", "--output-dir", "out"],
        cwd=tmp_path / "project",
        check=True,
        capture_output=True,
        timeout=300,
    )
    out = tmp_path / "project" / "out"
    theirs = {one.relative_to(out).as_posix(): one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert set(theirs) == set(OURS)
    different = [name for name in OURS if form(parsed(OURS[name])) != form(parsed(theirs[name]))]
    assert different == []


# --- the types ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Any]:
    """The types of the Metadata API as Salesforce's own jsforce-node has them, made from the WSDL."""
    script = "console.log(JSON.stringify(require(process.argv[1]).ApiSchemas))"
    run = subprocess.run(
        ["node", "-e", script, str(Path(given("COSELL_SF_TYPES")).resolve())],
        check=True,
        capture_output=True,
        timeout=60,
    )
    found: Mapping[str, Any] = json.loads(run.stdout)
    return found


def properties(schemas: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The elements of a type, those it inherits included."""
    found: dict[str, Any] = {}
    while name:
        one = schemas[name]
        found = {**one["props"], **found}
        name = one.get("extends") or ""
    return found


def wrong(schemas: Mapping[str, Any], name: str, element: Element) -> Iterator[str]:
    """What is unknown, twice, missing, or no boolean or number in an element of a type."""
    known = properties(schemas, name)
    tags = [one.tag for one in element]
    for child in element:
        told = known.get(child.tag)
        if told is None:
            yield f"{name} has no {child.tag}"
            continue
        several = isinstance(told, list)
        kind = (told[0] if several else told).lstrip("?")
        if not several and tags.count(child.tag) > 1:
            yield f"{name} has {child.tag} twice"
        if kind in schemas and schemas[kind].get("props") is not None:
            yield from wrong(schemas, kind, child)
        elif kind == "boolean" and child.text not in ("true", "false"):
            yield f"{name}.{child.tag} is no boolean"
        elif kind == "number" and not (child.text or "").replace(".", "").isdigit():
            yield f"{name}.{child.tag} is no number"
    for tag, told in known.items():
        if isinstance(told, str) and not told.startswith("?") and tag not in tags:
            yield f"{name} lacks {tag}"


@pytest.mark.parametrize("name", OURS)
def test_every_file_is_of_the_type_that_salesforce_publishes(schemas: Mapping[str, Any], name: str) -> None:
    kind = TYPES[name.rpartition(".")[2]]
    assert list(wrong(schemas, kind, parsed(OURS[name]))) == []


def test_the_check_of_types_sees_what_is_wrong(schemas: Mapping[str, Any]) -> None:
    bad = parsed(b"<CustomTab><motiv>x</motiv><customObject>yes</customObject></CustomTab>")
    assert set(wrong(schemas, "CustomTab", bad)) >= {
        "CustomTab has no motiv",
        "CustomTab.customObject is no boolean",
    }
