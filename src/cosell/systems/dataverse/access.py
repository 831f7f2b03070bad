"""What the parts of one connection share: the client, and the schema as last asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from cosell.core.drift import field_of
from cosell.core.errors import SchemaDrift
from cosell.ports import Clock
from cosell.systems.dataverse.client import Client
from cosell.systems.dataverse.discovery import Discovery
from cosell.systems.dataverse.options import Options
from cosell.systems.dataverse.schema import Schema


class Access:
    """Keeps the schema of an environment fresh."""

    def __init__(
        self, client: Client, options: Options, clock: Clock, *, found: Callable[[Schema], None]
    ) -> None:
        self.client, self.options, self.clock = client, options, clock
        self._tell = found
        self._discovery = Discovery(client, options)
        self._schema: Schema | None = None
        self._asked_at = 0.0
        self._just_changed = False
        self._denied = False
        self.relied_on = False
        """What the settings name was there once: what is missing at the first look was lost since."""
        self._once = asyncio.Lock()

    async def schema(self) -> Schema:
        """The schema, the same object until it was asked for anew: at first use, and after a while."""
        if self._schema is not None and not self._old:
            return self._schema
        async with self._once:
            if self._schema is None or self._old:
                before = self._schema
                running = self.relied_on or before is not None
                found = await self._discovery.schema(just_changed=self._just_changed, running=running)
                found = found if before is None else _named(before, found)
                self._schema, self._just_changed, self._denied = found, False, False
                self._asked_at = self.clock.monotonic()
                self._tell(found)
            return self._schema

    @property
    def _old(self) -> bool:
        return self._denied or self.clock.monotonic() - self._asked_at >= self.options.describe_every

    @asynccontextmanager
    async def noting_drift(self) -> AsyncIterator[None]:
        """Lets the next use ask the environment anew when a column turns out to be unknown."""
        schema = await self.schema()
        try:
            yield
        except SchemaDrift:
            self.denied(schema)
            raise

    def denied(self, schema: Schema) -> None:
        """Notes that a column this schema knows is unknown; what others have found out since stands.

        A thousand calls that were under way when a column vanished thus cause one question, not a thousand.
        """
        if self._schema is schema:
            self.ask_again()

    def ask_again(self) -> None:
        """Makes the next use ask anew, past every cache."""
        self._just_changed = self._denied = True

    async def describe(self, *, thorough: bool) -> None:
        """Asks the environment what it has now."""
        self._just_changed = self._just_changed or thorough
        self._denied = True
        await self.schema()


def _named(before: Schema, now: Schema) -> Schema:
    """The schema whose lacks are called as the columns were called when they were last seen."""
    known = {key: column.label for key, column in before.opportunity.items()}
    known |= {part: lack.label for part, lack in before.lacks.items()}
    lacks = {
        part: replace(lack, label=known.get(part) or known.get(field_of(part)) or lack.label)
        for part, lack in now.lacks.items()
    }
    return replace(now, lacks=lacks, capabilities=replace(now.capabilities, lacks=lacks))
