"""Lists merged entry by entry, so that two people adding different entries both keep theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from cosell.core.records import Pair, Side
from cosell.core.values import Person, Solution, Value

Item: TypeAlias = Person | Solution
Items: TypeAlias = Mapping[str, Item]


@dataclass(frozen=True, slots=True)
class Merge:
    """What each side should hold, and which entries both sides changed differently."""

    partner_center: Value
    crm: Value
    base: Pair
    """The old base, moved on for every entry the two sides already agree on."""
    conflicts: tuple[str, ...]


def items(value: Value) -> Items:
    """The entries of a list by key; an empty list is None in normal form."""
    return {item.key: item for item in value} if isinstance(value, tuple) else {}


def listed(found: Iterable[Item | None]) -> Value:
    """A list in normal form: by key, each once, None when empty."""
    kept = {item.key: item for item in found if item is not None}
    return cast(Value, tuple(kept[key] for key in sorted(kept)) or None)


def merge(
    base: Pair, partner_center: Value, crm: Value, *, winner: Side | None, add_only: bool = False
) -> Merge:
    """Merges two lists against what each side held at the last agreement.

    An entry changed on one side takes that change to the other; changed on both, `winner` decides, and
    without one the entry is a conflict and stays as it is on both sides. With `add_only` (two lists that
    meet for the first time) nothing is ever removed (INV-11).
    """
    sides = {Side.PARTNER_CENTER: items(partner_center), Side.CRM: items(crm)}
    old = {side: items(base.of(side)) for side in Side}
    result: dict[Side, dict[str, Item | None]] = {Side.PARTNER_CENTER: {}, Side.CRM: {}}
    agreed: dict[Side, dict[str, Item | None]] = {side: dict(old[side]) for side in Side}
    conflicts = []
    for key in sorted({key for known in (*sides.values(), *old.values()) for key in known}):
        now = {side: sides[side].get(key) for side in Side}
        changed = [side for side in Side if now[side] != old[side].get(key)]
        source = _source(now, changed, winner, add_only)
        if now[Side.PARTNER_CENTER] == now[Side.CRM]:
            for side in Side:
                agreed[side][key] = now[side]
        if source is None:
            if len(changed) == 2 and now[Side.PARTNER_CENTER] != now[Side.CRM]:
                conflicts.append(key)
            for side in Side:
                result[side][key] = now[side]
        else:
            for side in Side:
                result[side][key] = _keep_baggage(now[source], now[side])
    return Merge(
        listed(result[Side.PARTNER_CENTER].values()),
        listed(result[Side.CRM].values()),
        Pair(listed(agreed[Side.PARTNER_CENTER].values()), listed(agreed[Side.CRM].values())),
        tuple(conflicts),
    )


def _source(
    now: Mapping[Side, Item | None], changed: list[Side], winner: Side | None, add_only: bool
) -> Side | None:
    if add_only:
        missing = [side for side in Side if now[side] is None]
        return missing[0].other if len(missing) == 1 else None
    if len(changed) == 1:
        return changed[0]
    if len(changed) == 2 and now[Side.PARTNER_CENTER] != now[Side.CRM]:
        return winner
    return None


def _keep_baggage(source: Item | None, target: Item | None) -> Item | None:
    """The source's entry with what only the target's system keeps with it."""
    if source is None or target is None or source is target:
        return source
    extras: dict[str, Any] = {"baggage": target.baggage}
    if isinstance(source, Solution) and isinstance(target, Solution):
        extras["name"] = target.name
        return Solution(source.id, source.quantity, source.price, **extras)
    assert isinstance(source, Person)
    return Person(source.email, source.first_name, source.last_name, source.phone, **extras)


def rebase(base: Pair, side: Side, *, before: Value, after: Value, stored: Value, source: Value) -> Pair:
    """The base after a list write landed on `side`: moved on for the entries that write changed, no others.

    Entries the other side still waits to receive keep their old base, else they would never arrive.
    """
    was, sent, kept, origin = items(before), items(after), items(stored), items(source)
    touched = {key for key in {*was, *sent} if was.get(key) != sent.get(key)}
    pair = {one: dict[str, Item | None](items(base.of(one))) for one in Side}
    for key in touched:
        pair[side][key] = kept.get(key)
        pair[side.other][key] = origin.get(key)
    return Pair(listed(pair[Side.PARTNER_CENTER].values()), listed(pair[Side.CRM].values()))
