"""What changed, told once, and never passed over (INV-21)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from cosell.core.errors import Unavailable
from cosell.core.records import Snapshot
from cosell.ports import Changes, Creation
from cosell.sandbox.frame import Answer
from tests.sandbox.microsoft import example, private_deal
from tests.systems.office import (
    Answers,
    Office,
    Script,
    always,
    deal,
    listing,
    office,
    referral,
    scripted,
)


@pytest.fixture
async def pc() -> AsyncIterator[Office]:
    async with office() as made:
        yield made


async def from_the_start(pc: Office) -> tuple[dict[str, Snapshot], str]:
    """Everything the first look tells, and the cursor behind it."""
    found: dict[str, Snapshot] = {}
    changes = await pc.system.changes(None)
    while True:
        found.update((one.id, one) for one in changes.snapshots)
        if not changes.more:
            return found, changes.cursor
        changes = await pc.system.changes(changes.cursor)


async def news(pc: Office, cursor: str) -> tuple[dict[str, Snapshot], str]:
    changes = await pc.system.changes(cursor)
    assert not changes.more
    ids = [one.id for one in changes.snapshots]
    assert len(ids) == len(set(ids))
    return {one.id: one for one in changes.snapshots}, changes.cursor


async def test_the_first_look_tells_everything_open_and_nothing_closed(pc: Office) -> None:
    private = await pc.microsoft.post(private_deal())
    closed = await pc.microsoft.post(private_deal())
    pc.microsoft.partner_center.referrals.close(closed["id"], substatus="Lost")
    inbound = pc.microsoft.partner_center.referrals.create_inbound(private_deal(type="Shared"))
    shared = await pc.cosell()
    found, _ = await from_the_start(pc)
    assert {private["id"], inbound["id"], shared.id} <= found.keys()
    assert closed["id"] not in found
    assert found[private["id"]].complete
    assert not found[inbound["id"]].complete


async def test_the_first_look_comes_in_pieces_and_can_be_taken_up_by_another_process() -> None:
    """Memory stays bounded however many deals there are."""
    async with office(pages_at_once=1, top=3) as pc:
        pc.microsoft.partner_center.switches.page_size = 3
        made = {(await pc.microsoft.post(private_deal()))["id"] for _ in range(10)}
        found: set[str] = set()
        changes = await pc.system.changes(None)
        pieces = 1
        while changes.more:
            assert len(changes.snapshots) <= 3
            found |= {one.id for one in changes.snapshots}
            other = pc.newcomer(pages_at_once=1, top=3).system
            changes = await other.changes(changes.cursor)
            pieces += 1
        found |= {one.id for one in changes.snapshots}
        assert found == made
        assert pieces == 5


async def test_a_place_in_the_first_look_that_is_not_known_any_more_begins_anew(pc: Office) -> None:
    """Partner-center-api.md 2.1: how long a skip token lives is unknown."""
    made = await pc.microsoft.post(private_deal())
    lost = orjson.dumps({"at": 1.0, "n": 3, "rest": ["Active"], "follow": "$skiptoken=gone"}).decode()
    changes = await pc.system.changes(lost)
    while changes.more:
        changes = await pc.system.changes(changes.cursor)
    assert [one.id for one in changes.snapshots] == [made["id"]]


@pytest.mark.parametrize(
    "cursor", ["", "x", "[]", "{}", '{"at":"soon"}', '{"at":1e300}', '{"at":-1}', "null"]
)
async def test_a_cursor_nobody_can_read_begins_anew(pc: Office, cursor: str) -> None:
    made = await pc.microsoft.post(private_deal())
    changes = await pc.system.changes(cursor)
    while changes.more:
        changes = await pc.system.changes(changes.cursor)
    assert [one.id for one in changes.snapshots] == [made["id"]]


async def test_a_change_is_told_once_and_a_quiet_poll_is_one_call(pc: Office) -> None:
    made = await pc.microsoft.post(private_deal())
    _, cursor = await from_the_start(pc)
    _, cursor = await news(pc, cursor)
    pc.edit(made["id"], details__dealValue=77)
    found, cursor = await news(pc, cursor)
    assert found[made["id"]].values["deal_value"] == Decimal(77)
    assert found[made["id"]].complete
    for _ in range(3):
        pc.forget_calls()
        found, cursor = await news(pc, cursor)
        assert not found
        assert pc.calls() == 1


async def test_a_change_is_told_again_until_its_cursor_comes_back(pc: Office) -> None:
    """The cursor is kept only after everything above is durable; until then nothing counts as told."""
    made = await pc.microsoft.post(private_deal())
    _, cursor = await from_the_start(pc)
    pc.edit(made["id"], details__dealValue=77)
    for _ in range(3):
        found, following = await news(pc, cursor)
        assert made["id"] in found
    found, _ = await news(pc, following)
    assert not found


async def test_our_own_write_is_no_news_to_us(pc: Office) -> None:
    """INV-4: the answer of the write told it already."""
    made = await pc.system.create(Creation("w", "006A", deal()))
    _, cursor = await from_the_start(pc)
    _, cursor = await news(pc, cursor)
    assert isinstance(await pc.write(made, notes="ours"), Snapshot)
    found, cursor = await news(pc, cursor)
    assert not found
    pc.edit(made.id, details__notes="theirs")
    found, _ = await news(pc, cursor)
    assert found[made.id].values["notes"] == "theirs"


async def test_a_write_without_version_is_told_for_what_may_have_slipped_in_between(pc: Office) -> None:
    """INV-2."""
    made = await pc.system.create(Creation("w", "006A", deal()))
    _, cursor = await from_the_start(pc)
    _, cursor = await news(pc, cursor)
    pc.edit(made.id, details__notes="theirs")
    assert isinstance(await pc.write(made, deal_value=Decimal(5), guard=False), Snapshot)
    found, _ = await news(pc, cursor)
    assert found[made.id].values["notes"] == "theirs"


async def test_microsofts_answer_is_told_under_microsofts_id_where_ours_did_not_change(pc: Office) -> None:
    made = await pc.cosell()
    _, cursor = await from_the_start(pc)
    _, cursor = await news(pc, cursor)
    pc.microsoft.partner_center.referrals.microsoft_accepts(made.id)
    found, _ = await news(pc, cursor)
    (snapshot,) = found.values()
    assert snapshot.microsoft_id == made.microsoft_id
    assert snapshot.engagement_id == made.engagement_id
    assert snapshot.values["microsoft_state"] == "active"


async def test_both_halves_on_one_page_are_one_complete_snapshot(pc: Office) -> None:
    made = await pc.cosell()
    newcomer = pc.newcomer().system
    cursor = orjson.dumps({"at": pc.clock.now() - 60}).decode()
    changes = await newcomer.changes(cursor)
    (snapshot,) = changes.snapshots
    assert (snapshot.id, snapshot.microsoft_id, snapshot.complete) == (made.id, made.microsoft_id, True)


async def test_the_page_size_is_the_servers_to_choose() -> None:
    """Partner-center-api.md 2.1: a cap of 100 is tolerated."""
    async with office() as pc:
        pc.microsoft.partner_center.switches.top_cap = 5
        made = {(await pc.microsoft.post(private_deal()))["id"] for _ in range(12)}
        found, cursor = await from_the_start(pc)
        assert found.keys() == made
        for one in made:
            pc.edit(one, details__dealValue=7)
        found, _ = await news(pc, cursor)
        assert found.keys() == made


@pytest.mark.parametrize("link", ["documented", "good", "foreign"])
@pytest.mark.parametrize("paging", ["key", "offset"])
async def test_next_links_are_rebuilt_on_our_own_base_whatever_they_say(link: Any, paging: Any) -> None:
    """Partner-center-api.md 2.1, trap 8: never send the token anywhere else."""
    async with office() as pc:
        switches = pc.microsoft.partner_center.switches
        switches.next_link, switches.paging, switches.page_size, switches.top_cap = link, paging, 4, 4
        made = {(await pc.microsoft.post(private_deal()))["id"] for _ in range(11)}
        found, _ = await from_the_start(pc)
        assert found.keys() == made


async def test_a_filter_that_is_not_understood_is_tried_once_and_done_without() -> None:
    """Partner-center-api.md 12: `ge` on updatedDateTime."""
    async with office(top=3) as pc:
        pc.microsoft.partner_center.switches.filter_comparisons = False
        made = [(await pc.microsoft.post(private_deal()))["id"] for _ in range(10)]
        _, cursor = await from_the_start(pc)
        _, cursor = await news(pc, cursor)
        for one in made[:4]:
            pc.edit(one, details__dealValue=7)
        found, cursor = await news(pc, cursor)
        assert found.keys() == set(made[:4])
        pc.forget_calls()
        found, cursor = await news(pc, cursor)
        assert (found, pc.calls()) == ({}, 1)


# --- a list by hand --------------------------------------------------------------------------------

START = 1_790_000_000.0


class Table:
    """A list of referrals with the few query options a poll uses."""

    def __init__(self, *, page: int = 2, ge: str = "works", date: bool = False) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.page, self.ge, self.date = page, ge, date

    def put(self, number: int, at: str, **changes: Any) -> str:
        row = referral(number, updatedDateTime=at, eTag=f'"{at}{changes}"', **changes)
        self.rows[row["id"]] = row
        return str(row["id"])

    def __call__(self, method: str, path: str, sent: bytes) -> Answer:
        asked = {key: value[0] for key, value in parse_qs(path.partition("?")[2]).items()}
        rows = sorted(self.rows.values(), key=lambda row: str(row["updatedDateTime"]), reverse=True)
        where = asked.get("$filter", "")
        if "status eq" in where:
            rows = [row for row in rows if row["status"] in where]
        elif " ge " in where and self.ge == "works":
            rows = [row for row in rows if row["updatedDateTime"] >= where.rpartition(" ")[2]]
        elif " ge " in where and self.ge == "nothing":
            rows = []
        start = int(asked.get("$skiptoken", 0))
        follow = None
        if len(rows) > start + self.page:
            query = path.partition("?")[2].partition("&$skiptoken")[0]
            follow = f"http://wrong.host/v0?{query}&$skiptoken={start + self.page}"
        headers = {"date": "Mon, 21 Sep 2026 14:13:20 GMT"} if self.date else {}
        return Answer(200, orjson.dumps(listing(rows[start : start + self.page], follow)), headers)


def table_system(table: Answers, **changes: Any) -> tuple[Any, Script, Any]:
    system, script = scripted(table, **changes)
    clock: Any = system._clock
    clock.wall = START
    return system, script, clock


def ids(changes: Changes) -> set[str]:
    return {one.id for one in changes.snapshots}


async def test_a_record_that_becomes_visible_late_is_found_within_the_overlap() -> None:
    """INV-21: a cursor never passes a slow transaction."""
    table = Table(page=50)
    system, _, clock = table_system(table)
    table.put(1, "2026-09-21T14:00:00Z")
    changes = await system.changes((await system.changes(orjson.dumps({"at": START - 3600}).decode())).cursor)
    late = table.put(2, "2026-09-21T13:50:00Z")
    clock.offset += 61
    changes = await system.changes(changes.cursor)
    assert ids(changes) == {late}
    assert not ids(await system.changes(changes.cursor))


async def test_news_far_down_the_list_is_found_by_the_deep_look() -> None:
    """A quick look ends at the first page without news; the deep one a minute later does not."""
    table = Table(page=2)
    system, script, clock = table_system(table)
    for number in range(1, 9):
        table.put(number, f"2026-09-21T14:0{number}:00Z")
    changes = await system.changes(orjson.dumps({"at": START - 3600}).decode())
    assert len(ids(changes)) == 8
    late = table.put(20, "2026-09-21T14:01:30Z")
    script.asked.clear()
    changes = await system.changes(changes.cursor)
    assert not ids(changes)
    assert len(script.asked) == 1
    clock.offset += 61
    assert ids(await system.changes(changes.cursor)) == {late}


async def test_news_is_complete_although_the_known_half_of_its_deal_lies_pages_further_down() -> None:
    """The deep look keeps of what it knows what belongs to the news, and nothing else."""
    table = Table(page=2)
    system, _, clock = table_system(table)
    shared = {"type": "Shared", "engagementId": "e0000000-0000-4000-8000-000000000001"}
    ours = table.put(1, "2026-09-21T14:01:00Z", **shared)
    microsofts = table.put(2, "2026-09-21T14:02:00Z", organizationId="msft", **shared)
    for number in range(3, 9):
        table.put(number, f"2026-09-21T14:0{number}:00Z")
    changes = await system.changes(orjson.dumps({"at": START - 3600}).decode())
    table.put(1, "2026-09-21T14:09:00Z", details__dealValue=7, **shared)
    clock.offset += 61
    (found,) = (await system.changes(changes.cursor)).snapshots
    assert (found.id, found.microsoft_id, found.complete) == (ours, microsofts, True)


@pytest.mark.parametrize("ge", ["works", "ignored", "nothing"])
async def test_a_filter_is_believed_only_where_it_shows_the_newest_change(ge: str) -> None:
    """A service that takes an unknown filter in silence must not make us blind."""
    table = Table(page=2, ge=ge)
    system, _, _ = table_system(table)
    old = table.put(1, "2026-09-01T10:00:00Z")
    fresh = {table.put(number, f"2026-09-21T14:0{number}:00Z") for number in range(2, 7)}
    changes = await system.changes(orjson.dumps({"at": START - 1200}).decode())
    assert fresh <= ids(changes) <= fresh | {old}


async def test_the_cursor_follows_the_clock_of_the_server() -> None:
    table = Table(date=True)
    system, _, clock = table_system(table)
    table.put(1, "2026-09-01T10:00:00Z")
    changes = await system.changes(orjson.dumps({"at": START - 86_400}).decode())
    assert orjson.loads(changes.cursor)["at"] == 1_790_000_000.0
    clock.wall += 1_000_000
    changes = await system.changes(changes.cursor)
    assert orjson.loads(changes.cursor)["at"] <= START


async def test_a_change_from_the_year_9999_does_not_hide_the_changes_of_today() -> None:
    """Reliability.md 8.2: dates."""
    table = Table(page=50)
    system, _, clock = table_system(table)
    table.put(1, "9999-12-31T23:59:59Z")
    changes = await system.changes(orjson.dumps({"at": START - 60}).decode())
    today = table.put(2, "2026-09-21T14:13:20Z")
    clock.offset += 61
    assert today in ids(await system.changes(changes.cursor))


async def test_without_a_date_header_the_overlap_still_passes_by() -> None:
    table = Table(page=1)
    system, script, clock = table_system(table)
    for number in range(1, 6):
        table.put(number, f"2026-09-21T14:0{number}:00Z")
    changes = await system.changes(orjson.dumps({"at": START - 3600}).decode())
    clock.offset += 2000
    clock.wall += 2000
    changes = await system.changes(changes.cursor)
    script.asked.clear()
    clock.offset += 61
    await system.changes(changes.cursor)
    assert len(script.asked) == 1


async def test_a_list_that_repeats_itself_is_nonsense_and_moves_no_cursor() -> None:
    """Reliability.md 8.2: nextLink to itself, for ever."""
    endless = iter(range(10_000))

    def itself(*_: object) -> Answer:
        return always(200, listing([], "https://x/?$skiptoken=same"))("", "", b"")

    def for_ever(*_: object) -> Answer:
        return always(200, listing([], f"https://x/?$skiptoken={next(endless)}"))("", "", b"")

    for answer in (itself, for_ever):
        system, script, _ = table_system(answer, max_pages=7, try_filters=False)
        with pytest.raises(Unavailable):
            await system.changes(orjson.dumps({"at": START}).decode())
        assert len(script.asked) <= 7


async def test_the_same_id_twice_on_a_page_is_one_snapshot() -> None:
    """Reliability.md 8.2: duplicate ids in a page."""
    rows = [referral(1), referral(1), {**referral(1), "name": "Older"}]
    system, _, _ = table_system(always(200, listing(rows)), try_filters=False)
    changes = await system.changes(orjson.dumps({"at": 1_700_000_000}).decode())
    assert [one.values["name"] for one in changes.snapshots] == ["Warehouse programme"]


async def test_leads_are_told_as_leads() -> None:
    """ENV-S07."""
    rows = [example("example-lead-marketplace"), example("example-lead-qualified")]
    system, _, _ = table_system(always(200, listing(rows)), try_filters=False)
    changes = await system.changes(orjson.dumps({"at": 1_700_000_000}).decode())
    assert {one.facts["kind"]: one.enrolled for one in changes.snapshots} == {
        "marketplace_lead": False,
        "lead": False,
    }
