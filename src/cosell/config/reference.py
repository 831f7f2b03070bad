"""Writes the reference page of the settings out of their own descriptions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cosell.config.models import Section, Settings
from cosell.config.secrets import Reference

HEAD = """# Settings

All settings of `cosell.toml`. This page is made from the program itself by `make settings`; a test keeps it
current. Where a default is given, the setting may be left out. A name that is not on this page is refused.

Secrets are written by reference only: `env:NAME` for an environment variable, `file:/path` for a file that
not everybody can read.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [HEAD, *_sections(Settings, ())]
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> None:
    """Writes the page to the file named."""
    place = Path(arguments[0])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(page(), "utf-8")


def _sections(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    parts: list[str] = []
    rows = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            parts += _sections(kind, (*path, name))
        else:
            rows.append(f"| `{name}` | {_default(field.default)} | {_told(field.description)} |")
    if not path:
        return [*parts, "## [mapping]\n", f"{_told(Settings.model_fields['mapping'].description)}\n"]
    table = ["| Setting | Default | Meaning |", "|---|---|---|", *rows]
    return [f"## [{'.'.join(path)}]\n", f"{_told(model.__doc__)}\n", "\n".join(table) + "\n", *parts]


def _told(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _default(value: Any) -> str:
    match value:
        case _ if value is PydanticUndefined:
            return "**required**"
        case None | Reference():
            return "–"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return ", ".join(f"`{one}`" for one in value) or "–"
        case str() | Path():
            return f"`{value}`" if str(value) else "–"
        case _:
            return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    main(sys.argv[1:])
