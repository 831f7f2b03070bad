"""Every pattern of one field is decided, and decided well: the space is small, so all of it is walked.

INV-2, INV-4, INV-5, INV-11, INV-23; reliability.md 6.3.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from cosell.core import lifecycle
from cosell.core.fields import FIELDS, Kind
from cosell.core.mapping import DEFAULT, Conflict, Direction, First, Rule
from cosell.core.plan import FieldPlan, Verdict, plan
from cosell.core.reasons import Reason
from cosell.core.records import Link, Pair, Side, Snapshot
from cosell.core.values import Person, Solution, State, Value

from .meeting import CRM, EARLY, LATE, PC, carried_out, ground, link, one, opportunity, referral

VALUES: tuple[Value, ...] = (None, "a", "b", "c")
BASES = (None, *(Pair(p, c) for p, c in itertools.product((None, "a", "b"), repeat=2)))
RULES = tuple(
    Rule("notes", update=direction, conflict=conflict, first=first)
    for direction, conflict, first in itertools.product(Direction, Conflict, First)
)
TIMES = ((EARLY, LATE), (LATE, EARLY), (EARLY, EARLY), (None, LATE))


def patterns(rule: Rule) -> Iterator[tuple[Link, Snapshot, Snapshot]]:
    for base, ours, theirs, (at, then) in itertools.product(BASES, VALUES, VALUES, TIMES):
        yield (
            link({"notes": base} if base else {}),
            referral({"notes": ours}, changed_at=at),
            opportunity({"notes": theirs}, changed_at=then),
        )


def decided(rule: Rule, pattern: tuple[Link, Snapshot, Snapshot]) -> FieldPlan:
    return one(plan(ground({"notes": rule}), *pattern), "notes")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.update}-{rule.conflict}-{rule.first}")
def test_each_pattern_has_one_verdict_that_keeps_every_promise(rule: Rule) -> None:
    for pattern in patterns(rule):
        before, seen, theirs = pattern
        entry = decided(rule, pattern)
        context = (rule, before.base.get("notes"), entry)
        assert (entry.verdict is Verdict.WRITE) == bool(entry.writes), context
        for side, value in entry.writes.items():
            assert rule.update.carries_to(side), ("written against its direction", context)
            source = theirs if side is PC else seen
            assert value == source.values["notes"], ("a value nobody said", context)
            target = seen if side is PC else theirs
            assert value != target.values["notes"], ("a write that changes nothing", context)
        if seen.values["notes"] == theirs.values["notes"]:
            assert entry.verdict is Verdict.SAME, context


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.update}-{rule.conflict}-{rule.first}")
def test_after_the_writes_landed_there_is_nothing_left_to_write(rule: Rule) -> None:
    on = ground({"notes": rule})
    for before, seen, theirs in patterns(rule):
        _, after, now = carried_out(on, before, {PC: seen, CRM: theirs})
        again = plan(on, after, now[PC], now[CRM])
        assert again.empty, (rule, before.base, seen.values, theirs.values)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.update}-{rule.conflict}-{rule.first}")
def test_what_nobody_changed_is_never_written(rule: Rule) -> None:
    """Two sides that still say what they said at the last agreement are at rest (INV-4)."""
    for base in BASES[1:]:
        assert base is not None
        quiet = (
            link({"notes": base}),
            referral({"notes": base.partner_center}),
            opportunity({"notes": base.crm}),
        )
        assert decided(rule, quiet).verdict is Verdict.SAME


def test_mirrored_rules_decide_mirrored() -> None:
    """Neither side is favoured by the code, only by its rules (symmetry, reliability.md 6.3)."""
    mirror_side = {PC: CRM, CRM: PC}
    mirror_conflict = {
        Conflict.PARTNER_CENTER: Conflict.CRM,
        Conflict.CRM: Conflict.PARTNER_CENTER,
        Conflict.NEWEST: Conflict.NEWEST,
        Conflict.ASK: Conflict.ASK,
    }
    mirror_first = {
        First.PARTNER_CENTER: First.CRM,
        First.CRM: First.PARTNER_CENTER,
        First.FILL: First.FILL,
        First.ASK: First.ASK,
    }
    for conflict, first in itertools.product(Conflict, First):
        rule = Rule("city", conflict=conflict, first=first)
        mirrored = Rule("city", conflict=mirror_conflict[conflict], first=mirror_first[first])
        for base, ours, theirs, (at, then) in itertools.product(BASES, VALUES[1:], VALUES[1:], TIMES):
            straight = _city(rule, base, ours, theirs, at, then)
            turned = Pair(base.crm, base.partner_center) if base else None
            swapped = _city(mirrored, turned, theirs, ours, then, at)
            assert straight.verdict is swapped.verdict
            assert {mirror_side[side]: value for side, value in straight.writes.items()} == swapped.writes


def _city(
    rule: Rule,
    base: Pair | None,
    ours: Value,
    theirs: Value,
    at: datetime | None,
    then: datetime | None,
) -> FieldPlan:
    return one(
        plan(
            ground({"city": rule}),
            link({"city": base} if base else {}),
            referral({"city": ours}, changed_at=at),
            opportunity({"city": theirs}, changed_at=then),
        ),
        "city",
    )


def test_a_field_one_side_cannot_update_is_never_written_there() -> None:
    """INV-5."""
    for side in Side:
        on = ground({"notes": RULES[0]}, updatable={side: frozenset(), side.other: frozenset({"notes"})})
        for before, seen, theirs in patterns(RULES[0]):
            assert side not in one(plan(on, before, seen, theirs), "notes").writes


def test_the_same_facts_make_the_same_plan() -> None:
    """INV-23."""
    for pattern in patterns(RULES[0]):
        assert plan(ground({"notes": RULES[0]}), *pattern) == plan(ground({"notes": RULES[0]}), *pattern)


# --- status ------------------------------------------------------------------------------------------

OPPORTUNITY_STATES = (State.PENDING, State.ACTIVE, State.WON, State.LOST)


def status_patterns() -> Iterator[tuple[Link, Snapshot, Snapshot]]:
    bases = [None, *(Pair(p, c) for p, c in itertools.product(State, OPPORTUNITY_STATES))]
    for base, ours, theirs, by_us in itertools.product(bases, State, OPPORTUNITY_STATES, (True, False, None)):
        known = replace(link(), base={"state": base} if base else {})
        yield known, referral({"state": ours}), opportunity({"state": theirs}, touched_by_us=by_us)


def test_no_pattern_of_statuses_takes_a_step_partner_center_does_not_know() -> None:
    for before, seen, theirs in status_patterns():
        entry = one(plan(ground({"state": DEFAULT["state"]}), before, seen, theirs), "state")
        present, step = seen.values["state"], entry.writes.get(PC)
        if step is not None:
            assert isinstance(present, State)
            assert isinstance(step, State)
            assert step in lifecycle.STEPS[present]
            assert entry.consent is not None, "a one-way step without consent (INV-6)"
            assert theirs.touched_by_us is not True
            assert "state" in before.base, "a one-way step at the first meeting (INV-6, INV-11)"
        if entry.writes.get(CRM) is not None:
            assert entry.writes[CRM] in OPPORTUNITY_STATES


def test_every_pattern_of_statuses_comes_to_rest_in_two_rounds() -> None:
    """Winning a deal that was never accepted takes two steps; nothing takes three."""
    on = ground({"state": DEFAULT["state"]})
    for before, seen, theirs in status_patterns():
        after, now = before, {PC: seen, CRM: theirs}
        for _ in range(2):
            _, after, now = carried_out(on, after, now)
        assert plan(on, after, now[PC], now[CRM]).empty, (before.base, seen.values, theirs.values)


SAMPLES: dict[Kind, Value] = {
    Kind.TEXT: "x",
    Kind.MONEY: Decimal(5),
    Kind.CURRENCY: "EUR",
    Kind.DATE: date(2026, 12, 31),
    Kind.FLAG: True,
    Kind.CHOICE: "GeneralOrOther",
    Kind.COUNTRY: "NL",
    Kind.PEOPLE: (Person("a@b.example"),),
    Kind.SOLUTIONS: (Solution("SOL-1-ABC"),),
}


def test_a_closed_referral_is_never_written() -> None:
    """LIM-09."""
    closed = [state for state in State if state.terminal]
    for state, key in itertools.product(closed, DEFAULT):
        if key == "state":
            continue
        seen = referral({"state": state, key: None})
        theirs = opportunity({"state": lifecycle.in_crm_words(state), key: SAMPLES[FIELDS[key].kind]})
        known = link({"state": Pair(state, lifecycle.in_crm_words(state)), key: Pair(None, None)})
        entry = one(plan(ground({**DEFAULT}), known, seen, theirs), key)
        assert PC not in entry.writes
        assert entry.reason in (Reason.TERMINAL, Reason.ONE_DIRECTION, Reason.CREATE_ONLY)
