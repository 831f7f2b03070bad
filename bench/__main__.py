"""Measures what the product promises, prints it, and writes it to docs/performance.md.

python -m bench                     all figures, in some ten minutes
python -m bench change backlog      some of them; nothing is written
python -m bench change-dynamics     one CRM alone
python -m bench idle --long         with the soak of ten minutes
python -m bench --json              for a program
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import uvloop

from bench import backlog, change, duplicates, events, idle, kill, report, sweep
from bench.crms import CRMS
from bench.figures import Figure, as_json, table

Measure = Callable[[], Coroutine[Any, Any, list[Figure]]]


def measures(*, long: bool) -> dict[str, Measure]:
    """Every benchmark by its name; what ends in a CRM's name is measured with that CRM."""
    return {
        **_of_each("change", change.measure),
        **_of_each("backlog", backlog.measure),
        "duplicates": duplicates.measure,
        "events": events.measure,
        "kill": kill.measure,
        **_of_each("sweep", sweep.measure),
        "idle": partial(idle.measure, soak=idle.SOAK if long else idle.SHORT_SOAK),
    }


def _of_each(name: str, measure: Callable[..., Coroutine[Any, Any, list[Figure]]]) -> dict[str, Measure]:
    return {f"{name}-{crm.name}": partial(measure, crm) for crm in CRMS.values()}


def wanted(asked: Sequence[str], names: Sequence[str]) -> list[str]:
    """The benchmarks asked for: all if none is named, and those of every CRM where none is."""
    found = [name for one in asked for name in names if name == one or name.startswith(f"{one}-")]
    return list(dict.fromkeys(found)) or list(names)


def main() -> int:
    """Runs what was asked for; ends with 1 where a target was missed."""
    names = list(measures(long=False))
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", nargs="*", help=f"any of {', '.join(names)}, or what comes before the dash")
    parser.add_argument("--long", action="store_true", help="soak for ten minutes")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    given = parser.parse_args()
    known = {*names, *(name.partition("-")[0] for name in names)}
    if unknown := sorted(set(given.which) - known):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(names)}")
    found: dict[str, list[Figure]] = {}
    load = report.load()
    for name in wanted(given.which, names):
        began = time.monotonic()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found[name] = runner.run(measures(long=given.long)[name]())
        if not given.json:
            print(f"\n{name} ({time.monotonic() - began:.0f} s)\n{table(found[name])}", flush=True)
    every = [one for figures in found.values() for one in figures]
    if given.json:
        print(as_json(every))
    if not given.which:
        report.write(found, load)
    return int(any(one.met is False for one in every))


if __name__ == "__main__":
    sys.exit(main())
