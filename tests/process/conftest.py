"""One sandbox for the tests of a worker, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cosell.sandbox.shell.verbs import Control
from tests.process.plant import Plant, sandbox


@pytest.fixture(scope="package")
def shared() -> Iterator[Control]:
    with sandbox() as control:
        yield control


@pytest.fixture
def plant(shared: Control, tmp_path: Path) -> Plant:
    """A folder joined to an empty sandbox."""
    shared.reset(empty=True)
    return Plant(tmp_path / "plant", shared)
