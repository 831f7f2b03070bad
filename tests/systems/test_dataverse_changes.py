"""What the looks at Dynamics 365 bring: dataverse-api.md 4, INV-21."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from cosell.core.errors import CosellError, Unavailable
from cosell.systems.dataverse.cursor import parse

from .dynamicsfloor import ANNA, BORIS, REFERRAL, Floor, opened, stored

DAYS = 86400.0


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened() as one:
        yield one


@pytest.fixture(params=["change_tracking", "modified_on"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    """A connection that watches by delta links, and one that watches by the time of the last change."""
    async with opened(watcher=request.param) as one:
        yield one


async def named(floor: Floor) -> list[str]:
    """The names of what the next look brings."""
    floor.later()
    return sorted(str(one.values["name"]) for one in (await floor.poll()).snapshots)


async def walked(floor: Floor) -> list[str]:
    """The ids of everything a full look brings, step by step, each step once."""
    found: list[str] = []
    more = True
    while more:
        step = await floor.poll()
        found += [one.id for one in step.snapshots]
        more = step.more
    assert len(found) == len(set(found))
    return sorted(found)


# --- the first look --------------------------------------------------------------------------------


@pytest.mark.parametrize("watcher", ["change_tracking", "modified_on"])
async def test_the_first_look_brings_everything_enrolled_and_open_page_by_page(watcher: str) -> None:
    async with opened(walk_page=2, watcher=watcher) as floor:
        wanted = {floor.deal(name=f"Deal {number}") for number in range(5)}
        linked = floor.deal(cosell_syncwithpartnercenter=False, cosell_referralidentifier=REFERRAL)
        floor.deal(cosell_syncwithpartnercenter=False)
        floor.org.as_seller.win(floor.deal())
        assert await walked(floor) == sorted({*wanted, linked})


async def test_the_first_look_at_a_thousand_deals_costs_a_handful_of_calls(floor: Floor) -> None:
    account = floor.account()
    for number in range(1000):
        floor.deal(customerid=("account", account), name=f"Deal {number}")
    await floor.prepare()
    assert len(await walked(floor)) == 1000
    assert floor.calls() <= 6


async def test_what_changes_during_the_first_look_comes_right_after_it(either: Floor) -> None:
    """INV-21: nothing falls between the pages."""
    floor = either
    floor.system = floor.another(walk_page=2)
    deals = [floor.deal(name=f"Deal {number}") for number in range(5)]
    first = await floor.poll()
    assert first.more
    for one in deals:
        floor.edit(one, name="Renamed")
    floor.later()
    await walked(floor)
    late: set[str] = set()
    for _ in range(4):
        floor.later()
        late |= {one.id for one in (await floor.poll()).snapshots if one.values["name"] == "Renamed"}
    seen = {one.id for one in first.snapshots}
    assert late >= seen


# --- later looks -----------------------------------------------------------------------------------


async def test_an_edit_comes_once_with_a_fresh_complete_read(either: Floor) -> None:
    floor = either
    deal = floor.deal()
    floor.contact(deal)
    await floor.settle()
    floor.edit(deal, name="Renamed")
    floor.later()
    found = await floor.poll()
    assert [(one.id, one.values["name"]) for one in found.snapshots] == [(deal, "Renamed")]
    assert found.snapshots[0].values["contacts"] == (ANNA,)
    assert found.snapshots[0].complete
    assert await named(floor) == []


async def test_a_quiet_look_costs_one_call_for_each_table_watched(floor: Floor) -> None:
    floor.deal()
    await floor.settle()
    floor.forget()
    quiet = await floor.poll()
    assert (quiet.snapshots, quiet.gone, quiet.more) == ((), (), False)
    assert floor.calls() == 3
    assert floor.calls("$batch") == 0


async def test_a_look_that_finds_something_costs_one_call_more(floor: Floor) -> None:
    deals = [floor.deal() for _ in range(20)]
    await floor.settle()
    for one in deals:
        floor.edit(one, description="news")
    floor.forget()
    assert len((await floor.poll()).snapshots) == 20
    assert floor.calls() == 4


@pytest.mark.parametrize("act", ["add", "correct", "delete"])
async def test_a_change_of_a_solution_brings_its_deal(floor: Floor, act: str) -> None:
    """FLW-D09, SCN-11: a child row does not move the opportunity's version."""
    seller, table = floor.org.as_seller, "cosell_opportunitysolution"
    deal = floor.deal()
    row = floor.solution(deal)
    await floor.settle()
    acts: dict[str, Any] = {
        "add": lambda: floor.solution(deal, "SOL-2-BBB"),
        "correct": lambda: seller.update(table, row, {"cosell_quantity": 7}),
        "delete": lambda: seller.delete(table, row),
    }
    acts[act]()
    floor.later()
    found = await floor.poll()
    assert [one.id for one in found.snapshots] == [deal]
    assert found.gone == ()


