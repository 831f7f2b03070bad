"""The catalogue of solutions: what may stand in it, and what a file does to it (CUS-15, FLD-D11)."""

from __future__ import annotations

import pytest

from cosell.core.catalogue import KnownSolution, Shelf, faults, steps

ROOM = {"id": 100, "name": 20, "publisher": 0}
PRESENT = KnownSolution("SOL-10001-AAA", "Fleet Optimizer", publisher="Contoso")


@pytest.mark.parametrize(
    ("wanted", "step"),
    [
        (KnownSolution("SOL-10002-BBB", "Fleet Optimizer"), "add"),
        (PRESENT, "same"),
        (KnownSolution("sol-10001-aaa", "Fleet Optimizer"), "same"),
        (KnownSolution("SOL-10001-AAA", "Fleet Optimizer", publisher="Fabrikam"), "change"),
        (KnownSolution("SOL-10001-AAA", "Fleet optimizer"), "change"),
        (KnownSolution("SOL-10001-AAA", "Fleet Optimizer", type="3P"), "same"),
        (KnownSolution("SOL-10001-AAA"), "same"),
    ],
)
def test_a_solution_is_added_changed_or_left_alone(wanted: KnownSolution, step: str) -> None:
    """What is empty, or has no place, changes nothing."""
    found = steps(Shelf((PRESENT,), ROOM), [wanted])
    assert [name for name, some in found.items() if some] == [step]


def test_of_two_rows_for_one_solution_the_first_counts() -> None:
    other = KnownSolution(PRESENT.id, "Another name")
    assert steps(Shelf((PRESENT, other), ROOM), [PRESENT])["same"] == [PRESENT]
    assert steps(Shelf((other, PRESENT), ROOM), [PRESENT])["change"] == [PRESENT]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (KnownSolution("", "Name"), "identifier is missing"),
        (KnownSolution("SOL-1", "Name"), "is no solution identifier"),
        (KnownSolution("SOL-10001-AAA", ""), "name is missing"),
        (KnownSolution("SOL-10001-AAA", "Two\nlines"), "cannot be printed"),
        (KnownSolution("SOL-10001-AAA", "\x1b[2J"), "cannot be printed"),
        (KnownSolution("SOL-10001-AAA", "x" * 21), "21 characters; the CRM holds 20"),
    ],
)
def test_what_can_be_no_entry_is_told_with_its_reason(one: KnownSolution, why: str) -> None:
    (said,) = faults(one, ROOM)
    assert why in said


def test_what_fits_has_no_fault() -> None:
    assert faults(KnownSolution("SOL-10001-AAA", "x" * 20, "3P", "y" * 5000), ROOM) == ()
