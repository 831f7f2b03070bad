"""The package as files for an administrator who installs it without us."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cosell.core.errors import Misconfigured
from cosell.systems.salesforce.package_archive import files, zipped
from cosell.systems.salesforce.package_source import FOLDER, parts

ARCHIVE = "cosell-salesforce.zip"


def version() -> str:
    """The version of the Metadata API the package is written in."""
    told = json.loads((FOLDER / "sfdx-project.json").read_text("utf-8"))
    return str(told["sourceApiVersion"])


def write(folder: Path) -> Sequence[Path]:
    """Writes the project for `sf`, and the same as one archive for everything that deploys such."""
    written = []
    try:
        for file in sorted(one for one in FOLDER.rglob("*") if one.is_file()):
            target = folder / file.relative_to(FOLDER)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
            written.append(target)
        archive = folder / ARCHIVE
        archive.write_bytes(zipped(files(parts(), version())))
    except OSError as error:
        raise Misconfigured(
            f"The package cannot be written to {folder} ({(error.strerror or '').lower()}).",
            did="What was written before stays.",
            advice="Choose another folder with --out.",
        ) from error
    return [*written, archive]
