"""The steps of an installation, each with what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from cosell.crm.installing import Act, Step

Deed: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Task:
    """One step, and how it is done; nothing where nothing is to do."""

    step: Step
    do: Deed | None = None
    publishes: str = ""
    """The table whose definition it changes, so that sellers see it once it is published."""


def keep(what: str, detail: str = "") -> Task:
    return Task(Step(what, Act.KEEP, detail))


def blocked(what: str, detail: str) -> Task:
    return Task(Step(what, Act.BLOCKED, detail))


def stands_in_the_way(tasks: Iterable[Task]) -> str:
    """What blocks, in one sentence; empty where nothing does."""
    return " ".join(f"{one.step.what}: {one.step.detail}" for one in tasks if one.step.act is Act.BLOCKED)
