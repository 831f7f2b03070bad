"""Mistakes planted into the connector, each of which the worlds must find within a stated number.

They keep the simulator honest: a mistake that no longer breaks a world means that the worlds have gone soft.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from cosell.core import agreement, drift, mapping, plan, settle
from cosell.core.errors import CosellError, Gone, Unavailable, Uncertain
from cosell.core.guards import Brake
from cosell.core.reasons import Reason
from cosell.core.records import Consent, Link, LinkState, Pair, Side, Snapshot, Write, WriteState
from cosell.engine import apply, bulk, careful, introduce, reconcile, room, worker
from cosell.store import SqlStore

from .people import Step
from .process import GatedStore
from .scene import Setting
from .world import Outcome, draw, run


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted mistake."""

    name: str
    worlds: int
    """Worlds within which it must be caught."""
    plant: Callable[[], ExitStack]
    breaks: tuple[str, ...]
    """Invariants of which at least one must be the one found broken."""
    cut: Callable[[Setting], Setting] = lambda setting: setting
    """What the worlds must lack so that nothing repairs the damage unseen."""


def hunt(bug: Bug, *, first_seed: int = 1) -> tuple[int, Outcome] | None:
    """The first world that catches the bug, and how many it took; None where none does."""
    with bug.plant():
        for tried in range(1, bug.worlds + 1):
            outcome = run(bug.cut(draw(first_seed + tried - 1)))
            if any(one.invariant in bug.breaks for one in outcome.violations):
                return tried, outcome
    return None


def _patched(*changes: tuple[Any, str, Any]) -> ExitStack:
    stack = ExitStack()
    for place, name, instead in changes:
        stack.enter_context(patch.object(place, name, instead))
    return stack


def crowded(setting: Setting) -> Setting:
    """Two workers, quick polls, events besides: reads that cross writes."""
    return replace(setting, processes=2, signals="all", poll_partner_center=20.0, poll_crm=20.0)


def quiet(setting: Setting) -> Setting:
    """Neither polls nor sweeps: what one signal does not bring about stays undone."""
    steps = tuple(one for one in setting.steps if one.act not in ("sync_now", "clone"))
    calm = {kind: rate for kind, rate in setting.faults.items() if kind == "slow"}
    return replace(setting, steps=steps, signals="events", faults=calm, kill_at=(), processes=1)


def swept_only(setting: Setting) -> Setting:
    """Neither polls nor events: what the sweeps do not find stays undone."""
    steps = tuple(one for one in setting.steps if one.act not in ("sync_now", "clone"))
    return replace(setting, steps=steps, signals="sweep", poll_crm=20.0, faults={}, kill_at=(), processes=1)


def deadly(setting: Setting) -> Setting:
    """Every world dies a few times."""
    return replace(setting, kill_at=(40, 90, 160, 260), faults={**setting.faults, "lost": 0.1})


def silent(setting: Setting) -> Setting:
    """Many writes go unanswered."""
    faults = {**setting.faults, "answer_lost": 0.3, "late": 0.3, "lost": 0.1}
    return replace(setting, faults=faults, partner_center_precondition="version")


def refusing(setting: Setting) -> Setting:
    """Many writes are surely refused and tried again."""
    return replace(setting, faults={**setting.faults, "throttled": 0.3, "unavailable": 0.3})


def with_losses(setting: Setting) -> Setting:
    """Every opportunity is deleted in the end."""
    last = max(one.at for one in setting.steps)
    deals = sorted({one.deal for one in setting.steps})
    losses = tuple(Step(last + 100.0, "delete", deal) for deal in deals)
    later = tuple(Step(last + 160.0, "edit_portal", deal, "notes", 8000 + deal) for deal in deals)
    return replace(setting, steps=setting.steps + losses + later)


def sharing(setting: Setting) -> Setting:
    """Two deals of one new customer come together, and answers go missing."""
    steps = tuple(Step(5.0, "portal_deal", deal, n=deal + 1) for deal in (0, 1))
    return replace(silent(setting), steps=steps, processes=2, signals="all", kill_at=(), tight_brake=False)


