"""The ways of an opportunity between open, won and lost (dataverse-api.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cosell.core.errors import Rejected, Stale
from cosell.core.records import Snapshot
from cosell.core.values import State, Value
from cosell.systems.dataverse.batch import Part
from cosell.systems.dataverse.schema import Schema
from cosell.systems.dataverse.statuses import OPEN, WON, Status

_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """What a change of state takes: before, in and after the write of the columns."""

    reopen: Mapping[str, Any] | None = None
    """A PATCH of its own: a closed row takes no other change before."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    close: Status | None = None
    """Won and lost are actions; a PATCH of statecode to them is refused (trap 2)."""


NO_TURN = Turn()


def is_closed(seen: Snapshot) -> bool:
    state = seen.values.get("state")
    return isinstance(state, State) and state.terminal


def turn(schema: Schema, seen: Snapshot, wanted: Value) -> Turn:
    """How to get from the state that was read to the one wanted."""
    if not isinstance(wanted, State):
        raise Rejected("An opportunity cannot be without a status.", fields=("state",), code="unreadable")
    present = seen.values.get("state")
    if not isinstance(present, State):
        raise Stale("The opportunity has to be read again before its status is changed.")
    status = schema.statuses.status_for(wanted)
    if schema.statuses.meaning(status.state, status.code) is present:
        # A status reason that means the same already is the seller's own choice among several.
        return NO_TURN
    reopen = _reopening(schema, status) if present.terminal else None
    if status.state != OPEN:
        return Turn(reopen=reopen, close=status)
    return Turn(reopen=reopen) if reopen is not None else Turn(columns={"statuscode": status.code})


def _reopening(schema: Schema, status: Status) -> dict[str, Any]:
    open_as = status if status.state == OPEN else schema.statuses.status_for(State.ACTIVE)
    return {"statecode": OPEN, "statuscode": open_as.code}


def action(status: Status, deal: str, name: Value, ref: str) -> Part:
    """The request that wins or loses the opportunity at `deal`; revenue and date are left to Dynamics 365."""
    verb = "Won" if status.state == WON else "Lost"
    body = {
        "Status": status.code,
        "OpportunityClose": {
            "@odata.type": "Microsoft.Dynamics.CRM.opportunityclose",
            "subject": f"{verb}: {name or ''}"[:_SUBJECT].strip(),
            "opportunityid@odata.bind": deal,
        },
    }
    return Part("POST", "WinOpportunity" if status.state == WON else "LoseOpportunity", ref, body)
