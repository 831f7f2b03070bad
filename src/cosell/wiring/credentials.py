"""Credentials of the settings, read anew at every sign-in, so that none needs a restart to be replaced."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cosell.core.errors import CosellError
from cosell.sections.credentials import Credential, Given
from cosell.sections.secrets import Reference
from cosell.wiring.connections import Connections, Kept
from cosell.wiring.keyring import LiveSecrets

REMEMBERED = 8
"""Values kept out of messages although they were replaced: they may be repeated to us."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Finds what a setting refers to."""

    environ: Mapping[str, str]
    folder: Path
    live: LiveSecrets
    connections: Callable[[], Connections]

    def fetch(self, setting: str, reference: Reference | None, *, lines: bool = False) -> str | None:
        """The secret as it is now; None where the setting is empty."""
        if reference is None:
            return None
        return self.live.add(reference.fetch(setting, self.environ, self.folder, lines=lines))

    def credential(
        self, setting: str, reference: Reference | None, *, lines: bool = False
    ) -> Credential | None:
        """The secret as one that may be replaced; None where the setting is empty.

        What this machine holds itself is looked at once now: a setting that leads nowhere is said at the
        start, not at the first sign-in.
        """
        if reference is None:
            return None
        if reference.kind == "given":
            return Given(self.live.add(reference.fetch(setting, self.environ, self.folder)))
        if reference.kind in ("env", "file"):
            self.fetch(setting, reference, lines=lines)
        return _Found(self, setting, reference, lines)

    async def read(self, setting: str, reference: Reference, *, lines: bool = False) -> str:
        """The secret as it is now, without keeping the rest of the process waiting for it."""
        if reference.kind in ("keyring", "vault"):
            found = await asyncio.to_thread(self.fetch, setting, reference, lines=lines)
        else:
            found = self.fetch(setting, reference, lines=lines)
        return found or ""


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """One credential of the settings."""

    secrets: Secrets
    setting: str
    reference: Reference
    lines: bool
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    async def values(self) -> Sequence[str]:
        """The current value first, then what stands beside it while it is being replaced."""
        if self.reference.kind != "sealed":
            found = [await self.secrets.read(self.setting, self.reference, lines=self.lines)]
        else:
            turns = await self.secrets.connections().turns(self.setting, self.reference.place)
            found = [await self._opened(turns.current)]
            found += [one for kept in turns.in_order()[1:] for one in await self._perhaps(kept)]
        for value in found:
            self.secrets.live.add(value)
            if value not in self.seen:
                self.seen.append(value)
        return list(dict.fromkeys(found))

    def known(self) -> Iterable[str]:
        return tuple(self.seen)

    async def _opened(self, kept: Kept) -> str:
        if not kept.place:
            return kept.value
        return await self.secrets.read(self.setting, Reference.parse(kept.place), lines=self.lines)

    async def _perhaps(self, kept: Kept) -> Sequence[str]:
        """One that stands beside the current one: where it cannot be had, the current one still can."""
        try:
            return [await self._opened(kept)]
        except CosellError:
            return []