def restored(setting: Setting) -> Setting:
    """Each world goes on with a copy of its database that is some minutes old."""
    last = max(one.at for one in setting.steps)
    return replace(setting, restore=(last / 4, last * 0.9), kill_at=(), signals="all", tight_brake=False)


# --- what is planted -----------------------------------------------------------------------------------


def _base_before_write() -> ExitStack:
    honest = apply.send

    async def send(at: Any, case: Any, order: Any) -> Snapshot:
        pairs = {
            key: Pair(None, None)
            .with_side(order.side, value)
            .with_side(order.side.other, order.sources.get(key))
            for key, value in order.values.items()
        }
        case.change(base={**case.link.base, **pairs})
        return await honest(at, case, order)

    return _patched((apply, "send", send))


def _shared_base() -> ExitStack:
    return _patched((Pair, "of", lambda self, side: self.crm))


def _acknowledged_blindly() -> ExitStack:
    honest = SqlStore.done

    async def done(self: Any, taken: Any, now: float, not_before: float | None = None) -> None:
        await honest(self, replace(taken, generation=taken.generation + 1000), now, not_before)

    return _patched((SqlStore, "done", done))


def _created_again() -> ExitStack:
    async def settle_creation(at: Any, case: Any, write: Write) -> float:
        now = at.clock.now()
        done = replace(write, state=WriteState.UNKNOWN, finished_at=now, outcome="given up")
        case.link = await at.store.finish(case.taken, [done], case.link)
        return 0.0

    return _patched((introduce, "settle_creation", settle_creation))


def _timeout_is_failure() -> ExitStack:
    honest = bulk.Desk._watched

    async def watched(self: Any, call: Any) -> Any:
        try:
            return await honest(self, call)
        except Uncertain as error:
            raise Unavailable(error.message) from error

    return _patched((bulk.Desk, "_watched", watched))


def _customers_made_at_once() -> ExitStack:
    async def always(*_: object) -> bool:
        return True

    return _patched((SqlStore, "hold_lease", always))


def _no_precondition() -> ExitStack:
    return _patched((apply, "_guarded", lambda *_: False))


def _invited_twice() -> ExitStack:
    honest = bulk.Desk.invite

    async def invite(self: Any, invitation: Any) -> Snapshot:
        try:
            return await honest(self, invitation)
        except Uncertain:
            return await honest(self, invitation)

    return _patched((bulk.Desk, "invite", invite))


def _own_child_unknown() -> ExitStack:
    honest = introduce._from_crm

    async def from_crm(at: Any, case: Any, opportunity: Snapshot) -> Any:
        return await honest(at, case, replace(opportunity, partner_id=None))

    find = bulk.Desk.find

    async def nothing(self: Any, partner_id: str) -> Sequence[Snapshot]:
        return () if self.side is Side.PARTNER_CENTER else await find(self, partner_id)

    return _patched((introduce, "_from_crm", from_crm), (bulk.Desk, "find", nothing))


def _journal_afterwards() -> ExitStack:
    waiting: dict[str, tuple[Any, Write, Link]] = {}

    async def begin(self: GatedStore, taken: Any, write: Write, link: Link, **_: Any) -> Link:
        waiting[write.id] = (taken, write, link)
        return link

    async def finish(self: GatedStore, taken: Any, writes: Sequence[Write], link: Link, **_: Any) -> Any:
        for write in writes:
            if write.id in waiting:
                begun = await self.__getattr__("begin")(*waiting.pop(write.id))
                link = replace(link, revision=begun.revision)
        return await self.__getattr__("finish")(taken, writes, link)

    stack = ExitStack()
    for name, verb in (("begin", begin), ("finish", finish)):
        stack.enter_context(patch.object(GatedStore, name, verb, create=True))
    return stack


