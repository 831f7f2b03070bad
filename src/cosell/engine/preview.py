"""What would be written, without writing: the same reads, the same plan, no deed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from cosell.core import guards
from cosell.core import plan as planning
from cosell.core.errors import CosellError
from cosell.core.guards import Problem
from cosell.core.matching import Choice, Whose
from cosell.core.plan import FieldPlan
from cosell.core.records import Link, LinkState, Side, Snapshot
from cosell.engine import customer, schema
from cosell.engine.conversion import converted
from cosell.engine.room import Room


@dataclass(frozen=True, slots=True)
class Preview:
    """One link as it stands and what the next reconcile would do with it."""

    link: Link
    partner_center: Snapshot | None = None
    crm: Snapshot | None = None
    fields: tuple[FieldPlan, ...] = ()
    creates: Side | None = None
    """The side on which the missing half would be created."""
    problems: tuple[Problem, ...] = ()
    """What keeps the missing half from being created."""
    customer: Choice | None = None
    """Whose deal it is, where the missing half is the CRM's; unclear, it waits for a person."""
    error: CosellError | None = None

    @property
    def writes(self) -> bool:
        return self.creates is not None or any(one.writes for one in self.fields)


async def preview(room: Room, links: Sequence[Link]) -> list[Preview]:
    """Reads both halves of each link, in bulk, and plans; changes nothing anywhere."""
    return list(await asyncio.gather(*(_one(room, link) for link in links)))


async def _one(room: Room, link: Link) -> Preview:
    found: dict[Side, Snapshot] = {}
    try:
        for side in Side:
            record_id = link.id_of(side)
            if record_id is not None:
                found[side] = await room.desk(side).get(record_id)
    except CosellError as error:
        return Preview(link, found.get(Side.PARTNER_CENTER), found.get(Side.CRM), error=error)
    referral, opportunity = found.get(Side.PARTNER_CENTER), found.get(Side.CRM)
    if opportunity is not None and (converted(opportunity) or opportunity.origin is not None):
        return Preview(link, referral, opportunity)
    if link.state in (LinkState.PAUSED, LinkState.GONE) or (opportunity and not opportunity.enrolled):
        return Preview(link, referral, opportunity)
    if referral is not None and opportunity is not None:
        plan = planning.plan(room.ground(), link, referral, opportunity)
        return Preview(link, referral, opportunity, plan.fields)
    if opportunity is not None and schema.hinders_introduction(room, opportunity):
        return Preview(link, referral, opportunity)
    if opportunity is not None and guards.enters_partner_center(opportunity) and not opportunity.partner_id:
        problems = guards.creation_gate(opportunity.values)
        return Preview(
            link, None, opportunity, creates=None if problems else Side.PARTNER_CENTER, problems=problems
        )
    if referral is not None and guards.enters_crm(referral) and not referral.partner_id:
        return await _birth(room, link, referral)
    return Preview(link, referral, opportunity)


async def _birth(room: Room, link: Link, referral: Snapshot) -> Preview:
    """What would become of a referral without an opportunity, and whose deal it would be."""
    try:
        choice = await customer.choose(room, link, referral)
    except CosellError as error:
        return Preview(link, referral, None, error=error)
    clear = choice.verdict is not Whose.UNCLEAR
    return Preview(link, referral, None, creates=Side.CRM if clear else None, customer=choice)
