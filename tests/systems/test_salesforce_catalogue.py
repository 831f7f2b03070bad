"""The catalogue of Salesforce, where an administrator made an object for it (CUS-15, FLD-D11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cosell.core.catalogue import KnownSolution
from cosell.core.errors import CosellError, Misconfigured
from cosell.ports import Catalogue
from cosell.systems.salesforce.options import FieldNames

from .salesfloor import opened

OBJECT = "Microsoft_Solution_Detail__c"
FLEET = KnownSolution("SOL-10001-AAA", "Fleet Optimizer", "3P", "Contoso")


async def test_what_was_taught_stands_in_the_catalogue() -> None:
    async with opened() as floor:
        assert isinstance(floor.system, Catalogue)
        assert await floor.system.teach([FLEET]) == {FLEET.id: None}
        (row,) = floor.rows(OBJECT)
        assert (row["Name"], row["Type__c"], row["Publisher_Name__c"]) == ("Fleet Optimizer", "3P", "Contoso")
        shelf = await floor.system.solutions()
        assert shelf.solutions == (FLEET,)
        assert shelf.room == {"id": 100, "name": 80, "type": 100, "publisher": 200}


async def test_teaching_twice_changes_one_row() -> None:
    async with opened() as floor:
        await floor.system.teach([FLEET])
        later = replace(FLEET, id="sol-10001-aaa", name="Fleet Optimizer 2", type="")
        assert await floor.system.teach([later]) == {later.id: None}
        (row,) = floor.rows(OBJECT)
        assert row["Solution_Identifier__c"] == "SOL-10001-AAA"
        assert (row["Name"], row["Type__c"]) == ("Fleet Optimizer 2", "3P")


async def test_many_solutions_take_few_calls() -> None:
    many = [KnownSolution(f"SOL-{at}-AAA", f"Name {at}") for at in range(401)]
    async with opened() as floor:
        await floor.system.prepare()
        floor.forget()
        assert set((await floor.system.teach(many)).values()) == {None}
        assert floor.calls("composite/sobjects") == 3
        assert floor.calls() == 5
        assert len((await floor.system.solutions()).solutions) == 401


async def test_a_refused_solution_leaves_the_others_alone() -> None:
    bad = KnownSolution("SOL-10002-BBB", "x" * 81)
    async with opened() as floor:
        outcomes = await floor.system.teach([bad, FLEET])
        assert isinstance(outcomes[bad.id], CosellError)
        assert outcomes[FLEET.id] is None
        assert len(floor.rows(OBJECT)) == 1


async def test_a_call_without_an_answer_is_told_for_each() -> None:
    async with opened() as floor:
        await floor.system.prepare()
        floor.fault("drop", "composite/sobjects")
        outcomes = await floor.system.teach([FLEET, KnownSolution("SOL-10002-BBB", "Cold Chain")])
        assert all(isinstance(one, CosellError) for one in outcomes.values())
        assert set((await floor.system.teach([FLEET])).values()) == {None}


async def test_an_org_without_the_object_works_and_says_so_when_asked() -> None:
    async with opened(fields=FieldNames(detail_object="Nothing__c")) as floor:
        await floor.system.prepare()
        assert "Nothing__c" not in " ".join(one.message for one in await floor.system.check())
        with pytest.raises(
            Misconfigured, match=r"no catalogue of solutions: the object Nothing__c"
        ) as caught:
            await floor.system.solutions()
        assert "how-to/fill-the-solution-catalogue.md" in caught.value.advice
        with pytest.raises(Misconfigured):
            await floor.system.teach([FLEET])


async def test_an_object_without_the_identifier_is_no_catalogue() -> None:
    async with opened(fields=FieldNames(detail_object="Account")) as floor:
        with pytest.raises(Misconfigured, match="has no text field Solution_Identifier__c"):
            await floor.system.solutions()


async def test_a_field_that_is_missing_is_not_kept() -> None:
    fields = FieldNames(detail_type="Another__c", detail_publisher="CreatedDate")
    async with opened(fields=fields) as floor:
        await floor.system.teach([FLEET])
        shelf = await floor.system.solutions()
        assert {"id", "name"} <= set(shelf.room)
        assert "publisher" not in shelf.room
