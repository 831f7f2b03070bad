"""What is known of the fields of both sides: what they ever let us use, and what of it is lost now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cosell.core import drift
from cosell.core.fields import FIELDS
from cosell.core.mapping import Direction, Rule
from cosell.core.records import Side
from cosell.ports import Capabilities, Describing, Lack, Store, System, Who

LEADS = "leads"
"""The part that stands for keeping leads at all; `leads.notes` for giving them a field."""
KEPT = "schema:"
"""The settings that keep it, one for each side."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something a side let us use once and does not now."""

    part: str
    lack: Lack
    since: float

    @property
    def field(self) -> str:
        return drift.field_of(self.part)

    @property
    def named(self) -> str:
        """The thing by the system's own name and by its label."""
        lack = self.lack
        return f"{lack.place} («{lack.label}»)" if lack.label else lack.place

    def says(self, waiting: int) -> str:
        """What is the matter, which rule is paused, and how many deals wait for it."""
        matter = f"{self.named} {self.lack.says}."
        deals = "1 deal waits" if waiting == 1 else f"{waiting} deals wait"
        if self.part == LEADS:
            return f"{matter} Only deals that are leads are left alone: {deals}."
        if self.field not in FIELDS:
            return f"{matter} No rule is paused."
        if drift.is_choice(self.part):
            return f"{matter} Only deals that need it wait with the rule [{self.field}]: {deals}."
        return f"{matter} Only the rule [{self.field}] of the mapping is paused: {deals} with it."

    @property
    def advice(self) -> str:
        """What to do, and who can."""
        return f"{self.lack.fix} Who can: {self.lack.who}."


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one side."""

    once: frozenset[str] = frozenset()
    """Every part of a field it ever let us use (core/drift)."""
    lost: Mapping[str, Loss] = field(default_factory=dict)
    """By part."""
    names: str = ""
    """The sign of the settings with which it was last told (Describing.names)."""

    @property
    def paused(self) -> frozenset[str]:
        """The fields whose rules are paused now: they cannot be read, or not be written."""
        return drift.fields_of(part for part in self.lost if not drift.is_choice(part))

    def and_also(self, other: Known) -> Known:
        """What both know together."""
        return Known(self.once | other.once, {**other.lost, **self.lost}, self.names or other.names)

    def after(self, able: Capabilities, rules: Mapping[str, Rule], now: float, names: str = "") -> Known:
        """What is known once the system has told what it can do under these names."""
        # Whether leads are wanted is a setting, and giving them up no loss.
        same = names == self.names
        kept = self.once if same else {one for one in self.once if drift.field_of(one) != LEADS}
        present = usable(able)
        once = frozenset(kept | present)
        lost = {
            part: self.lost.get(part) or Loss(part, lack, now)
            for part, lack in {**able.lacks, **_leads_lacking(once - present)}.items()
            if part in once and _concerned(part, rules)
        }
        return Known(once, lost, names)

    def text(self) -> str:
        """As it is kept."""
        lost = {part: _row(loss) for part, loss in sorted(self.lost.items())}
        kept = {"names": self.names, "once": sorted(self.once), "lost": lost}
        return json.dumps(kept, ensure_ascii=False)


def read(text: str | None) -> Known:
    """What was kept; what cannot be read is forgotten, and learnt anew."""
    try:
        kept = json.loads(text or "{}")
        once = frozenset(map(str, kept.get("once", ())))
        lost = {part: _loss(part, *row) for part, row in kept.get("lost", {}).items()}
        return Known(once, lost, str(kept.get("names", "")))
    except (ValueError, TypeError, AttributeError):
        return Known()


def usable(able: Capabilities) -> frozenset[str]:
    """The parts of fields a system lets us use now."""
    writable = frozenset(map(drift.part, able.updatable))
    leads = {LEADS, *(drift.part(LEADS, key) for key in able.leads)} if able.leads else set()
    return (able.readable | writable | able.details | leads) - able.lacks.keys()


def _leads_lacking(missing: frozenset[str]) -> dict[str, Lack]:
    """What is missing of leads as they once were; of all there was, the whole says enough."""
    gone = sorted(one for one in missing if drift.field_of(one) == LEADS)
    fix = "See what the doctor says of leads."
    if LEADS in gone:
        return {LEADS: Lack("The CRM", "", "can keep no leads any more", fix)}
    fields = {part: FIELDS[part.removeprefix(f"{LEADS}.")].label for part in gone}
    return {
        part: Lack("A lead", label, "does not take this field any more", fix)
        for part, label in fields.items()
    }


async def of(store: Store, side: Side) -> Known:
    """What the store keeps of one side."""
    return read(await store.setting(KEPT + side))


async def kept(store: Store) -> dict[Side, Known]:
    """What the store keeps of both sides."""
    return {side: await of(store, side) for side in Side}


def names_of(system: System) -> str:
    """The sign of what the settings name in a system; empty where its fields are the same for everybody."""
    return system.names if isinstance(system, Describing) else ""


def rely(system: System, kept: Known) -> None:
    """Has a system that was fine under the very same settings go on without what it has lost since."""
    if isinstance(system, Describing) and kept.names == system.names:
        system.rely()


def _concerned(part: str, rules: Mapping[str, Rule]) -> bool:
    """Whether a rule of the mapping lives on it, or the connector itself does."""
    key = drift.field_of(part)
    if key not in FIELDS:
        return True
    rule = rules.get(key)
    if rule is None:
        return False
    ways = (rule.update,) if drift.is_writing(part) else (rule.create, rule.update)
    return any(way is not Direction.NONE for way in ways)


def _row(loss: Loss) -> list[str | float]:
    lack = loss.lack
    return [lack.place, lack.label, lack.says, lack.fix, str(lack.who), loss.since]


def _loss(part: str, place: str, label: str, says: str, fix: str, who: str, since: float) -> Loss:
    return Loss(part, Lack(place, label, says, fix, Who(who)), since)
