"""`python -m tests.world --n 2000 --seed 1`: many worlds, a line of progress, the story of what failed."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable

from . import sometimes
from .shrink import shrink
from .world import Outcome, draw, run


def main() -> int:
    chosen = _options()
    if chosen.story:
        outcome = run(draw(chosen.seed), tell=True)
        print("\n".join(outcome.lines))
        return _verdict([outcome.setting.seed] if not outcome.ok else [], outcome.seen, quiet=True)
    if chosen.shrink:
        return _shrunk(chosen.seed)
    return _many(range(chosen.seed, chosen.seed + chosen.n), chosen.jobs, chosen.stop)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    options.add_argument("--n", type=int, default=1000, help="worlds to live through")
    options.add_argument("--seed", type=int, default=1, help="seed of the first")
    options.add_argument("--jobs", type=int, default=1, help="worlds at the same time")
    options.add_argument("--stop", type=int, default=5, help="failures after which to stop")
    options.add_argument("--story", action="store_true", help="tell the story of the first, whatever happens")
    options.add_argument("--shrink", action="store_true", help="make the first as small as it still fails")
    return options.parse_args()


def _many(seeds: range, jobs: int, stop: int) -> int:
    failed, seen, began, done, operations = [], Counter[str](), time.perf_counter(), 0, 0
    for outcome in _outcomes(seeds, jobs):
        done, operations = done + 1, operations + outcome.operations
        seen.update(outcome.seen)
        if not outcome.ok:
            failed.append(outcome.setting.seed)
            report(outcome, tail=len(outcome.lines) if len(seeds) == 1 else 60 if len(failed) == 1 else 0)
        if done % 50 == 0:
            speed = done / (time.perf_counter() - began)
            print(f"\r{done} worlds, {len(failed)} failed, {speed:.1f} worlds/s ", end="", file=sys.stderr)
        if len(failed) >= stop:
            break
    took = max(time.perf_counter() - began, 0.001)
    print(f"\n{done} worlds, {len(failed)} failed, {done / took:.1f} worlds/s, {operations // done} I/O each")
    return _verdict(failed, seen, quiet=done < 500)


def _outcomes(seeds: range, jobs: int) -> Iterable[Outcome]:
    if jobs <= 1:
        yield from map(live, seeds)
        return
    with multiprocessing.Pool(jobs) as pool:
        yield from pool.imap_unordered(live, seeds, chunksize=10)


def live(seed: int) -> Outcome:
    """The world of a seed; every hundredth, and each that fails, is lived twice and must be the same."""
    setting = draw(seed)
    outcome = run(setting, tell=seed % 100 == 0)
    if outcome.ok and not outcome.digest:
        return outcome
    first, second = (outcome if outcome.digest else run(setting, tell=True)), run(setting, tell=True)
    if first.digest != second.digest:
        raise AssertionError(f"seed {seed} made two different worlds: something is not deterministic")
    return first


def report(outcome: Outcome, *, tail: int) -> None:
    """What broke, the end of its story, and how to see it again."""
    seed = outcome.setting.seed
    print(f"\nseed {seed}: " + "; ".join(map(str, outcome.violations[:4])))
    for line in outcome.lines[-tail:] if tail else ():
        print(line[:240])
    print(f"  whole story: python -m tests.world --story --seed {seed}   (make worlds SEED={seed} N=1)")
    print(f"  smallest:    python -m tests.world --shrink --seed {seed}", flush=True)


def _shrunk(seed: int) -> int:
    small = shrink(draw(seed))
    outcome = run(small, tell=True)
    print("\n".join(outcome.lines))
    print(repr(small))
    return _verdict([] if outcome.ok else [seed], outcome.seen, quiet=True)


def _verdict(failed: list[int], seen: Counter[str], *, quiet: bool) -> int:
    missing = [] if quiet else sometimes.never(seen)
    for name in missing:
        print(f"never happened: {name} ({sometimes.SITUATIONS[name]})")
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
