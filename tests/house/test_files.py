"""What no file of the repository may hold, and what every module must."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = {".py", ".md", ".toml", ".txt", ".html", ".css", ".json", ".mako", ".cfg", ".ini", ".sh", ""}
HERE = Path(__file__)

UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b")
MACHINE = re.compile(r"(?:/" r"root/|/" r"work/|/" r"home/[a-z]|/" r"Users/|[A-Z]:\\Users)")
REGISTRY = re.compile(
    r"(?:files\.python" r"hosted\.org|pypi\." r"(?:org|python)|index" r"-url|registry\.npm" r"js)"
)
WORDS = re.compile(r"\b(?:Manager|Helper|Util|Utils|Processor|Base[A-Z]\w*)\b")


def tracked() -> list[Path]:
    """Every file in the repository, committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in found if file.is_file() and file.suffix in TEXT and file != HERE]


FILES = tracked()
MODULES = [file for file in FILES if file.suffix == ".py" and "src" in file.relative_to(ROOT).parts]
SOURCES = [file for file in FILES if file.suffix == ".py"]


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """Where a pattern stands, as file:line."""
    return [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_nothing_is_left_for_later() -> None:
    assert lines_with(UNFINISHED, FILES) == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert lines_with(MACHINE, FILES) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY, FILES) == []


def test_names_say_what_a_thing_is() -> None:
    """craft.md 11: no Manager, Helper, Util, Base, Handler."""
    found = []
    for file in MODULES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and WORDS.search(node.name):
                found.append(f"{file.relative_to(ROOT)}: {node.name}")
    assert found == []


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT / "src")))
def test_a_module_begins_with_a_promise(file: Path) -> None:
    source = file.read_text("utf-8")
    assert not source.strip() or ast.get_docstring(ast.parse(source)), "the module has no docstring"


def test_no_test_is_skipped_empty_or_named_like_a_place() -> None:
    found = []
    for file in SOURCES:
        if not file.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith(
                "test_"
            ):
                continue
            body = [one for one in node.body if not _is_words(one)]
            if not body or all(isinstance(one, ast.Pass) for one in body):
                found.append(f"{file.name}: {node.name} is empty")
            if any(
                re.search(r"\bmark\.(?:skip|skipif|xfail)\b", ast.unparse(mark))
                for mark in node.decorator_list
            ):
                found.append(f"{file.name}: {node.name} is skipped")
            if len(node.name.split("_")) < 4:
                found.append(f"{file.name}: {node.name} does not read as a sentence")
    assert found == []


def _is_words(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_a_test_cites_rows_that_exist() -> None:
    """Invariants are numbered 1 to 24; a citation of another one is a slip."""
    found = [
        f"{file.relative_to(ROOT)}: INV-{number}"
        for file in SOURCES
        for number in re.findall(r"INV-([0-9]+)", file.read_text("utf-8"))
        if not 1 <= int(number) <= 24
    ]
    assert found == []


def test_modules_stay_short_enough_to_read() -> None:
    """design.md 3: over 300 lines is a smell to look at; over 600 nobody has looked."""
    long = {
        str(file.relative_to(ROOT)): count
        for file in MODULES
        if (count := len(file.read_text("utf-8").splitlines())) > 600
    }
    assert long == {}
