"""The life of a deal: which status may follow which, and what each side calls it.

Partner Center's rules are those of partner-center-api.md section 4; the meeting of the two vocabularies
is product.md B6. Each party owns its own referral's status; ours is the only one written.
"""

from __future__ import annotations

from cosell.core.values import State

STEPS: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.ACTIVE, State.DECLINED}),
    State.ACTIVE: frozenset({State.WON, State.LOST}),
}
"""The steps a partner may take. Expired is the server's own, Error is unconfirmed on the wire: neither is
ever written. A closed deal takes no step at all (LIM-09)."""

WIRE: dict[State, tuple[str, str]] = {
    State.PENDING: ("New", "Pending"),
    State.ACTIVE: ("Active", "Accepted"),
    State.WON: ("Closed", "Won"),
    State.LOST: ("Closed", "Lost"),
    State.DECLINED: ("Closed", "Declined"),
    State.EXPIRED: ("Closed", "Expired"),
    State.ERROR: ("Closed", "Error"),
}
"""Status and substatus of each state (partner-center-api.md 4.1)."""

_READ = {pair: state for state, pair in WIRE.items()} | {("New", "Received"): State.PENDING}


def read_status(status: str | None, substatus: str | None) -> State | None:
    """The state behind a pair from the wire; None for a pair nobody documents (shown, never written)."""
    return _READ.get((status or "", substatus or ""))


def in_crm_words(state: State) -> State:
    """What Partner Center's state means on an opportunity: every unhappy end is a lost deal."""
    return State.LOST if state.terminal and state is not State.WON else state


def next_step(present: State, wanted: State) -> State | None:
    """The state to write so that a referral in `present` comes nearer to what the CRM's `wanted` means.

    Losing a deal that was never accepted declines it; winning one accepts it first. None where no step
    leads there: the deal is closed, or was already accepted and cannot go back to waiting.
    """
    if wanted is State.LOST and present is State.PENDING:
        return State.DECLINED
    if wanted is State.WON and present is State.PENDING:
        return State.ACTIVE
    return wanted if wanted in STEPS.get(present, frozenset()) else None
