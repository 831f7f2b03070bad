"""Whose deal a new opportunity is, in a CRM that keeps no accounts (J-4)."""

from __future__ import annotations

from cosell.core.records import Snapshot
from cosell.core.values import State
from cosell.engine import Engine
from cosell.ports import Creation
from cosell.store import memory, open_store
from tests.engine.shelves import CRM, PC, VALUES, Hands, Shelf, again


class Book(Shelf):
    """A CRM that writes the customer's name beside the deal, and takes new deals."""

    async def create(self, creation: Creation) -> Snapshot:
        made = Snapshot(
            self.side,
            f"O{len(self.records)}",
            {**VALUES, **creation.values},
            version="1",
            partner_id=creation.partner_id,
        )
        self.records[made.id] = made
        return made


async def _deals(engine: Engine, referrals: Shelf, count: int) -> None:
    for number in range(count):
        values = {**VALUES, "state": State.ACTIVE, "customer_name": "Contoso Harbour BV"}
        referrals.records[f"R{number}"] = Snapshot(PC, f"R{number}", values, version="1")
    await engine.poll(PC)
    await engine.drain()


async def test_deals_of_one_customer_wait_for_nobody_where_no_account_is_made() -> None:
    """The name stays in nobody's hands once a deal is made."""
    hands, referrals, book = Hands(), Shelf(PC), Book(CRM)
    store = open_store(memory(), environment="test", dice=hands)
    try:
        await _deals(again(store, hands, referrals, book), referrals, 3)
        assert sorted(one.partner_id or "" for one in book.records.values()) == ["R0", "R1", "R2"]
    finally:
        await store.aclose()
