"""What the doctor learns from the two systems: each by itself, then whether deals of one fit the other."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from cosell.config.partial import without
from cosell.core.errors import CosellError, Misconfigured
from cosell.core.reasons import Who
from cosell.core.records import Side, Snapshot
from cosell.ports import Finding, System
from cosell.wiring import drift
from cosell.wiring.environment import Environment, environment
from cosell.wiring.event_checks import event_findings
from cosell.wiring.places import Place


@contextlib.asynccontextmanager
async def opened(
    place: Place, environ: Mapping[str, str], absent: frozenset[Side]
) -> AsyncIterator[tuple[Environment, frozenset[Side], list[Finding]]]:
    """The environment with whichever connections can be opened, those that cannot, and why.

    A secret that cannot be had hides its own connection and nothing else.
    """
    troubles: list[Finding] = []
    settings = place.settings
    async with contextlib.AsyncExitStack() as stack:
        env = await stack.enter_async_context(environment(place, environ, settings=settings))
        try:
            env.systems()
        except Misconfigured as error:
            if settings is None:
                raise
            for side in Side:
                half = without(settings, side)
                tried = await stack.enter_async_context(environment(place, environ, settings=half))
                with contextlib.suppress(Misconfigured):
                    tried.systems()
                    env, absent = tried, absent | {side}
                    break
            else:
                absent = frozenset(Side)
            troubles.append(of("secrets", error, Who.OPERATOR))
        yield env, absent, troubles


async def connected(env: Environment, absent: frozenset[Side]) -> list[Finding]:
    """Every check of every connection that is set up."""
    if absent == frozenset(Side):
        return []
    systems = env.systems()
    found: list[Finding] = []
    sample: Sequence[Snapshot] = ()
    if Side.PARTNER_CENTER not in absent:
        found += await _checked(systems.partner_center)
        if all(one.ok for one in found):
            with contextlib.suppress(CosellError):
                sample = await systems.sample()
    if Side.CRM not in absent:
        found += await _checked(systems.crm, sample)
        found += await _lost(env)
        found += hinted(env)
    if Side.PARTNER_CENTER not in absent:
        found += await event_findings(env)
    return found


async def _checked(system: System, sample: Sequence[Snapshot] = ()) -> list[Finding]:
    name = system.name
    try:
        return [replace(one, name=f"{name}: {one.name}") for one in await system.check(sample)]
    except CosellError as error:
        return [of(name, error, Who.OPERATOR)]


async def _lost(env: Environment) -> list[Finding]:
    """Fields that were in use and are out of reach now (J-9); nothing while nobody can sign in."""
    crm = env.systems().crm
    lost = await drift.findings(env.store, [crm], env.rules, now=env.clock.now())
    return [replace(one, name=f"{crm.name}: {one.name}") for one in lost if one.ok or one.rows]


def hinted(env: Environment) -> list[Finding]:
    """Where the CRM may send webhooks of its own, and what to register there."""
    hints, url = env.systems().hints, env.crm_address
    if hints is None:
        return []
    if url is None:
        return [Finding("crm events", True, "[web] public_url is not set: the CRM's webhooks reach nobody.")]
    said = f"Webhooks of the CRM are taken at {url}; they only make a change arrive sooner."
    return [Finding("crm events", True, said, hints.advice(url), who=Who.CRM_ADMIN)]


def of(name: str, error: CosellError, who: Who) -> Finding:
    """An error as a finding."""
    return Finding(name, False, error.message, error.advice, error.page, who=who)
