"""What the suite must be able to do to a system: act as a person, look into its drawers, make trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from cosell.core.errors import CosellError
from cosell.core.records import Values
from cosell.core.values import Value
from cosell.ports import System
from cosell.sandbox.frame import Answer

Trouble = Literal["throttled", "throttled_with_wait", "answer_lost", "out_of_reach"]
"""What may happen to the next request at either level."""
To = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Late:
    """A change that carries the time it began and is seen only when it is finished."""

    record_id: str
    lasts: float
    """Seconds it takes, at least; what stands at the end is begun at their beginning."""
    finish: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer the vendor may give, and what it means to a read and to a write."""

    answer: Answer
    read: type[CosellError]
    write: type[CosellError]


@dataclass(frozen=True, slots=True)
class Lack:
    """Something the connection needs: `take` takes it away, and the check must then say `names`."""

    take: Callable[[], None]
    names: str


@dataclass(frozen=True, slots=True)
class Away:
    """A field nobody needs to find records by, which an administrator can take away and bring back."""

    field: str
    take: Callable[[], None]
    bring_back: Callable[[], None]


class Bench(Protocol):
    """One system with its surroundings, as good as new."""

    @property
    def system(self) -> System: ...

    lossy: Mapping[str, str]
    """What a field may lose, declared: length, rounding, choice, time zone, union or joined, then why."""
    longest: Mapping[str, int]
    """Characters a text may have, where that is known."""

    @property
    def away(self) -> Away | None:
        """None where the fields are the same for everybody and nobody can take one away."""
        ...

    def deal(self, **changes: Value) -> Values:
        """The values of a new deal that lacks nothing."""
        ...

    def samples(self, key: str) -> tuple[Value, ...] | None:
        """Values of a field that only this system's set-up makes usable; None takes the suite's."""
        ...

    # --- people ----------------------------------------------------------------------------------

    async def person_makes(self, count: int = 1) -> list[str]:
        """Somebody makes deals, all of them at the same moment as far as the system can tell."""
        ...

    async def person_edits(self, record_id: str, **values: Value) -> None: ...

    async def begin_late(self, record_id: str) -> Late:
        """Somebody begins to change this record, or to make another, as slowly as the system allows."""
        ...

    # --- drawers ---------------------------------------------------------------------------------

    def stored(self, record_id: str) -> Mapping[str, Any]:
        """What the system holds of a record, by its own names, without stamps, marks and times."""
        ...

    def places(self, key: str) -> Collection[str]:
        """Where in `stored` a field's value stands."""
        ...

    # --- time and trouble ------------------------------------------------------------------------

    async def later(self, seconds: float) -> None:
        """Time passes for everybody."""
        ...

    async def restart(self) -> None:
        """The connector ends and begins again with nothing in memory; afterwards `system` is a new one."""
        ...

    def index_lags(self) -> None:
        """From now on a new record is found as late as the system declares."""
        ...

    def strike(self, trouble: Trouble, to: To) -> None:
        """The next read or write meets trouble."""
        ...


class Setup(Protocol):
    """A system nobody prepared, and its installer."""

    def traces(self) -> object:
        """Every definition, right and page there is."""
        ...

    async def install(self) -> None: ...

    async def remove(self) -> None:
        """Everything that was installed, with what it holds."""
        ...


class HttpBench(Bench, Protocol):
    """A bench whose system is reached over HTTP."""

    outcomes: Mapping[str, Outcome]
    """The vendor's refusals, by a name for people."""
    lacks: Mapping[str, Lack]
    """By `permission`, `field` or `licence`: only what the system can lack."""
    quality: str
    """The name of the package that holds quality.toml."""

    def arrivals(self) -> int:
        """Requests that reached the system so far."""
        ...

    def unprepared(self) -> Setup:
        """Another one of its kind, in which nothing was installed yet; only where a set-up is declared."""
        ...

    def calm(self) -> None:
        """No trouble is to come any more."""
        ...

    def answer(self, answer: Answer, to: To) -> None:
        """The next read or write is answered like this and not carried out."""
        ...

    def garble(self) -> None:
        """The answer to the next read is cut in half."""
        ...

    def dawdle(self) -> None:
        """The next read is answered too late."""
        ...

    def expire_tokens(self) -> None:
        """Every access token handed out so far becomes useless."""
        ...

    def expire_tokens_at(self, request: int) -> None:
        """The same just before the `request`-th request from now."""
        ...

    def secrets(self) -> Collection[str]:
        """Everything secret that went over the line so far."""
        ...

    def shown(self) -> Collection[str]:
        """Those of them that the other side could repeat in a refusal."""
        ...

    def private(self) -> Collection[str]:
        """Secrets of the settings, which never go over the line as they are."""
        ...
