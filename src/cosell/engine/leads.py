"""Bringing a lead of Partner Center into the CRM as a lead (CAP-11, SCN-09, FLW-D02)."""

from __future__ import annotations

from cosell.core.mapping import Flow
from cosell.core.reasons import Reason
from cosell.core.records import RecordKind, Side, Snapshot
from cosell.core.values import Unreadable
from cosell.engine.birth import create, hold
from cosell.engine.case import Case
from cosell.engine.reading import Both
from cosell.engine.room import Room


async def bring(room: Room, case: Case, referral: Snapshot) -> Both | float | None:
    """Creates the lead, with what a lead of this CRM can hold; the rest waits in Partner Center."""
    fields = room.desk(Side.CRM).system.capabilities.leads
    if not fields:
        return hold(case, Reason.NO_LEADS)
    if Flow.INBOUND_LEAD not in room.policy.flows:
        return hold(case, Reason.FLOW_OFF)
    values = {
        rule.field: value
        for rule in room.rules.values()
        if rule.create.carries_to(Side.CRM)
        and rule.field in fields
        and (value := referral.values.get(rule.field)) is not None
        and not isinstance(value, Unreadable)
    }
    told = "Created from Partner Center as a lead: nobody accepted it yet. Converting the lead accepts it."
    case.say(room.clock.now(), [told])
    return await create(room, case, Side.CRM, referral, values, {}, kind=RecordKind.LEAD)
