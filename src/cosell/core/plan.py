"""The plan: for every field of the mapping exactly one of same, write, hold, refuse, and why.

A pure function of mapping, link and two snapshots (INV-23). A side is compared only with its own past,
so a value the server rewrote never looks like an edit, and no echo filter exists.

Reading order: `plan` goes field by field; `_scalar` and `_list` find out who changed what; `_carry`
asks whether the change may cross; `_outward` and `_inward` hold the rules of the two directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as default
from decimal import Decimal
from enum import StrEnum

from cosell.core import drift, lifecycle
from cosell.core.fields import FIELDS, Kind
from cosell.core.mapping import Conflict, First, Flow, Rule
from cosell.core.merge import merge
from cosell.core.reasons import Reason
from cosell.core.records import Consent, Link, Pair, RecordKind, Side, Snapshot
from cosell.core.values import State, Unreadable, Value


class Verdict(StrEnum):
    """What becomes of one field."""

    SAME = "same"
    WRITE = "write"
    HOLD = "hold"
    """Kept as it is on both sides until something or somebody releases it."""
    REFUSE = "refuse"
    """The change stays on its side; it can never cross as things are."""


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """The verdict on one field with all that explains it."""

    field: str
    verdict: Verdict
    reason: Reason
    partner_center: Value = None
    crm: Value = None
    base: Pair | None = None
    writes: Mapping[Side, Value] = default(default_factory=dict)
    """What to set on which side; a merged list may go to both."""
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The verdict on every field, and the agreements reached without writing anything."""

    fields: tuple[FieldPlan, ...]
    agreed: Mapping[str, Pair]
    """New base pairs for fields on which both sides already agree."""
    consents: Mapping[str, Consent]
    """Every consent seen on the record, also for steps that must still wait (INV-6)."""

    def writes_to(self, side: Side) -> dict[str, Value]:
        return {one.field: one.writes[side] for one in self.fields if side in one.writes}

    @property
    def empty(self) -> bool:
        return not any(one.writes for one in self.fields)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan rests on besides the records."""

    rules: Mapping[str, Rule]
    flows: frozenset[Flow]
    updatable: Mapping[Side, frozenset[str]]
    """What each side lets us change after creation."""
    leads: frozenset[str] = frozenset()
    """What the CRM lets us change on a lead."""
    acts: frozenset[str] = frozenset()
    """Fields of Partner Center set by an act of their own."""
    once: Mapping[Side, frozenset[str]] = default(default_factory=dict)
    """The parts of fields each side ever let us use; one of them that is out of reach now will be back."""
    locked: Mapping[Side, frozenset[str]] = default(default_factory=dict)
    """Fields a side could be changed in once, and cannot now."""
    contacts_freeze: bool = True
    """Customer contacts are read-only once Microsoft was invited (partner-center-api.md 4.4; X-5)."""


_NEVER_EMPTY_OUTWARD = frozenset({"deal_value", "currency", "close_date", "solutions", "team", "name"})
_NEVER_EMPTY_INWARD = frozenset({"name", "close_date", "state", "currency"})
_ONE_WAY = frozenset({"state", "visible", "help"})
"""Steps towards Microsoft that nobody can take back: they need a person's consent (INV-6)."""


def plan(ground: Ground, link: Link, partner_center: Snapshot, crm: Snapshot) -> Plan:
    """Decides every field of the mapping; total, deterministic, and empty when nothing changed."""
    meeting = _Meeting(ground, link, partner_center, crm)
    found = [meeting.field(rule) for rule in ground.rules.values()]
    return Plan(tuple(meeting.together(found)), meeting.agreed, meeting.consents)


