"""What happens to an event between its verified signature and the engine, and when events stay away."""

from __future__ import annotations

import logging

from cosell.core.errors import CosellError
from cosell.core.records import Side
from cosell.engine import Engine
from cosell.wiring.environment import Environment
from cosell.wiring.report import BUDGET, HEARD, budget_told

NOTED_EVERY = 30.0
"""Seconds between two notes of when the last event came; each costs a commit."""
SILENT = "webhook_silent"
MISSED = 3
"""Changes that only polling found, one after the other, after which events count as stopped."""
LOOKED_AT = 50
SOON = 5.0
"""Seconds after the start of the first look."""
log = logging.getLogger("cosell.webhook")


class Ear:
    """Verifies events, passes their ids on, and notices when none come any more."""

    def __init__(self, env: Environment, engine: Engine) -> None:
        self._env, self._engine = env, engine
        self._webhook = env.systems().webhook
        self._since = env.clock.now()
        self._noted = 0.0

    async def verify(self, headers: list[tuple[bytes, bytes]], body: bytes) -> str:
        """The id an event names; empty for an event that is about something else."""
        return (await self._webhook.verify(headers, body)).referral_id

    async def heard(self, record_id: str) -> None:
        """Durable when it returns."""
        if record_id:
            await self._engine.heard(record_id)
        self._since = now = self._env.clock.now()
        if now - self._noted > NOTED_EVERY:
            self._noted = now
            await self._env.store.set_setting(HEARD, f"{now:.0f}", "cosell", now)
            await self._env.alerts.clear(SILENT)

    async def listen(self) -> None:
        """Raises an alert when changes keep arriving by polling alone although events should come.

        The journal tells: a change that an event announced carries `webhook` among its causes.
        """
        rows = await self._env.store.journal(None, LOOKED_AT)
        inward = [
            row.write for row in rows if row.write.side is Side.CRM and row.write.created_at > self._since
        ]
        missed = [write for write in inward if "poll" in write.cause and "webhook" not in write.cause]
        if len(missed) < MISSED or len(missed) < len(inward):
            return
        await self._env.alerts.raise_(
            SILENT,
            "Partner Center's events stopped coming; changes still arrive by polling.",
            "See `cosell webhook status`; registering again often helps: cosell webhook register",
        )


async def keep_watch(env: Environment, ear: Ear | None, *, every: float = 60.0) -> None:
    """Keeps the quota for everybody to see, and listens for silence; `ear` is None where no event is due."""
    wait = min(SOON, every)
    while True:
        await env.clock.sleep(wait)
        wait = every
        try:
            await _note_budgets(env)
            if ear is not None:
                await ear.listen()
        except CosellError as error:
            log.info("watch.later", extra={"error": error.code})


async def _note_budgets(env: Environment) -> None:
    systems = env.systems()
    for system in (systems.partner_center, systems.crm):
        told = budget_told(system.budget())
        if told is not None and told != await env.store.setting(BUDGET + system.name):
            await env.store.set_setting(BUDGET + system.name, told, "cosell", env.clock.now())
