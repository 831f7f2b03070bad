"""What the parts of one connection share: the client, and the schema as last asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
        self._once = asyncio.Lock()

    async def schema(self) -> Schema:
        """The schema, the same object until it was asked for anew: at first use, and after a while."""
        if self._schema is not None and not self._old:
            return self._schema
        async with self._once:
            if self._schema is None or self._old:
                found = await self._discovery.schema(just_changed=self._just_changed)
                if self._schema is not None:
                    _refuse_vanished(self._schema, found)
                self._schema, self._just_changed = found, False
                self._asked_at = self.clock.monotonic()
                self._tell(found)
            return self._schema

    @property
    def _old(self) -> bool:
        return self.clock.monotonic() - self._asked_at >= self.options.describe_every

    @contextmanager
    def noting_drift(self) -> Iterator[None]:
        """Lets the next use ask the environment anew when a column turns out to be unknown."""
        try:
            yield
        except SchemaDrift:
            self.ask_again()
            raise

    def ask_again(self) -> None:
        """Makes the next use ask anew, past every cache: it has just denied knowing a column."""
        self._just_changed = True
        self._asked_at = self.clock.monotonic() - self.options.describe_every


def _refuse_vanished(before: Schema, now: Schema) -> None:
    """A column that was kept in step must not fall out of step in silence (reliability.md 5, Schema)."""
    gone = sorted(before.capabilities.readable - now.capabilities.readable)
    gone += sorted(before.opportunity.keys() - now.opportunity.keys() - set(gone))
    if gone:
        raise SchemaDrift(
            f"Dynamics 365 does not show {', '.join(_called(before, key) for key in gone)} any more: "
            "the column was removed or renamed.",
            fields=tuple(gone),
            advice="Bring it back, or name the column that takes its place under [dynamics.fields].",
        )


def _called(schema: Schema, key: str) -> str:
    column = schema.opportunity.get(key)
    return key if column is None else f"{column.name} ({key})"
