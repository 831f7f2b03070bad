"""`python -m tests.world --n 2000 --seed 1`: many worlds, a line of progress, and the story of what failed."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from . import sometimes
from .world import draw, run


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--n", type=int, default=1000, help="worlds to live through")
    options.add_argument("--seed", type=int, default=1, help="seed of the first")
    options.add_argument("--story", action="store_true", help="tell the story even where all went well")
    options.add_argument("--stop", type=int, default=5, help="failures after which to stop")
    chosen = options.parse_args()
    failed, seen, began = [], Counter[str](), time.perf_counter()
    operations = 0
    for done, seed in enumerate(range(chosen.seed, chosen.seed + chosen.n), start=1):
        outcome = run(draw(seed), tell=chosen.story)
        seen.update(outcome.seen)
        operations += outcome.operations
        if chosen.story:
            print("\n".join(outcome.lines))
        if not outcome.ok:
            failed.append(seed)
            print(f"\nseed {seed}: {'; '.join(map(str, outcome.violations[:4]))}", flush=True)
            if len(failed) >= chosen.stop:
                break
        if done % 50 == 0:
            speed = done / (time.perf_counter() - began)
            print(f"\r{done} worlds, {len(failed)} failed, {speed:.1f} worlds/s", end="", file=sys.stderr)
    took = time.perf_counter() - began
    print(f"\n{done} worlds, {len(failed)} failed, {done / took:.1f} worlds/s, {operations / done:.0f} I/O each")
    for name in sometimes.never(seen):
        print(f"never: {name} ({sometimes.SITUATIONS[name]})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
