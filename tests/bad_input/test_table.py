"""The page about bad input names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "reference" / "bad-input.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    defined: set[str] = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        defined.update(re.findall(r"def (test_\w+)\(", file.read_text("utf-8")))
    assert len(named) > 100
    assert named - defined == set()