class _Meeting:
    """One look at one link; collects agreements and consents while the fields are decided."""

    def __init__(self, ground: Ground, link: Link, partner_center: Snapshot, crm: Snapshot) -> None:
        self.ground, self.link = ground, link
        self.read = {Side.PARTNER_CENTER: partner_center, Side.CRM: crm}
        self.agreed: dict[str, Pair] = {}
        self.consents: dict[str, Consent] = {}
        present = partner_center.values.get("state")
        if present is None and "state" in link.base:
            present = link.base["state"].partner_center
        self.stage = present if isinstance(present, State) else None
        self.is_lead = crm.kind is RecordKind.LEAD
        self.lost = {side: self._lost(side) for side in Side}

    def _lost(self, side: Side) -> frozenset[str]:
        """The fields whose past this read does not continue: a part of them is out of reach."""
        unread = self.read[side].unread
        return drift.fields_of(unread & self.ground.once.get(side, frozenset())) if unread else unread

    # --- one field -------------------------------------------------------------------------------

    def field(self, rule: Rule) -> FieldPlan:
        key = rule.field
        ours = FieldPlan(key, Verdict.SAME, Reason.NOT_THERE, base=self.link.base.get(key))
        values = {side: self.read[side].values for side in Side}
        ours = replace(
            ours,
            partner_center=values[Side.PARTNER_CENTER].get(key),
            crm=values[Side.CRM].get(key),
        )
        lost = [side for side in Side if key in self.lost[side]]
        if lost:
            return self._paused(rule, ours, lost)
        absent = [side for side in Side if key not in values[side]]
        if absent:
            if any(not self.read[side].complete for side in absent):
                return replace(ours, reason=Reason.NOT_READ)
            if self.is_lead or any(key in drift.fields_of(self.read[side].unread) for side in absent):
                # The field may come: a lead becomes an opportunity that has it, an administrator adds what
                # the settings name. Its absence must not pass for its past.
                return replace(ours, reason=Reason.NOT_THERE)
            return self._agree(ours, Reason.NOT_THERE)
        if isinstance(ours.partner_center, Unreadable) or isinstance(ours.crm, Unreadable):
            return replace(ours, verdict=Verdict.REFUSE, reason=Reason.UNREADABLE)
        if self._unconverted(ours):
            return replace(ours, verdict=Verdict.HOLD, reason=Reason.CONVERT_LEAD)
        if "*" in self.link.holds:
            return self._unless_same(ours, Reason(self.link.holds["*"].reason))
        held = self.link.holds.get(key)
        resolved = self._resolved(ours)
        if resolved is not None:
            return self._carry(rule, ours, resolved, Reason.RESOLVED)
        if held is not None and held.reason in _STICKY and not _equal(ours):
            return replace(ours, verdict=Verdict.HOLD, reason=Reason(held.reason))
        return self._list(rule, ours) if FIELDS[key].kind.is_list else self._scalar(rule, ours)

    def _paused(self, rule: Rule, ours: FieldPlan, lost: list[Side]) -> FieldPlan:
        """A field that is out of reach on a side keeps its past there; what the other side changed waits."""
        base, side = ours.base or Pair(None, None), lost[0]
        if side is Side.CRM:
            known = replace(ours, crm=base.crm, reason=Reason.DRIFT)
        else:
            known = replace(ours, partner_center=base.partner_center, reason=Reason.DRIFT)
        held = self.link.holds.get(ours.field)
        if held is not None and held.reason in _STICKY:
            return replace(known, verdict=Verdict.HOLD, reason=Reason(held.reason))
        other = self.read[side.other]
        if len(lost) > 1 or ours.field not in other.values:
            return known if other.complete else replace(known, reason=Reason.NOT_READ)
        value = other.values[ours.field]
        waits = rule.update.carries_to(side) and not _same(ours.field, value, base.of(side.other))
        # Where the two have not met yet, they do once the field is back, whatever stands in it then.
        unmet = ours.base is None and any(rule.update.carries_to(one) for one in Side)
        return replace(known, verdict=Verdict.HOLD) if waits or unmet else known

    def _unconverted(self, ours: FieldPlan) -> bool:
        """Whether only the seller can follow: converting a lead is nobody else's act (TRB-4.2)."""
        accepted = ours.partner_center in (State.ACTIVE, State.WON)
        return self.is_lead and ours.field == "state" and accepted and ours.crm is State.PENDING

    def _unless_same(self, ours: FieldPlan, reason: Reason) -> FieldPlan:
        if _equal(ours):
            return replace(ours, reason=Reason.EQUAL)
        return replace(ours, verdict=Verdict.HOLD, reason=reason)

    def _resolved(self, ours: FieldPlan) -> Side | None:
        """The side a person chose, as long as both values are still those that person saw."""
        answer = self.link.resolutions.get(ours.field)
        if answer and answer.partner_center == ours.partner_center and answer.crm == ours.crm:
            return answer.take
        return None

    def _scalar(self, rule: Rule, ours: FieldPlan) -> FieldPlan:
        key, base = ours.field, ours.base
        if _equal(ours):
            return self._agree(ours, Reason.EQUAL)
        if base is None:
            return self._first_meeting(rule, ours)
        changed = [
            side
            for side, value in ((Side.PARTNER_CENTER, ours.partner_center), (Side.CRM, ours.crm))
            if not _same(key, value, base.of(side))
        ]
        if not changed:
            return self._pending_act(rule, ours)
        if len(changed) == 1:
            why = Reason.CHANGED_IN_CRM if changed[0] is Side.CRM else Reason.CHANGED_IN_PARTNER_CENTER
            return self._carry(rule, ours, changed[0], why)
        winner = self._winner(rule)
        if winner is None:
            return replace(ours, verdict=Verdict.HOLD, reason=Reason.CONFLICT)
        why = Reason.CONFLICT_CRM_WINS if winner is Side.CRM else Reason.CONFLICT_PARTNER_CENTER_WINS
        return self._carry(rule, ours, winner, why)

    def _pending_act(self, rule: Rule, ours: FieldPlan) -> FieldPlan:
        """Accepting on the way to Won leaves the second step: the CRM's wish still stands."""
        wanted, base = ours.crm, ours.base
        if ours.field == "state" and base is not None and isinstance(wanted, State) and self.stage:
            agreed = base.partner_center
            stands = isinstance(agreed, State) and lifecycle.in_crm_words(agreed) is not base.crm
            if stands and lifecycle.next_step(self.stage, wanted):
                return self._carry(rule, ours, Side.CRM, Reason.CHANGED_IN_CRM)
        one_way = not all(rule.update.carries_to(side) for side in Side)
        return replace(ours, reason=_stay(rule) if one_way else Reason.UNCHANGED)

    def _list(self, rule: Rule, ours: FieldPlan) -> FieldPlan:
        key = ours.field
        if ours.partner_center == ours.crm:
            return self._agree(ours, Reason.EQUAL)
        first = ours.base is None
        if first and rule.first is First.ASK:
            return replace(ours, verdict=Verdict.HOLD, reason=Reason.FIRST_MEETING_DIFFERS)
        merged = merge(
            ours.base or Pair(None, None),
            ours.partner_center,
            ours.crm,
            winner=self._winner(rule),
            add_only=first,
        )
        if merged.base != ours.base:
            self.agreed[key] = merged.base
        wanted = {Side.PARTNER_CENTER: merged.partner_center, Side.CRM: merged.crm}
        present = {Side.PARTNER_CENTER: ours.partner_center, Side.CRM: ours.crm}
        moves = {side: value for side, value in wanted.items() if value != present[side]}
        if not moves:
            one_way = not all(rule.update.carries_to(side) for side in Side)
            quiet = _stay(rule) if one_way else Reason.UNCHANGED
            reason = Reason.CONFLICT if merged.conflicts else quiet
            verdict = Verdict.HOLD if merged.conflicts else Verdict.SAME
            return replace(ours, verdict=verdict, reason=reason)
        return self._carry_list(rule, ours, moves, first)

    def _carry_list(self, rule: Rule, ours: FieldPlan, moves: Mapping[Side, Value], first: bool) -> FieldPlan:
        tried = []
        for side, value in moves.items():
            why = Reason.FIRST_MEETING if first else _CHANGED_IN[side.other]
            tried.append(self._cross(rule, replace(ours, reason=why), side, value))
        writing = [one for one in tried if one.verdict is Verdict.WRITE]
        if not writing:
            holding = [one for one in tried if one.verdict is Verdict.HOLD]
            return (holding or tried)[0]
        writes = {side: value for one in writing for side, value in one.writes.items()}
        reason = Reason.CHANGED_IN_BOTH if len(writes) > 1 and not first else writing[0].reason
        return replace(ours, verdict=Verdict.WRITE, reason=reason, writes=writes)

    def _first_meeting(self, rule: Rule, ours: FieldPlan) -> FieldPlan:
        """Two existing records meet: fill what is empty, else the declared rule, else a person (INV-11)."""
        if rule.first is First.PARTNER_CENTER:
            return self._carry(rule, ours, Side.PARTNER_CENTER, Reason.FIRST_MEETING)
        if rule.first is First.CRM:
            return self._carry(rule, ours, Side.CRM, Reason.FIRST_MEETING)
        if rule.first is First.FILL:
            if _empty(ours.crm):
                return self._carry(rule, ours, Side.PARTNER_CENTER, Reason.FIRST_MEETING)
            if _empty(ours.partner_center):
                return self._carry(rule, ours, Side.CRM, Reason.FIRST_MEETING)
        if not any(rule.update.carries_to(side) for side in Side):
            self.agreed[ours.field] = Pair(ours.partner_center, ours.crm)
            return replace(ours, reason=Reason.CREATE_ONLY)
        return replace(ours, verdict=Verdict.HOLD, reason=Reason.FIRST_MEETING_DIFFERS)

    def _agree(self, ours: FieldPlan, reason: Reason) -> FieldPlan:
        pair = Pair(ours.partner_center, ours.crm)
        if ours.base == pair or (ours.base is not None and _untold(ours, ours.partner_center)):
            return replace(ours, reason=Reason.UNCHANGED)
        self.agreed[ours.field] = pair
        return replace(ours, reason=reason)

    def _winner(self, rule: Rule) -> Side | None:
        """Who wins a conflict; a direction that carries one way only has its source as owner."""
        to_crm, to_partner_center = (rule.update.carries_to(side) for side in (Side.CRM, Side.PARTNER_CENTER))
        if to_crm is not to_partner_center:
            return Side.PARTNER_CENTER if to_crm else Side.CRM
        match rule.conflict:
            case Conflict.PARTNER_CENTER:
                return Side.PARTNER_CENTER
            case Conflict.CRM:
                return Side.CRM
            case Conflict.ASK:
                return None
        ours, theirs = self.read[Side.PARTNER_CENTER].changed_at, self.read[Side.CRM].changed_at
        if ours is None or theirs is None or ours == theirs:
            return None
        return Side.PARTNER_CENTER if ours > theirs else Side.CRM

    # --- may it cross? ---------------------------------------------------------------------------

    def _carry(self, rule: Rule, ours: FieldPlan, source: Side, why: Reason) -> FieldPlan:
        value = ours.crm if source is Side.CRM else ours.partner_center
        return self._cross(rule, replace(ours, reason=why), source.other, value)

    def _cross(self, rule: Rule, ours: FieldPlan, to: Side, value: Value) -> FieldPlan:
        """A write of `value` to `to`, or the first rule that stands against it."""
        decide = self._outward if to is Side.PARTNER_CENTER else self._inward
        if ours.reason is not Reason.RESOLVED and not rule.update.carries_to(to):
            self._stays(ours, to.other)
            return replace(ours, verdict=Verdict.REFUSE, reason=_stay(rule))
        if rule.field in self.ground.locked.get(to, ()) and not self.is_lead:
            return replace(ours, verdict=Verdict.HOLD, reason=Reason.DRIFT)
        if rule.field not in self._able(to):
            return replace(ours, verdict=Verdict.REFUSE, reason=Reason.NOT_UPDATABLE)
        checked = decide(ours, value)
        if checked.verdict is not Verdict.WRITE:
            return checked
        kind = self.read[Side.CRM].kind
        if rule.flow_to(to, kind) not in self.ground.flows:
            return replace(ours, verdict=Verdict.HOLD, reason=Reason.FLOW_OFF, writes={})
        held = self.link.holds.get(rule.field)
        if held is not None and held.reason in REFUSED and _as_held(held, ours):
            return replace(checked, verdict=Verdict.HOLD, reason=Reason(held.reason), writes={})
        return checked

    def _able(self, to: Side) -> frozenset[str]:
        """What the record on that side can be changed in."""
        if to is Side.PARTNER_CENTER:
            return self.ground.updatable[to] | self.ground.acts
        return self.ground.leads if self.is_lead else self.ground.updatable[to]

    def _stays(self, ours: FieldPlan, source: Side) -> None:
        """Moves the base of the side whose change stays there, so that it is not met again as news."""
        base = self.agreed.get(ours.field) or ours.base
        value = ours.crm if source is Side.CRM else ours.partner_center
        if base is not None and not _untold(ours, value):
            self.agreed[ours.field] = base.with_side(source, value)

    def _inward(self, ours: FieldPlan, value: Value) -> FieldPlan:
        if value is None and ours.field in _NEVER_EMPTY_INWARD:
            return replace(ours, verdict=Verdict.REFUSE, reason=Reason.VALUE_NEEDED)
        if isinstance(value, State):
            value = lifecycle.in_crm_words(value)
            if self.is_lead and value in (State.ACTIVE, State.WON):
                return replace(ours, verdict=Verdict.HOLD, reason=Reason.CONVERT_LEAD)
        return replace(ours, verdict=Verdict.WRITE, writes={Side.CRM: value})

    def _outward(self, ours: FieldPlan, value: Value) -> FieldPlan:
        key = ours.field
        consent = self._consent(ours) if key in _ONE_WAY else None
        refused = self._refusal(key, ours, value)
        if refused is not None:
            return replace(ours, verdict=Verdict.REFUSE, reason=refused)
        if self.stage is State.PENDING and key != "state":
            return replace(ours, verdict=Verdict.HOLD, reason=Reason.AWAITING_ACCEPTANCE)
        if key == "state":
            step = self._step(value)
            if step is None:
                return replace(ours, verdict=Verdict.REFUSE, reason=Reason.TRANSITION)
            value = step
        if key in _ONE_WAY and consent is None:
            return replace(ours, verdict=Verdict.HOLD, reason=Reason.CONSENT_MISSING)
        return replace(ours, verdict=Verdict.WRITE, writes={Side.PARTNER_CENTER: value}, consent=consent)

    def _refusal(self, key: str, ours: FieldPlan, value: Value) -> Reason | None:
        if self.stage is not None and self.stage.terminal:
            return Reason.TERMINAL
        if key == "visible" and value is not True:
            return Reason.IRREVERSIBLE
        if key == "help" and (value is None or ours.partner_center is not None):
            return Reason.IRREVERSIBLE
        if key == "help" and self._shared():
            return Reason.FROZEN
        if key in _NEVER_EMPTY_OUTWARD and value is None:
            return Reason.VALUE_NEEDED
        if key == "deal_value" and isinstance(value, Decimal) and value <= 0:
            return Reason.VALUE_NEEDED
        if key == "contacts" and self.ground.contacts_freeze and self._shared():
            return Reason.FROZEN
        return None

    def _shared(self) -> bool:
        """Microsoft has a referral of its own in this engagement."""
        return (self.read[Side.PARTNER_CENTER].microsoft_id or self.link.microsoft_id) is not None

    def _step(self, wanted: Value) -> State | None:
        if self.stage is None or not isinstance(wanted, State):
            return None
        return lifecycle.next_step(self.stage, wanted)

    def _consent(self, ours: FieldPlan) -> Consent | None:
        """The person's act behind this one-way step, if one is known (INV-6).

        The edit of the field is the act. It counts as somebody's when the CRM says that somebody other
        than we changed the record last, or when it was noted earlier for the very same value.
        """
        noted = self.link.consents.get(ours.field)
        if noted is not None and noted.value == ours.crm:
            self.consents[ours.field] = noted
            return noted
        answer = self.link.resolutions.get(ours.field)
        if ours.reason is Reason.RESOLVED and answer is not None:
            seen = Consent(ours.crm, answer.who, f"{answer.when:.0f}", "resolved by hand")
        elif ours.base is None or self.read[Side.CRM].touched_by_us is True:
            return None
        else:
            crm = self.read[Side.CRM]
            when = crm.changed_at.isoformat() if crm.changed_at else ""
            was, now = _words(ours.base.crm), _words(ours.crm)
            seen = Consent(
                ours.crm, crm.touched_by or "unknown", when, f"{FIELDS[ours.field].label}: {was} → {now}"
            )
        self.consents[ours.field] = seen
        return seen

    # --- fields that depend on each other --------------------------------------------------------

    def together(self, found: list[FieldPlan]) -> list[FieldPlan]:
        """Lets one field's write answer for another: asking for help shows the deal to Microsoft."""
        by_key = {one.field: one for one in found}
        asked = by_key.get("help")
        shown = by_key.get("visible")
        if asked is None or shown is None or Side.PARTNER_CENTER not in asked.writes:
            return found
        if shown.verdict is Verdict.WRITE or shown.partner_center is True:
            return found
        held = self.link.holds.get("visible")
        if held is not None and held.reason in REFUSED and _as_held(held, shown):
            shown = replace(shown, verdict=Verdict.HOLD, reason=Reason(held.reason))
            asked = replace(asked, verdict=Verdict.HOLD, reason=Reason.NOT_VISIBLE, writes={})
        else:
            shown = replace(
                shown,
                verdict=Verdict.WRITE,
                reason=Reason.IMPLIED,
                writes=dict.fromkeys(self._shown_on(), True),
                consent=asked.consent,
            )
        changed = {"visible": shown, "help": asked}
        return [changed.get(one.field, one) for one in found]

    def _shown_on(self) -> list[Side]:
        able = [side for side in Side if "visible" in self.ground.updatable[side]]
        return [side for side in able if "visible" not in self.lost[side]]


