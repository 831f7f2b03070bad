"""Sellers, partner managers and Microsoft: what they do is plain data that can be kept and cut."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cosell.core.fields import CUSTOMER, FIELDS
from cosell.core.records import RecordKind, Side
from cosell.core.values import State, Value

from .fakes import Record
from .texts import fresh, person, solution

if TYPE_CHECKING:
    from .scene import Scene


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody does something at a time; `n` picks the value."""

    at: float
    act: str
    deal: int
    key: str = ""
    n: int = 0


OPENINGS = (
    ("open", 6),
    ("open_for_help", 4),
    ("open_bare", 3),
    ("open_off", 2),
    ("from_microsoft", 6),
    ("portal_deal", 5),
    ("lead", 1),
    ("pair", 5),
    ("half_pair", 3),
    ("closed_before", 1),
    ("names_nobody", 1),
)
"""How a deal begins, and how often."""

ACTS = (
    ("edit_crm", 30),
    ("edit_portal", 24),
    ("both", 8),
    ("clear_crm", 2),
    ("clear_portal", 1),
    ("solutions_crm", 6),
    ("solutions_portal", 4),
    ("contacts_crm", 3),
    ("complete", 5),
    ("sync_on", 4),
    ("sync_off", 2),
    ("help", 4),
    ("visible", 3),
    ("hide", 1),
    ("stage_active", 6),
    ("stage_won", 4),
    ("stage_lost", 3),
    ("portal_accept", 3),
    ("portal_decline", 1),
    ("portal_won", 2),
    ("portal_lost", 1),
    ("expire", 1),
    ("microsoft_accepts", 5),
    ("microsoft_declines", 1),
    ("resolve", 6),
    ("clone", 1),
    ("delete", 1),
    ("clear_all", 1),
    ("edit_all", 2),
    ("edit_all_referrals", 3),
    ("sync_now", 2),
)
"""What people do afterwards, and how often."""

LEAD_ACTS = (
    ("convert", 10),
    ("convert_switched", 4),
    ("convert_mapped", 3),
    ("convert_to_nothing", 1),
    ("edit_crm", 5),
    ("edit_portal", 4),
    ("stage_lost", 3),
    ("stage_won", 2),
    ("portal_accept", 5),
    ("portal_decline", 1),
    ("expire", 1),
    ("sync_on", 2),
    ("sync_off", 1),
    ("resolve", 3),
    ("delete", 1),
    ("sync_now", 2),
)
"""What becomes of a lead, and how often."""
LEAD_KEYS = frozenset({"notes", "city", "customer_name"})
"""What a person edits on a lead."""

CRM_KEYS = ("name", "deal_value", "currency", "close_date", "notes", "team", "customer_name", "city")
PORTAL_KEYS = ("name", "deal_value", "currency", "close_date", "notes", "program", "team")
BOTH_KEYS = ("deal_value", "close_date", "notes", "currency", "name")


def draw(rng: random.Random) -> tuple[Step, ...]:
    """A script of a quarter of an hour for one to five deals."""
    deals = rng.choice((1, 1, 2, 2, 3, 5))
    length = rng.uniform(120.0, 700.0)
    steps: list[Step] = []
    for deal in range(deals):
        early = rng.random() < 0.3
        at = 0.0 if early else round(rng.uniform(1.0, length / 2), 3)
        steps.append(Step(at, _pick(rng, OPENINGS), deal, n=len(steps) + 1))
    numbers = iter(range(100, 10_000))
    for _ in range(rng.randint(1, 5 * deals + 3)):
        steps.append(_act(rng, deals, length, next(numbers)))
    if rng.random() < 0.3:
        steps += _flurry(rng, steps, numbers)
    return tuple(sorted(steps, key=lambda one: one.at))


def draw_leads(rng: random.Random, steps: tuple[Step, ...]) -> tuple[str, tuple[Step, ...]]:
    """Whether leads are synced in this world; if so, with one or two leads and what becomes of them."""
    if rng.random() >= 0.2:
        return "", steps
    found = list(steps)
    deals = 1 + max((one.deal for one in steps), default=0)
    length = max((one.at for one in steps), default=0.0) + 200.0
    numbers = iter(range(20_000, 30_000))
    for deal in range(deals, deals + rng.choice((1, 1, 2))):
        opening = rng.choices(("lead", "lead_unlisted", "lead_nobody", "lead_known"), (6, 2, 1, 1))[0]
        found.append(Step(round(rng.uniform(0.5, length / 3), 3), opening, deal, n=next(numbers)))
        for _ in range(rng.randint(1, 5)):
            key = rng.choice(("notes", "notes", "deal_value", "close_date", "city"))
            at = round(rng.uniform(5.0, length), 3)
            found.append(Step(at, _pick(rng, LEAD_ACTS), deal, key, next(numbers)))
    leads = rng.choice(("plain", "declining", "declining"))
    return leads, tuple(sorted(found, key=lambda one: one.at))


