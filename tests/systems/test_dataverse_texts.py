"""Hostile and unusual text on its way through Dynamics 365: reliability.md 8.3."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosell.core import values as normal
from cosell.core.records import Snapshot
from cosell.core.values import Person, Solution
from cosell.ports import Marks
from cosell.systems.dataverse.odata import address, literal, within

from .dynamicsfloor import Floor, creation, opened
from .test_salesforce_texts import TEXTS

ODD = [
    *TEXTS,
    "$deal",
    "/accounts(00000000-0000-0000-0000-000000000000)",
    "--batch_cosell--",
    "\r\n--changeset_1--\r\n",
    "Content-ID: 1",
    "@p1",
    "a'b''c",
    "Microsoft.Dynamics.CRM.In(PropertyName='x')",
    "<importexportxml>",
]


@pytest.fixture
async def floor() -> AsyncIterator[Floor]:
    async with opened(connections=True) as one:
        yield one


async def test_text_goes_in_and_comes_out_as_its_normal_form(floor: Floor) -> None:
    """As customer, name, notes, contact and solution name, in new rows and in old ones."""
    for at, text in enumerate(ODD):
        wanted = normal.text(text)
        assert isinstance(wanted, str)
        person = Person("p@x.example", wanted[:20], wanted[:20])
        values = {"name": wanted, "notes": wanted, "customer_name": wanted, "address_line": wanted}
        solution = Solution("SOL-1-AAA", name=wanted)
        made = await floor.system.create(
            creation(f"r-{at}", **values, contacts=(person,), solutions=(solution,))
        )
        assert {key: made.values[key] for key in values} == values, text
        assert made.values["contacts"] == (person,)
        after = await floor.write(made, name="plain", notes=None, marks=Marks((wanted,), "ok"))
        assert isinstance(after, Snapshot), text
        again = await floor.write(after, notes=wanted, contacts=(Person("p@x.example", "A", wanted[:20]),))
        assert isinstance(again, Snapshot), text
        assert again.values["notes"] == wanted
        assert await floor.system.find(wanted) == []


async def test_any_referral_id_is_stored_and_found_as_it_is(floor: Floor) -> None:
    """The id comes from the other system: it is data, also inside a query and an address."""
    made = {}
    for partner_id in map(normal.text, ODD):
        assert isinstance(partner_id, str)
        made[partner_id] = (await floor.system.create(creation(partner_id))).id
    for partner_id, deal in made.items():
        found = await floor.system.find(partner_id)
        assert [(one.id, one.partner_id) for one in found] == [(deal, partner_id)], partner_id


async def test_any_solution_id_is_kept_and_enters_the_catalogue_where_a_key_can_be_addressed(
    floor: Floor,
) -> None:
    """dataverse-api.md trap 8."""
    ids = ["SOL 1", "Ünïcode", "a'b", "a#b", "a,b=c(d)", "a/b", "100%", "a?b", "x:y", "😀"]
    wanted = tuple(Solution(one) for one in sorted(ids, key=str.casefold))
    made = await floor.system.create(creation(solutions=wanted))
    listed = made.values["solutions"]
    assert isinstance(listed, tuple)
    assert {one.key for one in listed} == {one.casefold() for one in ids}
    known = {one["cosell_solutionidentifier"] for one in floor.rows("cosell_solutiondetail")}
    assert known == {"SOL 1", "Ünïcode", "a'b", "a#b", "a,b=c(d)", "😀"}


@given(st.text(max_size=200))
def test_nothing_breaks_out_of_a_literal(text: str) -> None:
    """Every quote inside is doubled, and nothing of it stands in an address as it is."""
    quoted = literal(text)
    assert (quoted[0], quoted[-1]) == ("'", "'")
    assert "'" not in quoted[1:-1].replace("''", "")
    asked = address("accounts", {"$filter": f"name eq {quoted} or {within('name', [text])}"})
    assert asked.isascii()
    assert asked.isprintable()
    assert not set(asked.partition("?")[2]) & set(" #&+%") - {"%"}