STAYS = frozenset({Reason.ONE_DIRECTION, Reason.CREATE_ONLY})
"""Refusals that are nobody's problem: by its rule the change belongs where it was made."""
_STICKY = frozenset({Reason.DOUBT, Reason.BY_PERSON, Reason.RESTORED})
"""Holds whose cause cannot be seen in the records any more; the others are found anew by each plan."""
REFUSED = frozenset({Reason.REJECTED, Reason.UNKNOWN_CHOICE})
"""Holds that last as long as both values are those the other side refused."""
_CHANGED_IN = {
    Side.CRM: Reason.CHANGED_IN_CRM,
    Side.PARTNER_CENTER: Reason.CHANGED_IN_PARTNER_CENTER,
}


def _as_held(held: object, ours: FieldPlan) -> bool:
    return (getattr(held, "partner_center", None), getattr(held, "crm", None)) == (
        ours.partner_center,
        ours.crm,
    )


def _stay(rule: Rule) -> Reason:
    """Why a change of a field stays on its side."""
    create_only = not any(rule.update.carries_to(side) for side in Side)
    return Reason.CREATE_ONLY if create_only else Reason.ONE_DIRECTION


def _equal(ours: FieldPlan) -> bool:
    return same_meaning(ours.field, ours.partner_center, ours.crm)


def same_meaning(key: str, mine: Value, theirs: Value) -> bool:
    """Whether a value of Partner Center and one of the CRM mean the same."""
    if isinstance(mine, State):
        return lifecycle.in_crm_words(mine) is theirs
    return _same(key, mine, theirs)


def _same(key: str, one: Value, other: Value) -> bool:
    if FIELDS[key].kind is Kind.FLAG:
        return bool(one) is bool(other)
    return one == other


def _untold(ours: FieldPlan, value: Value) -> bool:
    """Whether an empty value means that the read did not tell: no deal is without a state."""
    return ours.field == "state" and value is None


def _empty(value: Value) -> bool:
    return value is None or value is False


def _words(value: Value) -> str:
    return "empty" if value is None else str(value)
