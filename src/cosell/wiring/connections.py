"""What is known of a signed-in connection: whose it is, since when, and its credentials side by side.

One sealed row for each connection, so that a switch from one credential to the next is one commit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cosell.core.errors import Misconfigured
from cosell.ports import Keyring

PREFIX = "connection."


@dataclass(frozen=True, slots=True)
class Kept:
    """One value of a credential: sealed here, or at a place that is named here."""

    value: str = field(default="", repr=False)
    place: str = ""
    """Where the value lies instead, as a reference."""
    since: float = 0.0
    ends: float | None = None
    """When it stops being good, as far as anybody said."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The values of one credential, in the order in which they come and go."""

    current: Kept
    next: Kept | None = None
    """Proven, and waiting to become the current one."""
    old: Kept | None = None
    """The one before, kept until it is forgotten."""

    def in_order(self) -> Sequence[Kept]:
        """What may be tried, best first."""
        return [one for one in (self.current, self.next, self.old) if one is not None]

    def switched(self) -> Turns:
        """The same with the next one in use; unchanged where none waits."""
        return self if self.next is None else Turns(self.next, old=self.current)


@dataclass(frozen=True, slots=True)
class Connected:
    """One connection that was proven."""

    who: str
    where: str
    since: float
    credentials: Mapping[str, Turns]

    def switched(self) -> Connected:
        """The same with every next credential in use."""
        return replace(self, credentials={name: one.switched() for name, one in self.credentials.items()})

    def forgetful(self) -> Connected:
        """The same without what was replaced."""
        return replace(
            self, credentials={name: replace(one, old=None) for name, one in self.credentials.items()}
        )

    def waiting(self) -> Iterator[str]:
        """The credentials of which a next one waits."""
        return (name for name, one in self.credentials.items() if one.next is not None)


class Connections:
    """The sealed rows, by the name of the connection."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def read(self, name: str) -> Connected | None:
        """What is kept of a connection; None where nobody connected it here."""
        kept = await self._keyring.get(PREFIX + name)
        return _connected(name, kept) if kept else None

    async def write(self, name: str, connected: Connected) -> None:
        """Keeps it, in one commit."""
        await self._keyring.put(PREFIX + name, json.dumps(asdict(connected)))

    async def turns(self, setting: str, place: str) -> Turns:
        """The values behind `sealed:CONNECTION.NAME`, or Misconfigured with the command that makes them."""
        name, _, credential = place.partition(".")
        connected = await self.read(name)
        found = connected.credentials.get(credential) if connected is not None else None
        if found is None:
            raise Misconfigured(
                f"{setting} is to be found sealed in the database, which does not hold it.",
                advice=f"Sign in: cosell connect {name.replace('_', '-')}",
            )
        return found


def _connected(name: str, text: str) -> Connected:
    try:
        told = json.loads(text)
        credentials = {one: _turns(turns) for one, turns in told.pop("credentials").items()}
        return Connected(**told, credentials=credentials)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misconfigured(
            f"What the database holds of the connection {name} is of another version of Cosell.",
            advice=f"Sign in again: cosell connect {name.replace('_', '-')}",
        ) from None


def _turns(told: Mapping[str, Any]) -> Turns:
    kept = {name: Kept(**one) for name, one in told.items() if one is not None}
    return Turns(**kept)
