"""The catalogue of Dynamics 365 as a whole: read, taught, taught again (CUS-15, FLD-D11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core.catalogue import KnownSolution
from cosell.core.errors import CosellError, Misconfigured
from cosell.ports import Catalogue
from cosell.systems.dataverse.options import FieldNames

from .dynamicsfloor import opened

TABLE = "cosell_solutiondetail"
FLEET = KnownSolution("SOL-10001-AAA", "Fleet Optimizer", "3P", "Contoso")


async def test_what_was_taught_stands_in_the_catalogue() -> None:
    async with opened() as floor:
        assert isinstance(floor.system, Catalogue)
        assert await floor.system.teach([FLEET]) == {FLEET.id: None}
        (row,) = floor.rows(TABLE)
        assert (row["cosell_name"], row["cosell_publishername"]) == ("Fleet Optimizer", "Contoso")
        shelf = await floor.system.solutions()
        assert shelf.solutions == (FLEET,)
        assert shelf.room == {"id": 100, "name": 200, "type": 100, "publisher": 200}


async def test_teaching_twice_changes_one_row() -> None:
    async with opened() as floor:
        await floor.system.teach([FLEET])
        later = replace(FLEET, id="sol-10001-aaa", name="Fleet Optimizer 2", type="")
        assert await floor.system.teach([later]) == {later.id: None}
        (row,) = floor.rows(TABLE)
        assert row["cosell_solutionidentifier"] == "SOL-10001-AAA"
        assert (row["cosell_name"], row["cosell_solutiontype"]) == ("Fleet Optimizer 2", "3P")


async def test_a_thousand_solutions_take_few_calls() -> None:
    many = [KnownSolution(f"SOL-{at}-AAA", f"Name {at}") for at in range(1000)]
    async with opened() as floor:
        await floor.prepare()
        assert set((await floor.system.teach(many)).values()) == {None}
        assert floor.calls() == 3
        floor.forget()
        assert len((await floor.system.solutions()).solutions) == 1000
        assert floor.calls() == 1


async def test_a_refused_solution_leaves_the_others_alone() -> None:
    bad = KnownSolution("SOL-10002-BBB", "x" * 201)
    async with opened() as floor:
        outcomes = await floor.system.teach([bad, FLEET])
        assert isinstance(outcomes[bad.id], CosellError)
        assert outcomes[FLEET.id] is None
        assert len(floor.rows(TABLE)) == 1


async def test_a_call_without_an_answer_is_told_for_each() -> None:
    async with opened() as floor:
        await floor.prepare()
        await floor.system.solutions()
        floor.fault("drop", "$batch")
        outcomes = await floor.system.teach([FLEET, KnownSolution("SOL-10002-BBB", "Cold Chain")])
        assert all(isinstance(one, CosellError) for one in outcomes.values())
        assert set((await floor.system.teach([FLEET])).values()) == {None}
        assert len(floor.rows(TABLE)) in (1, 2)


@pytest.mark.parametrize("table", ["cosell_nothing", ""])
async def test_without_the_table_a_sentence_tells_what_to_do(table: str) -> None:
    async with opened(fields=FieldNames(detail_table=table)) as floor:
        with pytest.raises(Misconfigured, match="catalogue of solutions") as caught:
            await floor.system.solutions()
        assert "detail_table" in caught.value.advice
        with pytest.raises(Misconfigured):
            await floor.system.teach([FLEET])


async def test_a_column_that_is_missing_is_not_kept() -> None:
    async with opened(fields=FieldNames(detail_publisher="", detail_type="cosell_other")) as floor:
        await floor.system.teach([FLEET])
        shelf = await floor.system.solutions()
        assert shelf.solutions == (KnownSolution(FLEET.id, FLEET.name),)
        assert set(shelf.room) == {"id", "name"}
