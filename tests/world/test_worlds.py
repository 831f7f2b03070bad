"""The gate: many worlds, none of which breaks an invariant, and all of which together saw everything."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from . import sometimes
from .__main__ import live

CHUNKS, SIZE = 20, 100


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_world_breaks_an_invariant(chunk: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """reliability.md 6 and 7, L2: INV-1…5, 6, 7…12, 14…18, 21, 22 in 2,000 worlds; 1 % lived twice."""
    seen = Counter[str]()
    for seed in range(1 + chunk * SIZE, 1 + (chunk + 1) * SIZE):
        outcome = live(seed)
        seen.update(outcome.seen)
        assert outcome.ok, "\n".join(
            [
                *outcome.lines[-80:],
                *map(str, outcome.violations),
                f"make worlds SEED={seed} N=1   (python -m tests.world --story --seed {seed})",
            ]
        )
    together = _everything(tmp_path_factory, chunk, seen)
    assert together is None or not sometimes.never(together), "situations that never happened"


def _everything(factory: pytest.TempPathFactory, chunk: int, seen: Counter[str]) -> Counter[str] | None:
    """The situations of all chunks, for the one that ends last; the chunks may run in several processes."""
    base = factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "situations"
    shared.mkdir(exist_ok=True)
    draft = shared / f"{chunk}.draft"
    draft.write_text(json.dumps(seen))
    draft.rename(shared / f"{chunk}.json")
    files: list[Path] = sorted(shared.glob("*.json"))
    if len(files) < CHUNKS:
        return None
    return sometimes.total(Counter(json.loads(one.read_text())) for one in files)
