"""Somebody may watch the calls that leave: their names, ends and times, and nothing of what they carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

Ended: TypeAlias = Callable[[str], None]
"""Called once when a call ends, with how: a status such as `200`, `not_sent` or `no_answer`."""


class Observer(Protocol):
    """Watches calls. A transport that has one as `observer` is watched."""

    def calling(self, system: str, method: str, purpose: str) -> Ended:
        """A request leaves now."""
        ...
