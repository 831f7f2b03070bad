"""Sales stages by meaning: what a stage says about a deal, and which stage says it (product.md B6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosell.core.errors import Misconfigured, Rejected
from cosell.core.values import State
from cosell.systems.salesforce.options import Stages

STAGE_QUERY = (
    "SELECT ApiName, MasterLabel, IsActive, IsClosed, IsWon "
    "FROM OpportunityStage ORDER BY SortOrder LIMIT 500"
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One sales stage of the org. `name` is what StageName stores."""

    name: str
    label: str
    active: bool
    closed: bool
    won: bool

    def called(self, word: str) -> bool:
        return word.casefold() in (self.name.casefold(), self.label.casefold())


def read_stages(rows: Iterable[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """The org's stages in their order."""
    return tuple(
        Stage(
            name=str(row.get("ApiName") or row.get("MasterLabel") or ""),
            label=str(row.get("MasterLabel") or ""),
            active=row.get("IsActive") is not False,
            closed=row.get("IsClosed") is True,
            won=row.get("IsWon") is True,
        )
        for row in rows
    )


class StageBook:
    """Translates between stages and states."""

    def __init__(self, stages: Sequence[Stage], chosen: Stages, *, strict: bool = True) -> None:
        """`strict`: a setting that names no stage is refused; else nothing stands for it any more."""
        self._stages, self._strict = stages, strict
        self.unclear = ""
        """Why nobody can tell whether a deal is on hold; empty where it is clear."""
        on_hold = self._chosen("on_hold (ENV-S02)", chosen.on_hold, closed=False, won=False)
        self._on_hold = frozenset(stage.name.casefold() for stage in on_hold)
        lost = self._first("lost", chosen.lost, closed=True, won=False)
        self._written: dict[State, str | None] = {
            State.PENDING: on_hold[0].name if on_hold else None,
            State.ACTIVE: self._first("active (ENV-S01)", chosen.active, closed=False, won=False),
            State.WON: self._first("won", chosen.won, closed=True, won=True),
            State.LOST: lost,
            State.ERROR: lost,
            State.DECLINED: self._first("declined", chosen.declined, closed=True, won=False),
            State.EXPIRED: self._first("expired", chosen.expired, closed=True, won=False),
        }

    def meaning(self, name: str, *, closed: bool, won: bool) -> State:
        """The state a stored stage stands for; an unknown open stage is active."""
        if won:
            return State.WON
        if closed:
            return State.LOST
        return State.PENDING if name.casefold() in self._on_hold else State.ACTIVE

    def unsaid(self) -> tuple[str, ...]:
        """The states no stage stands for."""
        return tuple(state.value for state, name in self._written.items() if name is None)

    def stage_for(self, state: State) -> str:
        """The stage that says `state`. Rejected where the org has none."""
        name = self._written[state]
        if name is None:
            setting = "on_hold (ENV-S02)" if state is State.PENDING else state.value
            raise Rejected(
                f"No sales stage of Salesforce means «{state.value}».",
                fields=("state",),
                advice=f"Add a stage to Salesforce and name it in the setting for {setting}.",
                code="stage_missing",
            )
        return name

    def _first(self, setting: str, words: tuple[str, ...], *, closed: bool, won: bool) -> str | None:
        if words:
            found = self._chosen(setting, words, closed=closed, won=won)
            self._refuse_both(setting, found)
            return found[0].name if found else None
        fitting = (
            one.name
            for one in self._stages
            if one.active
            and (one.closed, one.won) == (closed, won)
            and one.name.casefold() not in self._on_hold
        )
        return next(fitting, None)

    def _chosen(self, setting: str, words: tuple[str, ...], *, closed: bool, won: bool) -> list[Stage]:
        """The stages a setting names. Written as one thing, a stage must be read as the same."""
        found = []
        for word in words:
            try:
                found.append(self._fitting(word, setting, closed=closed, won=won))
            except Misconfigured:
                if self._strict:
                    raise
                if setting.startswith("on_hold"):
                    self.unclear = f"«{word}»"
        return found

    def _fitting(self, word: str, setting: str, *, closed: bool, won: bool) -> Stage:
        stage = self._named(word, setting)
        if (stage.closed, stage.won) != (closed, won):
            raise Misconfigured(
                f"The stage setting {setting} names «{stage.label}», which Salesforce counts as "
                f"{_kind(stage.closed, stage.won)}.",
                advice=f"Name stages that are {_kind(closed, won)}.",
            )
        return stage

    def _refuse_both(self, setting: str, found: Sequence[Stage]) -> None:
        twice = [stage.label for stage in found if stage.name.casefold() in self._on_hold]
        if twice:
            raise Misconfigured(
                f"The stage «{twice[0]}» stands under on_hold (ENV-S02) and under {setting}; moving a deal "
                "from the one to the other accepts it.",
                advice="Leave it under one of them.",
            )

    def _named(self, word: str, setting: str) -> Stage:
        for stage in self._stages:
            if stage.called(word) and stage.active:
                return stage
        known = ", ".join(stage.label for stage in self._stages if stage.active)
        raise Misconfigured(
            f"Salesforce has no active sales stage «{word}», which the stage setting {setting} names.",
            advice=f"Choose one of: {known}.",
        )


def _kind(closed: bool, won: bool) -> str:
    return "closed and won" if won else "closed and lost" if closed else "open"
