"""Lets a class of tests choose the loop it runs on: real time for sockets, virtual time for fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop a test class names as `loop`, else asyncio's own."""
    chosen = getattr(getattr(item, "cls", None), "loop", None)
    return {"loop": chosen or asyncio.new_event_loop}
