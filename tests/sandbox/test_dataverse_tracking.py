"""Change tracking (dataverse-api.md 4.1)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from random import Random

import pytest

from cosell.sandbox.dataverse import DataverseError
from cosell.sandbox.dataverse.transactions import Deeds, SlowTransaction

from .dynamics import DEAL, Dynamics, Json

TRACK = {"Prefer": "odata.track-changes"}


def names(rows: list[Json]) -> list[str]:
    return [row["name"] for row in rows if "name" in row]


def tombstones(rows: list[Json]) -> list[str]:
    return [row["id"] for row in rows if row.get("reason") == "deleted"]


async def test_the_first_read_is_the_whole_table_and_ends_in_a_delta_link(dynamics: Dynamics) -> None:
    for number in range(3):
        await dynamics.deal(name=f"Deal {number}")
    reply = await dynamics.get("opportunities", select="name", headers=TRACK)
    assert sorted(names(reply.rows)) == ["Deal 0", "Deal 1", "Deal 2"]
    assert reply.json["@odata.context"] == f"{dynamics.root}/$metadata#opportunities(name)"
    link = reply.json["@odata.deltaLink"]
    assert link.startswith(f"{dynamics.root}/opportunities?$select=name&$deltatoken=")
    assert "%21" in link
    assert "%2f" in link
    assert reply.headers["Preference-Applied"] == "odata.track-changes"


async def test_pages_carry_the_tracking_in_their_links_and_the_last_the_delta_link(
    dynamics: Dynamics,
) -> None:
    for number in range(5):
        await dynamics.deal(name=f"Deal {number}")
    size = "odata.maxpagesize=2"
    reply = await dynamics.get(
        "opportunities", select="name", headers={"Prefer": f"odata.track-changes,{size}"}
    )
    seen = names(reply.rows)
    await dynamics.deal(name="Came meanwhile")
    while "@odata.deltaLink" not in reply.json:
        link = reply.json["@odata.nextLink"]
        assert "istracking=%22True%22" in link
        reply = await dynamics.call("GET", link, headers={"Prefer": size})
        seen += names(reply.rows)
    assert {f"Deal {number}" for number in range(5)} <= set(seen)
    rows, _ = await dynamics.changes(reply.json["@odata.deltaLink"])
    assert names(rows) == ["Came meanwhile"]


async def test_a_delta_mixes_rows_by_version_and_tombstones_after_them(dynamics: Dynamics) -> None:
    ids = [await dynamics.deal(name=f"Deal {number}") for number in range(3)]
    _, link = await dynamics.tracked(select="name")
    await dynamics.call("DELETE", f"opportunities({ids[0]})")
    brief = await dynamics.deal(name="Brief")
    await dynamics.call("DELETE", f"opportunities({brief})")
    await dynamics.deal(name="New")
    await dynamics.patch(f"opportunities({ids[1]})", {"name": "Once"})
    await dynamics.patch(f"opportunities({ids[1]})", {"name": "Twice"})
    reply = await dynamics.call("GET", link)
    assert reply.json["@odata.context"] == f"{dynamics.root}/$metadata#opportunities(name)/$delta"
    assert names(reply.rows) == ["New", "Twice"]
    assert tombstones(reply.rows) == [ids[0], brief]
    [first, *_] = [row for row in reply.rows if "reason" in row]
    assert first == {
        "@odata.context": f"{dynamics.root}/$metadata#opportunities/$deletedEntity",
        "id": ids[0],
        "reason": "deleted",
    }
    assert all("@odata.etag" in row for row in reply.rows if "reason" not in row)
    count = link.replace("/opportunities?", "/opportunities/$count?")
    assert (await dynamics.call("GET", count)).raw == b"4"


async def test_an_empty_delta_brings_a_fresh_link(dynamics: Dynamics) -> None:
    await dynamics.deal()
    _, link = await dynamics.tracked(select="name")
    dynamics.frame.clock.advance(3600)
    rows, again = await dynamics.changes(link)
    assert rows == []
    assert again != link
    await dynamics.deal(name="New")
    for one in (link, again):
        assert names((await dynamics.changes(one))[0]) == ["New"]


async def test_a_delta_is_paged_without_losing_what_changes_meanwhile(dynamics: Dynamics) -> None:
    ids = [await dynamics.deal(name=f"Deal {number}") for number in range(4)]
    _, link = await dynamics.tracked(select="name")
    for row_id in ids[:3]:
        await dynamics.patch(f"opportunities({row_id})", {"name": "Changed"})
    await dynamics.call("DELETE", f"opportunities({ids[3]})")
    size = {"Prefer": "odata.maxpagesize=1"}
    reply = await dynamics.call("GET", link, headers=size)
    seen = [*reply.rows]
    await dynamics.patch(f"opportunities({ids[2]})", {"name": "Meanwhile"})
    while next_link := reply.json.get("@odata.nextLink"):
        assert "@odata.deltaLink" not in reply.json
        reply = await dynamics.call("GET", next_link, headers=size)
        seen += reply.rows
    rows, _ = await dynamics.changes(reply.json["@odata.deltaLink"])
    assert tombstones(seen) == [ids[3]]
    assert names(rows) == ["Meanwhile"]
    assert {row["opportunityid"] for row in [*seen, *rows] if "name" in row} == set(ids[:3])


async def test_cascades_show_as_changes_and_tombstones(dynamics: Dynamics) -> None:
    account = await dynamics.create("accounts", name="Contoso")
    theirs = await dynamics.deal(**{"customerid_account@odata.bind": f"/accounts({account})"})
    await dynamics.deal(name="Unlinked", **{"parentaccountid@odata.bind": f"/accounts({account})"})
    _, link = await dynamics.tracked(select="name")
    await dynamics.call("DELETE", f"accounts({account})")
    rows, _ = await dynamics.changes(link)
    assert names(rows) == ["Unlinked"]
    assert tombstones(rows) == [theirs]


async def test_closing_and_reopening_are_changes(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    _, link = await dynamics.tracked(select="statecode")
    await dynamics.close("WinOpportunity", deal)
    rows, _ = await dynamics.changes(link)
    assert [row["statecode"] for row in rows] == [1]


async def test_a_refused_request_is_no_change(dynamics: Dynamics) -> None:
    _, link = await dynamics.tracked()
    bad = {**DEAL, "Opportunity_Annotation": [{"subject": "x" * 501}]}
    assert (await dynamics.call("POST", "opportunities", bad)).status == 400
    assert (await dynamics.changes(link))[0] == []


@pytest.mark.parametrize("way", ["switch", "schema"])
async def test_a_table_that_is_not_tracked_says_so(dynamics: Dynamics, way: str) -> None:
    if way == "switch":
        dynamics.org.settings.untracked_tables = frozenset({"opportunity"})
    else:
        dynamics.org.schema.table("opportunity").change_tracking = False
    reply = await dynamics.get("opportunities", headers=TRACK)
    assert reply.refusal == (400, "0x80072491")
    assert reply.message == "Entity opportunity isn't enabled for change tracking."


async def test_a_delta_link_takes_no_filter_either(dynamics: Dynamics) -> None:
    _, link = await dynamics.tracked()
    assert (await dynamics.call("GET", f"{link}&$filter=statecode eq 0")).status == 400


@pytest.mark.parametrize("token", ["nonsense", "1", "1!yesterday", "1!13/41/2026 08:10:44", ""])
async def test_a_token_somebody_made_up_is_refused(dynamics: Dynamics, token: str) -> None:
    reply = await dynamics.get("opportunities", deltatoken=token)
    assert reply.refusal == (400, "0x80060888")


async def test_a_token_of_an_environment_that_was_reset_is_expired(dynamics: Dynamics) -> None:
    for _ in range(5):
        await dynamics.deal()
    _, link = await dynamics.tracked()
    dynamics.org.reset()
    assert (await dynamics.call("GET", link)).refusal == (400, "0x80044352")


async def test_a_slow_transaction_is_late_for_a_poll_and_never_lost_to_a_delta(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(name="Before")
    _, link = await dynamics.tracked(select="name")
    slow = dynamics.org.open_transaction()
    slow.update("opportunity", deal, {"name": "Slow"})
    made = slow.create("opportunity", {"name": "Slow too"})
    dynamics.frame.clock.advance(60)
    await dynamics.deal(name="Quick")
    rows, link = await dynamics.changes(link)
    assert "Slow" not in names(rows)
    now = dynamics.frame.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    dynamics.frame.clock.advance(60)
    slow.commit()
    assert await dynamics.names(f"modifiedon ge {now}") == ["Quick"]
    rows, link = await dynamics.changes(link)
    assert {"Slow", "Slow too"} <= set(names(rows))
    assert (await dynamics.row(f"opportunities({made})"))["modifiedon"] < now
    assert (await dynamics.changes(link))[0] == []


async def test_nobody_else_writes_what_a_slow_transaction_holds(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(name="Before")
    with dynamics.org.open_transaction() as slow:
        slow.update("opportunity", deal, {"name": "Slow"})
        held = await dynamics.patch(f"opportunities({deal})", {"name": "Mine"})
        assert held.refusal == (500, "0x80040216")
        assert (await dynamics.row(f"opportunities({deal})"))["name"] == "Before"
        slow.rollback()
    assert (await dynamics.patch(f"opportunities({deal})", {"name": "Mine"})).status == 204


class Replica:
    """A copy of the table that is fed by delta links alone, page after page."""

    def __init__(self, dynamics: Dynamics) -> None:
        self._dynamics = dynamics
        self.rows: dict[str, str] = {}
        self.link = f"{dynamics.root}/opportunities?$select=name"

    async def catch_up(self, meanwhile: Callable[[], None], *, first: bool = False) -> None:
        wishes = "odata.track-changes,odata.maxpagesize=2" if first else "odata.maxpagesize=2"
        reply = await self._dynamics.call("GET", self.link, headers={"Prefer": wishes})
        while True:
            for row in reply.rows:
                if "reason" in row:
                    self.rows.pop(row["id"], None)
                else:
                    self.rows[row["opportunityid"]] = row["@odata.etag"]
            if "@odata.deltaLink" in reply.json:
                self.link = reply.json["@odata.deltaLink"]
                return
            meanwhile()
            size = {"Prefer": "odata.maxpagesize=2"}
            reply = await self._dynamics.call("GET", reply.json["@odata.nextLink"], headers=size)


class Crowd:
    """People who create, change, close, delete and roll back as the dice will."""

    def __init__(self, dynamics: Dynamics, seed: int) -> None:
        self._org, self._dice = dynamics.org, Random(seed)
        self._slow: list[SlowTransaction] = []

    def act(self) -> None:
        deals = [row["opportunityid"] for row in self._org.as_seller.rows("opportunity")]
        if self._slow and self._dice.random() < 0.2:
            slow = self._slow.pop(0)
            (slow.rollback if self._dice.random() < 0.3 else slow.commit)()
        elif len(self._slow) < 2 and self._dice.random() < 0.15:
            self._slow.append(self._org.open_transaction())
        with contextlib.suppress(DataverseError):
            self._deed(self._dice.choice([*deals, None, None]))

    def _deed(self, deal: str | None) -> None:
        several: list[Deeds] = [self._org.as_seller, *self._slow]
        hands = self._dice.choice(several)
        if deal is None:
            hands.create("opportunity", {"name": "New"})
        elif self._dice.random() < 0.3:
            hands.delete("opportunity", deal)
        elif self._dice.random() < 0.3:
            self._org.as_seller.win(deal)
        else:
            hands.update("opportunity", deal, {"name": "Changed"})

    def finish(self) -> None:
        for slow in self._slow:
            with contextlib.suppress(DataverseError):
                slow.commit()


@pytest.mark.parametrize("seed", range(3))
async def test_a_replica_fed_by_deltas_agrees_with_the_table_in_the_end(
    dynamics: Dynamics, seed: int
) -> None:
    """Whatever happens between the polls and within their pages, nothing is lost."""
    replica, crowd = Replica(dynamics), Crowd(dynamics, seed)
    for _ in range(5):
        crowd.act()
    await replica.catch_up(crowd.act, first=True)
    for _ in range(12):
        for _ in range(6):
            crowd.act()
        await replica.catch_up(crowd.act)
    crowd.finish()
    await replica.catch_up(lambda: None)
    truth = (await dynamics.get("opportunities", select="name")).rows
    assert replica.rows == {row["opportunityid"]: row["@odata.etag"] for row in truth}
    assert truth
