"""The seed: believable deals in every state, the same for the same number."""

from __future__ import annotations

from collections import Counter

from cosell.sandbox.shell.seed.deals import DEALS

from .visitor import Visitor, visiting


async def _states(visitor: Visitor) -> Counter[tuple[str, str, str | None]]:
    deals = (await visitor.get("/control/deals"))["partner_center"]
    return Counter(
        (deal["direction"], deal["substatus"], (deal["microsoft"] or {}).get("substatus")) for deal in deals
    )


async def test_the_seed_shows_deals_in_every_state() -> None:
    async with visiting() as visitor:
        states = await _states(visitor)
        assert states["Incoming", "Pending", None] == 4
        assert states["Outgoing", "Accepted", "Accepted"] == 3
        assert states["Outgoing", "Accepted", "Pending"] == 2
        assert states["Outgoing", "Accepted", "Declined"] == 1
        assert states["Outgoing", "Accepted", None] == 4
        assert states["Incoming", "Declined", None] == 1
        assert states["Incoming", "Expired", None] == 1
        assert states["Outgoing", "Won", "Accepted"] == 1
        assert states["Outgoing", "Lost", None] == 1


async def test_the_answer_of_microsoft_brought_its_id() -> None:
    async with visiting() as visitor:
        deals = (await visitor.get("/control/deals"))["partner_center"]
        accepted = [d for d in deals if (d["microsoft"] or {}).get("substatus") == "Accepted"]
        assert accepted
        assert all(deal["msx_id"] for deal in accepted)


async def test_linked_records_name_each_other_and_agree() -> None:
    """product.md M-01 to M-05, M-08, M-17, M-18, M-20: equal on both sides."""
    async with visiting() as visitor:
        found = await visitor.get("/control/deals")
        linked = [one for one in found["salesforce"] if one["referral_id"]]
        assert len(linked) == 7
        for one in linked:
            deal = await visitor.get(f"/control/partner_center/referrals/{one['referral_id']}")
            full = await visitor.get(f"/control/salesforce/opportunities/{one['id']}")
            assert deal["external_reference_id"] == one["id"]
            assert (deal["name"], deal["value"], deal["currency"]) == (
                one["name"],
                one["amount"],
                one["currency"],
            )
            assert (deal["close_date"], deal["visible"]) == (one["close_date"], one["visible"])
            assert (deal["customer"], deal["country"]) == (one["account"], one["country"])
            assert deal["ours"]["details"]["notes"] == full["description"]
            assert sorted(deal["solutions"]) == sorted(one["solutions"])
            assert full["microsoft_crm_id"] == deal["msx_id"]
            contacts = {person["email"] for person in deal["ours"]["customerProfile"]["team"]}
            assert contacts == {role["person"]["Email"] for role in full["contacts"]}
            team = {f"{person['firstName']} {person['lastName']}" for person in deal["ours"]["team"]}
            assert team == {member["user"] for member in full["team"]}
            assert (deal["substatus"] == "Won") == one["won"]


async def test_some_opportunities_are_ready_some_are_off_and_one_is_incomplete() -> None:
    """product.md TRB-3.2: the creation gate has something to stop."""
    async with visiting() as visitor:
        rows = (await visitor.get("/control/deals"))["salesforce"]
        unlinked = [row for row in rows if not row["referral_id"]]
        on = [row for row in unlinked if row["sync"]]
        assert len([row for row in unlinked if not row["sync"]]) == 3
        incomplete = [row for row in on if not row["country"]]
        assert [row["name"] for row in incomplete] == ["Berth planning"]
        full = await visitor.get(f"/control/salesforce/opportunities/{incomplete[0]['id']}")
        assert full["help"]
        assert full["contacts"] == []
        ready = [row for row in on if row["country"]]
        assert len(ready) == 3
        for row in ready:
            full = await visitor.get(f"/control/salesforce/opportunities/{row['id']}")
            assert len(row["country"]) == 2
            assert row["solutions"]
            assert row["amount"] > 0
            assert full["team"]
            primary = next(role for role in full["contacts"] if role["IsPrimary"])
            assert all(primary["person"][name] for name in ("FirstName", "LastName", "Email", "Phone"))


async def test_the_same_number_plants_the_same_figures_and_another_number_others() -> None:
    seen = []
    for seed in (7, 7, 8):
        async with visiting(seed=seed) as visitor:
            deals = (await visitor.get("/control/deals"))["partner_center"]
            seen.append(sorted((deal["id"], deal["name"], deal["value"]) for deal in deals))
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]
    assert [name for _, name, _ in seen[0]] != []


async def test_an_empty_sandbox_has_no_deals() -> None:
    async with visiting(empty=True) as visitor:
        deals = await visitor.get("/control/deals")
        assert deals == {"partner_center": [], "salesforce": [], "partner_center_2": [], "dataverse": []}


async def test_customers_come_from_many_countries_in_their_own_letters() -> None:
    customers = {deal.customer for deal in DEALS}
    assert {"NL", "DE", "US", "JP", "KR", "BR"} <= {one.country for one in customers}
    assert sum(not one.name.isascii() for one in customers) >= 8
    assert len({deal.currency for deal in DEALS}) >= 8


async def test_the_seed_causes_no_calls_and_no_events() -> None:
    async with visiting() as visitor:
        assert (await visitor.get("/control/calls"))["total"] == 0
        assert (await visitor.get("/control/events"))["last"] == []
