"""The doctor: every prerequisite and every known trouble as one named check, as far as things are set up."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosell.config.partial import Partial, read_partly
from cosell.core.errors import CosellError
from cosell.core.reasons import Who
from cosell.core.records import Side
from cosell.ports import Finding
from cosell.wiring.doctor.connected import connected, of, opened
from cosell.wiring.doctor.stored import stored
from cosell.wiring.places import meant, place_of, sandbox_place

SETTINGS = "reference/settings.md"
_SIGN_IN = (": sign-in", ": role", ": application user")


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found, and what was done about it."""

    findings: Sequence[Finding]
    mended: Sequence[str] = ()
    """What was done, in the infinitive."""

    @property
    def healthy(self) -> bool:
        return all(one.ok for one in self.findings)

    @property
    def needs_sign_in(self) -> bool:
        """Whether a sign-in or a right is what is missing."""
        return any(not one.ok and one.name.endswith(_SIGN_IN) for one in self.findings)


async def examine(config: str | None, environ: Mapping[str, str], *, fix: bool = False) -> Examination:
    """Every check that can be made, also after one has failed; with `fix` mends what is safe to mend."""
    done = []
    async with _looked(config, environ) as found:
        mends = [one.mend for one in found if one.mend is not None] if fix else []
        for mend in mends:
            # What could not be mended is found again by the second look.
            with contextlib.suppress(CosellError, OSError):
                await mend.do()
                done.append(mend.what)
    if done:
        async with _looked(config, environ) as found:
            pass
    return Examination(found, done)


@contextlib.asynccontextmanager
async def _looked(config: str | None, environ: Mapping[str, str]) -> AsyncIterator[list[Finding]]:
    """What is found; the connections stay open within the block, for whoever mends something."""
    file = meant(config, environ)
    partial = read_partly(file) if isinstance(file, Path) else Partial(None)
    found, settings = [_settings(partial)], partial.settings
    if settings is not None and isinstance(file, Path):
        place = place_of(settings, file)
        found += [_unfinished(side, settings.crm_name) for side in sorted(partial.absent)]
    elif isinstance(file, Path):
        yield found
        return
    else:
        place = sandbox_place(file, environ)
    reachable = settings is not None or place.running() is not None
    if not reachable:
        found.append(_ASLEEP)
    async with contextlib.AsyncExitStack() as stack:
        try:
            env, absent, troubles = await stack.enter_async_context(opened(place, environ, partial.absent))
            found += [*await stored(env), *troubles]
            if reachable:
                found += await connected(env, absent)
        except CosellError as error:
            found.append(of("start", error, Who.OPERATOR))
        yield found


_ASLEEP = Finding(
    "sandbox",
    False,
    "The sandbox does not run, so neither connection was tried.",
    "Start it: cosell run. For your own systems: cosell init",
    who=Who.OPERATOR,
)


def _settings(partial: Partial) -> Finding:
    if partial.problem is not None:
        problem = partial.problem
        return Finding("settings", False, problem.message, problem.advice, SETTINGS, who=Who.OPERATOR)
    if partial.settings is None:
        said = "No settings file: this is the sandbox environment."
        return Finding("settings", True, said, page=SETTINGS)
    here = partial.settings.environment
    said = f"The settings of {here.name} ({here.kind}) are well formed."
    return Finding("settings", True, said, page=SETTINGS)


def _unfinished(side: Side, crm: str) -> Finding:
    name = "partner_center" if side is Side.PARTNER_CENTER else crm
    said = f"The connection [{name}] is not set up yet, so nothing about it could be checked."
    advice = "Finish its table in the settings file."
    return Finding(f"{name}: settings", False, said, advice, SETTINGS, who=Who.OPERATOR)
