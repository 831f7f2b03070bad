"""Makes a failing world as small as it can be while it still fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .scene import Setting
from .world import Outcome, run


def shrink(setting: Setting, *, fails: Callable[[Outcome], bool] | None = None, tries: int = 400) -> Setting:
    """The smallest world found within `tries` runs that breaks the invariant this one breaks first."""
    first = run(setting)
    if first.ok:
        return setting
    same = fails or _breaks(first.violations[0].invariant)
    smaller: Setting | None = setting
    while smaller is not None and tries > 0:
        setting, smaller = smaller, None
        for candidate in _cuts(setting):
            tries -= 1
            if same(run(candidate)):
                smaller = candidate
                break
            if tries <= 0:
                break
    return setting


def _breaks(invariant: str) -> Callable[[Outcome], bool]:
    return lambda outcome: any(one.invariant == invariant for one in outcome.violations)


def _cuts(setting: Setting) -> Iterator[Setting]:
    """Every world that has one thing less, the largest cuts first."""
    deals = sorted({one.deal for one in setting.steps})
    if len(deals) > 1:
        for deal in deals:
            yield replace(setting, steps=tuple(one for one in setting.steps if one.deal != deal))
    for kind in setting.faults:
        yield replace(setting, faults={key: rate for key, rate in setting.faults.items() if key != kind})
    for index in range(len(setting.kill_at)):
        yield replace(setting, kill_at=setting.kill_at[:index] + setting.kill_at[index + 1 :])
    for index in range(len(setting.steps)):
        yield replace(setting, steps=setting.steps[:index] + setting.steps[index + 1 :])
    yield from _plainer(setting)


def _plainer(setting: Setting) -> Iterator[Setting]:
    if setting.processes > 1:
        yield replace(setting, processes=1)
    if setting.partner_center_precondition != "version":
        yield replace(setting, partner_center_precondition="version")
    if setting.crm_precondition != "version":
        yield replace(setting, crm_precondition="version")
    if setting.dynamics:
        yield replace(setting, dynamics=False)
    if not setting.whole_polls:
        yield replace(setting, whole_polls=True)
    if setting.rounds:
        yield replace(setting, rounds=False)