def _act(rng: random.Random, deals: int, length: float, n: int) -> Step:
    act = _pick(rng, ACTS)
    key = ""
    if act.endswith("_crm"):
        key = rng.choice(CRM_KEYS)
    elif act.endswith("_portal"):
        key = rng.choice(PORTAL_KEYS)
    elif act in ("both", "resolve"):
        key = rng.choice(BOTH_KEYS)
    return Step(round(rng.uniform(5.0, length), 3), act, rng.randrange(deals), key, n)


def _flurry(rng: random.Random, steps: list[Step], numbers: object) -> list[Step]:
    """The same field once more within seconds: edits that meet our own read-to-write gap."""
    again = [one for one in steps if one.act in ("edit_crm", "edit_portal")]
    return [
        Step(
            round(one.at + rng.uniform(0.05, 3.0), 3),
            rng.choice(("edit_crm", "edit_portal")),
            one.deal,
            key,
            n,
        )
        for one, n in zip(again, numbers, strict=False)  # type: ignore[call-overload]
        for key in (one.key if one.key in BOTH_KEYS else "notes",)
    ]


def _pick(rng: random.Random, choices: tuple[tuple[str, int], ...]) -> str:
    names, weights = zip(*choices, strict=True)
    return str(rng.choices(names, weights)[0])


