"""Measures what the product promises, prints it, and writes it to docs/performance.md.

python -m bench                     all figures, in some six minutes
python -m bench change backlog      some of them; nothing is written
python -m bench idle --long         with the soak of ten minutes
python -m bench --json              for a program
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import uvloop

from bench import backlog, change, duplicates, events, idle, kill, report, sweep
from bench.figures import Figure, as_json, table

Measure = Callable[[], Coroutine[Any, Any, list[Figure]]]


def measures(*, long: bool) -> dict[str, Measure]:
    """Every benchmark by its name."""
    return {
        "change": change.measure,
        "backlog": backlog.measure,
        "duplicates": duplicates.measure,
        "events": events.measure,
        "kill": kill.measure,
        "sweep": sweep.measure,
        "idle": partial(idle.measure, soak=idle.SOAK if long else idle.SHORT_SOAK),
    }


def main() -> int:
    """Runs what was asked for; ends with 1 where a target was missed."""
    names = list(measures(long=False))
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", nargs="*", help=f"any of {', '.join(names)}; all of them if none is named")
    parser.add_argument("--long", action="store_true", help="soak for ten minutes")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    given = parser.parse_args()
    if unknown := sorted(set(given.which) - set(names)):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(names)}")
    found: dict[str, list[Figure]] = {}
    load = report.load()
    for name in given.which or names:
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
