"""A lead that became an opportunity: its link goes on there, and no second record is made (INV-3, SCN-09).

Converting is an act of the seller in the CRM. Where the lead was seen unconverted before, it also is the
acceptance of a referral nobody accepted yet: the lead's own history names who and when (INV-6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosell.core.errors import Gone, Rejected
from cosell.core.mapping import Flow
from cosell.core.reasons import Reason
from cosell.core.records import (
    Consent,
    Link,
    LinkState,
    Pair,
    RecordKind,
    Resolution,
    Side,
    Snapshot,
)
from cosell.core.values import State, same_id
from cosell.engine.case import Case
from cosell.engine.reading import Both, Reading, Source
from cosell.engine.room import Room

RENAMED = "link"
"""The resolution under which the referral may name another record of the CRM until it names ours."""


def standing(found: Sequence[Snapshot]) -> list[Snapshot]:
    """The records without leads whose opportunity is among them: the two are one deal, no twins."""
    return [
        one
        for one in found
        if one.became is None or not any(same_id(one.became, other.id) for other in found)
    ]


def converted(record: Snapshot) -> bool:
    """Whether it is a lead that was converted, to an opportunity or without one."""
    return record.kind is RecordKind.LEAD and record.values.get("state") is State.ACTIVE


async def successor(room: Room, record: Snapshot) -> Snapshot:
    """The opportunity a lead was converted into; any other record is its own successor."""
    if record.became is None:
        return record
    return await room.desk(Side.CRM).get(record.became)


async def became(room: Room, lead_id: str | None, opportunity_id: str) -> bool:
    """Whether this id names a lead that was converted into that opportunity, or made way for it."""
    if not lead_id:
        return False
    try:
        lead = await room.desk(Side.CRM).get(lead_id)
    except (Gone, Rejected):
        return False
    return same_id(lead.became, opportunity_id) or (converted(lead) and lead.became is None)


async def link_beyond(room: Room, lead: Snapshot) -> Link | None:
    """The link that has gone on from a converted lead: that of its opportunity, or of its referral."""
    if not converted(lead):
        return None
    for side, record_id in ((Side.CRM, lead.became), (Side.PARTNER_CENTER, lead.partner_id)):
        known = (await room.store.links_of(side, [record_id])).get(record_id) if record_id else None
        if known is not None:
            return known
    return None


async def origin(room: Room, case: Case, opportunity: Snapshot) -> str | None:
    """The referral that the opportunity's lead belongs to.

    Folds the key into the lead's link where there is one: that link is about to follow its lead, and an
    opportunity that came before it must not be introduced as a new deal.
    """
    if opportunity.origin is None or opportunity.partner_id is not None:
        return None
    known = (await room.store.links_of(Side.CRM, [opportunity.origin])).get(opportunity.origin)
    if known is not None and known.reason == Reason.LEAD_CLOSED:
        return None  # that deal is over; a seller who shares the opportunity makes a new one
    if known is not None and known.key != case.link.key:
        await case.join(room.store, known.key)
        return None
    try:
        lead = await room.desk(Side.CRM).get(opportunity.origin)
    except (Gone, Rejected):
        return None
    if lead.partner_id is not None:
        note(room, case, lead, opportunity)
    return lead.partner_id


def note(room: Room, case: Case, lead: Snapshot, opportunity: Snapshot) -> None:
    """Remembers whose act leads from the lead to the opportunity, until both halves name each other."""
    now, who = room.clock.now(), lead.touched_by or "unknown"
    act = f"Lead {lead.id} converted to opportunity {opportunity.id}"
    answer = Resolution(Side.CRM, None, None, who, now)
    case.change(
        consents={**case.link.consents, _mark(opportunity): Consent(True, who, _when(lead), act)},
        resolutions={**case.link.resolutions, RENAMED: answer},
    )


def awaits_adoption(link: Link, opportunity: Snapshot) -> bool:
    """Whether this is the opportunity of a converted lead that we have not marked as ours yet.

    Until then its switch stands where conversion left it, and says nothing about the seller's wish.
    """
    return opportunity.partner_id is None and _mark(opportunity) in link.consents


async def follow(room: Room, case: Case, halves: Both) -> bool:
    """Moves the link of a converted lead to its opportunity; answers whether there is something to do."""
    lead, referral = halves[Side.CRM].snapshot, halves[Side.PARTNER_CENTER].snapshot
    if not converted(lead):
        return True
    opportunity = await _heir(room, case, lead)
    if not (lead.enrolled or (opportunity is not None and opportunity.enrolled)):
        return True
    reason = _obstacle(room, opportunity, referral)
    if opportunity is None or reason is not None:
        state = LinkState.IGNORED if reason is Reason.LEAD_CLOSED else LinkState.HELD
        case.change(state=state, reason=reason or "", detail="")
        return False
    detail = await _claimed(room, case, opportunity)
    if detail:
        case.change(state=LinkState.HELD, reason=Reason.TWINS, detail=detail)
        return False
    _move(room, case, lead, opportunity)
    halves[Side.CRM] = Reading(opportunity, Source.FRESH)
    return True


async def _heir(room: Room, case: Case, lead: Snapshot) -> Snapshot | None:
    """What goes on in the lead's place: what it became, or what a person gave its referral to since."""
    if lead.became is not None:
        return await successor(room, lead)
    found = await room.desk(Side.CRM).find(case.link.partner_center_id or "")
    named = [one for one in found if one.kind is RecordKind.OPPORTUNITY]
    return named[0] if len(named) == 1 else None