async def test_a_solution_deleted_while_the_connector_was_away_brings_its_deal(floor: Floor) -> None:
    """A deleted row tells nothing but its id: then everything open is looked at once more."""
    deal = floor.deal()
    row = floor.solution(deal)
    await floor.settle()
    floor.org.as_seller.delete("cosell_opportunitysolution", row)
    floor.restart()
    assert await walked(floor) == [deal]
    assert await named(floor) == []


async def test_after_a_restart_a_deleted_solution_is_still_told_apart(floor: Floor) -> None:
    deal, other = floor.deal(), floor.deal()
    row = floor.solution(deal)
    await floor.settle()
    floor.restart()
    await floor.poll()
    floor.org.as_seller.delete("cosell_opportunitysolution", row)
    floor.later()
    found = await floor.poll()
    assert [one.id for one in found.snapshots] == [deal]
    assert other not in found.gone


async def test_a_deleted_deal_is_gone(floor: Floor) -> None:
    deal = floor.deal()
    floor.solution(deal)
    await floor.settle()
    floor.org.as_seller.delete("opportunity", deal)
    floor.later()
    found = await floor.poll()
    assert (found.snapshots, found.gone) == ((), (deal,))


async def test_deals_of_nobodys_concern_are_not_reported(either: Floor) -> None:
    floor = either
    await floor.settle()
    floor.solution(floor.deal(cosell_syncwithpartnercenter=False))
    linked = floor.deal(cosell_syncwithpartnercenter=False, cosell_referralidentifier=REFERRAL)
    floor.later()
    found = await floor.poll()
    assert [(one.id, one.enrolled) for one in found.snapshots] == [(linked, False)]


async def test_a_deal_that_left_the_sync_is_reported_once_more(floor: Floor) -> None:
    """The link has to learn that it is paused, even where the referral's id was taken away too."""
    deal = floor.deal(cosell_referralidentifier=REFERRAL)
    await floor.settle()
    floor.edit(deal, cosell_syncwithpartnercenter=False, cosell_referralidentifier=None)
    floor.later()
    (seen,) = (await floor.poll()).snapshots
    assert (seen.id, seen.enrolled, seen.partner_id) == (deal, False, None)


async def test_closing_is_seen(either: Floor) -> None:
    """M-06: the seller wins a deal."""
    floor = either
    deal = floor.deal()
    await floor.settle()
    floor.org.as_seller.win(deal)
    floor.later()
    assert [one.id for one in (await floor.poll()).snapshots] == [deal]


async def test_thousands_of_changes_come_completely(either: Floor) -> None:
    """INV-21: over pages, each deal once."""
    floor = either
    floor.settings.largest_page = 50
    floor.system = floor.another(walk_page=50)
    await floor.settle()
    account = floor.account()
    wanted = {floor.deal(customerid=("account", account)) for _ in range(260)}
    floor.later()
    assert set(await walked(floor)) == wanted


async def test_another_process_goes_on_from_the_cursor_in_the_middle_of_its_pages(either: Floor) -> None:
    """INV-9: nothing that matters is in memory only."""
    floor = either
    floor.settings.largest_page = 3
    await floor.settle()
    wanted = {floor.deal(name=f"Deal {number}") for number in range(8)}
    floor.later()
    first = await floor.poll()
    assert first.more
    floor.restart()
    rest = await walked(floor)
    assert {one.id for one in first.snapshots} | set(rest) >= wanted


async def test_a_report_whose_cursor_was_never_kept_is_made_again(either: Floor) -> None:
    """INV-21: what is remembered as reported hangs on the cursor answered with it."""
    floor = either
    deal = floor.deal()
    await floor.settle()
    kept = floor.cursor
    floor.edit(deal, name="Renamed")
    assert await named(floor) == ["Renamed"]
    floor.cursor = kept
    assert await named(floor) == ["Renamed"]
    assert await named(floor) == []


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", '{"v":2}', '{"v":1,"d":[]}', "null"])
async def test_a_cursor_nobody_can_read_begins_anew(floor: Floor, cursor: str) -> None:
    """INV-24: reading too much is safe, too little is not."""
    deal = floor.deal()
    assert parse(cursor).walk
    assert [one.id for one in (await floor.system.changes(cursor)).snapshots] == [deal]


