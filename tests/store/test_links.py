"""Finding links."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core.records import Hold, Link, LinkState, Pair
from cosell.ports import LinkFilter
from cosell.store import SqlStore
from tests.store.things import CRM, PC, T0, Open, linked, referral, taken_anew


async def keep(store: SqlStore, record_id: str, **more: object) -> Link:
    taken = await taken_anew(store, record_id)
    saved = await store.save(taken, replace(taken.link, **more))  # type: ignore[arg-type]
    await store.done(taken, T0)
    return saved


async def test_a_link_is_found_by_its_key_and_by_either_record(store: SqlStore) -> None:
    link = await keep(store, "r1", crm_id="o1", engagement_id="e1", microsoft_id="m1")
    for wanted in (link.key, "r1", "o1"):
        assert await store.link(wanted) == link
    assert await store.link("nobody") is None
    assert await store.link_of_engagement("e1") == link
    assert await store.link_of_engagement("e2") is None


async def test_links_are_found_by_the_ids_asked_for(store: SqlStore) -> None:
    one = await keep(store, "r1", crm_id="o1", microsoft_id="m1")
    two = await keep(store, "r2")
    assert await store.links_of(PC, ["r1", "m1", "r2", "nobody"]) == {"r1": one, "m1": one, "r2": two}
    assert await store.links_of(CRM, ["o1", "r1"]) == {"o1": one}
    assert await store.links_of(CRM, []) == {}


async def test_thousands_of_links_are_found_in_one_call(store: SqlStore) -> None:
    ids = [f"r{n}" for n in range(2500)]
    await store.poke([referral(record_id) for record_id in ids], T0)
    assert list(await store.links_of(PC, ids)) == ids


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (LinkFilter(), {"r1", "r2", "r3", "r4"}),
        (LinkFilter(states=(LinkState.HELD, LinkState.PAUSED)), {"r2", "r3"}),
        (LinkFilter(attention=True), {"r2", "r4", "r1"}),
        (LinkFilter(attention=True, states=(LinkState.NEW,)), {"r4"}),
        (LinkFilter(text="tOSO 100%"), {"r1"}),
        (LinkFilter(text="100_"), set()),
        (LinkFilter(text="o2"), {"r2"}),
        (LinkFilter(limit=0), set()),
    ],
)
async def test_links_are_listed_by_state_text_and_need(
    store: SqlStore, which: LinkFilter, found: set[str]
) -> None:
    await keep(
        store,
        "r1",
        state=LinkState.LINKED,
        base={"name": Pair("Contoso 100%", "Contoso 100%")},
        holds={"notes": Hold("conflict", T0)},
    )
    await keep(store, "r2", state=LinkState.HELD, crm_id="o2")
    await keep(store, "r3", state=LinkState.PAUSED)
    await keep(store, "r4", failures=8)
    assert {link.partner_center_id for link in await store.links(which)} == found


async def test_a_list_is_read_page_by_page(store: SqlStore) -> None:
    await store.poke([referral(str(n)) for n in range(25)], T0)
    keys: list[str] = []
    while page := await store.links(LinkFilter(limit=10, after=keys[-1] if keys else "")):
        keys += [link.key for link in page]
    assert len(keys) == 25
    assert keys == sorted(set(keys))


async def test_environments_do_not_see_each_other(opens: Open) -> None:
    staging, production = opens(), opens(environment="production")
    taken = await taken_anew(staging)
    await staging.save(taken, linked(taken.link))
    await staging.set_setting("pace", "slow", "ann", T0)
    other = await taken_anew(production)
    assert other.key != taken.key
    await production.save(other, linked(other.link))
    assert await production.link(taken.key) is None
    assert len(await production.links(LinkFilter())) == 1
    assert await production.setting("pace") is None
    assert await production.poke_all("sweep", T0) == 1
    assert (await production.load(T0)).running == 1
