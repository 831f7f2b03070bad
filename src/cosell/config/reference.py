"""Writes the reference page of the settings out of their own descriptions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cosell.config.models import Settings, tables
from cosell.core.errors import CosellError
from cosell.core.reasons import TEXTS
from cosell.crm import supported
from cosell.sections import Section
from cosell.sections.secrets import Reference

HEAD = """# Settings

All settings of `cosell.toml`. This page is made from the program itself by `make settings`; a test keeps it
current. Where a default is given, the setting may be left out. A name that is not on this page is refused.

Secrets are written by reference only: `env:NAME` for an environment variable, `file:/path` for a file that
not everybody can read.
"""


def page() -> str:
    """The whole page as Markdown."""
    common = tables(Settings)
    parts = [HEAD, *_sections(common.pop("environment").annotation, ("environment",))]
    parts += _sections(common.pop("partner_center").annotation, ("partner_center",))
    for crm in supported().values():
        parts += _sections(crm.settings, (crm.name,))
    mapping = common.pop("mapping")
    for name, field in common.items():
        parts += _sections(field.annotation, (name,))
    return "\n".join([*parts, "## [mapping]\n", f"{_told(mapping.description)}\n"])


REASONS_HEAD = """# Reasons and errors

Every code the product gives, in `cosell explain`, in the Audit field, in JSON and in the log, with what it
means, what to do, and whose move it is. This page is made from the program itself by `make settings`; a test
keeps it current.

## Reasons of fields and deals

| Code | Means | What to do | Whose move |
|---|---|---|---|
"""
ERRORS_HEAD = """
## Errors

What went wrong, typed by what happens next. The exit code of a command is 75 where trying again later helps,
4 where a sign-in or a right is missing, 1 otherwise.

| Code | Means | What we did | What you can do |
|---|---|---|---|
"""


def reasons_page() -> str:
    """The page of all reason and error codes as Markdown."""
    rows = [
        f"| `{reason}` | {_told(words.says)} | {_told(words.fix)} | {words.who} |"
        for reason, words in TEXTS.items()
    ]
    errors = [
        f"| `{kind('').code}` | {_told(kind.__doc__)} | {_told(kind.did)} | {_told(kind.advice)} |"
        for kind in _leaves(CosellError)
    ]
    return REASONS_HEAD + "\n".join(rows) + "\n" + ERRORS_HEAD + "\n".join(errors) + "\n"


def _leaves(kind: type[CosellError]) -> list[type[CosellError]]:
    """The errors that are raised, in the order of the tree."""
    below = [one for one in kind.__subclasses__() if one.__module__ == CosellError.__module__]
    return [leaf for one in below for leaf in _leaves(one)] if below else [kind]


def main(arguments: Sequence[str]) -> None:
    """Writes the pages into the folder named."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.md").write_text(page(), "utf-8")
    (folder / "errors.md").write_text(reasons_page(), "utf-8")


def _sections(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    parts: list[str] = []
    rows = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            parts += _sections(kind, (*path, name))
        else:
            rows.append(f"| `{name}` | {_default(field.default)} | {_told(field.description)} |")
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
