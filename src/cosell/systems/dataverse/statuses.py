"""Status reasons by meaning: what one says about a deal, and which one says it (dataverse-api.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosell.core.errors import Misconfigured, Rejected
from cosell.core.values import State
from cosell.systems.dataverse.options import Statuses

OPEN, WON, LOST = 0, 1, 2
"""`statecode` of an opportunity."""
_KINDS = {OPEN: "open", WON: "won", LOST: "lost"}


@dataclass(frozen=True, slots=True)
class Status:
    """One status reason of the opportunity: `statuscode`, and the `statecode` it belongs to."""

    code: int
    label: str
    state: int

    def called(self, word: str) -> bool:
        return word.strip().casefold() in (str(self.code), self.label.casefold())


class StatusBook:
    """Translates between status reasons and states."""

    def __init__(self, statuses: Sequence[Status], chosen: Statuses, *, strict: bool = True) -> None:
        """`strict`: a setting that names no status reason is refused; else nothing stands for it any more."""
        self._statuses, self._strict = tuple(statuses), strict
        self.unclear = ""
        """Why nobody can tell whether a deal is on hold; empty where it is clear."""
        on_hold = self._chosen("on_hold", chosen.on_hold, OPEN)
        self._on_hold = frozenset(status.code for status in on_hold)
        lost = self._first("lost", chosen.lost, LOST)
        self._written: dict[State, Status | None] = {
            State.PENDING: on_hold[0] if on_hold else None,
            State.ACTIVE: self._first("active", chosen.active, OPEN),
            State.WON: self._first("won", chosen.won, WON),
            State.LOST: lost,
            State.ERROR: lost,
            State.DECLINED: self._first("declined", chosen.declined, LOST) if chosen.declined else lost,
            State.EXPIRED: self._first("expired", chosen.expired, LOST) if chosen.expired else lost,
        }

    def meaning(self, state: int, code: int | None) -> State:
        """What a stored pair stands for; an unknown open status reason is active."""
        if state == WON:
            return State.WON
        if state != OPEN:
            return State.LOST
        return State.PENDING if code in self._on_hold else State.ACTIVE

    def unsaid(self) -> tuple[str, ...]:
        """The states no status reason stands for."""
        return tuple(state.value for state, status in self._written.items() if status is None)

    def status_for(self, state: State) -> Status:
        """The status reason that says `state`. Rejected where the environment has none."""
        status = self._written[state]
        if status is None:
            setting = "on_hold" if state is State.PENDING else state.value
            raise Rejected(
                f"No status reason of the opportunity means «{state.value}».",
                fields=("state",),
                advice=f"Add a status reason to the opportunity and name it in the setting {setting}.",
                code="stage_missing",
            )
        return status

    def _first(self, setting: str, words: tuple[str, ...], state: int) -> Status | None:
        if words:
            found = self._chosen(setting, words, state)
            self._refuse_both(setting, found)
            return found[0] if found else None
        fitting = (one for one in self._statuses if one.state == state and one.code not in self._on_hold)
        return next(fitting, None)

    def _chosen(self, setting: str, words: tuple[str, ...], state: int) -> list[Status]:
        """The status reasons a setting names. Written as one thing, one must be read as the same."""
        found = []
        for word in words:
            try:
                found.append(self._fitting(word, setting, state))
            except Misconfigured:
                if self._strict:
                    raise
                if setting == "on_hold":
                    self.unclear = f"«{word}»"
        return found

    def _fitting(self, word: str, setting: str, state: int) -> Status:
        status = self._named(word, setting)
        if status.state != state:
            raise Misconfigured(
                f"The status setting {setting} names «{status.label}», which Dynamics 365 counts as "
                f"{_KINDS.get(status.state, 'closed')}.",
                advice=f"Name status reasons that are {_KINDS[state]}.",
            )
        return status

    def _refuse_both(self, setting: str, found: Sequence[Status]) -> None:
        twice = [status.label for status in found if status.code in self._on_hold]
        if twice:
            raise Misconfigured(
                f"The status reason «{twice[0]}» stands under on_hold and under {setting}; moving a deal "
                "from the one to the other accepts it.",
                advice="Leave it under one of them.",
            )

    def _named(self, word: str, setting: str) -> Status:
        for status in self._statuses:
            if status.called(word):
                return status
        known = ", ".join(f"{status.label} ({status.code})" for status in self._statuses)
        raise Misconfigured(
            f"The opportunity has no status reason «{word}», which the status setting {setting} names.",
            advice=f"Choose one of: {known}.",
        )
