"""Small builders for the tests of the core: two snapshots, a link, a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from cosell.core.fields import FIELDS
from cosell.core.mapping import DEFAULT, Flow, Rule
from cosell.core.plan import FieldPlan, Ground, Plan, plan
from cosell.core.records import FieldWrite, Link, LinkState, Pair, Side, Snapshot, Write, WriteKind
from cosell.core.settle import landed_base
from cosell.core.values import State, Value

ALL = frozenset(FIELDS)
PC, CRM = Side.PARTNER_CENTER, Side.CRM
EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 2, tzinfo=UTC)


def ground(rules: Mapping[str, Rule] | None = None, **changes: object) -> Ground:
    """Everything allowed, the default mapping unless told otherwise."""
    base = Ground(
        rules=rules or DEFAULT,
        flows=frozenset(Flow),
        updatable={PC: ALL, CRM: ALL},
        acts=frozenset({"help"}),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def referral(values: Mapping[str, Value], **changes: object) -> Snapshot:
    seen = Snapshot(PC, "R", {"state": State.ACTIVE, **values}, version="1", partner_id="O", changed_at=EARLY)
    return replace(seen, **changes)  # type: ignore[arg-type]


def opportunity(values: Mapping[str, Value], **changes: object) -> Snapshot:
    seen = Snapshot(
        CRM,
        "O",
        {"state": State.ACTIVE, **values},
        version="1",
        partner_id="R",
        touched_by="Ada Seller",
        touched_by_us=False,
        changed_at=EARLY,
    )
    return replace(seen, **changes)  # type: ignore[arg-type]


def link(base: Mapping[str, Pair] | None = None, **changes: object) -> Link:
    agreed = {"state": Pair(State.ACTIVE, State.ACTIVE), **(base or {})}
    made = Link("d-1", "R", "O", state=LinkState.LINKED, base=agreed)
    return replace(made, **changes)  # type: ignore[arg-type]


def one(found: Plan, field: str) -> FieldPlan:
    return next(entry for entry in found.fields if entry.field == field)


def decide(
    field: str,
    *,
    base: Pair | None,
    partner_center: Value,
    crm: Value,
    rule: Rule | None = None,
    **changes: object,
) -> FieldPlan:
    """The verdict on one field when everything else is quiet."""
    rules = {**DEFAULT, field: rule} if rule else DEFAULT
    return one(
        plan(
            ground(rules),
            link({field: base} if base else {}, **changes),
            referral({field: partner_center}),
            opportunity({field: crm}),
        ),
        field,
    )


def carried_out(
    on: Ground, before: Link, seen: Mapping[Side, Snapshot]
) -> tuple[Plan, Link, dict[Side, Snapshot]]:
    """Plans, lets every write land exactly as sent, and answers the world afterwards."""
    made = plan(on, before, seen[PC], seen[CRM])
    after, now = replace(before, base={**before.base, **made.agreed}), dict(seen)
    after = replace(after, consents={**after.consents, **made.consents})
    for side in Side:
        wanted = made.writes_to(side)
        if not wanted:
            continue
        fields = {
            key: FieldWrite(now[side].values.get(key), value, now[side.other].values.get(key))
            for key, value in wanted.items()
        }
        write = Write("w", "d-1", side, WriteKind.UPDATE, "x", "y", fields)
        now[side] = replace(now[side], values={**now[side].values, **wanted})
        after = replace(after, base={**after.base, **landed_base(write, now[side].values, after.base)})
    return made, after, now
