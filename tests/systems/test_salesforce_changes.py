"""What the polls of Salesforce bring: salesforce-api.md 10.2 and 10.3, INV-21."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cosell.core.errors import CosellError, Unavailable
from cosell.core.records import Snapshot
from cosell.systems.salesforce.cursor import parse

from .salesfloor import ANNA, REFERRAL, SOLUTION, Floor, opened, update


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


async def named(floor: Floor) -> list[str]:
    """The names of what the next poll brings."""
    floor.later()
    return sorted(str(one.values["name"]) for one in (await floor.poll()).snapshots)


async def test_the_first_look_brings_everything_enrolled_and_open_page_by_page() -> None:
    async with opened(walk_page=2) as floor:
        wanted = {floor.deal(Name=f"Deal {number}") for number in range(5)}
        floor.deal(Sync_with_Partner_Center__c=False)
        floor.deal(StageName="Closed Won")
        found: list[str] = []
        more = True
        while more:
            step = await floor.poll()
            found += [one.id for one in step.snapshots]
            assert all(one.complete and one.enrolled for one in step.snapshots)
            more = step.more
        assert sorted(found) == sorted(wanted)


async def test_an_edit_comes_once_with_a_fresh_complete_read(floor: Floor) -> None:
    deal = floor.deal()
    floor.contact(deal)
    await floor.settle()
    floor.edit(deal, Name="Renamed")
    floor.later()
    found = await floor.poll()
    assert [(one.id, one.values["name"], one.firm) for one in found.snapshots] == [(deal, "Renamed", True)]
    assert found.snapshots[0].values["contacts"] == (ANNA,)
    floor.later()
    assert (await floor.poll()).snapshots == ()


async def test_a_quiet_poll_costs_one_call_and_leaves_the_cursor_as_it_is(floor: Floor) -> None:
    """Quiet links cost no call beyond the poll."""
    floor.deal()
    await floor.settle()
    before = floor.cursor
    floor.forget()
    quiet = await floor.poll()
    assert (quiet.snapshots, quiet.gone, quiet.more, quiet.cursor) == ((), (), False, before)
    assert floor.calls() == 1


async def test_what_was_changed_again_within_the_same_second_is_not_missed(floor: Floor) -> None:
    """A stamp has whole seconds: a row seen in its own second is looked at once more."""
    deal = floor.deal()
    await floor.settle()
    floor.edit(deal, Name="First")
    first = (await floor.poll()).snapshots
    floor.edit(deal, Name="Second")
    second = (await floor.poll()).snapshots
    assert first[0].changed_at == second[0].changed_at
    assert [one.values["name"] for one in (*first, *second)] == ["First", "Second"]
    assert not first[0].firm


async def test_a_report_whose_cursor_was_never_kept_is_made_again(floor: Floor) -> None:
    """INV-21: what is remembered as reported hangs on the cursor answered with it."""
    deal = floor.deal()
    await floor.settle()
    kept = floor.cursor
    floor.edit(deal, Name="Renamed")
    assert await named(floor) == ["Renamed"]
    floor.cursor = kept
    assert await named(floor) == ["Renamed"]
    assert await named(floor) == []


async def test_another_process_goes_on_from_the_cursor(floor: Floor) -> None:
    """INV-9: nothing that matters is in memory only."""
    deal = floor.deal()
    await floor.settle()
    floor.edit(deal, Name="Renamed")
    floor.later()
    await floor.restart()
    assert await named(floor) == ["Renamed"]


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", '{"v":2}', '{"v":1,"t":"","w":[]}', "null"])
async def test_a_cursor_nobody_can_read_begins_anew(floor: Floor, cursor: str) -> None:
    """INV-24: reading too much is safe, too little is not."""
    deal = floor.deal()
    assert parse(cursor) is None
    assert [one.id for one in (await floor.system.changes(cursor)).snapshots] == [deal]


@pytest.mark.parametrize("kind", ["solution", "contact role", "contact", "team member", "deal"])
async def test_a_change_of_any_part_of_a_deal_brings_the_deal(floor: Floor, kind: str) -> None:
    """salesforce-api.md 10.2: a child row does not move the opportunity's stamp."""
    seller = floor.org.as_seller
    deal = floor.deal()
    contact, _ = floor.contact(deal)
    row = floor.solution(deal)
    await floor.settle()
    owner = floor.row(deal)["OwnerId"]
    colleague = next(u["Id"] for u in floor.rows("User") if u["Id"] not in (owner, floor.org.user_id))
    acts: dict[str, Any] = {
        "solution": lambda: seller.update(SOLUTION, row, {"Quantity__c": 7}),
        "contact role": lambda: floor.contact(deal),
        "contact": lambda: seller.update("Contact", contact, {"Phone": "+1"}),
        "team member": lambda: seller.create(
            "OpportunityTeamMember", {"OpportunityId": deal, "UserId": colleague}
        ),
        "deal": lambda: seller.update("Opportunity", deal, {"Amount": 5}),
    }
    acts[kind]()
    floor.later()
    assert [one.id for one in (await floor.poll()).snapshots] == [deal]


