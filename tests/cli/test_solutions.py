"""`cosell solutions`: a file is taken whole or refused line by line, and importing twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cosell.cli import solution_files
from cosell.core.catalogue import KnownSolution, Shelf
from cosell.core.errors import CosellError, Misconfigured, Rejected
from tests.cli.conftest import HOSTILE, Cosell

ROOM = {"id": 100, "name": 80, "type": 40, "publisher": 0}
HEAD = "Solution Identifier,Solution Name,Type,Publisher Name\n"
TWO = HEAD + "SOL-10001-AAA,Fleet Optimizer,3P,Contoso\nSOL-10002-BBB,Cold Chain,,\n"


@dataclass(slots=True)
class Crm:
    """Stands in for a CRM with a catalogue."""

    shelf: list[KnownSolution] = field(default_factory=list)
    room: Mapping[str, int] = field(default_factory=lambda: ROOM)
    refuses: Mapping[str, CosellError] = field(default_factory=dict)
    absent: bool = False
    taught: list[str] = field(default_factory=list)

    async def solutions(self) -> Shelf:
        if self.absent:
            raise Misconfigured(
                "The CRM has no catalogue of solutions.", did="Nothing was changed.", advice="Make one."
            )
        return Shelf(tuple(self.shelf), self.room)

    async def teach(self, solutions: Sequence[KnownSolution]) -> Mapping[str, CosellError | None]:
        for one in solutions:
            self.taught.append(one.id)
            if one.id not in self.refuses:
                self.shelf = [known for known in self.shelf if known.key != one.key] + [one]
        return {one.id: self.refuses.get(one.id) for one in solutions}

    async def aclose(self) -> None:
        pass


@pytest.fixture
def crm(deal: str, monkeypatch: pytest.MonkeyPatch) -> Crm:
    """The catalogue behind the commands; all the rest is real."""
    made = Crm()
    monkeypatch.setattr(
        "cosell.wiring.environment.Environment.systems", lambda self: SimpleNamespace(crm=made)
    )
    return made


def file(text: str | bytes) -> str:
    path = Path("solutions.csv")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_an_import_adds_what_is_missing_and_the_list_shows_it(cosell: Cosell, crm: Crm) -> None:
    said = cosell("solutions", "import", file(TWO), "--json")
    assert (said.code, said.json["ok"]) == (0, True)
    assert said.json["data"] == {
        "dry_run": False,
        "added": ["SOL-10001-AAA", "SOL-10002-BBB"],
        "changed": [],
        "same": 0,
        "failed": [],
        "ignored_columns": [],
    }
    listed = cosell("solutions", "list", "--json").json["data"]["solutions"]
    assert listed == [
        {"id": "SOL-10002-BBB", "name": "Cold Chain", "type": "", "publisher": ""},
        {"id": "SOL-10001-AAA", "name": "Fleet Optimizer", "type": "3P", "publisher": "Contoso"},
    ]
    shown = cosell("solutions", "list").out
    assert "Publisher Name" in shown
    assert "Fleet Optimizer" in shown


def test_importing_twice_changes_nothing(cosell: Cosell, crm: Crm) -> None:
    cosell("solutions", "import", file(TWO))
    crm.taught.clear()
    said = cosell("solutions", "import", file(TWO))
    assert crm.taught == []
    assert "Added 0, changed 0; 2 were there already." in said.words


def test_what_differs_is_corrected_and_an_empty_cell_leaves_what_is_there(cosell: Cosell, crm: Crm) -> None:
    crm.shelf = [
        KnownSolution("SOL-10001-AAA", "Old name"),
        KnownSolution("SOL-10002-BBB", "Cold Chain", "1P"),
    ]
    said = cosell("solutions", "import", file(TWO), "--json")
    assert (said.json["data"]["changed"], said.json["data"]["same"]) == (["SOL-10001-AAA"], 1)


def test_a_dry_run_writes_nothing(cosell: Cosell, crm: Crm) -> None:
    said = cosell("solutions", "import", file(TWO), "--dry-run")
    assert said.code == 0
    assert "Would add 2, change 0" in said.words
    assert "SOL-10001-AAA" in said.out
    assert crm.taught == []


@pytest.mark.parametrize(
    "text",
    [
        TWO,
        "\ufeff" + TWO,
        TWO.replace(",", ";"),
        TWO.replace("\n", "\r\n"),
        TWO.replace("\n", "\r"),
        TWO.removesuffix("\n"),
        "\n\n" + TWO.replace("\n", "\n\n") + ",,,\n",
        TWO.replace("Solution Identifier", " SOLUTION_IDENTIFIER "),
        TWO.replace("Publisher Name", "publishername"),
        '"Solution Name";"Solution Identifier";"Type";"Publisher Name"\n'
        '"Fleet Optimizer";"SOL-10001-AAA";"3P";"Contoso"\nCold Chain;SOL-10002-BBB\n',
        TWO + "SOL-10002-BBB,Cold Chain,,\n",
    ],
)
def test_a_file_may_come_from_any_spreadsheet(cosell: Cosell, crm: Crm, text: str) -> None:
    said = cosell("solutions", "import", file(text), "--json")
    assert said.code == 0, said.out
    assert sorted(crm.shelf, key=lambda one: one.id) == [
        KnownSolution("SOL-10001-AAA", "Fleet Optimizer", "3P", "Contoso"),
        KnownSolution("SOL-10002-BBB", "Cold Chain"),
    ]


def test_quotes_keep_signs_and_letters_of_all_languages(cosell: Cosell, crm: Crm) -> None:
    cosell("solutions", "import", file(HEAD + 'SOL-10001-AAA,"Köln, ""beta"" 日本",3P,\n'))
    assert crm.shelf == [KnownSolution("SOL-10001-AAA", 'Köln, "beta" 日本', "3P")]


@pytest.mark.parametrize(
    ("rows", "line", "why"),
    [
        ("SOL-1,Name,,\n", 3, "is no solution identifier"),
        (",Name,,\n", 3, "identifier is missing"),
        ("SOL-10003-CCC,,3P,\n", 3, "name is missing"),
        ("SOL-10003-CCC,Name, with a comma,3P,Contoso\n", 3, "5 cells under 4 headers"),
        ("SOL-10001-AAA,Another name,,\n", 3, "stands on line 2 already"),
        ('SOL-10003-CCC,"two\nlines",,\n', 3, "cannot be printed"),
        (f"SOL-10003-CCC,{'x' * 81},,\n", 3, "81 characters; the CRM holds 80"),
        ("\n\nSOL-10003-CCC,\x1b[2J,,\n", 5, "cannot be printed"),
        ('SOL-10003-CCC,"never closed,,\n', 3, "no CSV"),
        ("SOL-10003-CCC," + "x" * 200_000 + ",,\n", 3, "no CSV"),
    ],
)
def test_a_bad_line_is_named_and_nothing_of_its_file_is_imported(
    cosell: Cosell, crm: Crm, rows: str, line: int, why: str
) -> None:
    name = file(HEAD + "SOL-10001-AAA,Fleet Optimizer,3P,Contoso\n" + rows)
    said = cosell("solutions", "import", name)
    assert said.code == 1
    assert f"Line {line}" in said.err
    assert why in said.words
    assert "\x1b" not in said.err
    told = cosell("solutions", "import", name, "--dry-run", "--json").json
    assert (told["ok"], told["data"]["bad"][0]["line"]) == (False, line)
    assert crm.taught == []


def test_every_bad_line_is_told_and_of_very_many_the_first(cosell: Cosell, crm: Crm) -> None:
    said = cosell("solutions", "import", file(HEAD + "SOL-1,Name,,\n" * 500))
    assert "500 lines" in said.words
    assert "And 480 more." in said.words
    told = cosell("solutions", "import", file(HEAD + "SOL-1,Name,,\n" * 500), "--json").json
    assert len(told["data"]["bad"]) == 500


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("\n,,\n \n", "is empty"),
        (HEAD, "holds no solution"),
        ("Solution Name,Type\nFleet,3P\n", "no column «Solution Identifier»"),
        ("Solution Identifier\nSOL-10001-AAA\n", "no column «Solution Name»"),
        (HEAD.replace("Type", "Solution name") + "SOL-10001-AAA,a,b,c\n", "stands there twice"),
        ("SOL-10001-AAA,Fleet Optimizer,3P,Contoso\n", "no column"),
        (TWO.encode("utf-16"), "UTF-16"),
        (HEAD.encode() + "SOL-10001-AAA,Köln,,\n".encode("latin-1"), "Line 2 of the file is not UTF-8"),
        (b"\x00\x01\x02\xff", "not UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00", "no column"),
        (b"\x00" * 100, "no column"),
        (b"x" * (solution_files.LARGEST + 1), "larger than 5 MB"),
    ],
)
def test_what_is_no_file_of_solutions_is_refused(
    cosell: Cosell, crm: Crm, text: str | bytes, why: str
) -> None:
    said = cosell("solutions", "import", file(text))
    assert said.code == 1
    assert why in said.words
    assert crm.taught == []


def test_a_file_with_too_many_rows_is_refused(
    cosell: Cosell, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solution_files, "MOST_ROWS", 1)
    assert "more than 1 rows" in cosell("solutions", "import", file(TWO)).words
    assert crm.taught == []


@pytest.mark.parametrize("name", ["nowhere.csv", ".", "a\x00b", "~nobody-of-this-name/x", "x" * 5000])
def test_a_file_that_cannot_be_read_is_said_in_one_sentence(cosell: Cosell, crm: Crm, name: str) -> None:
    said = cosell("solutions", "import", name)
    assert said.code == 1
    assert "cannot be read" in said.words


def test_a_column_nobody_keeps_is_named(cosell: Cosell, crm: Crm) -> None:
    crm.room = {"id": 100, "name": 80}
    text = "Solution Identifier,Solution Name,Type,Status\nSOL-10001-AAA,Fleet,3P,live\n"
    said = cosell("solutions", "import", file(text), "--json")
    assert said.json["data"]["ignored_columns"] == ["Status", "Type"]
    assert said.json["data"]["added"] == ["SOL-10001-AAA"]


def test_what_the_crm_refuses_is_told_by_line_and_the_rest_is_there(cosell: Cosell, crm: Crm) -> None:
    crm.refuses = {"SOL-10002-BBB": Rejected("A rule of the CRM refused it.")}
    said = cosell("solutions", "import", file(TWO), "--json")
    data = said.json["data"]
    assert (said.code, said.json["ok"], data["added"]) == (3, False, ["SOL-10001-AAA"])
    assert (data["failed"][0]["id"], data["failed"][0]["line"]) == ("SOL-10002-BBB", 3)
    assert (
        "Line 3, SOL-10002-BBB: A rule of the CRM refused it."
        in cosell("solutions", "import", file(TWO)).words
    )


def test_where_all_are_refused_nothing_was_done(cosell: Cosell, crm: Crm) -> None:
    crm.refuses = {one: Rejected("No.") for one in ("SOL-10001-AAA", "SOL-10002-BBB")}
    assert cosell("solutions", "import", file(TWO)).code == 1


@pytest.mark.parametrize("words", [("list",), ("import", "solutions.csv")])
def test_a_crm_without_the_catalogue_says_so(cosell: Cosell, crm: Crm, words: tuple[str, ...]) -> None:
    crm.absent = True
    file(TWO)
    said = cosell("solutions", *words)
    assert said.code == 1
    assert "has no catalogue of solutions. Nothing was changed. Make one." in said.words


def test_a_crm_that_keeps_none_by_its_nature_says_so(
    cosell: Cosell, deal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    systems: Any = SimpleNamespace(crm=object())
    monkeypatch.setattr("cosell.wiring.environment.Environment.systems", lambda self: systems)
    assert "Salesforce keeps no catalogue" in cosell("solutions", "list").words


def test_an_empty_catalogue_tells_how_to_fill_it(cosell: Cosell, crm: Crm) -> None:
    assert "cosell solutions import FILE.csv" in cosell("solutions", "list").words


def test_hostile_names_are_tamed(cosell: Cosell, crm: Crm) -> None:
    crm.shelf = [KnownSolution("SOL-10001-AAA", HOSTILE, HOSTILE, HOSTILE)]
    said = cosell("solutions", "list")
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out
