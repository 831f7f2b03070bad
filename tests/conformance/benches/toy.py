"""The toy CRM on the bench: its file is its drawer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cosell.core.errors import CosellError, Throttled, Unavailable, Uncertain
from cosell.core.records import Values
from cosell.core.values import State, Value
from tests.conformance.bench import Away, Late, To, Trouble
from tests.conformance.toy import Shelf, Toy
from tests.systems.office import deal

TROUBLES: Mapping[Trouble, CosellError] = {
    "throttled": Throttled("Slow down."),
    "throttled_with_wait": Throttled("Slow down.", retry_after=7.0),
    "answer_lost": Uncertain("No answer came."),
    "out_of_reach": Unavailable("The file is out of reach."),
}


class StruckShelf(Shelf):
    """A shelf whose next use can fail."""

    trouble: tuple[Trouble, To] | None = None

    def load(self) -> dict[str, Any]:
        if self.trouble is not None and "answer_lost" not in self.trouble:
            (kind, _), self.trouble = self.trouble, None
            raise TROUBLES[kind]
        return super().load()

    def save(self, whole: Mapping[str, Any]) -> None:
        super().save(whole)
        if self.trouble is not None:
            self.trouble = None
            raise TROUBLES["answer_lost"]


class ToyBench:
    """One file and a system on it."""

    away: Away | None = None

    lossy: Mapping[str, str] = {}
    longest: Mapping[str, int] = {}

    def __init__(self, file: Path) -> None:
        self._shelf = StruckShelf(file)
        self.system = Toy(self._shelf)

    def deal(self, **changes: Value) -> Values:
        return {**deal(), "state": State.ACTIVE, "region": "Utrecht", **changes}

    def samples(self, key: str) -> tuple[Value, ...] | None:
        return None

    async def person_makes(self, count: int = 1) -> list[str]:
        made = [self.deal(name=f"Deal {at}") for at in range(count)]
        return [self._shelf.put(None, one, "seller", enrolled=True) for one in made]

    async def person_edits(self, record_id: str, **values: Value) -> None:
        self._shelf.put(record_id, values, "seller")

    async def begin_late(self, record_id: str) -> Late:
        async def finish() -> None:
            await self.person_edits(record_id, notes="Slow.")

        return Late(record_id, 0.0, finish)

    def stored(self, record_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._shelf.load()["deals"][record_id]["values"]
        return found

    def places(self, key: str) -> Collection[str]:
        return (key,)

    async def later(self, seconds: float) -> None:
        """A file knows no time."""

    async def restart(self) -> None:
        self.system = Toy(self._shelf)

    def index_lags(self) -> None:
        """A file has no index."""

    def strike(self, trouble: Trouble, to: To) -> None:
        self._shelf.trouble = (trouble, to)