@pytest.mark.parametrize("kind", ["primary contact", "connected contact", "account", "new connection"])
async def test_an_edit_around_a_deal_brings_it_where_the_settings_say_so(kind: str) -> None:
    """M-11 to M-15: rows of others do not move the opportunity's version."""
    async with opened(watch_people=True, connections=True) as floor:
        seller = floor.org.as_seller
        deal = floor.deal()
        primary, boris = floor.contact(deal), floor.contact(None, BORIS)
        tie = {"record1id": ("opportunity", deal), "record2id": ("contact", boris)}
        seller.create("connection", tie)
        floor.deal()
        floor.contact(floor.deal(cosell_syncwithpartnercenter=False))
        await floor.settle()
        ines = next(one["systemuserid"] for one in floor.rows("systemuser") if one["firstname"] == "Ines")
        acts: dict[str, Any] = {
            "primary contact": lambda: seller.update("contact", primary, {"telephone1": "+1"}),
            "connected contact": lambda: seller.update("contact", boris, {"telephone1": "+1"}),
            "account": lambda: seller.update(
                "account", floor.row(deal)["customerid"][1], {"address1_city": "Delft"}
            ),
            "new connection": lambda: seller.create("connection", {**tie, "record2id": ("systemuser", ines)}),
        }
        acts[kind]()
        floor.later()
        assert [one.id for one in (await floor.poll()).snapshots] == [deal]
        assert await named(floor) == []


async def test_by_default_the_edit_of_a_contact_comes_with_the_next_change(floor: Floor) -> None:
    deal = floor.deal()
    contact = floor.contact(deal)
    await floor.settle()
    floor.org.as_seller.update("contact", contact, {"telephone1": "+1"})
    floor.later()
    assert (await floor.poll()).snapshots == ()


# --- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 410])
async def test_an_expired_link_leads_to_a_full_look_that_misses_nothing(floor: Floor, status: int) -> None:
    """dataverse-api.md trap 6: what was closed meanwhile is reported too."""
    floor.settings.expired_token_status = status
    quiet, edited, closed = floor.deal(), floor.deal(), floor.deal()
    old = floor.deal()
    floor.org.as_seller.win(old)
    await floor.settle()
    floor.later(DAYS)
    await floor.poll()
    floor.later(3600)
    floor.edit(edited, name="Renamed")
    floor.org.as_seller.lose(closed)
    floor.later(8 * DAYS)
    assert await walked(floor) == sorted((quiet, edited, closed))
    assert await named(floor) == []
    floor.edit(quiet, name="Later")
    assert await named(floor) == ["Later"]


async def test_a_column_that_was_renamed_makes_the_watch_begin_anew(floor: Floor) -> None:
    """A link tells the columns it was made with; one that is gone would be refused for ever."""
    deal = floor.deal(cosell_referralidentifier=REFERRAL)
    await floor.settle()
    floor.org.schema.rename_column("opportunity", "cosell_referralidentifier", "cosell_newreferral")
    names = floor.options.fields
    floor.restart(fields=replace(names, referral_id="cosell_newreferral"))
    assert await walked(floor) == [deal]


async def test_settings_changed_in_the_middle_of_a_full_look_do_not_make_it_endless(floor: Floor) -> None:
    floor.settings.largest_page = 2
    for number in range(5):
        floor.lead(cosell_referralidentifier=f"r-{number}")
    deal = floor.deal()
    assert (await floor.poll()).more
    floor.restart(leads=False)
    await walked(floor)
    floor.edit(deal, name="Renamed")
    assert await named(floor) == ["Renamed"]


async def test_trouble_with_one_table_reports_nothing_and_loses_nothing(floor: Floor) -> None:
    deal = floor.deal()
    await floor.settle()
    floor.edit(deal, name="Renamed")
    floor.fault("drop", "cosell_opportunitysolutions")
    with pytest.raises(Unavailable):
        await floor.poll()
    assert await named(floor) == ["Renamed"]


async def test_a_table_that_may_not_be_read_as_a_whole_is_named(floor: Floor) -> None:
    """dataverse-api.md trap 5: change tracking wants organization-level read."""
    floor.settings.limited_read = frozenset({"opportunity"})
    with pytest.raises(CosellError) as why:
        await floor.poll()
    assert "prvReadOpportunity" in f"{why.value.message} {why.value.detail}"


async def test_without_change_tracking_a_table_is_watched_by_the_time_of_change(floor: Floor) -> None:
    """dataverse-api.md 4.4, the declared fallback."""
    floor.org.schema.table("opportunity").change_tracking = False
    deal = floor.deal()
    await floor.settle()
    floor.edit(deal, name="Renamed")
    assert await named(floor) == ["Renamed"]


async def test_the_last_write_of_ours_comes_back_as_it_was_answered(floor: Floor) -> None:
    """Idea 3: no echo filter; the engine sees that nothing differs."""
    deal = floor.deal()
    await floor.settle()
    after = stored(await floor.write(await floor.read(deal), notes="by us"))
    floor.later()
    assert (await floor.poll()).snapshots == (after,)