def _obstacle(room: Room, opportunity: Snapshot | None, referral: Snapshot) -> Reason | None:
    """Why the link stays with its lead, if it does."""
    state = referral.values.get("state")
    if isinstance(state, State) and state.terminal and state is not State.WON:
        # Carrying the end of the referral over would close the opportunity the seller has just opened.
        return Reason.LEAD_CLOSED
    if opportunity is None:
        return Reason.LEAD_WITHOUT_OPPORTUNITY
    return None if Flow.OUTBOUND_LEAD in room.policy.flows else Reason.FLOW_OFF


async def _claimed(room: Room, case: Case, opportunity: Snapshot) -> str:
    """Who else has the opportunity already; empty when it is free."""
    if opportunity.partner_id and not same_id(opportunity.partner_id, case.link.partner_center_id):
        return f"the opportunity of the lead names referral {opportunity.partner_id}"
    known = (await room.store.links_of(Side.CRM, [opportunity.id])).get(opportunity.id)
    if known is None or known.key == case.link.key:
        return ""
    if known.partner_center_id is None:
        # Somebody looked at it before its lead: that key folds itself into this one, and wakes it.
        await room.store.poke_keys([known.key], "lead", room.clock.now())
    return f"{opportunity.id} is already known as {known.key}"


def _move(room: Room, case: Case, lead: Snapshot, opportunity: Snapshot) -> None:
    """Goes on with the opportunity; only what conversion carried over unchanged keeps its past (INV-11)."""
    link = case.link
    state = link.base.get("state")
    note(room, case, lead, opportunity)
    if state is not None and state.crm is State.PENDING and lead.touched_by_us is not True:
        consent = Consent(State.ACTIVE, lead.touched_by or "unknown", _when(lead), "Lead converted")
        case.change(consents={**case.link.consents, "state": consent})
    case.change(
        crm_id=opportunity.id,
        base={key: pair for key, pair in link.base.items() if _carried(key, pair, lead, opportunity)},
        crm_version=None,
        mark=None,
    )
    case.say(room.clock.now(), ["The lead was converted; the sync goes on with this opportunity."])


def _carried(key: str, pair: Pair, lead: Snapshot, opportunity: Snapshot) -> bool:
    """Whether the opportunity goes on where the lead stood, so that the lead's past is its own.

    The status always does: that the lead was open and is an opportunity now is what conversion says.
    """
    there = key in lead.values and key in opportunity.values
    return key == "state" or (there and lead.values[key] == opportunity.values[key])


def _mark(opportunity: Snapshot) -> str:
    return f"lead:{opportunity.id}"


def _when(lead: Snapshot) -> str:
    return lead.changed_at.isoformat() if lead.changed_at else ""


async def known(room: Room, side: Side, snapshots: Sequence[Snapshot]) -> Mapping[str, Link]:
    """The links of these records, and of the opportunities that leads among them became."""
    ids = [one.id for one in snapshots] + [one.became for one in snapshots if one.became is not None]
    return await room.store.links_of(side, ids)


def gone_on(known: Mapping[str, Link], snapshot: Snapshot) -> bool:
    """Whether it is a converted lead whose link has already followed it: nothing more can come of it."""
    followed = known.get(snapshot.became) if snapshot.became is not None else None
    return snapshot.id not in known and followed is not None and followed.partner_center_id is not None
