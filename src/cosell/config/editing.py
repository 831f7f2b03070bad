"""Changes single settings in a TOML text and leaves every other character of it alone."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, TypeAlias

from cosell.core.errors import Misconfigured

_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_.\-]+)\s*\]\s*(#.*)?$")
_HEADER = re.compile(r"\s*\[")
_LINE = re.compile(
    r"(?P<head>\s*(?P<key>[A-Za-z0-9_-]+)\s*=\s*)"
    r'(?P<value>"(?:[^"\\]|\\.)*"|[^"#]+?)'
    r"(?P<tail>\s*(#.*)?)$"
)


Plain: TypeAlias = str | bool | int | float | list[Any]
"""What a setting may be."""


def edited(text: str, table: str, changes: Mapping[str, Plain | None], *, name: str = "cosell.toml") -> str:
    """The text with these settings of a table changed; None takes one out, as a comment.

    A setting that stands there as a comment is put in its place, so that its explanation stays above it.
    Raises Misconfigured where the file is written in a way that cannot be edited safely.
    """
    lines = text.splitlines()
    start = _start(lines, table)
    if start is None:
        lines += ["", f"[{table}]"]
        start = len(lines) - 1
    for key, value in changes.items():
        _change(lines, start, key, value)
    made = "\n".join(lines) + "\n"
    if _parsed(made) != _expected(text, table, changes):
        wanted = ", ".join(f"{key} = {_quoted(value)}" for key, value in changes.items() if value is not None)
        raise Misconfigured(
            f"{name} is written in a way that cannot be edited safely; it was left as it is.",
            advice=f"Set these yourself under [{table}]: {wanted}",
        )
    return made


def difference(before: str, after: str, name: str) -> str:
    """What changes, line by line, as people read it."""
    return "\n".join(
        difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=1, lineterm="")
    )


def _start(lines: list[str], table: str) -> int | None:
    return next((n for n, line in enumerate(lines) if (m := _TABLE.match(line)) and m[1] == table), None)


def _end(lines: list[str], start: int) -> int:
    return next((n for n in range(start + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))


def _change(lines: list[str], start: int, key: str, value: Plain | None) -> None:
    inside = range(start + 1, _end(lines, start))
    for n in inside:
        found = _LINE.match(lines[n])
        if found is not None and found["key"] == key:
            lines[n] = f"# {lines[n]}" if value is None else f"{found['head']}{_quoted(value)}{found['tail']}"
            return
    if value is None:
        return
    for n in inside:
        if re.match(rf"#\s*{re.escape(key)}\s*=", lines[n]):
            lines[n] = f"{key} = {_quoted(value)}"
            return
    last = max((n for n in inside if _LINE.match(lines[n])), default=start)
    lines.insert(last + 1, f"{key} = {_quoted(value)}")


def _quoted(value: Plain) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _expected(text: str, table: str, changes: Mapping[str, Plain | None]) -> dict[str, Any]:
    whole = _parsed(text)
    inner = whole
    for word in table.split("."):
        inner = inner.setdefault(word, {})
    for key, value in changes.items():
        if value is None:
            inner.pop(key, None)
        else:
            inner[key] = value
    return whole