def _any_direction() -> ExitStack:
    return _patched((mapping.Direction, "carries_to", lambda self, side: True))


def _consent_taken_for_granted() -> ExitStack:
    def consent(self: Any, ours: Any) -> Consent:
        return Consent(ours.crm, "somebody", "", "it was ticked, was it not")

    return _patched((plan._Meeting, "_consent", consent))


def _one_stops_all() -> ExitStack:
    honest = reconcile.reconcile

    async def careless(self: Any, case: Any) -> float | None:
        try:
            return await honest(self.room, case)
        except CosellError:
            self.stop()
            raise

    return _patched((worker.Worker, "_attempt", careless))


def _no_doubts() -> ExitStack:
    honest = settle.settle

    def sure(*args: Any, **named: Any) -> settle.Settlement:
        found = honest(*args, **named)
        base = {
            key: Pair(None, None).with_side(args[0].side, one.after).with_side(args[0].side.other, one.source)
            for key, one in args[0].fields.items()
        }
        unsure = found.verdict in (settle.Verdict.UNKNOWN, settle.Verdict.ABSENT)
        return replace(found, doubts=(), base=base if unsure else found.base)

    return _patched((settle, "settle", sure))


def _met_like_old_friends() -> ExitStack:
    def first(self: Any, rule: Any, ours: Any) -> Any:
        return self._carry(rule, ours, Side.CRM, Reason.CHANGED_IN_CRM)

    return _patched((plan._Meeting, "_first_meeting", first))


def _empty_is_unread() -> ExitStack:
    honest = plan._same

    def same(key: str, one: Any, other: Any) -> bool:
        return one is None or other is None or honest(key, one, other)

    return _patched((plan, "_same", same))


def _old_polls_trusted() -> ExitStack:
    def take_polled(self: Any, side: Side, link: Link) -> Snapshot | None:
        found = self._polled.pop((side, link.id_of(side)), None)
        return found[0] if found else None

    return _patched((room.Room, "take_polled", take_polled))


def _no_brake() -> ExitStack:
    return _patched((Brake, "allows_clears", lambda *_: True), (Brake, "allows_links", lambda *_: True))


def _gone_is_made_again() -> ExitStack:
    honest = worker.Worker._hold

    async def hold(self: Any, case: Any, error: CosellError) -> None:
        if isinstance(error, Gone) and case.link.partner_center_id:
            await self._settle_for(case, crm_id=None, state=LinkState.NEW, reason="")
            return
        await honest(self, case, error)  # type: ignore[arg-type]

    async def named(at: Any, case: Any, referral: Snapshot, crm_id: str) -> Any:
        return await introduce._create_opportunity(at, case, referral)

    return _patched((worker.Worker, "_hold", hold), (introduce, "_named_opportunity", named))


def _open_rows_forgotten() -> ExitStack:
    async def nothing(*_: Any) -> None:
        return None

    return _patched((reconcile, "settle_open", nothing), (introduce, "settle_open", nothing))


def _refused_copy_closes() -> ExitStack:
    async def refuse_copy(
        at: Any, case: Any, write: Write, error: CosellError, earlier: float | None
    ) -> None:
        await apply.refuse(at, case, write, error)

    return _patched((apply, "refuse_copy", refuse_copy))


def _everything_held_is_written() -> ExitStack:
    honest = plan.plan

    def bold(*args: Any) -> plan.Plan:
        found = honest(*args)
        fields = tuple(_bold(one) for one in found.fields)
        return replace(found, fields=fields)

    return _patched((plan, "plan", bold))


def _bold(one: plan.FieldPlan) -> plan.FieldPlan:
    if one.verdict is plan.Verdict.HOLD and one.reason is Reason.CONFLICT:
        return replace(one, verdict=plan.Verdict.WRITE, writes={Side.CRM: one.partner_center})
    return one


def _drift_passes() -> ExitStack:
    """A sweep that takes whatever it reads for agreed."""
    return _patched(
        (agreement, "stands", lambda *_: True),
        (agreement, "at_rest", lambda *_: True),
        (agreement, "strays", lambda *_: False),
    )


