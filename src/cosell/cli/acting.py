"""Carries out a verb of the sandbox, and loads what that takes only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosell.sandbox.shell.verbs import Control


def do(act: Callable[[Control], Any], *, url: str | None, as_json: bool, full: bool = False) -> None:
    """Does one thing in the running sandbox and says what came of it."""
    from cosell.cli import moving, speaking

    speaking.speak(lambda: moving.move(act, url=url, full=full), as_json=as_json)
