"""What must be true once the faults have stopped and the people rest (INV-2, 3, 4, 7, 17, 18, 22)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from cosell.core import lifecycle
from cosell.core.fields import FIELDS, Kind
from cosell.core.mapping import Conflict, Direction
from cosell.core.plan import FieldPlan, Verdict
from cosell.core.reasons import Reason
from cosell.core.records import Link, LinkState, Side, Write, WriteKind, WriteState
from cosell.core.values import State, Value
from cosell.ports import LinkFilter, Store

from .fakes import Record, Server, Touch
from .ledger import UNIQUE
from .scene import Scene

EVERYTHING = 100_000
Plans = Mapping[str, Mapping[str, FieldPlan]]
BOUND = 120.0
"""Seconds within which an edit arrives once its change is told (INV-18)."""
REFUSALS = 4
"""Times one and the same write may be refused for what it says."""

SETTLED_AS = {
    "settled: landed": "landed",
    "settled: what was sent stands there, perhaps by somebody else": "standing there",
}
NOT_LANDED = (WriteState.REFUSED, WriteState.ABSENT)
SITUATION_OF_HOLD = {
    "conflict": "conflict held",
    "first_meeting_differs": "first meeting held",
    "awaiting_acceptance": "awaiting acceptance",
    "consent_missing": "consent missing",
    "doubt": "doubt held",
    "restored": "held after a restore",
    "terminal": "closed for good",
    "convert_lead": "lead to convert",
}
SITUATION_OF_LINK = {
    "incomplete": "incomplete",
    "twins": "twins",
    "brake": "brake",
    "lead": "lead",
    "customer_unclear": "customer unclear",
}


async def at_rest(scene: Scene, store: Store) -> None:
    """Holds the whole world against the invariants of rest."""
    links = list(await store.links(LinkFilter(limit=EVERYTHING)))
    plans = {one.link.key: {field.field: field for field in one.fields} for one in await scene.previews()}
    await _journal(scene, store)
    for code in sorted(scene.bell.ringing):
        if code.startswith("schema_drift"):
            scene.ledger.violate("J-9", "an alert outlasts its cause:", code)
    _links(scene, links, plans)
    _everybody_known(scene, links)
    _twins(scene)
    _leads(scene, links)
    _edits(scene)
    _effort(scene)
    _brake(scene)
    hindered = scene.setting.faults or scene.setting.kill_at or scene.setting.restore
    undisturbed = not (hindered or scene.setting.tight_brake)
    if undisturbed and scene.setting.signals != "sweep":
        _pace(scene)


# --- the journal (INV-7) -----------------------------------------------------------------------------


async def _journal(scene: Scene, store: Store) -> None:
    ledger = scene.ledger
    report = await store.verify()
    if report.bad_seq is not None:
        ledger.violate("INV-7", "the chain breaks at row", str(report.bad_seq), report.why)
    rows = [row.write for row in await store.journal(None, EVERYTHING)]
    told = [row for row in rows if row.kind is not WriteKind.DECISION]
    for write_id, times in Counter(row.id for row in told).items():
        if times != 1:
            ledger.violate("INV-7", "rows for one write:", str(times), write_id[:6])
    known = {row.id: row for row in told}
    for row in told:
        _row(scene, row)
    for landing in ledger.landings:
        if landing.write_id not in known and landing.write_id not in ledger.forgotten:
            ledger.violate("INV-7", "an accepted write has no row", landing.write_id[:6])


def _row(scene: Scene, row: Write) -> None:
    ledger = scene.ledger
    landed = row.id in ledger.landed
    if row.state is WriteState.OPEN:
        ledger.violate("INV-22", "a row stays open", row.id[:6], str(row.kind), str(row.side))
    elif row.state is WriteState.DONE and not landed and not ledger.stood_there(row):
        ledger.violate("INV-7", "a row says done though nothing landed", row.id[:6])
    elif row.state in NOT_LANDED and landed:
        ledger.violate("INV-7", "a row says", str(row.state), "though it landed", row.id[:6])
    if row.state is WriteState.DONE and row.kind is WriteKind.CREATE and row.id in ledger.unanswered:
        scene.seen.happened("create adopted")
    if row.outcome.startswith("settled"):
        scene.seen.happened(f"update settled as {SETTLED_AS.get(row.outcome, 'absent')}")


# --- links (INV-18, 22) --------------------------------------------------------------------------------


def _links(scene: Scene, links: list[Link], plans: Plans) -> None:
    for side in Side:
        ids = Counter(link.id_of(side) for link in links if link.id_of(side) is not None)
        for record_id, times in ids.items():
            if times > 1:
                scene.ledger.violate("INV-8", "two links for", record_id)
    for link in links:
        if link.reason in SITUATION_OF_LINK:
            scene.seen.happened(SITUATION_OF_LINK[link.reason])
        _at_peace(scene, link)
        if link.state is LinkState.LINKED and link.reason != "brake":
            _linked(scene, link, plans.get(link.key, {}))


def _at_peace(scene: Scene, link: Link) -> None:
    """The link as a whole says where it stands, and that all is calm."""
    if link.state is LinkState.NEW:
        scene.ledger.violate("INV-18", "still new at rest:", link.key, link.reason)
    elif link.state is not LinkState.LINKED and not link.reason:
        scene.ledger.violate("INV-22", "waits in silence:", link.key, str(link.state))
    drifting = [key for key, hold in link.holds.items() if hold.reason == Reason.DRIFT]
    if (drifting and link.state is LinkState.LINKED) or link.reason == Reason.DRIFT:
        scene.ledger.violate("J-9", "waits for a field that is back:", link.key, tuple(drifting))
    if link.reason in ("fault", "struggling"):
        scene.ledger.violate("INV-18", link.reason, "though all is calm:", link.key)


def _linked(scene: Scene, link: Link, plan: Mapping[str, FieldPlan]) -> None:
    referral = scene.partner_center.records.get(link.partner_center_id or "")
    opportunity = scene.crm.records.get(link.crm_id or "")
    if referral is None or opportunity is None:
        scene.ledger.violate("INV-18", "linked, but a half is missing:", link.key)
        return
    if opportunity.deleted or referral.deleted:
        scene.ledger.violate("INV-18", "linked with a deleted record:", link.key)
        return
    if not referral.by_engine and not opportunity.by_engine:
        scene.seen.happened("adopted")
    for key, rule in scene.rules.items():
        _held(scene, link, key)
        if rule.update is not Direction.NONE and key in opportunity.values:
            _field(scene, key, plan.get(key), referral, opportunity)
    if opportunity.partner_id != referral.id and not _closed(referral):
        scene.ledger.violate("INV-18", "the opportunity does not name its referral", opportunity.id)
    if referral.partner_id != opportunity.id and not _closed(referral):
        scene.ledger.violate("INV-18", "the referral does not name its opportunity", referral.id)


def _closed(referral: Record) -> bool:
    state = referral.values["state"]
    return isinstance(state, State) and state.terminal


def _held(scene: Scene, link: Link, key: str) -> None:
    hold = link.holds.get(key) or link.holds.get("*")
    if hold is not None and hold.reason in SITUATION_OF_HOLD:
        scene.seen.happened(SITUATION_OF_HOLD[hold.reason])


def _field(scene: Scene, key: str, plan: FieldPlan | None, referral: Record, opportunity: Record) -> None:
    """The two sides agree, or the plan of a fresh look says why not, and nothing is left to write."""
    mine, theirs = referral.values[key], opportunity.values[key]
    if plan is None:
        scene.ledger.violate("INV-22", key, "has no plan")
    elif plan.verdict is Verdict.WRITE:
        scene.ledger.violate(
            "INV-18", key, "is still to be written:", mine, "against", theirs, str(plan.reason)
        )
    elif plan.verdict is Verdict.SAME and not agree(scene, key, mine, theirs):
        if plan.reason is not Reason.ONE_DIRECTION:
            scene.ledger.violate("INV-18", key, "differs and passes for agreed:", mine, "against", theirs)
        elif scene.rules[key].update is Direction.OUTWARD:
            _arrived(scene, key, opportunity, referral)
        else:
            _arrived(scene, key, referral, opportunity)


def _arrived(scene: Scene, key: str, source: Record, target: Record) -> None:
    """What travels one way has got there once, whatever people made of it afterwards."""
    values = {one.value for one in target.history[key]}
    if FIELDS[key].kind.is_list:
        there = {item.key for value in values if isinstance(value, tuple) for item in value}
        now = source.values[key]
        missing = [item for item in now if item.key not in there] if isinstance(now, tuple) else []
        if missing:
            scene.ledger.violate("INV-2", key, "never arrived:", tuple(missing))
    elif source.values[key] not in values:
        scene.ledger.violate("INV-2", key, "never arrived:", source.values[key])


def agree(scene: Scene, key: str, mine: Value, theirs: Value) -> bool:
    """Whether two values mean the same, each as the other side would store it."""
    if mine == theirs:
        return True
    if FIELDS[key].kind is Kind.FLAG:
        return bool(mine) is bool(theirs)
    if isinstance(mine, State):
        return lifecycle.in_crm_words(mine) is theirs
    return scene.crm.keep(key, mine) == theirs or scene.partner_center.keep(key, theirs) == mine


def _everybody_known(scene: Scene, links: list[Link]) -> None:
    """No record that wants to be synced is overlooked (INV-21)."""
    for server, ids in (
        (scene.partner_center, {link.partner_center_id for link in links}),
        (scene.crm, {link.crm_id for link in links}),
    ):
        for record in server.alive():
            if record.enrolled and record.id not in ids and not _left_alone(record):
                scene.ledger.violate("INV-21", "nobody looked at", server.name, record.id)


def _closed_record(record: Record) -> bool:
    state = record.values.get("state")
    return isinstance(state, State) and state.terminal


def _left_alone(record: Record) -> bool:
    """Closed, told by no list, or a lead whose link went on."""
    return _closed_record(record) or record.unlisted or record.became is not None


def _leads(scene: Scene, links: list[Link]) -> None:
    """The link of a converted lead follows it; one deal has one link (INV-3, SCN-09)."""
    by_id = {link.crm_id: link for link in links}
    for lead in scene.crm.alive():
        if lead.became is None:
            continue
        left, gone_on = by_id.get(lead.id), by_id.get(lead.became)
        if left is not None and left.state is LinkState.LINKED:
            scene.ledger.violate("INV-3", "a link stays with a converted lead:", left.key, left.reason)
        if gone_on is not None and gone_on.state is LinkState.LINKED:
            scene.seen.happened("link followed")


# --- counting (INV-3, 4, 17) -----------------------------------------------------------------------------


def _twins(scene: Scene) -> None:
    for server in (scene.partner_center, scene.crm):
        unseen = scene.ledger.unseen_twins
        ours = [one for one in server.records.values() if one.by_engine and one.made_by not in unseen]
        made = Counter(one.deal for one in ours if not _came_again(one, ours))
        people = Counter(one.deal for one in server.records.values() if not one.by_engine)
        for deal, times in made.items():
            if times > 1 and people[deal] == 0 and _sources(scene, server, deal) < times:
                scene.ledger.violate("INV-3", f"deal {deal} has {times} records in", server.name)


def _came_again(record: Record, ours: list[Record]) -> bool:
    """Whether a person deleted it, so that a late copy of the very request that made it found room."""
    return record.deleted and any(one is not record and one.made_by == record.made_by for one in ours)


def _sources(scene: Scene, server: Server, deal: int) -> int:
    other = scene.ledger.servers[server.side.other]
    return sum(one.deal == deal and not one.by_engine for one in other.records.values())


def _effort(scene: Scene) -> None:
    """Accepted writes are bounded by what people did (INV-4)."""
    accepted = len(scene.ledger.landings)
    refusals = sum(row.id not in scene.ledger.landed for row in scene.ledger.closed.values())
    deals = len(scene.partner_center.records) + len(scene.crm.records)
    again = 1 + (scene.setting.restore is not None)  # a restore may take everything up once more
    bound = again * (4 * scene.people.edits + 4 * deals) + 2 * refusals
    if accepted > bound:
        scene.ledger.violate("INV-4", f"{accepted} writes for {scene.people.edits} acts of people")
    tries = Counter(
        (row.side, row.record_id, repr({key: one.after for key, one in row.fields.items()}))
        for row in scene.ledger.closed.values()
        if row.outcome.startswith("rejected") and row.fields and row.kind is WriteKind.UPDATE
    )
    for (side, record_id, _), times in tries.items():
        # A person may ask again, and the other side's value may have changed meanwhile.
        if times > REFUSALS:
            scene.ledger.violate(
                "INV-4", f"refused and tried again {times} times:", str(side), record_id or ""
            )


def _brake(scene: Scene) -> None:
    """With a tight brake no more than a handful of fields is emptied unasked (INV-17)."""
    if not scene.setting.tight_brake:
        return
    allowed = scene.policy.brake.clears * scene.released * scene.started
    emptied = sum(
        value is None
        for landing in scene.ledger.landings
        if landing.kind == "update"
        for value in landing.values.values()
    )
    if emptied > allowed:
        scene.ledger.violate("INV-17", f"{emptied} fields were emptied, {allowed} may be")
    swept = {row.link_key for row in scene.ledger.journal.values() if row.cause == "sweep" and row.fields}
    may = scene.policy.brake.links * scene.seen.seen["swept"] * scene.released * scene.started
    if len(swept) > may:
        scene.ledger.violate("INV-17", f"{len(swept)} links were written by sweeps, {may} may be")


def _pace(scene: Scene) -> None:
    """In a peaceful world an edit arrives within two minutes, the poll that must find it added (INV-18)."""
    setting = scene.setting
    polling = 0.0 if setting.signals == "events" else max(setting.poll_partner_center, setting.poll_crm)
    for server in (scene.partner_center, scene.crm):
        for record in server.records.values():
            source = scene.ledger.other_half(record, server)
            if source is None:
                continue
            for key in UNIQUE:
                if {(record.id, key), (source.id, key)} & scene.ledger.resolved:
                    continue  # it waited for a person
                for arrival in record.history.get(key, ()):
                    edit = _edit_behind(record, source, key, arrival)
                    if edit is not None and arrival.at - edit.at > BOUND + polling:
                        late = f"{arrival.at - edit.at:.0f} s"
                        scene.ledger.violate("INV-18", key, "arrived in", server.name, "after", late)


def _edit_behind(record: Record, source: Record, key: str, arrival: Touch) -> Touch | None:
    """The edit that an arrival carries, where nothing had to happen before it might travel."""
    if arrival.by != "engine":
        return None
    edits = [one for one in source.history.get(key, ()) if one.by == "person" and one.value == arrival.value]
    histories = (*source.history.values(), *record.history.values())
    others = [one.at for touches in histories for one in touches if one.by == "person"]
    if not edits or edits[0].at <= source.born or any(edits[0].at < at <= arrival.at for at in others):
        return None  # something else was done in between, and may be what it waited for
    return edits[0]


# --- the fate of every edit (INV-2) ------------------------------------------------------------------------


def _edits(scene: Scene) -> None:
    for server in (scene.partner_center, scene.crm):
        for record in server.records.values():
            for key in UNIQUE:
                _fates(scene, server, record, key)


def _fates(scene: Scene, server: Server, record: Record, key: str) -> None:
    """A person's value that the connector replaced must have lost by a rule that lets it lose."""
    touches = record.history.get(key, [])
    for one, following in pairwise(touches):
        if one.by == "person" and following.by == "engine" and one.value is not None:
            _lost(scene, server, record, key, one, following)


def _lost(scene: Scene, server: Server, record: Record, key: str, lost: Touch, by: Touch) -> None:
    ledger = scene.ledger
    landing = ledger.landed[by.write_id]
    row = ledger.journal.get(by.write_id)
    if key in landing.blind:
        return
    if row is None or row.fields[key].before != lost.value:
        ledger.violate("INV-2", "a lost edit of", key, "does not stand in the audit", lost.value)
    source = ledger.other_half(record, server)
    if source is None or (record.id, key) in ledger.resolved or (source.id, key) in ledger.resolved:
        return
    other = ledger.servers[server.side.other]
    lead = other.records.get(source.origin or "")
    stood = (*source.history.get(key, ()), *(lead.history.get(key, ()) if lead else ()))
    theirs = [one for one in stood if one.at <= by.at]
    if any(one.value in (lost.value, other.keep(key, lost.value)) for one in theirs):
        return
    rule = scene.rules[key].conflict
    winner = {Side.PARTNER_CENTER: Conflict.PARTNER_CENTER, Side.CRM: Conflict.CRM}[server.side]
    if rule is Conflict.ASK or rule is winner:
        ledger.violate("INV-2", f"by rule {rule}", key, "may not lose in", server.name, lost.value)