async def test_deals_of_nobodys_concern_are_not_reported(floor: Floor) -> None:
    """A poke for an unknown record would make a link."""
    await floor.settle()
    floor.deal(Sync_with_Partner_Center__c=False)
    linked = floor.deal(Sync_with_Partner_Center__c=False, Referral_Identifier__c=REFERRAL)
    floor.later()
    found = await floor.poll()
    assert [(one.id, one.enrolled) for one in found.snapshots] == [(linked, False)]


async def test_thousands_of_rows_on_one_second_come_completely() -> None:
    """salesforce-api.md 10.2: the page goes on inside the second."""
    async with opened(poll_page=50) as floor:
        await floor.settle()
        account = floor.org.as_seller.create("Account", {"Name": "Contoso"})
        wanted = {floor.deal(Name=f"Deal {number}", AccountId=account) for number in range(260)}
        floor.later()
        found: set[str] = set()
        more = True
        while more:
            step = await floor.poll()
            found |= {one.id for one in step.snapshots}
            more = step.more
        assert found == wanted
        assert (await floor.poll()).snapshots == ()


async def test_a_full_page_of_two_thousand_equal_stamps_is_left_behind() -> None:
    """The same with Salesforce's own page limit."""
    async with opened(poll_page=2000) as floor:
        await floor.settle()
        account = floor.org.as_seller.create("Account", {"Name": "Contoso"})
        for number in range(2001):
            floor.deal(Name=f"Deal {number}", AccountId=account)
        floor.later()
        floor.forget()
        first = await floor.poll()
        second = await floor.poll()
        assert first.more
        assert not second.more
        assert len({one.id for one in (*first.snapshots, *second.snapshots)}) == 2001
        assert floor.calls() <= 8


async def test_a_poll_of_a_thousand_changed_deals_costs_few_calls(floor: Floor) -> None:
    """docs/performance.md: at most 80 calls for a backlog of 1,000."""
    account = floor.org.as_seller.create("Account", {"Name": "Contoso"})
    deals = [floor.deal(Name=f"Deal {number}", AccountId=account) for number in range(1000)]
    await floor.settle()
    for deal in deals:
        floor.edit(deal, Amount=7)
    floor.later()
    floor.forget()
    found = (await floor.poll()).snapshots
    reads = floor.calls()
    updates = [update(one, write_id=one.id, name="Renamed") for one in found]
    written = await floor.system.update_many(updates)
    assert len(written) == 1000
    assert all(isinstance(one, Snapshot) for one in written.values())
    assert reads <= 4
    assert floor.calls() - reads <= 42


