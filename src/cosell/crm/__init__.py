"""What a package under `cosell.systems` declares so that its CRM is supported: nothing else names it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeAlias

from pydantic import Field

from cosell.core.errors import Misconfigured
from cosell.core.records import Side
from cosell.crm.connecting import Connecting
from cosell.crm.installing import Admin, Installer, Package
from cosell.ports import Capabilities, Clock, System
from cosell.sections import Section, Tag
from cosell.sections.credentials import Credential
from cosell.sections.secrets import Reference

if TYPE_CHECKING:
    # What reads only settings must not wait until the network is loaded.
    from cosell.http import Transport

SYSTEMS = "cosell.systems"


class CrmSection(Section):
    """The connection to a CRM."""

    environment: Annotated[Tag, Field(strict=False)]
    """The environment this CRM belongs to; must equal `environment.kind`."""
    check_mark: bool = True
    """ENV-S06, ENV-D01: show ✔ or ✘ in the opportunity's name."""

    @property
    def address(self) -> str:
        """Where this CRM is reached, as a person should see it."""
        raise NotImplementedError

    def refuse_contradictions(self, kind: Tag) -> None:
        """Raises Misconfigured where settings contradict one another, or the address tells another world."""


class Fetch(Protocol):
    """Fetches the secret a setting refers to; None where the setting is empty."""

    def __call__(self, setting: str, reference: Reference | None, *, lines: bool = False) -> str | None: ...


class Find(Protocol):
    """Finds the credential a setting refers to; None where the setting is empty."""

    def __call__(
        self, setting: str, reference: Reference | None, *, lines: bool = False
    ) -> Credential | None: ...


@dataclass(frozen=True, slots=True)
class Site:
    """What an opened CRM is given to work with."""

    transport: Transport
    clock: Clock
    secret: Fetch
    """For what is read once; what signs in is a `credential`."""
    credential: Find
    hide: Callable[[Callable[[], Iterable[str]]], None]
    """Takes a source of secrets that must not be seen in any log."""
    leads: bool = False
    """Whether leads are carried too (ENV-S07, ENV-D02)."""


RawHeaders: TypeAlias = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Hint:
    """What is believed of a webhook that a CRM sends: where to look, and nothing it says."""

    record_id: str = ""
    """A record of the CRM's; empty where it names none that a link could be about."""
    poll: bool = False
    """Something changed that a poll would find."""


class Hints(Protocol):
    """The webhooks a CRM sends by itself: proved by their head, and read for a hint."""

    largest: int
    """Bytes a body may have."""

    def admits(self, headers: RawHeaders, query: bytes) -> bool:
        """Whether the sender showed the shared key; told in the same time for every wrong one."""
        ...

    def read(self, body: bytes) -> Hint:
        """What to look at; never raises, for whoever has the key means well."""
        ...

    def advice(self, url: str) -> str:
        """What an administrator registers in the CRM so that it sends them to `url`; without the key."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Crm:
    """One supported CRM; the constant `SYSTEM` of its package."""

    name: str
    """How its table in the settings file is called."""
    label: str
    settings: type[CrmSection]
    open: Callable[[Any, Site], System]
    """Joins its settings to a system; may load what is heavy only now."""
    expected: Callable[[], Capabilities]
    """What it can do where everything is installed."""
    hints: Callable[[Any, Site], Hints | None] | None = None
    """Takes the webhooks it sends where the settings hold a key for them; None where it sends none."""
    connecting: Callable[[], Connecting] | None = None
    """How a person is led to a proven connection."""
    installer: Callable[[Any, Site, Admin], Installer] | None = None
    """Brings its fields and rights into the CRM and takes them out again."""
    package: Package | None = None
    """Writes the same as files that an administrator installs without us."""
    first: Mapping[str, str] = field(default_factory=dict)
    """What a new file says where a setting has no default, by dotted name under its table."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """Examples for settings whose default is nothing."""
    mapping: str = ""
    """Where its default mapping differs from everybody's, as TOML."""
    side: Side = Side.CRM


@cache
def supported() -> Mapping[str, Crm]:
    """Every CRM by the name of its table: whoever lies under SYSTEMS and declares one."""
    found = {}
    for one in pkgutil.iter_modules(import_module(SYSTEMS).__path__):
        declared = getattr(import_module(f"{SYSTEMS}.{one.name}"), "SYSTEM", None)
        if isinstance(declared, Crm):
            found[declared.name] = declared
    return found


def named(name: str) -> Crm:
    """The CRM of that name, or Misconfigured with those there are."""
    if name not in supported():
        raise Misconfigured(f"There is no CRM «{name[:40]}».", advice=f"There are: {', '.join(supported())}.")
    return supported()[name]
