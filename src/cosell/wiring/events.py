"""What happens to an event between its verified signature and the engine, and when events stay away."""

from __future__ import annotations

import logging
from collections import deque

from cosell.core.errors import CosellError
from cosell.core.records import Side
from cosell.crm import Hint
from cosell.engine import Engine
from cosell.systems.partner_center.registration import TEST_EVENT
from cosell.wiring.environment import Environment
from cosell.wiring.ownership import TAKEN, claim, look_for_owner
from cosell.wiring.proving import TESTED
from cosell.wiring.report import BUDGET, HEARD, budget_told

NOTED_EVERY = 30.0
"""Seconds between two notes of when the last event came; each costs a commit."""
MOST_TESTS = 10
"""Test events a minute that are noted."""
SILENT = "webhook_silent"
MISSED = 3
"""Changes that only polling found, one after the other, after which events count as stopped."""
LOOKED_AT = 50
SOON = 5.0
"""Seconds after the start of the first look."""
HOUR, DAY = 3600.0, 86400.0
STOPPED = (
    "Partner Center's events stopped coming although they are registered; changes still arrive by polling.",
    "Registering again often helps: cosell webhook register. Then prove it: cosell webhook test",
)
NEVER_CAME = (
    "No event of Partner Center has ever come here although they are registered; changes arrive by polling.",
    "Prove the way: cosell webhook test. If the test event comes and others do not, and your partner account "
    "has several tenants, Microsoft support has to enable events for them.",
)
log = logging.getLogger("cosell.webhook")


class Ear:
    """Verifies events, passes their ids on, and notices when none come any more."""

    def __init__(self, env: Environment, engine: Engine) -> None:
        self._env, self._engine = env, engine
        self._webhook = env.systems().webhook
        self._since = env.clock.now()
        self._noted = 0.0
        self._tests: deque[float] = deque(maxlen=MOST_TESTS)

    async def verify(self, headers: list[tuple[bytes, bytes]], body: bytes) -> str:
        """The id an event names, or TEST_EVENT; empty for an event that is about something else."""
        event = await self._webhook.verify(headers, body)
        return TEST_EVENT if event.name == TEST_EVENT else event.referral_id

    async def heard(self, told: str) -> None:
        """Durable when it returns."""
        now = self._env.clock.now()
        if told == TEST_EVENT:
            await self._note_test(now)
            return
        if told:
            await self._engine.heard(told)
        self._since = now
        if now - self._noted > NOTED_EVERY:
            self._noted = now
            await self._env.store.set_setting(HEARD, f"{now:.0f}", "cosell", now)
            await self._env.alerts.clear(SILENT)
            await self._env.alerts.clear(TAKEN)

    async def _note_test(self, now: float) -> None:
        """Tells whoever asked for the test, in another process, that it arrived.

        It proves the way and nothing else: that deals are told of, only an event about one proves.
        """
        # Microsoft sends two a minute; whoever repeats one to us must not buy a commit each time (7.3).
        if len(self._tests) < MOST_TESTS or now - self._tests[0] > 60.0:
            self._tests.append(now)
            await self._env.store.set_setting(TESTED, f"{now:.3f}", "cosell", now)

    async def hinted(self, hint: Hint) -> None:
        """Has the engine look where the CRM says; durable when it returns."""
        if hint.record_id:
            await self._engine.hinted(hint.record_id)
        elif hint.poll:
            self._engine.hurry()

    async def listen(self) -> None:
        """Raises an alert when changes keep arriving by polling alone although events should come.

        The journal tells: a change that an event announced carries `webhook` among its causes.
        """
        if not await self._only_polled():
            return
        present, heard = await self._env.systems().registration.status(), await self._ever_heard()
        if present is not None and present.url == self._env.address:
            await self._env.alerts.raise_(SILENT, *(STOPPED if heard else NEVER_CAME))
        elif heard and await claim(self._env) is None:
            # They came here before this installation kept what it had registered.
            owner = "nobody" if present is None else present.owner
            said = f"Partner Center's events go to {owner} now; changes still arrive here by polling."
            advice = "If that was not meant, take them back: cosell webhook register --overwrite"
            await self._env.alerts.raise_(SILENT, said, advice)
        else:
            # Where they never came, whoever runs this chose to poll, or has not registered yet.
            await look_for_owner(self._env)

    async def _ever_heard(self) -> bool:
        return await self._env.store.setting(HEARD) is not None

    async def _only_polled(self) -> bool:
        """Whether no event announced the newest changes that came in since the last event.

        Only the newest count: what the last event announced is written after it, too.
        """
        rows = [row.write for row in await self._env.store.journal(None, LOOKED_AT)]
        inward = [one for one in rows if one.side is Side.CRM and one.fields and one.created_at > self._since]
        newest = sorted(inward, key=lambda one: one.created_at)[-MISSED:]
        return len(newest) == MISSED and all(
            "poll" in one.cause and "webhook" not in one.cause for one in newest
        )


async def keep_watch(
    env: Environment, ear: Ear | None, *, every: float = 60.0, owner_every: float = DAY
) -> None:
    """Keeps the quota for everybody to see, listens for silence, and looks daily who has the events.

    `ear` is None where no event can come.
    """
    wait, owner_at = min(SOON, every), 0.0
    while True:
        await env.clock.sleep(wait)
        wait = every
        try:
            await _note_budgets(env)
            if ear is not None:
                await ear.listen()
            if env.clock.monotonic() >= owner_at:
                # A look that failed has its hour too: asking every minute would mend nothing.
                owner_at = env.clock.monotonic() + min(HOUR, owner_every)
                await look_for_owner(env)
                owner_at = env.clock.monotonic() + owner_every
        except CosellError as error:
            log.info("watch.later", extra={"error": error.code})


async def _note_budgets(env: Environment) -> None:
    systems = env.systems()
    for system in (systems.partner_center, systems.crm):
        told = budget_told(system.budget())
        if told is not None and told != await env.store.setting(BUDGET + system.name):
            await env.store.set_setting(BUDGET + system.name, told, "cosell", env.clock.now())
