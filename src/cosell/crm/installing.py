"""What a CRM's installer promises: every step shown first, done once, and nobody's work overwritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Act(StrEnum):
    """What becomes of one part of the CRM."""

    KEEP = "keep"
    """It is there, as it has to be."""
    CREATE = "create"
    CHANGE = "change"
    """It is there, and lacks something that can be added without harm to what it holds."""
    REMOVE = "remove"
    BY_HAND = "by hand"
    """Only a person can do it; the detail says where and how."""
    BLOCKED = "blocked"
    """Something of that name is of another kind; nothing is written until a person decides."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the CRM and what becomes of it."""

    what: str
    """In the CRM's own words, such as `Opportunity.Cosell_Stamp__c`."""
    act: Act
    detail: str = ""
    diff: str = ""
    """For a page or form: the exact change, as a unified diff of what stands there now."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked of the installer."""

    adopt: bool = False
    """Work with the fields that Microsoft's own solution left, instead of ours."""
    page: str = ""
    """The layout or form that is to show our section; empty leaves every page alone."""
    data: bool = False
    """On removal: also what holds data of the organisation."""


@dataclass(frozen=True, slots=True)
class Admin:
    """Whose rights the installer works with; with neither, those of the connection itself."""

    username: str = ""
    """A user for whom the connection's application may sign in."""
    token: str = field(default="", repr=False)
    """An access token that the administrator made elsewhere; never kept."""


class Installer(Protocol):
    """Brings a CRM to where the connector can work, and back. Every method raises CosellError alone."""

    async def plan(self, wish: Wish) -> Sequence[Step]:
        """What `install` would do now; reads only, and works on whatever is there already."""
        ...

    async def install(self, wish: Wish, told: Callable[[Step], None]) -> Sequence[Step]:
        """Does what the plan says, telling each step once it is done; a second run changes nothing."""
        ...

    async def removal(self, wish: Wish) -> Sequence[Step]:
        """What `uninstall` would do now; what holds data stays unless the wish says otherwise."""
        ...

    async def uninstall(self, wish: Wish, told: Callable[[Step], None]) -> Sequence[Step]:
        """Removes what the removal names, and nothing that somebody else made."""
        ...

    async def settings(self, wish: Wish) -> Mapping[str, str]:
        """What the settings file must say so that the connector uses what is there: dotted names under
        the CRM's table; empty where the defaults fit."""
        ...

    async def aclose(self) -> None:
        """Lets go of connections."""
        ...


Package = Callable[[Path], Sequence[Path]]
"""Writes what an administrator can install without us into a folder; answers the files."""
