"""The sweeps of an environment in plain data and in words: the last report, and when the next one comes."""

from __future__ import annotations

from typing import Any

from cosell.config import Settings
from cosell.engine import swept
from cosell.engine.swept import Report
from cosell.ports import Store
from cosell.wiring.environment import pace


async def sweeps(store: Store, settings: Settings, *, now: float) -> dict[str, Any]:
    """What is known of the sweeps, as kept in the database."""
    stands = await swept.standing(store)
    on, report = settings.flows.repair, stands.report
    under_way = stands.begun if report is None or report.began != stands.begun else None
    return {
        "on": on,
        "last": report.data() if report else None,
        "says": says(report) if report else "No sweep yet.",
        "began": under_way,
        "next": max(now, due) if on and (due := stands.due(pace(settings))) is not None else None,
    }


def says(report: Report) -> str:
    """The report in a sentence or two for a person in a hurry."""
    if report.error:
        return f"The last sweep gave up after {_count(report.compared, 'link')}: {report.error}"
    parts = [_share(report)]
    for number, words in (
        (report.repaired, "to be repaired"),
        (report.held, "held"),
        (report.gone, "with a half gone"),
        (report.half, "without their other half"),
        (report.unread, "not readable"),
        (report.closed, "closed and not compared"),
        (report.resting, "at rest"),
    ):
        if number:
            parts.append(f"{number} {words}")
    if report.unknown:
        parts.append(f"{_count(report.unknown, 'unknown record')} found")
    return f"{', '.join(parts)}; {_effort(report)}."


def _share(report: Report) -> str:
    """How many of the compared links agree; the rate is never rounded up to the whole."""
    if report.agreement is None:
        return "No link compared"
    rate = report.agreed * 10_000 // report.compared / 100
    return f"{rate:g} % of {_count(report.compared, 'link')} compared agree"


def _effort(report: Report) -> str:
    took = f"it took {report.seconds:.0f} s"
    calls = sum(report.calls.values())
    return f"{took} and {_count(calls, 'call')}" if report.calls else took


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
