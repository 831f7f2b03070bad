"""What the doctor learns from the two systems: each by itself, then whether deals of one fit the other."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from cosell.config.partial import without
from cosell.core.errors import CosellError, Misconfigured
from cosell.core.reasons import Who
from cosell.core.records import Side, Snapshot
from cosell.ports import Finding, Mend, System
from cosell.wiring.environment import Environment, environment
from cosell.wiring.places import Place

EVENTS = "how-to/receive-events.md"


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
        found += hinted(env)
    if Side.PARTNER_CENTER not in absent:
        found.append(await _events(env))
    return found


async def _checked(system: System, sample: Sequence[Snapshot] = ()) -> list[Finding]:
    name = system.name
    try:
        return [replace(one, name=f"{name}: {one.name}") for one in await system.check(sample)]
    except CosellError as error:
        return [of(name, error, Who.OPERATOR)]


async def _events(env: Environment) -> Finding:
    """Who receives the events; polling carries everything, events only make it faster (TRB-4.1, TRB-4.3)."""
    rows, url = ("TRB-4.1", "TRB-4.3"), env.address
    if url is None:
        said = "[web] public_url is not set, so Partner Center sends no events. Changes arrive by polling."
        advice = "Set it to the https address under which this installation is reached from outside."
        return Finding("events", True, said, advice, EVENTS, rows, Who.OPERATOR)
    registration = env.systems().registration
    try:
        present = await registration.status()
    except CosellError as error:
        return replace(of("events", error, Who.REFERRALS_ADMIN), rows=rows)
    if present is None or present.url != url:
        owner = present.owner if present else "nobody"
        said = f"Partner Center's events go to {owner}; changes arrive by polling."
        advice = "To have them sent here: cosell webhook register"
        return Finding("events", True, said, advice, EVENTS, rows, Who.OPERATOR)
    if not (missing := present.missing()):
        return Finding("events", True, "Events come here.", page=EVENTS, rows=rows)

    async def again() -> None:
        await registration.register(url)

    return Finding(
        "events",
        False,
        f"Events come here; not sent: {', '.join(missing)}.",
        "Mend it: cosell webhook register",
        EVENTS,
        rows,
        Who.OPERATOR,
        Mend("to register again for all four events", again),
    )


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
