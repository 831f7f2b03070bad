"""The sweep compares every link in bulk, pokes what differs, and tells what it found (INV-21, CAP-14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
import pytest_asyncio

from cosell.core.errors import Rejected, SignedOut, Throttled, Unavailable
from cosell.core.guards import Brake
from cosell.core.mapping import Conflict
from cosell.core.reasons import Reason
from cosell.core.records import Hold, LinkState, Pair, Side, Snapshot
from cosell.core.values import State, Value
from cosell.engine import brake, swept
from tests.engine.shelves import MICROSOFTS, PC, Town, again, town


@pytest_asyncio.fixture
async def home() -> AsyncIterator[Town]:
    async with town() as made:
        yield made


async def test_links_in_step_are_compared_and_left_alone(home: Town) -> None:
    """INV-4: not even a look, so nothing to write."""
    for number in range(10):
        await home.linked(number)
    report = await home.engine.sweep()
    assert (report.links, report.compared, report.agreed, report.agreement) == (10, 10, 10, 1.0)
    assert await home.due() == 0
    assert home.referrals.calls["update_many"] + home.opportunities.calls["update_many"] == 0


async def test_a_sweep_of_quiet_links_reads_each_side_once_and_only_in_pages(home: Town) -> None:
    for number in range(10):
        await home.linked(number)
    report = await home.engine.sweep()
    assert home.referrals.calls == home.opportunities.calls == {"changes": 3}
    assert report.calls == {"partner_center": 3, "crm": 3}


@pytest.mark.parametrize("side", list(Side))
async def test_drift_nobody_told_of_is_repaired_by_the_ordinary_reconcile(home: Town, side: Side) -> None:
    """FLW-D11: on either side, with the read of the page and one write."""
    for number in range(5):
        await home.linked(number)
    shelf, record_id = (home.referrals, "R3") if side is PC else (home.opportunities, "O3")
    shelf.edit(record_id, deal_value=Decimal(77))
    report = await home.engine.sweep()
    assert (report.agreed, report.repaired, report.agreement) == (4, 1, 0.8)
    before = home.referrals.calls["get_many"] + home.opportunities.calls["get_many"]
    await home.engine.drain()
    assert home.referrals.records["R3"].values["deal_value"] == Decimal(77)
    assert home.opportunities.records["O3"].values["deal_value"] == Decimal(77)
    assert home.referrals.calls["get_many"] + home.opportunities.calls["get_many"] == before
    home.hands.time += 60
    report = await home.engine.sweep()
    assert (report.agreed, report.repaired) == (5, 0)


async def test_a_change_that_both_sides_have_made_alike_moves_the_base_and_writes_nothing(home: Town) -> None:
    key = await home.linked(1)
    for shelf, record_id in ((home.referrals, "R1"), (home.opportunities, "O1")):
        shelf.edit(record_id, deal_value=Decimal(9))
    assert (await home.engine.sweep()).repaired == 1
    await home.engine.drain()
    assert (await home.link(key)).base["deal_value"] == Pair(Decimal(9), Decimal(9))
    assert home.referrals.calls["update_many"] + home.opportunities.calls["update_many"] == 0


async def test_a_held_field_that_nobody_touched_is_told_as_held_and_not_looked_at_again(home: Town) -> None:
    held = {"notes": Hold(Reason.CONFLICT, 1.0, "ours", "theirs")}
    key = await home.linked(1, values={"notes": "old"}, holds=held, mark="failed")
    home.referrals.edit("R1", notes="ours")
    home.opportunities.edit("O1", notes="theirs")
    await home.linked(2)
    home.engine.room.rules = {
        **home.engine.room.rules,
        "notes": replace(home.engine.room.rules["notes"], conflict=Conflict.ASK),
    }
    report = await home.engine.sweep()
    assert (report.agreed, report.held, report.repaired) == (1, 1, 0)
    home.opportunities.edit("O1", notes="other")
    report = await home.engine.sweep()
    assert (report.held, report.repaired) == (0, 1)
    await home.engine.drain()
    assert (await home.link(key)).holds["notes"].crm == "other"


async def test_a_link_with_something_left_to_do_is_looked_at_though_both_sides_agree(home: Town) -> None:
    await home.linked(1, trail_written=False)
    await home.linked(2, reason=Reason.DRY_RUN)
    await home.linked(3, failures=9)
    await home.linked(4, mark="failed")
    assert (await home.engine.sweep()).repaired == 4


async def test_a_record_that_names_another_partner_or_none_is_looked_at(home: Town) -> None:
    for number in (1, 2, 3):
        await home.linked(number)
    home.opportunities.records["O1"] = replace(home.opportunities.records["O1"], partner_id="R9")
    home.referrals.records["R2"] = replace(home.referrals.records["R2"], partner_id=None)
    report = await home.engine.sweep()
    assert (report.agreed, report.repaired) == (1, 2)


async def test_a_referral_that_names_nobody_is_looked_at_where_versions_are_not_told(home: Town) -> None:
    """INV-18: its id is given to it by the look of a poll as by that of a sweep."""
    await home.linked(1, partner_center_version=None)
    home.referrals.records["R1"] = replace(home.referrals.records["R1"], partner_id=None, version=None)
    assert await home.engine.watch.poll(PC) == 1
    assert (await home.engine.sweep()).repaired == 1


async def test_a_refusal_of_our_id_says_what_was_refused(home: Town) -> None:
    """INV-22."""
    key = await home.linked(1)
    home.referrals.records["R1"] = replace(home.referrals.records["R1"], partner_id=None)
    await home.engine.watch.poll(PC)
    home.referrals.broken = [Rejected("Not here.")]
    await home.engine.drain()
    assert (await home.link(key)).trail[-1].endswith("Partner Center refused the CRM id: Not here.")


async def test_a_half_that_is_gone_is_noticed_and_the_other_left_alone(home: Town) -> None:
    """INV-15, INV-22."""
    key = await home.linked(1)
    del home.opportunities.records["O1"]
    report = await home.engine.sweep()
    assert (report.gone, report.compared) == (1, 0)
    await home.engine.drain()
    assert (await home.link(key)).state is LinkState.GONE
    report = await home.engine.sweep()
    assert (report.gone, report.resting) == (0, 1)


async def test_deals_closed_on_both_sides_are_told_as_closed_and_not_read(home: Town) -> None:
    closed = {"state": Pair(State.LOST, State.LOST), "name": Pair("Quay", "Quay")}
    for number in range(4):
        await home.linked(number, values={"state": State.LOST}, base=closed)
    report = await home.engine.sweep()
    assert (report.closed, report.compared) == (4, 0)
    assert home.referrals.calls["get_many"] + home.opportunities.calls["get_many"] == 0


async def test_a_deal_closed_behind_our_back_is_read_in_bulk_and_repaired(home: Town) -> None:
    keys = [await home.linked(number) for number in range(7)]
    for number in range(7):
        home.referrals.edit(f"R{number}", state=State.LOST)
    report = await home.engine.sweep()
    assert report.repaired == 7
    assert home.referrals.calls["get_many"] == 3
    assert home.referrals.largest == home.referrals.capabilities.read_size
    await home.engine.drain()
    assert home.opportunities.records["O3"].values["state"] is State.LOST
    assert (await home.link(keys[3])).base["state"] == Pair(State.LOST, State.LOST)


async def test_a_reopened_opportunity_of_a_closed_deal_is_noticed(home: Town) -> None:
    base = {key: Pair(value, value) for key, value in home_values(State.LOST).items()}
    await home.linked(1, values=home_values(State.LOST), base=base)
    home.opportunities.edit("O1", state=State.ACTIVE)
    assert (await home.engine.sweep()).repaired == 1


def home_values(state: State) -> dict[str, Value]:
    return {"name": "Quay", "state": state}


async def test_what_stands_on_microsofts_referral_counts_as_read_when_its_page_comes(home: Town) -> None:
    """partner-center-api.md 2.1: the two referrals of an engagement may come on different pages."""
    home.referrals.cut = MICROSOFTS
    asked = {"help": "GeneralOrOther", "microsoft_state": "pending"}
    await home.linked(1, values=asked, microsoft_id="M1")
    home.referrals.pages_of_their_own = [_microsofts(1, asked)]
    report = await home.engine.sweep()
    assert report.agreed == 1
    assert home.referrals.calls["get_many"] == 0
    home.referrals.pages_of_their_own = [_microsofts(1, {**asked, "microsoft_state": "active"})]
    home.referrals.edit("R1", microsoft_state="active")
    assert (await home.engine.sweep()).repaired == 1


async def test_what_no_page_has_shown_is_read_unless_it_rests(home: Town) -> None:
    home.referrals.cut = MICROSOFTS
    await home.linked(1, values={"help": "GeneralOrOther", "microsoft_state": "active"}, microsoft_id="M1")
    await home.linked(2, values={"help": "GeneralOrOther", "microsoft_state": "declined"}, microsoft_id="M2")
    await home.linked(3)
    assert (await home.engine.sweep()).agreed == 3
    assert (home.referrals.calls["get_many"], home.referrals.largest) == (1, 1)


def _microsofts(number: int, values: dict[str, str]) -> Snapshot:
    told = {key: value for key, value in values.items() if key in MICROSOFTS}
    told.setdefault("microsoft_id", None)  # type: ignore[arg-type]
    return Snapshot(
        PC, f"M{number}", told, complete=False, engagement_id=f"E{number}", microsoft_id=f"M{number}"
    )


async def test_a_referral_of_microsoft_nobody_knew_belongs_to_its_engagement(home: Town) -> None:
    await home.linked(1)
    home.referrals.pages_of_their_own = [_microsofts(1, {"microsoft_state": "pending"})]
    report = await home.engine.sweep()
    assert (report.repaired, report.unknown) == (1, 0)


async def test_unknown_open_records_of_both_sides_are_found(home: Town) -> None:
    """INV-21."""
    await home.linked(1)
    home.referrals.records["R8"] = replace(home.referrals.records["R1"], id="R8", engagement_id="E8")
    home.opportunities.records["O9"] = replace(home.opportunities.records["O1"], id="O9", partner_id="R9")
    report = await home.engine.sweep()
    assert (report.unknown, report.links, report.agreed, report.half) == (2, 1, 1, 0)
    assert await home.store.link("R8") is not None
    assert await home.store.link("O9") is not None


async def test_a_paused_deal_rests_until_sync_is_on_again(home: Town) -> None:
    key = await home.linked(1, state=LinkState.PAUSED, reason=Reason.SYNC_OFF)
    home.opportunities.records["O1"] = replace(home.opportunities.records["O1"], enrolled=False)
    assert (await home.engine.sweep()).resting == 1
    home.opportunities.records["O1"] = replace(home.opportunities.records["O1"], enrolled=True)
    assert (await home.engine.sweep()).repaired == 1
    await home.engine.drain()
    assert (await home.link(key)).state is LinkState.LINKED


async def test_a_moments_trouble_is_waited_out_in_the_middle_of_a_sweep(home: Town) -> None:
    for number in range(9):
        await home.linked(number)
    home.referrals.broken = [Throttled("Slow down.", retry_after=30.0), Unavailable("Down.")]
    assert (await home.engine.sweep()).agreed == 9
    assert home.hands.slept[0] >= 30.0


async def test_a_sweep_that_gives_up_says_why_and_is_tried_again_within_the_hour(home: Town) -> None:
    """INV-22."""
    await home.linked(1)
    home.opportunities.broken = [SignedOut("The sign-in lapsed.")]
    with pytest.raises(SignedOut):
        await home.engine.sweep()
    stands = await swept.standing(home.store)
    assert stands.report is not None
    assert stands.report.error == "The sign-in lapsed."
    assert stands.due(home.engine.room.pace) == home.hands.now() + swept.AGAIN


async def test_a_record_that_cannot_be_read_is_told_and_nothing_is_assumed_of_it(home: Town) -> None:
    key = await home.linked(1)
    home.referrals.edit("R1", state=State.LOST)
    home.referrals.get_many = _refusing  # type: ignore[method-assign,assignment]
    report = await home.engine.sweep()
    assert (report.unread, report.compared) == (1, 0)
    assert (await home.link(key)).state is LinkState.LINKED


async def _refusing(ids: list[str]) -> dict[str, Unavailable]:
    return {one: Unavailable("Not now.") for one in ids}


# --- the brake (INV-17) ------------------------------------------------------------------------------


async def _drifted(home: Town, count: int) -> None:
    home.engine.room.policy = replace(home.engine.room.policy, brake=Brake(links=2, share=0.0))
    for number in range(count):
        await home.linked(number)
        home.referrals.edit(f"R{number}", deal_value=Decimal(77))


def _written(home: Town) -> int:
    return sum(one.values["deal_value"] == Decimal(77) for one in home.opportunities.records.values())


async def test_a_sweep_that_would_change_too_much_is_stopped(home: Town) -> None:
    await _drifted(home, 5)
    await home.engine.sweep()
    await home.engine.drain()
    assert _written(home) == 2
    assert brake.SETTING in home.hands.raised


async def test_what_a_sweep_wrote_is_counted_over_restarts_and_for_all_processes(home: Town) -> None:
    await _drifted(home, 5)
    await home.engine.sweep()
    looks = 0
    while not home.hands.raised:
        # Each look is made by another process that knows nothing but the database.
        other = again(home.store, home.hands, home.referrals, home.opportunities, concurrency=1)
        other.room.policy = home.engine.room.policy
        await other.worker.take_some()
        await _finished(other.worker)
        looks += 1
    assert (_written(home), looks) == (2, 3)


async def _finished(worker: object) -> None:
    running = list(worker._running)  # type: ignore[attr-defined]
    await asyncio.wait(running)


async def test_the_next_sweep_and_a_release_begin_to_count_anew(home: Town) -> None:
    await _drifted(home, 2)
    await home.engine.sweep()
    await home.engine.drain()
    assert len((await home.store.setting(brake.SWEPT) or "").split()) == 3
    await home.engine.sweep()
    assert await home.store.setting(brake.SWEPT) == "2"
