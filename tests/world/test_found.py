"""Worlds that failed once, each under the name of what it found; they pass for ever."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from . import found
from .world import run

NAMES = [one.name for one in pkgutil.iter_modules(found.__path__)]


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_once_found_stays_away(name: str) -> None:
    """reliability.md 7: a failing world becomes a named script."""
    module = importlib.import_module(f"{found.__name__}.{name}")
    outcome = run(module.SETTING)
    assert outcome.ok, "\n".join([*outcome.lines[-80:], *map(str, outcome.violations)])
