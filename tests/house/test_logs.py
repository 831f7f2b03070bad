"""The page of log lines tells every event there is, with its level and its fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
PRODUCT = sorted(
    path for path in (ROOT / "src/cosell").rglob("*.py") if "sandbox" not in path.relative_to(ROOT).parts
)


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call of a logger in the product."""
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id == "log" and node.func.attr in LEVELS:
                    yield path, node


def said() -> dict[str, tuple[set[str], set[str]]]:
    """Levels and fields of each event, as the program says them."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for path, call in calls():
        event = call.args[0]
        assert isinstance(event, ast.Constant), f"{path}: an event is a name, not made up while it is said"
        levels, fields = found.setdefault(str(event.value), (set(), set()))
        assert isinstance(call.func, ast.Attribute)
        levels.add(LEVELS[call.func.attr])
        for extra in (one.value for one in call.keywords if one.arg == "extra"):
            assert isinstance(extra, ast.Dict)
            fields.update(str(key.value) for key in extra.keys if isinstance(key, ast.Constant))
    return found


def told() -> dict[str, tuple[set[str], set[str]]]:
    """The same as the page tells it."""
    found = {}
    for line in (ROOT / "docs/reference/logs.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            fields = {one.strip("` ") for one in cells[2].split(",") if one.strip()}
            found[cells[0].strip("`")] = ({cells[1]}, fields)
    return found


def test_the_page_tells_every_event() -> None:
    assert told() == said()


def test_events_are_told_in_order() -> None:
    assert list(told()) == sorted(told())