def drifting(setting: Setting) -> Setting:
    """An administrator who takes fields away all the time, and little else that goes wrong."""
    return replace(setting, faults={"drift": 0.9, "slow": 0.1}, kill_at=(), signals="all", tight_brake=False)


def _lost_is_emptied() -> ExitStack:
    """A field that vanished passes for one the CRM never had."""
    return _patched((drift, "fields_of", lambda parts: frozenset()))


def _restored_and_believed() -> ExitStack:
    """A restore that only puts the file back: neither marks nor a wait."""

    async def nothing(*_: Any, **__: Any) -> int:
        return 0

    honest = SqlStore.begin

    async def begin(self: Any, taken: Any, write: Write, link: Any = None, *, known: Any = None) -> Any:
        return await honest(self, taken, write, link)

    return _patched((careful, "enter", nothing), (SqlStore, "begin", begin))


BUGS: Mapping[str, Bug] = {
    bug.name: bug
    for bug in (
        Bug(
            "the base is saved before the write",
            20,
            _base_before_write,
            ("INV-2", "INV-4", "INV-18"),
            refusing,
        ),
        Bug("both sides share one base", 20, _shared_base, ("INV-2", "INV-4", "INV-18")),
        Bug("acknowledged whatever came meanwhile", 60, _acknowledged_blindly, ("INV-18", "INV-21"), quiet),
        Bug("a creation without answer is made again", 80, _created_again, ("INV-3", "INV-10"), silent),
        Bug("silence is taken for refusal", 20, _timeout_is_failure, ("INV-7", "INV-10", "INV-3"), silent),
        Bug("a customer is made by two deals at once", 20, _customers_made_at_once, ("J-4",), sharing),
        Bug("written without precondition", 5, _no_precondition, ("INV-1",)),
        Bug("an invitation is repeated", 60, _invited_twice, ("INV-12",), silent),
        Bug("our own child is not known", 100, _own_child_unknown, ("INV-3",), silent),
        Bug("the journal is written afterwards", 5, _journal_afterwards, ("INV-7",)),
        Bug("directions are ignored", 80, _any_direction, ("INV-5",)),
        Bug("consent is taken for granted", 60, _consent_taken_for_granted, ("INV-6",)),
        Bug("one failure stops everything", 20, _one_stops_all, ("INV-18", "INV-14", "INV-21", "INV-22")),
        Bug("doubts are forgotten", 120, _no_doubts, ("INV-2", "INV-18"), silent),
        Bug("strangers meet like old friends", 20, _met_like_old_friends, ("INV-11",)),
        Bug("an emptied field is not seen", 40, _empty_is_unread, ("INV-2", "INV-18")),
        Bug("an old poll counts as fresh", 120, _old_polls_trusted, ("INV-2", "INV-4"), crowded),
        Bug("there is no brake", 80, _no_brake, ("INV-17",)),
        Bug("what is gone is made again", 20, _gone_is_made_again, ("INV-15",), with_losses),
        Bug("open rows are forgotten", 20, _open_rows_forgotten, ("INV-8", "INV-22"), silent),
        Bug("a refused copy closes its row", 80, _refused_copy_closes, ("INV-7", "INV-10"), silent),
        Bug("a sweep lets drift pass", 60, _drift_passes, ("INV-2", "INV-18"), swept_only),
        Bug("a lost field passes for none", 60, _lost_is_emptied, ("INV-2", "INV-4", "INV-18"), drifting),
        Bug(
            "a restored database is believed",
            60,
            _restored_and_believed,
            ("INV-2", "INV-3", "INV-4"),
            restored,
        ),
        Bug("a conflict is decided by nobody", 60, _everything_held_is_written, ("INV-2", "INV-4")),
    )
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The connector with one of its planted mistakes."""
    with BUGS[name].plant():
        yield
