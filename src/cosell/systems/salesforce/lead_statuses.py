"""Lead statuses by meaning: read from the org's own list, never preset (CUS-13, TRB-4.7)."""

from __future__ import annotations

from collections.abc import Sequence

from cosell.core.errors import Misconfigured, Rejected
from cosell.core.values import State
from cosell.systems.salesforce.describe import Column
from cosell.systems.salesforce.options import LeadStatuses


class StatusBook:
    """Translates between the statuses of leads and states."""

    def __init__(self, column: Column | None, chosen: LeadStatuses) -> None:
        self._column = column
        new = [self._named(word) for word in chosen.new]
        lost = [self._named(word) for word in chosen.disqualified]
        twice = [value for value in new if value in lost]
        if twice:
            raise Misconfigured(
                f"The lead status «{twice[0]}» stands under new and under disqualified.",
                advice="Leave it under one of them.",
            )
        self._disqualified: Sequence[str] = lost
        self._lost = frozenset(value.casefold() for value in lost)
        self.new = new[0] if new else None
        """What new leads are given; None leaves it to the org."""

    @property
    def can_disqualify(self) -> bool:
        """Whether a status says that nobody pursues the lead."""
        return bool(self._disqualified)

    def meaning(self, status: str, *, converted: bool) -> State:
        """The state a stored lead stands for; one that was converted is an accepted deal."""
        if converted:
            return State.ACTIVE
        return State.LOST if status.casefold() in self._lost else State.PENDING

    def status_for(self, state: State) -> str:
        """The status that says `state`. Rejected where none does: converting is the seller's act."""
        if state is State.LOST and self._disqualified:
            return self._disqualified[0]
        if state is State.PENDING and self.new is not None:
            return self.new
        raise Rejected(
            f"No lead status of Salesforce means «{state.value}».",
            fields=("state",),
            advice="Name one under [salesforce.lead_statuses].",
            code="status_missing",
        )

    def _named(self, word: str) -> str:
        choices = self._column.choices if self._column is not None else ()
        for value, label in choices:
            if word.casefold() in (value.casefold(), label.casefold()):
                return value
        known = ", ".join(label for _, label in choices) or "none that the integration user sees"
        raise Misconfigured(
            f"Salesforce has no active lead status «{word}», which [salesforce.lead_statuses] names.",
            advice=f"Choose one of: {known}.",
        )
