"""What a CRM owes beside the deals themselves: the customers it knows, and leads."""

from __future__ import annotations

import pytest

from cosell.core.errors import Rejected
from cosell.core.matching import choose, customer_of
from cosell.core.records import RecordKind
from cosell.ports import Creation

from .bench import Bench
from .records import creation, made, read


def lead(bench: Bench, number: int = 1) -> Creation:
    """A lead that comes from Partner Center, with all that this CRM keeps of one."""
    wanted = creation(bench, number)
    can = bench.system.capabilities.leads
    values = {key: value for key, value in bench.deal().items() if key in can - {"state"}}
    return Creation(wanted.write_id, wanted.partner_id, values, wanted.marks, RecordKind.LEAD)


class Relations:
    """Customers and leads."""

    async def test_the_customer_of_a_deal_is_found_again_among_the_accounts(self, bench: Bench) -> None:
        """CUS-12, J-4: by the same name, and by nothing that belongs to somebody else."""
        if not bench.system.capabilities.accounts:
            assert list(await bench.system.accounts(creation(bench).values, None)) == []
            pytest.skip("declares to keep no accounts")
        await made(bench, 1)
        await made(bench, 2, customer_name="Northwind Traders")
        await bench.later(bench.system.capabilities.index_lag)
        wanted = creation(bench, 3, customer_name="Fabrikam Logistics 1").values
        accounts = await bench.system.accounts(wanted, None)
        customer = customer_of(wanted)
        assert customer is not None
        chosen = choose(customer, accounts)
        named = {one.id: one.name for one in accounts}
        assert named.get(chosen.account_id or "") == "Fabrikam Logistics 1", chosen.why
        stranger = {**wanted, "customer_name": "Wide World Importers", "contacts": ()}
        unknown = customer_of(stranger)
        assert unknown is not None
        assert choose(unknown, await bench.system.accounts(stranger, None)).account_id is None

    async def test_a_deal_made_for_an_account_makes_no_second_one(self, bench: Bench) -> None:
        if not bench.system.capabilities.accounts:
            pytest.skip("declares to keep no accounts")
        await made(bench, 1)
        wanted = creation(bench, 2, customer_name="Fabrikam Logistics 1")
        before = await bench.system.accounts(wanted.values, None)
        account_id = next(one.id for one in before if one.name == "Fabrikam Logistics 1")
        told = Creation(
            wanted.write_id, wanted.partner_id, wanted.values, wanted.marks, account_id=account_id
        )
        await bench.system.create(told)
        after = await bench.system.accounts(wanted.values, None)
        assert {one.id for one in after} == {one.id for one in before}

    async def test_a_lead_is_read_as_it_was_made_and_made_once(self, bench: Bench) -> None:
        """SCN-09, INV-3."""
        can = bench.system.capabilities
        if not can.leads:
            pytest.skip("declares to keep no leads")
        wanted = lead(bench)
        created = await bench.system.create(wanted)
        got = await read(bench, created.id)
        assert (got.kind, got.partner_id, got.became) == (RecordKind.LEAD, wanted.partner_id, None)
        assert got.values["customer_name"] == wanted.values["customer_name"]
        assert [one.id for one in await bench.system.find(wanted.partner_id)] == [created.id]
        if can.create == "by_key":
            with pytest.raises(Rejected) as caught:
                await bench.system.create(wanted)
            assert caught.value.code == "exists"

    async def test_a_lead_makes_no_account(self, bench: Bench) -> None:
        """J-4: its customer is chosen or made by the seller who converts it."""
        can = bench.system.capabilities
        if not (can.leads and can.accounts):
            pytest.skip("declares to keep no leads, or no accounts")
        wanted = lead(bench)
        await bench.system.create(wanted)
        await bench.later(can.index_lag)
        assert list(await bench.system.accounts(wanted.values, None)) == []
