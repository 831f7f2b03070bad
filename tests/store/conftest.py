"""A store in each of its modes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cosell.store import SqlStore, memory, open_store
from tests.store.things import Dice, Open


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cosell.db"


@pytest.fixture(params=["file in a thread", "file inline", "memory"])
async def opens(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Open]:
    """Opens stores that share one database, and closes them at the end."""
    opened: list[SqlStore] = []
    shared = memory() if request.param == "memory" else None

    def open_one(**more: Any) -> SqlStore:
        given: dict[str, Any] = {
            "environment": "staging",
            "dice": Dice(f"{len(opened)}-"),
            "inline": request.param != "file in a thread",
        }
        opened.append(open_store(shared or path, **(given | more)))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.aclose()
    if shared is not None:
        shared.close()


@pytest.fixture
def store(opens: Open) -> SqlStore:
    return opens()


@pytest.fixture
async def file_store(path: Path) -> AsyncIterator[SqlStore]:
    """A store on a file, in its thread, as production runs it."""
    opened = open_store(path, environment="staging", dice=Dice())
    yield opened
    await opened.aclose()
