"""What every step of a reconcile has at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from weakref import WeakValueDictionary

from cosell.core.guards import Policy
from cosell.core.mapping import Rule
from cosell.core.plan import Ground
from cosell.core.records import Link, Side, Snapshot
from cosell.engine.bulk import Desk
from cosell.engine.known import Known
from cosell.engine.lanes import Lane
from cosell.engine.mode import Mode
from cosell.ports import Alerts, Capabilities, Clock, Dice, Store, System


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how much; seconds unless said otherwise."""

    poll_partner_center: float = 60.0
    poll_crm: float = 60.0
    sweep_every: float = 86_400.0
    sweep_at: time | None = None
    """The local time of day at which a sweep begins; None: whenever it is due."""
    schema_every: float = 86_400.0
    """How often the fields of both sides are looked at while none is lost."""
    concurrency: int = 256
    """Links in hand at once."""
    parallel_calls: int = 8
    """Requests at once to each system."""
    lease: float = 45.0
    """How long a key stays in the hands of a process that may have died; renewed three times as often."""
    fresh_for: float = 10.0
    """How long a polled read counts as the fresh read."""
    idle: float = 1.0
    """How often a quiet worker looks for pokes of other processes."""


SKEW = 2.0
"""Seconds by which the clocks of two machines on one database may differ."""


@dataclass(slots=True)
class Tally:
    """What this process knows of the brake; what it counts is in the store, for all processes together."""

    on: bool = False
    """The brake is on; nothing is written until a person releases it (INV-17)."""


class Room:
    """The ports, the rules and the two desks, for one environment."""

    def __init__(
        self,
        *,
        store: Store,
        partner_center: System,
        crm: System,
        rules: Mapping[str, Rule],
        policy: Policy,
        pace: Pace,
        clock: Clock,
        dice: Dice,
        alerts: Alerts,
        owner: str,
    ) -> None:
        self.store, self.rules, self.policy, self.pace = store, rules, policy, pace
        self.clock, self.dice, self.alerts, self.owner = clock, dice, alerts, owner
        self.in_hand = 0
        """Links being reconciled now."""
        self.desks = {
            system.side: Desk(
                system,
                Lane(system.name, clock=clock, dice=dice, alerts=alerts),
                parallel=pace.parallel_calls,
                in_hand=lambda: self.in_hand,
            )
            for system in (partner_center, crm)
        }
        self.tally = Tally()
        self.known = dict.fromkeys(Side, Known())
        """What each side ever let us use, and what of it is lost now (engine/schema)."""
        self.recalled = False
        self.noticed: dict[Side, Capabilities | None] = {}
        """The capabilities from which that was last taken."""
        self.noticing = asyncio.Lock()
        """Held while what a side can do now is acted on."""
        self.sweep_soon = False
        """A field is back that could not be read: whatever was edited in it unseen is to be found."""
        self.careful = Mode()
        self.customers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Each held while this process looks for one customer and makes a deal of it (engine/customer)."""
        self.refused: dict[tuple[str, Side], tuple[str | None, int]] = {}
        """Per link and side: the version last refused, and how often that very version was."""
        self._common: tuple[list[frozenset[str]], frozenset[str]] | None = None
        self._polled: dict[tuple[Side, str], tuple[Snapshot, float, float]] = {}

    def desk(self, side: Side) -> Desk:
        return self.desks[side]

    def ground(self) -> Ground:
        """What plans rest on now; capabilities may become known only after the first sign-in."""
        # Those that were taken note of: a plan must not rest on one schema and remember another.
        able = {side: self.noticed.get(side) or desk.system.capabilities for side, desk in self.desks.items()}
        return Ground(
            rules=self.rules,
            flows=self.policy.flows,
            updatable={side: one.updatable for side, one in able.items()},
            leads=able[Side.CRM].leads & able[Side.CRM].updatable,
            acts=able[Side.PARTNER_CENTER].acts,
            once={side: kept.once for side, kept in self.known.items()},
            locked={side: kept.paused for side, kept in self.known.items()},
            contacts_freeze=self.policy.contacts_freeze,
        )

    def common_fields(self) -> frozenset[str]:
        """The fields of the mapping that both sides can be read for."""
        readable = [desk.system.capabilities.readable for desk in self.desks.values()]
        if self._common is None or self._common[0] != readable:
            self._common = (readable, frozenset(self.rules).intersection(*readable))
        return self._common[1]

    def keep_polled(self, snapshot: Snapshot, asked_at: float) -> None:
        """Remembers a read that a poll just brought: it is the fresh read of the reconcile it causes.

        `asked_at`: epoch seconds when the poll was sent; the read is no newer than that.
        """
        self._polled[(snapshot.side, snapshot.id)] = (snapshot, self.clock.monotonic(), asked_at)

    def take_polled(self, side: Side, link: Link) -> Snapshot | None:
        """That read, once, while it is fresh and surely newer than our own last write (INV-2)."""
        record_id = link.id_of(side)
        found = self._polled.pop((side, record_id), None) if record_id else None
        if found is None:
            return None
        snapshot, kept_at, asked_at = found
        older = link.changed_at is not None and link.changed_at + SKEW >= asked_at
        if older or self.clock.monotonic() - kept_at > self.pace.fresh_for:
            return None
        return snapshot

    def forget_stale(self) -> None:
        """Lets go of polled reads nobody asked for in time."""
        oldest = self.clock.monotonic() - self.pace.fresh_for
        for key in [key for key, (_, at, _asked) in self._polled.items() if at < oldest]:
            del self._polled[key]