async def test_a_system_touch_without_a_change_of_values_costs_a_read_only(floor: Floor) -> None:
    """salesforce-api.md 10.2: SystemModstamp moves, LastModifiedDate does not."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    await floor.settle()
    floor.org.as_seller.touch("Opportunity", deal)
    floor.later()
    found = (await floor.poll()).snapshots
    assert [one.version for one in found] == [seen.version]


async def test_our_own_write_comes_back_as_ours(floor: Floor) -> None:
    """The echo carries our stamp and our name."""
    deal = floor.deal()
    seen = await floor.firm(deal)
    await floor.settle()
    await floor.write(seen, name="Ours", write_id="w1")
    floor.later()
    echo = (await floor.poll()).snapshots
    assert [(one.stamp, one.touched_by_us) for one in echo] == [("w1", True)]


async def test_a_slow_transaction_in_a_quiet_org_is_still_found(floor: Floor) -> None:
    """The watermark follows quiet time, and stays an overlap behind it."""
    deal = floor.deal()
    await floor.settle()
    for _ in range(20):
        floor.later(60)
        await floor.poll()
    slow = floor.org.open_transaction()
    slow.update("Opportunity", deal, {"Name": "Slow"})
    for _ in range(9):
        floor.later(60)
        assert (await floor.poll()).snapshots == ()
    slow.commit()
    assert await named(floor) == ["Slow"]


async def test_a_burst_long_ago_is_not_read_again_for_ever() -> None:
    """A watermark that stood still would ask for the same rows at every poll."""
    async with opened(poll_page=20) as floor:
        for number in range(50):
            floor.deal(Name=f"Deal {number}")
        await floor.settle()
        for _ in range(40):
            floor.later(60)
            await floor.poll()
        floor.forget()
        assert not (await floor.poll()).more
        assert floor.calls() == 1


# --- deletions -------------------------------------------------------------------------------------


async def after_deletions(floor: Floor) -> tuple[list[Snapshot], list[str]]:
    """What the polls of the next ten minutes bring."""
    found: list[Snapshot] = []
    gone: list[str] = []
    for _ in range(10):
        floor.later(60)
        step = await floor.poll()
        found += step.snapshots
        gone += step.gone
    return found, gone


async def test_a_deleted_deal_is_gone_once(floor: Floor) -> None:
    """INV-15: gone leads to a hold; it is told once."""
    deal, other = floor.deal(), floor.deal()
    floor.contact(deal)
    await floor.settle()
    floor.org.as_seller.delete("Opportunity", deal)
    found, gone = await after_deletions(floor)
    assert set(gone) == {deal}
    assert other not in [one.id for one in found]


async def test_a_deleted_deal_this_process_never_read_is_found_in_the_recycle_bin(floor: Floor) -> None:
    await floor.settle()
    deal = floor.deal(Referral_Identifier__c=REFERRAL)
    floor.org.as_seller.delete("Opportunity", deal)
    stranger = floor.deal(Sync_with_Partner_Center__c=False)
    floor.org.as_seller.delete("Opportunity", stranger)
    _, gone = await after_deletions(floor)
    assert gone == [deal]


async def test_a_deal_deleted_and_brought_back_is_not_gone(floor: Floor) -> None:
    deal = floor.deal()
    await floor.settle()
    floor.org.as_seller.delete("Opportunity", deal)
    floor.org.as_seller.undelete("Opportunity", deal)
    found, gone = await after_deletions(floor)
    assert gone == []
    assert {one.id for one in found} == {deal}


async def test_a_deleted_solution_brings_its_deal_also_after_a_restart(floor: Floor) -> None:
    """The parent is asked of the recycle bin."""
    deal = floor.deal()
    row = floor.solution(deal)
    await floor.settle()
    await floor.restart()
    await floor.settle()
    floor.org.as_seller.delete(SOLUTION, row)
    found, _ = await after_deletions(floor)
    assert [one.values["solutions"] for one in found] == [None]


async def test_a_deleted_role_brings_its_deal_also_after_a_restart(floor: Floor) -> None:
    """Trap 9: nothing in Salesforce knows the parent of a deleted role, so it is learned beforehand."""
    deal = floor.deal()
    _, role = floor.contact(deal)
    await floor.settle()
    await floor.restart()
    floor.later(2000)
    await floor.settle()
    floor.org.as_seller.delete("OpportunityContactRole", role)
    found, _ = await after_deletions(floor)
    assert [one.id for one in found] == [deal]


async def test_deletions_are_asked_for_every_five_minutes_in_the_same_call(floor: Floor) -> None:
    """salesforce-api.md 10.3: not more often."""
    floor.deal()
    await floor.settle()
    await after_deletions(floor)
    floor.forget()
    await after_deletions(floor)
    assert floor.calls() == 10


async def test_a_purged_delete_log_leads_to_reading_everything_open_again(floor: Floor) -> None:
    """salesforce-api.md 10.3: INVALID_REPLICATION_DATE means a full pull."""
    deal = floor.deal()
    await floor.settle()
    floor.later(20 * 86_400)
    await floor.system.find("x")
    found, more = [], True
    for _ in range(5):
        step = await floor.poll()
        found += [one.id for one in step.snapshots]
        more = step.more
    assert deal in found
    assert not more


async def test_a_failed_poll_moves_no_cursor_and_forgets_nothing(floor: Floor) -> None:
    """reliability.md 5: whatever the fault, the change is found afterwards."""
    deal = floor.deal()
    await floor.settle()
    floor.edit(deal, Name="Renamed")
    floor.later()
    for kind in ("drop", "lose", "garble"):
        floor.fault(kind, "/composite")
        with pytest.raises(CosellError) as caught:
            await floor.poll()
        assert isinstance(caught.value, Unavailable)
    assert await named(floor) == ["Renamed"]