class People:
    """Carries steps out on the servers of a scene; a step that makes no sense any more does nothing."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.crm, self.portal = scene.crm, scene.partner_center
        self.edits = 0
        """Changes made, for the bound of INV-4."""

    def do(self, step: Step) -> None:
        act: Callable[[Step], bool | None] = getattr(self, f"_{step.act}")
        done = act(step)
        if done is not False:
            self.edits += 1
            self.scene.story.tell("people", step.act, f"deal {step.deal}", step.key, f"n={step.n}")

    # --- who is who --------------------------------------------------------------------------------

    def opportunity(self, deal: int) -> Record | None:
        """The CRM's record of a deal: its lead until that is converted."""
        mine = (one for one in self.crm.alive() if one.deal == deal)
        return next((one for one in mine if not _is_over(one)), None)

    def referral(self, deal: int) -> Record | None:
        return next((one for one in self.portal.alive() if one.deal == deal), None)

    # --- how deals begin ---------------------------------------------------------------------------

    def _values(self, n: int, **changes: Value) -> dict[str, Value]:
        values: dict[str, Value] = {key: fresh(key, n) for key in ("name", "deal_value", "currency")}
        values |= {key: fresh(key, n) for key in ("close_date", "notes", *CUSTOMER)}
        values |= {"contacts": (person(n),), "team": (person(n + 50),), "solutions": (solution(n),)}
        return values | {"state": State.ACTIVE, "visible": False} | changes

    def _customer(self, n: int) -> dict[str, Value]:
        """The customer of a deal that comes in: every other one is that of the deal before."""
        return {key: fresh(key, n - 1 if n % 2 == 0 else n) for key in CUSTOMER}

    def _open(self, step: Step) -> None:
        self.crm.add(step.deal, self._values(step.n, visible=step.n % 2 == 0))

    def _open_for_help(self, step: Step) -> None:
        self.crm.add(step.deal, self._values(step.n, help=fresh("help", step.n), visible=step.n % 2 == 0))

    def _open_bare(self, step: Step) -> None:
        missing: tuple[str, ...] = (("solutions",), ("country", "deal_value"), ("customer_name",))[step.n % 3]
        self.crm.add(step.deal, self._values(step.n, **dict.fromkeys(missing)))

    def _open_off(self, step: Step) -> None:
        self.crm.add(step.deal, self._values(step.n), enrolled=False)

    def _from_microsoft(self, step: Step) -> None:
        record = self.portal.add(
            step.deal,
            self._values(step.n, state=State.PENDING, visible=True, microsoft_id=f"7-{step.n}")
            | self._customer(step.n),
        )
        self.portal.join_microsoft(record, state=State.ACTIVE, by="person")
        self.portal.announce(record)

    def _portal_deal(self, step: Step) -> None:
        values = self._values(step.n, visible=step.n % 2 == 0) | self._customer(step.n)
        self.portal.announce(self.portal.add(step.deal, values))

    def _lead(self, step: Step) -> None:
        self.portal.announce(self._new_lead(step))

    def _new_lead(self, step: Step, **changes: Value) -> Record:
        unknown = {} if step.n % 3 else {"name": None, "deal_value": None, "close_date": None}
        values = self._values(step.n, state=State.PENDING, **{**unknown, **changes})
        kept = bool(self.scene.setting.leads)
        return self.portal.add(step.deal, values, enrolled=kept, kind=RecordKind.LEAD)

    def _lead_unlisted(self, step: Step) -> None:
        record = self._new_lead(step)
        record.unlisted = True
        self.portal.announce(record)

    def _lead_nobody(self, step: Step) -> None:
        self.portal.announce(self._new_lead(step, contacts=None))

    def _lead_known(self, step: Step) -> None:
        """Somebody keyed the lead in by hand, open or closed already."""
        record = self._new_lead(step)
        closed = self.scene.setting.leads == "declining" and step.n % 2 == 0
        state = State.LOST if closed else State.PENDING
        lead = self.crm.add(step.deal, dict(record.values) | {"state": state}, kind=RecordKind.LEAD)
        lead.partner_id, lead.partner_since = record.id, self.scene.loop.now
        self.portal.announce(record)

    # --- what becomes of a lead ----------------------------------------------------------------------

    def _convert(self, step: Step) -> bool:
        return self._converted(step, enrolled=False) is not None

    def _convert_switched(self, step: Step) -> bool:
        """The seller switches the sync on at once, before anybody has looked."""
        return self._converted(step, enrolled=True) is not None

    def _convert_mapped(self, step: Step) -> bool:
        """The org copies our fields to the opportunity."""
        record = self._converted(step, enrolled=True)
        if record is None or record.origin is None:
            return False
        record.partner_id = self.crm.records[record.origin].partner_id
        record.partner_since = self.scene.loop.now
        return True

    def _converted(self, step: Step, *, enrolled: bool) -> Record | None:
        lead = self._open_lead(step.deal)
        if lead is None:
            return None
        given = self._values(step.n, deal_value=None) if step.n % 3 == 0 else self._values(step.n)
        return self.crm.convert(lead, given, kept=step.n % 2 == 0, enrolled=enrolled)

    def _convert_to_nothing(self, step: Step) -> bool:
        lead = self._open_lead(step.deal)
        if lead is None:
            return False
        self.crm.drop(lead)
        return True

    def _open_lead(self, deal: int) -> Record | None:
        record = self.opportunity(deal)
        if record is None or record.kind is RecordKind.OPPORTUNITY:
            return None
        return None if record.locked_until > self.scene.loop.now else record

    def _closed_before(self, step: Step) -> None:
        self.portal.announce(self.portal.add(step.deal, self._values(step.n, state=State.WON)))

    def _names_nobody(self, step: Step) -> None:
        record = self.portal.add(step.deal, self._values(step.n))
        record.partner_id = "006gone"
        self.portal.announce(record)

    def _pair(self, step: Step) -> None:
        """Two records that name each other and partly differ, as another connector left them."""
        referral, opportunity = self._two(step)
        referral.partner_id, opportunity.partner_id = opportunity.id, referral.id

    def _half_pair(self, step: Step) -> None:
        """Two records of which only one names the other."""
        referral, opportunity = self._two(step)
        if step.n % 2:
            referral.partner_id = opportunity.id
        else:
            opportunity.partner_id = referral.id
        referral.partner_since = opportunity.partner_since = self.scene.loop.now

    def _two(self, step: Step) -> tuple[Record, Record]:
        common = self._values(step.n)
        key = BOTH_KEYS[step.n % len(BOTH_KEYS)]
        differing: dict[str, Value] = {
            key: None if step.n % 4 == 0 and key == "notes" else fresh(key, step.n + 20)
        }
        if step.n % 3 == 0:  # steps that cannot be undone, and that nobody asked for
            differing |= {"visible": True, "help": fresh("help", step.n)}
        elif step.n % 3 == 1:
            differing["state"] = State.WON
        referral = self.portal.add(step.deal, common)
        opportunity = self.crm.add(step.deal, common | differing)
        self.portal.announce(referral)
        return referral, opportunity

    # --- edits -------------------------------------------------------------------------------------

    def _change_crm(self, deal: int, key: str, value: Value) -> bool:
        record = self.opportunity(deal)
        if record is None or record.locked_until > self.scene.loop.now:
            return False
        if record.kind is RecordKind.LEAD and not self._lead_takes(key, value):
            return False
        if self.scene.slow_transaction(record):
            return self._slowly(record, key, value)
        self.crm.edit(record, {key: value})
        return True

    def _lead_takes(self, key: str, value: Value) -> bool:
        lost = key == "state" and value is State.LOST and self.scene.setting.leads == "declining"
        return lost or (key in LEAD_KEYS and value is not None)

    def _slowly(self, record: Record, key: str, value: Value) -> bool:
        """A transaction stamped now and seen later; until then the row is locked."""
        now = self.scene.loop.now
        record.locked_until = now + self.scene.rng.uniform(1.0, 40.0)
        self.scene.seen.happened("slow transaction")
        self.scene.loop.call_at(record.locked_until, self._commit, record, key, value, now)
        return True

    def _commit(self, record: Record, key: str, value: Value, began: float) -> None:
        if not record.deleted:
            self.crm.edit(record, {key: value}, at=began)
            self.scene.story.tell("people", "slow commit", record.id, key, f"stamped {began:.3f}")

    def _change_portal(self, deal: int, key: str, value: Value) -> bool:
        record = self.referral(deal)
        if record is None or not self.portal.portal_accepts(record, {key: value}):
            return False
        self.portal.edit(record, {key: value})
        return True

    def _edit_crm(self, step: Step) -> bool:
        return self._change_crm(step.deal, step.key, fresh(step.key, step.n))

    def _edit_portal(self, step: Step) -> bool:
        return self._change_portal(step.deal, step.key, fresh(step.key, step.n))

    def _both(self, step: Step) -> bool:
        here = self._change_crm(step.deal, step.key, fresh(step.key, step.n))
        there = self._change_portal(step.deal, step.key, fresh(step.key, step.n + 5000))
        if here and there:
            self.scene.seen.happened("both sides edited")
        return here or there

    def _clear_crm(self, step: Step) -> bool:
        key = step.key if step.key in ("notes", "deal_value", "city") else "notes"
        return self._change_crm(step.deal, key, None)

    def _clear_portal(self, step: Step) -> bool:
        return self._change_portal(step.deal, "notes", None)

    def _clear_all(self, step: Step) -> bool:
        return any([self._change_crm(deal, "notes", None) for deal in self._deals()])

    def _edit_all(self, step: Step) -> bool:
        return any(
            [self._change_crm(deal, "notes", fresh("notes", step.n + 200 * deal)) for deal in self._deals()]
        )

    def _edit_all_referrals(self, step: Step) -> bool:
        deals = sorted({one.deal for one in self.portal.alive()})
        values = {deal: fresh("notes", step.n + 200 * deal + 3000) for deal in deals}
        return any([self._change_portal(deal, "notes", value) for deal, value in values.items()])

    def _deals(self) -> list[int]:
        return sorted({one.deal for one in self.crm.alive()})

    def _solutions_crm(self, step: Step) -> bool:
        record = self.opportunity(step.deal)
        if record is None or record.kind is RecordKind.LEAD:
            return False
        return self._change_crm(step.deal, "solutions", _more_or_less(record, step.n))

    def _solutions_portal(self, step: Step) -> bool:
        record = self.referral(step.deal)
        return record is not None and self._change_portal(
            step.deal, "solutions", _more_or_less(record, step.n)
        )

    def _contacts_crm(self, step: Step) -> bool:
        return self._change_crm(step.deal, "contacts", (person(step.n), person(step.n + 1)))

    def _complete(self, step: Step) -> bool:
        record = self.opportunity(step.deal)
        if record is None or record.kind is RecordKind.LEAD:
            return False
        wanted = self._values(step.n)
        missing = [
            key for key in ("country", "customer_name", "solutions", "deal_value") if not record.values[key]
        ]
        for key in missing:
            self.crm.edit(record, {key: wanted[key]})
        return bool(missing)

    # --- switches and stages -----------------------------------------------------------------------

    def _sync_on(self, step: Step) -> bool:
        return self._switch(step.deal, True)

    def _sync_off(self, step: Step) -> bool:
        return self._switch(step.deal, False)

    def _switch(self, deal: int, on: bool) -> bool:
        record = self.opportunity(deal)
        if record is None or record.enrolled is on or record.locked_until > self.scene.loop.now:
            return False
        record.enrolled = on
        self.crm.touch(record)
        return True

    def _help(self, step: Step) -> bool:
        return self._change_crm(step.deal, "help", fresh("help", step.n))

    def _visible(self, step: Step) -> bool:
        return self._change_crm(step.deal, "visible", True)

    def _hide(self, step: Step) -> bool:
        return self._change_crm(step.deal, "visible", False)

    def _stage_active(self, step: Step) -> bool:
        return self._change_crm(step.deal, "state", State.ACTIVE)

    def _stage_won(self, step: Step) -> bool:
        return self._change_crm(step.deal, "state", State.WON)

    def _stage_lost(self, step: Step) -> bool:
        return self._change_crm(step.deal, "state", State.LOST)

    def _portal_accept(self, step: Step) -> bool:
        return self._change_portal(step.deal, "state", State.ACTIVE)

    def _portal_decline(self, step: Step) -> bool:
        return self._change_portal(step.deal, "state", State.DECLINED)

    def _portal_won(self, step: Step) -> bool:
        return self._change_portal(step.deal, "state", State.WON)

    def _portal_lost(self, step: Step) -> bool:
        return self._change_portal(step.deal, "state", State.LOST)

    def _expire(self, step: Step) -> bool:
        record = self.referral(step.deal)
        if record is None or record.values["state"] is not State.PENDING:
            return False
        self.portal.edit(record, {"state": State.EXPIRED}, by="server")
        return True

    def _microsoft_accepts(self, step: Step) -> bool:
        return self._microsoft(step, {"microsoft_state": "active", "microsoft_id": f"7-{step.n}"})

    def _microsoft_declines(self, step: Step) -> bool:
        return self._microsoft(step, {"microsoft_state": "declined"})

    def _microsoft(self, step: Step, values: dict[str, Value]) -> bool:
        record = self.referral(step.deal)
        if record is None or record.microsoft_id is None or record.values["microsoft_state"] != "pending":
            return False
        self.portal.microsoft_says(record, values)
        return True

    # --- accidents and decisions ---------------------------------------------------------------------

    def _clone(self, step: Step) -> bool:
        record = self.opportunity(step.deal)
        if record is None or record.partner_id is None or record.kind is RecordKind.LEAD:
            return False
        twin = self.crm.add(record.deal, record.values, enrolled=record.enrolled)
        twin.partner_id, twin.partner_since = record.partner_id, self.scene.loop.now
        return True

    def _delete(self, step: Step) -> bool:
        record = self.opportunity(step.deal)
        if record is None or record.locked_until > self.scene.loop.now:
            return False
        self.crm.remove(record)
        self.scene.seen.happened("deleted")
        return True

    def _resolve(self, step: Step) -> bool:
        record = self.opportunity(step.deal) or self.referral(step.deal)
        if record is None:
            return False
        side = Side.CRM if step.n % 2 else Side.PARTNER_CENTER
        self.scene.decide(record.id, step.key, side)
        return True

    def _sync_now(self, step: Step) -> bool:
        record = self.opportunity(step.deal)
        if record is None:
            return False
        self.scene.look_now(record.id)
        return True


def _is_over(record: Record) -> bool:
    """Whether it is a lead that was converted."""
    return record.kind is RecordKind.LEAD and record.values["state"] is State.ACTIVE


def _more_or_less(record: Record, n: int) -> Value:
    """One solution more, or one fewer where there are several."""
    present = record.values["solutions"]
    kept = [one for one in present if one.key != solution(n).key] if isinstance(present, tuple) else []
    if n % 3 == 0 and len(kept) > 1:
        return tuple(kept[1:])  # type: ignore[return-value]
    return tuple(sorted([*kept, solution(n)], key=lambda one: one.key))  # type: ignore[return-value]


assert set(CRM_KEYS) | set(PORTAL_KEYS) <= set(FIELDS)
